/*
 * The thread that tells the kernel, watchers and parked readers what changed.
 *
 * It holds nothing while it tells: a notification may wait for a request that is being served in
 * the same directory, and that request may want a lock. It answers no request but parked ones.
 *
 * The kernel's notifications reach no watcher (inotify, and with it every file manager). What does
 * is a create or unlink through the mount, so the thread has the mount poked: for a name that came
 * it creates the file, its lookup being answered "not there" and its create with what is there;
 * for a name that went it unlinks it, its lookup being answered as if it were there still. The
 * calls are made by a process of their own (poker.h).
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
/* An id of 200 characters has no more components. */
#define MODEL_DEPTH_MAX 101

struct note {
	struct note *next;
	struct changes changes;
	struct tree *was, *is; /* another catalogue, or NULL; owned */
};

static void note_free(struct note *note)
{
	tree_destroy(note->was);
	tree_destroy(note->is);
	free(note);
}

bool notifier_is_poking(fuse_req_t req, uint64_t dir, const char *name, struct name_change *out)
{
	struct notifier *notifier = &fs_of(req)->notifier;
	pid_t caller = fuse_req_ctx(req)->pid;

	pthread_mutex_lock(&notifier->lock);
	bool poking = caller != 0 && caller == notifier->poker.pid && notifier->poke.dir == dir &&
		      strcmp(notifier->poke.name, name) == 0;
	if (poking)
		*out = notifier->poke;
	pthread_mutex_unlock(&notifier->lock);
	return poking;
}

uint64_t notifier_poke_folder(struct fs *fs)
{
	pthread_mutex_lock(&fs->notifier.lock);
	uint64_t folder = fs->notifier.poke_folder;
	pthread_mutex_unlock(&fs->notifier.lock);
	return folder;
}

static void set_poke(struct notifier *notifier, const struct name_change *poke, uint64_t folder)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->poke = *poke;
	notifier->poke_folder = folder;
	pthread_mutex_unlock(&notifier->lock);
}

/*
 * By path: a descriptor kept open in the mount would keep it from being unmounted. When the mount
 * is gone there is no models/ below the mount point, so nothing real can be made or removed.
 */
static void poke(struct fs *fs, const struct name_change *change)
{
	static const struct name_change none;
	char folder[POKER_PATH_MAX / 2], path[POKER_PATH_MAX];

	if (place_path(fs, change->dir, folder, sizeof(folder)) < 0 ||
		(size_t)snprintf(path, sizeof(path), "%s/%s%s", fs->mountpoint, folder,
			change->name) >= sizeof(path))
		return;
	set_poke(&fs->notifier, change, 0);
	poker_poke(&fs->notifier.poker, path, false, change->added);
	set_poke(&fs->notifier, &none, 0);
}

/* ---- another catalogue ---- */

static void poke_folder(struct fs *fs, const struct tree_node *node, bool added)
{
	static const struct name_change none;
	struct name_change change = {.dir = node->parent->inode, .added = added};
	char place[PATH_SIZE], path[POKER_PATH_MAX];

	if (tree_path(node, place, sizeof(place)) < 0 ||
		(size_t)snprintf(path, sizeof(path), "%s/%s", fs->mountpoint, place) >=
			sizeof(path))
		return;
	snprintf(change.name, sizeof(change.name), "%s", node->name);
	set_poke(&fs->notifier, &change, node->inode);
	poker_poke(&fs->notifier.poker, path, true, added);
	set_poke(&fs->notifier, &none, 0);
}

/* Directories of `of` that `other` does not have, at one depth. */
static void poke_depth(
	struct fs *fs, const struct tree *of, const struct tree *other, int depth, bool added)
{
	for (size_t i = 0; i < tree_count(of); i++) {
		const struct tree_node *node = tree_at(of, i);
		if (node->depth == depth && node->holds_models && !tree_find(other, node->inode))
			poke_folder(fs, node, added);
	}
}

/* What was kept of the generated files and folders is looked at anew. */
static void forget_attributes(struct fs *fs, const struct tree *tree)
{
	for (size_t i = 0; i < tree_count(tree); i++) {
		const struct tree_node *node = tree_at(tree, i);
		if (node->model || node->holds_models || node->depth <= 1)
			fuse_lowlevel_notify_inval_inode(fs->session, node->inode, -1, 0);
	}
}

/* Folders come after the one that they are in, and go before it. */
static void tell_trees(struct fs *fs, const struct tree *was, const struct tree *is)
{
	forget_attributes(fs, was);
	forget_attributes(fs, is);
	for (int depth = 1; depth <= MODEL_DEPTH_MAX; depth++)
		poke_depth(fs, is, was, depth, true);
	for (int depth = MODEL_DEPTH_MAX; depth > 0; depth--)
		poke_depth(fs, was, is, depth, false);
}

/* What the kernel does not have cached, it need not be told: -ENOENT is no error here. */
static void tell(struct fs *fs, const struct changes *changes)
{
	for (int i = 0; i < changes->count; i++) {
		const struct name_change *name = &changes->names[i];
		if (name->added)
			fuse_lowlevel_notify_inval_inode(
				fs->session, inode_entry(name->entry), -1, 0);
		fuse_lowlevel_notify_inval_inode(fs->session, name->dir, -1, 0);
		poke(fs, name);
	}
	wait_check(fs);
	poll_wake(fs, changes);
}

/* Under notifier->lock. Commits that failed are tried again while there is nothing else to do. */
static void wait_for_note(struct fs *fs)
{
	struct notifier *notifier = &fs->notifier;
	struct timespec until;

	if (!notifier->sweep) {
		pthread_cond_wait(&notifier->more, &notifier->lock);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SWEEP_S;
	if (pthread_cond_timedwait(&notifier->more, &notifier->lock, &until) != ETIMEDOUT)
		return;
	pthread_mutex_unlock(&notifier->lock);
	live_enter(fs);
	bool done = draft_sweep(fs);
	live_leave();
	pthread_mutex_lock(&notifier->lock);
	notifier->sweep = !done;
}

void notifier_sweep_later(struct fs *fs)
{
	pthread_mutex_lock(&fs->notifier.lock);
	fs->notifier.sweep = true;
	pthread_cond_signal(&fs->notifier.more);
	pthread_mutex_unlock(&fs->notifier.lock);
}

static void *run(void *context)
{
	struct fs *fs = context;
	struct notifier *notifier = &fs->notifier;

	again_look_all(fs);
	pthread_mutex_lock(&notifier->lock);
	while (!notifier->stop) {
		struct note *note = notifier->first;
		if (!note) {
			wait_for_note(fs);
			continue;
		}
		notifier->first = note->next;
		if (!notifier->first)
			notifier->last = NULL;
		pthread_mutex_unlock(&notifier->lock);
		live_enter(fs);
		if (note->is)
			tell_trees(fs, note->was, note->is);
		tell(fs, &note->changes);
		live_leave();
		note_free(note);
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
	while (notifier->first) {
		struct note *note = notifier->first;
		notifier->first = note->next;
		note_free(note);
	}
	notifier->last = NULL;
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
	if (changes->count == 0 && changes->task == 0)
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
