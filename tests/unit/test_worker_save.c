/* The worker on an index that cannot be written for a while: store_task_apply() is wrapped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker_world.h"

#define MINUTE 60000

int __real_store_task_apply(struct store *store, const struct task *old, const struct task *next,
	const struct task_update *update, int64_t now_ms, struct changes *changes);
int __wrap_store_task_apply(struct store *store, const struct task *old, const struct task *next,
	const struct task_update *update, int64_t now_ms, struct changes *changes);

static enum task_state failing; /* steps into this state fail */
static int failures;		/* so many more times */

int __wrap_store_task_apply(struct store *store, const struct task *old, const struct task *next,
	const struct task_update *update, int64_t now_ms, struct changes *changes)
{
	if (next->state == failing && failures > 0) {
		failures--;
		return -ENOSPC;
	}
	return __real_store_task_apply(store, old, next, update, now_ms, changes);
}

static int failed_rounds;

static void run(int64_t ms)
{
	int64_t end = fake.now + ms;

	failed_rounds = 0;
	while (fake.now < end) {
		int r = worker_step(world.worker, (int)(end - fake.now));
		assert_true(r == 0 || r == -ENOSPC);
		if (r < 0) {
			failed_rounds++;
			fake.now += 500;
		}
	}
}

static void test_what_cannot_be_written_down_is_not_sent(void **state)
{
	int64_t task = world_add(1);

	failing = TASK_SUBMITTING;
	failures = 50;
	run(10000);
	assert_int_equal(fake.posts, 0);
	assert_int_equal(world_state(task), TASK_QUEUED);
	assert_true(failed_rounds > 0);
	failures = 0;
	run(2 * MINUTE);
	assert_int_equal(world_state(task), TASK_DONE);
	assert_int_equal(fake.posts, 1);
}

static void test_a_yes_is_written_down_late(void **state)
{
	static const enum task_state states[] = {TASK_RUNNING, TASK_FETCHING};

	for (int i = 0; i < 2; i++) {
		int64_t task = world_add(i);
		failing = states[i];
		failures = 8;
		run(2 * MINUTE);
		assert_int_equal(failures, 0);
		assert_int_equal(world_state(task), TASK_DONE);
		assert_int_equal(fake.posted[i], 1);
	}
}

static struct fake_plan one_fault;

static struct fake_plan first_submission(const struct fake_call *call)
{
	if (call->kind == CALL_SUBMIT && fake.posted[call->prompt] == 0)
		return one_fault;
	return (struct fake_plan){0};
}

static void test_a_no_is_written_down_late(void **state)
{
	static const struct {
		enum task_state state, end;
		struct fake_plan plan;
	} cases[] = {
		{TASK_QUEUED, TASK_DONE, {.fault = FAULT_CODE, .number = 429}},
		{TASK_HELD, TASK_DONE, {.fault = FAULT_CODE, .number = 402}},
		{TASK_FAILED, TASK_FAILED, {.fault = FAULT_CODE, .number = 422}},
		{TASK_UNCERTAIN, TASK_UNCERTAIN, {.fault = FAULT_LOST_TAKEN}},
	};

	fake.plan = first_submission;
	for (int i = 0; i < 4; i++) {
		int64_t task = world_add(i);
		one_fault = cases[i].plan;
		failing = cases[i].state;
		failures = 8;
		run(5 * MINUTE);
		assert_int_equal(failures, 0);
		assert_int_equal(world_state(task), cases[i].end);
		assert_int_equal(fake.taken[i], cases[i].end == TASK_FAILED ? 0 : 1);
	}
}

static void test_results_in_the_answer_are_written_down_late(void **state)
{
	int64_t task = world_add_to("dedicated/suno/style", 1);
	struct result result = {0};

	fake.plan = first_submission;
	one_fault = (struct fake_plan){.fault = FAULT_BODY,
		.body = "{\"code\":200,\"msg\":\"success\",\"data\":{\"taskId\":\"x\","
			"\"result\":\"calm piano\",\"successFlag\":\"?\"}}"};
	failing = TASK_FETCHING;
	failures = 8;
	run(2 * MINUTE);
	assert_int_equal(failures, 0);
	assert_int_equal(world_state(task), TASK_DONE);
	assert_int_equal(fake.posts, 1);
	assert_int_equal(store_result_get(world.front, task, 1, &result), 0);
	assert_true(result.whole);
	assert_string_equal(result.value, "calm piano");
	result_finish(&result);
}

static void test_an_answer_at_the_end_is_written_down(void **state)
{
	int64_t task = world_add(1);

	failing = TASK_RUNNING;
	failures = 2;
	while (failures > 0)
		worker_step(world.worker, 10);
	assert_int_equal(world_state(task), TASK_SUBMITTING);
	worker_stop(world.worker);
	assert_int_equal(worker_run(world.worker), 0);
	assert_int_equal(world_state(task), TASK_RUNNING);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_what_cannot_be_written_down_is_not_sent),
		CASE(test_a_yes_is_written_down_late),
		CASE(test_a_no_is_written_down_late),
		CASE(test_results_in_the_answer_are_written_down_late),
		CASE(test_an_answer_at_the_end_is_written_down),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
