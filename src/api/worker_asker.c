/* Who asked for an upload, a task or a file of uploads/, and what becomes of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/store_upload.h"
#include "worker_upload.h"

#define RETRY_FIRST_MS 2000
#define RETRY_CAP_MS (5 * 60 * 1000)
#define HELD_MS 30000

static int drop_stale(int r)
{
	return r == -ESTALE || r == -ENOENT ? 0 : r;
}

/* Steps the task if it still waits for its files. */
int asker_step(struct worker *worker, int64_t id, const struct task_event *event, const char *line)
{
	const struct task_update update = {.log = line};
	struct task task = {0};
	int r = store_task_get(worker->options.store, id, &task);

	if (r == 0 && task.state == TASK_UPLOADING)
		r = worker_apply(worker, &task, event, &update);
	task_finish(&task);
	return drop_stale(r);
}

int asker_refuse(struct worker *worker, const struct source *source, const char *text)
{
	struct changes changes = {0};
	struct task_event event = worker_event(EVENT_REFUSED, 0);
	char line[600];
	int r;

	atomic_fetch_add(&worker->errors, 1);
	if (!source->task) {
		r = store_outgoing_fail(
			worker->options.store, source->entry, text, worker->now, &changes);
		if (r == 0)
			worker_notify(worker, &changes);
		return drop_stale(r);
	}
	event.text = text;
	snprintf(line, sizeof(line), "not sent: %.*s", (int)strcspn(text, "\n"), text);
	worker_trim(line);
	return asker_step(worker, source->task, &event, line);
}

/* How often it was tried before. */
int asker_attempts(struct worker *worker, const struct source *source)
{
	struct outgoing file = {0};
	struct task task = {0};
	int attempts = 0;

	if (source->task && store_task_get(worker->options.store, source->task, &task) == 0)
		attempts = task.attempts;
	else if (!source->task &&
		 store_outgoing_get(worker->options.store, source->entry, &file) == 0)
		attempts = file.attempts;
	task_finish(&task);
	outgoing_finish(&file);
	return attempts;
}

static int put_off_file(struct worker *worker, int64_t entry, const char *text, int64_t wait_ms)
{
	struct changes changes = {.upload = entry};
	struct outgoing file = {0};
	int r = store_outgoing_get(worker->options.store, entry, &file);

	if (r == 0) {
		struct outgoing next = file;
		int64_t delay = backoff_delay(
			++next.attempts, RETRY_FIRST_MS, RETRY_CAP_MS, worker_random(worker));
		next.due_ms = worker->now + (wait_ms > delay ? wait_ms : delay);
		next.progress = -1;
		next.error = (char *)text;
		r = store_outgoing_set(worker->options.store, &next);
	}
	outgoing_finish(&file);
	if (r == 0)
		worker_notify(worker, &changes);
	return drop_stale(r);
}

int asker_put_off(
	struct worker *worker, const struct source *source, const char *text, int64_t wait_ms)
{
	struct task_event event = worker_event(EVENT_LATER, worker_random(worker));
	char line[600];

	if (!source->task)
		return put_off_file(worker, source->entry, text, wait_ms);
	event.text = text;
	event.wait_ms = wait_ms;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	worker_trim(line);
	return asker_step(worker, source->task, &event, line);
}

int asker_hold(struct worker *worker, const struct source *source)
{
	struct task_event event = worker_event(EVENT_HOLD, 0);

	event.hold = HOLD_KEY;
	event.text = gate_text(worker, HOLD_KEY);
	if (!source->task)
		return put_off_file(worker, source->entry, event.text, HELD_MS);
	return asker_step(worker, source->task, &event, "held before its files were uploaded");
}

/* What can be said of a file that cannot go up. `name` is how the user calls it. */
int asker_refuse_for(
	struct worker *worker, const struct source *source, const char *name, int error)
{
	char text[700], what[300];

	if (error == -ENOMEM || error == -EIO || error == -ENOSPC)
		return error;
	if (error == -EBUSY)
		return asker_put_off(worker, source,
			"A file that is to be uploaded cannot be read now; it is tried again.", -1);
	snprintf(what, sizeof(what), "%.280s", name);
	worker_trim(what);
	if (error == -ENOENT)
		snprintf(text, sizeof(text),
			"The file %s is not there any more, so nothing was sent.\nPut it back and "
			"try again.",
			what);
	else if (error == -ENODATA)
		snprintf(text, sizeof(text),
			"The file %s is empty, so nothing was sent.\nGive one with something in "
			"it.",
			what);
	else if (error == -EFBIG)
		snprintf(text, sizeof(text),
			"The file %s is larger than the service takes, so nothing was sent.\nGive "
			"a smaller one.",
			what);
	else if (error == -EOPNOTSUPP)
		snprintf(text, sizeof(text),
			"The catalogue names no service that takes the file %s, so nothing was "
			"sent.\nGive an address that the service can read in its place.",
			what);
	else
		snprintf(text, sizeof(text),
			"The file %s cannot be read (%s), so nothing was sent.", what,
			strerror(-error));
	return asker_refuse(worker, source, text);
}
