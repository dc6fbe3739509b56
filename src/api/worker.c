/*
 * The loop. One thread runs it and owns everything in struct worker but the atomics; other threads
 * only set those and wake the loop. It waits in http_perform() and nowhere else, and the answers
 * come from there too, so nothing here needs a lock. The index is the only list of tasks: in memory
 * are just the transfers under way (`jobs`), bounded by the limits.
 */
#include "kiefs/worker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/catalogue.h"
#include "kiefs/digest.h"
#include "kiefs/say.h"
#include "kiefs/utf8.h"
#include "worker_private.h"

/* The far side counts arrivals: a slow first connection must not squeeze two windows together. */
#define WINDOW_MARGIN_MS 500
/* A clock that goes back by more takes the due times along, or all would stand still. */
#define CLOCK_BACK_MS 5000
#define WAIT_MAX_MS (60 * 60 * 1000)
#define TROUBLE_FIRST_MS 500
#define TROUBLE_CAP_MS 30000
#define TROUBLE_MAX 12 /* rounds in a row in which the database failed */

void worker_tick(struct worker *worker)
{
	int64_t now = worker->options.clock(worker->options.context);

	if (now > worker->now)
		worker->mono += now - worker->now;
	else if (now < worker->now - CLOCK_BACK_MS)
		worker->clock_back = true;
	worker->now = now;
}

/* xorshift64*: jitter needs no better. */
uint32_t worker_random(struct worker *worker)
{
	worker->random ^= worker->random >> 12;
	worker->random ^= worker->random << 25;
	worker->random ^= worker->random >> 27;
	return (uint32_t)((worker->random * 0x2545f4914f6cdd1dULL) >> 32);
}

struct task_event worker_event(enum task_event_kind kind, uint32_t random)
{
	return (struct task_event){
		.kind = kind,
		.progress = -1,
		.credits = -1,
		.wait_ms = -1,
		.random = random,
	};
}

void worker_notify(struct worker *worker, const struct changes *changes)
{
	if (worker->options.notify)
		worker->options.notify(changes, worker->options.context);
}

void worker_trim(char *line)
{
	size_t len = strlen(line);

	for (int back = 0; back < 4 && len > 0 && !utf8_is_valid(line, len); back++)
		len--;
	line[len] = '\0';
}

void worker_log(struct worker *worker, int64_t task, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	worker_trim(line);
	if (store_log(worker->options.store, task, worker->now, line) < 0)
		say(SAY_WARNING, "task %lld: %s", (long long)task, line);
}

int worker_apply(struct worker *worker, const struct task *task, const struct task_event *event,
	const struct task_update *update)
{
	struct changes changes = {0};
	struct task next;
	int r = task_step(task, event, worker->now, &next);

	if (r == -EPROTO) {
		worker_log(worker, task->id, "event %d means nothing while %s, dropped",
			(int)event->kind, task_state_name(task->state));
		return -ESTALE;
	}
	if (r < 0)
		return r;
	task_check(&next);
	r = store_task_apply(worker->options.store, task, &next, update, worker->now, &changes);
	if (r == -ENOENT)
		return -ESTALE;
	if (r == 0) {
		money_moved(worker, task, &next);
		worker_notify(worker, &changes);
	}
	return r;
}

struct job *job_create(struct worker *worker, enum job_kind kind, int64_t task)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->worker = worker;
	job->catalogue = catalogue_share(worker->options.catalogue);
	job->kind = kind;
	job->task = task;
	job->started = worker->mono;
	job->fd = -1;
	job->next = worker->jobs;
	worker->jobs = job;
	worker->running[kind]++;
	return job;
}

void job_destroy(struct worker *worker, struct job *job)
{
	struct job **link = &worker->jobs;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	worker->running[job->kind]--;
	if (job->fd >= 0)
		close(job->fd);
	digest_destroy(job->digest);
	chat_destroy(job->chat);
	buf_finish(&job->body);
	result_finish(&job->result);
	catalogue_destroy(job->catalogue);
	free(job);
}

bool job_exists(const struct worker *worker, enum job_kind kind, int64_t task, int index)
{
	for (const struct job *job = worker->jobs; job; job = job->next) {
		if (job->kind == kind && job->task == task &&
			(kind != JOB_FETCH || job->result.index == index))
			return true;
	}
	return false;
}

/* By kind of job: starts what is due, says when something will be, takes an answer. In the order in
 * which they are looked at: what was paid for goes first. */
static const struct duty {
	int (*due)(struct worker *worker);
	int (*wait)(struct worker *worker, int64_t *wait_ms);
	void (*done)(struct worker *worker, struct job *job, const struct http_answer *answer);
} duties[JOB_COUNT] = {
	[JOB_FETCH] = {fetch_due, fetch_wait, fetch_done},
	[JOB_POLL] = {poll_due, poll_wait, poll_done},
	[JOB_CHAT] = {chat_due, chat_wait, chat_done},
	[JOB_SUBMIT] = {submit_due, submit_wait, submit_done},
	[JOB_UPLOAD] = {upload_due, upload_wait, upload_done},
	[JOB_ACCOUNT] = {account_due, account_wait, account_done},
	[JOB_REFRESH] = {refresh_due, refresh_wait, refresh_done},
};

static void done(const struct http_answer *answer, void *context)
{
	struct worker *worker = context;
	struct job *job = answer->user;

	worker_tick(worker);
	duties[job->kind].done(worker, job, answer);
	if (!job->digest && !job->kept)
		job_destroy(worker, job);
}

/* Without the slashes at its end. */
static char *plain_url(const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return strndup(url, len);
}

int worker_create(const struct worker_options *options, struct worker **out, struct error *err)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int r = -ENOMEM;

	if (!worker)
		return -ENOMEM;
	worker->options = *options;
	pthread_mutex_init(&worker->quota_lock, NULL);
	pthread_mutex_init(&worker->poke_lock, NULL);
	worker->quota = (struct quota){.per_task = -1, .per_day = -1};
	worker->options.catalogue = catalogue_share(options->catalogue);
	atomic_init(&worker->next_catalogue, NULL);
	if (worker->options.max_downloads > DOWNLOADS_MAX)
		worker->options.max_downloads = DOWNLOADS_MAX;
	worker->random = 0x9e3779b97f4a7c15ULL ^ options->seed;
	worker->api_url = plain_url(options->api_url);
	worker->upload_url = plain_url(options->upload_url);
	if (!worker->api_url || !worker->upload_url)
		goto out;
	const struct http_options http = {
		.api_url = worker->api_url,
		.upload_url = worker->upload_url,
		.user_agent = "kiefs/" KIEFS_VERSION,
		.done = done,
		.context = worker,
	};
	r = http_create(&http, &worker->http, err);
	if (r < 0)
		goto out;
	worker_tick(worker);
	int rate = options->polls_per_s < 1 ? 1 : (int)options->polls_per_s;
	window_init(&worker->window, options->submit_count,
		options->submit_window_ms + WINDOW_MARGIN_MS);
	bucket_init(&worker->polls, rate, rate, worker->mono);
	quota_read(worker);
	*out = worker;
	worker = NULL;
out:
	worker_destroy(worker);
	return r;
}

void worker_destroy(struct worker *worker)
{
	if (!worker)
		return;
	http_destroy(worker->http);
	while (worker->jobs)
		job_destroy(worker, worker->jobs);
	submit_forget(worker);
	refresh_forget(worker);
	catalogue_destroy(atomic_load(&worker->next_catalogue));
	catalogue_destroy(worker->options.catalogue);
	free(worker->api_url);
	free(worker->upload_url);
	pthread_mutex_destroy(&worker->quota_lock);
	pthread_mutex_destroy(&worker->poke_lock);
	free(worker);
}

/* Requests for models that the last catalogue lacked have waited for another one. */
static int take_catalogue(struct worker *worker)
{
	const struct catalogue *next = atomic_exchange(&worker->next_catalogue, NULL);
	const struct catalogue *last = worker->options.catalogue;
	int r = 0;

	if (!next)
		return 0;
	worker->options.catalogue = next;
	for (size_t i = 0; r == 0 && i < catalogue_count(next); i++) {
		const char *id = catalogue_at(next, i)->id;
		if (!catalogue_find(last, id))
			r = store_due_model(worker->options.store, id, worker->now);
	}
	catalogue_destroy(last);
	return r;
}

void worker_set_catalogue(struct worker *worker, const struct catalogue *catalogue)
{
	catalogue_destroy(atomic_exchange(&worker->next_catalogue, catalogue_share(catalogue)));
	http_wakeup(worker->http);
}

static int start_what_is_due(struct worker *worker)
{
	int r = take_catalogue(worker);

	if (r == 0 && !worker->started)
		r = gate_start(worker);
	if (r < 0)
		return r;
	worker->started = true;
	if (worker->clock_back) {
		r = store_due_by(worker->options.store, worker->now + CLOCK_BACK_MS);
		worker->clock_back = r < 0;
	}
	if (r == 0 && atomic_exchange(&worker->reload, false)) {
		r = gate_reload(worker);
		quota_read(worker);
		account_soon(worker, 0);
	}
	if (r == 0)
		r = submit_save(worker);
	if (r == 0)
		r = digest_due(worker);
	if (r == 0)
		r = quota_due(worker);
	for (int i = 0; r == 0 && i < JOB_COUNT; i++)
		r = duties[i].due(worker);
	return r;
}

static int next_wait(struct worker *worker, int64_t *wait_ms)
{
	int64_t first = digest_waits(worker) ? 0 : quota_wait(worker), wait;
	int r = 0;

	for (int i = 0; r == 0 && i < JOB_COUNT; i++) {
		wait = NEVER;
		r = duties[i].wait(worker, &wait);
		if (wait < first)
			first = wait;
	}
	*wait_ms = first < 0 ? 0 : first;
	return r;
}

int worker_step(struct worker *worker, int max_wait_ms)
{
	int64_t wait_ms = NEVER;
	int r;

	worker_tick(worker);
	r = start_what_is_due(worker);
	if (r == 0)
		r = next_wait(worker, &wait_ms);
	if (r < 0)
		wait_ms = 0;
	if (wait_ms > max_wait_ms)
		wait_ms = max_wait_ms;
	int performed = http_perform(worker->http, (int)wait_ms);
	if (r == 0)
		r = performed;
	if (r == 0)
		r = worker->failure;
	worker->failure = 0;
	return r;
}

/* A full disk is waited for; a database that goes on failing is not. */
int worker_run(struct worker *worker)
{
	int trouble = 0, r = 0;

	while (!atomic_load(&worker->stop)) {
		r = worker_step(worker, WAIT_MAX_MS);
		if (r == 0) {
			trouble = 0;
			continue;
		}
		if (trouble++ == 0)
			say(SAY_ERROR, "the index cannot be used: %s (%s)", strerror(-r),
				store_message(worker->options.store));
		if (trouble >= TROUBLE_MAX && r != -ENOSPC)
			return r;
		int64_t wait_ms = backoff_delay(
			trouble, TROUBLE_FIRST_MS, TROUBLE_CAP_MS, worker_random(worker));
		r = http_perform(worker->http, (int)wait_ms);
		if (r < 0)
			return r;
	}
	return submit_save(worker);
}

void worker_wake(struct worker *worker)
{
	http_wakeup(worker->http);
}

void worker_reload(struct worker *worker)
{
	atomic_store(&worker->reload, true);
	http_wakeup(worker->http);
}

void worker_stop(struct worker *worker)
{
	atomic_store(&worker->stop, true);
	http_wakeup(worker->http);
}

void worker_stats_get(struct worker *worker, struct worker_stats *out)
{
	out->submissions = atomic_load(&worker->submissions);
	out->accepted = atomic_load(&worker->accepted);
	out->polls = atomic_load(&worker->polled);
	out->downloads = atomic_load(&worker->downloads);
	out->download_bytes = atomic_load(&worker->download_bytes);
	out->rate_limited = atomic_load(&worker->rate_limited);
	out->errors = atomic_load(&worker->errors);
	out->uploads = atomic_load(&worker->uploads);
	out->upload_bytes = atomic_load(&worker->upload_bytes);
	out->key_present = atomic_load(&worker->key_present);
}
