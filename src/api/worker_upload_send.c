/* Uploads on the way: starting one, telling how far it is, taking the answer. */
#include <errno.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/protocol.h"
#include "kiefs/store_upload.h"
#include "kiefs/upload.h"
#include "worker_upload.h"

#define ANSWER_BYTES (64 << 10)
#define BASE64_BYTES (10 << 20)
#define BODY_BYTES (16 << 20)
#define PARTS_MAX 8
#define CALL_TOTAL_MS 120000 /* of a call that sends no bytes */
#define PAUSE_FIRST_MS 2000
#define PAUSE_CAP_MS 60000
#define PAUSE_WISH_MAX_MS (60 * 60 * 1000)
/* So often the service itself may fail to take one and the same file. */
#define TRIES 10
#define TOLD_MS 1000

static int drop_stale(int r)
{
	return r == -ESTALE || r == -ENOENT ? 0 : r;
}

static void note_progress(int64_t sent, int64_t size, void *user)
{
	struct job *job = user;
	struct worker *worker = job->worker;
	int64_t now = worker->options.clock(worker->options.context);
	int percent = size > 0 ? (int)(sent * 100 / size) : 100;
	struct task_event event = worker_event(EVENT_PROGRESS, 0);
	struct changes changes = {.upload = job->source.entry};
	struct outgoing file = {0};
	int r = 0;

	if (now - job->told_ms < TOLD_MS || percent == job->told)
		return;
	job->told_ms = now;
	job->told = event.progress = percent;
	if (job->task) {
		r = asker_step(worker, job->task, &event, NULL);
	} else if (store_outgoing_get(worker->options.store, job->source.entry, &file) == 0) {
		file.progress = percent;
		file.started_ms = job->begun_ms;
		r = drop_stale(store_outgoing_set(worker->options.store, &file));
		outgoing_finish(&file);
		worker_notify(worker, &changes);
	}
	if (r < 0 && worker->failure == 0)
		worker->failure = r;
}

static int count_parts(const struct upload_service *service, struct http_part *parts, int fd,
	int64_t size, const char *name)
{
	int count = 0;

	for (const cJSON *i = service->parts->child; i && count < PARTS_MAX; i = i->next) {
		const char *text = i->valuestring;
		bool file = strcmp(text, "$file") == 0;
		if (strcmp(text, "$name") == 0)
			text = name;
		else if (strcmp(text, "$folder") == 0)
			text = UPLOAD_FOLDER;
		parts[count++] = (struct http_part){
			.name = i->string,
			.text = file ? NULL : text,
			.fd = file ? fd : -1,
			.size = size,
			.filename = name,
		};
	}
	return count;
}

/* The user's own name for the file would become a part of a public address. */
static void make_name(struct worker *worker, const struct job *job, char name[UPLOAD_NAME_SIZE])
{
	uint32_t random[4];
	char extension[32] = "";

	for (int i = 0; i < 4; i++)
		random[i] = worker_random(worker);
	if (job->fd >= 0)
		source_extension(worker, &job->source, job->fd, extension, sizeof(extension));
	upload_name(random, extension, name);
}

/* The file's bytes as text; heap. Only small files are sent so. */
static int read_base64(const struct job *job, char **out)
{
	size_t size = (size_t)job->size;
	char *text = NULL;
	uint8_t *bytes = NULL;
	int r = -EFBIG;

	if (job->size > BASE64_BYTES)
		return r;
	text = malloc(BASE64_ENCODE_RAW_LENGTH(size) + 1);
	bytes = malloc(size);
	r = text && bytes ? 0 : -ENOMEM;
	if (r == 0 && pread(job->fd, bytes, size, 0) != (ssize_t)size)
		r = -EBUSY;
	if (r == 0) {
		base64_encode_raw(text, size, bytes);
		text[BASE64_ENCODE_RAW_LENGTH(size)] = '\0';
		*out = text;
		text = NULL;
	}
	free(text);
	free(bytes);
	return r;
}

/* The body of a call without parts. */
static int make_body(struct job *job, const char *address, const char *name)
{
	char *value = NULL, *body;
	int r = job->fd >= 0 ? read_base64(job, &value) : 0;

	if (r < 0)
		return r;
	body = upload_body(job->upload, value ? value : address, name);
	buf_init(&job->body, BODY_BYTES);
	r = body ? buf_adds(&job->body, body) : -ENOMEM;
	cJSON_free(body);
	free(value);
	return r;
}

int upload_start(struct worker *worker, struct job *job, const char *address)
{
	const struct upload_service *service = job->upload;
	char name[UPLOAD_NAME_SIZE];
	struct http_part parts[PARTS_MAX];
	char *url;
	int r = -ENOMEM;

	make_name(worker, job, name);
	url = protocol_submit_url(&service->call, worker->api_url, worker->upload_url);
	struct http_request request = {
		.method = service->call.submit_method,
		.url = url,
		.authorized = true,
		.fd = -1,
		.max_bytes = ANSWER_BYTES,
		.user = job,
	};
	if (service->form == UPLOAD_STREAM) {
		request.parts = parts;
		request.part_count = (size_t)count_parts(service, parts, job->fd, job->size, name);
		request.progress = note_progress;
	} else {
		r = make_body(job, address, name);
		if (r < 0)
			goto out;
		request.body = job->body.data;
		request.body_len = job->body.len;
		request.total_ms = CALL_TOTAL_MS;
	}
	r = url ? http_start(worker->http, &request) : -ENOMEM;
out:
	free(url);
	return r;
}

/* ---- the answer ---- */

static int keep_address(
	struct worker *worker, const struct job *job, const struct upload_answer *said)
{
	struct changes changes = {0};
	int64_t size = job->size, changed_ns = job->changed_ns;
	int r = job->fd >= 0 ? source_stat(job->fd, &size, &changed_ns) : 0;

	worker->upload_failures = 0;
	worker->uploads_paused_until = 0;
	/* Bytes that were changed on their way are nobody's: they go again. */
	if (r < 0 || size != job->size || changed_ns != job->changed_ns)
		return r;
	r = store_upload_put(worker->options.store, job->sha256, said->address, worker->now,
		said->expires_ms, &changes);
	if (r < 0)
		return r;
	atomic_fetch_add(&worker->uploads, 1);
	atomic_fetch_add(&worker->upload_bytes, (unsigned long long)job->size);
	worker_log(worker, job->task, "uploaded %lld bytes in %.1f s", (long long)job->size,
		(double)(worker->now - job->begun_ms) / 1000);
	worker_notify(worker, &changes);
	return gate_open(worker, HOLD_KEY, job->started);
}

/* Whatever is wrong there concerns the others as well. */
static int try_later(struct worker *worker, const struct job *job, const struct upload_answer *said)
{
	int64_t wait = backoff_delay(
		++worker->upload_failures, PAUSE_FIRST_MS, PAUSE_CAP_MS, worker_random(worker));
	int64_t wish = said->retry_after_ms;

	if (wish > PAUSE_WISH_MAX_MS)
		wish = PAUSE_WISH_MAX_MS;
	worker->uploads_paused_until = worker->mono + (wish > wait ? wish : wait);
	atomic_fetch_add(&worker->errors, 1);
	if (said->told && wish < 0 && asker_attempts(worker, &job->source) + 1 >= TRIES)
		return asker_refuse(worker, &job->source, said->message);
	return asker_put_off(worker, &job->source, said->message, wish);
}

static int take_answer(
	struct worker *worker, const struct job *job, const struct upload_answer *said)
{
	if (job->probe && said->verdict != UPLOAD_DONE && said->verdict != UPLOAD_KEY)
		gate_put_off(worker, -1);
	switch (said->verdict) {
	case UPLOAD_DONE:
		return keep_address(worker, job, said);
	case UPLOAD_LATER:
		break;
	case UPLOAD_KEY:
		gate_close(worker, HOLD_KEY, job->probe);
		return asker_hold(worker, &job->source);
	case UPLOAD_REFUSED:
		return asker_refuse(worker, &job->source, said->message);
	}
	return try_later(worker, job, said);
}

void upload_done(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	struct upload_answer said = {0};
	int r = upload_read(job->upload, answer, job->begun_ms, &said);

	if (worker->upload_probe == job->task)
		worker->upload_probe = 0;
	if (r == 0)
		r = take_answer(worker, job, &said);
	upload_answer_finish(&said);
	if (r < 0 && worker->failure == 0)
		worker->failure = r;
}
