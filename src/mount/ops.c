/*
 * The table of handlers. Each request is served with one tree from beginning to end, whatever
 * becomes of the catalogue meanwhile.
 */
#include "fs.h"

#define LIVE(name, parameters, arguments)                                                          \
	static void live_##name parameters                                                         \
	{                                                                                          \
		live_enter(fs_of(req));                                                            \
		op_##name arguments;                                                               \
		live_leave();                                                                      \
	}

/* For who may write; a writer that may not spend hears of it before anything is done. */
#define SPEND(name, parameters, arguments)                                                         \
	static void live_##name parameters                                                         \
	{                                                                                          \
		live_enter(fs_of(req));                                                            \
		int r = check_spender(req);                                                        \
		if (r < 0)                                                                         \
			fuse_reply_err(req, -r);                                                   \
		else                                                                               \
			op_##name arguments;                                                       \
		live_leave();                                                                      \
	}

LIVE(lookup, (fuse_req_t req, fuse_ino_t parent, const char *name), (req, parent, name))
LIVE(getattr, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
SPEND(setattr,
	(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi),
	(req, ino, attr, to_set, fi))
LIVE(readlink, (fuse_req_t req, fuse_ino_t ino), (req, ino))
SPEND(mknod, (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev),
	(req, parent, name, mode, dev))
SPEND(mkdir, (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode),
	(req, parent, name, mode))
SPEND(unlink, (fuse_req_t req, fuse_ino_t parent, const char *name), (req, parent, name))
SPEND(rmdir, (fuse_req_t req, fuse_ino_t parent, const char *name), (req, parent, name))
LIVE(symlink, (fuse_req_t req, const char *target, fuse_ino_t parent, const char *name),
	(req, target, parent, name))
SPEND(rename,
	(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		const char *new_name, unsigned int flags),
	(req, parent, name, new_parent, new_name, flags))
LIVE(link, (fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name),
	(req, ino, parent, name))
LIVE(open, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
LIVE(read, (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi),
	(req, ino, size, offset, fi))
LIVE(flush, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
LIVE(release, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
LIVE(fsync, (fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi),
	(req, ino, datasync, fi))
LIVE(opendir, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
LIVE(readdir,
	(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi),
	(req, ino, size, offset, fi))
LIVE(fsyncdir, (fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi),
	(req, ino, datasync, fi))
LIVE(poll,
	(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *poller),
	(req, ino, fi, poller))
LIVE(statfs, (fuse_req_t req, fuse_ino_t ino), (req, ino))
SPEND(setxattr,
	(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
		int flags),
	(req, ino, name, value, size, flags))
LIVE(getxattr, (fuse_req_t req, fuse_ino_t ino, const char *name, size_t size),
	(req, ino, name, size))
LIVE(listxattr, (fuse_req_t req, fuse_ino_t ino, size_t size), (req, ino, size))
SPEND(removexattr, (fuse_req_t req, fuse_ino_t ino, const char *name), (req, ino, name))
SPEND(create,
	(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		struct fuse_file_info *fi),
	(req, parent, name, mode, fi))
LIVE(write_buf,
	(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in, off_t offset,
		struct fuse_file_info *fi),
	(req, ino, in, offset, fi))
LIVE(fallocate,
	(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		struct fuse_file_info *fi),
	(req, ino, mode, offset, length, fi))
LIVE(readdirplus,
	(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi),
	(req, ino, size, offset, fi))
LIVE(copy_file_range,
	(fuse_req_t req, fuse_ino_t in, off_t in_offset, struct fuse_file_info *in_fi,
		fuse_ino_t out, off_t out_offset, struct fuse_file_info *out_fi, size_t len,
		int flags),
	(req, in, in_offset, in_fi, out, out_offset, out_fi, len, flags))
LIVE(lseek, (fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi),
	(req, ino, offset, whence, fi))

const struct fuse_lowlevel_ops fs_ops = {
	.init = op_init,
	.lookup = live_lookup,
	.getattr = live_getattr,
	.setattr = live_setattr,
	.readlink = live_readlink,
	.mknod = live_mknod,
	.mkdir = live_mkdir,
	.unlink = live_unlink,
	.rmdir = live_rmdir,
	.symlink = live_symlink,
	.rename = live_rename,
	.link = live_link,
	.open = live_open,
	.read = live_read,
	.flush = live_flush,
	.release = live_release,
	.fsync = live_fsync,
	.opendir = live_opendir,
	.readdir = live_readdir,
	.fsyncdir = live_fsyncdir,
	.poll = live_poll,
	.statfs = live_statfs,
	.setxattr = live_setxattr,
	.getxattr = live_getxattr,
	.listxattr = live_listxattr,
	.removexattr = live_removexattr,
	.create = live_create,
	.write_buf = live_write_buf,
	.fallocate = live_fallocate,
	.readdirplus = live_readdirplus,
	.copy_file_range = live_copy_file_range,
	.lseek = live_lseek,
};
