/* uploads/: files of the user's, each of which gets an address. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct error;
struct fs;
struct intake;

/* Whether a file of this name is to be uploaded. Scratch is not: it begins with a dot, ends in "~",
 * has no extension, or one that programs use for what they have not finished. */
bool uploads_name_counts(const char *name);
/* What intake_check() does, for a file in uploads/. -EINVAL: a *.url that holds no address. */
int uploads_check(
	struct fs *fs, int64_t entry, const char *name, struct intake *out, struct error *err);
/* The file's bytes begin to change: what was uploaded of it is another's. 0 or -errno. */
int uploads_changed(struct fs *fs, int64_t entry);
