#include "kiefs/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kiefs/error.h"

/* Of names that are no numbers of ours. */
#define DIGITS_MAX 12

static int make_parents(const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
			int r = -errno;
			free(copy);
			return r;
		}
		*p = '/';
	}
	int r = mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
	free(copy);
	return r;
}

int files_open(const char *path, struct files *out, struct error *err)
{
	struct stat st;
	int r = make_parents(path);

	if (r < 0)
		return error_set(
			err, r, "The data directory %s cannot be made: %s.", path, strerror(-r));
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_set(err, -errno, "The data directory %s cannot be opened: %s.", path,
			strerror(errno));
	if (fstat(dir, &st) < 0 || st.st_uid != geteuid()) {
		close(dir);
		return error_set(err, -EPERM,
			"The data directory %s belongs to another user. Give store= a directory of "
			"your own.",
			path);
	}
	for (const char *const *name = (const char *const[]){"files", "results", NULL}; *name;
		name++) {
		if (mkdirat(dir, *name, 0700) < 0 && errno != EEXIST) {
			r = error_set(err, -errno, "The data directory %s is not writable: %s.",
				path, strerror(errno));
			close(dir);
			return r;
		}
	}
	out->dir = dir;
	return 0;
}

void files_close(struct files *files)
{
	if (files->dir >= 0)
		close(files->dir);
	files->dir = -1;
}

/* -1: the name does not begin with a number. */
static int64_t number_of(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits > 0 && digits <= DIGITS_MAX ? strtoll(name, NULL, 10) : -1;
}

/* The highest number that a name in the folder begins with; -1: there is none. */
static int highest(int dir, const char *path, int64_t *out)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = folder ? 0 : -errno;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	*out = -1;
	while (errno = 0, (entry = readdir(folder)) != NULL) {
		int64_t number = number_of(entry->d_name);
		if (number > *out)
			*out = number;
	}
	r = -errno;
	closedir(folder);
	return r;
}

/* Only the last folder is looked at: that it is there says enough of the numbers before. */
static int last_in(int dir, const char *tree, int64_t *out)
{
	char path[48];
	int64_t folder, file;
	int r = highest(dir, tree, &folder);

	*out = 0;
	if (r < 0 || folder < 0)
		return r;
	snprintf(path, sizeof(path), "%s/%lld", tree, (long long)folder);
	r = highest(dir, path, &file);
	*out = file > folder * 1000 ? file : folder * 1000;
	return r;
}

int files_last(const struct files *files, int64_t *entry, int64_t *task)
{
	int r = last_in(files->dir, "files", entry);

	return r < 0 ? r : last_in(files->dir, "results", task);
}

struct path {
	char folder[48];
	char file[96];
};

static struct path path_of(const char *tree, int64_t number, int index, const char *suffix)
{
	struct path path;

	snprintf(path.folder, sizeof(path.folder), "%s/%lld", tree, (long long)(number / 1000));
	if (index)
		snprintf(path.file, sizeof(path.file), "%s/%lld-%d%s", path.folder,
			(long long)number, index, suffix);
	else
		snprintf(path.file, sizeof(path.file), "%s/%lld", path.folder, (long long)number);
	return path;
}

static int open_path(const struct files *files, const struct path *path, int flags)
{
	int fd = openat(files->dir, path->file, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == ENOENT && (flags & O_CREAT)) {
		if (mkdirat(files->dir, path->folder, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(files->dir, path->file, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	return fd < 0 ? -errno : fd;
}

static int remove_path(const struct files *files, const struct path *path)
{
	return unlinkat(files->dir, path->file, 0) < 0 ? -errno : 0;
}

int files_open_entry(const struct files *files, int64_t entry, int flags)
{
	struct path path = path_of("files", entry, 0, "");

	return open_path(files, &path, flags);
}

int files_stat_entry(const struct files *files, int64_t entry, struct stat *out)
{
	struct path path = path_of("files", entry, 0, "");

	return fstatat(files->dir, path.file, out, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int files_remove_entry(const struct files *files, int64_t entry)
{
	struct path path = path_of("files", entry, 0, "");

	return remove_path(files, &path);
}

int files_open_result(const struct files *files, int64_t task, int index, int flags)
{
	struct path path = path_of("results", task, index, "");

	return open_path(files, &path, flags);
}

int files_stat_result(const struct files *files, int64_t task, int index, struct stat *out)
{
	struct path path = path_of("results", task, index, "");

	return fstatat(files->dir, path.file, out, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int files_open_part(const struct files *files, int64_t task, int index, int flags)
{
	struct path path = path_of("results", task, index, ".part");

	return open_path(files, &path, flags);
}

int files_commit_part(const struct files *files, int64_t task, int index, int fd)
{
	struct path part = path_of("results", task, index, ".part");
	struct path whole = path_of("results", task, index, "");
	int r = 0;

	if (fsync(fd) < 0)
		return -errno;
	if (renameat(files->dir, part.file, files->dir, whole.file) < 0)
		return -errno;
	int folder = openat(files->dir, whole.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	if (fsync(folder) < 0)
		r = -errno;
	close(folder);
	return r;
}

int files_remove_result(const struct files *files, int64_t task, int index)
{
	struct path path = path_of("results", task, index, "");

	return remove_path(files, &path);
}
