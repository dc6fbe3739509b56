/* Names in models' directories. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/media.h"
#include "kiefs/request.h"
#include "store_private.h"

/* A file has a few of them. */
#define OWNED_MAX 16

void changes_add(struct changes *changes, uint64_t dir, const char *name, int64_t entry,
	enum name_event what)
{
	if (!changes || changes->count == NAME_CHANGES_MAX)
		return;
	struct name_change *change = &changes->names[changes->count++];
	change->dir = dir;
	snprintf(change->name, sizeof(change->name), "%s", name);
	change->entry = entry;
	change->what = what;
}

static void read_entry(sqlite3_stmt *s, struct entry *out)
{
	const char *name = (const char *)sqlite3_column_text(s, 2);

	*out = (struct entry){
		.id = sqlite3_column_int64(s, 0),
		.dir = (uint64_t)sqlite3_column_int64(s, 1),
		.kind = (enum entry_kind)sqlite3_column_int(s, 3),
		.task = sqlite3_column_int64(s, 4),
		.index = sqlite3_column_int(s, 5),
		.owner = sqlite3_column_int64(s, 6),
		.mode = sqlite3_column_int(s, 7),
		.size = sqlite3_column_int64(s, 8),
		.mtime_ns = sqlite3_column_int64(s, 9),
		.uid = sqlite3_column_int64(s, 10),
		.gid = sqlite3_column_int64(s, 11),
	};
	snprintf(out->name, sizeof(out->name), "%s", name ? name : "");
}

static int one_entry(struct store *store, sqlite3_stmt *s, struct entry *out)
{
	int r = store_step(store, s);

	if (r < 0)
		return r;
	if (r == 0)
		return -ENOENT;
	read_entry(s, out);
	sqlite3_reset(s);
	return 0;
}

int entry_get_locked(struct store *store, int64_t id, struct entry *out)
{
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_GET);
	int r = store_bind(store, s, "i", id);

	return r < 0 ? r : one_entry(store, s, out);
}

int entry_lookup_locked(struct store *store, uint64_t dir, const char *name, struct entry *out)
{
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_LOOKUP);
	int r = store_bind(store, s, "is", (int64_t)dir, name);

	return r < 0 ? r : one_entry(store, s, out);
}

int store_entry_lookup(struct store *store, uint64_t dir, const char *name, struct entry *out)
{
	store_lock(store);
	int r = entry_lookup_locked(store, dir, name, out);
	store_unlock(store);
	return r;
}

int store_entry_get(struct store *store, int64_t id, struct entry *out)
{
	store_lock(store);
	int r = entry_get_locked(store, id, out);
	store_unlock(store);
	return r;
}

/* Reads rows of entries into `out`; how many, or -errno. */
int entry_read_many(struct store *store, sqlite3_stmt *s, struct entry *out, int max)
{
	int n = 0, r = 0;

	while (n < max && (r = store_step(store, s)) > 0)
		read_entry(s, &out[n++]);
	sqlite3_reset(s);
	return r < 0 ? r : n;
}

int store_entry_list(
	struct store *store, uint64_t dir, bool told, int64_t after, struct entry *out, int max)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_LIST);
	int r = store_bind(store, s, "iiii", (int64_t)dir, after, (int64_t)told, (int64_t)max);
	if (r == 0)
		r = entry_read_many(store, s, out, max);
	store_unlock(store);
	return r;
}

int store_dir_mtime(struct store *store, uint64_t dir, int64_t *mtime_ms)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_DIR_MTIME);
	int r = store_bind(store, s, "i", (int64_t)dir);
	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		*mtime_ms = sqlite3_column_int64(s, 0);
	store_unlock(store);
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

static int insert_entry(
	struct store *store, const struct entry *entry, const char *text, struct entry *out)
{
	int r = store_exec(store, SQL_ENTRY_INSERT, "isiiiiiiis", (int64_t)entry->dir, entry->name,
		(int64_t)entry->kind, entry->task, (int64_t)entry->index, entry->owner,
		(int64_t)entry->mode, entry->size, entry->mtime_ns, text);

	if (r < 0)
		return r;
	*out = *entry;
	out->uid = out->gid = -1;
	out->id = sqlite3_last_insert_rowid(store->db);
	return 0;
}

int store_entry_create(struct store *store, uint64_t dir, const char *name, enum entry_kind kind,
	int mode, int64_t now_ms, struct entry *out)
{
	struct entry entry = {.dir = dir, .kind = kind, .mode = mode, .mtime_ns = now_ms * 1000000};

	if (strlen(name) > ENTRY_NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(entry.name, name);
	int r = store_begin(store);
	if (r < 0)
		return r;
	return store_end(store, insert_entry(store, &entry, NULL, out));
}

int store_entry_ensure(
	struct store *store, uint64_t dir, const char *name, int mode, int64_t now_ms)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, store_exec(store, SQL_ENTRY_ENSURE, "isii", (int64_t)dir, name,
					(int64_t)mode, now_ms * 1000000));
}

int store_entry_set_mode(struct store *store, int64_t id, int mode)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = store_exec(store, SQL_ENTRY_MODE, "ii", (int64_t)mode, id);
	if (r == 0 && store_changed(store) == 0)
		r = -ENOENT;
	return store_end(store, r);
}

int store_entry_set_maker(struct store *store, int64_t id, uint32_t uid, uint32_t gid)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(
		store, store_exec(store, SQL_ENTRY_MAKER, "iii", (int64_t)uid, (int64_t)gid, id));
}

int entry_delete_locked(struct store *store, const struct entry *entry, struct changes *changes)
{
	int r = store_exec(store, SQL_ENTRY_DELETE, "i", entry->id);

	if (r == 0)
		changes_add(changes, entry->dir, entry->name, entry->id, NAME_WENT);
	return r;
}

/* What the daemon tells of a file: its status, its error, its address. How many, or -errno. */
static int read_owned(struct store *store, int64_t owner, struct entry out[OWNED_MAX])
{
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_OWNED);
	int r = store_bind(store, s, "i", owner);

	return r < 0 ? r : entry_read_many(store, s, out, OWNED_MAX);
}

int entry_error_locked(struct store *store, int64_t owner, struct entry *out)
{
	struct entry owned[OWNED_MAX];
	int n = read_owned(store, owner, owned);

	for (int i = 0; i < n; i++)
		if (owned[i].kind == ENTRY_ERROR) {
			*out = owned[i];
			return 0;
		}
	return n < 0 ? n : -ENOENT;
}

/* Status and error names that belong to the request go; its results stay. */
int entry_delete_owned_locked(struct store *store, int64_t owner, struct changes *changes)
{
	struct entry owned[OWNED_MAX];
	int n = read_owned(store, owner, owned);

	for (int i = 0; i < n; i++) {
		int r = entry_delete_locked(store, &owned[i], changes);
		if (r < 0)
			return r;
	}
	return n < 0 ? n : 0;
}

/* The next task whose home is this name; 0: none. */
static int next_at_name(struct store *store, const struct entry *entry, int64_t after, int64_t *id)
{
	sqlite3_stmt *s = store_statement(store, SQL_TASK_AT_NAME);
	int r = store_bind(store, s, "isi", (int64_t)entry->dir, entry->name, after);

	if (r == 0)
		r = store_step(store, s);
	*id = r == 1 ? sqlite3_column_int64(s, 0) : 0;
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : 0;
}

/* The request file is gone: what was not sent of it is cancelled, all its versions; what was sent
 * goes on without a place. */
static int leave_tasks(
	struct store *store, const struct entry *entry, int64_t now_ms, struct changes *changes)
{
	const struct task_event cancel = {
		.kind = EVENT_CANCEL, .progress = -1, .credits = -1, .wait_ms = -1};
	struct task task = {0};
	int64_t id = 0;
	int r;

	while ((r = next_at_name(store, entry, id, &id)) == 0 && id) {
		r = task_get_locked(store, id, &task);
		if (r == 0 && task.attached)
			r = store_exec(store, SQL_TASK_DETACH, "i", id);
		if (r == 0 && task_is_unsent(task.state))
			r = task_event_locked(store, id, &cancel, now_ms,
				"cancelled: the request was removed before it was sent", changes);
		task_finish(&task);
		if (r < 0)
			break;
	}
	return r;
}

/* What the removal of this one name means, by its kind. */
static int forget_entry(struct store *store, const struct entry *entry, bool replaced,
	int64_t now_ms, struct changes *changes)
{
	int r = 0;

	switch (entry->kind) {
	case ENTRY_DIR:
	case ENTRY_STATUS:
	case ENTRY_ERROR:
	case ENTRY_URL:
	case ENTRY_TALK:
		break;
	case ENTRY_FILE:
		r = store_exec(store, SQL_STAGE_DELETE, "i", entry->id);
		if (r == 0)
			r = store_exec(store, SQL_WANTED_CLEAR, "i", entry->id);
		if (r == 0)
			r = outgoing_forget_locked(store, entry->id, changes);
		if (r == 0)
			r = store_exec(store, SQL_DIGEST_DELETE, "i", entry->id);
		if (r == 0 && entry->task && !replaced)
			r = leave_tasks(store, entry, now_ms, changes);
		if (r == 0 && !replaced)
			r = entry_delete_owned_locked(store, entry->id, changes);
		if (r == 0)
			r = store_exec(store, SQL_ENTRY_ORPHAN, "i", entry->id);
		break;
	case ENTRY_RESULT:
		r = store_exec(store, SQL_RESULT_REMOVED, "ii", entry->task, (int64_t)entry->index);
		if (r == 0)
			r = log_locked(store, entry->task, now_ms,
				"result removed by the user: the local copy is gone");
		break;
	}
	return r;
}

static int is_empty(struct store *store, const struct entry *entry, uint64_t dir_inode)
{
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_CHILD);
	int r = store_bind(store, s, "i", (int64_t)dir_inode);

	if (r == 0)
		r = store_step(store, s);
	return r < 0 ? r : r == 0 ? 0 : -ENOTEMPTY;
}

int store_entry_remove(struct store *store, int64_t id, int64_t now_ms, struct changes *changes)
{
	struct entry entry;
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = entry_get_locked(store, id, &entry);
	if (r == 0 && entry.kind == ENTRY_DIR)
		r = is_empty(store, &entry, entry_dir_inode(entry.id));
	if (r == 0)
		r = forget_entry(store, &entry, false, now_ms, changes);
	if (r == 0)
		r = store_exec(store, SQL_ENTRY_DELETE, "i", id);
	return store_end(store, r);
}

int store_error_keep(struct store *store, int64_t entry)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, store_exec(store, SQL_ENTRY_KEEP_ERROR, "i", entry));
}

/* The task's home follows its request, and its status and error take the new name: results
 * appear where the request now stands. */
static int move_home(struct store *store, const struct entry *entry, uint64_t dir, const char *name,
	int64_t now_ms, struct changes *changes)
{
	struct task task = {0};
	int r = task_get_locked(store, entry->task, &task);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (task.dir == entry->dir && strcmp(task.name, entry->name) == 0) {
		r = store_exec(store, SQL_TASK_HOME, "isi", (int64_t)dir, name, task.id);
		if (r == 0)
			r = entry_delete_owned_locked(store, entry->id, changes);
		task_finish(&task);
		if (r == 0)
			r = task_get_locked(store, entry->task, &task);
		if (r == 0)
			r = task_names_locked(store, &task, now_ms, changes);
	}
	task_finish(&task);
	return r;
}

static int check_replace(
	struct store *store, const struct entry *source, const struct entry *target)
{
	if (target->kind == ENTRY_DIR) {
		if (source->kind != ENTRY_DIR)
			return -EISDIR;
		return is_empty(store, target, entry_dir_inode(target->id));
	}
	return source->kind == ENTRY_DIR ? -ENOTDIR : 0;
}

int store_entry_rename(struct store *store, int64_t id, uint64_t new_dir, const char *new_name,
	bool request, const struct stage *stage, int64_t now_ms, struct entry *replaced,
	struct changes *changes)
{
	struct entry entry, target = {0};
	int r;

	if (strlen(new_name) > ENTRY_NAME_MAX)
		return -ENAMETOOLONG;
	r = store_begin(store);
	if (r < 0)
		return r;
	r = entry_get_locked(store, id, &entry);
	if (r < 0)
		goto out;
	r = entry_lookup_locked(store, new_dir, new_name, &target);
	if (r == -ENOENT)
		r = target.id = 0;
	if (r < 0)
		goto out;
	if (target.id && target.id != id) {
		r = check_replace(store, &entry, &target);
		if (r == 0)
			r = forget_entry(store, &target, true, now_ms, changes);
		if (r == 0)
			r = store_exec(store, SQL_ENTRY_DELETE, "i", target.id);
		if (r < 0)
			goto out;
	}
	r = store_exec(store, SQL_ENTRY_MOVE, "isi", (int64_t)new_dir, new_name, id);
	if (r == 0 && entry.kind == ENTRY_FILE)
		r = outgoing_forget_locked(store, id, changes);
	if (r == 0 && entry.kind == ENTRY_FILE && entry.task && request)
		r = move_home(store, &entry, new_dir, new_name, now_ms, changes);
	if (r == 0 && stage)
		r = stage_locked(store, stage);
out:
	r = store_end(store, r);
	if (r == 0)
		*replaced = target;
	return r;
}

int store_entry_exchange(struct store *store, int64_t a, int64_t b)
{
	struct entry one, two;
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = entry_get_locked(store, a, &one);
	if (r == 0)
		r = entry_get_locked(store, b, &two);
	/* A name that no user can have makes room for the swap. */
	if (r == 0)
		r = store_exec(store, SQL_ENTRY_MOVE, "isi", (int64_t)0, "/", a);
	if (r == 0)
		r = store_exec(store, SQL_ENTRY_MOVE, "isi", (int64_t)one.dir, one.name, b);
	if (r == 0)
		r = store_exec(store, SQL_ENTRY_MOVE, "isi", (int64_t)two.dir, two.name, a);
	return store_end(store, r);
}

/* What `<stem>.status` is about: a request before a dropped file. */
static bool is_of_stem(const struct entry *entry, size_t len, bool dropped)
{
	bool fits = dropped ? media_of_name(entry->name) != MEDIA_NONE
			    : request_form(entry->name) != REQUEST_NONE;

	return fits && request_stem_length(entry->name) == len;
}

int store_entry_by_stem(struct store *store, uint64_t dir, const char *stem, struct entry *out)
{
	struct entry entry;
	size_t len = strlen(stem);
	int found = 0, r = 0;

	store_lock(store);
	for (int dropped = 0; dropped < 2 && r == 0 && !found; dropped++) {
		sqlite3_stmt *s = store_statement(store, SQL_ENTRY_REQUESTS);
		r = store_bind(store, s, "is", (int64_t)dir, stem);
		while (r == 0 && !found && (r = store_step(store, s)) > 0) {
			read_entry(s, &entry);
			found = is_of_stem(&entry, len, dropped);
			r = 0;
		}
	}
	store_unlock(store);
	if (found)
		*out = entry;
	return r < 0 ? r : found ? 0 : -ENOENT;
}

int store_entry_showing(
	struct store *store, int64_t task, int64_t upload, int64_t *entries, int max)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_SHOWING);
	int r = store_bind(store, s, "ii", task, upload);
	if (r == 0)
		r = store_read_ids(store, s, entries, max);
	store_unlock(store);
	return r;
}

int store_entry_text(struct store *store, int64_t id, struct buf *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_TEXT);
	int r = store_bind(store, s, "i", id);
	if (r == 0)
		r = store_step(store, s);
	if (r == 1 && sqlite3_column_text(s, 0))
		buf_add(out, sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0));
	store_unlock(store);
	return r < 0 ? r : r == 1 ? out->error : -ENOENT;
}

/* A long stem gives way to the number and the extension, on a character's boundary. */
void entry_generated_name(const char *stem, int stem_len, int number, const char *extension,
	char out[ENTRY_NAME_MAX + 1])
{
	char end[ENTRY_NAME_MAX + 1], digits[16] = "";
	int used = stem_len;

	if (number > 0)
		snprintf(digits, sizeof(digits), "-%d", number);
	int len = snprintf(end, sizeof(end), "%s%s%s", digits, *extension ? "." : "", extension);
	if (used > ENTRY_NAME_MAX - len)
		used = ENTRY_NAME_MAX - len;
	while (used > 0 && used < stem_len && ((unsigned char)stem[used] & 0xc0) == 0x80)
		used--;
	memcpy(out, stem, (size_t)used);
	memcpy(out + used, end, (size_t)len + 1);
}

int entry_generate_locked(
	struct store *store, const struct generated *what, struct changes *changes, int64_t *id)
{
	struct entry entry = {.dir = what->dir,
		.kind = what->kind,
		.task = what->task,
		.index = what->index,
		.owner = what->owner,
		.mode = 0444,
		.size = what->size,
		.mtime_ns = what->mtime_ms * 1000000};
	struct entry taken;

	for (int n = what->first; n < 1000000; n++) {
		entry_generated_name(what->stem, what->stem_len, n, what->extension, entry.name);
		if (!entry_name_is_free(entry.name))
			continue;
		int r = entry_lookup_locked(store, what->dir, entry.name, &taken);
		if (r == 0)
			continue;
		if (r != -ENOENT)
			return r;
		r = insert_entry(store, &entry, what->text, &entry);
		if (r < 0)
			return r;
		changes_add(changes, what->dir, entry.name, entry.id, NAME_CAME);
		if (id)
			*id = entry.id;
		return 0;
	}
	return -EEXIST;
}
