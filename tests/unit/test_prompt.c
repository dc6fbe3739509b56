/* The prompt of a body: what request_build() put there, and what the services' own forms hold. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "kiefs/request.h"

/* Of every model that takes one. */
static void test_what_was_written_is_found(void **state)
{
	static const char text[] = "A red kite over a green hill at noon.";
	const struct request_rules rules = {.warn_only = true};
	size_t found = 0;

	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);
		struct request request = {0};
		char *prompt = NULL;

		if (!model->prompt || request_build(model, REQUEST_PROMPT, text, strlen(text), NULL,
					      0, &rules, &request, NULL) < 0)
			continue;
		assert_int_equal(request_prompt(model, request.body, request.body_len, &prompt), 0);
		assert_string_equal(prompt, text);
		free(prompt);
		request_finish(&request);
		found++;
	}
	assert_true(found > 200);
}

static void test_forms(void **state)
{
	static const struct {
		const char *model, *body, *prompt; /* NULL: none */
	} cases[] = {
		{"z-image", "{\"model\":\"z-image\",\"input\":{\"prompt\":\"a\"}}", "a"},
		{"z-image", "{\"model\":\"z-image\",\"input\":{\"prompt\":7}}", NULL},
		{"z-image", "{\"input\":{}}", NULL},
		{"z-image", "[\"a\"]", NULL},
		{"z-image", "no JSON", NULL},
		{"z-image", "", NULL},
		{NULL, "{\"input\":{\"prompt\":\"a\"}}", "a"},
		{NULL, "{\"prompt\":\"a\"}", "a"},
		{"gemini-2.5-flash",
			"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
			"{\"role\":\"assistant\",\"content\":\"b\"},"
			"{\"role\":\"user\",\"content\":\"c\"}]}",
			"c"},
		{"gemini-2.5-flash",
			"{\"messages\":[{\"role\":\"user\",\"content\":["
			"{\"type\":\"text\",\"text\":\"a\"},"
			"{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/a.png\"}}]}]}",
			"a"},
		{"gemini-2.5-flash", "{\"messages\":[]}", NULL},
		{"gemini-2.5-flash", "{\"messages\":[[],[[]],7,null]}", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct model *model =
			cases[i].model ? catalogue_find(catalogue, cases[i].model) : NULL;
		char *prompt = NULL;
		int r = request_prompt(model, cases[i].body, strlen(cases[i].body), &prompt);

		assert_int_equal(r, cases[i].prompt ? 0 : -ENOENT);
		if (cases[i].prompt)
			assert_string_equal(prompt, cases[i].prompt);
		free(prompt);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_found),
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests(tests, builtin_load, builtin_free);
}
