/* The generated texts, for every model. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/describe.h"
#include "kiefs/error.h"
#include "kiefs/json.h"

#define TEXT_MAX (1u << 20)

static int setup(void **state)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, NULL, 0, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	*state = catalogue;
	return 0;
}

static int teardown(void **state)
{
	catalogue_destroy(*state);
	return 0;
}

typedef int describe_fn(const struct model *model, struct buf *out);

/* The same bytes each time, ending in one newline; a full buffer is an error. */
static char *text_of(const struct model *model, describe_fn *describe)
{
	struct buf first, again, small;

	buf_init(&first, TEXT_MAX);
	buf_init(&again, TEXT_MAX);
	buf_init(&small, 2);
	assert_int_equal(describe(model, &first), 0);
	assert_int_equal(describe(model, &again), 0);
	assert_int_equal(describe(model, &small), -EFBIG);
	assert_string_equal(first.data, again.data);
	assert_int_equal(first.data[first.len - 1], '\n');
	assert_int_not_equal(first.data[first.len - 2], '\n');
	buf_finish(&again);
	buf_finish(&small);
	return buf_take(&first);
}

static cJSON *json_of(const char *text)
{
	struct error err = {0};
	cJSON *value = NULL;

	if (json_parse(text, strlen(text), &value, &err) < 0)
		fail_msg("%s: %s", text, error_text(&err));
	return value;
}

static void check_has(const char *text, const char *want)
{
	if (!text || !strstr(text, want))
		fail_msg("no \"%s\" in:\n%s", want, text ? text : "nothing");
}

static void test_readme_of_every_model(void **state)
{
	for (size_t i = 0; i < catalogue_count(*state); i++) {
		const struct model *model = catalogue_at(*state, i);
		char *text = text_of(model, describe_readme);
		char *row;

		check_has(text, model->id);
		check_has(text, model->title);
		check_has(text, ".wait");
		check_has(text, "example.json");
		check_has(text, "## Price");
		if (model->retired)
			check_has(text, model->note);
		for (size_t j = 0; j < model->field_count; j++) {
			assert_true(asprintf(&row, "\n| `%s` | %s", model->fields[j].name,
					    field_type_name(model->fields[j].type)) > 0);
			check_has(text, row);
			free(row);
		}
		assert_null(strstr(text, "(null)"));
		free(text);
	}
}

static void test_example_of_every_model(void **state)
{
	for (size_t i = 0; i < catalogue_count(*state); i++) {
		const struct model *model = catalogue_at(*state, i);
		char *text = text_of(model, describe_example);
		cJSON *example = json_of(text);

		assert_true(cJSON_IsObject(example));
		for (const cJSON *item = example->child; item; item = item->next)
			if (!model_field(model, item->string))
				fail_msg("%s: %s", model->id, item->string);
		for (size_t j = 0; j < model->field_count; j++)
			if (model->fields[j].required &&
				!cJSON_HasObjectItem(example, model->fields[j].name))
				fail_msg("%s: %s", model->id, model->fields[j].name);
		cJSON_Delete(example);
		free(text);
	}
}

static void test_schema_of_every_model(void **state)
{
	for (size_t i = 0; i < catalogue_count(*state); i++) {
		const struct model *model = catalogue_at(*state, i);
		char *text = text_of(model, describe_schema);
		cJSON *schema = json_of(text);
		const cJSON *properties = cJSON_GetObjectItem(schema, "properties");
		const cJSON *required = cJSON_GetObjectItem(schema, "required");
		int wanted = 0;

		check_has(text, "https://json-schema.org/draft/2020-12/schema");
		assert_int_equal(cJSON_GetArraySize(properties), model->field_count);
		for (size_t j = 0; j < model->field_count; j++)
			wanted += model->fields[j].required;
		assert_int_equal(cJSON_GetArraySize(required), wanted);
		cJSON_Delete(schema);
		free(text);
	}
}

/* What single models must say. */
static const struct {
	const char *model;
	describe_fn *describe;
	const char *want;
} pieces[] = {
	{"z-image", describe_readme, "echo 'A red kite"},
	{"z-image", describe_readme, "costs 0.8 credits (0.004 USD)"},
	{"sora-2-text-to-video", describe_readme, "**Retired.**"},
	{"kling/ai-avatar-v1-pro", describe_readme, "kling/ai-avatar-pro"},
	{"elevenlabs/text-to-speech-turbo-2-5", describe_readme, "55 more, see `schema.json`"},
	{"google/gemini-2-5-pro-tts", describe_readme,
		"| `dialogue_turns[].text` | string | yes |"},
	{"gpt-image-2-text-to-image", describe_readme, "Only when resolution is \"1K\"."},
	{"pixverse-v6/extend", describe_readme, "Exactly one of: `taskId`, `video_url`."},
	{"kling/v2-1-pro", describe_readme, "takes the file that has its name, for `image_url`"},
	{"minimax-h3/image-to-video", describe_readme, "The file that goes with it lies beside"},
	{"google/nano-banana-edit", describe_readme, "`\"image_urls\": [\"me.png\"]`"},
	{"google/nano-banana-edit", describe_readme, "Several are `first-1.png`"},
	{"google/nano-banana-edit", describe_schema, "\"uri-reference\""},
	{"recraft/remove-background", describe_readme, "makes `me-1.png`"},
	{"recraft/remove-background", describe_readme, "the name or address of a picture"},
	{"4o-image-api", describe_readme, "Not known."},
	{"seedream/5-pro-image-to-image", describe_readme, "after the first 1 adds 0.5 credits"},
	{"recraft/remove-background", describe_readme, "cat second.wait"},
	{"grok-imagine/text-to-video", describe_schema, "[\"string\", \"number\"]"},
	{"bytedance/seedance-2-5", describe_schema, "\"enum\":\t[-1]"},
	{"pixverse-v6/extend", describe_schema, "oneOf"},
	{"4o-image-api", describe_schema, "anyOf"},
	{"volcengine/video-to-video-lip-sync", describe_schema, "\"then\""},
	{"wan/2-7-image", describe_schema, "^#[0-9A-Fa-f]{6}$"},
};

static void test_pieces(void **state)
{
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		const struct model *model = catalogue_find(*state, pieces[i].model);
		assert_non_null(model);
		char *text = text_of(model, pieces[i].describe);
		check_has(text, pieces[i].want);
		free(text);
	}
}

static void test_mount_readme(void **state)
{
	static const char *const wanted[] = {"cd models/z-image", "tasks/latest", "NAME.wait",
		"NAME.error", "echo retry", "echo resend", "echo cancel"};
	struct buf out;
	char count[64];

	buf_init(&out, TEXT_MAX);
	snprintf(count, sizeof(count), "all %zu models", catalogue_count(*state));
	assert_int_equal(describe_mount(*state, &out), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		check_has(out.data, wanted[i]);
	check_has(out.data, count);
	assert_int_equal(out.data[out.len - 1], '\n');
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readme_of_every_model),
		cmocka_unit_test(test_example_of_every_model),
		cmocka_unit_test(test_schema_of_every_model),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_mount_readme),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
