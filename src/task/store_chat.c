/* Answers in text: results that grow, and the turns of conversations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/protocol.h"
#include "store_private.h"

static const char *const talk_names[TALK_END][2] = {
	[TALK_REPLY] = {"reply", ""},
	[TALK_HISTORY] = {"history", "md"},
	[TALK_MESSAGES] = {"messages", "json"},
};

/* One row of numbers of a statement that is bound; 1 row there, 0 none. */
static int one_row(struct store *store, sqlite3_stmt *s, int64_t *first, int64_t *second)
{
	int r = store_step(store, s);

	if (r == 1) {
		*first = sqlite3_column_int64(s, 0);
		if (second)
			*second = sqlite3_column_int64(s, 1);
	}
	if (s)
		sqlite3_reset(s);
	return r;
}

/* ---- a result that grows ---- */

static int add_result(struct store *store, int64_t task, int *index)
{
	int64_t base = 0;
	int r = task_base_locked(store, task, &base);

	if (r == 0)
		r = store_exec(store, SQL_RESULT_PUT, "iiissi", task, base + 1,
			(int64_t)RESULT_TEXT, "", (const char *)NULL, INT64_MAX);
	if (r == 0)
		*index = (int)(base + 1);
	return r;
}

int store_chat_begin(struct store *store, const struct task *old, const struct task *next,
	const char *log, int64_t now_ms, int *index, struct changes *changes)
{
	const struct task_update update = {.log = log};
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = task_apply_locked(store, old, next, &update, now_ms, changes);
	if (r == 0)
		r = add_result(store, next->id, index);
	if (r == 0)
		r = store_exec(store, SQL_STREAM_INSERT, "ii", next->id, (int64_t)*index);
	return store_end(store, r);
}

static int turn_dir_locked(struct store *store, int64_t task, uint64_t *dir)
{
	sqlite3_stmt *s = store_statement(store, SQL_TURN_OF_TASK);
	int64_t value = 0;
	int r = store_bind(store, s, "i", task);

	if (r == 0)
		r = one_row(store, s, &value, NULL);
	*dir = (uint64_t)value;
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

/* Nothing for a turn: its conversation shows it. */
static int show_locked(struct store *store, const struct task *task, const struct result *result,
	struct changes *changes)
{
	uint64_t dir;
	int r = turn_dir_locked(store, task->id, &dir);

	if (r != -ENOENT)
		return r;
	return result_name_locked(store, task, result, NULL, changes);
}

int store_chat_show(
	struct store *store, int64_t id, int index, int64_t now_ms, struct changes *changes)
{
	const struct result result = {
		.task = id,
		.index = index,
		.size = ENTRY_GROWING,
		.mtime_ms = now_ms,
		.extension = "md",
	};
	struct task task = {0};
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = task_get_locked(store, id, &task);
	if (r == 0)
		r = show_locked(store, &task, &result, changes);
	task_finish(&task);
	return store_end(store, r);
}

int store_chat_next(struct store *store, int64_t *task, int *index)
{
	int64_t number = 0;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_STREAM_LIST);
	int r = s ? one_row(store, s, task, &number) : -EIO;
	store_unlock(store);
	*index = (int)number;
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int store_chat_index(struct store *store, int64_t task, int *index)
{
	int64_t number = 0;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_STREAM_GET);
	int r = store_bind(store, s, "i", task);
	if (r == 0)
		r = one_row(store, s, &number, NULL);
	store_unlock(store);
	if (r == 1)
		*index = (int)number;
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

/* ---- its end ---- */

static int step_all(struct store *store, const struct chat_end *end, int64_t id, int64_t now_ms,
	struct changes *changes)
{
	int r = 0;

	for (int i = 0; i < end->event_count && r == 0; i++)
		r = task_event_locked(
			store, id, &end->events[i], now_ms, i == 0 ? end->log : NULL, changes);
	return r;
}

/* The name it got when its first bytes came; -ENOENT: none, or the user has removed it. */
static int entry_of_result(
	struct store *store, int64_t task, int index, struct entry *out, bool *removed)
{
	sqlite3_stmt *s = store_statement(store, SQL_RESULT_GET);
	int64_t id = 0;
	int r = store_bind(store, s, "ii", task, (int64_t)index);

	if (r == 0)
		r = store_step(store, s);
	if (r == 1) {
		*removed = sqlite3_column_int(s, 6);
		id = sqlite3_column_int64(s, 15);
	}
	if (s)
		sqlite3_reset(s);
	if (r < 0)
		return r;
	return id ? entry_get_locked(store, id, out) : -ENOENT;
}

/* The file is what it will be: the result is whole, or there is none. */
static int settle_result(struct store *store, const struct task *task, const struct result *result,
	struct changes *changes)
{
	struct entry entry;
	bool removed = false;
	int r;

	if (result->size == 0)
		return store_exec(store, SQL_RESULT_DELETE, "ii", task->id, (int64_t)result->index);
	r = store_exec(store, SQL_RESULT_WHOLE, "ssisiii", result->extension, result->mime,
		result->size, result->sha256, result->mtime_ms, task->id, (int64_t)result->index);
	if (r < 0)
		return r;
	r = entry_of_result(store, task->id, result->index, &entry, &removed);
	if (r == -ENOENT)
		return removed ? 0 : show_locked(store, task, result, changes);
	if (r == 0)
		r = store_exec(store, SQL_ENTRY_GROW, "iii", result->size,
			result->mtime_ms * 1000000, entry.id);
	/* Watchers hear that nothing follows. */
	if (r == 0)
		changes_add(changes, entry.dir, entry.name, entry.id, NAME_CHANGED);
	return r;
}

static int end_locked(struct store *store, const struct task *old, const struct chat_end *end,
	int64_t now_ms, struct changes *changes)
{
	struct task now = {0};
	int r = task_get_locked(store, old->id, &now);

	if (r == 0 && now.state != old->state)
		r = -ESTALE;
	if (r == 0)
		r = settle_result(store, &now, end->result, changes);
	if (r == 0)
		r = step_all(store, end, old->id, now_ms, changes);
	if (r == 0 && end->record)
		r = store_exec(
			store, SQL_TASK_SET_RECORD, "bi", end->record, end->record_len, old->id);
	if (r == 0 && end->reply)
		r = store_exec(store, SQL_TURN_REPLY, "si", end->reply, old->id);
	if (r == 0)
		r = store_exec(store, SQL_STREAM_DELETE, "i", old->id);
	task_finish(&now);
	return r;
}

int store_chat_end(struct store *store, const struct task *old, const struct chat_end *end,
	int64_t now_ms, struct changes *changes)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, end_locked(store, old, end, now_ms, changes));
}

/* ---- turns ---- */

void turn_finish(struct turn *turn)
{
	if (!turn)
		return;
	free(turn->prompt);
	free(turn->reply);
	free(turn->images);
	*turn = (struct turn){0};
}

int store_turn_list(struct store *store, uint64_t dir, int64_t after, struct turn *out, int max)
{
	int n = 0, r;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_TURN_LIST);
	r = store_bind(store, s, "iii", (int64_t)dir, after, (int64_t)max);
	while (r >= 0 && n < max && (r = store_step(store, s)) > 0) {
		out[n] = (struct turn){
			.task = sqlite3_column_int64(s, 0),
			.prompt = store_column(s, 1),
			.reply = store_column(s, 2),
			.result = sqlite3_column_int(s, 4),
			.images = store_column(s, 5),
		};
		if (task_state_from((const char *)sqlite3_column_text(s, 3), &out[n].state) < 0)
			r = -EIO;
		if (!out[n++].prompt)
			r = -ENOMEM;
	}
	if (s)
		sqlite3_reset(s);
	store_unlock(store);
	while (r < 0 && n > 0)
		turn_finish(&out[--n]);
	return r < 0 ? r : n;
}

static int active_locked(struct store *store, uint64_t dir, int64_t but, int64_t *task)
{
	sqlite3_stmt *s = store_statement(store, SQL_TURN_ACTIVE);
	int r = store_bind(store, s, "ii", (int64_t)dir, but);

	if (r == 0)
		r = one_row(store, s, task, NULL);
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int store_turn_active(struct store *store, uint64_t dir, int64_t but, int64_t *task)
{
	store_lock(store);
	int r = active_locked(store, dir, but, task);
	store_unlock(store);
	return r;
}

int store_turn_dir(struct store *store, int64_t task, uint64_t *dir)
{
	store_lock(store);
	int r = turn_dir_locked(store, task, dir);
	store_unlock(store);
	return r;
}

int turn_check_locked(struct store *store, uint64_t dir)
{
	int64_t task;
	int r = active_locked(store, dir, 0, &task);

	return r == 0 ? -EBUSY : r == -ENOENT ? 0 : r;
}

int turn_alone_locked(struct store *store, int64_t task)
{
	int64_t other;
	uint64_t dir;
	int r = turn_dir_locked(store, task, &dir);

	if (r == 0)
		r = active_locked(store, dir, task, &other);
	return r == 0 ? -EBUSY : r == -ENOENT ? 0 : r;
}

int turn_end_locked(struct store *store, const struct task *task, struct changes *changes)
{
	struct entry prompt;
	uint64_t dir;
	int r = turn_dir_locked(store, task->id, &dir);

	if (r == 0)
		r = entry_lookup_locked(store, dir, task->name, &prompt);
	if (r == 0)
		r = error_clear_locked(store, &prompt, changes);
	return r == -ENOENT ? 0 : r;
}

/* Unless the folder has it already, under whatever name. */
static int want_part(
	struct store *store, uint64_t dir, int part, int64_t now_ms, struct changes *changes)
{
	const char *stem = talk_names[part][0];
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_TALK);
	int64_t have;
	int r = store_bind(store, s, "ii", (int64_t)dir, (int64_t)part);

	if (r == 0)
		r = one_row(store, s, &have, NULL);
	if (r != 0)
		return r < 0 ? r : 0;
	const struct generated what = {
		.dir = dir,
		.stem = stem,
		.stem_len = (int)strlen(stem),
		.extension = talk_names[part][1],
		.kind = ENTRY_TALK,
		.index = part,
		.mtime_ms = now_ms,
	};
	return entry_generate_locked(store, &what, changes, NULL);
}

int turn_put_locked(struct store *store, const struct entry *entry, int64_t task,
	const char *prompt, const char *images, int64_t now_ms, struct changes *changes)
{
	int r = store_exec(
		store, SQL_TURN_INSERT, "iiss", task, (int64_t)entry->dir, prompt, images);

	for (int part = TALK_REPLY; part < TALK_END && r == 0; part++)
		r = want_part(store, entry->dir, part, now_ms, changes);
	return r;
}
