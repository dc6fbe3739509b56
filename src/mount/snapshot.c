#include "snapshot.h"

#include "caller.h"
#include "kiefs/clock.h"

#define HELD_MS 1000

void snapshot_begin(struct fs *fs, struct handle *handle)
{
	pthread_mutex_lock(&fs->handles.lock);
	handle->moves = true;
	handle->read_ms = clock_now_ms();
	pthread_mutex_unlock(&fs->handles.lock);
}

/* What was read of it stays as it was. */
static bool grows(const struct handle *handle)
{
	return handle->kind == HANDLE_GROWING || handle->kind == HANDLE_RESULT;
}

void snapshot_read(struct fs *fs, struct handle *handle, off_t end)
{
	pthread_mutex_lock(&fs->handles.lock);
	bool follows = grows(handle) && (handle->shown.st_ino == 0 || end > handle->shown.st_size);
	handle->read_ms = follows ? 0 : clock_now_ms();
	pthread_mutex_unlock(&fs->handles.lock);
}

/* The clock may be set back. */
static bool is_held(const struct handle *handle)
{
	int64_t since = clock_now_ms() - handle->read_ms;

	return since >= 0 && since < HELD_MS;
}

bool snapshot_is_over(const struct handle *handle, off_t offset)
{
	bool ends = (size_t)offset >= handle->text.len;

	if (handle->kind == HANDLE_GROWING)
		return offset == 0 || ends;
	if (handle->kind == HANDLE_STATUS)
		return offset == 0 && !(handle->unread && is_held(handle));
	return handle->moves && (offset == 0 || ends) && !is_held(handle);
}

/* The newest handle on it, of this process if that is not 0. */
static struct handle *find(struct fs *fs, uint64_t inode, pid_t process)
{
	struct handle *handle = fs->handles.first;

	while (handle && (handle->inode != inode || (process && handle->opener != process)))
		handle = handle->next;
	return handle;
}

static bool show(struct handle *handle, struct stat *st)
{
	if (!is_held(handle)) {
		handle->shown.st_ino = 0;
		return false;
	}
	if (handle->shown.st_ino == 0) {
		handle->shown = *st;
		if (!grows(handle))
			handle->shown.st_size = (off_t)handle->text.len;
	}
	*st = handle->shown;
	return true;
}

/* The name has gone, and with it all that was known but for this. */
static bool show_gone(struct fs *fs, const struct handle *handle, struct stat *st)
{
	struct stat file;
	off_t size = (off_t)handle->text.len;

	if (handle->fd >= 0 && fstat(handle->fd, &file) == 0)
		size = file.st_size;
	if (handle->shown.st_ino)
		*st = handle->shown;
	else
		node_fill(fs, handle->inode, S_IFREG | 0444, size, clock_now_ms(), st);
	st->st_nlink = 0;
	return true;
}

bool snapshot_stat(struct fs *fs, uint64_t inode, pid_t caller, bool known, struct stat *st)
{
	pthread_mutex_lock(&fs->handles.lock);
	struct handle *handle = find(fs, inode, 0);
	bool changed = handle && !known && show_gone(fs, handle, st);
	bool look = handle && known;
	pthread_mutex_unlock(&fs->handles.lock);
	if (!look)
		return changed;
	pid_t process = caller_of(caller).process;
	pthread_mutex_lock(&fs->handles.lock);
	handle = process ? find(fs, inode, process) : NULL;
	changed = handle && handle->moves && show(handle, st);
	pthread_mutex_unlock(&fs->handles.lock);
	return changed;
}
