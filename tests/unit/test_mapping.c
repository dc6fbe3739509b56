/* A mapping file with every kind of mistake (tests/data/mapping.json). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"

static struct catalogue *plain, *mapped;

static int setup(void **state)
{
	const struct catalogue_sources sources = {.mapping = MAPPING};

	if (catalogue_load(NULL, NULL, 0, &plain, NULL) < 0)
		return -1;
	return catalogue_load_sources(&sources, &mapped, NULL);
}

static int teardown(void **state)
{
	catalogue_destroy(plain);
	catalogue_destroy(mapped);
	return 0;
}

static void test_what_is_imported(void **state)
{
	static const char *const there[] = {"fable/ink-1", "fable/ink-20", "fable/bold",
		"fable/first", "fable/second", "fable/odd", "fable/lists", "fable/none",
		"fable/whole"};

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		if (!catalogue_find(mapped, there[i]))
			fail_msg("%s is not there", there[i]);
	for (size_t i = 0; i < catalogue_count(mapped); i++) {
		const struct model *model = catalogue_at(mapped, i);
		const struct model *known = catalogue_find(plain, model->id);

		if (known) {
			assert_false(model->open);
			assert_int_equal(model->field_count, known->field_count);
		} else {
			assert_true(model->open);
			assert_int_equal(strncmp(model->id, "fable/", 6), 0);
		}
	}
	assert_int_equal(catalogue_count(mapped) - catalogue_count(plain), 27);
}

static void test_fields(void **state)
{
	static const struct {
		const char *model, *field;
		enum field_type type;
		enum media_kind media;
	} cases[] = {
		{"fable/ink-1", "prompt", FIELD_STRING, MEDIA_NONE},
		{"fable/ink-1", "duration", FIELD_STRING,
			MEDIA_NONE},				   /* "5", said to be a number */
		{"fable/ink-1", "seed", FIELD_NUMBER, MEDIA_NONE}, /* 42, said to be a string */
		{"fable/ink-1", "image_url", FIELD_STRING, MEDIA_IMAGE},
		{"fable/ink-1", "strength", FIELD_NUMBER, MEDIA_NONE},
		{"fable/odd", "prompt", FIELD_STRING, MEDIA_NONE},
		{"fable/odd", "list", FIELD_ARRAY, MEDIA_NONE},
		{"fable/odd", "deep", FIELD_ARRAY, MEDIA_NONE},
		{"fable/odd", "input_urls", FIELD_ARRAY, MEDIA_FILE},
		{"fable/odd", "clip_video_url", FIELD_STRING, MEDIA_VIDEO},
		{"fable/odd", "flag", FIELD_BOOLEAN, MEDIA_NONE},
		{"fable/odd", "thing", FIELD_STRING, MEDIA_NONE},
	};
	static const char *const wrappers[] = {"model", "input", "webhook_url", "callBackUrl"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct field *field =
			model_field(catalogue_find(mapped, cases[i].model), cases[i].field);
		if (!field)
			fail_msg("%s has no %s", cases[i].model, cases[i].field);
		if (field->type != cases[i].type || field_media(field) != cases[i].media)
			fail_msg("%s: %s is a %s", cases[i].model, cases[i].field,
				field_type_name(field->type));
	}
	const struct model *ink = catalogue_find(mapped, "fable/ink-1");
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
		assert_null(model_field(ink, wrappers[i]));
	assert_string_equal(model_field(ink, "prompt")->note, "What to draw how");
	assert_true(model_field(ink, "duration")->also_types & (1u << FIELD_NUMBER));
	assert_non_null(ink->prompt);
	assert_null(ink->price);
	assert_non_null(catalogue_find(mapped, "fable/ink-3")->price);
	assert_non_null(catalogue_find(mapped, "fable/odd")->price);
	assert_string_equal(catalogue_find(mapped, "fable/first")->category, "video");
	assert_string_equal(catalogue_find(mapped, "fable/odd")->category, "other");
}

static void test_report(void **state)
{
	static const char *const lines[] = {
		"\n2 Fable Ink 2: imported as fable/ink-2, 5 fields, nothing is checked\n",
		" is known already and stays as it is\n",
		"no service has the path /api/v1/aleph/record-info, which stands in 40 entries; it "
		"is "
		"wrong\n",
		"Get details 3: left out: GET /api/v1/jobs/recordInfo asks for something; it takes "
		"no "
		"requests\n",
		"Song 4 callbacks: left out: a page about callbacks takes no requests\n",
		"left out: \"fable-2.6---text-to-video\" is the title of a page, not an id\n",
		"left out: \"<code>\" is markup\n",
		"left out: \"fable/storyboard/index\" is the path of a page, not an id\n",
		"left out: \"Fable Two\" cannot be an id\n",
		"left out: a model's id is not a text\n",
		"Fable Ink 1 again: fable/ink-1 is known already and stays as it is\n",
		"Odd: field \"two words\" left out: no field has such a name\n",
		"No path: left out: it has no path\n",
		"(no name): left out: it names no model\n",
		"(no name): left out: it is not an object\n",
		"\n146 entries: 27 models imported, ",
	};
	const char *report = catalogue_mapping_report(mapped);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(report, lines[i]))
			fail_msg("no \"%s\" in:\n%s", lines[i], report);
	/* Every entry has its line. */
	for (int i = 2; i <= 146; i++) {
		char start[16];
		snprintf(start, sizeof(start), "\n%d ", i);
		if (!strstr(report, start))
			fail_msg("nothing about entry %d", i);
	}
	assert_string_equal(catalogue_mapping_report(plain), "");
}

static void test_what_is_no_mapping(void **state)
{
	struct catalogue_sources sources = {.mapping = MAPPING ".none"};
	struct catalogue *out = NULL;
	struct error err = {0};

	assert_int_equal(catalogue_load_sources(&sources, &out, &err), -ENOENT);
	sources.mapping = TEST_DATA "/invented.json";
	assert_int_equal(catalogue_load_sources(&sources, &out, &err), -EINVAL);
	assert_non_null(strstr(error_text(&err), "endpoints"));
	assert_null(out);
	error_finish(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_imported),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_what_is_no_mapping),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
