/*
 * Who may write here. Whoever may write may spend, and who may not spend may only look: a scratch
 * file is one rename away from a request, so there is no writing without spending.
 *
 * The kernel has checked the modes before a request comes here; it lets root past them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs.h"

#define GROUPS_MAX 256

/* The kernel tells the caller's user and first group; the others are those of the thread. */
static bool may_spend(fuse_req_t req)
{
	const struct users *users = fs_of(req)->users;
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t groups[GROUPS_MAX + 1];

	if (ctx->uid == users->mounter || ctx->uid == users->uid)
		return true;
	int count = fuse_req_getgroups(req, GROUPS_MAX, groups + 1);
	if (count < 0)
		count = 0;
	if (count > GROUPS_MAX)
		count = GROUPS_MAX;
	groups[0] = ctx->gid;
	return users_may_spend(users, ctx->uid, groups, (size_t)count + 1);
}

int check_spender(fuse_req_t req)
{
	char where[32];

	if (may_spend(req))
		return 0;
	snprintf(where, sizeof(where), "user %u", (unsigned)fuse_req_ctx(req)->uid);
	errors_add(fs_of(req), where,
		"may look but not write here: what is written can cost money. Who mounts can "
		"allow it with the options umask= and spenders=; see kiefs(5).");
	return -EACCES;
}

mode_t new_mode(fuse_req_t req, mode_t mode)
{
	const struct users *users = fs_of(req)->users;

	return mode & 0777 & ~(users->is_masked ? users->umask : fuse_req_ctx(req)->umask);
}

int set_maker(fuse_req_t req, struct entry *entry)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct fs *fs = fs_of(req);

	if (ctx->uid == fs->users->mounter)
		return 0;
	entry->uid = ctx->uid;
	entry->gid = ctx->gid;
	return store_entry_set_maker(fs->store, entry->id, ctx->uid, ctx->gid);
}

void set_owner(const struct fs *fs, const struct entry *entry, struct stat *st)
{
	const struct users *users = fs->users;

	st->st_uid = users->one_owner || entry->uid < 0 ? users->uid : (uid_t)entry->uid;
	st->st_gid = users->one_group || entry->gid < 0 ? users->gid : (gid_t)entry->gid;
}
