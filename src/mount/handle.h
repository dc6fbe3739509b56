/* An open file. */
#pragma once

#include <stdatomic.h>

#include "fs.h"
#include "kiefs/buf.h"

/* A status line, and how much of an answer there is. */
#define STATUS_SIZE 160

enum handle_kind {
	HANDLE_TEXT,	/* `text` as of the open (snapshot.h), under handles.lock */
	HANDLE_RESULT,	/* `fd`, read only */
	HANDLE_FILE,	/* `fd` and `draft` */
	HANDLE_WAIT,	/* `task` or `entry` */
	HANDLE_CONTROL, /* `task`; 0: the mount's own */
	HANDLE_POKE,	/* the notifier's: for watchers to see */
	HANDLE_GROWING, /* of `inode`, a text that grows at its end; `text` is made anew at the
			   start and at its end, under handles.lock */
	HANDLE_STATUS,	/* `task`, or `entry` of an upload's; `text` is made anew at the
			   start, under handles.lock */
};

struct handle {
	struct handle *next, *previous; /* fs.handles */
	enum handle_kind kind;
	atomic_int refs; /* the open file's, and those of calls under way */
	int fd;
	bool writer;
	bool synced;  /* fsync() was called */
	pid_t opener; /* process (not thread) that opened it; 0 unknown */
	struct draft *draft;
	int64_t task, entry;
	struct buf text;
	uint64_t inode; /* of TEXT, RESULT, GROWING and STATUS */
	bool moves;	/* it changes by itself (snapshot.h) */
	/* Under handles.lock: */
	int64_t read_ms;
	struct stat shown;		/* to its reader; st_ino 0: nothing yet */
	bool unread;			/* STATUS: `text` is of the open */
	struct fuse_pollhandle *poller; /* of who sleeps in poll(2); owned */
	char seen[STATUS_SIZE];		/* STATUS: `text` without its clock */
};

static inline struct handle *handle_of(struct fuse_file_info *fi)
{
	return fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
}

/* -EINVAL, told in .kiefs/errors, for a media file of a kind that the model takes nowhere; copies
 * of results may be made all the same. */
int check_new_name(struct fs *fs, uint64_t dir, const char *name, pid_t caller);

/* NULL: out of memory. */
struct handle *handle_new(struct fs *fs, enum handle_kind kind);
/* The handle for the time of one call: the caller may have its answer, and close the file on
 * another thread, before the call that answers has returned. */
static inline struct handle *handle_use(struct fuse_file_info *fi)
{
	struct handle *handle = (struct handle *)(uintptr_t)fi->fh;

	atomic_fetch_add(&handle->refs, 1);
	return handle;
}

/* Drops a reference; the last closes what it has, and the last writer of a draft commits. */
void handle_put(struct fs *fs, struct handle *handle);
/* Closes what is still open when the mount has gone. Commits nothing. */
void handles_finish(struct fs *fs);
