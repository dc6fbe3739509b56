/* The transition function against a table of its own, walks at random, and a task in words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/task.h"
#include "kiefs/utf8.h"

#define NOW 1700000000000LL

/* Rows: events in the order of the enum; one letter per state in the order of the enum. A capital
 * is the state that follows: T staged, I incomplete, H held, Q queued, U uploading, S submitting,
 * X uncertain, R running, F fetching, D done, E failed, L lost, C cancelled; "." means -EPROTO. */
static const char letters[] = "TIHQUSXRFDELC";
static const char *const expected[EVENT_COUNT] = {
	/*                        TIHQUSXRFDELC */
	[EVENT_COMMIT] = "Q............",
	[EVENT_LACK] = "II.II........",
	[EVENT_HOLD] = "..HHHH.......",
	[EVENT_RESUME] = ".QQ..........",
	[EVENT_UPLOAD] = "...U.........",
	[EVENT_PROGRESS] = "....U........",
	[EVENT_UPLOADED] = "....Q........",
	[EVENT_SEND] = "...S.........",
	[EVENT_ACCEPTED] = ".....R.......",
	[EVENT_FINISHED] = ".....F.......",
	[EVENT_STREAM] = ".....R.......",
	[EVENT_LATER] = "...QQQ.......",
	[EVENT_REFUSED] = ".E.EEE.......",
	[EVENT_NO_ANSWER] = ".....X.......",
	[EVENT_POLLED] = ".......R.....",
	[EVENT_POLL_MISSED] = ".......R.....",
	[EVENT_SUCCEEDED] = ".......F.....",
	[EVENT_EMPTY] = ".......R.....",
	[EVENT_TASK_FAILED] = ".......E.....",
	[EVENT_REFRESH] = "........R..R.",
	[EVENT_FETCHED] = "........D....",
	[EVENT_GONE] = ".......LL....",
	[EVENT_CANCEL] = "CCCCC........",
	[EVENT_RESEND] = "......Q......",
	[EVENT_RETRY] = "..........QQQ",
	[EVENT_RESTART] = "TIHQQXXRFDELC",
};

/* A task as it stands in the index in this state. */
static struct task sample(enum task_state state)
{
	struct task task = {
		.id = 7,
		.state = state,
		.model = (char *)"z-image",
		.name = (char *)"cat.txt",
		.source_sha = (char *)"00",
		.progress = -1,
		.due_ms = NOW,
		.created_ms = NOW - 60000,
		.estimate = -1,
		.credits = -1,
	};

	if (state == TASK_HELD) {
		task.hold = HOLD_KEY;
		task.error = (char *)"No key.";
	}
	if (state == TASK_RUNNING || state == TASK_FETCHING || state == TASK_DONE ||
		state == TASK_LOST)
		task.remote_id = (char *)"remote";
	if (state == TASK_SUBMITTING || state == TASK_UNCERTAIN || state == TASK_RUNNING ||
		state == TASK_FETCHING || state == TASK_DONE || state == TASK_LOST)
		task.submitted_ms = NOW - 30000;
	if (state == TASK_UNCERTAIN || state == TASK_FAILED || state == TASK_LOST ||
		state == TASK_INCOMPLETE)
		task.error = (char *)"Something went wrong. More.";
	if (task_is_final(state))
		task.ended_ms = NOW;
	return task;
}

static struct task_event told(enum task_event_kind kind, uint32_t random)
{
	return (struct task_event){
		.kind = kind,
		.hold = HOLD_CREDITS,
		.remote_id = "r1",
		.remote_state = "generating",
		.progress = 40,
		.credits = 4,
		.wait_ms = -1,
		.text = "A sentence.",
		.category = "image",
		.random = random,
	};
}

static struct task_event untold(enum task_event_kind kind)
{
	return (struct task_event){
		.kind = kind, .hold = HOLD_KEY, .progress = -1, .credits = -1, .wait_ms = -1};
}

static void test_every_pair(void **state)
{
	for (int s = 0; s < TASK_STATE_COUNT; s++) {
		for (int e = 0; e < EVENT_COUNT; e++) {
			struct task task = sample((enum task_state)s), next;
			struct task_event event = told((enum task_event_kind)e, 12345);
			char want = expected[e][s];

			task_check(&task);
			int r = task_step(&task, &event, NOW, &next);
			if (want == '.') {
				assert_int_equal(r, -EPROTO);
				assert_memory_equal(&next, &task, sizeof(next));
				continue;
			}
			if (r != 0 || letters[next.state] != want)
				fail_msg("%s, event %d: %d, %s", task_state_name(task.state), e, r,
					task_state_name(next.state));
			task_check(&next);
			assert_int_equal(next.id, task.id);
			assert_int_equal(next.created_ms, task.created_ms);
		}
	}
}

static void test_an_event_that_tells_nothing_is_safe(void **state)
{
	for (int s = 0; s < TASK_STATE_COUNT; s++) {
		for (int e = 0; e < EVENT_COUNT; e++) {
			struct task task = sample((enum task_state)s), next;
			struct task_event event = untold((enum task_event_kind)e);

			task_step(&task, &event, NOW, &next);
			task_check(&next);
		}
	}
	struct task task = sample(TASK_SUBMITTING), next;
	struct task_event event = untold(EVENT_ACCEPTED);
	assert_int_equal(task_step(&task, &event, NOW, &next), -EPROTO);
	event = untold(EVENT_HOLD);
	event.hold = HOLD_NONE;
	assert_int_equal(task_step(&task, &event, NOW, &next), -EPROTO);
	event.kind = EVENT_COUNT;
	assert_int_equal(task_step(&task, &event, NOW, &next), -EPROTO);
}

static uint32_t draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 32);
}

static void test_random_walks_keep_the_invariants(void **state)
{
	uint64_t seed = 20260101;
	struct task task = sample(TASK_STAGED);
	int64_t now = NOW;
	int seen[TASK_STATE_COUNT] = {0};

	for (int i = 0; i < 100000; i++) {
		struct task next;
		enum task_event_kind kind = (enum task_event_kind)(draw(&seed) % EVENT_COUNT);
		struct task_event event = draw(&seed) % 4 ? told(kind, draw(&seed)) : untold(kind);

		event.hold = (enum task_hold)(draw(&seed) % HOLD_COUNT);
		event.progress = (int)(draw(&seed) % 300) - 100;
		event.wait_ms = draw(&seed) % 8 ? -1 : (int64_t)draw(&seed) * 1000000;
		now += draw(&seed) % 100000;
		if (task_step(&task, &event, now, &next) == 0) {
			if (task.state == TASK_UNCERTAIN && next.state != TASK_UNCERTAIN)
				assert_int_equal(kind, EVENT_RESEND);
			if (task.state == TASK_DONE)
				assert_int_equal(next.state, TASK_DONE);
		}
		task_check(&next);
		seen[next.state]++;
		task = task_is_final(next.state) && draw(&seed) % 3 == 0 ? sample(TASK_STAGED)
									 : next;
	}
	for (int s = 0; s < TASK_STATE_COUNT; s++) {
		if (s != TASK_INCOMPLETE)
			assert_true(seen[s] > 0);
	}
}

static void test_later_waits_longer_and_obeys(void **state)
{
	struct task task = sample(TASK_SUBMITTING), next;
	struct task_event event = told(EVENT_LATER, UINT32_MAX);
	int64_t last = 0;

	for (int i = 1; i < 200; i++) {
		task.state = TASK_SUBMITTING;
		task.error = NULL;
		task.submitted_ms = NOW;
		assert_int_equal(task_step(&task, &event, NOW, &next), 0);
		assert_int_equal(next.attempts, i);
		assert_true(next.due_ms - NOW >= last);
		last = next.due_ms - NOW;
		task = next;
		struct task_event send = untold(EVENT_SEND);
		assert_int_equal(task_step(&task, &send, NOW, &next), 0);
		assert_int_equal(next.attempts, i);
	}
	assert_true(last <= 5 * 60 * 1000);
	event.wait_ms = 3600000;
	task.state = TASK_SUBMITTING;
	assert_int_equal(task_step(&task, &event, NOW, &next), 0);
	assert_int_equal(next.due_ms, NOW + 3600000);
	event.wait_ms = INT64_MAX;
	assert_int_equal(task_step(&task, &event, NOW, &next), 0);
	assert_true(next.due_ms <= NOW + 24LL * 3600 * 1000);
}

static void test_running_never_ends_by_time(void **state)
{
	struct task task = sample(TASK_RUNNING), next;
	struct task_event missed = untold(EVENT_POLL_MISSED);
	int64_t now = NOW;

	for (int i = 0; i < 10000; i++) {
		assert_int_equal(task_step(&task, &missed, now, &next), 0);
		assert_int_equal(next.state, TASK_RUNNING);
		assert_true(next.due_ms > now && next.due_ms <= now + 10 * 60 * 1000);
		now = next.due_ms;
		task = next;
	}
}

static void test_a_done_task_without_result_is_asked_again_then_lost(void **state)
{
	struct task task = sample(TASK_RUNNING), next;
	struct task_event empty = untold(EVENT_EMPTY), missed = untold(EVENT_POLL_MISSED);
	struct task_event polled = told(EVENT_POLLED, 1);

	/* Missing answers before and between do not count. */
	for (int i = 0; i < 50; i++) {
		assert_int_equal(task_step(&task, &missed, NOW, &next), 0);
		task = next;
	}
	for (int i = 1; i <= 5; i++) {
		assert_int_equal(task_step(&task, &empty, NOW, &next), 0);
		assert_int_equal(next.state, TASK_RUNNING);
		assert_int_equal(next.attempts, i);
		task = next;
		assert_int_equal(task_step(&task, &missed, NOW, &next), 0);
		task = next;
	}
	assert_int_equal(task_step(&task, &polled, NOW, &next), 0);
	assert_int_equal(next.attempts, 0);
	assert_null(next.error);
	assert_int_equal(task_step(&task, &empty, NOW, &next), 0);
	assert_int_equal(next.state, TASK_LOST);
	assert_non_null(next.error);
}

static void test_retry_clears_what_was(void **state)
{
	struct task task = sample(TASK_FAILED), next;
	struct task_event retry = untold(EVENT_RETRY);

	task.remote_id = (char *)"old";
	task.remote_state = (char *)"fail";
	task.progress = 80;
	task.credits = 4;
	assert_int_equal(task_step(&task, &retry, NOW, &next), 0);
	assert_null(next.remote_id);
	assert_null(next.remote_state);
	assert_null(next.error);
	assert_int_equal(next.progress, -1);
	assert_int_equal(next.ended_ms, 0);
	assert_int_equal(next.due_ms, NOW);
}

static void test_a_synchronous_result_cannot_be_asked_for_anew(void **state)
{
	struct task task = sample(TASK_FETCHING), next;
	struct task_event refresh = told(EVENT_REFRESH, 0);

	task.remote_id = NULL;
	assert_int_equal(task_step(&task, &refresh, NOW, &next), 0);
	assert_int_equal(next.state, TASK_LOST);
	task_check(&next);
}

static void test_status_lines(void **state)
{
	static const struct {
		enum task_state state;
		const char *remote_state;
		int progress;
		int64_t since_ms; /* submitted, before now */
		int64_t due_ms;	  /* after now */
		enum task_hold hold;
		const char *error, *want;
	} cases[] = {
		{TASK_QUEUED, NULL, -1, 0, 0, HOLD_NONE, NULL, "queued"},
		{TASK_QUEUED, NULL, -1, 0, 30000, HOLD_NONE, NULL, "queued: next try in 00:30"},
		{TASK_QUEUED, NULL, -1, 0, 100, HOLD_NONE, NULL, "queued: next try in 00:01"},
		{TASK_HELD, NULL, -1, 0, 0, HOLD_KEY, "x", "held: no key, or the key was refused"},
		{TASK_HELD, NULL, -1, 0, 0, HOLD_CREDITS, "x", "held: no credits"},
		{TASK_RUNNING, "generating", 40, 12000, 0, HOLD_NONE, NULL, "generating 40% 00:12"},
		{TASK_RUNNING, NULL, -1, 12000, 0, HOLD_NONE, NULL, "running 00:12"},
		{TASK_RUNNING, "0", -1, 3725000, 0, HOLD_NONE, NULL, "running 1:02:05"},
		{TASK_RUNNING, "a\nb", 0, -5000, 0, HOLD_NONE, NULL, "a b 0% 00:00"},
		{TASK_FETCHING, "success", -1, 14999, 0, HOLD_NONE, NULL, "fetching 00:14"},
		{TASK_DONE, "success", -1, 31000, 0, HOLD_NONE, NULL, "done 00:31"},
		{TASK_FAILED, NULL, -1, 0, 0, HOLD_NONE, "Bad prompt. Mend it.",
			"failed: Bad prompt"},
		{TASK_FAILED, NULL, -1, 0, 0, HOLD_NONE, "Bad 2.5 value.\nMore",
			"failed: Bad 2.5 value"},
		{TASK_LOST, NULL, -1, 0, 0, HOLD_NONE, "Gone", "lost: Gone"},
		{TASK_CANCELLED, NULL, -1, 0, 0, HOLD_NONE, NULL, "cancelled"},
		{TASK_INCOMPLETE, NULL, -1, 0, 0, HOLD_NONE, NULL, "incomplete"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[256];
		struct task task = {
			.state = cases[i].state,
			.hold = cases[i].hold,
			.remote_state = (char *)cases[i].remote_state,
			.progress = cases[i].progress,
			.submitted_ms = NOW - cases[i].since_ms,
			.due_ms = NOW + cases[i].due_ms,
			.ended_ms = task_is_final(cases[i].state) ? NOW : 0,
			.error = (char *)cases[i].error,
		};
		task_status_line(&task, NOW, line, sizeof(line));
		assert_string_equal(line, cases[i].want);
	}
}

/* With the clock stopped at 0, and nothing due ever: how a change of the line is told. */
static void test_a_status_without_its_clock(void **state)
{
	struct task task = {.state = TASK_RUNNING, .progress = -1, .due_ms = INT64_MAX};
	char line[256];

	task_status_line(&task, 0, line, sizeof(line));
	assert_string_equal(line, "running 00:00");
}

static void test_a_long_status_is_cut_between_characters(void **state)
{
	char error[1001], line[TASK_STATUS_MAX + 1], small[8];
	struct task task = {.state = TASK_FAILED, .error = error, .ended_ms = NOW, .progress = -1};

	for (size_t shift = 0; shift < 4; shift++) {
		memset(error, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(error); i += 3)
			memcpy(error + i, "\xe2\x82\xac", 4);
		task_status_line(&task, NOW, line, sizeof(line));
		assert_true(strlen(line) > TASK_STATUS_MAX - 4);
		assert_true(utf8_is_valid(line, strlen(line)));
	}
	task_status_line(&task, NOW, small, sizeof(small));
	assert_string_equal(small, "failed:");
	task_status_line(&task, NOW, small, 0);
	assert_string_equal(small, "failed:");
}

static void test_names_both_ways(void **state)
{
	enum task_state back;
	enum task_hold hold;

	for (int s = 0; s < TASK_STATE_COUNT; s++) {
		assert_int_equal(task_state_from(task_state_name((enum task_state)s), &back), 0);
		assert_int_equal(back, s);
	}
	for (int h = 0; h < HOLD_COUNT; h++) {
		assert_int_equal(task_hold_from(task_hold_name((enum task_hold)h), &hold), 0);
		assert_int_equal(hold, h);
	}
	assert_int_equal(task_state_from("Queued", &back), -EINVAL);
	assert_int_equal(task_hold_from("", &hold), -EINVAL);
}

static void test_doubt_names_the_way_out(void **state)
{
	char text[TASK_TEXT_SIZE], small[16];

	task_doubt_text(42, "The connection was cut.", text, sizeof(text));
	assert_non_null(strstr(text, "The connection was cut."));
	assert_non_null(strstr(text, "paid"));
	assert_non_null(strstr(text, "`echo resend > tasks/all/42/control`"));
	task_doubt_text(42, "The connection was cut.", small, sizeof(small));
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_an_event_that_tells_nothing_is_safe),
		cmocka_unit_test(test_random_walks_keep_the_invariants),
		cmocka_unit_test(test_later_waits_longer_and_obeys),
		cmocka_unit_test(test_running_never_ends_by_time),
		cmocka_unit_test(test_a_done_task_without_result_is_asked_again_then_lost),
		cmocka_unit_test(test_retry_clears_what_was),
		cmocka_unit_test(test_a_synchronous_result_cannot_be_asked_for_anew),
		cmocka_unit_test(test_status_lines),
		cmocka_unit_test(test_a_status_without_its_clock),
		cmocka_unit_test(test_a_long_status_is_cut_between_characters),
		cmocka_unit_test(test_names_both_ways),
		cmocka_unit_test(test_doubt_names_the_way_out),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
