/* Requests to models that chat: the services' own bodies, the short form, pictures. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "kiefs/error.h"
#include "kiefs/request.h"

static int build(const char *id, enum request_form form, const char *text,
	const struct request_rules *rules, struct request *out, struct error *err)
{
	const struct model *model = catalogue_find(catalogue, id);

	assert_non_null(model);
	return request_build(model, form, text, strlen(text), NULL, 0, rules, out, err);
}

#define FUNCTION                                                                                   \
	"{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","               \
	"\"parameters\":{\"type\":\"object\",\"properties\":{}}}}"

/* What the services document, each part of it somewhere. */
static const struct {
	const char *model, *body;
} native[] = {
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"developer\",\"content\":\"Be kind.\"},"
		"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"What?\"},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/a.png\"}},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/a.mp4\"}}]},"
		"{\"role\":\"assistant\",\"content\":\"That.\"},"
		"{\"role\":\"user\",\"content\":\"Why?\"}],\"stream\":false,"
		"\"include_thoughts\":true,\"tools\":[{\"type\":\"function\",\"function\":"
		"{\"name\":\"googleSearch\"}}]}"},
	{"gemini-2.5-pro", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
			   "\"reasoning_effort\":\"low\",\"response_format\":{\"type\":"
			   "\"json_schema\",\"json_schema\":{\"name\":\"s\",\"schema\":{}}}}"},
	{"gpt-5-2",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
		"\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}],\"tools\":[" FUNCTION
		"],\"reasoning_effort\":\"high\"}"},
	{"claude/claude-sonnet-4-5",
		"{\"model\":\"claude-sonnet-4-5\",\"messages\":[{\"role\":\"user\",\"content\":"
		"[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
		"\"image/png\",\"data\":\"AAAA\"}},{\"type\":\"image\",\"source\":{\"type\":"
		"\"url\",\"url\":\"https://h/a.png\"}},{\"type\":\"text\",\"text\":\"x\"}]}],"
		"\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":"
		"\"object\",\"properties\":{},\"required\":[\"a\"]}}],\"thinkingFlag\":true,"
		"\"stream\":true,\"max_tokens\":100,\"output_config\":{\"format\":{\"type\":"
		"\"json_schema\",\"schema\":{}}}}"},
	{"anthropic/claude-sonnet-5",
		"{\"model\":\"claude-sonnet-5\",\"system\":\"Be kind.\",\"max_tokens\":10,"
		"\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"},
	{"claude-opus-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":true}"},
	{"codex/gpt-5-4", "{\"model\":\"gpt-5-4\",\"stream\":false,\"input\":\"x\",\"reasoning\":"
			  "{\"effort\":\"xhigh\"},\"tools\":[{\"type\":\"web_search\"}],"
			  "\"tool_choice\":\"auto\"}"},
	{"responses/gpt-5.1-codex",
		"{\"model\":\"gpt-5.1-codex\",\"input\":[{\"role\":\"user\",\"content\":["
		"{\"type\":\"input_text\",\"text\":\"x\"},{\"type\":\"input_image\","
		"\"image_url\":\"https://h/a.png\"}]}]}"},
	{"grok/grok-4-3", "{\"model\":\"grok-4-3\",\"input\":[{\"role\":\"user\",\"content\":"
			  "\"x\"}],\"reasoning\":{\"effort\":\"low\"},\"tools\":[{\"type\":"
			  "\"web_search\"}]}"},
	{"gemini/gemini-3-flash",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\"},"
		"{\"inline_data\":{\"mime_type\":\"image/png\",\"data\":\"AAAA\"}},"
		"{\"file_data\":{\"mime_type\":\"image/png\",\"file_uri\":\"https://h/a\"}}]}],"
		"\"tools\":[{\"googleSearch\":{}},{\"functionDeclarations\":[{\"name\":\"f\","
		"\"description\":\"d\",\"parameters\":{}}]}],\"generationConfig\":"
		"{\"thinkingConfig\":{\"includeThoughts\":true,\"thinkingLevel\":\"low\"}},"
		"\"stream\":false}"},
};

static void test_native_bodies(void **state)
{
	for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++) {
		struct request request = {0};
		struct error err = {0};

		if (build(native[i].model, REQUEST_JSON, native[i].body, NULL, &request, &err) < 0)
			fail_msg("%s: %s", native[i].model, error_text(&err));
		if (request.warnings)
			fail_msg("%s: %s", native[i].model, request.warnings);
		assert_int_equal(request.references.count, 0);
		request_finish(&request);
	}
}

static const char *const siblings[] = {"fox.jpg", "fox-1.png", "fox.mp4"};

/* `words` stand in the body; `place` is where a picture named is, NULL: none is. */
static const struct {
	const char *model;
	enum request_form form;
	const char *text;
	bool beside;
	const char *words, *place, *name;
} made[] = {
	{"gpt-5-2", REQUEST_JSON, "{\"prompt\":\"Hi.\"}", false,
		"\"messages\":[{\"role\":\"user\",\"content\":\"Hi.\"}]", NULL, NULL},
	{"gpt-5-2", REQUEST_JSON, "{\"prompt\":\"Hi.\",\"system\":\"Be.\",\"stream\":false}", false,
		"[{\"role\":\"system\",\"content\":\"Be.\"},{\"role\":\"user\",\"content\":\"Hi.\"}"
		"]",
		NULL, NULL},
	{"anthropic/claude-sonnet-5", REQUEST_JSON, "{\"prompt\":\"Hi.\",\"system\":\"Be.\"}",
		false, "\"system\":\"Be.\"", NULL, NULL},
	{"codex/gpt-5-4", REQUEST_JSON, "{\"prompt\":\"Hi.\",\"images\":\"a b.png\"}", false,
		"{\"type\":\"input_image\",\"image_url\":\"a b.png\"}",
		"/input/0/content/1/image_url", "a b.png"},
	{"gemini/gemini-3-flash", REQUEST_JSON,
		"{\"prompt\":\"Hi.\",\"images\":[\"https://h/x.webp\",\"../a.JPG\"]}", false,
		"{\"mime_type\":\"image/jpeg\",\"file_uri\":\"../a.JPG\"}",
		"/contents/0/parts/2/file_data/file_uri", "../a.JPG"},
	{"gpt-5-2", REQUEST_PROMPT, "Hi.", true, "{\"type\":\"text\",\"text\":\"Hi.\"}",
		"/messages/0/content/1/image_url/url", "fox.jpg"},
	/* It names its own. */
	{"gpt-5-2", REQUEST_JSON, "{\"prompt\":\"Hi.\",\"images\":[\"me.png\"]}", true, "me.png",
		"/messages/0/content/1/image_url/url", "me.png"},
	/* The whole form takes none from beside it. */
	{"gpt-5-2", REQUEST_JSON, "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi.\"}]}", true,
		"\"Hi.\"", NULL, NULL},
	{"claude/claude-opus-5", REQUEST_JSON,
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":"
		"{\"type\":\"url\",\"url\":\"cat.png\"}}]}]}",
		false, "cat.png", "/messages/0/content/0/source/url", "cat.png"},
};

static void test_what_is_made(void **state)
{
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		const struct request_rules rules = {.stem = "fox",
			.siblings = siblings,
			.sibling_count = made[i].beside ? 3 : 0};
		struct request request = {0};
		struct error err = {0};

		if (build(made[i].model, made[i].form, made[i].text, &rules, &request, &err) < 0)
			fail_msg("%zu: %s", i, error_text(&err));
		if (!strstr(request.body, made[i].words))
			fail_msg("%zu: no %s in %s", i, made[i].words, request.body);
		assert_null(request.warnings);
		if (!made[i].place) {
			assert_int_equal(request.references.count, 0);
		} else {
			assert_true(request.references.count >= 1);
			assert_string_equal(request.references.list[0].place, made[i].place);
			assert_string_equal(request.references.list[0].name, made[i].name);
			assert_int_equal(request.references.list[0].kind, INPUT_MEDIA);
		}
		/* Pictures only, all of those beside it. */
		if (made[i].form == REQUEST_PROMPT)
			assert_int_equal(request.references.count, 2);
		request_finish(&request);
	}
}

static const struct {
	const char *text, *words;
} wrong[] = {
	{"{\"prompt\":7}", "prompt is 7"},
	{"{\"prompt\":\" \"}", "prompt is empty"},
	{"{\"prompt\":\"x\",\"system\":[]}", "system is"},
	{"{\"prompt\":\"x\",\"images\":[\"\"]}", "images is"},
	{"{\"prompt\":\"x\",\"images\":{}}", "images is"},
	{"{\"prompt\":\"x\",\"messages\":[]}", "prompt and messages are both given"},
	{"{\"images\":[\"a.png\"]}", "messages is missing"},
	{"{\"messages\":[{\"role\":\"user\",\"content\":[\"x\"]}]}", "messages[0].content[0]"},
};

static void test_what_is_wrong(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct request request = {0};
		struct error err = {0};

		assert_int_equal(
			build("gpt-5-2", REQUEST_JSON, wrong[i].text, NULL, &request, &err),
			-EINVAL);
		if (!strstr(error_text(&err), wrong[i].words))
			fail_msg("no \"%s\" in \"%s\"", wrong[i].words, error_text(&err));
		error_finish(&err);
	}
}

static void test_too_many_pictures(void **state)
{
	struct request request = {0};
	struct error err = {0};
	char text[2048] = "{\"prompt\":\"x\",\"images\":[\"0.png\"";

	for (int i = 1; i <= INPUTS_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ",\"%d.png\"", i);
	strcat(text, "]}");
	assert_int_equal(build("gpt-5-2", REQUEST_JSON, text, NULL, &request, &err), -E2BIG);
	assert_non_null(strstr(error_text(&err), "more than 64"));
	error_finish(&err);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_native_bodies),
		cmocka_unit_test(test_what_is_made),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_too_many_pictures),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, builtin_load, builtin_free);
}
