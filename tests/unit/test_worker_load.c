/* The worker under load: limits, fairness, faults at random, other threads. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "worker_world.h"

#define MINUTE 60000
#define HOUR (60 * MINUTE)

static void test_never_more_than_twenty_in_ten_seconds(void **state)
{
	world.options.max_running = 1000;
	world_start_worker();
	fake.polls_until_done = 1000;
	for (int i = 0; i < 500; i++)
		world_add(i);
	int64_t started = fake.now;
	while (fake.calls[CALL_SUBMIT] < 500)
		world_round(1000);
	for (int i = 20; i < 500; i++)
		assert_true(fake.post_times[i] - fake.post_times[i - 20] > 10000);
	/* And no slower than the rule asks for. */
	assert_true(fake.now - started < 25 * 11000);
}

static void test_no_more_running_than_allowed(void **state)
{
	world.options.max_running = 7;
	world_start_worker();
	fake.polls_until_done = 5;
	for (int i = 0; i < 60; i++)
		world_add(i);
	for (int64_t end = fake.now + 6 * HOUR; fake.now < end && world_count(TASK_DONE) < 60;) {
		world_round(100000);
		assert_true(world_count(TASK_SUBMITTING) + world_count(TASK_RUNNING) <= 7);
	}
	assert_int_equal(world_count(TASK_DONE), 60);
}

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_five_thousand_running(void **state)
{
	const int count = 5000, seconds = 700;

	fake.polls_until_done = 1000000;
	world.options.max_running = 10000;
	world.options.submit_count = 250;
	world.options.submit_window_ms = 100;
	world_start_worker();
	for (int i = 0; i < count; i++)
		world_add(i);
	while (fake.calls[CALL_SUBMIT] < count)
		world_round(1000);
	world_run(MINUTE);
	assert_int_equal(world_count(TASK_RUNNING), count);
	fake.longest_gap = 0;
	int polls = fake.calls[CALL_POLL];
	double cpu = cpu_s();
	world_run(seconds * 1000);
	cpu = cpu_s() - cpu;
	polls = fake.calls[CALL_POLL] - polls;
	print_message("# %d polls, %.2f s of CPU in %d s\n", polls, cpu, seconds);
	assert_in_range(polls, 9 * seconds, 10 * seconds + 20);
	assert_true(cpu < 0.05 * seconds);
	/* 500 s for a round of all; nobody waits for two. */
	assert_true(fake.longest_gap < 600 * 1000);
	for (int i = 0; i < count; i++)
		assert_true(fake.polled_at[i] > fake.now - 600 * 1000);
}

/* ---- faults at random ---- */

static uint64_t seed;
static int doubtful[FAKE_TASKS]; /* by prompt: POSTs whose outcome this side cannot know */
static int resent[FAKE_TASKS];
static bool calm;

static uint32_t draw(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33);
}

static const struct fake_plan faults[] = {
	{.fault = FAULT_NOT_SENT},
	{.fault = FAULT_LOST},
	{.fault = FAULT_LOST_TAKEN},
	{.fault = FAULT_STATUS, .number = 403},
	{.fault = FAULT_STATUS, .number = 404},
	{.fault = FAULT_STATUS, .number = 429, .retry_after_ms = 3000},
	{.fault = FAULT_STATUS, .number = 502},
	{.fault = FAULT_CODE, .number = 401},
	{.fault = FAULT_CODE, .number = 402},
	{.fault = FAULT_CODE, .number = 422},
	{.fault = FAULT_CODE, .number = 429},
	{.fault = FAULT_CODE, .number = 433},
	{.fault = FAULT_CODE, .number = 455},
	{.fault = FAULT_CODE, .number = 500},
	{.fault = FAULT_CODE, .number = 200},
	{.fault = FAULT_CODE, .number = 777},
	{.fault = FAULT_BODY, .body = "garbage"},
	{.fault = FAULT_BODY, .body = ""},
	{.fault = FAULT_BODY, .body = "{\"code\":200,\"data\":{\"state\":\"success\"}}"},
	{.fault = FAULT_BODY, .body = "{\"code\":200,\"data\":{\"state\":\"dreaming\"}}"},
	{.fault = FAULT_BODY, .body = "{\"code\":501,\"msg\":\"Playground task failed.\"}"},
	{.fault = FAULT_CUT, .number = 100},
	{.fault = FAULT_EMPTY},
	{.fault = FAULT_PAGE},
	{.fault = FAULT_STALE},
	{.fault = FAULT_LOCAL, .number = ENOSPC},
	{.fault = FAULT_TOO_LARGE},
};

static bool is_for_files(enum fault fault)
{
	return fault == FAULT_CUT || fault == FAULT_EMPTY || fault == FAULT_PAGE ||
	       fault == FAULT_STALE || fault == FAULT_LOCAL;
}

static struct fake_plan at_random(const struct fake_call *call)
{
	if (calm || draw() % 10 < 6)
		return (struct fake_plan){0};
	struct fake_plan plan = faults[draw() % (sizeof(faults) / sizeof(faults[0]))];
	if (is_for_files(plan.fault) && call->kind != CALL_FETCH)
		return (struct fake_plan){0};
	if (call->kind == CALL_SUBMIT &&
		(plan.fault == FAULT_LOST || plan.fault == FAULT_LOST_TAKEN))
		doubtful[call->prompt]++;
	return plan;
}

/* Whatever happens, the service takes a request once, plus once per word of the user. */
static void check_payments(int count)
{
	for (int i = 0; i < count; i++) {
		int lost_untaken = doubtful[i];
		assert_true(fake.taken[i] <= 1 + resent[i]);
		assert_true(lost_untaken <= 1 + resent[i]);
	}
}

static void disturb(const int64_t *tasks, int made)
{
	int pick = (int)(draw() % (uint32_t)made);
	enum task_state now;

	switch (draw() % 12) {
	case 0:
		world_restart();
		break;
	case 1:
		worker_reload(world.worker);
		break;
	case 2:
		now = world_state(tasks[pick]);
		if (now == TASK_UNCERTAIN || now == TASK_FAILED || now == TASK_LOST) {
			world_event(
				tasks[pick], now == TASK_UNCERTAIN ? EVENT_RESEND : EVENT_RETRY);
			resent[pick]++;
		}
		break;
	case 3:
		fake.latency_ms = (int)(draw() % 5000);
		break;
	default:
		break;
	}
}

static void run_random_schedule(uint64_t with, int count)
{
	int64_t tasks[400];
	int made = 0;

	seed = with;
	calm = false;
	memset(doubtful, 0, sizeof(doubtful));
	memset(resent, 0, sizeof(resent));
	fake.plan = at_random;
	fake.result_count = 2;
	fake.result_size = 400;
	for (int step = 0; step < 2000; step++) {
		if (made < count && draw() % 3 == 0) {
			tasks[made] = world_add(made);
			made++;
			worker_wake(world.worker);
		}
		world_round((int)(draw() % 20000));
		if (made > 0)
			disturb(tasks, made);
		check_payments(count);
	}
	calm = true;
	fake.latency_ms = 50;
	worker_reload(world.worker);
	world_run(8 * HOUR);
	int64_t ended = 0;
	for (int i = 0; i < made; i++)
		ended += task_is_final(world_state(tasks[i]));
	assert_int_equal(ended, made);
	assert_int_equal(made, count);
	check_payments(count);
	print_message("# done %lld, failed %lld, uncertain %lld, lost %lld\n",
		(long long)world_count(TASK_DONE), (long long)world_count(TASK_FAILED),
		(long long)world_count(TASK_UNCERTAIN), (long long)world_count(TASK_LOST));
	assert_true(world_count(TASK_DONE) > count / 4);
}

static void test_random_schedule_1(void **state)
{
	run_random_schedule(1, 300);
}

static void test_random_schedule_2(void **state)
{
	run_random_schedule(20261122, 300);
}

/* ---- other threads ---- */

static sem_t task_done;

static void post_when_done(const struct changes *changes)
{
	if (changes->task && world_state(changes->task) == TASK_DONE)
		sem_post(&task_done);
}

static void *run_worker(void *context)
{
	return (void *)(intptr_t)worker_run(world.worker);
}

static void test_wake_and_stop_from_another_thread(void **state)
{
	struct worker_stats stats;
	pthread_t thread;
	void *result;

	fake.threaded = true;
	world.on_notify = post_when_done;
	assert_int_equal(sem_init(&task_done, 0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_worker, NULL), 0);
	for (int i = 0; i < 20; i++) {
		struct stage stage = {.estimate = -1, .model = "z-image", .source_sha = "s"};
		struct changes changes = {0};
		struct entry entry;
		char name[32], body[160];
		int64_t task;
		bool fresh;

		snprintf(name, sizeof(name), "n%d.txt", i);
		snprintf(body, sizeof(body),
			"{\"model\":\"z-image\",\"input\":{\"prompt\":\"n%d\"}}", i);
		assert_int_equal(store_entry_create(world.front, 4711, name, ENTRY_FILE, 0644,
					 FAKE_START, &entry),
			0);
		stage.entry = entry.id;
		stage.body = body;
		stage.body_len = strlen(body);
		assert_int_equal(store_stage(world.front, &stage), 0);
		assert_int_equal(
			store_commit(world.front, entry.id, FAKE_START, &task, &fresh, &changes),
			0);
		worker_wake(world.worker);
		if (i % 5 == 0)
			worker_reload(world.worker);
		worker_stats_get(world.worker, &stats);
		sem_wait(&task_done);
	}
	worker_stop(world.worker);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	assert_int_equal(world_count(TASK_DONE), 20);
	sem_destroy(&task_done);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_never_more_than_twenty_in_ten_seconds),
		CASE(test_no_more_running_than_allowed),
		CASE(test_five_thousand_running),
		CASE(test_random_schedule_1),
		CASE(test_random_schedule_2),
		CASE(test_wake_and_stop_from_another_thread),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
