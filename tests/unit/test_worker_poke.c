/* The worker and callbacks: polls that come at once, and not too many. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker_world.h"

#define MINUTE 60000

/* A task that the service goes on working on. */
static int64_t running(int prompt)
{
	int64_t task = world_add(prompt);

	fake.polls_until_done = 1000000;
	world_until(task, TASK_RUNNING, MINUTE);
	return task;
}

static void test_a_poll_comes_at_once(void **state)
{
	int64_t task = running(1);

	/* An hour later it is asked after rarely. */
	world_run(60 * MINUTE);
	for (int i = 0; i < 20; i++) {
		world_run(5000);
		int before = fake.polled[1];
		int64_t at = fake.now;
		assert_int_equal(worker_poll_now(world.worker, task), 0);
		while (fake.polled[1] == before)
			world_round(10);
		assert_true(fake.polled_at[1] - at <= 2 * fake.latency_ms);
	}
	fake.polls_until_done = 0;
	world_run(2000);
	int64_t at = fake.now;
	assert_int_equal(worker_poll_now(world.worker, task), 0);
	world_until(task, TASK_DONE, MINUTE);
	assert_true(fake.now - at < 1000);
}

static void test_repeated_ones_are_one(void **state)
{
	int64_t task = running(1);

	world_run(60 * MINUTE);
	int before = fake.polled[1];
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(worker_poll_now(world.worker, task), 0);
		world_round(10);
	}
	/* Ten seconds of them. */
	assert_in_range(fake.polled[1] - before, 5, 15);
}

static void test_others_than_running_ones_are_left_alone(void **state)
{
	int64_t task = world_add(1);

	world_until(task, TASK_DONE, MINUTE);
	int before = fake.calls[CALL_POLL];
	assert_int_equal(worker_poll_now(world.worker, task), 0);
	assert_int_equal(worker_poll_now(world.worker, 4711), 0);
	world_run(MINUTE);
	assert_int_equal(fake.calls[CALL_POLL], before);
}

static void test_too_many_are_refused(void **state)
{
	for (int64_t task = 1; task <= 64; task++)
		assert_int_equal(worker_poll_now(world.worker, task), 0);
	assert_int_equal(worker_poll_now(world.worker, 64), 0);
	assert_int_equal(worker_poll_now(world.worker, 65), -EBUSY);
	world_run(MINUTE);
	assert_int_equal(worker_poll_now(world.worker, 65), 0);
}

/* Five hundred tasks share two polls a second; the one that a callback speaks of is next. */
static void test_it_comes_before_the_others(void **state)
{
	int64_t tasks[500];

	fake.polls_until_done = 1000000;
	world.options.polls_per_s = 2;
	world.options.max_running = 1000;
	world.options.submit_count = 256;
	world_start_worker();
	for (int i = 0; i < 500; i++)
		tasks[i] = world_add(i);
	world_run(5 * MINUTE);
	assert_int_equal(world_count(TASK_RUNNING), 500);
	for (int i = 0; i < 10; i++) {
		int prompt = (i * 37 + 11) % 500, before = fake.polled[prompt];
		int64_t at = fake.now;
		assert_int_equal(worker_poll_now(world.worker, tasks[prompt]), 0);
		while (fake.polled[prompt] == before)
			world_round(100);
		assert_true(fake.polled_at[prompt] - at <= 1000);
		world_run(3000);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_poll_comes_at_once),
		TEST(repeated_ones_are_one),
		TEST(others_than_running_ones_are_left_alone),
		TEST(too_many_are_refused),
		TEST(it_comes_before_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
