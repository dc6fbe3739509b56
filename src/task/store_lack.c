/*
 * What requests wait for: files that are to come, and other tasks.
 *
 * An incomplete task has a row in `input` for each thing: one without entry and parent is a file
 * that has yet to arrive (the mount looks at the request again when it does), one with a parent
 * waits for that task, and is settled here in the transaction in which that task moves. A request
 * that was refused because it names a file that is not there is in `wanted` by that name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/input.h"
#include "store_private.h"

/* One number; 0: no row. */
static int number(struct store *store, sqlite3_stmt *s, int64_t *out)
{
	int r = store_step(store, s);

	*out = r == 1 ? sqlite3_column_int64(s, 0) : 0;
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : 0;
}

static int fail_child(
	struct store *store, int64_t child, int64_t parent, int64_t now_ms, struct changes *changes)
{
	struct task_event refused = {
		.kind = EVENT_REFUSED, .progress = -1, .credits = -1, .wait_ms = -1};
	struct task task = {0};
	char text[512];
	int r = task_get_locked(store, parent, &task);

	if (r < 0)
		return r;
	snprintf(text, sizeof(text),
		"It was to go on from %.200s (task %lld), which is %s. It was not sent and cost "
		"nothing.",
		task.name, (long long)parent, task_state_name(task.state));
	task_finish(&task);
	refused.text = text;
	return task_event_locked(
		store, child, &refused, now_ms, "failed: what it was to go on from did", changes);
}

int lack_settle_locked(struct store *store, int64_t child, int64_t now_ms, struct changes *changes)
{
	const struct task_event resume = {
		.kind = EVENT_RESUME, .progress = -1, .credits = -1, .wait_ms = -1};
	int64_t parent, lacking;
	sqlite3_stmt *s = store_statement(store, SQL_LACK_FAILED);
	int r = store_bind(store, s, "i", child);

	if (r == 0)
		r = number(store, s, &parent);
	if (r < 0)
		return r;
	if (parent)
		return fail_child(store, child, parent, now_ms, changes);
	s = store_statement(store, SQL_LACK_COUNT);
	r = store_bind(store, s, "i", child);
	if (r == 0)
		r = number(store, s, &lacking);
	if (r < 0 || lacking)
		return r;
	return task_event_locked(store, child, &resume, now_ms, "complete", changes);
}

int lack_parent_locked(struct store *store, int64_t parent, int64_t now_ms, struct changes *changes)
{
	int64_t child = 0;
	int r;

	for (;;) {
		sqlite3_stmt *s = store_statement(store, SQL_LACK_CHILD);
		r = store_bind(store, s, "ii", parent, child);
		if (r == 0)
			r = number(store, s, &child);
		if (r < 0 || child == 0)
			return r;
		r = lack_settle_locked(store, child, now_ms, changes);
		if (r < 0)
			return r;
	}
}

int store_wanted_add(struct store *store, int64_t entry, uint64_t dir, const char *name)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(
		store, store_exec(store, SQL_WANTED_ADD, "isi", (int64_t)dir, name, entry));
}

int store_wanted_clear(struct store *store, int64_t entry)
{
	int64_t found;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_WANTED_OF);
	int r = store_bind(store, s, "i", entry);
	if (r == 0)
		r = number(store, s, &found);
	store_unlock(store);
	if (r < 0 || !found)
		return r;
	r = store_begin(store);
	if (r < 0)
		return r;
	return store_end(store, store_exec(store, SQL_WANTED_CLEAR, "i", entry));
}

int store_wanted_next(
	struct store *store, uint64_t dir, const char *name, int64_t after, int64_t *entry)
{
	int64_t found = 0;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, name ? SQL_WANTED_NEXT : SQL_WANTED_ANY);
	int r = name ? store_bind(store, s, "isi", (int64_t)dir, name, after)
		     : store_bind(store, s, "i", after);
	if (r == 0)
		r = number(store, s, &found);
	store_unlock(store);
	if (r < 0 || found == 0)
		return r < 0 ? r : -ENOENT;
	*entry = found;
	return 0;
}

int store_input_uses(struct store *store, int64_t entry)
{
	int64_t found = 0;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_INPUT_USES);
	int r = store_bind(store, s, "i", entry);
	if (r == 0)
		r = number(store, s, &found);
	store_unlock(store);
	return r < 0 ? r : found != 0;
}

int store_entry_mark(struct store *store, int64_t id, bool unfinished)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, store_exec(store, SQL_ENTRY_MARK, "ii", (int64_t)unfinished, id));
}

int store_entry_siblings(struct store *store, uint64_t dir, const char *stem, const char *after,
	struct entry *out, int max)
{
	int n = 0, r;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_SIBLINGS);
	r = store_bind(store, s, "issi", (int64_t)dir, stem, after, (int64_t)max);
	if (r == 0)
		n = entry_read_many(store, s, out, max);
	store_unlock(store);
	return r < 0 ? r : n;
}
