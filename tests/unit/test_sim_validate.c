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

/* What is asked of fields together: the example of the model with these members in it. */
static void test_conditions(void **state)
{
	static const struct {
		const char *model;
		const char *more;
		int code;
		const char *message;
	} cases[] = {
		{"gpt-image-2-text-to-image", "{\"resolution\":\"2K\",\"aspect_ratio\":\"1:1\"}", 0,
			""},
		{"gpt-image-2-text-to-image", "{\"resolution\":\"2K\",\"aspect_ratio\":null}", 500,
			"aspect_ratio is required"},
		{"gpt-image-2-text-to-image", "{\"resolution\":\"4K\",\"aspect_ratio\":\"1:1\"}",
			500, "aspect_ratio is not within the range of allowed options"},
		{"volcengine/video-to-video-lip-sync", "{\"mode\":\"lite\",\"align_audio\":true}",
			0, ""},
		{"volcengine/video-to-video-lip-sync",
			"{\"mode\":\"basic\",\"templ_start_seconds\":3}", 500,
			"templ_start_seconds is not within the range of allowed options"},
		{"wan/3-0-video",
			"{\"first_frame_url\":\"https://e.x/a.png\","
			"\"reference_image_urls\":[\"https://e.x/b.png\"]}",
			422, "first_frame_url excludes other fields"},
		/* Of what the facts leave open the API may think otherwise. */
		{"bytedance/seedance-2",
			"{\"first_frame_url\":\"https://e.x/a.png\","
			"\"reference_image_urls\":[\"https://e.x/b.png\"]}",
			0, ""},
		{"grok-imagine/image-to-video", "{\"image_urls\":null}", 422,
			"image_urls is required"},
		{"gemini-omni-video",
			"{\"image_urls\":[\"https://e.x/1\",\"https://e.x/2\",\"https://e.x/3\","
			"\"https://e.x/4\",\"https://e.x/5\",\"https://e.x/6\"],"
			"\"video_list\":[{\"url\":\"https://e.x/v\",\"start\":0,\"ends\":5}]}",
			422, "image_urls is not within the range of allowed options"},
		{"google/gemini-2-5-pro-tts",
			"{\"dialogue_turns\":[{\"speaker_id\":\"Nobody\",\"text\":\"x\"}]}", 422,
			"dialogue_turns[].speaker_id is not within the range of allowed options"},
		{"sora-2-pro-storyboard", "{\"n_frames\":\"10\"}", 422,
			"shots[].duration is not within the range of allowed options"},
		{"pixverse-v6/reference-to-video",
			"{\"image_references\":["
			"{\"image_url\":\"https://e.x/"
			"a\",\"ref_name\":\"dog\",\"type\":\"subject\"},"
			"{\"image_url\":\"https://e.x/"
			"b\",\"ref_name\":\"dog\",\"type\":\"subject\"}]}",
			422,
			"image_references[].ref_name is not within the range of allowed options"},
		{"wan/2-7-image-pro",
			"{\"input_urls\":[\"https://e.x/"
			"a\"],\"bbox_list\":[[[1,1,9,9]],[[1,1,9,9]]]}",
			422, "bbox_list has another number of items than other fields"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char message[VALIDATE_MESSAGE_SIZE] = "";
		const struct model *model = catalogue_find(*state, cases[i].model);
		cJSON *more = cJSON_Parse(cases[i].more);

		assert_non_null(model);
		cJSON *input = cJSON_Duplicate(model->example, true);
		while (more->child) {
			cJSON *item = cJSON_DetachItemViaPointer(more, more->child);
			cJSON_DeleteItemFromObjectCaseSensitive(input, item->string);
			cJSON_AddItemToObject(input, item->string, item);
		}
		int code = validate_input(model, input, message);
		if (code != cases[i].code || strcmp(message, cases[i].message) != 0)
			fail_msg("%s, %s: %d %s", model->id, cases[i].more, code, message);
		cJSON_Delete(input);
		cJSON_Delete(more);
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
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_unknown_members_are_dropped),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
