/*
 * The thread that tells the kernel, watchers and parked readers what changed.
 *
 * It holds nothing while it tells: a notification may wait for a request that is being served in
 * the same directory, and that request may want a lock. It answers no request but parked ones.
 *
 * No notification that waits for a lock is sent, for the same reason:
 * fuse_lowlevel_notify_inval_entry() waits for whoever works in the directory, and a daemon killed
 * meanwhile would hang with its mount. It is not needed: the kernel keeps no name that may come or
 * go by itself (node_param()).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs.h"
#include "kiefs/inode.h"

/* How long after a commit that failed it is tried again. */
#define SWEEP_S 5
/* A task has a status, an answer that grows, and a conversation's three files. */
#define SHOWING_MAX 8

struct note {
	struct note *next;
	struct changes changes;
	struct tree *was, *is; /* another catalogue, or NULL; owned */
};

/* Of a clock that never goes back, as `more` has it. */
static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note_free(struct note *note)
{
	tree_destroy(note->was);
	tree_destroy(note->is);
	free(note);
}

/* ---- what has changed ---- */

/* All that shows how far a task, or the upload of a file, is. */
static void touch_showing(struct fs *fs, int64_t task, int64_t upload)
{
	const struct changes changes = {.task = task, .upload = upload};
	int64_t entries[SHOWING_MAX];
	int n = store_entry_showing(fs->store, task, upload, entries, SHOWING_MAX);

	for (int i = 0; i < n; i++)
		poke_entry(fs, entries[i]);
	poll_wake(fs, &changes);
}

static void tell_changed(struct fs *fs, uint64_t inode)
{
	const struct tree_node *node;
	struct entry entry;
	char place[PATH_SIZE];

	switch (inode_kind(inode)) {
	case INODE_TASK:
		touch_showing(fs, inode_task_id(inode), 0);
		return;
	case INODE_ENTRY:
		if (store_entry_get(fs->store, inode_entry_id(inode), &entry) < 0)
			return;
		if (entry.kind == ENTRY_FILE)
			touch_showing(fs, 0, entry.id);
		else
			poke_entry(fs, entry.id);
		return;
	default:
		node = tree_find(fs_tree(fs), inode);
		if (node && tree_path(node, place, sizeof(place)) == 0)
			poke_file(fs, inode, place);
	}
}

/* Under notifier->lock. */
static void pace_changes(struct notifier *notifier, const struct changes *changes)
{
	static const struct {
		unsigned flag;
		const char *place;
	} account[] = {
		{CHANGED_SPEND, "account/spend.csv"},
		{CHANGED_SPEND, "account/limits"},
		{CHANGED_BALANCE, "account/credits"},
		{CHANGED_BALANCE, "account/status"},
	};
	int64_t now = now_ms();

	if (changes->task)
		pace_add(&notifier->pace, inode_task(changes->task, SLOT_DIR), now);
	if (changes->upload)
		pace_add(&notifier->pace, inode_entry(changes->upload), now);
	for (int i = 0; i < changes->count; i++)
		if (changes->names[i].what == NAME_CHANGED)
			pace_add(&notifier->pace, inode_entry(changes->names[i].entry), now);
	for (size_t i = 0; i < sizeof(account) / sizeof(account[0]); i++)
		if (changes->account & account[i].flag)
			pace_add(&notifier->pace, inode_static(account[i].place), now);
}

/* What the kernel does not have cached, it need not be told: -ENOENT is no error here. */
static void tell(struct fs *fs, const struct changes *changes)
{
	for (int i = 0; i < changes->count; i++) {
		const struct name_change *name = &changes->names[i];
		if (name->what == NAME_CHANGED)
			continue;
		if (name->what == NAME_CAME)
			fuse_lowlevel_notify_inval_inode(
				fs->session, inode_entry(name->entry), -1, 0);
		fuse_lowlevel_notify_inval_inode(fs->session, name->dir, -1, 0);
		poke_name(fs, name);
	}
	wait_check(fs);
	poll_wake(fs, changes);
}

/* ---- the thread ---- */

/* Commits that failed are tried again while there is nothing else to do. */
static void sweep(struct fs *fs)
{
	struct notifier *notifier = &fs->notifier;

	pthread_mutex_unlock(&notifier->lock);
	live_enter(fs);
	bool done = draft_sweep(fs);
	live_leave();
	pthread_mutex_lock(&notifier->lock);
	notifier->sweep = !done;
}

/* Under notifier->lock. */
static void wait_for_more(struct fs *fs)
{
	struct notifier *notifier = &fs->notifier;
	int64_t until = pace_due(&notifier->pace), sweep_at = now_ms() + SWEEP_S * 1000;
	bool sweeps = notifier->sweep && sweep_at <= until;

	if (sweeps)
		until = sweep_at;
	if (until == INT64_MAX) {
		pthread_cond_wait(&notifier->more, &notifier->lock);
		return;
	}
	const struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	if (pthread_cond_timedwait(&notifier->more, &notifier->lock, &at) == ETIMEDOUT && sweeps)
		sweep(fs);
}

void notifier_sweep_later(struct fs *fs)
{
	pthread_mutex_lock(&fs->notifier.lock);
	fs->notifier.sweep = true;
	pthread_cond_signal(&fs->notifier.more);
	pthread_mutex_unlock(&fs->notifier.lock);
}

/* Under notifier->lock; NULL: there is none. */
static struct note *take_note(struct notifier *notifier)
{
	struct note *note = notifier->first;

	if (note)
		notifier->first = note->next;
	if (!notifier->first)
		notifier->last = NULL;
	return note;
}

static void tell_note(struct fs *fs, struct note *note)
{
	if (note->is)
		poke_trees(fs, note->was, note->is);
	tell(fs, &note->changes);
	note_free(note);
}

static void *run(void *context)
{
	struct fs *fs = context;
	struct notifier *notifier = &fs->notifier;

	again_look_all(fs);
	pthread_mutex_lock(&notifier->lock);
	while (!notifier->stop) {
		uint64_t inode = pace_take(&notifier->pace, now_ms());
		struct note *note = inode ? NULL : take_note(notifier);
		if (!inode && !note) {
			wait_for_more(fs);
			continue;
		}
		pthread_mutex_unlock(&notifier->lock);
		live_enter(fs);
		if (inode)
			tell_changed(fs, inode);
		else
			tell_note(fs, note);
		live_leave();
		pthread_mutex_lock(&notifier->lock);
	}
	pthread_mutex_unlock(&notifier->lock);
	return NULL;
}

int notifier_start(struct fs *fs)
{
	struct notifier *notifier = &fs->notifier;

	pthread_mutex_lock(&notifier->lock);
	int r = pthread_create(&notifier->thread, NULL, run, fs);
	notifier->started = r == 0;
	pthread_mutex_unlock(&notifier->lock);
	return -r;
}

/* Two threads may end a mount at once: one of them joins. */
void notifier_stop(struct fs *fs)
{
	struct notifier *notifier = &fs->notifier;

	pthread_mutex_lock(&notifier->lock);
	bool join = notifier->started;
	notifier->started = false;
	notifier->stop = true;
	pthread_cond_signal(&notifier->more);
	pthread_mutex_unlock(&notifier->lock);
	if (!join)
		return;
	pthread_join(notifier->thread, NULL);
	while (notifier->first)
		note_free(take_note(notifier));
	pace_finish(&notifier->pace);
}

static void queue(struct fs *fs, struct note *note)
{
	struct notifier *notifier = &fs->notifier;

	pthread_mutex_lock(&notifier->lock);
	bool stop = notifier->stop;
	if (!stop && notifier->last)
		notifier->last->next = note;
	else if (!stop)
		notifier->first = note;
	if (!stop)
		notifier->last = note;
	pthread_cond_signal(&notifier->more);
	pthread_mutex_unlock(&notifier->lock);
	if (stop)
		note_free(note);
}

void notifier_queue(struct fs *fs, const struct changes *changes)
{
	struct notifier *notifier = &fs->notifier;

	pthread_mutex_lock(&notifier->lock);
	if (!notifier->stop)
		pace_changes(notifier, changes);
	pthread_cond_signal(&notifier->more);
	pthread_mutex_unlock(&notifier->lock);
	if (changes->count == 0 && (changes->task == 0 || changes->grown))
		return;
	/* Lost for want of memory: the names' timeouts make up for it. */
	struct note *note = calloc(1, sizeof(*note));
	if (!note)
		return;
	note->changes = *changes;
	queue(fs, note);
}

void notifier_queue_trees(struct fs *fs, struct tree *was, struct tree *is)
{
	struct note *note = calloc(1, sizeof(*note));

	if (!note) {
		tree_destroy(was);
		tree_destroy(is);
		return;
	}
	note->was = was;
	note->is = is;
	queue(fs, note);
}
