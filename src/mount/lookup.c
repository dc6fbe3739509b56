/* Looking one name up, and what links point to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "gallery.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/inode.h"
#include "search.h"

static int task_slot(struct fs *fs, int64_t task, const char *name, uint64_t *inode)
{
	char candidate[RESULT_NAME_SIZE];
	int n, r = -ENOENT;

	for (int slot = 1; task_slot_name(slot); slot++) {
		if (strcmp(task_slot_name(slot), name) == 0) {
			*inode = inode_task(task, slot);
			return 0;
		}
	}
	struct result *results = calloc(RESULTS_MAX, sizeof(*results));
	if (!results)
		return -ENOMEM;
	n = store_result_list(fs->store, task, results, RESULTS_MAX);
	for (int i = 0; i < n; i++) {
		result_name(results, n, i, candidate);
		if (results[i].whole && !results[i].removed && strcmp(candidate, name) == 0) {
			*inode = inode_task(task, SLOT_RESULT + results[i].index);
			r = 0;
		}
	}
	for (int i = 0; i < n; i++)
		result_finish(&results[i]);
	free(results);
	return n < 0 ? n : r;
}

int name_number(const char *name, int64_t *out)
{
	char *end;

	if (*name < '1' || *name > '9')
		return -ENOENT;
	errno = 0;
	*out = strtoll(name, &end, 10);
	return *end || errno ? -ENOENT : 0;
}

static int find_task(struct fs *fs, enum task_group group, const char *name, uint64_t *inode)
{
	struct task task = {0};
	int64_t id;
	int r = name_number(name, &id);

	if (r == 0)
		r = store_task_get(fs->store, id, &task);
	if (r == 0 && !task_in_group(task.state, group))
		r = -ENOENT;
	if (r == 0)
		*inode = group == GROUP_ALL ? inode_task(id, SLOT_DIR) : inode_link(group, id);
	task_finish(&task);
	return r;
}

static int find_day(struct fs *fs, const char *name, uint64_t *inode)
{
	int64_t day, made_ms;

	if (clock_parse_day(name, &day) < 0)
		return -ENOENT;
	*inode = inode_day(day);
	return store_day_latest(fs->store, day, &made_ms);
}

static int find_task_of_day(struct fs *fs, int64_t day, const char *name, uint64_t *inode)
{
	struct task task = {0};
	int64_t id;
	int r = name_number(name, &id);

	if (r == 0)
		r = store_task_get(fs->store, id, &task);
	if (r == 0 && task.created_ms / DAY_MS != day)
		r = -ENOENT;
	if (r == 0)
		*inode = inode_day_link(id);
	task_finish(&task);
	return r;
}

/* The request, or a conversation's prompt, whose name before its extension is the stem. */
static int find_request(struct fs *fs, uint64_t dir, const char *stem, struct entry *out)
{
	if (strcmp(stem, TALK_PROMPT) == 0 && talk_is_place(fs, dir) &&
		store_entry_lookup(fs->store, dir, TALK_PROMPT, out) == 0 &&
		out->kind == ENTRY_FILE)
		return 0;
	return store_entry_by_stem(fs->store, dir, stem, out);
}

/* `<name>.wait` and `<name>.task` are never listed, only found. */
static int find_hidden(struct fs *fs, uint64_t dir, const char *name, uint64_t *inode)
{
	char stem[ENTRY_NAME_MAX + 1];
	const char *dot = strrchr(name, '.');
	struct entry entry;
	struct place place;
	int r;

	if (!dot || dot == name || (strcmp(dot, ".wait") && strcmp(dot, ".task")))
		return -ENOENT;
	snprintf(stem, sizeof(stem), "%.*s", (int)(dot - name), name);
	r = find_request(fs, dir, stem, &entry);
	if (r < 0)
		return r;
	draft_settle(fs, entry.id);
	/* Asked first: what is no longer pending by then is a task in the index. */
	bool pending = draft_is_pending(fs, entry.id);
	r = store_entry_get(fs->store, entry.id, &entry);
	if (r < 0)
		return r;
	if (dot[1] == 'w') {
		*inode = inode_wait(entry.id);
		return entry.task || pending ? 0 : -ENOENT;
	}
	r = place_of(fs, dir, &place);
	if (r == 0)
		*inode = inode_home(place.depth, entry.task);
	return r < 0 ? r : entry.task ? 0 : -ENOENT;
}

/* A status or error may be asked for before the release that makes it has been served. */
static void settle_for(struct fs *fs, uint64_t dir, const char *name)
{
	char stem[ENTRY_NAME_MAX + 1];
	const char *dot = strrchr(name, '.');
	struct entry entry;

	if (!dot || (strcmp(dot, ".status") && strcmp(dot, ".error")))
		return;
	snprintf(stem, sizeof(stem), "%.*s", (int)(dot - name), name);
	if (find_request(fs, dir, stem, &entry) == 0)
		draft_settle(fs, entry.id);
}

static int find_name(
	struct fs *fs, uint64_t dir, const char *name, struct entry *entry, uint64_t *inode)
{
	int r = store_entry_lookup(fs->store, dir, name, entry);

	if (r == -ENOENT) {
		settle_for(fs, dir, name);
		r = store_entry_lookup(fs->store, dir, name, entry);
	}
	if (r == 0)
		*inode = inode_entry(entry->id);
	else if (r == -ENOENT)
		r = find_hidden(fs, dir, name, inode);
	return r;
}

int node_parent(struct fs *fs, uint64_t inode, uint64_t *out)
{
	const struct tree_node *node;
	struct entry entry;
	int r;

	switch (inode_kind(inode)) {
	case INODE_STATIC:
		node = tree_find(fs_tree(fs), inode);
		if (!node)
			return -ENOENT;
		*out = node->parent->inode;
		return 0;
	case INODE_ENTRY:
		r = store_entry_get(fs->store, inode_entry_id(inode), &entry);
		if (r == 0)
			*out = entry.dir;
		return r;
	case INODE_TASK:
		*out = inode_task_slot(inode) == SLOT_DIR
			       ? inode_static("tasks/all")
			       : inode_task(inode_task_id(inode), SLOT_DIR);
		return 0;
	case INODE_SEARCH:
		*out = inode_static("search");
		return 0;
	case INODE_DAY:
		*out = inode_static("tasks/by-day");
		return 0;
	case INODE_GALLERY:
		*out = inode_static(".kiefs/gallery");
		return 0;
	case INODE_LINK:
	case INODE_DAY_LINK:
	case INODE_HOME:
	case INODE_WAIT:
		break;
	}
	return -ENOTDIR;
}

/* A file handle (NFS, open_by_handle_at(2)) names an inode that the kernel has forgotten, perhaps
 * since an earlier mount: it asks for "." of it, and for ".." to find the way to the root. */
static int find_dots(struct fs *fs, uint64_t from, const char *name, uint64_t *inode)
{
	struct entry entry;

	if (strcmp(name, "..") == 0)
		return node_parent(fs, from, inode);
	*inode = from;
	return inode_kind(from) == INODE_WAIT
		       ? store_entry_get(fs->store, inode_entry_id(from), &entry)
		       : 0;
}

int node_find(
	struct fs *fs, uint64_t parent, const char *name, struct entry *entry, uint64_t *inode)
{
	const struct tree_node *node, *child;

	entry->id = 0;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return find_dots(fs, parent, name, inode);
	switch (inode_kind(parent)) {
	case INODE_STATIC:
		node = tree_find(fs_tree(fs), parent);
		if (!node)
			return -ENOENT;
		child = tree_child(node, name);
		if (child) {
			*inode = child->inode;
			return 0;
		}
		if (tree_takes_files(node))
			return find_name(fs, parent, name, entry, inode);
		if (node->kind == TREE_GALLERY)
			return gallery_find(fs, name, inode);
		if (node->kind == TREE_SEARCH)
			return search_find(fs, name, inode);
		if (node->kind == TREE_TASKS_ALL || node->kind == TREE_TASKS_GROUP)
			return find_task(fs, (enum task_group)node->group, name, inode);
		if (node->kind == TREE_TASKS_DAYS)
			return find_day(fs, name, inode);
		return -ENOENT;
	case INODE_TASK:
		return task_slot(fs, inode_task_id(parent), name, inode);
	case INODE_ENTRY:
		return find_name(fs, parent, name, entry, inode);
	case INODE_SEARCH:
		return search_child(fs, parent, name, inode);
	case INODE_DAY:
		return find_task_of_day(fs, inode_day_number(parent), name, inode);
	case INODE_LINK:
	case INODE_DAY_LINK:
	case INODE_HOME:
	case INODE_WAIT:
	case INODE_GALLERY:
		break;
	}
	return -ENOTDIR;
}

/* For the notifier only: a name that went, as if it were there still. */
static void reply_gone(fuse_req_t req, const struct name_change *poke)
{
	uint64_t folder = notifier_poke_folder(fs_of(req));
	struct fuse_entry_param param = {.ino = folder ? folder : inode_entry(poke->entry)};

	param.attr.st_ino = param.ino;
	param.attr.st_mode = folder ? S_IFDIR | 0755 : S_IFREG | 0444;
	param.attr.st_nlink = 1;
	param.attr.st_uid = fs_of(req)->users->uid;
	param.attr.st_gid = fs_of(req)->users->gid;
	fuse_reply_entry(req, &param);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param param;
	struct entry entry = {0};
	struct name_change poke;
	uint64_t inode = 0;
	int r;

	if (notifier_is_poking(req, parent, name, &poke)) {
		if (poke.what == NAME_CAME)
			fuse_reply_err(req, ENOENT);
		else
			reply_gone(req, &poke);
		return;
	}
	r = node_find(fs, parent, name, &entry, &inode);
	if (r == 0)
		r = node_param(fs, inode, entry.id ? &entry : NULL, &param);
	if (r == 0 && notifier_is_touching(req, inode))
		attr_for_touch(&param.attr, &param.attr_timeout);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &param);
}

int link_target(struct fs *fs, uint64_t inode, char *out, size_t size)
{
	const struct tree_node *node =
		inode_kind(inode) == INODE_STATIC ? tree_find(fs_tree(fs), inode) : NULL;
	size_t used = 0;
	int64_t task = 0;
	int r = 0;

	if (inode_kind(inode) == INODE_LINK) {
		task = inode_task_id(inode);
		snprintf(out, size, "../all/%lld", (long long)task);
	} else if (inode_kind(inode) == INODE_DAY_LINK) {
		task = inode_task_id(inode);
		snprintf(out, size, "../../all/%lld", (long long)task);
	} else if (inode_kind(inode) == INODE_HOME) {
		task = inode_task_id(inode);
		for (int i = 0; i < inode_home_depth(inode) && used + 3 < size; i++)
			used += (size_t)snprintf(out + used, size - used, "../");
		snprintf(out + used, size - used, "tasks/all/%lld", (long long)task);
	} else if (node && node->kind == TREE_LINK) {
		/* by-category/<category>/<name> and search/<words>/<name> are equally deep. */
		snprintf(out, size, "../../models/%s", node->model->id);
	} else if (!node) {
		r = -ENOENT;
	} else {
		/* Before the first task the link dangles, as a link may. */
		r = store_task_latest(fs->store, &task);
		snprintf(out, size, "all/%lld", (long long)task);
	}
	return r;
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[LINK_SIZE];
	int r = link_target(fs_of(req), ino, target, sizeof(target));

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_readlink(req, target);
}
