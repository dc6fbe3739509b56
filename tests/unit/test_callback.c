/* Callbacks: whose task, and who signed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/callback.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The service documents the way; the key is invented. */
#define KEY "example-webhook-hmac-key"
#define ID "ee9c2715375b7837f8bb51d641ff5863"
#define SECONDS "1769670760"
#define SIGNATURE "cXt5ktJNRaOK/k+AzSYTGlgsA0eLYLMlKxdgTACYOSQ="
#define NOW_MS 1769670760000

static void test_signature(void **state)
{
	char signature[CALLBACK_SIGNATURE_SIZE];

	callback_sign(KEY, ID, SECONDS, signature);
	assert_string_equal(signature, SIGNATURE);
}

static void test_check(void **state)
{
	static const struct {
		const char *key, *id, *timestamp, *signature;
		int64_t now_ms;
		enum callback_verdict verdict;
	} cases[] = {
		{KEY, ID, SECONDS, SIGNATURE, NOW_MS, CALLBACK_ACCEPTED},
		{KEY, ID, SECONDS, SIGNATURE, NOW_MS + CALLBACK_WINDOW_MS, CALLBACK_ACCEPTED},
		{KEY, ID, SECONDS, SIGNATURE, NOW_MS - CALLBACK_WINDOW_MS, CALLBACK_ACCEPTED},
		{KEY, ID, SECONDS, SIGNATURE, NOW_MS + CALLBACK_WINDOW_MS + 1, CALLBACK_STALE},
		{KEY, ID, SECONDS, SIGNATURE, NOW_MS - CALLBACK_WINDOW_MS - 1, CALLBACK_STALE},
		{KEY, ID, SECONDS, SIGNATURE, 0, CALLBACK_STALE},
		{"another", ID, SECONDS, SIGNATURE, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, "another", SECONDS, SIGNATURE, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, "1769670761", SIGNATURE, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, NULL, SIGNATURE, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, SECONDS, NULL, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, "", SIGNATURE, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, "1769670760.0", SIGNATURE, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, "-1", SIGNATURE, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, "99999999999999999999", SIGNATURE, NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, SECONDS, "", NOW_MS, CALLBACK_UNSIGNED},
		{KEY, ID, SECONDS, "cXt5ktJNRaOK/k+AzSYTGlgsA0eLYLMlKxdgTACYOS", NOW_MS,
			CALLBACK_UNSIGNED},
		{KEY, ID, SECONDS, SIGNATURE "=", NOW_MS, CALLBACK_UNSIGNED},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("# case %zu\n", i);
		assert_int_equal(callback_check(cases[i].key, cases[i].id, cases[i].timestamp,
					 cases[i].signature, cases[i].now_ms),
			cases[i].verdict);
	}
}

static void test_whose_task(void **state)
{
	static const struct {
		const char *body, *id; /* id NULL: refused */
	} cases[] = {
		{"{\"code\":200,\"msg\":\"success\",\"data\":{\"result_video_url\":\"x\"},"
		 "\"taskId\":\"t-1\"}",
			"t-1"},
		{"{\"code\":400,\"msg\":\"no\",\"data\":null,\"taskId\":\"t-2\"}", "t-2"},
		{"{\"code\":200,\"data\":{\"taskId\":\"t-3\",\"state\":\"success\"}}", "t-3"},
		{"{\"code\":200,\"data\":{\"callbackType\":\"first\",\"task_id\":\"t-4\","
		 "\"data\":[]}}",
			"t-4"},
		{"{\"code\":200,\"data\":{\"taskId\":17}}", "17"},
		{"{\"code\":200,\"data\":{}}", NULL},
		{"{\"code\":200,\"data\":{\"taskId\":\"\"}}", NULL},
		{"{\"code\":200,\"data\":{\"taskId\":{}}}", NULL},
		{"[]", NULL},
		{"", NULL},
		{"{\"taskId\":", NULL},
		{"taskId=t-1", NULL},
	};
	cJSON *paths = cJSON_Parse("[\"taskId\", \"data.taskId\", \"data.task_id\"]");

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *id = NULL;
		int r = callback_task_id(paths, cases[i].body, strlen(cases[i].body), &id);
		print_message("# case %zu\n", i);
		assert_int_equal(r, cases[i].id ? 0 : -EINVAL);
		if (cases[i].id)
			assert_string_equal(id, cases[i].id);
		free(id);
	}
	cJSON_Delete(paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_whose_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
