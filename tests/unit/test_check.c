/* Single fields and values, and the sentences about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/check.h"
#include "kiefs/findings.h"
#include "kiefs/word.h"

static void words(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {
		{"720p", "720P", 0},
		{"prompt", "prompt", 0},
		{"promt", "prompt", 1},
		{"16x9", "16:9", 1},
		{"aspectratio", "aspect_ratio", 1},
		{"image_urls", "image_url", 1},
		{"imageurl", "image_urls", 2},
		{"resolutoin", "resolution", 2},
		{"1", "2", SIZE_MAX},
		{"1K", "2K", SIZE_MAX},
		{"", "a", SIZE_MAX},
		{"red", "blue", SIZE_MAX},
		{"seed", "loop", SIZE_MAX},
		{"1234567890123456789012345678901234567890x",
			"1234567890123456789012345678901234567890y", SIZE_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (word_distance(rows[i].a, rows[i].b) != rows[i].distance)
			fail_msg("%s and %s: %zu", rows[i].a, rows[i].b,
				word_distance(rows[i].a, rows[i].b));
}

static void shown(void **state)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{"\"a\"", "\"a\""},
		{"\"\"", "\"\""},
		{"\"a\\\\\\\"\\t\\n\\u0001\\u007f\"", "\"a\\\\\\\"\\t\\n\\u0001\\u007f\""},
		{"0.1", "0.1"},
		{"-7", "-7"},
		{"9007199254740991", "9007199254740991"},
		{"1e300", "1e+300"},
		{"true", "true"},
		{"null", "null"},
		{"[1]", "an array"},
		{"{}", "an object"},
		{"\"1234567890123456789012345678901234567890\"",
			"\"1234567890123456789012345678901234567890\""},
		{"\"12345678901234567890123456789012345678901\"",
			"\"1234567890123456789012345678901234567890...\""},
	};
	char out[SHOWN_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *value = cJSON_Parse(rows[i].json);

		assert_string_equal(show_value(value, out), rows[i].text);
		cJSON_Delete(value);
	}
}

/* The longest characters and escapes are cut inside the buffer, and between characters. */
static void shown_long(void **state)
{
	char text[1024] = "", out[SHOWN_SIZE];

	for (int i = 0; i < 100; i++)
		strcat(text, "\xf0\x9f\xaa\x81");
	assert_int_equal(strlen(show_name(text, out)), 40 * 4 + 3);
	text[0] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(text, "\x01");
	show_name(text, out);
	assert_true(strlen(out) < SHOWN_SIZE);
	assert_string_equal(out + strlen(out) - 9, "\\u0001...");
}

static void lists(void **state)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{"[\"a\"]", "\"a\""},
		{"[\"a\", 2]", "\"a\" or 2"},
		{"[1,2,3]", "1, 2 or 3"},
		{"[1,2,3,4,5,6,7,8,9,10,11,12,13]", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 or 13"},
		{"[1,2,3,4,5,6,7,8,9,10,11,12,13,14]",
			"1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 ... (14 in all, listed in "
			"schema.json)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *values = cJSON_Parse(rows[i].json);
		struct buf out;

		buf_init(&out, 1024);
		show_list(values, &out);
		assert_string_equal(out.data, rows[i].text);
		buf_finish(&out);
		cJSON_Delete(values);
	}
}

static void same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"\"a\"", "\"a\"", true},
		{"\"a\"", "\"A\"", false},
		{"1", "1.0", true},
		{"1", "\"1\"", true},
		{"\"1.0\"", "1", true},
		{"\"1.0\"", "\"1\"", false},
		{"true", "true", true},
		{"true", "false", false},
		{"true", "1", false},
		{"true", "\"true\"", false},
		{"null", "null", false},
		{"[1]", "[1]", false},
		{"\"nan\"", "\"nan \"", false},
		{"0", "\"\"", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *a = cJSON_Parse(rows[i].a), *b = cJSON_Parse(rows[i].b);

		if (check_same(a, b) != rows[i].same || check_same(b, a) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		cJSON_Delete(a);
		cJSON_Delete(b);
	}
	assert_false(check_listed(NULL, NULL));
}

/* One field "v" that is described by the row, and a value of it. */
struct row {
	struct field field;
	const char *values, *also, *initial;
	const char *value;  /* NULL: not given */
	const char *result; /* the object afterwards, NULL: a fault */
	const char *text;   /* fault or warning */
};

static const struct row rows[] = {
	{{.type = FIELD_STRING}, NULL, NULL, NULL, "\"\"", "{\"v\":\"\"}", ""},
	{{.type = FIELD_STRING}, NULL, NULL, NULL, NULL, "{}", ""},
	{{.type = FIELD_STRING}, NULL, NULL, NULL, "null", "{}", ""},
	{{.type = FIELD_STRING}, NULL, NULL, "\"a\"", NULL, "{}", ""},
	{{.type = FIELD_STRING, .required = true}, NULL, NULL, "\"a\"", NULL, "{\"v\":\"a\"}", ""},
	{{.type = FIELD_STRING, .required = true}, NULL, NULL, "null", NULL, NULL,
		"v is missing and required: give a string."},
	{{.type = FIELD_STRING}, "[\"\", \"a\"]", NULL, NULL, "\"\"", "{\"v\":\"\"}", ""},
	{{.type = FIELD_STRING}, "[\"a\"]", "[\"\"]", NULL, "\"\"", "{\"v\":\"\"}", ""},
	{{.type = FIELD_STRING}, "[\"a\"]", NULL, NULL, "\"\"", "{}",
		"v is empty and was left out, since the API refuses it empty."},
	{{.type = FIELD_STRING}, "[\"a\"]", NULL, NULL, "\"b\"", NULL,
		"v is \"b\", but it must be \"a\"."},
	{{.type = FIELD_STRING}, "[\"a\"]", "[\"b\"]", NULL, "\"b\"", "{\"v\":\"b\"}", ""},
	{{.type = FIELD_STRING}, "[\"a\"]", "[\"b\", \"c\"]", NULL, "\"d\"", NULL,
		"v is \"d\", but it must be \"a\", or \"b\" or \"c\"."},
	{{.type = FIELD_STRING}, "[\"a\"]", "[\"Rachel\"]", NULL, "\"rachel\"", NULL,
		"v is \"rachel\", but it must be \"a\", or \"Rachel\". Did you mean \"Rachel\"?"},
	{{.type = FIELD_ARRAY, .max_items = 1, .media = MEDIA_VIDEO}, NULL, NULL, NULL, "1", NULL,
		"v is 1, but it must be an array [\"https://...\"] of at most 1 element, each the "
		"web address of a video, or the name of a file here (\"me.mp4\")."},
	{{.type = FIELD_STRING}, NULL, NULL, "\"8\"", "9", "{\"v\":\"9\"}", ""},
	{{.type = FIELD_STRING, .numeric_string = true}, NULL, NULL, NULL, "0.25",
		"{\"v\":\"0.25\"}", ""},
	{{.type = FIELD_STRING, .numeric_string = true}, NULL, NULL, NULL, "\"1e999\"", NULL,
		"v is \"1e999\", but it must be a number in quotes."},
	{{.type = FIELD_STRING, .also_types = 1u << FIELD_NUMBER}, "[\"5\"]", NULL, NULL, "5",
		"{\"v\":5}", ""},
	{{.type = FIELD_NUMBER, .also_types = 1u << FIELD_STRING, .has_max = true, .max = 5}, NULL,
		NULL, NULL, "\"4\"", "{\"v\":\"4\"}", ""},
	{{.type = FIELD_NUMBER, .also_types = 1u << FIELD_STRING, .has_max = true, .max = 5}, NULL,
		NULL, NULL, "\"6\"", NULL, "v is \"6\", but it must be a number of at most 5."},
	{{.type = FIELD_NUMBER, .also_types = 1u << FIELD_STRING}, NULL, NULL, NULL, "\"six\"",
		NULL, "v is \"six\", but it must be a number."},
	{{.type = FIELD_NUMBER}, "[0, 0.5, 1]", NULL, NULL, "\"0.5\"", "{\"v\":0.5}", ""},
	{{.type = FIELD_NUMBER}, "[0, 0.5, 1]", NULL, NULL, "0.6", NULL,
		"v is 0.6, but it must be one of 0, 0.5 or 1. Did you mean 0.5?"},
	{{.type = FIELD_INTEGER}, NULL, NULL, NULL, "\"99999999999999999999\"", NULL,
		"v is \"99999999999999999999\", but it must be a whole number."},
	{{.type = FIELD_INTEGER}, NULL, NULL, NULL, "\"\"", NULL,
		"v is \"\", but it must be a whole number."},
	{{.type = FIELD_INTEGER}, NULL, NULL, NULL, "\"5 \"", NULL,
		"v is \"5 \", but it must be a whole number."},
	{{.type = FIELD_INTEGER}, NULL, NULL, NULL, "\"2.5\"", NULL,
		"v is 2.5, but it must be a whole number."},
	{{.type = FIELD_INTEGER, .has_min = true, .min = 40, .step = 4}, NULL, NULL, NULL, "48",
		"{\"v\":48}", ""},
	{{.type = FIELD_INTEGER, .has_min = true, .min = 40, .step = 4}, NULL, NULL, NULL, "50",
		NULL, "v is 50, but it must be a whole number of at least 40 in steps of 4."},
	{{.type = FIELD_NUMBER, .step = 0.01}, NULL, NULL, NULL, "0.29", "{\"v\":0.29}", ""},
	{{.type = FIELD_NUMBER, .step = 0.01}, NULL, NULL, NULL, "123456.78", "{\"v\":123456.78}",
		""},
	{{.type = FIELD_NUMBER, .step = 0.01}, NULL, NULL, NULL, "0.295", NULL,
		"v is 0.295, but it must be a number in steps of 0.01."},
	{{.type = FIELD_BOOLEAN}, NULL, NULL, NULL, "0", NULL,
		"v is 0, but it must be true or false."},
	{{.type = FIELD_BOOLEAN, .also_types = 1u << FIELD_STRING}, NULL, NULL, NULL, "\"true\"",
		"{\"v\":\"true\"}", ""},
	{{.type = FIELD_ARRAY}, NULL, NULL, NULL, "[1, null, {}]", "{\"v\":[1,null,{}]}", ""},
	{{.type = FIELD_ARRAY, .required = true, .media = MEDIA_FILE}, NULL, NULL, NULL, "[]", NULL,
		"v has 0 elements, but at least 1 is needed. Add 1."},
	{{.type = FIELD_ARRAY, .min_items = 2, .max_items = 2}, NULL, NULL, NULL, "{}", NULL,
		"v is an object, but it must be an array [...] of 2 elements."},
	{{.type = FIELD_ARRAY, .min_items = 2, .max_items = 3}, NULL, NULL, NULL, "1", NULL,
		"v is 1, but it must be an array [...] of 2 to 3 elements."},
	{{.type = FIELD_OBJECT}, NULL, NULL, NULL, "{\"a\":1}", "{\"v\":{\"a\":1}}", ""},
	{{.type = FIELD_OBJECT}, NULL, NULL, NULL, "[]", NULL,
		"v is an array, but it must be an object {...}."},
	{{.type = FIELD_STRING, .media = MEDIA_AUDIO}, NULL, NULL, NULL, "\"https:// a\"", NULL,
		"v is \"https:// a\", but it must be a web address (https://...) of a sound file, "
		"without spaces, or the name of a file here (\"me.mp3\"). Copy the file into this "
		"directory and give its name."},
	{{.type = FIELD_STRING, .media = MEDIA_FILE}, NULL, NULL, NULL, "\"\"", "{}",
		"v is empty and was left out, since the API refuses it empty."},
	/* A damaged pattern refuses nothing. */
	{{.type = FIELD_STRING, .pattern = "("}, NULL, NULL, NULL, "\"a\"", "{\"v\":\"a\"}", ""},
};

static void lift_limits(struct field *field)
{
	long *limits[] = {&field->min_length, &field->max_length, &field->min_items,
		&field->max_items, &field->max_text};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (*limits[i] == 0)
			*limits[i] = -1;
}

static void check_row(const struct row *row)
{
	struct field field = row->field;
	struct findings findings;
	cJSON *object = cJSON_CreateObject();
	cJSON *values = row->values ? cJSON_Parse(row->values) : NULL;
	cJSON *also = row->also ? cJSON_Parse(row->also) : NULL;
	cJSON *initial = row->initial ? cJSON_Parse(row->initial) : NULL;
	char *result;

	field.name = "v";
	field.values = values;
	field.also = also;
	field.initial = initial;
	lift_limits(&field);
	if (row->value)
		cJSON_AddItemToObject(object, "v", cJSON_Parse(row->value));
	findings_init(&findings, false);
	assert_int_equal(check_member(&field, &field, 1, object, "v", &findings), 0);
	assert_int_equal(findings_end(&findings), 0);
	result = cJSON_PrintUnformatted(object);
	const struct buf *said = row->result ? &findings.warnings : &findings.faults;
	if (strcmp(said->len ? said->data : "", row->text) != 0)
		fail_msg("%s: %s", row->value, said->len ? said->data : "nothing said");
	if (row->result && (strcmp(result, row->result) != 0 || findings.fault_count > 0))
		fail_msg("%s: %s %s", row->value, result, findings.faults.data);
	cJSON_free(result);
	findings_finish(&findings);
	cJSON_Delete(object);
	cJSON_Delete(values);
	cJSON_Delete(also);
	cJSON_Delete(initial);
}

static void fields(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(shown),
		cmocka_unit_test(shown_long),
		cmocka_unit_test(lists),
		cmocka_unit_test(same),
		cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
