/* A name in a model's directory (or a folder in it) that the index knows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ENTRY_NAME_MAX 255

enum entry_kind {
	ENTRY_DIR,    /* a user's folder */
	ENTRY_FILE,   /* a user's file: request, defaults.json or scratch */
	ENTRY_RESULT, /* a finished result of `task`, number `index` */
	ENTRY_STATUS, /* `<name>.status` of `task` */
	ENTRY_ERROR,  /* `<name>.error`: `text` in the index */
	ENTRY_URL,    /* `<name>.url` of a file in uploads/: `text` in the index */
	ENTRY_TALK,   /* made of a conversation's turns; `index`: enum talk_part */
};

/* What stands in a conversation's folder by itself. */
enum talk_part {
	TALK_REPLY = 1, /* `reply`: the last answer */
	TALK_HISTORY,	/* `history.md` */
	TALK_MESSAGES,	/* `messages.json` */
	TALK_END,
};
#define TALK_PROMPT "prompt" /* the user's file: each write is a turn */
#define TALK_SYSTEM "system" /* the user's file: used from the next turn on */

/* A result's `size` while it grows: the file's is the true one. */
#define ENTRY_GROWING (-1)

struct entry {
	int64_t id;
	uint64_t dir; /* inode number of the directory it stands in */
	char name[ENTRY_NAME_MAX + 1];
	enum entry_kind kind;
	int64_t task; /* FILE: last task made of it, 0 none; RESULT, STATUS, ERROR: whose; 0 none */
	int index;    /* RESULT: from 1; FILE: 1 while it is being written, if it is media */
	int64_t owner; /* STATUS, ERROR: entry id of the request; 0 none */
	int mode;      /* permission bits */
	int64_t size;  /* RESULT and ERROR; a FILE's size is its file's */
	int64_t mtime_ns;
	int64_t uid, gid; /* who made it; -1: who mounts */
};

/* The inode number of a user's folder: what stands in it has this as `dir`. */
uint64_t entry_dir_inode(int64_t id);
/* False for names that every model's directory has by itself (README.md, schema.json ...). */
bool entry_name_is_free(const char *name);

enum name_event {
	NAME_WENT,
	NAME_CAME,
	NAME_CHANGED, /* it is there still, with other bytes */
};

/* What happened to a name without the kernel's doing; watchers must be told. */
struct name_change {
	uint64_t dir;
	char name[ENTRY_NAME_MAX + 1];
	int64_t entry;
	enum name_event what;
};

#define NAME_CHANGES_MAX 8
/* What account/ shows. */
#define CHANGED_SPEND 1u
#define CHANGED_BALANCE 2u
/* What one step of the index changed. A step changes few names; more than fit means "look at
 * everything in `dir` again" for the directories that did fit. */
struct changes {
	int64_t task;	/* whose state or progress changed, 0 none */
	bool grown;	/* of `task`: its answer is longer, and nothing else */
	int64_t upload; /* entry of a file in uploads/ of which more is gone, 0 none */
	unsigned account;
	int count;
	struct name_change names[NAME_CHANGES_MAX];
};
