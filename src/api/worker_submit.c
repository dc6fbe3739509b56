/* Sending requests. "submitting" is on disk before the request leaves. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/input.h"
#include "kiefs/protocol.h"
#include "kiefs/store_upload.h"
#include "worker_private.h"

#define SUBMIT_TOTAL_MS 120000
/* A model that left the catalogue may come back with the next one. */
#define UNKNOWN_MODEL_MS (60 * 60 * 1000)

static int room_at_service(struct worker *worker, int64_t *room)
{
	int64_t submitting = 0, running = 0;
	int r = store_task_count(worker->options.store, TASK_SUBMITTING, &submitting);

	if (r == 0)
		r = store_task_count(worker->options.store, TASK_RUNNING, &running);
	*room = worker->options.max_running - submitting - running;
	return r;
}

static int drop_stale(int r)
{
	return r == -ESTALE ? 0 : r;
}

static int put_off_unknown(struct worker *worker, const struct task *task)
{
	struct task_event later = worker_event(EVENT_LATER, worker_random(worker));
	char text[512];

	snprintf(text, sizeof(text),
		"The catalogue has no model %.200s any more, so the request waits.\n"
		"Put the model back, or remove the request.",
		task->model);
	later.text = text;
	later.wait_ms = UNKNOWN_MODEL_MS;
	const struct task_update update = {
		.log = task->attempts ? NULL : "not sent: the catalogue has no such model",
	};
	return drop_stale(worker_apply(worker, task, &later, &update));
}

/* QUEUED to SUBMITTING, durable: from here on the request counts as sent. */
static int write_down(struct worker *worker, const struct task *task)
{
	struct task_event send = worker_event(EVENT_SEND, worker_random(worker));
	char line[80], price[PRICE_SIZE];

	snprintf(line, sizeof(line), "submitting, price %s%s", price_text(task->estimate, price),
		task->estimate >= 0 ? " credits" : "");
	const struct task_update update = {.log = line};
	return worker_apply(worker, task, &send, &update);
}

/* Heap; NULL when out of memory. `query` may be NULL. */
static char *submit_url(
	struct worker *worker, const struct model *model, const struct buf *query)
{
	char *url = protocol_model_url(model, worker->api_url, worker->upload_url);
	char *tail = query ? protocol_query(query->data, query->len) : NULL;
	char *whole = NULL;

	if (!query)
		return url;
	if (url && tail && asprintf(&whole, "%s%s", url, tail) < 0)
		whole = NULL;
	free(url);
	free(tail);
	return whole;
}

static int post(struct worker *worker, struct job *job)
{
	const struct service *service = job->model->service;
	bool in_url = strcmp(service->submit_method, "GET") == 0;
	char *url = submit_url(worker, job->model, in_url ? &job->body : NULL);
	int r = -ENOMEM;

	if (!url)
		return r;
	struct http_request request = {
		.method = service->submit_method,
		.url = url,
		.body = in_url ? NULL : job->body.data,
		.body_len = in_url ? 0 : job->body.len,
		.authorized = true,
		.once = true,
		.fd = -1,
		.max_bytes = ANSWER_MAX_BYTES,
		.total_ms = SUBMIT_TOTAL_MS,
		.user = job,
	};
	if (job->kind == JOB_CHAT)
		chat_prepare(worker, &request);
	worker_tick(worker);
	window_take(&worker->window, worker->mono);
	job->started = worker->mono;
	atomic_fetch_add(&worker->submissions, 1);
	r = http_start(worker->http, &request);
	free(url);
	return r;
}

/* Nothing left this machine. */
static int take_back(struct worker *worker, int64_t id, const char *text)
{
	struct task_event later = worker_event(EVENT_LATER, worker_random(worker));
	const struct task_update update = {.log = text};
	struct task task = {0};
	int r = store_task_get(worker->options.store, id, &task);

	later.text = text;
	if (r == 0)
		r = worker_apply(worker, &task, &later, &update);
	task_finish(&task);
	return drop_stale(r);
}

/* Sends one queued task; `sent` says whether it left. -ESTALE was dealt with. */
static int submit_one(struct worker *worker, const struct task *task, bool probe, bool *sent)
{
	const struct model *model = catalogue_find(worker->options.catalogue, task->model);
	struct job *job;
	bool ready, admitted;
	int r;

	*sent = false;
	if (!model)
		return put_off_unknown(worker, task);
	r = follow_values(worker, task, &ready);
	if (r < 0 || !ready)
		return r;
	r = quota_admit(worker, task, &admitted);
	if (r < 0 || !admitted)
		return r;
	r = store_upload_missing(worker->options.store, task->id, worker->now);
	if (r != 0)
		return r < 0 ? r : drop_stale(upload_begin(worker, task, probe));
	job = job_create(worker, model->service->chat ? JOB_CHAT : JOB_SUBMIT, task->id);
	if (!job)
		return -ENOMEM;
	job->model = model;
	job->probe = probe;
	buf_init(&job->body, BODY_MAX_BYTES);
	r = job->kind == JOB_CHAT ? chat_begin(job) : 0;
	if (r == 0)
		r = store_input_body(worker->options.store, task->id, &job->body);
	if (r == 0)
		r = write_down(worker, task);
	if (r < 0) {
		job_destroy(worker, job);
		return drop_stale(r);
	}
	r = post(worker, job);
	if (r < 0) {
		job_destroy(worker, job);
		return take_back(worker, task->id, "Not sent: out of memory.");
	}
	*sent = true;
	return 0;
}

/* An error of this row alone must not stop the others. */
static int give_up(struct worker *worker, const struct task *task, int error)
{
	struct task_event refused = worker_event(EVENT_REFUSED, 0);
	const struct task_update update = {.log = "refused: it cannot be read back"};
	char text[160];

	if (error == -EIO || error == -ENOSPC || error == -ENOMEM)
		return error;
	snprintf(text, sizeof(text), "The request could not be sent: %s.", strerror(-error));
	refused.text = text;
	return drop_stale(worker_apply(worker, task, &refused, &update));
}

static int submit_id(struct worker *worker, int64_t id, bool probe, bool *sent)
{
	struct task task = {0};
	int r = store_task_get(worker->options.store, id, &task);

	*sent = false;
	if (r == 0 && task.state == TASK_QUEUED)
		r = submit_one(worker, &task, probe, sent);
	if (r < 0 && r != -ENOENT)
		r = give_up(worker, &task, r);
	task_finish(&task);
	return r == -ENOENT ? 0 : r;
}

static bool probe_under_way(const struct worker *worker)
{
	for (const struct job *job = worker->jobs; job; job = job->next) {
		if (job->probe)
			return true;
	}
	return false;
}

static int resume_one(struct worker *worker, int64_t id)
{
	struct task_event resume = worker_event(EVENT_RESUME, worker_random(worker));
	const struct task_update update = {.log = "tried again"};
	struct task task = {0};
	int r = store_task_get(worker->options.store, id, &task);

	if (r == 0 && task.state == TASK_HELD)
		r = worker_apply(worker, &task, &resume, &update);
	task_finish(&task);
	return r == -ENOENT ? 0 : drop_stale(r);
}

/* Lets one task through a closed gate when it is time to. */
static int submit_probe(struct worker *worker)
{
	int64_t id, room, wait = window_wait(&worker->window, worker->mono);
	bool sent;
	int r;

	if (gate_closed(worker) == HOLD_NONE || probe_under_way(worker))
		return 0;
	r = gate_probe(worker, &id);
	if (r < 0 || id == 0)
		return r;
	r = room_at_service(worker, &room);
	if (r < 0)
		return r;
	if (wait > 0 || room <= 0) {
		gate_put_off(worker, wait > 0 ? wait : -1);
		return 0;
	}
	r = resume_one(worker, id);
	if (r == 0)
		r = submit_id(worker, id, true, &sent);
	if (r == 0 && !sent)
		gate_put_off(worker, -1);
	return r;
}

static int hold_queued(struct worker *worker, enum task_hold hold)
{
	struct task_event event = worker_event(EVENT_HOLD, 0);
	const struct task_update update = {.log = "held without being sent"};
	int64_t ids[SUBMIT_BATCH];
	int n = store_task_due(worker->options.store, TASK_QUEUED, worker->now, ids, SUBMIT_BATCH);
	int r = n < 0 ? n : 0;

	event.hold = hold;
	event.text = gate_text(worker, hold);
	for (int i = 0; i < n && r == 0; i++) {
		struct task task = {0};
		r = store_task_get(worker->options.store, ids[i], &task);
		if (r == 0 && task.state == TASK_QUEUED)
			r = drop_stale(worker_apply(worker, &task, &event, &update));
		task_finish(&task);
	}
	return r;
}

static int submit_queued(struct worker *worker)
{
	int64_t ids[SUBMIT_BATCH], room;
	int r = store_task_due(worker->options.store, TASK_QUEUED, worker->now, ids, SUBMIT_BATCH);

	int n = r;
	if (n <= 0)
		return n;
	r = room_at_service(worker, &room);
	for (int i = 0; i < n && r == 0 && room > 0; i++) {
		bool sent;
		if (window_wait(&worker->window, worker->mono) > 0)
			break;
		r = submit_id(worker, ids[i], false, &sent);
		room -= sent;
	}
	return r;
}

int submit_due(struct worker *worker)
{
	enum task_hold hold;
	int r = submit_probe(worker);

	if (r < 0)
		return r;
	hold = gate_closed(worker);
	if (hold != HOLD_NONE)
		return worker->gates[hold].sure ? hold_queued(worker, hold) : 0;
	if (window_wait(&worker->window, worker->mono) > 0)
		return 0;
	return submit_queued(worker);
}

int submit_wait(struct worker *worker, int64_t *wait_ms)
{
	enum task_hold hold = gate_closed(worker);
	int64_t due = NEVER, room, gate = NEVER;
	int r = store_task_next_due(worker->options.store, TASK_QUEUED, &due);

	*wait_ms = NEVER;
	if (r < 0)
		return r;
	if (hold != HOLD_NONE && !probe_under_way(worker))
		gate = gate_wait(worker);
	if (due != NEVER)
		due = due > worker->now ? due - worker->now : 0;
	if (due == 0 && hold == HOLD_NONE) {
		due = window_wait(&worker->window, worker->mono);
		r = room_at_service(worker, &room);
		if (r == 0 && room <= 0)
			due = NEVER;
	} else if (hold != HOLD_NONE && !worker->gates[hold].sure) {
		due = NEVER;
	}
	*wait_ms = gate < due ? gate : due;
	if (worker->unsaved && *wait_ms > 1000)
		*wait_ms = 1000;
	return r;
}
