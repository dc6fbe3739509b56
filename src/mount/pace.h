/* Files that change again and again, of which watchers are told now and then. */
#pragma once

#include <stdint.h>

/* A change waits for so long; those of the same file that come meanwhile go with it. */
#define PACE_MS 500

/* The caller's lock guards it. */
struct pace {
	struct paced *first, *last; /* struct paced::next; the first is due first */
};

/* What the inode stands for has changed; `now_ms` never goes back. Lost for want of memory: the
 * next change makes up for it. */
void pace_add(struct pace *pace, uint64_t inode, int64_t now_ms);
/* INT64_MAX: nothing waits. */
int64_t pace_due(const struct pace *pace);
/* The inode of the first that is due, which is taken off; 0: none is. */
uint64_t pace_take(struct pace *pace, int64_t now_ms);
void pace_finish(struct pace *pace);
