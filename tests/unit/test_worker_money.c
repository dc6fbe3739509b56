/* The worker and money: the balance, what a task counts for, the user's limits. */
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
#define DAY 86400000LL

/* Requests with an odd prompt have an estimate of 18 credits, even ones have none. */
#define PRICE 18

static struct {
	enum call_kind kind;
	int from, calls;
	struct fake_plan plan;
} fault;

static struct fake_plan some_calls(const struct fake_call *call)
{
	bool meets = call->kind == fault.kind && call->serial >= fault.from &&
		     call->serial < fault.from + fault.calls;

	return meets ? fault.plan : (struct fake_plan){0};
}

static struct spend today(void)
{
	struct spend spend;

	assert_int_equal(store_spend_day(world.front, quota_day(fake.now), &spend), 0);
	return spend;
}

static void check_today(int tasks, double credits, int estimated, int unknown)
{
	struct spend spend = today();

	assert_int_equal(spend.tasks, tasks);
	assert_true(spend.credits == credits);
	assert_int_equal(spend.estimated, estimated);
	assert_int_equal(spend.unknown, unknown);
}

static void check_csv(const char *wanted)
{
	struct buf csv;

	buf_init(&csv, 1 << 20);
	assert_int_equal(store_spend_csv(world.front, &csv), 0);
	assert_string_equal(csv.data, wanted);
	buf_finish(&csv);
}

static void limit(double per_task, double per_day, bool allow_unknown)
{
	world.quota = (struct quota){per_task, per_day, allow_unknown};
	worker_reload(world.worker);
}

static double balance(void)
{
	struct buf value;
	int64_t at_ms;
	double credits = -1;

	buf_init(&value, 100);
	if (store_fact_get(world.front, FACT_CREDITS, &value, &at_ms) == 0) {
		credits = strtod(value.data, NULL);
		assert_in_range(at_ms, FAKE_START, fake.now);
	}
	buf_finish(&value);
	return credits;
}

/* ---- the balance ---- */

static void test_the_balance_is_asked_for(void **state)
{
	world_run(MINUTE);
	assert_true(balance() == 1234.5);
	assert_int_equal(fake.calls[CALL_ACCOUNT], 1);
	/* Twenty tasks that end together are one question. */
	fake.balance = 1000.25;
	for (int i = 0; i < 20; i++)
		world_add(i);
	world_run(MINUTE);
	assert_int_equal(world_count(TASK_DONE), 20);
	assert_true(balance() == 1000.25);
	assert_in_range(fake.calls[CALL_ACCOUNT], 2, 6);
	/* Nobody looks, nothing ends: nothing is asked. */
	int calls = fake.calls[CALL_ACCOUNT];
	world_run(100 * MINUTE);
	assert_int_equal(fake.calls[CALL_ACCOUNT], calls);
	fake.balance = 7;
	worker_account_ask(world.worker);
	worker_account_ask(world.worker);
	world_run(MINUTE);
	assert_true(balance() == 7);
	assert_int_equal(fake.calls[CALL_ACCOUNT], calls + 1);
}

static void test_a_refused_question_keeps_the_last_answer(void **state)
{
	struct buf why;
	int64_t at_ms;

	world_run(MINUTE);
	fault.kind = CALL_ACCOUNT;
	fault.from = 1;
	fault.calls = 1;
	fault.plan = (struct fake_plan){.fault = FAULT_CODE, .number = 401};
	fake.plan = some_calls;
	worker_account_ask(world.worker);
	world_run(MINUTE);
	assert_true(balance() == 1234.5);
	buf_init(&why, 4096);
	assert_int_equal(store_fact_get(world.front, FACT_CREDITS_WHY, &why, &at_ms), 0);
	assert_non_null(strstr(why.data, "The balance was not told"));
	buf_clear(&why);
	worker_account_ask(world.worker);
	world_run(MINUTE);
	assert_int_equal(store_fact_get(world.front, FACT_CREDITS_WHY, &why, &at_ms), 0);
	assert_int_equal(why.len, 0);
	buf_finish(&why);
}

static void test_without_a_key_nothing_is_asked(void **state)
{
	world.key = NULL;
	world_start_worker();
	worker_account_ask(world.worker);
	world_run(10 * MINUTE);
	assert_int_equal(fake.calls[CALL_ACCOUNT], 0);
	assert_true(balance() < 0);
	world.key = "secret";
	worker_reload(world.worker);
	world_run(MINUTE);
	assert_true(balance() == 1234.5);
}

/* ---- what counts ---- */

static void test_estimates_become_costs(void **state)
{
	int64_t odd = world_add(1), even = world_add(2);

	while (world_state(odd) != TASK_RUNNING || world_state(even) != TASK_RUNNING)
		world_round(100);
	check_today(2, PRICE, 1, 1);
	world_until(odd, TASK_DONE, MINUTE);
	world_until(even, TASK_DONE, MINUTE);
	check_today(2, 8, 0, 0);
	check_csv("date,model,tasks,credits,estimated,unknown\n"
		  "2023-11-14,z-image,2,8,0,0\n");
	assert_true(world_log_has(odd, "submitting, price 18 credits"));
	assert_true(world_log_has(odd, "4 credits, where 18 were expected"));
	assert_true(world_log_has(even, "submitting, price unknown"));
	assert_true(world_log_has(even, "4 credits"));
	assert_false(world_log_has(even, "expected"));
}

static void test_what_was_not_taken_does_not_count(void **state)
{
	static const struct fake_plan plans[] = {
		{.fault = FAULT_NOT_SENT},
		{.fault = FAULT_CODE, .number = 429},
		{.fault = FAULT_CODE, .number = 422},
		{.fault = FAULT_CODE, .number = 402},
	};

	/* A whole day is before us. */
	fake.now = quota_day_end_ms(fake.now);
	for (int i = 0; i < 4; i++) {
		world_add(2 * i + 1);
		fault.kind = CALL_SUBMIT;
		fault.from = fake.calls[CALL_SUBMIT];
		fault.calls = 1;
		fault.plan = plans[i];
		fake.plan = some_calls;
		while (fake.calls[CALL_SUBMIT] == fault.from)
			world_round(100);
		check_today(i, i * 4, 0, 0);
		/* The refused one stays refused; the others go out again and cost. */
		world_run(30 * MINUTE);
		if (i == 2)
			world_add(100 + 2 * i + 1);
		world_run(30 * MINUTE);
	}
}

static void test_a_lost_answer_counts(void **state)
{
	int64_t task = world_add(1);

	fault.kind = CALL_SUBMIT;
	fault.from = 0;
	fault.calls = 1;
	fault.plan = (struct fake_plan){.fault = FAULT_LOST};
	fake.plan = some_calls;
	world_until(task, TASK_UNCERTAIN, MINUTE);
	check_today(1, PRICE, 1, 0);
	world_restart();
	check_today(1, PRICE, 1, 0);
	/* Sent again, it may be paid twice. */
	world_event(task, EVENT_RESEND);
	world_until(task, TASK_DONE, MINUTE);
	check_today(2, PRICE + 4, 1, 0);
}

static void test_a_failed_task_counts_with_what_it_cost(void **state)
{
	static const char *const bodies[] = {
		"{\"code\":200,\"data\":{\"state\":\"fail\",\"failMsg\":\"no\","
		"\"creditsConsumed\":0}}",
		"{\"code\":200,\"data\":{\"state\":\"fail\",\"failMsg\":\"no\","
		"\"creditsConsumed\":2.5}}",
		"{\"code\":200,\"data\":{\"state\":\"fail\",\"failMsg\":\"no\"}}",
	};
	static const double costs[] = {0, 2.5, 2.5 + PRICE};

	for (int i = 0; i < 3; i++) {
		int64_t task = world_add(2 * i + 1);
		fault.kind = CALL_POLL;
		fault.from = fake.calls[CALL_POLL];
		fault.calls = 1;
		fault.plan = (struct fake_plan){.fault = FAULT_BODY, .body = bodies[i]};
		fake.plan = some_calls;
		world_until(task, TASK_FAILED, MINUTE);
		check_today(i + 1, costs[i], i == 2, 0);
	}
	/* Its second run does not take the first's place. */
	int64_t again = world_add(7);
	fault.from = fake.calls[CALL_POLL];
	fault.plan.body = bodies[1];
	world_until(again, TASK_FAILED, MINUTE);
	world_event(again, EVENT_RETRY);
	world_until(again, TASK_DONE, MINUTE);
	check_today(5, costs[2] + 2.5 + 4, 1, 0);
}

/* ---- limits ---- */

static void test_over_the_task_limit_is_held(void **state)
{
	limit(10, -1, false);
	int64_t task = world_add(1);
	world_until(task, TASK_HELD, MINUTE);
	assert_true(world_error_has(task, "limit_per_task allows 10"));
	world_run(3 * DAY);
	assert_int_equal(fake.posted[1], 0);
	limit(20, -1, false);
	world_until(task, TASK_DONE, MINUTE);
	assert_true(world_log_has(task, "within the limits again"));
}

static void test_an_unknown_price_is_held(void **state)
{
	limit(-1, 1000, false);
	int64_t task = world_add(2);
	world_until(task, TASK_HELD, MINUTE);
	assert_true(world_error_has(task, "its price is not known"));
	world_run(2 * DAY);
	assert_int_equal(fake.posted[2], 0);
	limit(-1, 1000, true);
	world_until(task, TASK_DONE, MINUTE);
	/* Without any limit nothing is held. */
	limit(-1, 1000, false);
	task = world_add(4);
	world_until(task, TASK_HELD, MINUTE);
	limit(-1, -1, false);
	world_until(task, TASK_DONE, MINUTE);
}

static void test_the_day_limit_holds_until_midnight(void **state)
{
	int64_t tasks[10];

	fake.cost = PRICE;
	limit(-1, 100, false);
	for (int i = 0; i < 10; i++)
		tasks[i] = world_add(2 * i + 1);
	world_run(MINUTE);
	/* Five of 18 are 90; a sixth would be 108. */
	check_today(5, 90, 0, 0);
	assert_int_equal(world_count(TASK_DONE), 5);
	assert_int_equal(world_count(TASK_HELD), 5);
	assert_true(world_error_has(tasks[9], "this day has cost 90 credits"));
	int64_t midnight = quota_day_end_ms(fake.now);
	world_run(midnight - fake.now - 1000);
	assert_int_equal(world_count(TASK_DONE), 5);
	world_run(MINUTE);
	assert_int_equal(world_count(TASK_DONE), 10);
	check_today(5, 90, 0, 0);
	check_csv("date,model,tasks,credits,estimated,unknown\n"
		  "2023-11-14,z-image,5,90,0,0\n"
		  "2023-11-15,z-image,5,90,0,0\n");
	for (int i = 0; i < 10; i++)
		assert_int_equal(fake.posted[2 * i + 1], 1);
}

static void test_a_cost_below_the_estimate_makes_room(void **state)
{
	fake.cost = 4;
	limit(-1, 40, false);
	for (int i = 0; i < 20; i++)
		world_add(2 * i + 1);
	world_run(10 * MINUTE);
	/* While running each counts 18, so two go at a time; done they cost 4. After six that is
	 * 24, and a further one would be 42. */
	check_today(6, 24, 0, 0);
	assert_int_equal(world_count(TASK_HELD), 14);
}

static void test_no_two_pass_one_gap(void **state)
{
	fake.polls_until_done = 1000000;
	limit(-1, PRICE, false);
	for (int i = 0; i < 50; i++)
		world_add(2 * i + 1);
	for (int round = 0; round < 20; round++) {
		world_restart();
		world_run(1000);
	}
	assert_int_equal(fake.posts, 1);
	check_today(1, PRICE, 1, 0);
	assert_int_equal(world_count(TASK_HELD), 49);
}

static void test_a_smaller_one_goes_past(void **state)
{
	limit(-1, 20, true);
	int64_t first = world_add(1), big = world_add(3), small = world_add(2);

	fake.polls_until_done = 1000000;
	world_run(MINUTE);
	assert_string_equal(task_state_name(world_state(first)), "running");
	assert_string_equal(task_state_name(world_state(big)), "held");
	assert_string_equal(task_state_name(world_state(small)), "running");
}

/* Held for a limit, many: the key's gate still finds its own. */
static void test_the_gates_see_past_the_limits(void **state)
{
	limit(10, -1, true);
	for (int i = 0; i < 100; i++)
		world_add(2 * i + 1);
	world_run(MINUTE);
	assert_int_equal(world_count(TASK_HELD), 100);
	fault.kind = CALL_SUBMIT;
	fault.from = 0;
	fault.calls = 1;
	fault.plan = (struct fake_plan){.fault = FAULT_CODE, .number = 402};
	fake.plan = some_calls;
	int64_t task = world_add(2);
	world_until(task, TASK_HELD, MINUTE);
	world_restart();
	world_until(task, TASK_DONE, 30 * MINUTE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_balance_is_asked_for),
		TEST(a_refused_question_keeps_the_last_answer),
		TEST(without_a_key_nothing_is_asked),
		TEST(estimates_become_costs),
		TEST(what_was_not_taken_does_not_count),
		TEST(a_lost_answer_counts),
		TEST(a_failed_task_counts_with_what_it_cost),
		TEST(over_the_task_limit_is_held),
		TEST(an_unknown_price_is_held),
		TEST(the_day_limit_holds_until_midnight),
		TEST(a_cost_below_the_estimate_makes_room),
		TEST(no_two_pass_one_gap),
		TEST(a_smaller_one_goes_past),
		TEST(the_gates_see_past_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
