/* Making, moving and removing names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "fs.h"
#include "handle.h"
#include "intake.h"
#include "kiefs/clock.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/media.h"
#include "kiefs/request.h"

int refuse_place(struct fs *fs, const char *name)
{
	errors_add(fs, name,
		"Only a model's directory, a folder in one, and uploads/ take files and folders of "
		"yours. A model that is not here yet comes by `echo 'add-model ID' > "
		".kiefs/control`.");
	return -EPERM;
}

static int make(fuse_req_t req, uint64_t parent, const char *name, enum entry_kind kind,
	mode_t mode, struct fuse_entry_param *param)
{
	struct fs *fs = fs_of(req);
	struct place place;
	struct entry entry;
	int r = place_of(fs, parent, &place);

	if (r == -ENOENT)
		return refuse_place(fs, name);
	if (r == 0 && !place_is_free(&place, name))
		return -EEXIST;
	if (r == 0)
		r = store_entry_create(fs->store, parent, name, kind, (int)new_mode(req, mode),
			clock_now_ms(), &entry);
	if (r == 0)
		r = set_maker(req, &entry);
	return r < 0 ? r : node_param(fs, inode_entry(entry.id), &entry, param);
}

static void reply_made(fuse_req_t req, int r, const struct fuse_entry_param *param)
{
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, param);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param param;
	struct name_change poke;
	int r;

	/* The notifier makes what is there already. */
	if (notifier_is_poking(req, parent, name, &poke))
		r = node_param(fs, notifier_poke_folder(fs), NULL, &param);
	else if (notifier_is_caller(req))
		r = -ESTALE;
	else
		r = make(req, parent, name, ENTRY_DIR, mode, &param);
	reply_made(req, r, &param);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	struct fuse_entry_param param;
	int r = -EPERM;

	if (S_ISREG(mode))
		r = check_new_name(fs_of(req), parent, name, fuse_req_ctx(req)->pid);
	if (S_ISREG(mode) && r == 0)
		r = make(req, parent, name, ENTRY_FILE, mode, &param);
	reply_made(req, r, &param);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

/* What the removed or replaced name held on disk goes with it. */
static void drop_bytes(struct fs *fs, const struct entry *entry)
{
	if (entry->kind == ENTRY_FILE) {
		draft_gone(fs, entry);
		files_remove_entry(fs->files, entry->id);
	} else if (entry->kind == ENTRY_RESULT) {
		files_remove_result(fs->files, entry->task, entry->index);
	}
}

/* An entry of the user's or the daemon's; fixed names are -EROFS, others -ENOENT. */
static int find_entry(struct fs *fs, uint64_t parent, const char *name, struct entry *out)
{
	const struct tree_node *node;

	if (inode_kind(parent) == INODE_STATIC) {
		node = tree_find(fs_tree(fs), parent);
		if (!node)
			return -ENOENT;
		if (tree_child(node, name) || !tree_takes_files(node))
			return -EROFS;
	} else if (inode_kind(parent) != INODE_ENTRY) {
		return -EROFS;
	}
	return store_entry_lookup(fs->store, parent, name, out);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, bool folder)
{
	struct fs *fs = fs_of(req);
	struct changes changes = {0};
	struct entry entry;
	struct name_change poke;
	int r;

	if (notifier_is_poking(req, parent, name, &poke)) {
		fuse_reply_err(req, 0);
		return;
	}
	r = notifier_is_caller(req) ? -ESTALE : find_entry(fs, parent, name, &entry);
	if (r == 0 && folder && entry.kind != ENTRY_DIR)
		r = -ENOTDIR;
	if (r == 0 && !folder && entry.kind == ENTRY_DIR)
		r = -EISDIR;
	if (r == 0 && refusal_is_fresh(fs, entry.id, caller_of(fuse_req_ctx(req)->pid).process))
		r = store_error_keep(fs->store, entry.id);
	if (r == 0)
		r = store_entry_remove(fs->store, entry.id, clock_now_ms(), &changes);
	if (r == 0) {
		drop_bytes(fs, &entry);
		notifier_queue(fs, &changes);
	}
	fuse_reply_err(req, -r);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, false);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, true);
}

/* A folder may not move into itself; the kernel checks what it has seen, this what it has not. */
static int check_loop(struct fs *fs, int64_t folder, uint64_t dir)
{
	struct entry entry;

	for (int i = 0; i < 64 && inode_kind(dir) == INODE_ENTRY; i++) {
		if (inode_entry_id(dir) == folder)
			return -EINVAL;
		int r = store_entry_get(fs->store, inode_entry_id(dir), &entry);
		if (r < 0)
			return r;
		dir = entry.dir;
	}
	return 0;
}

static int exchange(
	struct fs *fs, const struct entry *source, uint64_t new_parent, const char *new_name)
{
	struct entry target;
	int r = find_entry(fs, new_parent, new_name, &target);

	if (r < 0)
		return r;
	if (source->kind > ENTRY_FILE || target.kind > ENTRY_FILE)
		return -EPERM;
	/* Two requests made or changed by one call could not both be refused; nor two uploads. */
	if (intake_is_request(fs, source->id, new_parent, new_name) ||
		intake_is_request(fs, target.id, source->dir, source->name))
		return -EINVAL;
	return store_entry_exchange(fs->store, source->id, target.id);
}

/* What the daemon says of a file stays with it. */
static bool is_told(const struct entry *entry)
{
	return entry->kind == ENTRY_STATUS || entry->kind == ENTRY_ERROR ||
	       entry->kind == ENTRY_URL;
}

static int check_target(struct fs *fs, const struct entry *source, uint64_t new_parent,
	const char *new_name, unsigned int flags)
{
	struct entry target;
	struct place place;
	int r;

	if (is_told(source))
		return -EPERM;
	r = place_of(fs, new_parent, &place);
	if (r < 0)
		return r == -ENOENT ? -EPERM : r;
	if (!place_is_free(&place, new_name))
		return -EROFS;
	r = find_entry(fs, new_parent, new_name, &target);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	return is_told(&target) ? -EPERM : 0;
}

/* What the file's bytes come to under the new name is staged with the move, so that no crash leaves
 * the one without the other. */
static int move(struct fs *fs, const struct entry *source, uint64_t new_parent,
	const char *new_name, struct entry *replaced, struct changes *changes)
{
	bool request = source->kind == ENTRY_FILE && request_form(new_name) != REQUEST_NONE;
	bool wanted = source->kind == ENTRY_FILE &&
		      intake_is_request(fs, source->id, new_parent, new_name);
	struct intake checked = {.nothing = true};
	struct stage stage;
	enum draft_use use;
	struct draft *draft = draft_hold(fs, source->id, &use);
	int r = 0, committed = 0;

	/* Bytes that nobody has closed are not final: their last close looks at them under the new
	 * name. */
	if (wanted && use != DRAFT_WRITTEN)
		r = draft_check_for(fs, source, new_parent, new_name, &checked);
	if (r == 0 && !checked.nothing)
		stage = intake_row(source->id, &checked);
	if (r == 0)
		r = store_entry_rename(fs->store, source->id, new_parent, new_name, request,
			checked.nothing ? NULL : &stage, clock_now_ms(), replaced, changes);
	if (r == 0)
		draft_renamed(fs, source->id, use == DRAFT_CLOSED && !checked.nothing);
	/* A release that has yet to come commits. */
	if (r == 0 && !checked.nothing && use == DRAFT_UNUSED)
		committed = draft_commit(fs, source->id);
	draft_let(fs, draft);
	intake_finish(&checked);
	/* What was staged may be gone again by another hand. */
	return r == 0 && committed != -ENOENT ? committed : r;
}

static int rename_entry(struct fs *fs, const struct entry *source, uint64_t new_parent,
	const char *new_name, unsigned int flags)
{
	struct changes changes = {0};
	struct entry replaced = {0};
	int r = check_target(fs, source, new_parent, new_name, flags);

	/* What lies there already as such a file is a copy of a result. */
	if (r == 0 && source->kind == ENTRY_FILE &&
		(new_parent != source->dir ||
			media_of_name(source->name) != media_of_name(new_name)))
		r = check_new_name(fs, new_parent, new_name, 0);
	if (r == 0 && source->kind == ENTRY_DIR)
		r = check_loop(fs, source->id, new_parent);
	if (r == 0)
		r = move(fs, source, new_parent, new_name, &replaced, &changes);
	if (replaced.id && replaced.id != source->id)
		drop_bytes(fs, &replaced);
	notifier_queue(fs, &changes);
	if (r == 0 && source->kind <= ENTRY_RESULT && source->kind != ENTRY_DIR) {
		struct entry arrived = *source;
		arrived.dir = new_parent;
		snprintf(arrived.name, sizeof(arrived.name), "%s", new_name);
		again_arrived(fs, &arrived);
		again_look(fs, source->id);
	}
	return r;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags)
{
	struct fs *fs = fs_of(req);
	struct entry source;
	int r = flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ? -EINVAL : 0;

	if (r == 0)
		r = find_entry(fs, parent, name, &source);
	if (r == 0)
		r = flags & RENAME_EXCHANGE
			    ? exchange(fs, &source, new_parent, new_name)
			    : rename_entry(fs, &source, new_parent, new_name, flags);
	fuse_reply_err(req, -r);
}
