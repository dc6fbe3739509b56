/*
 * Answers to submissions: what they mean for their task, and for all the others. When the disk
 * will not take what an answer meant, it is kept in memory and written down as soon as it does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/protocol.h"
#include "kiefs/say.h"
#include "worker_private.h"

#define PAUSE_FIRST_MS 2000
#define PAUSE_CAP_MS 60000
#define PAUSE_WISH_MAX_MS (60 * 60 * 1000)

static void forget(struct unsaved *note)
{
	catalogue_destroy(note->catalogue);
	buf_finish(&note->body);
	free(note->remote_id);
	free(note->text);
	free(note);
}

static int keep(struct worker *worker, const struct job *job, const struct task_event *event,
	const struct http_answer *answer)
{
	struct unsaved *note = calloc(1, sizeof(*note));
	int r = 0;

	if (!note)
		return -ENOMEM;
	note->task = job->task;
	note->kind = event->kind;
	note->hold = event->hold;
	note->wait_ms = event->wait_ms;
	note->remote_id = event->remote_id ? strdup(event->remote_id) : NULL;
	note->text = event->text ? strdup(event->text) : NULL;
	buf_init(&note->body, ANSWER_MAX_BYTES);
	if ((event->remote_id && !note->remote_id) || (event->text && !note->text))
		r = -ENOMEM;
	if (r == 0 && event->kind == EVENT_FINISHED) {
		note->catalogue = catalogue_share(job->catalogue);
		note->model = job->model;
		note->status = answer->status;
		r = buf_add(&note->body, answer->body, answer->body_len);
	}
	if (r < 0) {
		forget(note);
		return r;
	}
	note->next = worker->unsaved;
	worker->unsaved = note;
	return 0;
}

void submit_forget(struct worker *worker)
{
	while (worker->unsaved) {
		struct unsaved *note = worker->unsaved;
		worker->unsaved = note->next;
		say(SAY_ERROR, "task %lld: not written down: %s %s", (long long)note->task,
			note->kind == EVENT_ACCEPTED ? "accepted as" : "answered",
			note->remote_id ? note->remote_id : "");
		forget(note);
	}
}

/* A synchronous service's answer is read like a poll's: there the results stand. */
static int read_results(const struct model *model, const struct http_answer *answer,
	enum task_event_kind kind, struct poll_answer *out)
{
	*out = (struct poll_answer){.progress = -1, .credits = -1};
	return kind == EVENT_FINISHED ? protocol_read_poll(model, answer, out) : 0;
}

static int save_one(struct worker *worker, const struct unsaved *note)
{
	struct task_event event = worker_event(note->kind, worker_random(worker));
	const struct http_answer answer = {.outcome = HTTP_ANSWERED,
		.status = note->status,
		.body = note->body.data ? note->body.data : "",
		.body_len = note->body.len,
		.retry_after_ms = -1};
	struct poll_answer found;
	struct task task = {0};
	int r = read_results(note->model, &answer, note->kind, &found);

	if (r < 0)
		return r;
	event.hold = note->hold;
	event.remote_id = note->remote_id;
	event.text = note->text;
	event.wait_ms = note->wait_ms;
	event.credits = found.credits;
	const struct task_update update = {
		.results = found.results,
		.result_count = found.result_count,
		.record = note->body.data,
		.record_len = note->body.len,
		.log = "answer written down late",
	};
	r = store_task_get(worker->options.store, note->task, &task);
	if (r == 0)
		r = worker_apply(worker, &task, &event, &update);
	task_finish(&task);
	poll_answer_finish(&found);
	return r;
}

int submit_save(struct worker *worker)
{
	int r = 0;

	while (worker->unsaved && r == 0) {
		struct unsaved *note = worker->unsaved;
		r = save_one(worker, note);
		if (r < 0 && r != -ENOENT && r != -ESTALE)
			break;
		/* Nobody lets a task go that is held behind an open gate. */
		if (r == 0 && note->kind == EVENT_HOLD)
			gate_close(worker, note->hold, false);
		worker->unsaved = note->next;
		forget(note);
		r = 0;
	}
	return r;
}

/* Rate limits and missing networks concern every task: the window waits too. */
static void pause_window(struct worker *worker, const struct submit_answer *said)
{
	int64_t wait = backoff_delay(
		++worker->later_count, PAUSE_FIRST_MS, PAUSE_CAP_MS, worker_random(worker));

	if (said->retry_after_ms > wait)
		wait = said->retry_after_ms > PAUSE_WISH_MAX_MS ? PAUSE_WISH_MAX_MS
								: said->retry_after_ms;
	window_pause(&worker->window, worker->mono + wait);
}

static enum task_hold hold_of(enum submit_verdict verdict)
{
	switch (verdict) {
	case SUBMIT_HELD_KEY:
		return HOLD_KEY;
	case SUBMIT_HELD_CREDITS:
		return HOLD_CREDITS;
	case SUBMIT_HELD_QUOTA:
		return HOLD_QUOTA;
	default:
		return HOLD_NONE;
	}
}

static enum task_event_kind kind_of(enum submit_verdict verdict)
{
	switch (verdict) {
	case SUBMIT_ACCEPTED:
		return EVENT_ACCEPTED;
	case SUBMIT_FINISHED:
		return EVENT_FINISHED;
	case SUBMIT_LATER:
	case SUBMIT_EARLY:
		return EVENT_LATER;
	case SUBMIT_HELD_KEY:
	case SUBMIT_HELD_CREDITS:
	case SUBMIT_HELD_QUOTA:
		return EVENT_HOLD;
	case SUBMIT_REFUSED:
		return EVENT_REFUSED;
	case SUBMIT_UNCERTAIN:
		break;
	}
	return EVENT_NO_ANSWER;
}

/* What the answer means for all the others. */
static int learn(struct worker *worker, const struct job *job, const struct submit_answer *said)
{
	enum task_hold hold = hold_of(said->verdict);
	int r = 0;

	if (said->verdict == SUBMIT_LATER)
		pause_window(worker, said);
	else
		worker->later_count = 0;
	if (said->verdict == SUBMIT_ACCEPTED || said->verdict == SUBMIT_FINISHED) {
		for (int i = HOLD_NONE + 1; i < HOLD_COUNT && r == 0; i++)
			r = gate_open(worker, (enum task_hold)i, job->started);
		return r;
	}
	/* Who speaks of credits has taken the key. */
	if (hold != HOLD_NONE && hold != HOLD_KEY)
		r = gate_open(worker, HOLD_KEY, job->started);
	if (hold != HOLD_NONE)
		gate_close(worker, hold, job->probe);
	if (job->probe)
		gate_put_off(worker, -1);
	return r;
}

int submit_taken(struct worker *worker, const struct job *job)
{
	const struct submit_answer said = {.verdict = SUBMIT_FINISHED};

	atomic_fetch_add(&worker->accepted, 1);
	return learn(worker, job, &said);
}

static void count(
	struct worker *worker, const struct submit_answer *said, const struct http_answer *answer)
{
	if (said->verdict == SUBMIT_ACCEPTED || said->verdict == SUBMIT_FINISHED)
		atomic_fetch_add(&worker->accepted, 1);
	else if (said->verdict == SUBMIT_EARLY)
		return;
	else if (said->verdict == SUBMIT_LATER && answer->outcome == HTTP_ANSWERED)
		atomic_fetch_add(&worker->rate_limited, 1);
	else
		atomic_fetch_add(&worker->errors, 1);
}

static void put_line(const struct submit_answer *said, char *line, size_t size)
{
	const char *text = said->message ? said->message : "";
	int len = (int)strcspn(text, "\n");

	switch (said->verdict) {
	case SUBMIT_ACCEPTED:
		snprintf(line, size, "accepted as %s", said->task_id);
		break;
	case SUBMIT_FINISHED:
		snprintf(line, size, "answered at once");
		break;
	case SUBMIT_LATER:
	case SUBMIT_EARLY:
		snprintf(line, size, "not taken, tried again later: %.*s", len, text);
		break;
	case SUBMIT_REFUSED:
		snprintf(line, size, "refused: %.*s", len, text);
		break;
	case SUBMIT_UNCERTAIN:
		snprintf(line, size, "uncertain, not sent again by itself: %.*s", len, text);
		break;
	default:
		snprintf(line, size, "held: %.*s", len, text);
	}
}

/* `why` is the first sentence of an uncertain task's error. */
static void put_why(const struct http_answer *answer, char *why, size_t size)
{
	if (answer->outcome == HTTP_ANSWERED)
		snprintf(why, size,
			"The service answered (HTTP %d) and did not say whether it took the "
			"request.",
			answer->status);
	else
		snprintf(why, size, "The request was sent and no whole answer came: %s",
			answer->detail ? answer->detail : "the connection ended.");
}

static int write_answer(struct worker *worker, const struct job *job,
	const struct http_answer *answer, const struct submit_answer *said)
{
	struct task_event event = worker_event(kind_of(said->verdict), worker_random(worker));
	char line[600], why[400], doubt[TASK_TEXT_SIZE];
	struct poll_answer found;
	struct task task = {0};
	int r = read_results(job->model, answer, event.kind, &found);

	if (r < 0)
		return r;
	put_line(said, line, sizeof(line));
	worker_trim(line);
	event.hold = hold_of(said->verdict);
	event.remote_id = said->task_id;
	event.wait_ms = said->retry_after_ms;
	event.category = job->model->category;
	event.credits = found.credits;
	event.text = said->message;
	if (event.kind == EVENT_NO_ANSWER) {
		put_why(answer, why, sizeof(why));
		task_doubt_text(job->task, why, doubt, sizeof(doubt));
		event.text = doubt;
	}
	struct task_update update = {
		.results = found.results,
		.result_count = found.result_count,
		.log = line,
	};
	if (answer->outcome == HTTP_ANSWERED && answer->body_len > 0) {
		update.record = answer->body;
		update.record_len = answer->body_len;
	}
	r = store_task_get(worker->options.store, job->task, &task);
	if (r == 0)
		r = worker_apply(worker, &task, &event, &update);
	task_finish(&task);
	poll_answer_finish(&found);
	if (r == 0 || r == -ESTALE || r == -ENOENT)
		return 0;
	int kept = keep(worker, job, &event, answer);
	return kept < 0 ? kept : r;
}

void submit_done(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	struct submit_answer said = {0};
	int r = protocol_read_submit(job->model, answer, &said);

	if (r == 0) {
		count(worker, &said, answer);
		r = write_answer(worker, job, answer, &said);
		int learned = learn(worker, job, &said);
		if (r == 0)
			r = learned;
	}
	submit_answer_finish(&said);
	if (r < 0 && worker->failure == 0)
		worker->failure = r;
}
