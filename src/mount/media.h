/* A file's bytes against the field that is to take it. */
#pragma once

#include "kiefs/media.h"
#include "kiefs/reference.h"

struct error;

/* 0; -ENODATA empty, -EFBIG, -EMEDIUMTYPE, each with `err`; -errno of reading. The first bytes say
 * what it is; only where they tell nothing, the name does. */
int media_check(int fd, const struct reference *reference, struct error *err);

/* The files of one field so far; a zeroed struct is the start of a request. */
struct media_total {
	const struct field *owner;
	double bytes;
};

/* Adds the file, which comes after the others of its field. 0; -EFBIG with `err`, by the file that
 * is the first too much; -errno of looking. */
int media_add(
	struct media_total *total, int fd, const struct reference *reference, struct error *err);
