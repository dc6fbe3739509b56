/*
 * Fetching results. Content that stands in the record is written at once; media is streamed to a
 * part file, resumed by Range after a cut, looked at, made durable and renamed.
 *
 * `attempts` of a result's row counts two things: dead links (times DEAD) and other failures since
 * the last progress. A dead link is followed by a fresh record at once; when the fresh link is dead
 * as well, the next such round waits, longer each time; after DEAD_ROUNDS, about a day, the result
 * is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kiefs/catalogue.h"
#include "kiefs/content.h"
#include "kiefs/digest.h"
#include "kiefs/files.h"
#include "kiefs/protocol.h"
#include "worker_private.h"

#define DEAD 1000
#define DEAD_ROUNDS 14
#define DEAD_FIRST_MS 60000
#define DEAD_CAP_MS (6 * 60 * 60 * 1000)
#define RETRY_FIRST_MS 2000
#define RETRY_CAP_MS (10 * 60 * 1000)
#define CUT_MS 500
/* Bytes of a file that is digested without leaving the loop waiting. */
#define DIGEST_AT_ONCE (4 << 20)

static int drop_stale(int r)
{
	return r == -ESTALE || r == -ENOENT ? 0 : r;
}

static bool is_content(const struct result *result)
{
	return result->kind == RESULT_TEXT || result->kind == RESULT_JSON;
}

/* ---- what becomes of a result ---- */

static int retry(struct worker *worker, const struct result *result, int attempts, int64_t wait_ms,
	const char *etag)
{
	return store_result_retry(worker->options.store, result->task, result->index,
		worker->now + wait_ms, attempts, etag && *etag ? etag : NULL);
}

static int retry_later(
	struct worker *worker, const struct result *result, int64_t wish_ms, const char *etag)
{
	int failures = result->attempts % DEAD;
	int64_t wait =
		backoff_delay(failures + 1, RETRY_FIRST_MS, RETRY_CAP_MS, worker_random(worker));

	if (wish_ms > DEAD_CAP_MS)
		wish_ms = DEAD_CAP_MS;
	return retry(worker, result, result->attempts + (failures < DEAD - 1),
		wait > wish_ms ? wait : wish_ms, etag);
}

static int step_task(struct worker *worker, int64_t id, enum task_event_kind kind, const char *text,
	const char *line)
{
	struct task_event event = worker_event(kind, worker_random(worker));
	const struct task_update update = {.log = line};
	struct task task = {0};
	int r = store_task_get(worker->options.store, id, &task);

	event.text = text;
	if (r == 0 && task.state == TASK_FETCHING)
		r = worker_apply(worker, &task, &event, &update);
	task_finish(&task);
	return drop_stale(r);
}

/* The service still works on the task, and this result was final before the others. Its next
 * record may know better. */
static bool is_early(struct worker *worker, const struct result *result)
{
	struct task task = {0};
	bool early = store_task_get(worker->options.store, result->task, &task) == 0 &&
		     task.state == TASK_RUNNING;

	task_finish(&task);
	return early;
}

static int lose(struct worker *worker, const struct result *result, const char *why)
{
	char text[900], line[700];

	if (is_early(worker, result))
		return retry(worker, result, result->attempts, RETRY_CAP_MS, NULL);
	snprintf(text, sizeof(text), "Result %d was made and cannot be had: %.600s", result->index,
		why);
	snprintf(line, sizeof(line), "result %d lost: %.600s", result->index, why);
	return step_task(worker, result->task, EVENT_GONE, text, line);
}

static int renew(struct worker *worker, const struct result *result, const char *why)
{
	int dead = result->attempts / DEAD + 1;
	char line[600];
	int r;

	if (dead >= 2 * DEAD_ROUNDS)
		return lose(worker, result, why);
	if (is_early(worker, result))
		return retry(worker, result, dead * DEAD, DEAD_FIRST_MS, result->etag);
	if (dead % 2 == 0) {
		int64_t wait =
			backoff_delay(dead / 2, DEAD_FIRST_MS, DEAD_CAP_MS, worker_random(worker));
		worker_log(worker, result->task,
			"result %d: the fresh link is dead too, next try in %lld s", result->index,
			(long long)(wait / 1000));
		return retry(worker, result, dead * DEAD, wait, result->etag);
	}
	snprintf(line, sizeof(line), "result %d: %.400s Asking for a fresh link.", result->index,
		why);
	r = retry(worker, result, dead * DEAD, 0, result->etag);
	if (r == 0)
		r = step_task(worker, result->task, EVENT_REFRESH, why, line);
	return r;
}

/* A full disk is the matter of all results: the log says so once. */
static int local_failure(
	struct worker *worker, const struct result *result, int error, const char *etag)
{
	if (!worker->local_trouble)
		worker_log(worker, result->task,
			"result %d cannot be written: %s. Nothing is lost, it is tried again",
			result->index, strerror(error));
	worker->local_trouble = true;
	atomic_fetch_add(&worker->errors, 1);
	return retry_later(worker, result, RETRY_FIRST_MS * 5, etag);
}

/* ---- a whole file ---- */

static const char *output_of(struct worker *worker, const struct result *result)
{
	switch (result->kind) {
	case RESULT_IMAGE:
		return "image";
	case RESULT_VIDEO:
		return "video";
	case RESULT_AUDIO:
		return "audio";
	case RESULT_TEXT:
		return "text";
	case RESULT_JSON:
		return "json";
	default:
		break;
	}
	struct task task = {0};
	const struct model *model = NULL;
	if (store_task_get(worker->options.store, result->task, &task) == 0)
		model = catalogue_find(worker->options.catalogue, task.model);
	task_finish(&task);
	return model ? model->output : NULL;
}

/* Type, size and digest of what is on disk. -ENODATA: it is not what was made. */
static int describe(struct worker *worker, const struct result *result, int fd, const char *type,
	const char *sha256, struct result *out)
{
	char head[CONTENT_HEAD];
	struct content content;
	struct stat st;
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0 || fstat(fd, &st) < 0)
		return -errno;
	content_identify(head, (size_t)n, type, output_of(worker, result), &content);
	/* Gateways answer 200 with a page that explains itself. */
	if (!is_content(result) && (n == 0 || strcmp(content.extension, "html") == 0))
		return -ENODATA;
	*out = (struct result){
		.task = result->task,
		.index = result->index,
		.kind = result->kind,
		.whole = true,
		.size = st.st_size,
		.mtime_ms = worker->now,
	};
	if (result->kind == RESULT_JSON)
		content = (struct content){"json", "application/json"};
	snprintf(out->extension, sizeof(out->extension), "%s", content.extension);
	snprintf(out->mime, sizeof(out->mime), "%s", content.mime);
	if (!sha256)
		return digest_file(fd, out->sha256);
	snprintf(out->sha256, sizeof(out->sha256), "%s", sha256);
	return 0;
}

static int record_done(struct worker *worker, const struct result *done)
{
	struct changes changes = {0};
	int r = store_result_done(worker->options.store, done, worker->now, &changes);

	if (r == 0)
		account_soon(worker, ACCOUNT_AFTER_TASK_MS);

	if (r == 0) {
		worker->local_trouble = false;
		atomic_fetch_add(&worker->downloads, 1);
		worker_notify(worker, &changes);
	}
	return drop_stale(r);
}

static int keep_part(struct worker *worker, const struct result *result, int fd, const char *type,
	const char *sha256)
{
	struct result done;
	int r = describe(worker, result, fd, type, sha256, &done);

	if (r == -ENODATA) {
		worker_log(worker, result->task,
			"result %d: the answer holds no result, tried again", result->index);
		if (ftruncate(fd, 0) < 0)
			return -errno;
		return retry_later(worker, result, -1, NULL);
	}
	if (r == 0)
		r = files_commit_part(worker->options.files, result->task, result->index, fd);
	if (r < 0)
		return local_failure(worker, result, -r, NULL);
	return record_done(worker, &done);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_content(struct worker *worker, const struct result *result)
{
	int fd = files_open_part(
		worker->options.files, result->task, result->index, O_RDWR | O_CREAT | O_TRUNC);
	int r = fd < 0 ? fd : write_all(fd, result->value, strlen(result->value));

	if (r < 0)
		r = local_failure(worker, result, -r, NULL);
	else
		r = keep_part(worker, result, fd, NULL, NULL);
	if (fd >= 0)
		close(fd);
	return r;
}

/* A daemon that died between the rename and the commit left the whole file. */
static int adopt(struct worker *worker, const struct result *result, bool *adopted)
{
	int fd = files_open_result(worker->options.files, result->task, result->index, O_RDONLY);
	struct result done;
	int r;

	*adopted = false;
	if (fd < 0)
		return 0;
	r = describe(worker, result, fd, NULL, NULL, &done);
	close(fd);
	if (r < 0)
		return 0;
	*adopted = true;
	return record_done(worker, &done);
}

/* ---- starting ---- */

/* What the part file holds is good only with the mark that says of what. */
static int open_part(struct worker *worker, struct job *job)
{
	struct stat st;
	int fd = files_open_part(
		worker->options.files, job->task, job->result.index, O_RDWR | O_CREAT);

	if (fd < 0)
		return fd;
	job->fd = fd;
	if (!job->result.etag && ftruncate(fd, 0) < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	job->offset = st.st_size;
	return 0;
}

/* From here on a crash leaves a part that can be resumed. */
static void begun(const char *etag, void *user)
{
	struct job *job = user;
	const struct result *result = &job->result;

	if (strcmp(etag, result->etag ? result->etag : "") != 0 &&
		store_result_retry(job->worker->options.store, result->task, result->index,
			result->due_ms, result->attempts, etag[0] ? etag : NULL) < 0)
		worker_log(job->worker, result->task,
			"result %d: what is fetched cannot be resumed after a crash",
			result->index);
}

static int get(struct worker *worker, struct job *job)
{
	const struct http_request request = {
		.method = "GET",
		.url = job->result.value,
		.fd = job->fd,
		.offset = job->offset,
		.if_range = job->offset > 0 ? job->result.etag : NULL,
		.max_bytes = worker->options.max_result_bytes,
		.begun = begun,
		.user = job,
	};

	return http_start(worker->http, &request);
}

/* Takes the result over. */
static int fetch_one(struct worker *worker, struct result *result)
{
	struct job *job;
	bool adopted;
	int r;

	if (is_content(result))
		return drop_stale(write_content(worker, result));
	r = adopt(worker, result, &adopted);
	if (r < 0 || adopted)
		return r;
	job = job_create(worker, JOB_FETCH, result->task);
	if (!job)
		return -ENOMEM;
	job->result = *result;
	*result = (struct result){0};
	r = open_part(worker, job);
	if (r < 0) {
		r = local_failure(worker, &job->result, -r, job->result.etag);
		job_destroy(worker, job);
		return r;
	}
	r = get(worker, job);
	if (r < 0)
		job_destroy(worker, job);
	return r;
}

int fetch_due(struct worker *worker)
{
	struct result due[2 * DOWNLOADS_MAX];
	int max = worker->options.max_downloads;
	int n, r = 0;

	if (worker->running[JOB_FETCH] >= max)
		return 0;
	n = store_result_due(worker->options.store, worker->now, due, 2 * max);
	for (int i = 0; i < n; i++) {
		if (r == 0 && worker->running[JOB_FETCH] < max &&
			!job_exists(worker, JOB_FETCH, due[i].task, due[i].index))
			r = fetch_one(worker, &due[i]);
		result_finish(&due[i]);
	}
	return n < 0 ? n : r;
}

int fetch_wait(struct worker *worker, int64_t *wait_ms)
{
	struct result due[DOWNLOADS_MAX + 1];
	int n;

	*wait_ms = NEVER;
	if (worker->running[JOB_FETCH] >= worker->options.max_downloads)
		return 0;
	n = store_result_due(worker->options.store, INT64_MAX, due, worker->running[JOB_FETCH] + 1);
	for (int i = 0; i < n; i++) {
		if (*wait_ms == NEVER && !job_exists(worker, JOB_FETCH, due[i].task, due[i].index))
			*wait_ms = due[i].due_ms > worker->now ? due[i].due_ms - worker->now : 0;
		result_finish(&due[i]);
	}
	return n < 0 ? n : 0;
}

/* ---- answers ---- */

/* Progress makes every earlier failure but the dead links forgotten. */
static int go_on(struct worker *worker, const struct job *job, const struct http_answer *answer)
{
	const struct result *result = &job->result;
	const char *etag = answer->etag && *answer->etag ? answer->etag : NULL;

	if (!etag && answer->status == 206)
		etag = result->etag;
	if (ftruncate(job->fd, answer->received) < 0)
		return local_failure(worker, result, errno, NULL);
	if (answer->received > job->offset) {
		worker_log(worker, result->task, "result %d: cut at %lld bytes, %s", result->index,
			(long long)answer->received,
			etag ? "resumed from there" : "fetched from the start");
		return retry(worker, result, result->attempts / DEAD * DEAD, CUT_MS, etag);
	}
	return retry_later(worker, result, answer->retry_after_ms, etag ? etag : result->etag);
}

static int judge_status(
	struct worker *worker, const struct job *job, const struct http_answer *answer)
{
	const struct result *result = &job->result;
	int status = answer->status;
	char why[200];

	if (ftruncate(job->fd, job->offset) < 0)
		return local_failure(worker, result, errno, NULL);
	if (status == 416)
		return retry_later(worker, result, -1, NULL);
	if (status == 408 || status == 425 || status == 429 || status >= 500 || status < 400) {
		if (result->attempts % DEAD == 0)
			worker_log(worker, result->task,
				"result %d: the server answered HTTP %d, tried again",
				result->index, status);
		return retry_later(worker, result, answer->retry_after_ms, result->etag);
	}
	snprintf(why, sizeof(why), "The link is dead (HTTP %d).", status);
	return renew(worker, result, why);
}

int fetch_whole(struct worker *worker, const struct job *job, const char *sha256)
{
	return drop_stale(keep_part(worker, &job->result, job->fd, job->type, sha256));
}

static int judge_whole(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	const struct result *result = &job->result;
	struct stat st;

	if (fstat(job->fd, &st) < 0)
		return local_failure(worker, result, errno, NULL);
	if (answer->length >= 0 && st.st_size != answer->length) {
		worker_log(worker, result->task,
			"result %d: %lld bytes came of %lld, fetched again", result->index,
			(long long)st.st_size, (long long)answer->length);
		return retry_later(worker, result, -1, NULL);
	}
	if (st.st_size > DIGEST_AT_ONCE)
		return digest_start(job, answer->content_type);
	return keep_part(worker, result, job->fd, answer->content_type, NULL);
}

static int judge(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	const struct result *result = &job->result;
	char why[600];

	switch (answer->outcome) {
	case HTTP_ANSWERED:
		if (answer->status == 200 || answer->status == 206)
			return judge_whole(worker, job, answer);
		return judge_status(worker, job, answer);
	case HTTP_CUT:
		return go_on(worker, job, answer);
	case HTTP_LOCAL:
		return local_failure(worker, result, answer->local_errno, result->etag);
	case HTTP_TOO_LARGE:
		snprintf(why, sizeof(why),
			"It is larger than the %lld bytes that max_result_size allows.",
			(long long)worker->options.max_result_bytes);
		return lose(worker, result, why);
	case HTTP_REFUSED:
		snprintf(why, sizeof(why), "Its address is not allowed: %.500s",
			answer->detail ? answer->detail : "");
		return lose(worker, result, why);
	case HTTP_NOT_SENT:
	case HTTP_NO_ANSWER:
		break;
	}
	if (result->attempts % DEAD == 0)
		worker_log(worker, result->task, "result %d: no answer, tried again: %.400s",
			result->index, answer->detail ? answer->detail : "");
	return retry_later(worker, result, -1, result->etag);
}

void fetch_done(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	int64_t received = answer->received - job->offset;
	int r;

	if (received > 0)
		atomic_fetch_add(&worker->download_bytes, (unsigned long long)received);
	if (answer->outcome != HTTP_ANSWERED || answer->status >= 400)
		atomic_fetch_add(&worker->errors, 1);
	r = drop_stale(judge(worker, job, answer));
	if (r < 0 && worker->failure == 0)
		worker->failure = r;
}
