/* From a file's bytes to a checked request, at the place where it stands. */
#pragma once

#include "fs.h"
#include "inputs.h"
#include "kiefs/digest.h"
#include "kiefs/request.h"

struct intake {
	bool nothing; /* scratch, blank, or neither in a model's directory nor in uploads/ */
	char sha[DIGEST_HEX_SIZE];
	const struct model *model; /* NULL: no request, but a file to be uploaded */
	bool dropped;		   /* no request's name: the file itself is one */
	struct request request;	   /* owned */
	struct inputs inputs;	   /* owned */
	char *source; /* the address that the file holds in place of bytes; owned, or NULL */
};
/* Accepts what intake_check() failed on. */
void intake_finish(struct intake *intake);

/* A file's content up to the buffer's maximum; -EFBIG when it is longer. */
int intake_read(struct fs *fs, int64_t entry, struct buf *out);
/* Reads and checks the entry's bytes as a request `name` in `dir`. What was refused has text in
 * `err`: -EINVAL, -EFBIG, -EDQUOT, or one of inputs_find()'s. `quick` is struct asker's. `out` is to be
 * finished in each case. */
int intake_check(struct fs *fs, int64_t entry, uint64_t dir, const char *name, bool quick,
	struct intake *out, struct error *err);
/* Whether the file would be a request of that name there, or be uploaded, once it is closed. */
bool intake_is_request(struct fs *fs, int64_t entry, uint64_t dir, const char *name);
/* -EINVAL, with `err`, for a media file of a kind that the directory's model takes nowhere. */
int intake_check_name(struct fs *fs, uint64_t dir, const char *name, struct error *err);
/* What was checked as the index takes it; borrows from `intake`. */
struct stage intake_row(int64_t entry, const struct intake *intake);
/* Hands it to the index. */
int intake_stage(struct fs *fs, int64_t entry, const struct intake *intake);
/* Leaves `<name>.error` and a line in .kiefs/errors. `entry` is whose it is; 0: nobody's. */
void intake_refuse(
	struct fs *fs, int64_t entry, uint64_t dir, const char *name, const struct error *err);
