/* Asking after running tasks: longest due first, through one bucket for all of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/input.h"
#include "kiefs/protocol.h"
#include "worker_private.h"

#define POLL_TOTAL_MS 30000
#define PAUSE_MAX_MS (10 * 60 * 1000)
#define UNKNOWN_MODEL_MS (60 * 60 * 1000)

static int64_t pause_left(const struct worker *worker)
{
	int64_t left = worker->polls_paused_until - worker->mono;

	return left > 0 ? left : 0;
}

static bool may_ask(const struct worker *worker)
{
	return atomic_load(&worker->key_present) && worker->running[JOB_POLL] < POLLS_MAX;
}

static int64_t budget_wait(const struct worker *worker)
{
	int64_t pause = pause_left(worker);
	int64_t wait = bucket_wait(&worker->polls, worker->mono);

	return pause > wait ? pause : wait;
}

static int drop_stale(int r)
{
	return r == -ESTALE || r == -ENOENT ? 0 : r;
}

static int put_off_unknown(struct worker *worker, const struct task *task)
{
	struct task_event missed = worker_event(EVENT_POLL_MISSED, worker_random(worker));
	const struct task_update update = {
		.log = task->attempts ? NULL
				      : "cannot be asked after: the catalogue has no such model",
	};

	missed.wait_ms = UNKNOWN_MODEL_MS;
	return drop_stale(worker_apply(worker, task, &missed, &update));
}

static int ask(struct worker *worker, const struct task *task)
{
	const struct model *model = catalogue_find(worker->options.catalogue, task->model);
	struct job *job;
	char *url;
	int r = -ENOMEM;

	if (!model)
		return put_off_unknown(worker, task);
	url = protocol_poll_url(
		model->service, worker->api_url, worker->upload_url, task->remote_id);
	job = url ? job_create(worker, JOB_POLL, task->id) : NULL;
	if (!job)
		goto out;
	job->model = model;
	if (model->service->poll_repeats) {
		buf_init(&job->body, BODY_MAX_BYTES);
		r = store_input_body(worker->options.store, task->id, &job->body);
		if (r < 0) {
			job_destroy(worker, job);
			goto out;
		}
	}
	const struct http_request request = {
		.method = model->service->poll_method,
		.url = url,
		.body = job->body.data,
		.body_len = job->body.len,
		.authorized = true,
		.fd = -1,
		.max_bytes = ANSWER_MAX_BYTES,
		.total_ms = POLL_TOTAL_MS,
		.user = job,
	};
	bucket_take(&worker->polls, worker->mono);
	r = http_start(worker->http, &request);
	if (r < 0)
		job_destroy(worker, job);
	else
		atomic_fetch_add(&worker->polled, 1);
out:
	free(url);
	return r;
}

static int ask_if_running(struct worker *worker, int64_t id)
{
	struct task task = {0};
	int r = store_task_get(worker->options.store, id, &task);

	if (r == 0 && task.state == TASK_RUNNING)
		r = ask(worker, &task);
	task_finish(&task);
	return drop_stale(r);
}

/* What callbacks ask for goes first. */
static int ask_the_poked(struct worker *worker)
{
	int64_t id;
	int r = 0;

	while (r == 0 && may_ask(worker) && budget_wait(worker) <= 0 &&
		(id = poke_next(worker)) != 0)
		r = ask_if_running(worker, id);
	return r;
}

int poll_due(struct worker *worker)
{
	int64_t ids[2 * POLLS_MAX];
	int n, r = 0;

	if (!may_ask(worker) || budget_wait(worker) > 0)
		return 0;
	r = ask_the_poked(worker);
	if (r < 0)
		return r;
	/* Those under way are the longest due: as many more as there may be of them. */
	n = store_task_due(worker->options.store, TASK_RUNNING, worker->now, ids, 2 * POLLS_MAX);
	for (int i = 0; i < n && r == 0; i++) {
		if (job_exists(worker, JOB_POLL, ids[i], 0))
			continue;
		if (!may_ask(worker) || budget_wait(worker) > 0)
			break;
		r = ask_if_running(worker, ids[i]);
	}
	return n < 0 ? n : r;
}

/* The first that is not under way says when. */
int poll_wait(struct worker *worker, int64_t *wait_ms)
{
	int64_t ids[POLLS_MAX + 1], due = NEVER, budget = budget_wait(worker);
	struct task task = {0};
	int n, r = 0;

	*wait_ms = NEVER;
	if (!may_ask(worker))
		return 0;
	n = store_task_due(
		worker->options.store, TASK_RUNNING, INT64_MAX, ids, worker->running[JOB_POLL] + 1);
	for (int i = 0; i < n && r == 0 && due == NEVER; i++) {
		if (job_exists(worker, JOB_POLL, ids[i], 0))
			continue;
		r = store_task_get(worker->options.store, ids[i], &task);
		if (r == 0)
			due = task.due_ms > worker->now ? task.due_ms - worker->now : 0;
		task_finish(&task);
	}
	if (n < 0 || r < 0)
		return n < 0 ? n : drop_stale(r);
	int64_t poked = poke_wait(worker);
	if (poked < due)
		due = poked;
	*wait_ms = due < budget ? budget : due;
	return 0;
}

/* ---- answers ---- */

static enum task_event_kind kind_of(const struct poll_answer *said)
{
	switch (said->verdict) {
	case POLL_RUNNING:
		return EVENT_POLLED;
	case POLL_SUCCEEDED:
		return said->result_count > 0 ? EVENT_SUCCEEDED : EVENT_EMPTY;
	case POLL_FAILED:
		return EVENT_TASK_FAILED;
	case POLL_LATER:
	case POLL_MISSING:
	case POLL_KEY:
		break;
	}
	return EVENT_POLL_MISSED;
}

static void put_credits(const struct task *task, double credits, char *out, size_t size)
{
	char cost[PRICE_SIZE], price[PRICE_SIZE];

	if (credits < 0)
		*out = '\0';
	else if (task->estimate >= 0 && task->estimate != credits)
		snprintf(out, size, ", %s credits, where %s were expected",
			price_text(credits, cost), price_text(task->estimate, price));
	else
		snprintf(out, size, ", %s credits", price_text(credits, cost));
}

/* Only what is new: a task that goes on running says nothing. False: no line. */
static bool put_line(const struct task *task, const struct poll_answer *said,
	enum task_event_kind kind, char *line, size_t size)
{
	const char *text = said->message ? said->message : "";
	const char *state = said->state ? said->state : "";
	bool same = task->remote_state && strcmp(task->remote_state, state) == 0;
	int len = (int)strcspn(text, "\n");
	char credits[128];

	put_credits(task, said->credits, credits, sizeof(credits));
	switch (kind) {
	case EVENT_POLLED:
		if (same || !*state)
			return false;
		snprintf(line, size,
			said->known_state ? "%.80s" : "unknown state %.80s, asked again", state);
		return true;
	case EVENT_SUCCEEDED:
		snprintf(line, size, "done at the service: %zu result%s%s", said->result_count,
			said->result_count == 1 ? "" : "s", credits);
		return true;
	case EVENT_EMPTY:
		snprintf(line, size, "done at the service, but no result is named (%d)%s",
			task->error ? task->attempts + 1 : 1, credits);
		return true;
	case EVENT_TASK_FAILED:
		snprintf(line, size, "failed at the service%s%s%s: %.*s",
			said->code ? ", code " : "", said->code ? said->code : "", credits, len,
			text);
		return true;
	default:
		if (task->attempts > 0)
			return false;
		snprintf(line, size, "%.*s", len, *text ? text : "no usable answer");
		return true;
	}
}

/* The record as it is kept; identical ones are not written again. */
static int record_is_new(
	struct worker *worker, int64_t task, const struct http_answer *answer, bool *is_new)
{
	struct buf record;
	int r;

	*is_new = false;
	if (answer->outcome != HTTP_ANSWERED || answer->body_len == 0)
		return 0;
	buf_init(&record, ANSWER_MAX_BYTES + 1);
	r = store_task_record(worker->options.store, task, &record);
	if (r == 0)
		*is_new = record.len != answer->body_len ||
			  memcmp(record.data, answer->body, record.len) != 0;
	buf_finish(&record);
	return r;
}

/* After a fresh record every result may be on disk already. */
static int end_if_whole(struct worker *worker, int64_t id)
{
	struct task_event fetched = worker_event(EVENT_FETCHED, worker_random(worker));
	const struct task_update update = {.log = "done"};
	struct result *results = calloc(RESULTS_MAX, sizeof(*results));
	struct task task = {0};
	bool missing = false;
	int r, n;

	if (!results)
		return -ENOMEM;
	n = r = store_result_list(worker->options.store, id, results, RESULTS_MAX);
	for (int i = 0; i < n; i++) {
		missing = missing || !results[i].whole;
		result_finish(&results[i]);
	}
	free(results);
	if (n <= 0 || missing)
		return r < 0 ? r : 0;
	r = store_task_get(worker->options.store, id, &task);
	if (r == 0 && task.state == TASK_FETCHING)
		r = worker_apply(worker, &task, &fetched, &update);
	task_finish(&task);
	return drop_stale(r);
}

static int write_answer(struct worker *worker, const struct task *task, const struct job *job,
	const struct http_answer *answer, const struct poll_answer *said)
{
	struct task_event event = worker_event(kind_of(said), worker_random(worker));
	char line[600];
	bool is_new;
	int r = record_is_new(worker, task->id, answer, &is_new);

	if (r < 0)
		return r;
	event.remote_state = said->state;
	event.progress = said->progress;
	event.credits = said->credits;
	event.wait_ms = said->retry_after_ms;
	event.text = said->message;
	event.category = job->model->category;
	if (event.kind == EVENT_POLL_MISSED)
		event.remote_state = NULL;
	struct task_update update = {
		.results = said->results,
		.result_count = said->result_count,
	};
	if (is_new) {
		update.record = answer->body;
		update.record_len = answer->body_len;
	}
	if (put_line(task, said, event.kind, line, sizeof(line))) {
		worker_trim(line);
		update.log = line;
	}
	r = worker_apply(worker, task, &event, &update);
	if (r == 0 && said->result_count > RESULTS_MAX)
		worker_log(worker, task->id, "%zu results, only the first %d are fetched",
			said->result_count, RESULTS_MAX);
	if (r == 0 && event.kind == EVENT_SUCCEEDED)
		r = end_if_whole(worker, task->id);
	return drop_stale(r);
}

static int learn(struct worker *worker, const struct job *job, const struct http_answer *answer,
	const struct poll_answer *said)
{
	int64_t wait = said->retry_after_ms;

	if (said->verdict == POLL_LATER || said->verdict == POLL_KEY)
		atomic_fetch_add(&worker->errors, 1);
	if (said->verdict == POLL_LATER && wait > 0)
		worker->polls_paused_until =
			worker->mono + (wait < PAUSE_MAX_MS ? wait : PAUSE_MAX_MS);
	if (said->verdict == POLL_KEY)
		gate_close(worker, HOLD_KEY, false);
	if (said->verdict == POLL_RUNNING || said->verdict == POLL_SUCCEEDED ||
		said->verdict == POLL_FAILED)
		return gate_open(worker, HOLD_KEY, job->started);
	return 0;
}

void poll_done(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	struct poll_answer said = {0};
	struct task task = {0};
	int r = protocol_read_poll(job->model, answer, &said);

	if (r == 0)
		r = learn(worker, job, answer, &said);
	if (r == 0)
		r = store_task_get(worker->options.store, job->task, &task);
	if (r == 0 && task.state == TASK_RUNNING)
		r = write_answer(worker, &task, job, answer, &said);
	task_finish(&task);
	poll_answer_finish(&said);
	r = drop_stale(r);
	if (r < 0 && worker->failure == 0)
		worker->failure = r;
}
