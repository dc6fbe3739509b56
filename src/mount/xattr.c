/*
 * Extended attributes. `user.kiefs.*` and `user.mime_type` tell about tasks and results; a file
 * of the user's keeps any other `user.*` on its own file. Security and ACL names have none, which
 * programs take for an answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs.h"
#include "kiefs/buf.h"
#include "kiefs/clock.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/store_upload.h"

#define XATTR_MAX 65536

static const char *const own_names[] = {
	"user.kiefs.task",
	"user.kiefs.state",
	"user.kiefs.model",
	"user.kiefs.credits",
	"user.mime_type",
	"user.kiefs.expires",
};
#define OWN_EXPIRES 5
#define OWN_COUNT (sizeof(own_names) / sizeof(own_names[0]))

struct subject {
	int64_t task;
	int index;	/* of a result; 0: none */
	int64_t file;	/* entry of a user's file; 0: none */
	bool folder;	/* of the user's, which keeps none */
	int64_t upload; /* entry of a file in uploads/, or of the one whose address it is; 0: none
			 */
};

static struct subject subject_of(struct fs *fs, uint64_t inode)
{
	struct subject subject = {0};
	struct entry entry;

	if (inode_kind(inode) == INODE_TASK) {
		subject.task = inode_task_id(inode);
		if (inode_task_slot(inode) > SLOT_RESULT)
			subject.index = inode_task_slot(inode) - SLOT_RESULT;
	} else if (inode_kind(inode) == INODE_ENTRY &&
		   store_entry_get(fs->store, inode_entry_id(inode), &entry) == 0) {
		subject.task = entry.task;
		subject.index = entry.kind == ENTRY_RESULT ? entry.index : 0;
		subject.file = entry.kind == ENTRY_FILE ? entry.id : 0;
		subject.folder = entry.kind == ENTRY_DIR;
		subject.upload = entry.kind == ENTRY_URL ? entry.owner : subject.file;
	}
	return subject;
}

static int expires(struct fs *fs, const struct subject *subject, char *out, size_t size)
{
	int64_t at_ms;
	int r = subject->upload ? store_upload_expires(fs->store, subject->upload, &at_ms)
				: -ENOENT;

	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	clock_format(at_ms, out, size);
	return (int)strlen(out);
}

/* One of our own values; -ENODATA when it has none. */
static int own_value(
	struct fs *fs, const struct subject *subject, size_t which, char *out, size_t size)
{
	struct task task = {0};
	struct result result = {0};

	if (which == OWN_EXPIRES)
		return expires(fs, subject, out, size);
	int r = subject->task ? store_task_get(fs->store, subject->task, &task) : -ENODATA;

	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	if (which == 0)
		snprintf(out, size, "%lld", (long long)task.id);
	else if (which == 1)
		snprintf(out, size, "%s", task_state_name(task.state));
	else if (which == 2)
		snprintf(out, size, "%s", task.model);
	else if (which == 3 && task.credits >= 0)
		snprintf(out, size, "%g", task.credits);
	else if (which == 4 && subject->index &&
		 store_result_get(fs->store, subject->task, subject->index, &result) == 0)
		snprintf(out, size, "%s", result.mime);
	else
		r = -ENODATA;
	result_finish(&result);
	task_finish(&task);
	return r < 0 ? r : (int)strlen(out);
}

static int own_index(const char *name)
{
	for (size_t i = 0; i < OWN_COUNT; i++)
		if (strcmp(own_names[i], name) == 0)
			return (int)i;
	return -1;
}

static int get_value(struct fs *fs, uint64_t inode, const char *name, char *out, size_t size)
{
	struct subject subject;
	int which = own_index(name), r = -ENODATA;

	if (strncmp(name, "user.", 5) != 0)
		return -ENODATA;
	subject = subject_of(fs, inode);
	if (which >= 0)
		r = own_value(fs, &subject, (size_t)which, out, size);
	if (r == -ENODATA && subject.file) {
		int fd = files_open_entry(fs->files, subject.file, O_RDONLY);
		if (fd < 0)
			return fd == -ENOENT ? -ENODATA : fd;
		ssize_t n = fgetxattr(fd, name, out, size);
		r = n < 0 ? -errno : (int)n;
		close(fd);
	}
	return r;
}

static void reply_bytes(fuse_req_t req, int n, const char *data, size_t size)
{
	if (n < 0)
		fuse_reply_err(req, -n);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)n);
	else if ((size_t)n > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, data, (size_t)n);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	/* Asked before every write: answered without a look at anything. */
	if (strncmp(name, "user.", 5) != 0) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	char *value = malloc(XATTR_MAX);
	int n = value ? get_value(fs_of(req), ino, name, value, XATTR_MAX) : -ENOMEM;
	reply_bytes(req, n, value, size);
	free(value);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct fs *fs = fs_of(req);
	struct subject subject = subject_of(fs, ino);
	char value[512];
	struct buf list;
	int r = 0;

	buf_init(&list, XATTR_MAX);
	for (size_t i = 0; i < OWN_COUNT; i++)
		if (own_value(fs, &subject, i, value, sizeof(value)) >= 0)
			buf_add(&list, own_names[i], strlen(own_names[i]) + 1);
	if (subject.file) {
		int fd = files_open_entry(fs->files, subject.file, O_RDONLY);
		char *names = malloc(XATTR_MAX);
		ssize_t n = fd >= 0 && names ? flistxattr(fd, names, XATTR_MAX) : 0;
		for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1)
			if (strncmp(name, "user.", 5) == 0 && own_index(name) < 0)
				buf_add(&list, name, strlen(name) + 1);
		free(names);
		if (fd >= 0)
			close(fd);
	}
	r = list.error;
	reply_bytes(req, r < 0 ? r : (int)list.len, list.data ? list.data : "", size);
	buf_finish(&list);
}

static int change(
	struct fs *fs, uint64_t inode, const char *name, const char *value, size_t size, int flags)
{
	struct subject subject;

	/* ACLs and labels are not kept; saying so lets cp -p and mv go on. */
	if (strncmp(name, "user.", 5) != 0)
		return -EOPNOTSUPP;
	if (own_index(name) >= 0)
		return -EPERM;
	subject = subject_of(fs, inode);
	if (subject.folder)
		return -EOPNOTSUPP;
	if (!subject.file)
		return -EPERM;
	int fd = files_open_entry(fs->files, subject.file, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	int r = value ? fsetxattr(fd, name, value, size, flags) : fremovexattr(fd, name);
	r = r < 0 ? -errno : 0;
	close(fd);
	return r;
}

void op_setxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	fuse_reply_err(req, -change(fs_of(req), ino, name, value, size, flags));
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	fuse_reply_err(req, -change(fs_of(req), ino, name, NULL, 0, 0));
}
