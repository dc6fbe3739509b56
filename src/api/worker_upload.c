/*
 * Uploads: the files that requests name, and those of uploads/. Once per content: what is at the
 * service already, or on its way there, is not sent again.
 *
 * The index says what is to go up: tasks in UPLOADING, and files of uploads/ that are due. In each
 * round their files are looked up by content; what has an address gets it, of the rest as many go
 * out as may. Uploading costs nothing, so it is tried again after any failure.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/digest.h"
#include "kiefs/input.h"
#include "kiefs/store_upload.h"
#include "kiefs/upload.h"
#include "worker_upload.h"

#define LOOK_MAX 64 /* tasks, and files, in one round */

static int drop_stale(int r)
{
	return r == -ESTALE || r == -ENOENT ? 0 : r;
}

int upload_begin(struct worker *worker, const struct task *task, bool probe)
{
	struct task_event event = worker_event(EVENT_UPLOAD, 0);

	if (probe)
		worker->upload_probe = task->id;
	return worker_apply(worker, task, &event, NULL);
}

/* ---- finding or making an address ---- */

static bool same_source(const struct source *a, const struct source *b)
{
	return a->entry == b->entry && a->parent == b->parent && a->result == b->result;
}

/* By its content, or while that is being found out, by what it is. */
static bool under_way(const struct worker *worker, const struct source *source, const char *sha256)
{
	for (const struct job *job = worker->jobs; job; job = job->next) {
		if (job->kind != JOB_UPLOAD)
			continue;
		if (sha256 ? strcmp(job->sha256, sha256) == 0
			   : job->digest && same_source(&job->source, source))
			return true;
	}
	return false;
}

static int digest_later(struct worker *worker, const struct source *source, int fd, bool probe)
{
	struct job *job = job_create(worker, JOB_UPLOAD, source->task);
	int r = job ? source_stat(fd, &job->size, &job->changed_ns) : -ENOMEM;

	if (r == 0)
		r = digest_start(job, "");
	if (r < 0) {
		if (job)
			job_destroy(worker, job);
		close(fd);
		return r;
	}
	job->source = *source;
	job->source.address = NULL;
	job->probe = probe;
	job->fd = fd;
	return 0;
}

int upload_digested(struct worker *worker, const struct job *job, const char *sha256)
{
	int64_t size, changed_ns;
	int r = source_stat(job->fd, &size, &changed_ns);

	/* One that was changed meanwhile is read through again. */
	if (r < 0 || size != job->size || changed_ns != job->changed_ns)
		return r;
	return store_digest_put(worker->options.store, job->source.entry, size, changed_ns, sha256);
}

/* Takes `fd` over in any case; -1: an address goes, and no bytes. */
static int send_file(
	struct worker *worker, const struct source *source, int fd, const char *sha256, bool probe)
{
	const struct upload_service *service =
		catalogue_upload(worker->options.catalogue, fd < 0 ? UPLOAD_URL : UPLOAD_STREAM);
	struct job *job = job_create(worker, JOB_UPLOAD, source->task);
	int r = 0;

	if (!job) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	if (!service && fd >= 0)
		service = catalogue_upload(worker->options.catalogue, UPLOAD_BASE64);
	job->fd = fd;
	job->source = *source;
	job->source.address = NULL;
	job->probe = probe;
	job->upload = service;
	job->begun_ms = job->told_ms = worker->now;
	job->told = -1;
	snprintf(job->sha256, sizeof(job->sha256), "%s", sha256);
	if (!service)
		r = -EOPNOTSUPP;
	if (r == 0 && fd >= 0)
		r = source_stat(fd, &job->size, &job->changed_ns);
	if (r == 0 && fd >= 0 && job->size == 0)
		r = -ENODATA;
	if (r == 0 && service->max_bytes && job->size > service->max_bytes)
		r = -EFBIG;
	if (r == 0)
		r = upload_start(worker, job, source->address);
	if (r < 0)
		job_destroy(worker, job);
	return r;
}

/* 1: `*address` (heap) is it; 0: it is on its way, or has to wait; -errno of this file. */
static int find_address(struct worker *worker, const struct source *source, bool probe,
	char sha256[65], char **address)
{
	bool room = worker->running[JOB_UPLOAD] < UPLOADS_MAX;
	int fd = -1, r = 0;

	*sha256 = '\0';
	if (source->address)
		digest_bytes(source->address, strlen(source->address), sha256);
	else
		r = source_open(worker, source, &fd);
	if (r == 0 && fd >= 0)
		r = source_digest(worker, source, fd, room, sha256);
	if (r == -EAGAIN && room && !under_way(worker, source, NULL))
		return digest_later(worker, source, fd, probe);
	if (r == 0) {
		r = store_upload_get(worker->options.store, sha256, worker->now, address);
		if (r == 0)
			r = 1;
		else if (r == -ENOENT && (!room || under_way(worker, source, sha256)))
			r = 0;
		else if (r == -ENOENT)
			return send_file(worker, source, fd, sha256, probe);
	}
	if (fd >= 0)
		close(fd);
	return r == -EAGAIN ? 0 : r;
}

/* ---- tasks ---- */

/* 1: it has its address; 0: it waits; -ESTALE: the task was refused for it. */
static int look_at_input(struct worker *worker, const struct input *input, bool probe)
{
	const struct source source = {.task = input->task,
		.entry = input->entry,
		.parent = input->parent,
		.result = input->result};
	char sha256[65], *address = NULL;
	int r = find_address(worker, &source, probe, sha256, &address);

	if (r == 1) {
		r = store_input_set(worker->options.store, input->task, input->index, address);
		free(address);
		return r < 0 ? r : 1;
	}
	if (r == 0)
		return 0;
	r = asker_refuse_for(worker, &source, input->name, r);
	return r < 0 ? r : -ESTALE;
}

static int look_at_inputs(
	struct worker *worker, const struct input *inputs, int count, bool probe, bool *waits)
{
	int r = 0;

	*waits = false;
	for (int i = 0; i < count && r >= 0; i++) {
		if (inputs[i].kind != INPUT_MEDIA || inputs[i].value)
			continue;
		r = look_at_input(worker, &inputs[i], probe);
		*waits = *waits || r == 0;
	}
	return r < 0 ? r : 0;
}

static int look_at_task(struct worker *worker, int64_t id)
{
	struct task_event uploaded = worker_event(EVENT_UPLOADED, 0);
	struct input *inputs = calloc(INPUTS_MAX, sizeof(*inputs));
	bool waits = true;
	int n, r;

	if (!inputs)
		return -ENOMEM;
	n = r = store_input_list(worker->options.store, id, inputs, INPUTS_MAX);
	if (r > 0)
		r = look_at_inputs(worker, inputs, n, id == worker->upload_probe, &waits);
	if (r == 0 && (n == 0 || !waits))
		r = asker_step(worker, id, &uploaded, n ? "its files are uploaded" : NULL);
	for (int i = 0; i < n; i++)
		input_finish(&inputs[i]);
	free(inputs);
	return drop_stale(r);
}

static int look_at_tasks(struct worker *worker, bool shut)
{
	int64_t ids[LOOK_MAX];
	bool sure = worker->gates[HOLD_KEY].sure;
	int n = store_task_due(worker->options.store, TASK_UPLOADING, worker->now, ids, LOOK_MAX);
	int r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++) {
		const struct source source = {.task = ids[i]};
		if (!shut || ids[i] == worker->upload_probe)
			r = look_at_task(worker, ids[i]);
		else if (sure)
			r = asker_hold(worker, &source);
	}
	return r;
}

/* ---- files of uploads/ ---- */

/* Its content is known from now on: whoever uploads the same gives it the address, too. */
static int note_content(struct worker *worker, struct outgoing *file, const char *sha256)
{
	struct outgoing next = *file;

	if (!*sha256 || (file->sha256 && strcmp(file->sha256, sha256) == 0))
		return 0;
	next.sha256 = (char *)sha256;
	return store_outgoing_set(worker->options.store, &next);
}

static int look_at_file(struct worker *worker, struct outgoing *file)
{
	const struct source source = {.entry = file->entry, .address = file->source};
	struct changes changes = {0};
	struct entry entry;
	char sha256[65], *address = NULL;
	int found = find_address(worker, &source, false, sha256, &address), r = 0;

	if (found == 1) {
		r = store_outgoing_done(
			worker->options.store, file->entry, sha256, address, worker->now, &changes);
		if (r == 0)
			worker_notify(worker, &changes);
	} else if (found == 0) {
		r = note_content(worker, file, sha256);
	} else if (store_entry_get(worker->options.store, file->entry, &entry) == 0) {
		r = asker_refuse_for(worker, &source, entry.name, found);
	}
	free(address);
	return drop_stale(r);
}

static int look_at_files(struct worker *worker, bool shut)
{
	int64_t entries[LOOK_MAX];
	int n = store_outgoing_due(worker->options.store, worker->now, entries, LOOK_MAX);
	int r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++) {
		struct outgoing file = {0};
		const struct source source = {.entry = entries[i]};
		if (shut) {
			r = asker_hold(worker, &source);
			continue;
		}
		r = store_outgoing_get(worker->options.store, entries[i], &file);
		if (r == 0)
			r = look_at_file(worker, &file);
		outgoing_finish(&file);
		r = drop_stale(r);
	}
	return r;
}

int upload_due(struct worker *worker)
{
	bool shut = worker->gates[HOLD_KEY].closed;
	int r;

	if (worker->mono < worker->uploads_paused_until)
		return 0;
	r = look_at_tasks(worker, shut);
	return r < 0 ? r : look_at_files(worker, shut);
}

/* What is due and still there after upload_due() waits for one that is under way. */
int upload_wait(struct worker *worker, int64_t *wait_ms)
{
	int64_t task = NEVER, file = NEVER, first;
	int r = store_task_next_due(worker->options.store, TASK_UPLOADING, &task);

	if (r == 0)
		r = store_outgoing_next_due(worker->options.store, &file);
	/* Until the gate's own probe has told. */
	if (worker->gates[HOLD_KEY].closed)
		task = NEVER;
	first = task < file ? task : file;
	*wait_ms = NEVER;
	if (r < 0 || first == NEVER)
		return r;
	if (first > worker->now)
		*wait_ms = first - worker->now;
	else if (worker->mono < worker->uploads_paused_until)
		*wait_ms = worker->uploads_paused_until - worker->mono;
	else if (worker->running[JOB_UPLOAD] == 0)
		*wait_ms = 0;
	return 0;
}
