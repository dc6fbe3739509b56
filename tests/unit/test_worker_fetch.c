/* The worker: bringing results to disk. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker_world.h"

#define MINUTE 60000
#define HOUR (60 * MINUTE)

static struct fake_plan plan;
static int plan_calls;	/* how many of FETCH meet it; -1: all */
static int plan_result; /* which; 0: all */
static int64_t seen_offset;
static int alive_from; /* links of polls from here on are good */

static struct fake_plan first_fetches(const struct fake_call *call)
{
	if (call->kind != CALL_FETCH)
		return (struct fake_plan){0};
	if (call->offset > seen_offset)
		seen_offset = call->offset;
	if ((plan_calls < 0 || call->serial < plan_calls) &&
		(!plan_result || plan_result == call->result))
		return plan;
	return (struct fake_plan){0};
}

static void plan_fetch(int calls, struct fake_plan what)
{
	plan = what;
	plan_calls = calls;
	plan_result = 0;
	seen_offset = 0;
	fake.calls[CALL_FETCH] = 0;
	fake.plan = first_fetches;
}

static void test_a_cut_download_goes_on(void **state)
{
	int64_t task = world_add(1);

	fake.result_size = 10000;
	plan_fetch(9, (struct fake_plan){.fault = FAULT_CUT, .number = 1000});
	world_until(task, TASK_DONE, 2 * MINUTE);
	world_check_result(task, 1);
	assert_int_equal(fake.calls[CALL_FETCH], 10);
	assert_int_equal(seen_offset, 9000);
}

static void test_a_file_that_changed_starts_over(void **state)
{
	int64_t task = world_add(1);

	fake.result_size = 5000;
	plan_fetch(1, (struct fake_plan){.fault = FAULT_CUT, .number = 3000});
	while (fake.calls[CALL_FETCH] == 0)
		world_round(1000);
	/* Another file at the same place: longer, and the part is not its beginning. */
	int fd = files_open_part(&world.files, task, 1, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "xxxx", 4, 100), 4);
	close(fd);
	plan_fetch(1, (struct fake_plan){.fault = FAULT_STALE});
	world_until(task, TASK_DONE, 2 * MINUTE);
	assert_int_equal(seen_offset, 3000);
	world_check_result(task, 1);
}

static void test_a_resume_survives_a_restart(void **state)
{
	int64_t task = world_add(1);

	fake.result_size = 5000;
	plan_fetch(1, (struct fake_plan){.fault = FAULT_CUT, .number = 3000});
	while (fake.calls[CALL_FETCH] == 0)
		world_round(1000);
	world_restart();
	world_until(task, TASK_DONE, 2 * MINUTE);
	assert_int_equal(seen_offset, 3000);
	world_check_result(task, 1);
}

/* Digested in pieces, while another task goes its way. */
static void test_a_film_does_not_hold_up_the_rest(void **state)
{
	int64_t film, other;

	fake.result_size = 20 << 20;
	film = world_add(1);
	while (fake.calls[CALL_FETCH] == 0)
		world_round(1000);
	fake.result_size = 5000;
	other = world_add(2);
	world_until(other, TASK_DONE, 2 * MINUTE);
	fake.result_size = 20 << 20;
	world_until(film, TASK_DONE, 2 * MINUTE);
	world_check_result(film, 1);
}

static void test_a_resume_survives_a_crash(void **state)
{
	int64_t task = world_add(1);

	fake.result_size = 5000;
	plan_fetch(1, (struct fake_plan){.fault = FAULT_VANISH, .number = 3000});
	while (fake.calls[CALL_FETCH] == 0)
		world_round(1000);
	/* The transfer is still under way for this worker when it is gone. */
	world_restart();
	world_until(task, TASK_DONE, 2 * MINUTE);
	assert_int_equal(seen_offset, 3000);
	world_check_result(task, 1);
}

static void test_a_whole_file_is_adopted_after_a_crash(void **state)
{
	int64_t task = world_add(1);

	fake.latency_ms = 500;
	world_until(task, TASK_FETCHING, MINUTE);
	worker_destroy(world.worker);
	world.worker = NULL;
	/* As if the daemon had died between the rename and the commit. */
	int fd = files_open_part(&world.files, task, 1, O_RDWR | O_CREAT);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "\x89PNG\r\n\x1a\n", 8), 8);
	for (int i = 8; i < fake.result_size; i++) {
		unsigned char byte = (unsigned char)(i * 31);
		assert_int_equal(write(fd, &byte, 1), 1);
	}
	assert_int_equal(files_commit_part(&world.files, task, 1, fd), 0);
	close(fd);
	int fetches = fake.calls[CALL_FETCH];
	world_restart();
	world_until(task, TASK_DONE, MINUTE);
	world_check_result(task, 1);
	assert_int_equal(fake.calls[CALL_FETCH], fetches);
}

static void test_troubles_that_pass(void **state)
{
	static const struct fake_plan plans[] = {
		{.fault = FAULT_NOT_SENT},
		{.fault = FAULT_LOST},
		{.fault = FAULT_EMPTY},
		{.fault = FAULT_CUT, .number = 0},
		{.fault = FAULT_STATUS, .number = 500},
		{.fault = FAULT_STATUS, .number = 503, .retry_after_ms = 60000},
		{.fault = FAULT_STATUS, .number = 429, .retry_after_ms = 5000},
		{.fault = FAULT_STATUS, .number = 416},
		{.fault = FAULT_PAGE},
		{.fault = FAULT_LOCAL, .number = ENOSPC},
		{.fault = FAULT_LOCAL, .number = EDQUOT},
	};

	for (int i = 0; i < (int)(sizeof(plans) / sizeof(plans[0])); i++) {
		plan_fetch(6, plans[i]);
		int64_t task = world_add(i);
		world_until(task, TASK_DONE, HOUR);
		world_check_result(task, 1);
		assert_int_equal(fake.calls[CALL_FETCH], 7);
		assert_int_equal(fake.taken[i], 1);
		assert_true(world_log_count(task, "tried again") <= 6);
	}
}

static void test_a_full_disk_is_told_once(void **state)
{
	int64_t task = world_add(1);

	plan_fetch(-1, (struct fake_plan){.fault = FAULT_LOCAL, .number = ENOSPC});
	world_run(10 * HOUR);
	assert_int_equal(world_state(task), TASK_FETCHING);
	assert_int_equal(world_log_count(task, "No space left"), 1);
	assert_in_range(fake.calls[CALL_FETCH], 50, 200);
	fake.plan = NULL;
	world_until(task, TASK_DONE, HOUR);
	world_check_result(task, 1);
}

static void test_a_dead_link_gets_a_fresh_one(void **state)
{
	static const int statuses[] = {403, 404, 410, 401, 400};

	for (int i = 0; i < 5; i++) {
		plan_fetch(1, (struct fake_plan){.fault = FAULT_STATUS, .number = statuses[i]});
		int64_t task = world_add(i);
		world_until(task, TASK_DONE, MINUTE);
		world_check_result(task, 1);
		assert_int_equal(fake.polled[i], fake.polls_until_done + 2);
		assert_int_equal(fake.posted[i], 1);
	}
}

static struct fake_plan dead_until(const struct fake_call *call)
{
	int link = 0;

	if (call->kind != CALL_FETCH)
		return (struct fake_plan){0};
	assert_int_equal(sscanf(strstr(call->url, "/link"), "/link%d", &link), 1);
	if (link < alive_from && call->result != 1)
		return (struct fake_plan){.fault = FAULT_STATUS, .number = 403};
	return (struct fake_plan){0};
}

static void test_some_links_dead_for_hours(void **state)
{
	int64_t task = world_add(1);

	fake.result_count = 4;
	fake.plan = dead_until;
	alive_from = 9;
	world_until(task, TASK_DONE, 12 * HOUR);
	for (int i = 1; i <= 4; i++)
		world_check_result(task, i);
	assert_int_equal(fake.posted[1], 1);
}

static void test_gone_for_good_is_lost(void **state)
{
	int64_t task = world_add(1), started = fake.now;

	plan_fetch(-1, (struct fake_plan){.fault = FAULT_STATUS, .number = 404});
	world_until(task, TASK_LOST, 72 * HOUR);
	assert_true(fake.now - started > 12 * HOUR);
	assert_in_range(fake.calls[CALL_FETCH], 20, 60);
	assert_true(world_error_has(task, "HTTP 404"));
	assert_true(world_error_has(task, "cannot be had"));
	int fetches = fake.calls[CALL_FETCH];
	world_run(24 * HOUR);
	assert_int_equal(fake.calls[CALL_FETCH], fetches);
	/* The user's word makes it look again, for nothing. */
	int submits = fake.calls[CALL_SUBMIT];
	plan_fetch(-1, (struct fake_plan){0});
	world_event(task, EVENT_REFRESH);
	world_until(task, TASK_DONE, HOUR);
	world_check_result(task, 1);
	assert_int_equal(fake.calls[CALL_SUBMIT], submits);
	assert_int_equal(fake.posted[1], 1);
}

/* A long outage must not count as dead links. */
static void test_an_outage_before_a_dead_link(void **state)
{
	int64_t task = world_add(1);

	plan_fetch(-1, (struct fake_plan){.fault = FAULT_STATUS, .number = 502});
	world_run(48 * HOUR);
	assert_int_equal(world_state(task), TASK_FETCHING);
	plan_fetch(1, (struct fake_plan){.fault = FAULT_STATUS, .number = 404});
	world_until(task, TASK_DONE, HOUR);
	world_check_result(task, 1);
}

static void test_what_is_never_fetched(void **state)
{
	int64_t task = world_add(1);

	plan_fetch(-1, (struct fake_plan){.fault = FAULT_REFUSED});
	world_until(task, TASK_LOST, MINUTE);
	assert_true(world_error_has(task, "not allowed"));
	plan_fetch(-1, (struct fake_plan){.fault = FAULT_TOO_LARGE});
	task = world_add(2);
	world_until(task, TASK_LOST, MINUTE);
	assert_true(world_error_has(task, "1048576 bytes"));
	assert_int_equal(fake.calls[CALL_FETCH], 1);
}

static void test_a_page_instead_of_a_film_is_not_kept(void **state)
{
	int64_t task = world_add(1);

	plan_fetch(3, (struct fake_plan){.fault = FAULT_PAGE});
	world_until(task, TASK_DONE, HOUR);
	world_check_result(task, 1);
}

static struct fake_plan json_result(const struct fake_call *call)
{
	if (call->kind != CALL_POLL)
		return (struct fake_plan){0};
	return (struct fake_plan){.fault = FAULT_BODY,
		.body = "{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":"
			"\"{\\\"resultObject\\\":{\\\"a\\\":1},\\\"character_id\\\":\\\"c1\\\"}\"}"
			"}"};
}

static void test_content_in_the_record(void **state)
{
	static const struct {
		const char *extension, *content;
	} want[] = {{"json", "\"a\""}, {"txt", "c1"}};
	int64_t task = world_add(1);

	fake.plan = json_result;
	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_FETCH], 0);
	for (int i = 1; i <= 2; i++) {
		struct result result;
		char text[64] = "";
		assert_int_equal(store_result_get(world.front, task, i, &result), 0);
		assert_true(result.whole);
		int fd = files_open_result(&world.files, task, i, O_RDONLY);
		assert_true(fd >= 0);
		assert_true(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
		int w = strcmp(result.extension, "json") == 0 ? 0 : 1;
		assert_string_equal(result.extension, want[w].extension);
		assert_non_null(strstr(text, want[w].content));
		result_finish(&result);
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_cut_download_goes_on),
		CASE(test_a_file_that_changed_starts_over),
		CASE(test_a_resume_survives_a_restart),
		CASE(test_a_film_does_not_hold_up_the_rest),
		CASE(test_a_resume_survives_a_crash),
		CASE(test_a_whole_file_is_adopted_after_a_crash),
		CASE(test_troubles_that_pass),
		CASE(test_a_full_disk_is_told_once),
		CASE(test_a_dead_link_gets_a_fresh_one),
		CASE(test_some_links_dead_for_hours),
		CASE(test_gone_for_good_is_lost),
		CASE(test_an_outage_before_a_dead_link),
		CASE(test_what_is_never_fetched),
		CASE(test_a_page_instead_of_a_film_is_not_kept),
		CASE(test_content_in_the_record),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
