/* Attributes of open and closed files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "handle.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/request.h"
#include "snapshot.h"

#define SET_TIMES                                                                                  \
	(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |                     \
		FUSE_SET_ATTR_MTIME_NOW)

static int set_size(struct fs *fs, const struct entry *entry, struct handle *handle, off_t size)
{
	if (size > (off_t)REQUEST_MAX_BYTES && is_request(fs, entry))
		return -EFBIG;
	if (handle && handle->kind == HANDLE_FILE) {
		if (ftruncate(handle->fd, size) < 0)
			return -errno;
		if (size == 0)
			draft_set_broken(fs, handle->draft, 0);
		return draft_changed(fs, handle->draft);
	}
	/* truncate(2): its bytes change, but nobody wrote a request; who has it open has one to
	 * look at anew. */
	int fd = files_open_entry(fs->files, entry->id, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	int r = ftruncate(fd, size) < 0 ? -errno : 0;
	close(fd);
	return r < 0 ? r : draft_touched(fs, entry->id);
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
	struct stat now;
	int r = store_entry_get(fs->store, inode_entry_id(inode), &entry);

	if (r < 0)
		return r;
	set_owner(fs, &entry, &now);
	if ((to_set & FUSE_SET_ATTR_UID && attr->st_uid != now.st_uid) ||
		(to_set & FUSE_SET_ATTR_GID && attr->st_gid != now.st_gid))
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
	if (r == 0 && to_set & SET_TIMES)
		r = set_times(fs, &entry, attr, to_set);
	return r;
}

/* A removed file that is still open has no row any more. fstat() and fchmod() come without a
 * handle, so it is found by its inode. */
static int open_removed(struct fs *fs, uint64_t inode)
{
	return inode_kind(inode) == INODE_ENTRY ? draft_gone_fd(fs, inode_entry_id(inode))
						: -ENOENT;
}

static int set_removed(struct fs *fs, uint64_t inode, const struct stat *attr, int to_set)
{
	int fd = open_removed(fs, inode);
	int r = fd < 0 ? fd : 0;

	if (r == 0 && to_set & FUSE_SET_ATTR_SIZE && ftruncate(fd, attr->st_size) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

static int stat_removed(struct fs *fs, uint64_t inode, struct stat *st)
{
	int fd = open_removed(fs, inode);

	if (fd < 0)
		return fd;
	int r = fstat(fd, st) < 0 ? -errno : 0;
	close(fd);
	st->st_ino = inode;
	st->st_nlink = 0;
	st->st_mode &= ~fs->users->umask;
	st->st_uid = fs->users->uid;
	st->st_gid = fs->users->gid;
	return r;
}

static int stat_any(struct fs *fs, uint64_t inode, struct stat *st, double *timeout)
{
	int r = node_stat(fs, inode, st, timeout);

	if (r == -ENOENT) {
		*timeout = 0;
		r = stat_removed(fs, inode, st);
	}
	return r;
}

/* Whoever asks next hears the truth again. */
void attr_for_touch(struct stat *st, double *timeout)
{
	st->st_mode |= 0222;
	*timeout = 0;
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	double timeout = 0;
	int r = stat_any(fs_of(req), ino, &st, &timeout);

	if ((r == 0 || r == -ENOENT) &&
		snapshot_stat(fs_of(req), ino, fuse_req_ctx(req)->pid, r == 0, &st)) {
		timeout = 0;
		r = 0;
	}
	if (r == 0 && notifier_is_touching(req, ino))
		attr_for_touch(&st, &timeout);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, timeout);
}

/* What has its owner and rights by itself may be given the same again. A control file may be opened
 * with O_TRUNC: there is nothing to cut. */
static int keep_fixed(struct fs *fs, uint64_t inode, const struct stat *attr, int to_set)
{
	struct stat now;
	double timeout;
	int r = node_stat(fs, inode, &now, &timeout);

	if (r < 0)
		return r;
	if ((to_set & FUSE_SET_ATTR_UID && attr->st_uid != now.st_uid) ||
		(to_set & FUSE_SET_ATTR_GID && attr->st_gid != now.st_gid) ||
		(to_set & FUSE_SET_ATTR_MODE && (attr->st_mode & 07777) != (now.st_mode & 07777)) ||
		to_set & SET_TIMES)
		return -EPERM;
	return 0;
}

void op_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle = handle_of(fi);
	struct stat st;
	double timeout = 0;
	int r;

	if (handle && handle->kind == HANDLE_POKE) {
		r = 0; /* the notifier's: the size stays what it is */
	} else if (inode_kind(ino) == INODE_ENTRY) {
		r = set_entry(fs, ino, handle, attr, to_set);
		if (r == -ENOENT)
			r = set_removed(fs, ino, attr, to_set);
	} else {
		r = keep_fixed(fs, ino, attr, to_set);
	}
	if (r == 0)
		r = stat_any(fs, ino, &st, &timeout);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, timeout);
}
