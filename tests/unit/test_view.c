/* Columns, bars and what is new in a log, as the views print them. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bar.h"
#include "follow.h"
#include "kiefs/buf.h"
#include "kiefs/view.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_columns(void **state)
{
	static const struct {
		const char *text;
		int width;
		enum column column;
		const char *wanted;
	} cases[] = {
		{"fox", 5, COLUMN_LEFT, "fox  "},
		{"fox", 5, COLUMN_RIGHT, "  fox"},
		{"fox", 5, COLUMN_LAST, "fox"},
		{"foxes", 3, COLUMN_LEFT, "fox"},
		{"foxes", 0, COLUMN_LEFT, ""},
		{"", 2, COLUMN_LEFT, "  "},
		{"f\303\274chse", 3, COLUMN_LEFT, "f\303\274c"},
		/* Of two columns each: the one that is too wide is left out. */
		{"\347\213\220\347\213\270", 3, COLUMN_LEFT, "\347\213\220 "},
		/* Names must not steer the terminal. */
		{"a\033[2Jb\nc", 9, COLUMN_LEFT, "a?[2Jb?c "},
		{"a\377b", 4, COLUMN_LEFT, "a?b "},
		{"a\342\202", 4, COLUMN_LEFT, "a?? "},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out;
		buf_init(&out, 1024);
		column_add(&out, cases[i].text, cases[i].width, cases[i].column);
		assert_string_equal(out.data ? out.data : "", cases[i].wanted);
		buf_finish(&out);
	}
}

static void test_tails(void **state)
{
	static const struct {
		const char *text;
		int width;
		const char *wanted;
	} cases[] = {
		{"models/fox.txt", 7, "fox.txt"},
		{"fox.txt", 7, "fox.txt"},
		{"fox.txt", 0, ""},
		{"f\303\274chse", 5, "\303\274chse"},
		{"\347\213\220\347\213\270", 3, "\347\213\270"},
		{"", 4, ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(column_tail(cases[i].text, cases[i].width), cases[i].wanted);
}

static void test_bars(void **state)
{
	static const struct {
		int percent, width;
		bool blocks;
		const char *wanted;
	} cases[] = {
		{0, 4, false, "----"},
		{50, 4, false, "##--"},
		{99, 4, false, "###-"},
		{100, 4, false, "####"},
		{250, 4, false, "####"},
		{-1, 4, false, "...."},
		{0, 2, true, "\342\226\221\342\226\221"},
		{50, 2, true, "\342\226\210\342\226\221"},
		{25, 2, true, "\342\226\214\342\226\221"},
		{100, 2, true, "\342\226\210\342\226\210"},
		{-1, 2, true, "\302\267\302\267"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out;
		buf_init(&out, 1024);
		bar_add(&out, cases[i].percent, cases[i].width, cases[i].blocks);
		assert_string_equal(out.data, cases[i].wanted);
		buf_finish(&out);
	}
}

static void test_what_is_new(void **state)
{
	static const struct {
		const char *was, *is, *wanted;
		bool missed;
	} cases[] = {
		{"", "", "", false},
		{"", "a\nb", "a\nb", false},
		{"a\nb", "a\nb", "", false},
		{"a\nb", "a\nb\nc", "\nc", false},
		{"a\nb\nc", "b\nc\nd", "\nd", false},
		{"a\na", "a\na\na", "\na", false},
		{"a\nb", "c\nd", "c\nd", true},
		/* A line that only begins like another one. */
		{"x\nab", "x\nab\nabc", "\nabc", false},
		{"x\nab", "abc\nd", "abc\nd", true},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		bool missed;
		assert_string_equal(
			follow_new(cases[i].was, cases[i].is, &missed), cases[i].wanted);
		assert_int_equal(missed, cases[i].missed);
	}
}

static void test_commands(void **state)
{
	assert_ptr_equal(view_find("top"), view_top);
	assert_ptr_equal(view_find("wait"), view_wait);
	assert_null(view_find("./top"));
	assert_null(view_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_what_is_new),
		cmocka_unit_test(test_commands),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
