/* Open files: reading, writing, and the end of writing. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "fs.h"
#include "kiefs/buf.h"
#include "kiefs/clock.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/request.h"

#define TEXT_MAX (64u << 20)

enum handle_kind {
	HANDLE_TEXT,	/* a snapshot made at open */
	HANDLE_RESULT,	/* `fd`, read only */
	HANDLE_FILE,	/* `fd` and `draft` */
	HANDLE_WAIT,	/* `task` or `entry` */
	HANDLE_CONTROL, /* `task`; 0: the mount's own */
};

struct handle {
	enum handle_kind kind;
	atomic_int refs; /* the open file's, and a text's readers' */
	int fd;
	bool writer;
	pid_t opener; /* process (not thread) that opened it; 0 unknown */
	struct draft *draft;
	int64_t task, entry;
	struct buf text;
};

static struct handle *handle_of(struct fuse_file_info *fi)
{
	return fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
}

static struct handle *handle_new(enum handle_kind kind)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	if (!handle)
		return NULL;
	handle->kind = kind;
	handle->refs = 1;
	handle->fd = -1;
	buf_init(&handle->text, TEXT_MAX);
	return handle;
}

static void handle_free(struct fs *fs, struct handle *handle)
{
	if (handle->draft)
		draft_close(fs, handle->draft, handle->writer);
	if (handle->fd >= 0)
		close(handle->fd);
	buf_finish(&handle->text);
	free(handle);
}

static void handle_put(struct fs *fs, struct handle *handle)
{
	if (atomic_fetch_sub(&handle->refs, 1) == 1)
		handle_free(fs, handle);
}

/* FUSE names the calling thread; its process says whether opener and closer are the same. */
static pid_t process_of(pid_t thread)
{
	char path[64], line[256];
	pid_t process = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", thread);
	FILE *status = thread > 0 ? fopen(path, "re") : NULL;
	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			break;
	fclose(status);
	return process;
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
	struct handle *handle = handle_new(HANDLE_FILE);
	int r = 0;

	if (!handle)
		return -ENOMEM;
	handle->entry = entry->id;
	handle->writer = writer;
	handle->opener = writer ? process_of(caller) : 0;
	handle->fd = files_open_entry(fs->files, entry->id, flags);
	if (handle->fd < 0)
		r = handle->fd;
	if (r == 0) {
		handle->draft = draft_open(fs, entry->id, writer);
		if (!handle->draft)
			r = -ENOMEM;
	}
	if (r == 0 && writer && (fi->flags & O_TRUNC))
		r = draft_changed(fs, handle->draft);
	if (r < 0) {
		handle_free(fs, handle);
		return r;
	}
	*out = handle;
	return 0;
}

static int open_result(
	struct fs *fs, int64_t task, int index, struct fuse_file_info *fi, struct handle **out)
{
	int fd = files_open_result(fs->files, task, index, O_RDONLY);

	if (fd < 0)
		return fd;
	*out = handle_new(HANDLE_RESULT);
	if (!*out) {
		close(fd);
		return -ENOMEM;
	}
	(*out)->fd = fd;
	fi->keep_cache = 1;
	fi->noflush = 1;
	return 0;
}

static int open_text(struct fs *fs, uint64_t inode, struct fuse_file_info *fi, struct handle **out)
{
	struct handle *handle = handle_new(HANDLE_TEXT);

	if (!handle)
		return -ENOMEM;
	int r = text_make(fs, inode, &handle->text);
	if (r < 0) {
		handle_free(fs, handle);
		return r;
	}
	fi->direct_io = 1;
	fi->noflush = 1;
	*out = handle;
	return 0;
}

static int open_special(enum handle_kind kind, int64_t task, int64_t entry,
	struct fuse_file_info *fi, struct handle **out)
{
	*out = handle_new(kind);
	if (!*out)
		return -ENOMEM;
	(*out)->task = task;
	(*out)->entry = entry;
	fi->direct_io = 1;
	fi->nonseekable = 1;
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
		return open_file(fs, &entry, fi, caller, out);
	case ENTRY_RESULT:
		return is_writing(fi->flags) ? -EROFS
					     : open_result(fs, entry.task, entry.index, fi, out);
	case ENTRY_STATUS:
	case ENTRY_ERROR:
		return is_writing(fi->flags) ? -EROFS : open_text(fs, inode, fi, out);
	case ENTRY_DIR:
		break;
	}
	return -EISDIR;
}

static int open_task(struct fs *fs, uint64_t inode, struct fuse_file_info *fi, struct handle **out)
{
	int slot = inode_task_slot(inode);
	int64_t task = inode_task_id(inode);

	if (slot == SLOT_CONTROL)
		return open_special(HANDLE_CONTROL, task, 0, fi, out);
	if (is_writing(fi->flags))
		return -EROFS;
	if (slot == SLOT_WAIT)
		return open_special(HANDLE_WAIT, task, 0, fi, out);
	if (slot > SLOT_RESULT)
		return open_result(fs, task, slot - SLOT_RESULT, fi, out);
	return open_text(fs, inode, fi, out);
}

static int open_any(
	struct fs *fs, uint64_t inode, struct fuse_file_info *fi, pid_t caller, struct handle **out)
{
	const struct tree_node *node;

	switch (inode_kind(inode)) {
	case INODE_ENTRY:
		return open_entry(fs, inode, fi, caller, out);
	case INODE_TASK:
		return open_task(fs, inode, fi, out);
	case INODE_WAIT:
		if (is_writing(fi->flags))
			return -EROFS;
		return open_special(HANDLE_WAIT, 0, inode_entry_id(inode), fi, out);
	case INODE_STATIC:
		node = tree_find(fs->tree, inode);
		if (!node)
			return -ENOENT;
		if (node->kind == TREE_CONTROL)
			return open_special(HANDLE_CONTROL, 0, 0, fi, out);
		return is_writing(fi->flags) ? -EROFS : open_text(fs, inode, fi, out);
	case INODE_LINK:
	case INODE_HOME:
		break;
	}
	return -ELOOP;
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = NULL;
	int r = open_any(fs, ino, fi, fuse_req_ctx(req)->pid, &handle);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)handle;
	if (fuse_reply_open(req, fi) == -ENOENT)
		handle_free(fs, handle);
}

void op_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param param;
	struct handle *handle = NULL;
	struct place place;
	struct entry entry = {0};
	int r = place_of(fs, parent, &place);

	if (r == -ENOENT)
		r = -EPERM; /* only models' directories take files */
	if (r == 0 && !entry_name_is_free(name) && strcmp(name, "defaults.json") != 0)
		r = -EROFS;
	if (r == 0)
		r = store_entry_create(fs->store, parent, name, ENTRY_FILE, (int)(mode & 0777),
			clock_now_ms(), &entry);
	/* The kernel believed that the name is free; with O_EXCL that is an error. */
	if (r == -EEXIST && !(fi->flags & O_EXCL))
		r = store_entry_lookup(fs->store, parent, name, &entry);
	if (r == 0)
		r = open_entry(fs, inode_entry(entry.id), fi, fuse_req_ctx(req)->pid, &handle);
	if (r == 0)
		r = node_param(fs, inode_entry(entry.id), &entry, &param);
	if (r < 0) {
		if (handle)
			handle_free(fs, handle);
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)handle;
	if (fuse_reply_create(req, &param, fi) == -ENOENT)
		handle_free(fs, handle);
}

/* The reader may have its answer and close the file before the call that answers has returned. */
static void read_text(fuse_req_t req, struct handle *handle, size_t size, size_t offset)
{
	struct fs *fs = fs_of(req);
	size_t left = offset < handle->text.len ? handle->text.len - offset : 0;

	atomic_fetch_add(&handle->refs, 1);
	fuse_reply_buf(req, left ? handle->text.data + offset : NULL, size < left ? size : left);
	handle_put(fs, handle);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(size);

	switch (handle->kind) {
	case HANDLE_TEXT:
		read_text(req, handle, size, (size_t)offset);
		return;
	case HANDLE_RESULT:
	case HANDLE_FILE:
		out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
		out.buf[0].fd = handle->fd;
		out.buf[0].pos = offset;
		fuse_reply_data(req, &out, FUSE_BUF_SPLICE_MOVE);
		return;
	case HANDLE_WAIT:
		if (offset > 0)
			fuse_reply_buf(req, NULL, 0);
		else
			wait_read(fs_of(req), req, handle->task, handle->entry);
		return;
	case HANDLE_CONTROL:
		fuse_reply_buf(req, NULL, 0);
		return;
	}
}

static ssize_t write_control(struct fs *fs, struct handle *handle, struct fuse_bufvec *in)
{
	char word[256];
	size_t size = fuse_buf_size(in);
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(size);

	if (size >= sizeof(word))
		return -EINVAL;
	out.buf[0].mem = word;
	ssize_t n = fuse_buf_copy(&out, in, 0);
	if (n < 0)
		return n;
	int r = control_write(fs, handle->task, word, (size_t)n);
	return r < 0 ? r : n;
}

static ssize_t write_file(
	struct fs *fs, struct handle *handle, struct fuse_bufvec *in, off_t offset)
{
	size_t size = fuse_buf_size(in);
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(size);
	struct entry entry;
	int r = store_entry_get(fs->store, handle->entry, &entry);
	bool named = r == 0; /* a removed file is still written to by who has it open */

	if (r < 0 && r != -ENOENT)
		return r;
	if (named && request_form(entry.name) != REQUEST_NONE &&
		(uint64_t)offset + size > REQUEST_MAX_BYTES) {
		errors_add(fs, entry.name, "A request may have 16 MiB at most.");
		return -EFBIG;
	}
	r = draft_changed(fs, handle->draft);
	if (r < 0)
		return r;
	out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	out.buf[0].fd = handle->fd;
	out.buf[0].pos = offset;
	ssize_t n = fuse_buf_copy(&out, in, 0);
	/* Again: a check may have read the file between the mark and the bytes. */
	r = draft_changed(fs, handle->draft);
	if (r == 0 && n > 0 && named)
		r = draft_check_write(fs, &entry);
	return r < 0 ? r : n;
}

void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in, off_t offset,
	struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);
	ssize_t n = -EBADF;

	if (handle->kind == HANDLE_CONTROL)
		n = write_control(fs_of(req), handle, in);
	else if (handle->kind == HANDLE_FILE)
		n = write_file(fs_of(req), handle, in, offset);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

/*
 * A close() by the process that opened the file is the one whose error somebody reads. Others are
 * children that inherited the descriptor: half of the data may be there, and an error would be a
 * false one.
 */
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_of(fi);
	int r = 0;

	if (handle->kind == HANDLE_FILE && handle->writer && draft_is_dirty(fs, handle->draft)) {
		pid_t process = process_of(fuse_req_ctx(req)->pid);
		if (process != 0 && process == handle->opener)
			r = draft_stage(fs, handle->draft);
	}
	fuse_reply_err(req, -r);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	handle_put(fs_of(req), handle_of(fi));
	fuse_reply_err(req, 0);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_of(fi);
	int r = 0;

	if (handle->kind == HANDLE_FILE) {
		if ((datasync ? fdatasync(handle->fd) : fsync(handle->fd)) < 0)
			r = -errno;
		/* What is wrong with the request is for close() to say, not for fsync(). */
		if (r == 0 && handle->writer)
			draft_stage(fs, handle->draft);
		if (r == 0)
			r = store_sync(fs->store);
	}
	fuse_reply_err(req, -r);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
	struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_of(fi);
	int r = -EBADF;

	if (handle->kind == HANDLE_FILE && handle->writer) {
		r = fallocate(handle->fd, mode, offset, length) < 0 ? -errno : 0;
		if (r == 0)
			r = draft_changed(fs, handle->draft);
	}
	fuse_reply_err(req, -r);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	if (handle->fd < 0) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	off_t at = lseek(handle->fd, offset, whence);
	if (at < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_lseek(req, at);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t in_offset,
	struct fuse_file_info *in_fi, fuse_ino_t out, off_t out_offset,
	struct fuse_file_info *out_fi, size_t len, int flags)
{
	struct fs *fs = fs_of(req);
	struct handle *from = handle_of(in_fi), *to = handle_of(out_fi);

	if (from->fd < 0 || to->kind != HANDLE_FILE || !to->writer) {
		fuse_reply_err(req, EOPNOTSUPP);
		return;
	}
	int r = draft_changed(fs, to->draft);
	ssize_t n = r < 0 ? r : copy_file_range(from->fd, &in_offset, to->fd, &out_offset, len, 0);
	if (n < 0)
		fuse_reply_err(req, r < 0 ? -r : errno);
	else
		fuse_reply_write(req, (size_t)n);
}

/* ---- attributes of open and closed files ---- */

static int set_size(struct fs *fs, const struct entry *entry, struct handle *handle, off_t size)
{
	if (request_form(entry->name) != REQUEST_NONE && size > (off_t)REQUEST_MAX_BYTES)
		return -EFBIG;
	if (handle && handle->kind == HANDLE_FILE) {
		if (ftruncate(handle->fd, size) < 0)
			return -errno;
		return draft_changed(fs, handle->draft);
	}
	/* truncate(2) of a closed file: its bytes change, but nobody wrote a request. */
	int fd = files_open_entry(fs->files, entry->id, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	int r = ftruncate(fd, size) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int set_times(struct fs *fs, const struct entry *entry, const struct stat *attr, int to_set)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		times[0].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_ATIME)
		times[0] = attr->st_atim;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		times[1].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_MTIME)
		times[1] = attr->st_mtim;
	int fd = files_open_entry(fs->files, entry->id, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	int r = futimens(fd, times) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int set_entry(
	struct fs *fs, uint64_t inode, struct handle *handle, const struct stat *attr, int to_set)
{
	struct entry entry;
	int r = store_entry_get(fs->store, inode_entry_id(inode), &entry);

	if (r < 0)
		return r;
	if ((to_set & FUSE_SET_ATTR_UID && attr->st_uid != fs->uid) ||
		(to_set & FUSE_SET_ATTR_GID && attr->st_gid != fs->gid))
		return -EPERM;
	/* What the daemon makes keeps its times and mode; asking for that is no error, so that
	 * cp -p, rsync and mv inside the mount go through. */
	if (entry.kind != ENTRY_FILE && entry.kind != ENTRY_DIR)
		return to_set & FUSE_SET_ATTR_SIZE ? -EROFS : 0;
	if (to_set & FUSE_SET_ATTR_MODE)
		r = store_entry_set_mode(fs->store, entry.id, (int)(attr->st_mode & 0777));
	if (entry.kind == ENTRY_DIR)
		return r;
	if (r == 0 && to_set & FUSE_SET_ATTR_SIZE)
		r = set_size(fs, &entry, handle, attr->st_size);
	if (r == 0 && to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
				       FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW))
		r = set_times(fs, &entry, attr, to_set);
	return r;
}

/* The removed file of an open handle has no row any more, only its descriptor. */
static int set_removed(struct fs *fs, struct handle *handle, const struct stat *attr, int to_set)
{
	if (to_set & FUSE_SET_ATTR_SIZE && ftruncate(handle->fd, attr->st_size) < 0)
		return -errno;
	return 0;
}

static int stat_removed(struct fs *fs, struct handle *handle, uint64_t inode, struct stat *st)
{
	if (fstat(handle->fd, st) < 0)
		return -errno;
	st->st_ino = inode;
	st->st_uid = fs->uid;
	st->st_gid = fs->gid;
	return 0;
}

static int stat_any(
	struct fs *fs, uint64_t inode, struct handle *handle, struct stat *st, double *timeout)
{
	int r = node_stat(fs, inode, st, timeout);

	if (r == -ENOENT && handle && handle->fd >= 0) {
		*timeout = 0;
		r = stat_removed(fs, handle, inode, st);
	}
	return r;
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	double timeout = 0;
	int r = stat_any(fs_of(req), ino, handle_of(fi), &st, &timeout);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, timeout);
}

void op_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_of(fi);
	struct stat st;
	double timeout = 0;
	/* A control file may be opened with O_TRUNC: there is nothing to cut. */
	int r = 0;

	if (inode_kind(ino) == INODE_ENTRY) {
		r = set_entry(fs, ino, handle, attr, to_set);
		if (r == -ENOENT && handle && handle->kind == HANDLE_FILE)
			r = set_removed(fs, handle, attr, to_set);
	} else if (to_set & ~FUSE_SET_ATTR_SIZE) {
		r = -EPERM;
	}
	if (r == 0)
		r = stat_any(fs, ino, handle, &st, &timeout);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, timeout);
}
