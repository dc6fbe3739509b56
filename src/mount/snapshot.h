/*
 * What an open file shows that changes by itself.
 *
 * Programs look at a file's size, read so much, and look again: tar warns of a file that has
 * changed meanwhile, backup programs try again. So whoever has such a file open is told, while
 * reading it, of the text that they read, and not of what it would be by now. A second after the
 * last byte was read that is over: fstat() tells the truth, and whoever then begins anew or reads
 * on at the end (tail -f) reads what has come since. Any thread.
 */
#pragma once

#include "handle.h"

/* The handle is on a file that changes by itself. */
void snapshot_begin(struct fs *fs, struct handle *handle);
/* Bytes up to `end` are read from it. Who reads an answer beyond the end that was told, follows it.
 */
void snapshot_read(struct fs *fs, struct handle *handle, off_t end);
/* Whether a read there is to make the text anew: what grows always has more, a status line is read
 * again from its start. Under handles.lock. */
bool snapshot_is_over(const struct handle *handle, off_t offset);
/*
 * What fstat() by this thread's process tells. `st` is what is true now; `known` is false when the
 * name has gone, and only whoever has the file open can be told. False: nothing was changed.
 */
bool snapshot_stat(struct fs *fs, uint64_t inode, pid_t caller, bool known, struct stat *st);
