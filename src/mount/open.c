/* Opening and making files: what a handle is on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "handle.h"
#include "intake.h"
#include "kiefs/clock.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "snapshot.h"

#define TEXT_MAX (64u << 20)

struct handle *handle_new(struct fs *fs, enum handle_kind kind)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	if (!handle)
		return NULL;
	handle->kind = kind;
	handle->refs = 1;
	handle->fd = -1;
	buf_init(&handle->text, TEXT_MAX);
	pthread_mutex_lock(&fs->handles.lock);
	handle->next = fs->handles.first;
	if (handle->next)
		handle->next->previous = handle;
	fs->handles.first = handle;
	pthread_mutex_unlock(&fs->handles.lock);
	return handle;
}

static void handle_free(struct fs *fs, struct handle *handle)
{
	pthread_mutex_lock(&fs->handles.lock);
	if (handle->next)
		handle->next->previous = handle->previous;
	if (handle->previous)
		handle->previous->next = handle->next;
	else
		fs->handles.first = handle->next;
	pthread_mutex_unlock(&fs->handles.lock);
	if (handle->fd >= 0)
		close(handle->fd);
	fuse_pollhandle_destroy(handle->poller);
	buf_finish(&handle->text);
	free(handle);
}

void handle_put(struct fs *fs, struct handle *handle)
{
	if (atomic_fetch_sub(&handle->refs, 1) > 1)
		return;
	if (handle->draft)
		draft_close(fs, handle->draft, handle->writer);
	handle_free(fs, handle);
}

void handles_finish(struct fs *fs)
{
	while (fs->handles.first)
		handle_free(fs, fs->handles.first);
	drafts_finish(fs);
}

static bool is_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

static int open_file(struct fs *fs, const struct entry *entry, struct fuse_file_info *fi,
	pid_t caller, struct handle **out)
{
	bool writer = is_writing(fi->flags);
	/* The kernel gives each write its place, so O_APPEND must not move it again; and a writer's
	 * pages are read in before they are changed, so it needs to read as well. */
	int flags = (writer ? O_RDWR : O_RDONLY) | (fi->flags & O_TRUNC) | O_CREAT;
	struct handle *handle = handle_new(fs, HANDLE_FILE);
	int r = 0;

	if (!handle)
		return -ENOMEM;
	if (writer && strcmp(entry->name, TALK_PROMPT) == 0)
		r = talk_may_write(fs, entry);
	if (r < 0) {
		handle_put(fs, handle);
		return r;
	}
	handle->entry = entry->id;
	handle->writer = writer;
	handle->opener = writer ? caller_of(caller).process : 0;
	handle->fd = files_open_entry(fs->files, entry->id, flags);
	if (handle->fd < 0)
		r = handle->fd;
	if (r == 0) {
		handle->draft = draft_open(fs, entry->id, writer);
		if (!handle->draft)
			r = -ENOMEM;
	}
	if (r == 0 && writer && (fi->flags & O_TRUNC)) {
		draft_set_broken(fs, handle->draft, 0);
		r = draft_changed(fs, handle->draft);
	}
	if (r < 0) {
		handle_put(fs, handle);
		return r;
	}
	*out = handle;
	return 0;
}

/* Others look for it by that from now on. */
static void set_place(struct fs *fs, struct handle *handle, uint64_t inode, pid_t caller)
{
	pid_t opener = caller_of(caller).process;

	pthread_mutex_lock(&fs->handles.lock);
	handle->inode = inode;
	handle->opener = opener;
	pthread_mutex_unlock(&fs->handles.lock);
}

static int open_result(struct fs *fs, uint64_t inode, int64_t task, int index,
	struct fuse_file_info *fi, pid_t caller, struct handle **out)
{
	int fd = files_open_result(fs->files, task, index, O_RDONLY);

	if (fd < 0)
		return fd;
	*out = handle_new(fs, HANDLE_RESULT);
	if (!*out) {
		close(fd);
		return -ENOMEM;
	}
	(*out)->fd = fd;
	set_place(fs, *out, inode, caller);
	fi->keep_cache = 1;
	fi->noflush = 1;
	return 0;
}

static int open_text(
	struct fs *fs, uint64_t inode, struct fuse_file_info *fi, pid_t caller, struct handle **out)
{
	struct handle *handle = handle_new(fs, HANDLE_TEXT);

	if (!handle)
		return -ENOMEM;
	int r = text_make(fs, inode, &handle->text);
	if (r < 0) {
		handle_put(fs, handle);
		return r;
	}
	set_place(fs, handle, inode, caller);
	snapshot_begin(fs, handle);
	fi->direct_io = 1;
	fi->noflush = 1;
	*out = handle;
	return 0;
}

/* Looking at a name that was never written must leave it as it is, times and all: its file comes to
 * be when somebody writes. */
static bool is_unwritten(struct fs *fs, const struct entry *entry, int flags)
{
	struct stat st;

	return !is_writing(flags) && !(flags & (O_CREAT | O_TRUNC)) &&
	       files_stat_entry(fs->files, entry->id, &st) == -ENOENT;
}

static int open_empty(struct fs *fs, struct fuse_file_info *fi, struct handle **out)
{
	*out = handle_new(fs, HANDLE_TEXT);
	/* What others write meanwhile is not to be cached as empty. */
	fi->direct_io = 1;
	fi->noflush = 1;
	return *out ? 0 : -ENOMEM;
}

static int open_special(struct fs *fs, enum handle_kind kind, int64_t task, int64_t entry,
	struct fuse_file_info *fi, struct handle **out)
{
	*out = handle_new(fs, kind);
	if (!*out)
		return -ENOMEM;
	(*out)->task = task;
	(*out)->entry = entry;
	fi->direct_io = 1;
	fi->nonseekable = 1;
	return 0;
}

static int open_growing(
	struct fs *fs, uint64_t inode, struct fuse_file_info *fi, pid_t caller, struct handle **out)
{
	int r = is_writing(fi->flags) ? -EROFS : open_special(fs, HANDLE_GROWING, 0, 0, fi, out);

	if (r == 0) {
		set_place(fs, *out, inode, caller);
		snapshot_begin(fs, *out);
	}
	fi->nonseekable = 0;
	return r;
}

/* A task's is read on when the name has gone: it then says how the task has ended. */
static int open_status(struct fs *fs, uint64_t inode, int64_t task, int64_t entry,
	struct fuse_file_info *fi, pid_t caller, struct handle **out)
{
	int r = is_writing(fi->flags) ? -EROFS
				      : open_special(fs, HANDLE_STATUS, task, entry, fi, out);

	fi->nonseekable = 0;
	fi->noflush = 1;
	if (r < 0)
		return r;
	r = poll_read_status(fs, *out, &(*out)->text);
	if (r < 0) {
		handle_put(fs, *out);
		return r;
	}
	(*out)->unread = true;
	set_place(fs, *out, inode, caller);
	snapshot_begin(fs, *out);
	return 0;
}

static int open_entry(
	struct fs *fs, uint64_t inode, struct fuse_file_info *fi, pid_t caller, struct handle **out)
{
	struct entry entry;
	int r = store_entry_get(fs->store, inode_entry_id(inode), &entry);

	if (r < 0)
		return r;
	switch (entry.kind) {
	case ENTRY_FILE:
		if (is_unwritten(fs, &entry, fi->flags))
			return open_empty(fs, fi, out);
		return open_file(fs, &entry, fi, caller, out);
	case ENTRY_RESULT:
		if (is_writing(fi->flags))
			return -EROFS;
		r = open_result(fs, inode, entry.task, entry.index, fi, caller, out);
		/* Each read shows what is there by then. */
		if (r == 0 && entry.size == ENTRY_GROWING) {
			snapshot_begin(fs, *out);
			fi->keep_cache = 0;
			fi->direct_io = 1;
		}
		return r;
	case ENTRY_TALK:
		return open_growing(fs, inode, fi, caller, out);
	case ENTRY_STATUS:
		return open_status(fs, inode, entry.task, entry.id, fi, caller, out);
	case ENTRY_ERROR:
	case ENTRY_URL:
		return is_writing(fi->flags) ? -EROFS : open_text(fs, inode, fi, caller, out);
	case ENTRY_DIR:
		break;
	}
	return -EISDIR;
}

static int open_task(
	struct fs *fs, uint64_t inode, struct fuse_file_info *fi, pid_t caller, struct handle **out)
{
	int slot = inode_task_slot(inode);
	int64_t task = inode_task_id(inode);

	if (slot == SLOT_CONTROL)
		return open_special(fs, HANDLE_CONTROL, task, 0, fi, out);
	if (is_writing(fi->flags))
		return -EROFS;
	if (slot == SLOT_WAIT)
		return open_special(fs, HANDLE_WAIT, task, 0, fi, out);
	if (slot == SLOT_LOG)
		return open_growing(fs, inode, fi, caller, out);
	if (slot == SLOT_STATUS)
		return open_status(fs, inode, task, 0, fi, caller, out);
	if (slot > SLOT_RESULT)
		return open_result(fs, inode, task, slot - SLOT_RESULT, fi, caller, out);
	return open_text(fs, inode, fi, caller, out);
}

static int open_any(
	struct fs *fs, uint64_t inode, struct fuse_file_info *fi, pid_t caller, struct handle **out)
{
	const struct tree_node *node;

	switch (inode_kind(inode)) {
	case INODE_ENTRY:
		return open_entry(fs, inode, fi, caller, out);
	case INODE_TASK:
		return open_task(fs, inode, fi, caller, out);
	case INODE_WAIT:
		if (is_writing(fi->flags))
			return -EROFS;
		return open_special(fs, HANDLE_WAIT, 0, inode_entry_id(inode), fi, out);
	case INODE_STATIC:
		node = tree_find(fs_tree(fs), inode);
		if (!node)
			return -ENOENT;
		if (node->kind == TREE_CONTROL)
			return open_special(fs, HANDLE_CONTROL, 0, 0, fi, out);
		account_opened(fs, node->kind);
		return is_writing(fi->flags) ? -EROFS : open_text(fs, inode, fi, caller, out);
	case INODE_GALLERY:
		return is_writing(fi->flags) ? -EROFS : open_text(fs, inode, fi, caller, out);
	case INODE_LINK:
	case INODE_DAY:
	case INODE_DAY_LINK:
	case INODE_HOME:
	case INODE_SEARCH:
		break;
	}
	return -ELOOP;
}

/* Nothing that is cached of it goes. */
static int open_touched(struct fs *fs, struct fuse_file_info *fi, struct handle **out)
{
	*out = handle_new(fs, HANDLE_POKE);
	fi->direct_io = 1;
	fi->keep_cache = 1;
	fi->noflush = 1;
	return *out ? 0 : -ENOMEM;
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = NULL;
	int r = 0;

	if (notifier_is_caller(req))
		r = notifier_is_touching(req, ino) ? open_touched(fs, fi, &handle) : -ESTALE;
	else if (is_writing(fi->flags) || fi->flags & O_TRUNC)
		r = check_spender(req);
	if (r == 0 && !handle)
		r = open_any(fs, ino, fi, fuse_req_ctx(req)->pid, &handle);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)handle;
	if (fuse_reply_open(req, fi) == -ENOENT)
		handle_put(fs, handle);
}

/* Whoever copies a result has it open already. */
static bool has_result_open(struct fs *fs, pid_t caller)
{
	pid_t process = caller_of(caller).process;
	bool found = false;

	pthread_mutex_lock(&fs->handles.lock);
	for (const struct handle *h = fs->handles.first; process && h && !found; h = h->next)
		found = h->kind == HANDLE_RESULT && h->opener == process;
	pthread_mutex_unlock(&fs->handles.lock);
	return found;
}

int check_new_name(struct fs *fs, uint64_t dir, const char *name, pid_t caller)
{
	struct error err = {0};
	int r = intake_check_name(fs, dir, name, &err);

	if (r < 0 && has_result_open(fs, caller))
		r = 0;
	if (r < 0)
		errors_add(fs, name, error_text(&err));
	error_finish(&err);
	return r;
}

/* The notifier creates what is there already. */
static void reply_poke(fuse_req_t req, const struct name_change *poke, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param param;
	struct handle *handle = handle_new(fs, HANDLE_POKE);
	int r = handle ? node_param(fs, inode_entry(poke->entry), NULL, &param) : -ENOMEM;

	if (r < 0) {
		if (handle)
			handle_put(fs, handle);
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)handle;
	fi->noflush = 1;
	if (fuse_reply_create(req, &param, fi) == -ENOENT)
		handle_put(fs, handle);
}

void op_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param param;
	struct handle *handle = NULL;
	struct place place;
	struct entry entry = {0};
	struct name_change poke;
	int r;

	if (notifier_is_poking(req, parent, name, &poke)) {
		reply_poke(req, &poke, fi);
		return;
	}
	r = notifier_is_caller(req) ? -ESTALE : place_of(fs, parent, &place);
	if (r == -ENOENT)
		r = refuse_place(fs, name);
	if (r == 0 && !place_is_free(&place, name))
		r = -EROFS;
	if (r == 0)
		r = check_new_name(fs, parent, name, fuse_req_ctx(req)->pid);
	if (r == 0)
		r = store_entry_create(fs->store, parent, name, ENTRY_FILE,
			(int)new_mode(req, mode), clock_now_ms(), &entry);
	if (r == 0)
		r = set_maker(req, &entry);
	/* The kernel believed that the name is free; with O_EXCL that is an error. */
	if (r == -EEXIST && !(fi->flags & O_EXCL))
		r = store_entry_lookup(fs->store, parent, name, &entry);
	if (r == 0)
		r = open_entry(fs, inode_entry(entry.id), fi, fuse_req_ctx(req)->pid, &handle);
	if (r == 0)
		r = node_param(fs, inode_entry(entry.id), &entry, &param);
	if (r < 0) {
		if (handle)
			handle_put(fs, handle);
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)handle;
	if (fuse_reply_create(req, &param, fi) == -ENOENT)
		handle_put(fs, handle);
}
