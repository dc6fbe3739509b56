/* The arithmetic of the user's limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/quota.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_what_fits(void **state)
{
	static const struct {
		struct quota quota;
		double price, spent;
		enum quota_verdict verdict;
	} cases[] = {
		{{-1, -1, false}, 1e9, 1e9, QUOTA_FITS},
		{{-1, -1, false}, -1, 1e9, QUOTA_FITS},
		{{10, -1, false}, 10, 1e9, QUOTA_FITS},
		{{10, -1, false}, 10.01, 0, QUOTA_TASK},
		{{0, -1, false}, 0, 0, QUOTA_FITS},
		{{0, -1, false}, 0.1, 0, QUOTA_TASK},
		{{10, -1, false}, -1, 0, QUOTA_UNKNOWN},
		{{10, -1, true}, -1, 0, QUOTA_FITS},
		{{-1, 100, false}, 100, 0, QUOTA_FITS},
		{{-1, 100, false}, 100.5, 0, QUOTA_NEVER},
		{{-1, 100, false}, 40, 60, QUOTA_FITS},
		{{-1, 100, false}, 40, 60.5, QUOTA_DAY},
		{{-1, 100, false}, 0, 500, QUOTA_FITS},
		{{-1, 100, false}, -1, 0, QUOTA_UNKNOWN},
		{{-1, 100, true}, -1, 99, QUOTA_FITS},
		{{-1, 100, true}, -1, 100, QUOTA_DAY},
		{{20, 100, false}, 30, 100, QUOTA_TASK},
		/* 0.1 three times is 0.3. */
		{{-1, 0.3, false}, 0.1, 0.1 + 0.1, QUOTA_FITS},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("# case %zu\n", i);
		assert_int_equal(quota_check(&cases[i].quota, cases[i].price, cases[i].spent),
			cases[i].verdict);
	}
}

static void test_words(void **state)
{
	const struct quota quota = {20, 100, false};
	char text[1024];

	quota_text(&quota, QUOTA_TASK, "a.txt was not sent", 30, 0, text, sizeof(text));
	assert_non_null(strstr(text, "a.txt was not sent: it would cost 30 credits"));
	assert_non_null(strstr(text, "limit_per_task allows 20"));
	quota_text(&quota, QUOTA_DAY, "Held", 12.5, 90.25, text, sizeof(text));
	assert_non_null(strstr(text, "90.25"));
	assert_non_null(strstr(text, "12.5"));
	assert_non_null(strstr(text, "limit_per_day allows 100"));
	assert_non_null(strstr(text, "midnight UTC"));
	quota_text(&quota, QUOTA_NEVER, "Held", 300, 0, text, sizeof(text));
	assert_non_null(strstr(text, "on a whole day"));
	quota_text(&quota, QUOTA_UNKNOWN, "Held", -1, 0, text, sizeof(text));
	assert_non_null(strstr(text, "unknown_price=allow"));
}

static void test_days(void **state)
{
	/* 2026-11-22 and the first moment of the 23rd. */
	assert_int_equal(quota_day(1795391999999), quota_day(1795305600000));
	assert_int_equal(quota_day(1795392000000), quota_day(1795391999999) + 1);
	assert_int_equal(quota_day_end_ms(1795305600000), 1795392000000);
	assert_int_equal(quota_day_end_ms(1795391999999), 1795392000000);
}

static void test_prices(void **state)
{
	char text[PRICE_SIZE];

	assert_string_equal(price_text(-1, text), "unknown");
	assert_string_equal(price_text(0, text), "0");
	assert_string_equal(price_text(0.8, text), "0.8");
	assert_string_equal(price_text(0.1 + 0.2, text), "0.3");
	assert_string_equal(price_text(1234567.5, text), "1234567.5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_fits),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_prices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
