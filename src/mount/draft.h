/* What handles on a user's file hold back. Private to draft.c and draft_check.c. */
#pragma once

#include "fs.h"

struct draft {
	struct draft *next;
	int64_t entry;
	int refs, writers;    /* drafts.lock */
	bool dirty;	      /* changed since it was last checked; drafts.lock */
	bool staged;	      /* the store holds checked bytes; drafts.lock */
	bool closed;	      /* a close() has seen what is dirty; drafts.lock */
	bool busy;	      /* changed or staged bytes are on their way to a task; drafts.lock */
	bool written;	      /* changed since it was opened, by nobody who was killed;
				 drafts.lock */
	bool gone;	      /* the name is removed or replaced; drafts.lock */
	int verdict;	      /* of the last check of bytes that are not dirty; drafts.lock */
	int broken;	      /* errno of a write that failed; 0 once the file is begun anew;
				 drafts.lock */
	int fd;		      /* the removed file, once gone; -1; drafts.lock */
	pthread_mutex_t step; /* one check, stage or commit at a time */
};

/* The entry's draft, or NULL. Under drafts.lock. */
struct draft *draft_find(struct fs *fs, int64_t entry);

/* Gives up a reference; the last one frees the draft. Not under drafts.lock. */
void draft_drop(struct fs *fs, struct draft *draft);
