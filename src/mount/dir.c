/* Listing directories. Offsets are resume points that stay good while names come and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "kiefs/clock.h"
#include "kiefs/inode.h"
#include "search.h"

/* 1 and 2: after "." and ".."; then the fixed names by position; then rows by their id, status and
 * error names first. */
#define FIRST_FIXED 2
#define FIRST_ROW (INT64_C(1) << 40)
#define LAST_ROW (INT64_C(1) << 41)
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

/* Names of one sort; `first` is where their offsets begin. */
static int list_sort(
	struct fs *fs, uint64_t dir, bool told, off_t first, off_t offset, struct listing *listing)
{
	struct entry *page = malloc(PAGE * sizeof(*page));
	int64_t after = offset < first ? 0 : offset - first;
	int n = 0;

	if (!page)
		return -ENOMEM;
	do {
		n = store_entry_list(fs->store, dir, told, after, page, PAGE);
		for (int i = 0; i < n; i++) {
			after = page[i].id;
			if (listing->add(listing, page[i].name, inode_entry(page[i].id), &page[i],
				    first + after)) {
				free(page);
				return 1;
			}
		}
	} while (n == PAGE);
	free(page);
	return n < 0 ? n : 0;
}

/* Status and error names go with their request. They are listed before it, or `rm -r` would look
 * for what the removal of the request has just removed. */
static int list_entries(struct fs *fs, uint64_t dir, off_t offset, struct listing *listing)
{
	int r = 0;

	if (offset < LAST_ROW)
		r = list_sort(fs, dir, true, FIRST_ROW, offset, listing);
	return r != 0 ? r : list_sort(fs, dir, false, LAST_ROW, offset, listing);
}

/* tasks/by-day: a day's offset is that of the next day. */
static int list_days(struct fs *fs, off_t offset, struct listing *listing)
{
	int64_t day = offset < FIRST_ROW ? 0 : offset - FIRST_ROW;
	char name[CLOCK_DAY_SIZE];
	int r;

	while ((r = store_day_next(fs->store, day, &day)) == 0) {
		clock_format_day(day, name);
		if (listing->add(listing, name, inode_day(day), NULL, FIRST_ROW + day + 1))
			return 1;
		day++;
	}
	return r == -ENOENT ? 0 : r;
}

/* tasks/all and the like, or one day's directory (`node` is NULL). */
static int list_tasks(struct fs *fs, uint64_t dir, const struct tree_node *node, off_t offset,
	struct listing *listing)
{
	enum task_group group = node ? (enum task_group)node->group : GROUP_ALL;
	int64_t ids[PAGE], after = offset < FIRST_ROW ? 0 : offset - FIRST_ROW;
	char name[24];
	int n;

	do {
		n = node ? store_task_list(fs->store, group, after, ids, PAGE)
			 : store_day_list(fs->store, inode_day_number(dir), after, ids, PAGE);
		for (int i = 0; i < n; i++) {
			uint64_t inode = !node		      ? inode_day_link(ids[i])
					 : group == GROUP_ALL ? inode_task(ids[i], SLOT_DIR)
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
	char name[RESULT_NAME_SIZE];
	int full = 0;

	if (!results)
		return -ENOMEM;
	int n = store_result_list(fs->store, task, results, RESULTS_MAX);
	for (int i = 0; i < n; i++) {
		if (!full && results[i].whole && !results[i].removed &&
			results[i].index > offset - FIRST_ROW) {
			result_name(results, n, i, name);
			full = listing->add(listing, name,
				inode_task(task, SLOT_RESULT + results[i].index), NULL,
				FIRST_ROW + results[i].index);
		}
	}
	for (int i = 0; i < n; i++)
		result_finish(&results[i]);
	free(results);
	return n < 0 ? n : full;
}

static int list_task(struct fs *fs, int64_t task, off_t offset, struct listing *listing)
{
	/* Reading `wait` blocks, so nothing that walks the tree may come upon it. */
	for (off_t slot = offset - FIRST_FIXED + 1;
		slot < FIRST_ROW - FIRST_FIXED && task_slot_name((int)slot); slot++)
		if (slot != SLOT_WAIT &&
			listing->add(listing, task_slot_name((int)slot),
				inode_task(task, (int)slot), NULL, FIRST_FIXED + slot))
			return 1;
	return list_results(fs, task, offset < FIRST_ROW ? FIRST_ROW : offset, listing);
}

int dir_list(struct fs *fs, uint64_t inode, off_t offset, struct listing *listing)
{
	const struct tree_node *node = NULL;
	int r;

	if (inode_kind(inode) == INODE_STATIC) {
		node = tree_find(fs_tree(fs), inode);
		if (!node)
			return -ENOENT;
	}
	if (offset < 1 && listing->add(listing, ".", inode, NULL, 1))
		return 0;
	if (offset < 2 && listing->add(listing, "..", node ? node->parent->inode : 1, NULL, 2))
		return 0;
	if (offset < FIRST_FIXED)
		offset = FIRST_FIXED;
	if (node) {
		r = offset < FIRST_ROW ? list_fixed(node, &offset, listing) : 0;
		if (r == 0 && tree_takes_files(node))
			r = list_entries(fs, inode, offset, listing);
		else if (r == 0 && (node->kind == TREE_TASKS_ALL || node->kind == TREE_TASKS_GROUP))
			r = list_tasks(fs, inode, node, offset, listing);
		else if (r == 0 && node->kind == TREE_TASKS_DAYS)
			r = list_days(fs, offset, listing);
	} else if (inode_kind(inode) == INODE_DAY) {
		r = list_tasks(fs, inode, NULL, offset, listing);
	} else if (inode_kind(inode) == INODE_SEARCH) {
		r = search_list(fs, inode, FIRST_FIXED, offset, listing);
	} else if (inode_kind(inode) == INODE_TASK) {
		r = list_task(fs, inode_task_id(inode), offset, listing);
	} else {
		r = list_entries(fs, inode, offset, listing);
	}
	return r < 0 ? r : 0;
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
