/* Tables and random walks for limits: the window, the poll budget, delays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kiefs/limits.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* xorshift: the same walk on every machine. */
static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void test_window_lets_twenty_through(void **state)
{
	struct window window;

	window_init(&window, 20, 10000);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(window_wait(&window, 1000 + i), 0);
		window_take(&window, 1000 + i);
	}
	assert_int_equal(window_wait(&window, 1019), 9981);
	assert_int_equal(window_wait(&window, 10999), 1);
	assert_int_equal(window_wait(&window, 11000), 0);
	window_take(&window, 11000);
	assert_int_equal(window_wait(&window, 11000), 1);
}

static void test_window_never_exceeds_its_count(void **state)
{
	static int64_t sent[20000];

	for (uint32_t seed = 1; seed <= 20; seed++) {
		uint32_t random = seed * 2654435761u;
		struct window window;
		size_t count = 0;
		int64_t now = -5000;

		window_init(&window, 20, 10000);
		while (count < COUNT(sent) / 20) {
			now += random_next(&random) % (seed % 2 ? 40 : 900);
			int64_t wait = window_wait(&window, now);
			if (wait > 0 && random_next(&random) % 2)
				now += wait;
			else if (wait > 0)
				continue;
			assert_int_equal(window_wait(&window, now), 0);
			window_take(&window, now);
			sent[count++] = now;
			if (count > 20)
				assert_true(sent[count - 1] - sent[count - 21] >= 10000);
		}
	}
}

static void test_window_pauses(void **state)
{
	struct window window;

	window_init(&window, 2, 1000);
	window_pause(&window, 5000);
	window_pause(&window, 3000);
	assert_int_equal(window_wait(&window, 1000), 4000);
	assert_int_equal(window_wait(&window, 5000), 0);
	window_take(&window, 5000);
	window_take(&window, 5000);
	assert_int_equal(window_wait(&window, 5000), 1000);
}

static void test_window_bounds_its_size(void **state)
{
	struct window window;

	window_init(&window, 100000, 1000);
	assert_int_equal(window.count, WINDOW_MAX);
	window_init(&window, 0, 1000);
	assert_int_equal(window.count, 1);
	window_take(&window, 7);
	assert_int_equal(window_wait(&window, 7), 1000);
}

static void test_bucket_keeps_its_rate(void **state)
{
	struct bucket bucket;
	int64_t now = 100;
	int taken = 0;

	bucket_init(&bucket, 10, 3, now);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bucket_wait(&bucket, now), 0);
		bucket_take(&bucket, now);
	}
	assert_int_equal(bucket_wait(&bucket, now), 100);
	assert_int_equal(bucket_wait(&bucket, now + 99), 1);
	for (; now < 100 + 60000; now++) {
		if (bucket_wait(&bucket, now) == 0) {
			bucket_take(&bucket, now);
			taken++;
		}
	}
	assert_in_range(taken, 598, 600);
	/* A long rest fills it to its burst, no further. */
	now += INT64_C(1) << 52;
	for (int i = 0; i < 3; i++)
		bucket_take(&bucket, now);
	assert_int_equal(bucket_wait(&bucket, now), 100);
	/* A clock that stands or steps back gives nothing away. */
	assert_int_equal(bucket_wait(&bucket, now - 5000), 100);
}

static void test_bucket_takes_any_rate(void **state)
{
	static const struct {
		double rate, burst;
		int64_t wait;
	} cases[] = {{0.5, 1, 2000}, {3, 1, 334}, {1000, 0, 1}, {0, 1, 60000}, {-7, -7, 60000},
		{10000, 1, 1}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bucket bucket;
		bucket_init(&bucket, cases[i].rate, cases[i].burst, 0);
		assert_int_equal(bucket_wait(&bucket, 0), 0);
		bucket_take(&bucket, 0);
		assert_int_equal(bucket_wait(&bucket, 0), cases[i].wait);
		assert_int_equal(bucket_wait(&bucket, cases[i].wait), 0);
	}
}

static void test_poll_delay_by_kind_and_age(void **state)
{
	static const struct {
		const char *category;
		int64_t age_ms, low, high;
	} cases[] = {
		{"image", 0, 1600, 2400},
		{"audio", 1000, 2000, 3000},
		{"video", 29999, 2400, 3600},
		{NULL, -50, 1600, 2400},
		{"no such kind", 0, 1600, 2400},
		{"video", 30000, 4000, 6000},
		{"image", 75000, 6000, 9000},
		{"image", 119999, 7990, 12000},
		{"image", 121000, 12000, 18000},
		{"video", 600000, 24000, 36000},
		{"video", 3600000, 144000, 216000},
		{"image", 24 * 3600000, 240000, 360000},
		{"image", INT64_MAX, 240000, 360000},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t low = poll_delay(cases[i].category, cases[i].age_ms, -1, 0);
		int64_t high = poll_delay(cases[i].category, cases[i].age_ms, -1, UINT32_MAX);
		if (low < cases[i].low || high > cases[i].high || low >= high)
			fail_msg("case %zu: %lld to %lld", i, (long long)low, (long long)high);
	}
}

static void test_poll_delay_grows_and_obeys(void **state)
{
	int64_t before = 0;

	for (int64_t age = 0; age < 4 * 3600 * 1000; age += 500) {
		int64_t delay = poll_delay("video", age, -1, UINT32_MAX / 2);
		assert_true(delay >= before);
		before = delay;
	}
	assert_int_equal(poll_delay("image", 0, 90000, 0), 90000);
	assert_int_equal(poll_delay("image", 0, 1, UINT32_MAX), 2400);
}

static void test_backoff_doubles_to_its_cap(void **state)
{
	static const struct {
		int attempt;
		int64_t full;
	} cases[] = {{0, 1000}, {1, 1000}, {2, 2000}, {5, 16000}, {7, 60000}, {1000000, 60000}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int attempt = cases[i].attempt;
		assert_int_equal(backoff_delay(attempt, 1000, 60000, UINT32_MAX), cases[i].full);
		assert_int_equal(backoff_delay(attempt, 1000, 60000, 0), cases[i].full / 2);
	}
	assert_int_equal(backoff_delay(3, 9000, 60, UINT32_MAX), 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_lets_twenty_through),
		cmocka_unit_test(test_window_never_exceeds_its_count),
		cmocka_unit_test(test_window_pauses),
		cmocka_unit_test(test_window_bounds_its_size),
		cmocka_unit_test(test_bucket_keeps_its_rate),
		cmocka_unit_test(test_bucket_takes_any_rate),
		cmocka_unit_test(test_poll_delay_by_kind_and_age),
		cmocka_unit_test(test_poll_delay_grows_and_obeys),
		cmocka_unit_test(test_backoff_doubles_to_its_cap),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
