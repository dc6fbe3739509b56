/*
 * Answers in text. What the service streams goes into the result's file as it comes, under the name
 * that the result keeps; an answer in one piece takes the same way in one step.
 *
 * The task is RUNNING from the first event that is no error: before that the rules of every
 * submission hold. A stream that breaks off leaves the task FAILED with what arrived; it is paid,
 * in all likelihood, and never asked for again by itself. When the disk or the index will not take
 * the end, the job stays (`kept`) and it is tried again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kiefs/catalogue.h"
#include "kiefs/chat.h"
#include "kiefs/digest.h"
#include "kiefs/files.h"
#include "kiefs/protocol.h"
#include "worker_private.h"

/* Nothing at all for so long means that nothing more comes; models think for minutes. */
#define QUIET_MS (5 * 60 * 1000)
#define RETRY_MS 1000

struct chat {
	struct chat_reader reader;
	bool streaming; /* it comes as events */
	bool begun;	/* the index knows; `index` is valid */
	bool shown;
	int index;
	int64_t size; /* of the file */
	/* Once it is over: */
	bool complete;
	const char *extension;
	char why[TASK_TEXT_SIZE]; /* it broke off; or the remark on a complete one; or "" */
};

void chat_destroy(struct chat *chat)
{
	if (!chat)
		return;
	chat_reader_finish(&chat->reader);
	free(chat);
}

int chat_begin(struct job *job)
{
	job->chat = calloc(1, sizeof(*job->chat));
	if (!job->chat)
		return -ENOMEM;
	chat_reader_init(&job->chat->reader, job->model);
	job->chat->extension = "md";
	return 0;
}

/* ---- into the file ---- */

static int begin(struct worker *worker, struct job *job)
{
	struct task_event event = worker_event(EVENT_STREAM, worker_random(worker));
	struct changes changes = {0};
	struct task task = {0}, next;
	int r = store_task_get(worker->options.store, job->task, &task);

	event.remote_state = "generating";
	if (r == 0)
		r = task_step(&task, &event, worker->now, &next);
	if (r == 0) {
		task_check(&next);
		r = store_chat_begin(worker->options.store, &task, &next, "the answer begins",
			worker->now, &job->chat->index, &changes);
	}
	task_finish(&task);
	if (r < 0)
		return r;
	job->chat->begun = true;
	worker_notify(worker, &changes);
	return submit_taken(worker, job);
}

static int write_all(int fd, const char *data, size_t len, int64_t offset)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* What is in memory goes to the file. What cannot be written stays for the next time. */
static int put_text(struct worker *worker, struct job *job)
{
	struct chat *chat = job->chat;
	struct buf *text = &chat->reader.answer.text;
	int r;

	if (text->len == 0)
		return 0;
	if (job->fd < 0) {
		job->fd = files_open_result(
			worker->options.files, job->task, chat->index, O_RDWR | O_CREAT | O_TRUNC);
		if (job->fd < 0) {
			r = job->fd;
			job->fd = -1;
			return r;
		}
	}
	r = write_all(job->fd, text->data, text->len, chat->size);
	if (r < 0)
		return r;
	chat->size += (int64_t)text->len;
	buf_clear(text);
	return 0;
}

static int show(struct worker *worker, struct job *job)
{
	struct changes changes = {0};
	int r = store_chat_show(
		worker->options.store, job->task, job->chat->index, worker->now, &changes);

	if (r < 0)
		return r;
	job->chat->shown = true;
	worker_notify(worker, &changes);
	return 0;
}

static int flush(struct worker *worker, struct job *job)
{
	const struct changes more = {.task = job->task, .grown = true};
	struct chat *chat = job->chat;
	int r = chat->begun ? 0 : begin(worker, job);

	if (r == 0)
		r = put_text(worker, job);
	if (r == 0 && chat->size > 0 && !chat->shown)
		r = show(worker, job);
	else if (r == 0 && chat->shown)
		worker_notify(worker, &more);
	return r;
}

/* Trouble here is no reason to leave an answer that is being paid for: it stays in memory. */
static void note_trouble(struct worker *worker, int r)
{
	if (r < 0 && r != -ESTALE && r != -ENOENT && r != -EPROTO && worker->failure == 0)
		worker->failure = r;
}

/* Events begin with the name of a field, JSON does not. */
static bool is_stream(const char *bytes, size_t len, const char *type)
{
	if (strncasecmp(type, "text/event-stream", 17) == 0)
		return true;
	while (len > 0 && strchr(" \t\r\n", *bytes))
		bytes++, len--;
	return len > 0 && strchr("dei:r", *bytes);
}

static int piece(const char *bytes, size_t len, const char *type, void *user)
{
	struct job *job = user;
	struct worker *worker = job->worker;
	struct chat *chat = job->chat;
	int r;

	if (!chat->streaming && !is_stream(bytes, len, type))
		return 0;
	chat->streaming = true;
	worker_tick(worker);
	r = chat_reader_feed(&chat->reader, bytes, len);
	if (r < 0)
		return r;
	if (chat->reader.events > 0)
		note_trouble(worker, flush(worker, job));
	return 1;
}

void chat_prepare(struct worker *worker, struct http_request *request)
{
	request->total_ms = 0;
	request->quiet_ms = worker->options.quiet_ms > 0 ? worker->options.quiet_ms : QUIET_MS;
	request->max_bytes = CHAT_TEXT_MAX;
	request->piece = piece;
}

/* ---- its end ---- */

static int describe(const struct job *job, int64_t now_ms, struct result *out)
{
	bool json = strcmp(job->chat->extension, "json") == 0;

	*out = (struct result){
		.task = job->task,
		.index = job->chat->index,
		.kind = RESULT_TEXT,
		.whole = true,
		.size = job->chat->size,
		.mtime_ms = now_ms,
	};
	snprintf(out->extension, sizeof(out->extension), "%s", job->chat->extension);
	snprintf(out->mime, sizeof(out->mime), json ? "application/json" : "text/markdown");
	return out->size > 0 ? digest_file(job->fd, out->sha256) : 0;
}

static int read_back(int fd, int64_t size, char **out)
{
	char *text = malloc((size_t)size + 1);
	int64_t done = 0;

	if (!text)
		return -ENOMEM;
	while (done < size) {
		ssize_t n = pread(fd, text + done, (size_t)(size - done), done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int r = n < 0 ? -errno : -EIO;
			free(text);
			return r;
		}
		done += n;
	}
	text[size] = '\0';
	*out = text;
	return 0;
}

/* The answer goes into the conversation when the task is a turn of one. */
static int take_reply(struct worker *worker, const struct job *job, char **out)
{
	uint64_t dir;
	int r = store_turn_dir(worker->options.store, job->task, &dir);

	if (r < 0 || !job->chat->complete || job->chat->size == 0)
		return r == -ENOENT ? 0 : r;
	return read_back(job->fd, job->chat->size, out);
}

static int set_events(
	struct worker *worker, const struct job *job, struct task_event events[2], int *count)
{
	const struct chat_answer *answer = &job->chat->reader.answer;
	const char *why = job->chat->why[0] ? job->chat->why : NULL;

	if (!job->chat->complete) {
		events[0] = worker_event(EVENT_TASK_FAILED, worker_random(worker));
		events[0].credits = answer->credits;
		events[0].text = why;
		*count = 1;
		return 0;
	}
	events[0] = worker_event(EVENT_SUCCEEDED, worker_random(worker));
	events[0].credits = answer->credits;
	events[0].remote_state = answer->stop;
	events[1] = worker_event(EVENT_FETCHED, worker_random(worker));
	events[1].text = why;
	*count = 2;
	return 0;
}

static void put_line(const struct job *job, char *line, size_t size)
{
	const struct chat_answer *answer = &job->chat->reader.answer;
	char credits[48] = "";

	if (answer->credits >= 0)
		snprintf(credits, sizeof(credits), ", %.6g credits", answer->credits);
	if (job->chat->complete)
		snprintf(line, size, "the answer is whole: %lld bytes%s%.40s%s",
			(long long)job->chat->size, answer->stop ? ", " : "",
			answer->stop ? answer->stop : "", credits);
	else
		snprintf(line, size, "broken off after %lld bytes%s: %.*s",
			(long long)job->chat->size, credits, (int)strcspn(job->chat->why, "\n"),
			job->chat->why);
	worker_trim(line);
}

/* What stands in memory and in the file becomes the task's end. */
static int save(struct worker *worker, struct job *job, const char *record, size_t record_len)
{
	struct task_event events[2];
	struct changes changes = {0};
	struct result result;
	struct task task = {0};
	char line[700], *reply = NULL;
	int count, r = job->chat->begun ? 0 : begin(worker, job);

	if (r == 0)
		r = put_text(worker, job);
	if (r == 0 && job->fd >= 0 && fsync(job->fd) < 0)
		r = -errno;
	if (r == 0)
		r = describe(job, worker->now, &result);
	if (r == 0)
		r = take_reply(worker, job, &reply);
	if (r == 0)
		r = store_task_get(worker->options.store, job->task, &task);
	if (r == 0)
		r = set_events(worker, job, events, &count);
	if (r == 0) {
		put_line(job, line, sizeof(line));
		const struct chat_end end = {
			.events = events,
			.event_count = count,
			.result = &result,
			.reply = reply,
			.record = record,
			.record_len = record_len,
			.log = line,
		};
		r = store_chat_end(worker->options.store, &task, &end, worker->now, &changes);
	}
	if (r == 0)
		worker_notify(worker, &changes);
	task_finish(&task);
	free(reply);
	return r;
}

/* `record` NULL: the stream's own bytes. */
static void finish(struct worker *worker, struct job *job, const char *record, size_t len)
{
	const struct buf *raw = &job->chat->reader.raw;
	int r;

	if (!record && raw->len > 0) {
		record = raw->data;
		len = raw->len;
	}
	r = save(worker, job, record, len);
	job->kept = r < 0 && r != -ESTALE && r != -ENOENT && r != -EPROTO;
	if (job->kept)
		atomic_fetch_add(&worker->errors, 1);
	note_trouble(worker, r);
}

/* ---- what an ended transfer means ---- */

/* A complete answer may still be worth a remark. */
static void remark(struct job *job)
{
	struct chat *chat = job->chat;
	const struct chat_answer *answer = &chat->reader.answer;
	bool natural = chat_stop_is_natural(job->model, answer->stop);

	if (!answer->any_text && !answer->calls)
		snprintf(chat->why, sizeof(chat->why),
			"The answer holds no text%s%.60s%s. What the service sent is in "
			"record.json of the task.\n",
			answer->stop ? "; the service ended it with \"" : "",
			answer->stop ? answer->stop : "", answer->stop ? "\"" : "");
	else if (!natural)
		snprintf(chat->why, sizeof(chat->why),
			"The answer stops before its end: the service gives \"%.60s\" as the "
			"reason.\nWhat came is kept and was paid. Ask for less, or raise the "
			"limit in the request where the model has one (max_tokens).\n",
			answer->stop);
}

static void explain(struct job *job, const struct http_answer *answer)
{
	struct chat *chat = job->chat;
	char why[500];

	if (chat->reader.answer.error)
		snprintf(why, sizeof(why), "The service broke the answer off: \"%.400s\".",
			chat->reader.answer.error);
	else if (answer->outcome == HTTP_ANSWERED)
		snprintf(why, sizeof(why),
			"The stream ended without the service's word that the answer is whole.");
	else
		snprintf(why, sizeof(why), "The stream broke off: %.400s",
			answer->detail ? answer->detail : "the connection ended.");
	worker_trim(why);
	snprintf(chat->why, sizeof(chat->why),
		"%s\nWhat arrived is kept (%lld bytes). It may have been paid, so it is not asked "
		"for again by itself.",
		why, (long long)(chat->size + (int64_t)chat->reader.answer.text.len));
}

static void end_stream(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	struct chat_answer *read = &job->chat->reader.answer;

	job->chat->complete = !read->error && (read->ended || read->stop);
	if (job->chat->complete)
		remark(job);
	else
		explain(job, answer);
	finish(worker, job, NULL, 0);
}

/* The stream was an error and nothing else: a refusal like any other. */
static void refuse(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	struct http_answer said = *answer;

	said.outcome = HTTP_ANSWERED;
	said.body = job->chat->reader.refusal.data;
	said.body_len = job->chat->reader.refusal.len;
	submit_done(worker, job, &said);
}

/* An answer in one piece; false: it is none. */
static bool end_whole(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	struct chat_answer *read = &job->chat->reader.answer;
	bool found = false;
	int r = -ENODATA;

	if (answer->outcome != HTTP_ANSWERED || answer->status != 200)
		return false;
	chat_answer_finish(read);
	r = chat_read_whole(job->model, answer->body, answer->body_len, read, &found);
	if (r < 0) {
		note_trouble(worker, r);
		return false;
	}
	if (!found)
		return false;
	if (read->text.len == 0 && read->calls) {
		job->chat->extension = "json";
		buf_addf(&read->text, "%s\n", read->calls);
	}
	job->chat->complete = true;
	remark(job);
	finish(worker, job, answer->body, answer->body_len);
	return true;
}

void chat_done(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	struct chat_reader *reader = &job->chat->reader;

	if (!job->chat->streaming) {
		if (!end_whole(worker, job, answer))
			submit_done(worker, job, answer);
		return;
	}
	note_trouble(worker, chat_reader_end(reader));
	if (reader->events > 0)
		end_stream(worker, job, answer);
	else if (reader->refusal.len > 0)
		refuse(worker, job, answer);
	else
		submit_done(worker, job, answer);
}

/* ---- what an earlier daemon left ---- */

static int end_left(struct worker *worker, int64_t id, int index)
{
	struct job job = {.task = id, .fd = -1};
	struct chat chat = {.begun = true, .index = index, .extension = "md"};
	struct task_event failed = worker_event(EVENT_TASK_FAILED, worker_random(worker));
	struct changes changes = {0};
	struct task task = {0};
	struct result result;
	struct stat st;
	char line[80];
	int r = store_task_get(worker->options.store, id, &task);

	job.chat = &chat;
	job.fd = files_open_result(worker->options.files, id, index, O_RDWR);
	if (job.fd >= 0 && fstat(job.fd, &st) == 0)
		chat.size = st.st_size;
	if (r == 0)
		r = describe(&job, worker->now, &result);
	if (r == 0) {
		snprintf(chat.why, sizeof(chat.why),
			"kiefs ended while the answer was coming in.\n"
			"What arrived is kept (%lld bytes). It may have been paid, so it is not "
			"asked for again by itself.",
			(long long)chat.size);
		snprintf(line, sizeof(line), "broken off after %lld bytes: kiefs ended",
			(long long)chat.size);
		failed.text = chat.why;
		const struct chat_end end = {
			.events = &failed,
			.event_count = task.state == TASK_RUNNING,
			.result = &result,
			.log = line,
		};
		r = store_chat_end(worker->options.store, &task, &end, worker->now, &changes);
	}
	if (r == 0)
		worker_notify(worker, &changes);
	if (job.fd >= 0)
		close(job.fd);
	task_finish(&task);
	return r;
}

static int end_all_left(struct worker *worker)
{
	int64_t id;
	int index, r;

	while ((r = store_chat_next(worker->options.store, &id, &index)) == 0) {
		r = end_left(worker, id, index);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

static int save_kept(struct worker *worker)
{
	struct job *job, *next;

	for (job = worker->jobs; job; job = next) {
		next = job->next;
		if (!job->kept)
			continue;
		finish(worker, job, NULL, 0);
		if (!job->kept)
			job_destroy(worker, job);
	}
	return 0;
}

int chat_due(struct worker *worker)
{
	int r = 0;

	if (!worker->streams_ended)
		r = end_all_left(worker);
	worker->streams_ended = worker->streams_ended || r == 0;
	return r == 0 ? save_kept(worker) : r;
}

int chat_wait(struct worker *worker, int64_t *wait_ms)
{
	*wait_ms = NEVER;
	for (const struct job *job = worker->jobs; job; job = job->next)
		if (job->kept)
			*wait_ms = RETRY_MS;
	return 0;
}
