/*
 * Whose the mount's files are, and who beside that user may write in it and so spend.
 *
 * Without allow_other the kernel lets nobody else in, and none of this matters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct config;
struct error;

struct spender {
	bool is_group;
	id_t id;
};

struct users {
	uid_t mounter;	/* who mounts; may always spend */
	bool one_owner; /* `uid` is shown for all files, whoever made them */
	bool one_group;
	uid_t uid; /* of what the daemon makes; may always spend */
	gid_t gid;
	mode_t umask;		  /* of group and others: bits that nobody is shown to have */
	bool is_masked;		  /* it stands in place of the umask of who makes a file */
	bool has_list;		  /* only those in `spenders`; else whom the modes let write */
	struct spender *spenders; /* owned */
	size_t count;
};

/* What the options mean to this process on this machine. -EINVAL: `err` has a sentence for each
 * that means nothing; -ENOMEM. */
int users_find(const struct config *config, struct users *out, struct error *err);
/* Frees and zeroes. */
void users_finish(struct users *users);

/* Whether a caller with these groups may write. Pure. */
bool users_may_spend(const struct users *users, uid_t uid, const gid_t *groups, size_t count);
/* The rights of a control file: who may write may use it. Pure. */
mode_t users_control_mode(const struct users *users);
