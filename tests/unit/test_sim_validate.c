#include "validate.h"

#include "kiefs/catalogue.h"
#include "kiefs/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int load(void **state)
{
	struct catalogue *catalogue = NULL;
	int r = catalogue_load(NULL, NULL, 0, &catalogue, NULL);

	*state = catalogue;
	return r;
}

static int unload(void **state)
{
	catalogue_destroy(*state);
	return 0;
}

static void test_examples_are_taken(void **state)
{
	const struct catalogue *catalogue = *state;
	char message[VALIDATE_MESSAGE_SIZE];

	assert_true(catalogue_count(catalogue) >= 169);
	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);

		if (validate_input(model, model->example, message) != 0)
			fail_msg("%s: %s", model->id, message);
	}
}

/* Each required field of each model is missed when it is not there. */
static void test_required_fields_are_missed(void **state)
{
	const struct catalogue *catalogue = *state;
	char message[VALIDATE_MESSAGE_SIZE];
	char expected[VALIDATE_MESSAGE_SIZE];
	int checked = 0;

	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);

		for (size_t j = 0; j < model->field_count; j++) {
			const char *name = model->fields[j].name;
			cJSON *input = cJSON_Duplicate(model->example, true);

			cJSON_DeleteItemFromObjectCaseSensitive(input, name);
			if (model->fields[j].required) {
				snprintf(expected, sizeof(expected), "%s is required", name);
				assert_int_equal(validate_input(model, input, message), 500);
				assert_string_equal(message, expected);
				checked++;
			}
			cJSON_Delete(input);
		}
	}
	assert_true(checked > 169);
}

static void test_messages(void **state)
{
	static const struct {
		const char *model;
		const char *input;
		int code;
		const char *message;
	} cases[] = {
		{"z-image", "{\"prompt\":\"x\",\"aspect_ratio\":\"1:1\",\"new\":1}", 0, ""},
		{"z-image", "{\"prompt\":\"x\",\"aspect_ratio\":\"\"}", 500,
			"aspect_ratio is not within the range of allowed options"},
		{"z-image", "{\"prompt\":\"x\",\"aspect_ratio\":1}", 500,
			"aspect_ratio has an invalid type"},
		{"z-image", "{\"prompt\":null,\"aspect_ratio\":\"1:1\"}", 500,
			"prompt is required"},
		{"grok-imagine-image-2-0/segment-map", "{}", 422, "task_id is required"},
		{"grok-imagine-image-2-0/segment-map",
			"{\"task_id\":\"x\",\"image_url\":\"https://e.x/a.png\"}", 422,
			"task_id excludes other fields"},
		{"sora-2-image-to-video",
			"{\"prompt\":\"x\",\"image_urls\":[\"https://e.x/a\",\"https://e.x/b\"],"
			"\"upload_method\":\"s3\"}",
			500, "image_urls has too many items"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char message[VALIDATE_MESSAGE_SIZE] = "";
		cJSON *input = cJSON_Parse(cases[i].input);
		const struct model *model = catalogue_find(*state, cases[i].model);

		assert_non_null(model);
		assert_int_equal(validate_input(model, input, message), cases[i].code);
		assert_string_equal(message, cases[i].message);
		cJSON_Delete(input);
	}
}

static void test_unknown_members_are_dropped(void **state)
{
	cJSON *input = cJSON_Parse("{\"prompt\":\"x\",\"new\":1}");
	char *known = validate_known(catalogue_find(*state, "z-image"), input);
	char *all = validate_known(NULL, input);

	assert_string_equal(known, "{\"prompt\":\"x\"}");
	assert_string_equal(all, "{\"prompt\":\"x\",\"new\":1}");
	cJSON_free(known);
	cJSON_free(all);
	cJSON_Delete(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples_are_taken),
		cmocka_unit_test(test_required_fields_are_missed),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_unknown_members_are_dropped),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
