#include "format.h"
#include "place.h"

#include "kiefs/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_paths_are_made(void **state)
{
	static const struct {
		const char *before;
		const char *path;
		const char *after;
	} cases[] = {
		{"{}", "code", "{\"code\":\"one\"}"},
		{"{\"code\":1,\"b\":2}", "code", "{\"code\":\"one\",\"b\":2}"},
		{"{}", "data.task.id", "{\"data\":{\"task\":{\"id\":\"one\"}}}"},
		{"{\"data\":null}", "data.id", "{\"data\":{\"id\":\"one\"}}"},
		{"{}", "urls[]", "{\"urls\":[\"one\",\"two\"]}"},
		{"{}", "d.parts[].url",
			"{\"d\":{\"parts\":[{\"name\":\"part 1\",\"index\":0,\"url\":\"one\"},"
			"{\"name\":\"part 2\",\"index\":1,\"url\":\"two\"}],\"parts_count\":2}}"},
		{"{\"r\":\"\"}", "r>urls[]",
			"{\"r\":\"{\\\"urls\\\":[\\\"one\\\",\\\"two\\\"]}\"}"},
		{"{\"r\":\"{\\\"a\\\":1}\"}", "r>b",
			"{\"r\":\"{\\\"a\\\":1,\\\"b\\\":\\\"one\\\"}\"}"},
	};
	cJSON *one = cJSON_CreateString("one");
	cJSON *two = cJSON_CreateString("two");
	const cJSON *values[] = {one, two};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cJSON *json = cJSON_Parse(cases[i].before);

		assert_int_equal(place_values(json, cases[i].path, values, 2), 0);
		char *text = cJSON_PrintUnformatted(json);
		assert_string_equal(text, cases[i].after);
		cJSON_free(text);
		cJSON_Delete(json);
	}
	cJSON_Delete(one);
	cJSON_Delete(two);
}

static void test_objects_are_completed(void **state)
{
	cJSON *json = cJSON_Parse("{\"o\":{\"a\":1}}");
	cJSON *value = cJSON_Parse("{\"a\":2,\"b\":3}");

	assert_int_equal(place_value(json, "o", value), 0);
	char *text = cJSON_PrintUnformatted(json);
	assert_string_equal(text, "{\"o\":{\"a\":1,\"b\":3}}");
	cJSON_free(text);
	cJSON_Delete(value);
	cJSON_Delete(json);
}

static void test_formats(void **state)
{
	static const struct {
		const char *kind;
		const char *input;
		const char *extension;
	} cases[] = {
		{"image", "{}", "png"},
		{"image", "{\"output_format\":\"jpeg\"}", "jpg"},
		{"image", "{\"output_format\":\"jpg\"}", "jpg"},
		{"image", "{\"output_format\":\"webp\"}", "webp"},
		{"image", "{\"output_format\":\"mp3\"}", "png"},
		{"audio", "{\"output_format\":\"mp3_44100_128\"}", "mp3"},
		{"audio", "{\"output_format\":\"pcm_16000\"}", "wav"},
		{"video", "{\"output_format\":\"mov\"}", "mov"},
		{"video", "{\"prompt\":\"mov\"}", "mp4"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cJSON *input = cJSON_Parse(cases[i].input);
		const struct format *format = format_of(cases[i].kind, NULL, input);

		assert_string_equal(format->extension, cases[i].extension);
		assert_int_equal(format_by_extension(format->extension)->id, format->id);
		cJSON_Delete(input);
	}
	assert_null(format_by_extension("exe"));
}

static void test_sizes(void **state)
{
	static const struct {
		const char *input;
		int width;
		int height;
	} cases[] = {
		{"{}", 320, 320},
		{"{\"aspect_ratio\":\"16:9\"}", 320, 176},
		{"{\"aspect_ratio\":\"9:16\"}", 176, 320},
		{"{\"image_size\":\"portrait_4_3\"}", 240, 320},
		{"{\"image_size\":\"square_hd\"}", 320, 320},
		{"{\"aspect_ratio\":\"landscape\"}", 320, 176},
		{"{\"size\":\"640x320\"}", 320, 160},
		{"{\"aspect_ratio\":\"1:8\"}", 64, 320},
		{"{\"aspect_ratio\":\"0:8\"}", 320, 320},
		{"{\"time\":\"12:30:45\"}", 320, 320},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cJSON *input = cJSON_Parse(cases[i].input);
		int width;
		int height;

		format_size(input, 320, 16, &width, &height);
		assert_int_equal(width, cases[i].width);
		assert_int_equal(height, cases[i].height);
		cJSON_Delete(input);
	}
}

static void test_words_to_show(void **state)
{
	static const struct {
		const char *input;
		const char *words;
	} cases[] = {
		{"{}", ""},
		{"{\"negative_prompt\":\"longer than it\",\"prompt\":\"it\"}", "it"},
		{"{\"text\":\"say this\",\"voice\":\"Eve\"}", "say this"},
		{"{\"d\":[{\"text\":\"say this\"}],\"image_url\":\"https://e.x/long/long\"}",
			"say this"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cJSON *input = cJSON_Parse(cases[i].input);

		assert_string_equal(format_words(input), cases[i].words);
		cJSON_Delete(input);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_are_made),
		cmocka_unit_test(test_objects_are_completed),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_words_to_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
