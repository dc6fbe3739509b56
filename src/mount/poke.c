/*
 * What the notifier does for watchers to see, and how the handlers know it again.
 *
 * The kernel's notifications reach no watcher (inotify, and with it every file manager). What does
 * is a create or unlink through the mount, so the thread has the mount poked: for a name that came
 * it creates the file, its lookup being answered "not there" and its create with what is there;
 * for a name that went it unlinks it, its lookup being answered as if it were there still. A file
 * that has changed is opened for writing and cut at the size that it has. The calls are made by a
 * process of their own (poker.h).
 */
#include <stdio.h>
#include <string.h>

#include "fs.h"
#include "kiefs/inode.h"

/* An id of 200 characters has no more components. */
#define MODEL_DEPTH_MAX 101

bool notifier_is_caller(fuse_req_t req)
{
	struct notifier *notifier = &fs_of(req)->notifier;
	pid_t caller = fuse_req_ctx(req)->pid;

	return caller != 0 && caller == notifier->poker.pid;
}

bool notifier_is_poking(fuse_req_t req, uint64_t dir, const char *name, struct name_change *out)
{
	struct notifier *notifier = &fs_of(req)->notifier;

	if (!notifier_is_caller(req))
		return false;
	pthread_mutex_lock(&notifier->lock);
	bool poking = notifier->poke.dir == dir && strcmp(notifier->poke.name, name) == 0;
	if (poking)
		*out = notifier->poke;
	pthread_mutex_unlock(&notifier->lock);
	return poking;
}

bool notifier_is_touching(fuse_req_t req, uint64_t inode)
{
	struct notifier *notifier = &fs_of(req)->notifier;

	if (!notifier_is_caller(req))
		return false;
	pthread_mutex_lock(&notifier->lock);
	bool touching = notifier->touched == inode;
	pthread_mutex_unlock(&notifier->lock);
	return touching;
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
void poke_name(struct fs *fs, const struct name_change *change)
{
	static const struct name_change none;
	char folder[POKER_PATH_MAX / 2], path[POKER_PATH_MAX];

	if (place_path(fs, change->dir, folder, sizeof(folder)) < 0 ||
		(size_t)snprintf(path, sizeof(path), "%s/%s%s", fs->mountpoint, folder,
			change->name) >= sizeof(path))
		return;
	set_poke(&fs->notifier, change, 0);
	poker_poke(
		&fs->notifier.poker, change->what == NAME_CAME ? POKE_CREATE : POKE_REMOVE, path);
	set_poke(&fs->notifier, &none, 0);
}

/* ---- another catalogue ---- */

static void poke_folder(struct fs *fs, const struct tree_node *node, bool added)
{
	static const struct name_change none;
	struct name_change change = {
		.dir = node->parent->inode, .what = added ? NAME_CAME : NAME_WENT};
	char place[PATH_SIZE], path[POKER_PATH_MAX];

	if (tree_path(node, place, sizeof(place)) < 0 ||
		(size_t)snprintf(path, sizeof(path), "%s/%s", fs->mountpoint, place) >=
			sizeof(path))
		return;
	snprintf(change.name, sizeof(change.name), "%s", node->name);
	set_poke(&fs->notifier, &change, node->inode);
	poker_poke(&fs->notifier.poker, added ? POKE_MAKE_FOLDER : POKE_REMOVE_FOLDER, path);
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
void poke_trees(struct fs *fs, const struct tree *was, const struct tree *is)
{
	forget_attributes(fs, was);
	forget_attributes(fs, is);
	for (int depth = 1; depth <= MODEL_DEPTH_MAX; depth++)
		poke_depth(fs, is, was, depth, true);
	for (int depth = MODEL_DEPTH_MAX; depth > 0; depth--)
		poke_depth(fs, was, is, depth, false);
}

/* ---- files that have changed ---- */

static void set_touched(struct notifier *notifier, uint64_t inode)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->touched = inode;
	pthread_mutex_unlock(&notifier->lock);
}

void poke_file(struct fs *fs, uint64_t inode, const char *place)
{
	char path[POKER_PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", fs->mountpoint, place) >= sizeof(path))
		return;
	set_touched(&fs->notifier, inode);
	poker_poke(&fs->notifier.poker, POKE_CHANGE, path);
	set_touched(&fs->notifier, 0);
}

void poke_entry(struct fs *fs, int64_t id)
{
	char folder[POKER_PATH_MAX / 2], place[POKER_PATH_MAX];
	struct entry entry;

	if (store_entry_get(fs->store, id, &entry) < 0 || entry.kind <= ENTRY_FILE ||
		place_path(fs, entry.dir, folder, sizeof(folder)) < 0)
		return;
	snprintf(place, sizeof(place), "%s%s", folder, entry.name);
	poke_file(fs, inode_entry(id), place);
}
