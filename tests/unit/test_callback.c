/* Callbacks: whose task, and who signed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/callback.h"
#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "sample.h"

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

/* What each service is documented to send, the one place where it names its task, and the id. */
static const struct sample_row {
	const char *file, *place, *id;
} samples[] = {
	{"4o-image-callback-fail", "data.taskId", "task12345"},
	{"4o-image-callback-success", "data.taskId", "task12345"},
	{"aleph-callback-fail", "taskId", "ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"aleph-callback-success", "taskId", "ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"flux-kontext-callback-error-500", "data.taskId", "task12345"},
	{"flux-kontext-callback-fail-501", "data.taskId", "task12345"},
	{"flux-kontext-callback-success", "data.taskId", "task12345"},
	{"flux-kontext-callback-violation-400", "data.taskId", "task12345"},
	{"jobs-callback-fail-doc-2025", "data.taskId", "bd3a37c523149e4adf45a3ddb5faf1a8"},
	{"jobs-callback-fail-doc-2026-10", "data.taskId", "bd8f4b1a52048d0f17a38b49591abfa1"},
	{"jobs-callback-success-doc-2025", "data.taskId", "e989621f54392584b05867f87b160672"},
	{"jobs-callback-success-doc-2026-10", "data.taskId", "bd8f4b1a52048d0f17a38b49591abfa1"},
	{"market-happyhorse-1-1-image-to-video-callback-fail", "data.taskId",
		"task_example_video_webhook_001"},
	{"market-happyhorse-1-1-image-to-video-callback-success", "data.taskId",
		"task_example_video_webhook_001"},
	{"market-sora-2-characters-pro-callback-fail", "data.taskId",
		"bd3a37c523149e4adf45a3ddb5faf1a8"},
	{"market-sora-2-characters-pro-callback-success", "data.taskId",
		"e989621f54392584b05867f87b160672"},
	{"market-sora-2-image-to-video-stable-callback-fail", "data.taskId",
		"bd3a37c523149e4adf45a3ddb5faf1a8"},
	{"market-sora-2-image-to-video-stable-callback-success", "data.taskId",
		"e989621f54392584b05867f87b160672"},
	{"market-sora-2-text-to-video-callback-fail", "data.taskId",
		"bd3a37c523149e4adf45a3ddb5faf1a8"},
	{"market-sora-2-text-to-video-callback-success", "data.taskId",
		"e989621f54392584b05867f87b160672"},
	{"market-sora-2-text-to-video-stable-callback-fail", "data.taskId",
		"bd3a37c523149e4adf45a3ddb5faf1a8"},
	{"market-sora-2-text-to-video-stable-callback-success", "data.taskId",
		"e989621f54392584b05867f87b160672"},
	{"market-wan-3-0-video-callback-success", "data.taskId",
		"bd8f4b1a52048d0f17a38b49591abfa1"},
	{"runway-extend-callback-fail", "data.task_id", "ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"runway-extend-callback-success", "data.task_id", "ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"runway-generate-callback-fail", "data.task_id", "ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"runway-generate-callback-success", "data.task_id",
		"ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"suno-addInstrumental-callback-complete", "data.task_id", "2fac****9f72"},
	{"suno-addInstrumental-callback-fail", "data.task_id", "2fac****9f72"},
	{"suno-addInstrumental-callback-first", "data.task_id", "2fac****9f72"},
	{"suno-addInstrumental-callback-text", "data.task_id", "2fac****9f72"},
	{"suno-addVocals-callback-complete", "data.task_id", "2fac****9f72"},
	{"suno-addVocals-callback-fail", "data.task_id", "2fac****9f72"},
	{"suno-addVocals-callback-first", "data.task_id", "2fac****9f72"},
	{"suno-addVocals-callback-text", "data.task_id", "2fac****9f72"},
	{"suno-cover-callback-fail", "data.taskId", "21aee3c3c2a01fa5e030b3799fa4dd56"},
	{"suno-cover-callback-success", "data.taskId", "21aee3c3c2a01fa5e030b3799fa4dd56"},
	{"suno-extend-callback-complete", "data.task_id", "2fac****9f72"},
	{"suno-extend-callback-fail", "data.task_id", "2fac****9f72"},
	{"suno-extend-callback-first", "data.task_id", "2fac****9f72"},
	{"suno-extend-callback-text", "data.task_id", "2fac****9f72"},
	{"suno-generate-callback-fail", "data.task_id", "2fac****9f72"},
	{"suno-generate-callback-success", "data.task_id", "2fac****9f72"},
	{"suno-lyrics-callback-fail", "data.task_id", "3b66882fde0a5d398bd269cab6d9542b"},
	{"suno-lyrics-callback-success", "data.task_id", "3b66882fde0a5d398bd269cab6d9542b"},
	{"suno-midi-callback-fail", "data.taskId", "5c79****be8e"},
	{"suno-midi-callback-success", "data.taskId", "5c79****be8e"},
	{"suno-mp4-callback-fail", "data.task_id", "task_id_5bbe7721119d"},
	{"suno-mp4-callback-success", "data.task_id", "task_id_5bbe7721119d"},
	{"suno-replaceSection-callback-fail", "data.task_id", "2fac****9f72"},
	{"suno-replaceSection-callback-success", "data.task_id", "2fac****9f72"},
	{"suno-uploadCover-callback-complete", "data.task_id", "2fac****9f72"},
	{"suno-uploadCover-callback-fail", "data.task_id", "2fac****9f72"},
	{"suno-uploadCover-callback-first", "data.task_id", "2fac****9f72"},
	{"suno-uploadCover-callback-text", "data.task_id", "2fac****9f72"},
	{"suno-uploadExtend-callback-complete", "data.task_id", "2fac****9f72"},
	{"suno-uploadExtend-callback-fail", "data.task_id", "2fac****9f72"},
	{"suno-uploadExtend-callback-first", "data.task_id", "2fac****9f72"},
	{"suno-uploadExtend-callback-text", "data.task_id", "2fac****9f72"},
	{"suno-vocalRemoval-callback-separate-fail", "data.task_id",
		"3e63b4cc88d52611159371f6af5571e7"},
	{"suno-vocalRemoval-callback-separate-success", "data.task_id",
		"3e63b4cc88d52611159371f6af5571e7"},
	{"suno-vocalRemoval-callback-split-fail", "data.task_id",
		"e649edb7abfd759285bd41a47a634b10"},
	{"suno-vocalRemoval-callback-split-success", "data.task_id",
		"e649edb7abfd759285bd41a47a634b10"},
	{"suno-voiceValidate-callback-fail", "data.taskId", "xxx_task_id_xxx"},
	{"suno-voiceValidate-callback-success", "data.taskId", "xxx_task_id_xxx"},
	{"suno-wav-callback-fail", "data.task_id", "988e****c8d3"},
	{"suno-wav-callback-success", "data.task_id", "988e****c8d3"},
	{"veo-generate-callback-fail", "data.taskId", "veo_task_abcdef123456"},
	{"veo-generate-callback-fallback-fail", "data.taskId", "veo_task_abcdef123456"},
	{"veo-generate-callback-fallback-success", "data.taskId", "veo_task_abcdef123456"},
	{"veo-generate-callback-success", "data.taskId", "veo_task_abcdef123456"},
	{"veo-get4k-callback-fail", "data.taskId", "veo_task_abcdef123456"},
	{"veo-get4k-callback-success", "data.taskId", "veo_task_example123"},
};

/* The id that a body names at one path alone; NULL when none stands there. Heap. */
static char *id_at(const char *path, const char *body)
{
	cJSON *paths = cJSON_CreateStringArray(&path, 1);
	char *id = NULL;
	int r = callback_task_id(paths, body, strlen(body), &id);

	assert_true(r == 0 || r == -EINVAL);
	cJSON_Delete(paths);
	return id;
}

static void check_sample(const cJSON *paths, const struct sample_row *row)
{
	char *body = sample_read(row->file);
	const cJSON *path;
	char *id = NULL;

	if (callback_task_id(paths, body, strlen(body), &id) < 0)
		fail_msg("%s: no task", row->file);
	if (strcmp(id, row->id) != 0)
		fail_msg("%s: task %s", row->file, id);
	free(id);
	cJSON_ArrayForEach(path, paths)
	{
		bool expected = strcmp(path->valuestring, row->place) == 0;

		id = id_at(path->valuestring, body);
		if (expected != (id && strcmp(id, row->id) == 0))
			fail_msg("%s: %s holds %s", row->file, path->valuestring, id ? id : "none");
		free(id);
	}
	free(body);
}

/* Read by the paths of the built-in catalogue. */
static void test_documented_callbacks(void **state)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, NULL, 0, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	assert_int_equal(cJSON_GetArraySize(catalogue_callback(catalogue)), 3);
	for (size_t i = 0; i < COUNT(samples); i++)
		check_sample(catalogue_callback(catalogue), &samples[i]);
	catalogue_destroy(catalogue);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_whose_task),
		cmocka_unit_test(test_documented_callbacks),
	};

	if (sample_names_wanted(argc, argv)) {
		sample_names(&samples[0].file, COUNT(samples), sizeof(samples[0]));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
