/*
 * poll(2) on files that somebody waits for: status and wait files. All others are always ready.
 *
 * A status file is readable (POLLIN) until it has been read from its start, and again as soon as
 * its line has changed by more than its clock. It hangs up (POLLHUP) when the task has ended, or
 * the upload is over: what it says then it says for good. A wait file is readable when reading it
 * would not block.
 *
 * The kernel hands out a poller with each question of somebody who sleeps; one for each open file
 * is enough, since the kernel wakes all who sleep over that file. It is taken out of the handle
 * under handles.lock and woken with nothing held.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "kiefs/clock.h"

#define READABLE (POLLIN | POLLRDNORM)
#define WRITABLE (POLLOUT | POLLWRNORM)

/* The line with its clock stopped: what counts as a change. "" when there is none any more. */
static int look(struct fs *fs, const struct handle *handle, char out[STATUS_SIZE])
{
	struct buf line;

	buf_init(&line, STATUS_SIZE);
	int r = text_status(fs, handle->task, handle->entry, 0, &line);
	snprintf(out, STATUS_SIZE, "%s", r == 0 ? line.data : "");
	buf_finish(&line);
	return r == -ENOENT ? 0 : r;
}

int poll_read_status(struct fs *fs, struct handle *handle, struct buf *out)
{
	char seen[STATUS_SIZE];
	/* Looked at first: a change in between is one that was not seen. */
	int r = look(fs, handle, seen);

	if (r == 0)
		r = text_status(fs, handle->task, handle->entry, clock_now_ms(), out);
	if (r < 0 && r != -ENOENT)
		return r;
	pthread_mutex_lock(&fs->handles.lock);
	memcpy(handle->seen, seen, sizeof(seen));
	pthread_mutex_unlock(&fs->handles.lock);
	return 0;
}

static bool is_over(struct fs *fs, const struct handle *handle, const char *line)
{
	struct task task = {0};
	bool over = !*line;

	if (handle->task && store_task_get(fs->store, handle->task, &task) == 0)
		over = task_is_final(task.state);
	task_finish(&task);
	return over;
}

static unsigned status_events(struct fs *fs, struct handle *handle)
{
	char line[STATUS_SIZE];

	if (look(fs, handle, line) < 0)
		return POLLERR;
	pthread_mutex_lock(&fs->handles.lock);
	bool same = !handle->unread && strcmp(line, handle->seen) == 0;
	pthread_mutex_unlock(&fs->handles.lock);
	return (same ? 0 : READABLE) | (is_over(fs, handle, line) ? POLLHUP : 0);
}

/* The one before it is of no use any more. */
static void keep(struct fs *fs, struct handle *handle, struct fuse_pollhandle *poller)
{
	pthread_mutex_lock(&fs->handles.lock);
	struct fuse_pollhandle *old = handle->poller;
	handle->poller = poller;
	pthread_mutex_unlock(&fs->handles.lock);
	fuse_pollhandle_destroy(old);
}

void op_poll(
	fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *poller)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_use(fi);
	unsigned events = READABLE | WRITABLE;

	/* Kept before looking: a change that comes in between finds it. */
	if (poller)
		keep(fs, handle, poller);
	if (handle->kind == HANDLE_STATUS)
		events = status_events(fs, handle);
	else if (handle->kind == HANDLE_WAIT)
		events = wait_is_over(fs, handle->task, handle->entry) ? READABLE : 0;
	handle_put(fs, handle);
	fuse_reply_poll(req, events);
}

static bool concerns(const struct handle *handle, const struct changes *changes)
{
	if (!handle->poller)
		return false;
	if (handle->kind == HANDLE_STATUS && handle->task)
		return handle->task == changes->task;
	return handle->kind == HANDLE_STATUS || handle->kind == HANDLE_WAIT;
}

/* All of them at once, since who is woken asks again. Returns how many. */
static size_t take(struct fs *fs, const struct changes *changes, struct fuse_pollhandle ***out)
{
	size_t count = 0, taken = 0;

	pthread_mutex_lock(&fs->handles.lock);
	for (const struct handle *h = fs->handles.first; h; h = h->next)
		count += concerns(h, changes);
	*out = count ? malloc(count * sizeof(**out)) : NULL;
	for (struct handle *h = fs->handles.first; *out && h; h = h->next) {
		if (!concerns(h, changes))
			continue;
		(*out)[taken++] = h->poller;
		h->poller = NULL;
	}
	pthread_mutex_unlock(&fs->handles.lock);
	return taken;
}

void poll_wake(struct fs *fs, const struct changes *changes)
{
	struct fuse_pollhandle **pollers;
	size_t count = take(fs, changes, &pollers);

	for (size_t i = 0; i < count; i++) {
		fuse_lowlevel_notify_poll(pollers[i]);
		fuse_pollhandle_destroy(pollers[i]);
	}
	free(pollers);
}
