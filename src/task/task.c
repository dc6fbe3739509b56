/*
 * A task's states and the one function that moves it. Pure.
 *
 * state      | meaning                 | fields valid          | events out           | on failure
 * -----------+-------------------------+-----------------------+----------------------+-----------
 * staged     | a close() accepted it   |                       | COMMIT LACK CANCEL   | stays
 * incomplete | waits for an input      | error                 | RESUME LACK REFUSED  | stays
 *            |                         |                       | CANCEL               |
 * held       | may not go now          | hold, error           | RESUME HOLD CANCEL   | stays
 * queued     | goes when limits and    | due_ms, attempts,     | UPLOAD SEND HOLD     | LATER:
 *            | due_ms allow            | error (after a try)   | LATER REFUSED LACK   | stays
 *            |                         |                       | CANCEL               |
 * uploading  | its input files go out  | due_ms, attempts,     | PROGRESS UPLOADED    | LATER,
 *            |                         | progress              | HOLD LATER REFUSED   | RESTART:
 *            |                         |                       | LACK CANCEL          | queued
 * submitting | on disk before the      | attempts              | ACCEPTED FINISHED    | NO_ANSWER,
 *            | request leaves          |                       | STREAM LATER REFUSED | RESTART:
 *            |                         |                       | HOLD NO_ANSWER       | uncertain
 * uncertain  | left, no answer came    | error                 | RESEND               | stays
 * running    | the service works on it | due_ms, attempts,     | POLLED POLL_MISSED   | asks less
 *            |                         | remote_id,            | SUCCEEDED EMPTY GONE | often;
 *            |                         | remote_state,         | TASK_FAILED          | EMPTY too
 *            |                         | progress, error       |                      | often:
 *            |                         | (while EMPTY)         |                      | lost
 * fetching   | results are on their    | remote_id (unless the | FETCHED REFRESH GONE | REFRESH:
 *            | way                     | service has none)     |                      | running
 * done       | all results are on disk | error (a remark)      |                      |
 * failed     | refused, or failed      | error                 | RETRY                |
 * lost       | made, cannot be had     | error, remote_id      | REFRESH RETRY        |
 * cancelled  | removed before it left  |                       | RETRY                |
 *
 * A running task whose answer streams in has no remote_id and is never due: its end is SUCCEEDED or
 * TASK_FAILED, with what arrived kept, and a new daemon ends those that it finds.
 *
 * RESTART means something in every state; where the table is silent it changes nothing.
 * submitted_ms is valid from submitting on, ended_ms in uncertain and the last four. No event of
 * running is one of time: the service goes on working and billing whatever this side thinks.
 */
#include "kiefs/task.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/limits.h"

#define LATER_FIRST_MS 2000
#define LATER_CAP_MS (5 * 60 * 1000)
#define MISSED_FIRST_MS 2000
#define MISSED_CAP_MS (10 * 60 * 1000)
#define EMPTY_FIRST_MS 5000
#define EMPTY_CAP_MS (2 * 60 * 1000)
/* A done task without a result is asked after this often: results may come late. */
#define EMPTY_TRIES 6
/* No wish of a server may put a task to sleep for longer. */
#define WAIT_CAP_MS (24LL * 60 * 60 * 1000)

/* A step of the table: changes `next`, which is still a copy of the task. 0 or -EPROTO. */
typedef int step_fn(const struct task_event *event, int64_t now, struct task *next);

static int64_t wish(const struct task_event *event)
{
	return event->wait_ms > WAIT_CAP_MS ? WAIT_CAP_MS : event->wait_ms;
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static const char *text_or(const struct task_event *event, const char *otherwise)
{
	return event->text && *event->text ? event->text : otherwise;
}

static void enter(struct task *next, enum task_state state, int64_t now)
{
	next->state = state;
	next->hold = HOLD_NONE;
	next->attempts = 0;
	next->due_ms = now;
	next->error = NULL;
	next->ended_ms = 0;
}

static void end(struct task *next, enum task_state state, int64_t now, const char *why)
{
	enter(next, state, now);
	next->due_ms = 0;
	next->ended_ms = now;
	next->error = (char *)why;
}

static int stay(const struct task_event *event, int64_t now, struct task *next)
{
	return 0;
}

static int queue(const struct task_event *event, int64_t now, struct task *next)
{
	enter(next, TASK_QUEUED, now);
	return 0;
}

static int lack(const struct task_event *event, int64_t now, struct task *next)
{
	enter(next, TASK_INCOMPLETE, now);
	next->error = (char *)text_or(event, "An input is missing.");
	return 0;
}

static int queue_anew(const struct task_event *event, int64_t now, struct task *next)
{
	enter(next, TASK_QUEUED, now);
	next->remote_id = NULL;
	next->remote_state = NULL;
	next->progress = -1;
	next->credits = -1;
	next->submitted_ms = 0;
	return 0;
}

static int hold(const struct task_event *event, int64_t now, struct task *next)
{
	if (event->hold <= HOLD_NONE || event->hold >= HOLD_COUNT)
		return -EPROTO;
	enter(next, TASK_HELD, now);
	next->hold = event->hold;
	next->submitted_ms = 0;
	next->error = (char *)text_or(event, "The request is held back.");
	return 0;
}

/* Tries of an upload count on: they are not over when it begins anew. */
static int begin_upload(const struct task_event *event, int64_t now, struct task *next)
{
	int attempts = next->attempts;

	enter(next, TASK_UPLOADING, now);
	next->attempts = attempts;
	next->progress = -1;
	return 0;
}

static int note_upload(const struct task_event *event, int64_t now, struct task *next)
{
	if (event->progress >= 0 && event->progress <= 100)
		next->progress = event->progress;
	return 0;
}

static int end_upload(const struct task_event *event, int64_t now, struct task *next)
{
	enter(next, TASK_QUEUED, now);
	next->progress = -1;
	return 0;
}

static int send_off(const struct task_event *event, int64_t now, struct task *next)
{
	int attempts = next->attempts;

	enter(next, TASK_SUBMITTING, now);
	next->attempts = attempts;
	next->submitted_ms = now;
	return 0;
}

static int accept_remote(const struct task_event *event, int64_t now, struct task *next)
{
	if (!event->remote_id || !*event->remote_id)
		return -EPROTO;
	enter(next, TASK_RUNNING, now);
	next->remote_id = (char *)event->remote_id;
	next->remote_state = NULL;
	next->progress = -1;
	next->due_ms = now + poll_delay(event->category, 0, wish(event), event->random);
	return 0;
}

/* An answer that streams in ends with its connection: there is no time at which to ask. */
static int stream(const struct task_event *event, int64_t now, struct task *next)
{
	enter(next, TASK_RUNNING, now);
	next->remote_state = (char *)event->remote_state;
	next->progress = -1;
	next->due_ms = INT64_MAX;
	return 0;
}

static int fetch(const struct task_event *event, int64_t now, struct task *next)
{
	enter(next, TASK_FETCHING, now);
	if (event->remote_id)
		next->remote_id = (char *)event->remote_id;
	if (event->remote_state)
		next->remote_state = (char *)event->remote_state;
	if (event->credits >= 0)
		next->credits = event->credits;
	return 0;
}

static int put_off(const struct task_event *event, int64_t now, struct task *next)
{
	int attempts = next->attempts + 1;
	int64_t delay = backoff_delay(attempts, LATER_FIRST_MS, LATER_CAP_MS, event->random);

	enter(next, TASK_QUEUED, now);
	next->attempts = attempts;
	next->submitted_ms = 0;
	next->due_ms = now + longer(delay, wish(event));
	next->error = (char *)text_or(event, "The request could not be sent; it is tried again.");
	return 0;
}

static int fail(const struct task_event *event, int64_t now, struct task *next)
{
	end(next, TASK_FAILED, now, text_or(event, "The service refused the request."));
	return 0;
}

static int doubt(const struct task_event *event, int64_t now, struct task *next)
{
	end(next, TASK_UNCERTAIN, now,
		text_or(event,
			"The request was sent and its answer never came.\n"
			"It may have been accepted and paid: look at the service's log page.\n"
			"`echo resend > control` in the task's directory sends it again."));
	return 0;
}

static int note_poll(const struct task_event *event, int64_t now, struct task *next)
{
	int64_t age = now - next->submitted_ms;

	if (!next->remote_id)
		return -EPROTO; /* it streams: nothing was asked */
	if (event->remote_state)
		next->remote_state = (char *)event->remote_state;
	if (event->progress >= 0 && event->progress <= 100)
		next->progress = event->progress;
	if (event->credits >= 0)
		next->credits = event->credits;
	next->attempts = 0;
	next->error = NULL;
	next->due_ms = now + poll_delay(event->category, age, wish(event), event->random);
	return 0;
}

/* While the service says "done, no result" (`error` is set), `attempts` counts those answers and
 * not the missing ones between them. */
static int note_missed_poll(const struct task_event *event, int64_t now, struct task *next)
{
	int64_t pace =
		poll_delay(event->category, now - next->submitted_ms, wish(event), event->random);

	if (!next->remote_id)
		return -EPROTO; /* it streams: nothing was asked */
	if (!next->error)
		next->attempts++;
	next->due_ms = now + longer(pace, backoff_delay(next->attempts, MISSED_FIRST_MS,
						  MISSED_CAP_MS, event->random));
	return 0;
}

static int note_empty(const struct task_event *event, int64_t now, struct task *next)
{
	int tries = next->error ? next->attempts + 1 : 1;
	int64_t delay = backoff_delay(tries, EMPTY_FIRST_MS, EMPTY_CAP_MS, event->random);
	const char *why = text_or(event, "The service says it is done but names no result.");

	if (!next->remote_id)
		return -EPROTO; /* it streams: nothing was asked */
	if (event->remote_state)
		next->remote_state = (char *)event->remote_state;
	if (event->credits >= 0)
		next->credits = event->credits;
	if (tries >= EMPTY_TRIES) {
		end(next, TASK_LOST, now, why);
		return 0;
	}
	next->attempts = tries;
	next->error = (char *)why;
	next->due_ms = now + longer(delay, wish(event));
	return 0;
}

static int fail_remote(const struct task_event *event, int64_t now, struct task *next)
{
	if (event->remote_state)
		next->remote_state = (char *)event->remote_state;
	if (event->credits >= 0)
		next->credits = event->credits;
	end(next, TASK_FAILED, now,
		text_or(event, "The service failed the task and gave no reason."));
	return 0;
}

/* A synchronous service has no record to ask for. */
static int refresh(const struct task_event *event, int64_t now, struct task *next)
{
	if (!next->remote_id) {
		end(next, TASK_LOST, now, text_or(event, "The result's address is dead."));
		return 0;
	}
	enter(next, TASK_RUNNING, now);
	next->due_ms = now + longer(0, wish(event));
	return 0;
}

/* The user's word: what is lost may be found, and asking costs nothing. */
static int ask_again(const struct task_event *event, int64_t now, struct task *next)
{
	if (!next->remote_id)
		return -EPROTO;
	enter(next, TASK_RUNNING, now);
	return 0;
}

static int complete(const struct task_event *event, int64_t now, struct task *next)
{
	end(next, TASK_DONE, now, event->text && *event->text ? event->text : NULL);
	return 0;
}

static int lose(const struct task_event *event, int64_t now, struct task *next)
{
	end(next, TASK_LOST, now, text_or(event, "The result can no longer be had."));
	return 0;
}

static int cancel(const struct task_event *event, int64_t now, struct task *next)
{
	end(next, TASK_CANCELLED, now, NULL);
	return 0;
}

/* What is not here is -EPROTO. */
static step_fn *const steps[TASK_STATE_COUNT][EVENT_COUNT] = {
	[TASK_STAGED] =
		{
			[EVENT_COMMIT] = queue,
			[EVENT_LACK] = lack,
			[EVENT_CANCEL] = cancel,
			[EVENT_RESTART] = stay,
		},
	[TASK_INCOMPLETE] =
		{
			[EVENT_RESUME] = queue,
			[EVENT_LACK] = lack,
			[EVENT_REFUSED] = fail,
			[EVENT_CANCEL] = cancel,
			[EVENT_RESTART] = stay,
		},
	[TASK_HELD] =
		{
			[EVENT_RESUME] = queue,
			[EVENT_HOLD] = hold,
			[EVENT_CANCEL] = cancel,
			[EVENT_RESTART] = stay,
		},
	[TASK_QUEUED] =
		{
			[EVENT_UPLOAD] = begin_upload,
			[EVENT_SEND] = send_off,
			[EVENT_HOLD] = hold,
			[EVENT_LATER] = put_off,
			[EVENT_REFUSED] = fail,
			[EVENT_LACK] = lack,
			[EVENT_CANCEL] = cancel,
			[EVENT_RESTART] = stay,
		},
	[TASK_UPLOADING] =
		{
			[EVENT_PROGRESS] = note_upload,
			[EVENT_UPLOADED] = end_upload,
			[EVENT_HOLD] = hold,
			[EVENT_LATER] = put_off,
			[EVENT_REFUSED] = fail,
			[EVENT_LACK] = lack,
			[EVENT_CANCEL] = cancel,
			[EVENT_RESTART] = queue,
		},
	[TASK_SUBMITTING] =
		{
			[EVENT_ACCEPTED] = accept_remote,
			[EVENT_FINISHED] = fetch,
			[EVENT_STREAM] = stream,
			[EVENT_LATER] = put_off,
			[EVENT_REFUSED] = fail,
			[EVENT_HOLD] = hold,
			[EVENT_NO_ANSWER] = doubt,
			[EVENT_RESTART] = doubt,
		},
	[TASK_UNCERTAIN] =
		{
			[EVENT_RESEND] = queue_anew,
			[EVENT_RESTART] = stay,
		},
	[TASK_RUNNING] =
		{
			[EVENT_POLLED] = note_poll,
			[EVENT_POLL_MISSED] = note_missed_poll,
			[EVENT_SUCCEEDED] = fetch,
			[EVENT_EMPTY] = note_empty,
			[EVENT_TASK_FAILED] = fail_remote,
			[EVENT_GONE] = lose,
			[EVENT_RESTART] = stay,
		},
	[TASK_FETCHING] =
		{
			[EVENT_FETCHED] = complete,
			[EVENT_REFRESH] = refresh,
			[EVENT_GONE] = lose,
			[EVENT_RESTART] = stay,
		},
	[TASK_DONE] =
		{
			[EVENT_RESTART] = stay,
		},
	[TASK_FAILED] =
		{
			[EVENT_RETRY] = queue_anew,
			[EVENT_RESTART] = stay,
		},
	[TASK_LOST] =
		{
			[EVENT_REFRESH] = ask_again,
			[EVENT_RETRY] = queue_anew,
			[EVENT_RESTART] = stay,
		},
	[TASK_CANCELLED] =
		{
			[EVENT_RETRY] = queue_anew,
			[EVENT_RESTART] = stay,
		},
};

int task_step(
	const struct task *task, const struct task_event *event, int64_t now_ms, struct task *next)
{
	step_fn *step = NULL;
	int r;

	*next = *task;
	if ((unsigned)task->state < TASK_STATE_COUNT && (unsigned)event->kind < EVENT_COUNT)
		step = steps[task->state][event->kind];
	if (!step)
		return -EPROTO;
	r = step(event, now_ms, next);
	if (r < 0)
		*next = *task;
	return r;
}

bool task_is_final(enum task_state state)
{
	return state == TASK_UNCERTAIN || state == TASK_DONE || state == TASK_FAILED ||
	       state == TASK_LOST || state == TASK_CANCELLED;
}

bool task_is_unsent(enum task_state state)
{
	return state == TASK_STAGED || state == TASK_INCOMPLETE || state == TASK_HELD ||
	       state == TASK_QUEUED || state == TASK_UPLOADING;
}

#ifndef NDEBUG
/* The table's column "fields valid": NULL, or what is wrong. */
static const char *find_fault(const struct task *task)
{
	enum task_state state = task->state;
	bool sent = !task_is_unsent(state) && state != TASK_CANCELLED && state != TASK_FAILED;
	bool remote = state == TASK_RUNNING || state == TASK_FETCHING || state == TASK_DONE ||
		      state == TASK_FAILED || state == TASK_LOST;
	bool told = state == TASK_HELD || state == TASK_INCOMPLETE || state == TASK_UNCERTAIN ||
		    state == TASK_FAILED || state == TASK_LOST;
	bool may_tell = told || state == TASK_DONE ||
			((state == TASK_QUEUED || state == TASK_RUNNING) && task->attempts > 0);

	if ((unsigned)state >= TASK_STATE_COUNT)
		return "no such state";
	if ((state == TASK_HELD) != (task->hold != HOLD_NONE))
		return "hold";
	if (state == TASK_RUNNING && !task->remote_id && task->due_ms != INT64_MAX)
		return "running without remote_id";
	if (!remote && task->remote_id)
		return "remote_id";
	if (task_is_final(state) != (task->ended_ms != 0))
		return "ended_ms";
	if (sent != (task->submitted_ms != 0) && state != TASK_FAILED)
		return "submitted_ms";
	if (told && (!task->error || !*task->error))
		return "no error text";
	if (!may_tell && task->error)
		return "error text";
	if (task->progress < -1 || task->progress > 100)
		return "progress";
	if (task->attempts < 0 || task->due_ms < 0)
		return "attempts or due_ms";
	return NULL;
}
#endif

void task_check(const struct task *task)
{
#ifndef NDEBUG
	const char *fault = find_fault(task);

	if (!fault)
		return;
	fprintf(stderr, "task %lld, %s: %s does not fit the state\n", (long long)task->id,
		task_state_name(task->state), fault);
	abort();
#endif
}

void task_finish(struct task *task)
{
	if (!task)
		return;
	free(task->model);
	free(task->name);
	free(task->source_sha);
	free(task->remote_id);
	free(task->remote_state);
	free(task->error);
	memset(task, 0, sizeof(*task));
}
