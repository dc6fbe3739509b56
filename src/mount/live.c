/*
 * The catalogue in force, and how another one takes its place.
 *
 * A tree has a share of its catalogue and is shared itself: by this file while it is in force, by
 * each request while it is served (thread-local, so that nothing need be handed down), and by the
 * notifier while it tells what changed. The last to let go frees both. A request that is parked
 * keeps no share: it is answered from the index.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/error.h"
#include "kiefs/inode.h"

static _Thread_local struct tree *here;

static struct tree *current(struct fs *fs)
{
	pthread_mutex_lock(&fs->live.lock);
	struct tree *tree = tree_share(fs->live.tree);
	pthread_mutex_unlock(&fs->live.lock);
	return tree;
}

void live_enter(struct fs *fs)
{
	here = current(fs);
}

void live_leave(void)
{
	tree_destroy(here);
	here = NULL;
}

struct tree *fs_tree(const struct fs *fs)
{
	return here;
}

const struct catalogue *fs_catalogue(const struct fs *fs)
{
	return tree_catalogue(here);
}

/* Every model's directory has a defaults.json for the user to write. */
static int make_defaults(struct fs *fs, const struct tree *tree)
{
	int64_t now = clock_now_ms();
	struct entry entry;
	int r = 0;

	for (size_t i = 0; r == 0 && i < tree_count(tree); i++) {
		const struct tree_node *node = tree_at(tree, i);
		if (node->kind != TREE_MODEL)
			continue;
		r = store_entry_lookup(fs->store, node->inode, "defaults.json", &entry);
		if (r == -ENOENT)
			r = store_entry_ensure(fs->store, node->inode, "defaults.json", 0666, now);
	}
	return r;
}

int live_start(struct fs *fs, const struct catalogue *catalogue)
{
	int r = tree_create(catalogue, &fs->live.tree);

	fs->live.since_ms = fs->started_ms;
	return r < 0 ? r : make_defaults(fs, fs->live.tree);
}

/* A directory of a model inside another one's must not stand where the user has a name. */
static int check_names(
	struct fs *fs, const struct tree *was, const struct tree *is, struct error *err)
{
	struct entry entry;

	for (size_t i = 0; i < tree_count(is); i++) {
		const struct tree_node *node = tree_at(is, i);
		char path[PATH_SIZE];

		if (!tree_is_folder(node) || node->parent->kind != TREE_MODEL ||
			tree_find(was, node->inode))
			continue;
		int r = store_entry_lookup(fs->store, node->parent->inode, node->name, &entry);
		if (r == 0 && tree_path(node, path, sizeof(path)) == 0)
			return error_set(err, -EEXIST,
				"%s is to be a model's directory, and you have something of that "
				"name there. Rename it first.",
				path);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int change(struct fs *fs, const struct catalogue *catalogue, struct error *err)
{
	struct tree *was = current(fs), *is = NULL;
	int r = tree_create(catalogue, &is);

	if (r == -EINVAL)
		error_set(err, r,
			"A model's id ends in a name that each model's directory has by itself.");
	if (r == 0)
		r = check_names(fs, was, is, err);
	if (r == 0)
		r = make_defaults(fs, is);
	if (r < 0) {
		tree_destroy(is);
		tree_destroy(was);
		return r;
	}
	pthread_mutex_lock(&fs->live.lock);
	struct tree *old = fs->live.tree;
	fs->live.tree = tree_share(is);
	fs->live.since_ms = clock_now_ms();
	pthread_mutex_unlock(&fs->live.lock);
	tree_destroy(old);
	notifier_queue_trees(fs, was, is);
	return 0;
}

int live_change(struct fs *fs, const struct catalogue *catalogue, struct error *err)
{
	pthread_mutex_lock(&fs->live.change);
	int r = change(fs, catalogue, err);
	pthread_mutex_unlock(&fs->live.change);
	return r;
}

int live_holds(struct fs *fs, const char *model)
{
	char path[PATH_SIZE];
	struct entry found[2];

	snprintf(path, sizeof(path), "models/%s", model);
	uint64_t dir = inode_static(path);
	int r = store_entry_list(fs->store, dir, true, 0, found, 1);
	if (r == 0)
		r = store_entry_list(fs->store, dir, false, 0, found, 2);
	/* A defaults.json that was written is the user's work too. */
	if (r == 1 && strcmp(found[0].name, "defaults.json") == 0) {
		struct stat st;
		double timeout;
		r = entry_stat(fs, &found[0], &st, &timeout);
		return r < 0 ? r : st.st_size > 0;
	}
	return r < 0 ? r : r > 0;
}

void live_finish(struct fs *fs)
{
	tree_destroy(fs->live.tree);
	fs->live.tree = NULL;
}
