/* What a checked request names, found in the tree and looked at. */
#pragma once

#include "fs.h"
#include "kiefs/digest.h"
#include "kiefs/input.h"

struct request;

/* A zeroed struct is empty; inputs_finish() frees it. */
struct inputs {
	struct input *list;
	size_t count;
	char sha[DIGEST_HEX_SIZE]; /* of all of them; "": there are none; INPUTS_UNKNOWN */
	char *lacks;		   /* what the task has to wait for, or NULL */
};
void inputs_finish(struct inputs *inputs);

/* Which request asks. */
struct asker {
	int64_t entry; /* of the request's file */
	uint64_t dir;
	const char *name;
	bool quick; /* only whether it can be taken: `sha` is not found out, nothing is noted */
};

/*
 * Finds every reference of the request. What is wrong is in `err`, one sentence each, with the code
 * of the first:
 *
 *   -ENOENT       a file or task of that name is not there; the request is then looked at again
 *                 when a file of the name arrives
 *   -EXDEV        the name leads out of the mount
 *   -EISDIR       it is a folder
 *   -EMEDIUMTYPE  the file is not of the kind that the field takes
 *   -EFBIG        it is larger than the service takes
 *   -ENODATA      it is empty
 *   -EOPNOTSUPP   the task is of a model that the field does not go on from
 *   -ECANCELED    the task has failed, was cancelled, or may never have been taken
 *   -ELOOP, -ENAMETOOLONG, -ENOTDIR
 *
 * With validate=warn, kind and size only add to the request's warnings. Without `err` text the code
 * is of something that failed on this side.
 */
int inputs_find(struct fs *fs, const struct asker *asker, struct request *request,
	struct inputs *out, struct error *err);

/* siblings.c: the names of media files beside the request that are not its own results, in the order in which
 * they are taken: `fox.png`, `fox-1.png` ... 0 or -errno; inputs_free_names() frees them. */
int inputs_siblings(
	struct fs *fs, const struct asker *asker, char ***names, size_t *count);
void inputs_free_names(char **names, size_t count);
