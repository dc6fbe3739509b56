/*
 * Bytes on disk below the data directory: users' files and results. Names are numbers only;
 * nothing from the network or a user becomes a path. Directories 0700, files 0600.
 *
 *   files/<n/1000>/<entry>          a user's file in a model's directory
 *   results/<n/1000>/<task>-<index> a whole result
 *   results/<n/1000>/<task>-<index>.part  a result on its way
 *
 * Any thread; no state but a directory descriptor.
 */
#pragma once

#include <stdint.h>

struct error;
struct stat;

struct files {
	int dir; /* descriptor of the data directory, -1 when closed */
};

/* Makes the directory (and its parents) when missing; checks owner and writability.
 * -errno with `err` naming the path. */
int files_open(const char *path, struct files *out, struct error *err);
void files_close(struct files *files);
/* The highest numbers that anything here has, whichever index gave them; 0: nothing has. */
int files_last(const struct files *files, int64_t *entry, int64_t *task);

/* Descriptor or -errno. `flags` as for open(2); O_CREAT makes parent folders. */
int files_open_entry(const struct files *files, int64_t entry, int flags);
/* fstatat(2); -ENOENT when nothing was ever written to it. */
int files_stat_entry(const struct files *files, int64_t entry, struct stat *out);
int files_remove_entry(const struct files *files, int64_t entry);

int files_open_result(const struct files *files, int64_t task, int index, int flags);
/* fstatat(2). */
int files_stat_result(const struct files *files, int64_t task, int index, struct stat *out);
int files_open_part(const struct files *files, int64_t task, int index, int flags);
/* Makes a whole part the result: fsync, rename, fsync of the folder. 0 or -errno. */
int files_commit_part(const struct files *files, int64_t task, int index, int fd);
int files_remove_result(const struct files *files, int64_t task, int index);
