/*
 * Readers of wait files, parked without a thread until the task ends.
 *
 * A park is on the list, or it has been taken by exactly one of: the notifier, an interrupt, the
 * end of the mount. Whoever takes it answers and frees it. An interrupt may be running while
 * another takes the park, so the taker first clears the request's interrupt function, which waits
 * for a running one; therefore nobody holds waits.lock while doing so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "kiefs/clock.h"

struct park {
	struct park *next;
	uint64_t serial; /* an address may be used again, this is not */
	fuse_req_t req;
	int64_t task, entry;
	bool listed;
	bool interrupted; /* before it was listed */
};

enum { WAIT_MORE, WAIT_OVER };

/* WAIT_MORE, or WAIT_OVER with `error` or `line` set. */
static int look(struct fs *fs, int64_t task_id, int64_t entry_id, int *error, char *line, int size)
{
	struct task task = {0};
	struct entry entry;
	int r = 0;

	*error = 0;
	if (entry_id) {
		/* Asked first: what is no longer pending by then is a task in the index. */
		bool pending = draft_is_pending(fs, entry_id);
		r = store_entry_get(fs->store, entry_id, &entry);
		if (r == 0 && pending)
			return WAIT_MORE;
		task_id = r == 0 ? entry.task : 0;
		if (r == 0 && task_id == 0)
			r = -ENODATA; /* refused, or never written */
	}
	if (r == 0)
		r = store_task_get(fs->store, task_id, &task);
	if (r < 0) {
		*error = -r;
		return WAIT_OVER;
	}
	if (task.state == TASK_DONE)
		task_status_line(&task, clock_now_ms(), line, size);
	else if (task_is_final(task.state) || task.state == TASK_UNCERTAIN)
		*error = EIO;
	else
		r = -EAGAIN;
	task_finish(&task);
	return r == -EAGAIN ? WAIT_MORE : WAIT_OVER;
}

bool wait_is_over(struct fs *fs, int64_t task, int64_t entry)
{
	char line[128];
	int error;

	return look(fs, task, entry, &error, line, sizeof(line)) == WAIT_OVER;
}

static void answer(fuse_req_t req, int error, const char *line)
{
	char text[160];

	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	int n = snprintf(text, sizeof(text), "%s\n", line);
	fuse_reply_buf(req, text, (size_t)n);
}

/* Takes it off the list; NULL when somebody else already did. */
static struct park *take(struct fs *fs, uint64_t serial)
{
	struct park **link = &fs->waits.first;

	while (*link && (*link)->serial != serial)
		link = &(*link)->next;
	struct park *park = *link;
	if (!park)
		return NULL;
	*link = park->next;
	park->listed = false;
	return park;
}

static void interrupted(fuse_req_t req, void *data)
{
	struct park *park = data;
	struct fs *fs = fs_of(req);

	pthread_mutex_lock(&fs->waits.lock);
	bool mine = park->listed && take(fs, park->serial);
	if (!mine)
		park->interrupted = true;
	pthread_mutex_unlock(&fs->waits.lock);
	if (mine) {
		fuse_reply_err(req, EINTR);
		free(park);
	}
}

void wait_read(struct fs *fs, fuse_req_t req, int64_t task, int64_t entry)
{
	char line[128] = "";
	int error;
	struct park *park = calloc(1, sizeof(*park));

	if (!park) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	park->req = req;
	park->task = task;
	park->entry = entry;
	fuse_req_interrupt_func(req, interrupted, park);
	/* Listed before looking: a change that comes in between finds it. */
	pthread_mutex_lock(&fs->waits.lock);
	bool go = !park->interrupted && !fs->waits.closed;
	uint64_t serial = park->serial = ++fs->waits.serial;
	if (go) {
		park->next = fs->waits.first;
		fs->waits.first = park;
		park->listed = true;
	}
	bool stopped = park->interrupted;
	pthread_mutex_unlock(&fs->waits.lock);
	if (!go) {
		fuse_req_interrupt_func(req, NULL, NULL);
		fuse_reply_err(req, stopped ? EINTR : ECONNABORTED);
		free(park);
		return;
	}
	if (look(fs, task, entry, &error, line, sizeof(line)) == WAIT_MORE)
		return;
	/* From the listing on it may be gone: only its number is looked at. */
	pthread_mutex_lock(&fs->waits.lock);
	park = take(fs, serial);
	pthread_mutex_unlock(&fs->waits.lock);
	if (park) {
		fuse_req_interrupt_func(req, NULL, NULL);
		answer(req, error, line);
		free(park);
	}
}

/* The next older park's question, copied: the park itself may be gone as soon as the lock is free.
 * New ones come first on the list, so numbers fall along it. */
static bool next_older(struct fs *fs, uint64_t serial, struct park *copy)
{
	pthread_mutex_lock(&fs->waits.lock);
	struct park *at = fs->waits.first;
	while (at && at->serial >= serial)
		at = at->next;
	if (at)
		*copy = *at;
	pthread_mutex_unlock(&fs->waits.lock);
	return at != NULL;
}

void wait_check(struct fs *fs)
{
	struct park copy = {.serial = UINT64_MAX}, *park;
	char line[128];
	int error;

	while (next_older(fs, copy.serial, &copy)) {
		if (look(fs, copy.task, copy.entry, &error, line, sizeof(line)) == WAIT_MORE)
			continue;
		pthread_mutex_lock(&fs->waits.lock);
		park = take(fs, copy.serial);
		pthread_mutex_unlock(&fs->waits.lock);
		if (!park)
			continue;
		fuse_req_interrupt_func(park->req, NULL, NULL);
		answer(park->req, error, line);
		free(park);
	}
}

void wait_abort(struct fs *fs)
{
	for (;;) {
		pthread_mutex_lock(&fs->waits.lock);
		fs->waits.closed = true;
		struct park *park = fs->waits.first;
		if (park)
			take(fs, park->serial);
		pthread_mutex_unlock(&fs->waits.lock);
		if (!park)
			return;
		fuse_req_interrupt_func(park->req, NULL, NULL);
		fuse_reply_err(park->req, ECONNABORTED);
		free(park);
	}
}
