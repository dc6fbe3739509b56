#include "resolve.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kiefs/inode.h"

#define DEPTH_MAX 80
#define LINKS_MAX 40

/* Where the walk stands: the directories from the root down, and what is still to be walked. */
struct walk {
	uint64_t way[DEPTH_MAX];
	int depth; /* of what is in `way`; at least 1, the root */
	int links;
	char rest[PATH_MAX];
};

static int start_at(struct fs *fs, uint64_t dir, struct walk *walk)
{
	uint64_t root = tree_root(fs_tree(fs))->inode;
	uint64_t up[DEPTH_MAX];
	int n = 0, r = 0;

	while (r == 0 && dir != root) {
		if (n == DEPTH_MAX - 1)
			return -ENAMETOOLONG;
		up[n++] = dir;
		r = node_parent(fs, dir, &dir);
	}
	walk->way[0] = root;
	walk->depth = 1;
	while (n > 0)
		walk->way[walk->depth++] = up[--n];
	return r;
}

/* A link's target goes before what is left. */
static int follow(struct fs *fs, uint64_t link, struct walk *walk)
{
	char target[LINK_SIZE];
	int r = link_target(fs, link, target, sizeof(target));
	size_t len, rest = strlen(walk->rest);

	if (r < 0)
		return r;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (*target == '/')
		return -EXDEV;
	len = strlen(target);
	if (len + 1 + rest + 1 > sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + len + 1, walk->rest, rest + 1);
	memcpy(walk->rest, target, len);
	walk->rest[len] = '/';
	return 0;
}

static bool is_link(struct fs *fs, uint64_t inode)
{
	struct stat st;
	double timeout;

	if (inode_kind(inode) == INODE_ENTRY || inode_kind(inode) == INODE_TASK)
		return false;
	return node_stat(fs, inode, &st, &timeout) == 0 && S_ISLNK(st.st_mode);
}

static int classify(struct fs *fs, uint64_t inode, struct target *out)
{
	int slot, r = 0;

	out->kind = TARGET_OTHER;
	switch (inode_kind(inode)) {
	case INODE_ENTRY:
		r = store_entry_get(fs->store, inode_entry_id(inode), &out->entry);
		out->task = out->entry.task;
		if (r == 0 && out->entry.kind == ENTRY_FILE)
			out->kind = TARGET_FILE;
		if (r == 0 && out->entry.kind == ENTRY_DIR)
			out->kind = TARGET_FOLDER;
		if (r == 0 && out->entry.kind == ENTRY_RESULT) {
			out->kind = TARGET_RESULT;
			out->result = out->entry.index;
		}
		break;
	case INODE_TASK:
		slot = inode_task_slot(inode);
		out->task = inode_task_id(inode);
		if (slot == SLOT_DIR)
			out->kind = TARGET_TASK;
		if (slot > SLOT_RESULT) {
			out->kind = TARGET_RESULT;
			out->result = slot - SLOT_RESULT;
		}
		break;
	case INODE_STATIC:
		if (tree_find(fs_tree(fs), inode) && tree_is_folder(tree_find(fs_tree(fs), inode)))
			out->kind = TARGET_FOLDER;
		break;
	case INODE_LINK:
	case INODE_DAY:
	case INODE_DAY_LINK:
	case INODE_HOME:
	case INODE_WAIT:
	case INODE_SEARCH:
	case INODE_GALLERY:
		break;
	}
	return r;
}

/* One part of the path. */
static int step(struct fs *fs, struct walk *walk, const char *part, struct target *out)
{
	struct entry entry;
	uint64_t inode, dir = walk->way[walk->depth - 1];
	int r;

	if (!*part || strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") == 0) {
		if (walk->depth == 1)
			return -EXDEV;
		walk->depth--;
		return 0;
	}
	r = node_find(fs, dir, part, &entry, &inode);
	if (r == -ENOENT && !*walk->rest) {
		out->dir = dir;
		snprintf(out->name, sizeof(out->name), "%s", part);
	}
	if (r < 0)
		return r;
	if (is_link(fs, inode))
		return follow(fs, inode, walk);
	if (walk->depth == DEPTH_MAX)
		return -ENAMETOOLONG;
	walk->way[walk->depth++] = inode;
	return 0;
}

static int walk_path(struct fs *fs, struct walk *walk, struct target *out)
{
	char part[ENTRY_NAME_MAX + 1];
	int r = 0;

	while (r == 0 && *walk->rest) {
		size_t len = strcspn(walk->rest, "/");
		size_t skip = len + strspn(walk->rest + len, "/");

		if (len > ENTRY_NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(part, walk->rest, len);
		part[len] = '\0';
		memmove(walk->rest, walk->rest + skip, strlen(walk->rest + skip) + 1);
		r = step(fs, walk, part, out);
	}
	return r < 0 ? r : classify(fs, walk->way[walk->depth - 1], out);
}

static int resolve_from(struct fs *fs, uint64_t dir, const char *path, struct target *out)
{
	struct walk walk = {0};
	int r;

	*out = (struct target){0};
	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	strcpy(walk.rest, path);
	r = start_at(fs, dir, &walk);
	return r < 0 ? r : walk_path(fs, &walk, out);
}

/* Where an absolute path goes on below the mount point; NULL: elsewhere. */
static const char *below_mount(struct fs *fs, const char *path)
{
	size_t len = strlen(fs->mountpoint);

	if (strncmp(path, fs->mountpoint, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path + len + strspn(path + len, "/");
}

int resolve(struct fs *fs, uint64_t dir, const char *name, struct target *out)
{
	uint64_t root = tree_root(fs_tree(fs))->inode;
	struct target other;
	char path[PATH_MAX];
	int r;

	if (*name == '/') {
		const char *below = below_mount(fs, name);
		*out = (struct target){0};
		return below ? resolve_from(fs, root, below, out) : -EXDEV;
	}
	r = resolve_from(fs, dir, name, out);
	if (r != -ENOENT && r != -ENOTDIR)
		return r;
	if (resolve_from(fs, root, name, &other) == 0) {
		*out = other;
		return 0;
	}
	if (!strchr(name, '/') &&
		(size_t)snprintf(path, sizeof(path), "uploads/%s", name) < sizeof(path) &&
		resolve_from(fs, root, path, &other) == 0) {
		*out = other;
		return 0;
	}
	return r;
}

int resolve_stem(struct fs *fs, struct target *out)
{
	struct entry entry;
	int r = *out->name ? store_entry_by_stem(fs->store, out->dir, out->name, &entry) : -ENOENT;

	return r < 0 ? r : classify(fs, inode_entry(entry.id), out);
}
