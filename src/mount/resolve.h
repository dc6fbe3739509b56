/* Names as a request spells them, to what they are in the tree. */
#pragma once

#include "fs.h"

enum target_kind {
	TARGET_FILE,   /* a user's file: `entry` */
	TARGET_RESULT, /* `task`, `result`; `entry` when it has a name beside its request */
	TARGET_TASK,   /* `task`: its directory */
	TARGET_FOLDER,
	TARGET_OTHER, /* a generated text */
};

struct target {
	enum target_kind kind;
	struct entry entry; /* id 0: none */
	int64_t task;
	int result;
	/* Of a name that is not there, although its folder is. */
	uint64_t dir;
	char name[ENTRY_NAME_MAX + 1];
};

/*
 * `name` as seen from the directory: a file there, a relative path, a path from the mount's root
 * ("tasks/latest/result.png"), an absolute path below the mount point, or a file in uploads/.
 * Symlinks are followed inside the mount. -ENOENT (then `out->name` is "" unless only the last part
 * is missing), -EXDEV: it leads out of the mount; -ELOOP, -ENAMETOOLONG, -ENOTDIR.
 */
int resolve(struct fs *fs, uint64_t dir, const char *name, struct target *out);

/* The request of that name without its extension, or -ENOENT. Fills `out` like resolve(). */
int resolve_stem(struct fs *fs, struct target *out);
