/* Tables for src/base: buffers, days, JSON errors, paths, UTF-8, digests. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/clock.h"
#include "kiefs/digest.h"
#include "kiefs/error.h"
#include "kiefs/json.h"
#include "kiefs/jsonpath.h"
#include "kiefs/utf8.h"

static void test_buf_stops_at_its_maximum(void **state)
{
	struct buf buf;

	buf_init(&buf, 5);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	assert_int_equal(buf_addf(&buf, "%d", 12), 0);
	assert_int_equal(buf_adds(&buf, "x"), -EFBIG);
	assert_int_equal(buf_adds(&buf, ""), -EFBIG);
	assert_string_equal(buf.data, "abc12");
	buf_finish(&buf);
}

static void test_json_errors_name_line_and_column(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"{\n  \"a\": tru\n}", "line 2, column 8"},
		{"{\"a\": 1", "still open"},
		{"{\"a\":1} x", "line 1, column 9"},
		{"{\"a\":1,\"a\":2}", "twice"},
		{"[{\"k\":{\"b\":1,\"b\":2}}]", "\"b\" stands twice"},
		{"", "line 1, column 1"},
		{"{\"\xc3\xa4\": \xff}", "line 1, column 7"},
		{"\xff", "line 1, column 1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = {0};
		cJSON *value = NULL;
		assert_int_equal(
			json_parse(cases[i].text, strlen(cases[i].text), &value, &err), -EINVAL);
		if (!strstr(error_text(&err), cases[i].want))
			fail_msg("%s: %s", cases[i].text, error_text(&err));
		assert_null(value);
		error_finish(&err);
	}
}

/* The text has no NUL behind it: nothing may be read past its length, however it ends. */
static void test_json_stays_inside(void **state)
{
	static const char *const texts[] = {"{\"a\"li", "{\"a\": 1} x", "[1,\xde\x93o\"' ", "{x",
		"[\xff", "{\"a\": 1, \"b\": 2, \"a\": 3}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = strlen(texts[i]);
		char *exact = malloc(len);
		struct error err = {0};
		cJSON *value = NULL;

		assert_non_null(exact);
		memcpy(exact, texts[i], len);
		assert_int_equal(json_parse(exact, len, &value, &err), -EINVAL);
		assert_true(utf8_is_valid(err.text, strlen(err.text)));
		error_finish(&err);
		free(exact);
	}
}

static void test_json_too_deep(void **state)
{
	char text[4001];
	struct error err = {0};
	cJSON *value = NULL;

	memset(text, '[', 2000);
	memset(text + 2000, ']', 2000);
	assert_int_equal(json_parse(text, 4000, &value, &err), -EINVAL);
	assert_non_null(strstr(error_text(&err), "Too deep"));
	error_finish(&err);
}

static void test_json_completeness(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{"", false},
		{"{", false},
		{"{}", true},
		{" {\"a\": \"}\"", false},
		{"{\"a\": \"\\\"}\"}", true},
		{"plain", false},
		{"[1, {\"b\":2}]\n", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			json_is_complete(cases[i].text, strlen(cases[i].text)), cases[i].want);
}

static int count(const cJSON *item, void *user)
{
	(*(int *)user)++;
	return 0;
}

static void test_paths(void **state)
{
	cJSON *root = cJSON_Parse(
		"{\"data\":{\"id\":7,\"list\":[{\"u\":\"a\"},{\"u\":\"b\"},{}],"
		"\"text\":\"{\\\"urls\\\":[\\\"x\\\",\\\"y\\\"]}\",\"obj\":{\"urls\":[\"z\"]},"
		"\"none\":null,\"empty\":\"\"}}");
	static const struct {
		const char *path;
		int found;
		const char *first;
	} cases[] = {
		{"data.id", 1, "7"},
		{"data.list[].u", 2, "a"},
		{"data.text>urls[]", 2, "x"},
		{"data.obj>urls[]", 1, "z"},
		{"data.none", 0, NULL},
		{"data.empty", 1, NULL},
		{"data.empty>urls[]", 0, NULL},
		{"data.id[].x", 0, NULL},
		{"nowhere.at.all", 0, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int n = 0;
		assert_int_equal(json_path_each(root, cases[i].path, count, &n), 0);
		assert_int_equal(n, cases[i].found);
		char *first = json_path_string(root, cases[i].path);
		if (cases[i].first)
			assert_string_equal(first, cases[i].first);
		else
			assert_null(first);
		free(first);
	}
	cJSON_Delete(root);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		size_t length;
	} cases[] = {
		{"abc", true, 3},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true, 3},
		{"\xc0\x80", false, 0},
		{"\xed\xa0\x80", false, 0},
		{"\xf4\x90\x80\x80", false, 0},
		{"\xe2\x82", false, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);
		assert_int_equal(utf8_is_valid(cases[i].text, len), cases[i].valid);
		if (cases[i].valid)
			assert_int_equal(utf8_length(cases[i].text, len), cases[i].length);
	}
	assert_false(utf8_is_valid("a\0b", 3));
}

static void test_digest(void **state)
{
	char hex[DIGEST_HEX_SIZE], base64[DIGEST_BASE64_SIZE];

	digest_bytes_base64("abc", 3, base64);
	assert_string_equal(base64, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");

	digest_bytes("abc", 3, hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct digest *digest = digest_create();
	assert_non_null(digest);
	digest_add(digest, "a", 1);
	digest_add(digest, "bc", 2);
	digest_end(digest, hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_error_keeps_the_first_code(void **state)
{
	struct error err = {0};

	assert_int_equal(error_add(&err, -EINVAL, "one %d", 1), -EINVAL);
	assert_int_equal(error_add(&err, -EFBIG, "two"), -EINVAL);
	assert_string_equal(error_text(&err), "one 1\ntwo");
	error_finish(&err);
	assert_int_equal(err.code, 0);
}

static void test_days(void **state)
{
	static const struct {
		const char *text;
		int64_t day; /* -1: no day's name */
	} cases[] = {
		{"1970-01-01", 0},
		{"2000-02-29", 11016},
		{"2026-11-22", 20779},
		{"2026-1-22", -1},
		{"2026-11-31", -1},
		{"2026-11-22 ", -1},
		{" 2026-11-22", -1},
		{"2026-11-22T00", -1},
		{"+2026-11-22", -1},
		{"20261122", -1},
		{"", -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[CLOCK_DAY_SIZE];
		int64_t day = -1;
		int r = clock_parse_day(cases[i].text, &day);
		assert_int_equal(day, cases[i].day);
		assert_int_equal(r, day < 0 ? -EINVAL : 0);
		if (r == 0) {
			clock_format_day(day, text);
			assert_string_equal(text, cases[i].text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_stops_at_its_maximum),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_json_errors_name_line_and_column),
		cmocka_unit_test(test_json_stays_inside),
		cmocka_unit_test(test_json_too_deep),
		cmocka_unit_test(test_json_completeness),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_error_keeps_the_first_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
