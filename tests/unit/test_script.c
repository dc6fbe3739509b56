/* Texts and addresses in scripts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/json.h"
#include "kiefs/script.h"

#define TEXT(text) text, sizeof(text) - 1

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *literal;
	} cases[] = {
		{TEXT(""), "\"\""},
		{TEXT("a kite"), "\"a kite\""},
		{TEXT("Grüße, 風, 🪁"), "\"Grüße, 風, 🪁\""},
		{TEXT("\"\\"), "\"\\u0022\\u005c\""},
		{TEXT("</script><!--&'"), "\"\\u003c/script\\u003e\\u003c!--\\u0026\\u0027\""},
		{TEXT("a\nb\r\t\x7f"), "\"a\\nb\\u000d\\u0009\\u007f\""},
		{TEXT("a\0b"), "\"a\\u0000b\""},
		{TEXT("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
			"\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\""},
		/* No UTF-8: a byte alone, one that is cut short, an overlong form, a surrogate. */
		{TEXT("a\xff"
		      "b"),
			"\"a\\ufffdb\""},
		{TEXT("\xe2\x80"), "\"\\ufffd\\ufffd\""},
		{TEXT("\xc0\xbc"), "\"\\ufffd\\ufffd\""},
		{TEXT("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 4096);
		assert_int_equal(script_add_text(&out, cases[i].text, cases[i].len), 0);
		assert_string_equal(out.data, cases[i].literal);
		buf_finish(&out);
	}
}

/* Any bytes become a JSON string of plain characters that can end nothing. */
static void test_any_bytes(void **state)
{
	uint32_t random = 1;

	for (int round = 0; round < 2000; round++) {
		char text[24];
		struct buf out;
		cJSON *value = NULL;

		for (size_t i = 0; i < sizeof(text); i++) {
			random = random * 1664525 + 1013904223;
			text[i] = (char)(random >> 24);
		}
		buf_init(&out, 4096);
		assert_int_equal(script_add_text(&out, text, sizeof(text)), 0);
		for (size_t i = 0; i < out.len; i++)
			assert_true((unsigned char)out.data[i] >= 0x20);
		assert_null(strpbrk(out.data, "<>&'"));
		assert_null(strstr(out.data, "\xe2\x80\xa8"));
		assert_null(strstr(out.data, "\xe2\x80\xa9"));
		if (!memchr(text, '\0', sizeof(text))) {
			assert_int_equal(json_parse(out.data, out.len, &value, NULL), 0);
			assert_true(cJSON_IsString(value));
		}
		cJSON_Delete(value);
		buf_finish(&out);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *path, *literal;
	} cases[] = {
		{"models/z-image/fox-1.png", "\"models/z-image/fox-1.png\""},
		{"a b#c?d%e", "\"a%20b%23c%3Fd%25e\""},
		{"javascript:alert(1)", "\"javascript%3Aalert%281%29\""},
		{"a\nb\\\"'</script>", "\"a%0Ab%5C%22%27%3C/script%3E\""},
		{"\xff"
		 "ü",
			"\"%FF%C3%BC\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 4096);
		assert_int_equal(script_add_address(&out, cases[i].path), 0);
		assert_string_equal(out.data, cases[i].literal);
		buf_finish(&out);
	}
}

static void test_nothing(void **state)
{
	struct buf out;

	buf_init(&out, 16);
	script_add_string(&out, NULL);
	script_add_number(&out, -1);
	script_add_number(&out, 0.8);
	assert_string_equal(out.data, "nullnull0.8");
	assert_int_equal(script_add_text(&out, TEXT("too long")), -EFBIG);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
