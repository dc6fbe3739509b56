/* The worker: sending, asking, holding, starting over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "worker_world.h"

#define MINUTE 60000

/* What most tests vary: a fault for the first calls of one kind, then none. */
static struct {
	enum call_kind kind;
	int calls; /* how many meet it; -1: all */
	struct fake_plan plan;
} fault;

static struct fake_plan first_calls(const struct fake_call *call)
{
	if (call->kind == fault.kind && (fault.calls < 0 || call->serial < fault.calls))
		return fault.plan;
	return (struct fake_plan){0};
}

static void plan_fault(enum call_kind kind, int calls, struct fake_plan plan)
{
	fault.kind = kind;
	fault.calls = calls;
	fault.plan = plan;
	fake.plan = first_calls;
}

static void test_from_request_to_file(void **state)
{
	int64_t task = world_add(1);
	struct worker_stats stats;
	struct task row;
	struct buf record;

	world_until(task, TASK_DONE, MINUTE);
	world_check_result(task, 1);
	assert_string_equal(fake.key, "secret");
	assert_int_equal(fake.posted[1], 1);
	assert_true(world_log_has(task, "submitting, price 18 credits"));
	assert_true(world_log_has(task, "accepted as t1-1"));
	assert_int_equal(store_task_get(world.front, task, &row), 0);
	assert_string_equal(row.remote_id, "t1-1");
	assert_true(row.credits == 4);
	task_finish(&row);
	buf_init(&record, 1 << 20);
	assert_int_equal(store_task_record(world.front, task, &record), 0);
	assert_non_null(strstr(record.data, "\"state\":\"success\""));
	buf_finish(&record);
	worker_stats_get(world.worker, &stats);
	assert_int_equal(stats.submissions, 1);
	assert_int_equal(stats.accepted, 1);
	assert_int_equal(stats.downloads, 1);
	assert_int_equal(stats.download_bytes, fake.result_size);
	assert_true(stats.key_present);
	assert_true(world.notified >= 4);
	/* Nothing is left to do. */
	int polls = fake.calls[CALL_POLL];
	world_run(100 * MINUTE);
	assert_int_equal(fake.calls[CALL_POLL], polls);
}

static void test_several_results(void **state)
{
	int64_t task = world_add(2);

	fake.result_count = 5;
	world.options.max_downloads = 2;
	world_start_worker();
	world_until(task, TASK_DONE, MINUTE);
	for (int i = 1; i <= 5; i++)
		world_check_result(task, i);
	assert_true(world_log_has(task, "submitting, price unknown"));
}

static void test_a_lost_answer_is_never_sent_again_by_itself(void **state)
{
	static const enum fault faults[] = {FAULT_LOST, FAULT_LOST_TAKEN};

	for (int i = 0; i < 2; i++) {
		int64_t task = world_add(i);
		plan_fault(CALL_SUBMIT, -1, (struct fake_plan){.fault = faults[i]});
		world_until(task, TASK_UNCERTAIN, MINUTE);
		assert_true(world_error_has(task, "may have been accepted and paid"));
		assert_true(world_error_has(task, "echo resend > tasks/all/"));
		world_run(10000 * 1000);
		world_restart();
		world_run(MINUTE);
		assert_int_equal(fake.posted[i], 1);
		fake.plan = NULL;
		world_event(task, EVENT_RESEND);
		world_until(task, TASK_DONE, MINUTE);
		assert_int_equal(fake.posted[i], 2);
	}
}

static void test_unclear_answers_are_uncertain(void **state)
{
	static const struct fake_plan plans[] = {
		{.fault = FAULT_STATUS, .number = 502},
		{.fault = FAULT_BODY, .body = "<html>welcome</html>"},
		{.fault = FAULT_BODY, .body = ""},
		{.fault = FAULT_BODY, .body = "{\"code\":200,\"data\":null}"},
		{.fault = FAULT_BODY, .body = "{\"code\":200,\"data\":{\"taskId\":"},
		{.fault = FAULT_TOO_LARGE},
	};

	for (int i = 0; i < (int)(sizeof(plans) / sizeof(plans[0])); i++) {
		int64_t task = world_add(i);
		plan_fault(CALL_SUBMIT, -1, plans[i]);
		world_until(task, TASK_UNCERTAIN, MINUTE);
		world_run(MINUTE);
		assert_int_equal(fake.posted[i], 1);
	}
}

static void test_what_was_not_sent_is_sent_again(void **state)
{
	int64_t task = world_add(3);

	plan_fault(CALL_SUBMIT, 5, (struct fake_plan){.fault = FAULT_NOT_SENT});
	world_until(task, TASK_DONE, 30 * MINUTE);
	assert_int_equal(fake.posted[3], 6);
	assert_int_equal(fake.taken[3], 1);
}

static void test_a_rate_limit_pauses_all(void **state)
{
	int64_t task = world_add(0);

	plan_fault(CALL_SUBMIT, 1,
		(struct fake_plan){.fault = FAULT_STATUS, .number = 429, .retry_after_ms = 90000});
	while (fake.calls[CALL_SUBMIT] == 0)
		world_round(1000);
	for (int i = 1; i < 10; i++)
		world_add(i);
	worker_wake(world.worker);
	world_run(85000);
	assert_int_equal(fake.calls[CALL_SUBMIT], 1);
	assert_int_equal(world_count(TASK_QUEUED), 10);
	world_until(task, TASK_DONE, 10 * MINUTE);
	world_run(MINUTE);
	assert_int_equal(world_count(TASK_DONE), 10);
}

static void test_codes_that_hold_all(void **state)
{
	static const struct {
		int code;
		const char *want;
	} cases[] = {{401, "key"}, {402, "credits"}, {433, "limit"}};

	for (int c = 0; c < 3; c++) {
		int64_t tasks[40];
		int posts = fake.calls[CALL_SUBMIT];

		for (int i = 0; i < 40; i++)
			tasks[i] = world_add(100 * c + i);
		plan_fault(CALL_SUBMIT, -1,
			(struct fake_plan){.fault = FAULT_CODE, .number = cases[c].code});
		worker_wake(world.worker);
		world_run(25000);
		assert_int_equal(world_count(TASK_HELD), 40);
		assert_true(fake.calls[CALL_SUBMIT] - posts <= 20);
		assert_true(world_error_has(tasks[39], cases[c].want));
		posts = fake.calls[CALL_SUBMIT];
		/* Looked at again now and then, by one task alone. */
		world_run(60 * MINUTE);
		assert_in_range(fake.calls[CALL_SUBMIT] - posts, 4, 16);
		assert_int_equal(world_count(TASK_HELD), 40);
		fake.plan = NULL;
		world_run(20 * MINUTE);
		assert_int_equal(world_count(TASK_HELD), 0);
		assert_int_equal(world_count(TASK_DONE), 40 * (c + 1));
		for (int i = 0; i < 40; i++)
			assert_int_equal(fake.taken[100 * c + i], 1);
	}
}

static void test_without_a_key_nothing_is_sent(void **state)
{
	world.key = NULL;
	int64_t task = world_add(1);

	world_until(task, TASK_HELD, MINUTE);
	assert_true(world_error_has(task, "no API key"));
	world_run(60 * MINUTE);
	assert_int_equal(fake.calls[CALL_SUBMIT], 0);
	assert_in_range(world.key_asked, 5, 20);
	int asked = world.key_asked;
	world.key = "new";
	worker_reload(world.worker);
	world_until(task, TASK_DONE, MINUTE);
	assert_string_equal(fake.key, "new");
	assert_int_equal(world.key_asked, asked + 1);
	/* A key that appears by itself is found too. */
	world.key = "not a key";
	worker_reload(world.worker);
	task = world_add(2);
	world_until(task, TASK_HELD, MINUTE);
	world.key = "good";
	world_until(task, TASK_DONE, 15 * MINUTE);
}

static void test_held_tasks_of_an_earlier_daemon_go_out(void **state)
{
	plan_fault(CALL_SUBMIT, -1, (struct fake_plan){.fault = FAULT_CODE, .number = 402});
	for (int i = 0; i < 30; i++)
		world_add(i);
	world_run(MINUTE);
	assert_int_equal(world_count(TASK_HELD), 30);
	fake.plan = NULL;
	world_restart();
	world_run(2 * MINUTE);
	assert_int_equal(world_count(TASK_DONE), 30);
}

static void test_a_refusal_is_final(void **state)
{
	static const int codes[] = {500, 422, 400, 404, 413};

	for (int i = 0; i < 5; i++) {
		int64_t task = world_add(i);
		plan_fault(CALL_SUBMIT, -1,
			(struct fake_plan){.fault = FAULT_CODE, .number = codes[i]});
		world_until(task, TASK_FAILED, MINUTE);
		assert_true(world_error_has(task, "told so"));
		world_run(10 * MINUTE);
		assert_int_equal(fake.posted[i], 1);
	}
}

static void test_a_late_answer_counts(void **state)
{
	int64_t task = world_add(1);

	fake.latency_ms = 110000;
	world_until(task, TASK_RUNNING, 3 * MINUTE);
	assert_int_equal(fake.posted[1], 1);
	world_until(task, TASK_DONE, 60 * MINUTE);
	assert_int_equal(fake.posted[1], 1);
}

static void test_polls_that_tell_nothing_are_asked_again(void **state)
{
	static const struct fake_plan plans[] = {
		{.fault = FAULT_BODY, .body = "garbage"},
		{.fault = FAULT_BODY, .body = "<html>we will be back</html>"},
		{.fault = FAULT_BODY, .body = "{\"code\":200,\"data\":null}"},
		{.fault = FAULT_BODY, .body = "{\"code\":200,\"data\":{\"state\":\"pondering\"}}"},
		{.fault = FAULT_BODY, .body = "{\"code\":200,\"data\":{}}"},
		{.fault = FAULT_BODY, .body = "[]"},
		{.fault = FAULT_CODE, .number = 422},
		{.fault = FAULT_CODE, .number = 500},
		{.fault = FAULT_CODE, .number = 429, .retry_after_ms = 5000},
		{.fault = FAULT_STATUS, .number = 503},
		{.fault = FAULT_NOT_SENT},
		{.fault = FAULT_LOST},
		{.fault = FAULT_TOO_LARGE},
	};

	for (int i = 0; i < (int)(sizeof(plans) / sizeof(plans[0])); i++) {
		int64_t task = world_add(i);
		plan_fault(CALL_POLL, -1, plans[i]);
		world_run(100 * MINUTE);
		assert_int_equal(world_state(task), TASK_RUNNING);
		/* Slower and slower, but it goes on; and the log does not fill. */
		assert_in_range(fake.polled[i], 8, 400);
		assert_true(world_log_count(task, "\n") < 8);
		fake.plan = NULL;
		world_until(task, TASK_DONE, 15 * MINUTE);
		assert_int_equal(fake.taken[i], 1);
	}
}

static void test_a_refused_key_while_running(void **state)
{
	int64_t task = world_add(1);

	world_until(task, TASK_RUNNING, MINUTE);
	plan_fault(CALL_POLL, -1, (struct fake_plan){.fault = FAULT_CODE, .number = 401});
	world_run(2 * MINUTE);
	int64_t later = world_add(2);
	world_until(later, TASK_HELD, MINUTE);
	fake.plan = NULL;
	world_until(task, TASK_DONE, 20 * MINUTE);
	world_until(later, TASK_DONE, 20 * MINUTE);
}

static void test_a_task_the_service_failed(void **state)
{
	int64_t task = world_add(1);

	plan_fault(CALL_POLL, -1,
		(struct fake_plan){.fault = FAULT_BODY,
			.body = "{\"code\":200,\"data\":{\"state\":\"fail\",\"failCode\":\"422\","
				"\"failMsg\":\"prohibited content\",\"creditsConsumed\":1}}"});
	world_until(task, TASK_FAILED, MINUTE);
	assert_true(world_error_has(task, "prohibited content"));
	fake.plan = NULL;
	world_event(task, EVENT_RETRY);
	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.posted[1], 2);
}

static void test_success_without_a_result(void **state)
{
	const char *empty = "{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":\"\"}}";
	int64_t task = world_add(1);

	plan_fault(CALL_POLL, 3, (struct fake_plan){.fault = FAULT_BODY, .body = empty});
	world_until(task, TASK_DONE, 10 * MINUTE);
	task = world_add(2);
	plan_fault(CALL_POLL, -1, (struct fake_plan){.fault = FAULT_BODY, .body = empty});
	world_until(task, TASK_LOST, 30 * MINUTE);
	assert_in_range(fake.polled[2], 3, 10);
}

static void test_a_restart_never_sends_twice(void **state)
{
	static const enum task_state moments[] = {
		TASK_QUEUED, TASK_SUBMITTING, TASK_RUNNING, TASK_FETCHING, TASK_DONE};

	for (int i = 0; i < 5; i++) {
		fake.latency_ms = 700;
		int64_t task = world_add(i);
		while (world_state(task) != moments[i])
			world_round(10);
		world_restart();
		if (moments[i] == TASK_SUBMITTING) {
			world_run(10 * MINUTE);
			assert_int_equal(world_state(task), TASK_UNCERTAIN);
		} else {
			world_until(task, TASK_DONE, 10 * MINUTE);
			world_check_result(task, 1);
		}
		assert_int_equal(fake.posted[i], 1);
	}
}

static void test_a_cancelled_request_is_not_sent(void **state)
{
	world.options.max_running = 0;
	world_start_worker();
	int64_t task = world_add(1);
	world_run(MINUTE);
	assert_int_equal(fake.calls[CALL_SUBMIT], 0);
	world_event(task, EVENT_CANCEL);
	world.options.max_running = 10;
	world_start_worker();
	world_run(MINUTE);
	assert_int_equal(fake.calls[CALL_SUBMIT], 0);
	assert_int_equal(world_state(task), TASK_CANCELLED);
}

static void test_a_model_that_left_the_catalogue(void **state)
{
	struct catalogue *full = world.catalogue, *other;
	char path[128];

	snprintf(path, sizeof(path), "%s/catalogue.json", world.dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("{\"form\": 1, \"services\": {}, \"models\": {}}", file);
	fclose(file);
	assert_int_equal(catalogue_load(path, NULL, 0, &other, NULL), 0);
	int64_t running = world_add(1), queued;
	world_until(running, TASK_RUNNING, MINUTE);
	world.options.catalogue = other;
	world_start_worker();
	queued = world_add(2);
	world_run(30 * MINUTE);
	assert_int_equal(world_state(running), TASK_RUNNING);
	assert_int_equal(world_state(queued), TASK_QUEUED);
	assert_true(world_error_has(queued, "z-image"));
	assert_int_equal(fake.posted[2], 0);
	world.options.catalogue = full;
	world_start_worker();
	world_until(running, TASK_DONE, 120 * MINUTE);
	world_until(queued, TASK_DONE, 120 * MINUTE);
	catalogue_destroy(other);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_from_request_to_file),
		CASE(test_several_results),
		CASE(test_a_lost_answer_is_never_sent_again_by_itself),
		CASE(test_unclear_answers_are_uncertain),
		CASE(test_what_was_not_sent_is_sent_again),
		CASE(test_a_rate_limit_pauses_all),
		CASE(test_codes_that_hold_all),
		CASE(test_without_a_key_nothing_is_sent),
		CASE(test_held_tasks_of_an_earlier_daemon_go_out),
		CASE(test_a_refusal_is_final),
		CASE(test_a_late_answer_counts),
		CASE(test_polls_that_tell_nothing_are_asked_again),
		CASE(test_a_refused_key_while_running),
		CASE(test_a_task_the_service_failed),
		CASE(test_success_without_a_result),
		CASE(test_a_restart_never_sends_twice),
		CASE(test_a_cancelled_request_is_not_sent),
		CASE(test_a_model_that_left_the_catalogue),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
