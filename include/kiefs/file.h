/* Small files of the program's own, whole. Pure but for the file. */
#pragma once

#include <stddef.h>

struct buf;

/* Written aside, synced, renamed: after a crash it is the old one or the new one. 0600. -errno. */
int file_write(const char *path, const char *bytes, size_t len);
/* Appends to `out`; -ENOENT and other -errno, the buffer's error when it is too large. */
int file_read(const char *path, struct buf *out);
