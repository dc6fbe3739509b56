/* Listing directories. Offsets are resume points that stay good while names come and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "kiefs/clock.h"
#include "kiefs/inode.h"

/* 1 and 2: after "." and ".."; then the fixed names by position; then rows by their id. */
#define FIRST_FIXED 2
#define FIRST_ROW (INT64_C(1) << 40)
#define PAGE 64

static int list_fixed(const struct tree_node *node, off_t *offset, struct listing *listing)
{
	for (size_t i = (size_t)(*offset - FIRST_FIXED); i < node->child_count; i++) {
		const struct tree_node *child = node->children[i];
		off_t next = FIRST_FIXED + (off_t)i + 1;
		if (listing->add(listing, child->name, child->inode, NULL, next))
			return 1;
		*offset = next;
	}
	return 0;
}

static int list_entries(struct fs *fs, uint64_t dir, off_t offset, struct listing *listing)
{
	struct entry *page = malloc(PAGE * sizeof(*page));
	int64_t after = offset < FIRST_ROW ? 0 : offset - FIRST_ROW;
	int n = 0;

	if (!page)
		return -ENOMEM;
	do {
		n = store_entry_list(fs->store, dir, after, page, PAGE);
		for (int i = 0; i < n; i++) {
			after = page[i].id;
			if (listing->add(listing, page[i].name, inode_entry(page[i].id), &page[i],
				    FIRST_ROW + after)) {
				free(page);
				return 1;
			}
		}
	} while (n == PAGE);
	free(page);
	return n < 0 ? n : 0;
}

static int list_tasks(struct fs *fs, enum task_group group, off_t offset, struct listing *listing)
{
	int64_t ids[PAGE], after = offset < FIRST_ROW ? 0 : offset - FIRST_ROW;
	char name[24];
	int n;

	do {
		n = store_task_list(fs->store, group, after, ids, PAGE);
		for (int i = 0; i < n; i++) {
			uint64_t inode = group == GROUP_ALL ? inode_task(ids[i], SLOT_DIR)
							    : inode_link(group, ids[i]);
			after = ids[i];
			snprintf(name, sizeof(name), "%lld", (long long)after);
			if (listing->add(listing, name, inode, NULL, FIRST_ROW + after))
				return 1;
		}
	} while (n == PAGE);
	return n < 0 ? n : 0;
}

static int list_results(struct fs *fs, int64_t task, off_t offset, struct listing *listing)
{
	struct result *results = calloc(RESULTS_MAX, sizeof(*results));
	char name[96];
	int full = 0;

	if (!results)
		return -ENOMEM;
	int n = store_result_list(fs->store, task, results, RESULTS_MAX);
	for (int i = 0; i < n; i++) {
		if (!full && results[i].whole && !results[i].removed &&
			results[i].index > offset - FIRST_ROW) {
			result_name(&results[i], n, name, sizeof(name));
			full = listing->add(listing, name,
				inode_task(task, SLOT_RESULT + results[i].index), NULL,
				FIRST_ROW + results[i].index);
		}
		result_finish(&results[i]);
	}
	free(results);
	return n < 0 ? n : full;
}

static const char *const slot_names[] = {
	[SLOT_REQUEST] = "request.json",
	[SLOT_STATUS] = "status",
	[SLOT_WAIT] = "wait",
	[SLOT_LOG] = "log",
	[SLOT_RECORD] = "record.json",
	[SLOT_META] = "meta.json",
	[SLOT_ERROR] = "error",
	[SLOT_CONTROL] = "control",
};

static int list_task(struct fs *fs, int64_t task, off_t offset, struct listing *listing)
{
	off_t slots = (off_t)(sizeof(slot_names) / sizeof(slot_names[0]));

	for (off_t slot = offset - FIRST_FIXED + 1; slot < slots; slot++)
		if (listing->add(listing, slot_names[slot], inode_task(task, (int)slot), NULL,
			    FIRST_FIXED + slot))
			return 1;
	return list_results(fs, task, offset < FIRST_ROW ? FIRST_ROW : offset, listing);
}

static int task_slot(struct fs *fs, int64_t task, const char *name, uint64_t *inode)
{
	char candidate[96];
	int n, r = -ENOENT;

	for (int slot = 1; slot < (int)(sizeof(slot_names) / sizeof(slot_names[0])); slot++) {
		if (strcmp(slot_names[slot], name) == 0) {
			*inode = inode_task(task, slot);
			return 0;
		}
	}
	struct result *results = calloc(RESULTS_MAX, sizeof(*results));
	if (!results)
		return -ENOMEM;
	n = store_result_list(fs->store, task, results, RESULTS_MAX);
	for (int i = 0; i < n; i++) {
		result_name(&results[i], n, candidate, sizeof(candidate));
		if (results[i].whole && !results[i].removed && strcmp(candidate, name) == 0) {
			*inode = inode_task(task, SLOT_RESULT + results[i].index);
			r = 0;
		}
		result_finish(&results[i]);
	}
	free(results);
	return n < 0 ? n : r;
}

int dir_list(struct fs *fs, uint64_t inode, off_t offset, struct listing *listing)
{
	const struct tree_node *node = NULL;
	int r;

	if (inode_kind(inode) == INODE_STATIC)
		node = tree_find(fs->tree, inode);
	if (offset < 1 && listing->add(listing, ".", inode, NULL, 1))
		return 0;
	if (offset < 2 && listing->add(listing, "..", node ? node->parent->inode : 1, NULL, 2))
		return 0;
	if (offset < FIRST_FIXED)
		offset = FIRST_FIXED;
	if (node) {
		r = offset < FIRST_ROW ? list_fixed(node, &offset, listing) : 0;
		if (r == 0 && node->kind == TREE_MODEL)
			r = list_entries(fs, inode, offset, listing);
		else if (r == 0 && (node->kind == TREE_TASKS_ALL || node->kind == TREE_TASKS_GROUP))
			r = list_tasks(fs, (enum task_group)node->group, offset, listing);
	} else if (inode_kind(inode) == INODE_TASK) {
		r = list_task(fs, inode_task_id(inode), offset, listing);
	} else {
		r = list_entries(fs, inode, offset, listing);
	}
	return r < 0 ? r : 0;
}

/* ---- looking one name up ---- */

static int parse_number(const char *name, int64_t *out)
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
	int r = parse_number(name, &id);

	if (r == 0)
		r = store_task_get(fs->store, id, &task);
	if (r == 0 && !task_in_group(task.state, group))
		r = -ENOENT;
	if (r == 0)
		*inode = group == GROUP_ALL ? inode_task(id, SLOT_DIR) : inode_link(group, id);
	task_finish(&task);
	return r;
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
	r = store_entry_by_stem(fs->store, dir, stem, &entry);
	if (r < 0)
		return r;
	draft_settle(fs, entry.id);
	r = store_entry_get(fs->store, entry.id, &entry);
	if (r < 0)
		return r;
	if (dot[1] == 'w') {
		*inode = inode_wait(entry.id);
		return entry.task || draft_is_pending(fs, entry.id) ? 0 : -ENOENT;
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
	if (store_entry_by_stem(fs->store, dir, stem, &entry) == 0)
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

/* `entry->id` is 0 unless the name is an entry's. */
static int find(
	struct fs *fs, uint64_t parent, const char *name, struct entry *entry, uint64_t *inode)
{
	const struct tree_node *node, *child;

	entry->id = 0;
	switch (inode_kind(parent)) {
	case INODE_STATIC:
		node = tree_find(fs->tree, parent);
		if (!node)
			return -ENOENT;
		child = tree_child(node, name);
		if (child) {
			*inode = child->inode;
			return 0;
		}
		if (node->kind == TREE_MODEL)
			return find_name(fs, parent, name, entry, inode);
		if (node->kind == TREE_TASKS_ALL || node->kind == TREE_TASKS_GROUP)
			return find_task(fs, (enum task_group)node->group, name, inode);
		return -ENOENT;
	case INODE_TASK:
		return task_slot(fs, inode_task_id(parent), name, inode);
	case INODE_ENTRY:
		return find_name(fs, parent, name, entry, inode);
	case INODE_LINK:
	case INODE_HOME:
	case INODE_WAIT:
		break;
	}
	return -ENOTDIR;
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param param;
	struct entry entry = {0};
	uint64_t inode = 0;
	int r = find(fs, parent, name, &entry, &inode);

	if (r == 0)
		r = node_param(fs, inode, entry.id ? &entry : NULL, &param);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &param);
}

int link_target(struct fs *fs, uint64_t inode, char *out, size_t size)
{
	size_t used = 0;
	int64_t task = 0;
	int r = 0;

	if (inode_kind(inode) == INODE_LINK) {
		task = inode_task_id(inode);
		snprintf(out, size, "../all/%lld", (long long)task);
	} else if (inode_kind(inode) == INODE_HOME) {
		task = inode_task_id(inode);
		for (int i = 0; i < inode_home_depth(inode) && used + 3 < size; i++)
			used += (size_t)snprintf(out + used, size - used, "../");
		snprintf(out + used, size - used, "tasks/all/%lld", (long long)task);
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

/* ---- the kernel's buffers ---- */

struct page {
	struct listing listing;
	fuse_req_t req;
	char *data;
	size_t size, used;
	bool plus;
	int error;
};

static int page_add(struct listing *listing, const char *name, uint64_t inode,
	const struct entry *entry, off_t next)
{
	struct page *page = (struct page *)listing;
	struct fuse_entry_param param = {.ino = inode, .attr.st_ino = inode};
	size_t left = page->size - page->used, n;
	bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;

	if (dots) {
		param.attr.st_mode = S_IFDIR;
		/* An inode of 0 tells the kernel not to count a lookup. */
		if (page->plus)
			param.ino = 0;
	} else {
		int r = node_param(fs_of(page->req), inode, entry, &param);
		if (r == -ENOENT)
			return 0;
		if (r < 0) {
			page->error = r;
			return 1;
		}
	}
	n = page->plus ? fuse_add_direntry_plus(
				 page->req, page->data + page->used, left, name, &param, next)
		       : fuse_add_direntry(
				 page->req, page->data + page->used, left, name, &param.attr, next);
	if (n > left)
		return 1;
	page->used += n;
	return 0;
}

static void reply_listing(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
{
	struct page page = {.listing.add = page_add, .req = req, .size = size, .plus = plus};

	page.data = malloc(size);
	int r = page.data ? dir_list(fs_of(req), ino, offset, &page.listing) : -ENOMEM;
	if (r == 0)
		r = page.error;
	if (r < 0 && page.used == 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_buf(req, page.data, page.used);
	free(page.data);
}

void op_readdir(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, offset, false);
}

void op_readdirplus(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, offset, true);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_open(req, fi);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	int r = store_sync(fs_of(req)->store);

	fuse_reply_err(req, r < 0 ? -r : 0);
}
