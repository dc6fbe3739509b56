/* Reading, writing, and the end of writing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "handle.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/request.h"
#include "snapshot.h"

static int make_text(struct fs *fs, struct handle *handle, struct buf *out)
{
	return handle->kind == HANDLE_STATUS ? poll_read_status(fs, handle, out)
					     : text_make(fs, handle->inode, out);
}

static void read_text(fuse_req_t req, struct handle *handle, size_t size, off_t offset)
{
	struct fs *fs = fs_of(req);
	struct buf fresh;
	char *piece = NULL;
	int r = 0;

	buf_init(&fresh, handle->text.max);
	pthread_mutex_lock(&fs->handles.lock);
	bool again = snapshot_is_over(handle, offset);
	handle->unread = false;
	pthread_mutex_unlock(&fs->handles.lock);
	if (again)
		r = make_text(fs, handle, &fresh);
	/* The name has gone: what was read before is all there is. */
	if (r == -ENOENT && handle->kind == HANDLE_TEXT) {
		again = false;
		r = 0;
	}
	pthread_mutex_lock(&fs->handles.lock);
	if (again && r == 0) {
		struct buf old = handle->text;
		handle->text = fresh;
		fresh = old;
		if (handle->kind != HANDLE_GROWING)
			handle->shown.st_ino = 0;
	}
	size_t len = handle->text.len;
	size_t left = (size_t)offset < len ? len - (size_t)offset : 0;
	if (size > left)
		size = left;
	piece = r == 0 ? malloc(size + 1) : NULL;
	if (piece && size)
		memcpy(piece, handle->text.data + offset, size);
	pthread_mutex_unlock(&fs->handles.lock);
	if (size)
		snapshot_read(fs, handle, offset + (off_t)size);
	if (r == 0 && !piece)
		r = -ENOMEM;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_buf(req, piece, size);
	free(piece);
	buf_finish(&fresh);
}

static void read_file(fuse_req_t req, struct handle *handle, size_t size, off_t offset)
{
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(size);

	if (handle->moves)
		snapshot_read(fs_of(req), handle, offset + (off_t)size);
	out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	out.buf[0].fd = handle->fd;
	out.buf[0].pos = offset;
	fuse_reply_data(req, &out, FUSE_BUF_SPLICE_MOVE);
}

static void read_handle(fuse_req_t req, struct handle *handle, size_t size, off_t offset)
{
	switch (handle->kind) {
	case HANDLE_RESULT:
	case HANDLE_FILE:
		read_file(req, handle, size, offset);
		return;
	case HANDLE_TEXT:
	case HANDLE_GROWING:
	case HANDLE_STATUS:
		read_text(req, handle, size, offset);
		return;
	case HANDLE_WAIT:
		if (offset > 0)
			fuse_reply_buf(req, NULL, 0);
		else
			wait_read(fs_of(req), req, handle->task, handle->entry);
		return;
	case HANDLE_CONTROL:
	case HANDLE_POKE:
		fuse_reply_buf(req, NULL, 0);
		return;
	}
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_use(fi);

	read_handle(req, handle, size, offset);
	handle_put(fs, handle);
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

static ssize_t broken(struct fs *fs, struct handle *handle, ssize_t error)
{
	draft_changed(fs, handle->draft);
	draft_set_broken(fs, handle->draft, (int)-error);
	return error;
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
	if (named && (uint64_t)offset + size > REQUEST_MAX_BYTES && is_request(fs, &entry))
		return broken(fs, handle, -EFBIG);
	r = draft_changed(fs, handle->draft);
	if (r < 0)
		return broken(fs, handle, r);
	out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	out.buf[0].fd = handle->fd;
	out.buf[0].pos = offset;
	ssize_t n = fuse_buf_copy(&out, in, 0);
	/* Again: a check may have read the file between the mark and the bytes. */
	r = draft_changed(fs, handle->draft);
	if (n < (ssize_t)size || r < 0)
		return broken(fs, handle, n < 0 ? n : r < 0 ? r : -ENOSPC);
	if (named)
		r = draft_check_write(fs, &entry);
	return r < 0 ? r : n;
}

void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in, off_t offset,
	struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_use(fi);
	ssize_t n = -EBADF;

	if (handle->kind == HANDLE_CONTROL)
		n = write_control(fs, handle, in);
	else if (handle->kind == HANDLE_FILE)
		n = write_file(fs, handle, in, offset);
	if (n < 0 && handle->kind == HANDLE_FILE)
		refusal_keep(fs, handle->entry, handle->opener);
	handle_put(fs, handle);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

/*
 * A close() by the process that opened the file is the one whose error somebody reads. Others are
 * children that inherited the descriptor: half of the data may be there, and an error would be a
 * false one. A writer that is killed closes its files too: what it leaves is half a request, and
 * nobody wants to pay for that.
 */
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_use(fi);
	int r = 0;

	if (handle->kind == HANDLE_FILE && handle->writer && !draft_is_clean(fs, handle->draft)) {
		struct caller caller = caller_of(fuse_req_ctx(req)->pid);
		if (caller.process == 0 || caller.process != handle->opener)
			r = 0;
		else if (caller.killed_by)
			draft_abandon(fs, handle->draft, caller.killed_by);
		else
			r = draft_stage(fs, handle->draft);
		if (r < 0)
			refusal_keep(fs, handle->entry, handle->opener);
		/* What was fsynced and is now accepted survives the loss of power as well. */
		if (r == 0 && handle->synced)
			r = store_sync(fs->store);
	}
	handle_put(fs, handle);
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
	struct handle *handle = handle_use(fi);
	int r = 0;

	if (handle->kind == HANDLE_FILE) {
		if ((datasync ? fdatasync(handle->fd) : fsync(handle->fd)) < 0)
			r = -errno;
		/* Half a request may have been fsynced: only a close() says that it is whole. */
		handle->synced = true;
		if (r == 0)
			r = store_sync(fs->store);
	}
	handle_put(fs, handle);
	fuse_reply_err(req, -r);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
	struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_use(fi);
	int r = -EBADF;

	if (handle->kind == HANDLE_FILE && handle->writer) {
		r = fallocate(handle->fd, mode, offset, length) < 0 ? -errno : 0;
		if (r == 0)
			r = draft_changed(fs, handle->draft);
		else if (r != -EOPNOTSUPP)
			r = (int)broken(fs, handle, r);
	}
	handle_put(fs, handle);
	fuse_reply_err(req, -r);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_use(fi);
	off_t at = handle->fd < 0 ? -1 : lseek(handle->fd, offset, whence);
	int error = handle->fd < 0 ? ENOSYS : errno;

	handle_put(fs, handle);
	if (at < 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_lseek(req, at);
}

static ssize_t copy_range(struct fs *fs, struct handle *from, off_t in_offset, struct handle *to,
	off_t out_offset, size_t len)
{
	if (from->fd < 0 || to->kind != HANDLE_FILE || !to->writer)
		return -EOPNOTSUPP;
	int r = draft_changed(fs, to->draft);
	if (r < 0)
		return r;
	ssize_t n = copy_file_range(from->fd, &in_offset, to->fd, &out_offset, len, 0);
	if (n < 0)
		return errno == EOPNOTSUPP || errno == EXDEV ? -errno : broken(fs, to, -errno);
	r = draft_changed(fs, to->draft);
	return r < 0 ? r : n;
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t in_offset,
	struct fuse_file_info *in_fi, fuse_ino_t out, off_t out_offset,
	struct fuse_file_info *out_fi, size_t len, int flags)
{
	struct fs *fs = fs_of(req);
	struct handle *from = handle_use(in_fi), *to = handle_use(out_fi);
	ssize_t n = copy_range(fs, from, in_offset, to, out_offset, len);

	handle_put(fs, from);
	handle_put(fs, to);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}
