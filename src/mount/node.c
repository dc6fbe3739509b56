/* What an inode is: its attributes, and where it stands. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "kiefs/buf.h"
#include "kiefs/clock.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/request.h"
#include "search.h"

/* Far longer than a result waits to be announced. */
#define YOUNG_MS 60000
/* Names below models/ come and go with the catalogue (seconds). */
#define MODEL_TIMEOUT 1.0
#define TEXT_MAX (64u << 20)
/* A folder in a folder ... a chain longer than this is taken for a damaged index. */
#define DEPTH_MAX 64

static struct timespec time_of(int64_t ms)
{
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

void node_fill(
	struct fs *fs, uint64_t inode, mode_t mode, off_t size, int64_t mtime_ms, struct stat *st)
{
	*st = (struct stat){
		.st_ino = inode,
		.st_mode = S_ISLNK(mode) ? mode : mode & ~fs->users->umask,
		.st_nlink = S_ISDIR(mode) ? 2 : 1,
		.st_uid = fs->users->uid,
		.st_gid = fs->users->gid,
		.st_size = size,
		.st_blksize = 4096,
		.st_blocks = (size + 511) / 512,
	};
	st->st_atim = st->st_mtim = st->st_ctim = time_of(mtime_ms);
}

/* What changes by itself at any time: a text with a clock in it, a directory that results come
 * into. Its ctime stands still: by that tar and others judge whether something was changed while
 * they looked at it. */
static void set_moving(struct stat *st, int64_t mtime_ms, int64_t ctime_ms)
{
	st->st_mtim = time_of(mtime_ms);
	st->st_ctim = time_of(ctime_ms);
}

/* The file itself tells how far the answer has come. */
static int growing_stat(struct fs *fs, const struct entry *entry, struct stat *st)
{
	struct stat file;
	int r = files_stat_result(fs->files, entry->task, entry->index, &file);

	if (r == 0)
		node_fill(fs, inode_entry(entry->id), S_IFREG | 0444, file.st_size,
			file.st_mtim.tv_sec * 1000 + file.st_mtim.tv_nsec / 1000000, st);
	return r;
}

static int dir_mtime(struct fs *fs, uint64_t inode, int64_t otherwise, int64_t *out)
{
	int r = store_dir_mtime(fs->store, inode, out);

	if (r == -ENOENT) {
		*out = otherwise;
		r = 0;
	}
	return r;
}

static int link_stat(struct fs *fs, uint64_t inode, struct stat *st)
{
	char target[LINK_SIZE];
	int r = link_target(fs, inode, target, sizeof(target));

	if (r == 0)
		node_fill(fs, inode, S_IFLNK | 0777, (off_t)strlen(target), fs->started_ms, st);
	return r;
}

/* The size of a generated file is what reading it now would give. */
static int text_stat(struct fs *fs, uint64_t inode, mode_t mode, int64_t mtime_ms, struct stat *st)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	int r = text_make(fs, inode, &text);
	if (r == 0)
		node_fill(fs, inode, S_IFREG | mode, (off_t)text.len, mtime_ms, st);
	buf_finish(&text);
	return r;
}

/* The same of what the daemon says of itself: only the text shows that it has changed. */
static int seen_stat(struct fs *fs, const struct tree_node *node, struct stat *st)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	int r = text_make(fs, node->inode, &text);
	if (r == 0)
		node_fill(fs, node->inode, S_IFREG | 0444, (off_t)text.len,
			seen_since(fs, node->kind, text.data, text.len), st);
	buf_finish(&text);
	return r;
}

/* When what a task's directory shows last changed: whatever happens to a task is in its log. */
static int64_t task_mtime(struct fs *fs, const struct task *task)
{
	int64_t at_ms = task->created_ms;

	store_log_last(fs->store, task->id, &at_ms);
	return at_ms;
}

static int task_text_stat(
	struct fs *fs, const struct task *task, int slot, int64_t mtime, struct stat *st)
{
	int r = text_stat(fs, inode_task(task->id, slot), 0444, mtime, st);

	if (r == 0 && task_in_group(task->state, GROUP_ACTIVE) &&
		(slot == SLOT_STATUS || slot == SLOT_META || slot == SLOT_RECORD))
		set_moving(st, clock_now_ms(), mtime);
	return r;
}

static int status_stat(struct fs *fs, const struct entry *entry, struct stat *st)
{
	int64_t mtime = entry->mtime_ns / 1000000;
	struct task task = {0};
	int r = entry->task ? store_task_get(fs->store, entry->task, &task) : 0;

	if (r == 0)
		r = text_stat(fs, inode_entry(entry->id), 0444, mtime, st);
	if (r == 0 && (!entry->task || task_in_group(task.state, GROUP_ACTIVE)))
		set_moving(st, clock_now_ms(), mtime);
	task_finish(&task);
	return r;
}

static int static_stat(struct fs *fs, uint64_t inode, struct stat *st, double *timeout)
{
	const struct tree_node *node = tree_find(fs_tree(fs), inode);
	int64_t mtime = fs->started_ms;
	int r = 0;

	if (!node)
		return -ENOENT;
	*timeout = LONG_TIMEOUT;
	switch (node->kind) {
	case TREE_FOLDER:
		/* Where directories of models come and go: the notifier makes them for watchers. */
		node_fill(fs, inode, S_IFDIR | (node->holds_models ? 0755 : 0555), 0, mtime, st);
		break;
	case TREE_SEARCH:
	case TREE_GALLERY:
		node_fill(fs, inode, S_IFDIR | 0555, 0, mtime, st);
		break;
	case TREE_LINK:
		*timeout = MODEL_TIMEOUT;
		r = link_stat(fs, inode, st);
		break;
	case TREE_MODEL:
	case TREE_UPLOADS:
		*timeout = 1;
		r = dir_mtime(fs, inode, mtime, &mtime);
		node_fill(fs, inode, S_IFDIR | 0777, 0, mtime, st);
		set_moving(st, mtime, fs->started_ms);
		break;
	case TREE_TASKS_ALL:
	case TREE_TASKS_GROUP:
	case TREE_TASKS_DAYS:
		*timeout = 1;
		node_fill(fs, inode, S_IFDIR | 0555, 0, mtime, st);
		break;
	case TREE_LATEST:
		*timeout = 0;
		r = link_stat(fs, inode, st);
		break;
	case TREE_CONTROL:
		node_fill(fs, inode, S_IFREG | users_control_mode(fs->users), 0, mtime, st);
		break;
	case TREE_STATS:
		*timeout = 0;
		r = text_stat(fs, inode, 0444, mtime, st);
		set_moving(st, clock_now_ms(), mtime);
		break;
	case TREE_LOG:
	case TREE_ERRORS:
	case TREE_CALLBACK:
	case TREE_ACCOUNT_STATUS:
	case TREE_SPEND:
	case TREE_LIMITS:
	case TREE_CATALOG_REPORT:
		*timeout = 0;
		r = seen_stat(fs, node, st);
		break;
	case TREE_CREDITS:
		*timeout = 0;
		r = text_stat(fs, inode, 0444, account_heard_ms(fs), st);
		break;
	case TREE_CATALOG:
	case TREE_MAPPING_REPORT:
		*timeout = 0;
		r = text_stat(fs, inode, 0444, fs->live.since_ms, st);
		break;
	case TREE_README:
	case TREE_SCHEMA:
	case TREE_EXAMPLE:
		r = text_stat(fs, inode, 0444, fs->live.since_ms, st);
		break;
	case TREE_CONFIG:
	case TREE_PAGE:
		r = text_stat(fs, inode, 0444, mtime, st);
		break;
	case TREE_KIND_COUNT:
		break;
	}
	return r;
}

static int task_slot_stat(struct fs *fs, uint64_t inode, struct stat *st, double *timeout)
{
	int slot = inode_task_slot(inode);
	int64_t id = inode_task_id(inode), mtime;
	struct task task = {0};
	struct result result = {0};
	int r = store_task_get(fs->store, id, &task);

	if (r < 0)
		return r;
	*timeout = 0;
	mtime = task_mtime(fs, &task);
	if (slot == SLOT_DIR) {
		*timeout = 1;
		node_fill(fs, inode, S_IFDIR | 0555, 0, mtime, st);
		set_moving(st, mtime, task.created_ms);
	} else if (slot == SLOT_WAIT) {
		*timeout = LONG_TIMEOUT;
		node_fill(fs, inode, S_IFREG | 0444, 0, mtime, st);
	} else if (slot == SLOT_CONTROL) {
		*timeout = LONG_TIMEOUT;
		node_fill(fs, inode, S_IFREG | users_control_mode(fs->users), 0, mtime, st);
	} else if (slot > SLOT_RESULT) {
		r = store_result_get(fs->store, id, slot - SLOT_RESULT, &result);
		if (r == 0 && (!result.whole || result.removed))
			r = -ENOENT;
		if (r == 0)
			node_fill(fs, inode, S_IFREG | 0444, result.size, result.mtime_ms, st);
		*timeout = NAME_TIMEOUT;
		result_finish(&result);
	} else {
		r = task_text_stat(fs, &task, slot, mtime, st);
	}
	task_finish(&task);
	return r;
}

int entry_stat(struct fs *fs, const struct entry *entry, struct stat *st, double *timeout)
{
	uint64_t inode = inode_entry(entry->id);
	int64_t mtime = entry->mtime_ns / 1000000;
	struct stat file;
	int r;

	*timeout = NAME_TIMEOUT;
	switch (entry->kind) {
	case ENTRY_DIR:
		*timeout = 1;
		r = dir_mtime(fs, inode, mtime, &mtime);
		node_fill(fs, inode, S_IFDIR | (mode_t)entry->mode, 0, mtime, st);
		set_moving(st, mtime, entry->mtime_ns / 1000000);
		set_owner(fs, entry, st);
		return r;
	case ENTRY_FILE:
		node_fill(fs, inode, S_IFREG | (mode_t)entry->mode, 0, mtime, st);
		set_owner(fs, entry, st);
		r = files_stat_entry(fs->files, entry->id, &file);
		if (r == 0) {
			st->st_size = file.st_size;
			st->st_blocks = file.st_blocks;
			st->st_atim = file.st_atim;
			st->st_mtim = file.st_mtim;
			st->st_ctim = file.st_ctim;
		}
		return r == -ENOENT ? 0 : r;
	case ENTRY_TALK:
		*timeout = 0;
		return talk_stat(fs, entry, st);
	case ENTRY_RESULT:
	case ENTRY_ERROR:
	case ENTRY_URL:
		if (entry->size == ENTRY_GROWING) {
			*timeout = 0;
			return growing_stat(fs, entry, st);
		}
		if (entry->kind != ENTRY_RESULT)
			*timeout = 0;
		node_fill(fs, inode, S_IFREG | 0444, entry->size, mtime, st);
		return 0;
	case ENTRY_STATUS:
		*timeout = 0;
		return status_stat(fs, entry, st);
	}
	return -ENOENT;
}

int node_stat(struct fs *fs, uint64_t inode, struct stat *st, double *timeout)
{
	char words[ENTRY_NAME_MAX + 1];
	struct entry entry;
	int64_t made_ms;
	int r;

	switch (inode_kind(inode)) {
	case INODE_STATIC:
		return static_stat(fs, inode, st, timeout);
	case INODE_ENTRY:
		r = store_entry_get(fs->store, inode_entry_id(inode), &entry);
		return r < 0 ? r : entry_stat(fs, &entry, st, timeout);
	case INODE_TASK:
		return task_slot_stat(fs, inode, st, timeout);
	case INODE_WAIT:
		*timeout = 0;
		node_fill(fs, inode, S_IFREG | 0444, 0, clock_now_ms(), st);
		return 0;
	case INODE_DAY:
		*timeout = 1;
		r = store_day_latest(fs->store, inode_day_number(inode), &made_ms);
		if (r < 0)
			return r;
		node_fill(fs, inode, S_IFDIR | 0555, 0, made_ms, st);
		set_moving(st, made_ms, inode_day_number(inode) * DAY_MS);
		return 0;
	case INODE_LINK:
	case INODE_DAY_LINK:
	case INODE_HOME:
		*timeout = 0;
		return link_stat(fs, inode, st);
	case INODE_GALLERY:
		*timeout = 0;
		return text_stat(fs, inode, 0444, clock_now_ms(), st);
	case INODE_SEARCH:
		*timeout = 0;
		r = search_words(fs, inode, words);
		node_fill(fs, inode, S_IFDIR | 0555, 0, fs->started_ms, st);
		return r;
	}
	return -ENOENT;
}

static bool is_young(const struct entry *entry)
{
	return clock_now_ms() - entry->mtime_ns / 1000000 < YOUNG_MS;
}

static double folder_timeout(struct fs *fs, uint64_t inode)
{
	const struct tree_node *node = tree_find(fs_tree(fs), inode);

	return node && node->holds_models && node->depth > 1 ? MODEL_TIMEOUT : LONG_TIMEOUT;
}

int node_param(
	struct fs *fs, uint64_t inode, const struct entry *entry, struct fuse_entry_param *out)
{
	int r;

	*out = (struct fuse_entry_param){.ino = inode};
	r = entry ? entry_stat(fs, entry, &out->attr, &out->attr_timeout)
		  : node_stat(fs, inode, &out->attr, &out->attr_timeout);
	/* Where the attributes may be kept, so may the name; what comes and goes is looked up, and
	 * so is a result for which watchers may not have been poked yet. */
	if (entry && entry->kind == ENTRY_RESULT && is_young(entry)) {
		out->entry_timeout = 0;
		return r;
	}
	out->entry_timeout = S_ISDIR(out->attr.st_mode) && inode_kind(inode) == INODE_STATIC
				     ? folder_timeout(fs, inode)
				     : out->attr_timeout;
	return r;
}

int place_of(struct fs *fs, uint64_t dir, struct place *out)
{
	struct entry entry;
	int below = 0;

	for (int i = 0; i < DEPTH_MAX; i++) {
		if (inode_kind(dir) == INODE_STATIC) {
			const struct tree_node *node = tree_find(fs_tree(fs), dir);
			if (!node || !tree_takes_files(node))
				return -ENOENT;
			out->model = node->model;
			out->depth = node->depth + below;
			return 0;
		}
		if (inode_kind(dir) != INODE_ENTRY)
			return -ENOENT;
		int r = store_entry_get(fs->store, inode_entry_id(dir), &entry);
		if (r < 0)
			return r;
		if (entry.kind != ENTRY_DIR)
			return -ENOTDIR;
		dir = entry.dir;
		below++;
	}
	return -ENAMETOOLONG;
}

bool place_is_free(const struct place *place, const char *name)
{
	return !place->model || entry_name_is_free(name) || strcmp(name, "defaults.json") == 0;
}

bool is_request(struct fs *fs, const struct entry *entry)
{
	struct place place;

	return request_form(entry->name) != REQUEST_NONE && place_of(fs, entry->dir, &place) == 0 &&
	       place.model;
}

/* Puts "name/" before what is there. */
static int prepend(char *out, size_t size, const char *name)
{
	size_t have = strlen(out), len = strlen(name);

	if (have + len + 2 > size)
		return -ENAMETOOLONG;
	memmove(out + len + 1, out, have + 1);
	memcpy(out, name, len);
	out[len] = '/';
	return 0;
}

int place_path(struct fs *fs, uint64_t dir, char *out, size_t size)
{
	struct entry entry;
	int r = 0;

	*out = '\0';
	for (int i = 0; i < DEPTH_MAX && r == 0 && inode_kind(dir) == INODE_ENTRY; i++) {
		r = store_entry_get(fs->store, inode_entry_id(dir), &entry);
		if (r == 0)
			r = prepend(out, size, entry.name);
		dir = entry.dir;
	}
	if (r < 0)
		return r;
	const struct tree_node *node =
		inode_kind(dir) == INODE_STATIC ? tree_find(fs_tree(fs), dir) : NULL;
	if (!node)
		return -ENOENT;
	for (; r == 0 && node->parent != node; node = node->parent)
		r = prepend(out, size, node->name);
	return r;
}

/* How many of the same label there are up to this one: a task that ran again has more. */
static int count_label(const struct result *results, int at)
{
	int count = 1;

	for (int i = 0; i < at; i++)
		count += results[i].label && strcmp(results[i].label, results[at].label) == 0;
	return count;
}

/* As beside the request, whose name "result" takes the place of. */
void result_name(const struct result *results, int count, int at, char out[RESULT_NAME_SIZE])
{
	const struct result *result = &results[at];
	int nth = result->label ? count_label(results, at) : 1;
	int plain = 0;

	for (int i = 0; i < count; i++)
		plain += !results[i].label;
	if (nth > 1)
		snprintf(out, RESULT_NAME_SIZE, "result-%s-%d.%s", result->label, nth,
			result->extension);
	else if (result->label)
		snprintf(out, RESULT_NAME_SIZE, "result-%s.%s", result->label, result->extension);
	else if (plain > 1)
		snprintf(out, RESULT_NAME_SIZE, "result-%d.%s", result->index, result->extension);
	else
		snprintf(out, RESULT_NAME_SIZE, "result.%s", result->extension);
}

const char *task_slot_name(int slot)
{
	static const char *const names[] = {
		[SLOT_REQUEST] = "request.json",
		[SLOT_STATUS] = "status",
		[SLOT_WAIT] = "wait",
		[SLOT_LOG] = "log",
		[SLOT_RECORD] = "record.json",
		[SLOT_META] = "meta.json",
		[SLOT_ERROR] = "error",
		[SLOT_CONTROL] = "control",
	};

	return slot > SLOT_DIR && slot < (int)(sizeof(names) / sizeof(names[0])) ? names[slot]
										 : NULL;
}
