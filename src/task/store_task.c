/* Rows of tasks: reading, listing, and the one guarded write. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/protocol.h"
#include "kiefs/request.h"
#include "store_private.h"

int task_get_locked(struct store *store, int64_t id, struct task *out)
{
	sqlite3_stmt *s = store_statement(store, SQL_TASK_GET);
	struct task task = {0};
	int r = store_bind(store, s, "i", id);

	if (r == 0)
		r = store_step(store, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (task_state_from((const char *)sqlite3_column_text(s, 1), &task.state) < 0 ||
		task_hold_from((const char *)sqlite3_column_text(s, 2), &task.hold) < 0) {
		sqlite3_reset(s);
		return -EIO;
	}
	task.id = id;
	task.model = store_column(s, 3);
	task.dir = (uint64_t)sqlite3_column_int64(s, 4);
	task.name = store_column(s, 5);
	task.attached = sqlite3_column_int(s, 6);
	task.source_sha = store_column(s, 7);
	task.remote_id = store_column(s, 8);
	task.remote_state = store_column(s, 9);
	task.progress = sqlite3_column_int(s, 10);
	task.attempts = sqlite3_column_int(s, 11);
	task.due_ms = sqlite3_column_int64(s, 12);
	task.created_ms = sqlite3_column_int64(s, 13);
	task.submitted_ms = sqlite3_column_int64(s, 14);
	task.ended_ms = sqlite3_column_int64(s, 15);
	task.estimate = sqlite3_column_double(s, 16);
	task.credits = sqlite3_column_double(s, 17);
	task.error = store_column(s, 18);
	sqlite3_reset(s);
	if (!task.model || !task.name || !task.source_sha) {
		task_finish(&task);
		return -ENOMEM;
	}
	*out = task;
	return 0;
}

int store_task_get(struct store *store, int64_t id, struct task *out)
{
	store_lock(store);
	int r = task_get_locked(store, id, out);
	store_unlock(store);
	return r;
}

static int read_blob(struct store *store, enum statement which, int64_t id, struct buf *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, which);
	int r = store_bind(store, s, "i", id);
	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		buf_add(out, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));
	store_unlock(store);
	return r < 0 ? r : r == 1 ? out->error : -ENOENT;
}

int store_task_body(struct store *store, int64_t id, struct buf *out)
{
	return read_blob(store, SQL_TASK_BODY, id, out);
}

int store_task_record(struct store *store, int64_t id, struct buf *out)
{
	return read_blob(store, SQL_TASK_RECORD, id, out);
}

int store_one_number(struct store *store, sqlite3_stmt *s, int64_t none, int64_t *out)
{
	int r = store_step(store, s);

	if (r < 0)
		return r;
	*out = r == 1 && sqlite3_column_type(s, 0) != SQLITE_NULL ? sqlite3_column_int64(s, 0)
								  : none;
	return 0;
}

int store_task_latest(struct store *store, int64_t *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_TASK_LATEST);
	int r = s ? store_one_number(store, s, 0, out) : -EIO;
	store_unlock(store);
	return r;
}

static int number_of_state(struct store *store, enum statement which, enum task_state state,
	int64_t none, int64_t *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, which);
	int r = store_bind(store, s, "s", task_state_name(state));
	if (r == 0)
		r = store_one_number(store, s, none, out);
	store_unlock(store);
	return r;
}

int store_task_count(struct store *store, enum task_state state, int64_t *out)
{
	return number_of_state(store, SQL_TASK_COUNT, state, 0, out);
}

int store_task_next_due(struct store *store, enum task_state state, int64_t *due_ms)
{
	return number_of_state(store, SQL_TASK_NEXT_DUE, state, INT64_MAX, due_ms);
}

bool task_in_group(enum task_state state, enum task_group group)
{
	switch (state) {
	case TASK_STAGED:
	case TASK_QUEUED:
	case TASK_UPLOADING:
	case TASK_SUBMITTING:
	case TASK_RUNNING:
	case TASK_FETCHING:
		return group == GROUP_ALL || group == GROUP_ACTIVE;
	case TASK_INCOMPLETE:
	case TASK_HELD:
	case TASK_UNCERTAIN:
		return group == GROUP_ALL || group == GROUP_HELD;
	case TASK_DONE:
		return group == GROUP_ALL || group == GROUP_DONE;
	case TASK_FAILED:
	case TASK_LOST:
	case TASK_CANCELLED:
		return group == GROUP_ALL || group == GROUP_FAILED;
	case TASK_STATE_COUNT:
		break;
	}
	return false;
}

int store_read_ids(struct store *store, sqlite3_stmt *s, int64_t *ids, int max)
{
	int n = 0, r = 0;

	while (n < max && (r = store_step(store, s)) > 0)
		ids[n++] = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return r < 0 ? r : n;
}

/* Merges ascending numbers of one state into what is there, keeping the smallest `max`. */
static int merge_ids(int64_t *ids, int have, const int64_t *more, int count, int max)
{
	for (int i = 0; i < count; i++) {
		int at = have;
		while (at > 0 && ids[at - 1] > more[i])
			at--;
		if (at >= max)
			continue;
		int tail = have < max ? have - at : max - 1 - at;
		memmove(&ids[at + 1], &ids[at], (size_t)tail * sizeof(*ids));
		ids[at] = more[i];
		if (have < max)
			have++;
	}
	return have;
}

int store_task_list(
	struct store *store, enum task_group group, int64_t after, int64_t *ids, int max)
{
	int64_t more[128];
	int n = 0, r;

	if (max > 128)
		max = 128;
	store_lock(store);
	if (group == GROUP_ALL) {
		sqlite3_stmt *s = store_statement(store, SQL_TASK_LIST_ALL);
		r = store_bind(store, s, "ii", after, (int64_t)max);
		if (r == 0)
			n = r = store_read_ids(store, s, ids, max);
	} else {
		r = 0;
		for (int state = 0; state < TASK_STATE_COUNT && r >= 0; state++) {
			if (!task_in_group((enum task_state)state, group))
				continue;
			sqlite3_stmt *s = store_statement(store, SQL_TASK_LIST_STATE);
			r = store_bind(store, s, "sii", task_state_name((enum task_state)state),
				after, (int64_t)max);
			if (r == 0)
				r = store_read_ids(store, s, more, max);
			if (r > 0)
				n = merge_ids(ids, n, more, r, max);
		}
	}
	store_unlock(store);
	return r < 0 ? r : n;
}

int store_task_counts(struct store *store, int64_t counts[TASK_STATE_COUNT])
{
	enum task_state state;
	int r;

	memset(counts, 0, TASK_STATE_COUNT * sizeof(counts[0]));
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_TASK_COUNTS);
	r = s ? 0 : -EIO;
	while (r >= 0 && (r = store_step(store, s)) > 0)
		if (task_state_from((const char *)sqlite3_column_text(s, 0), &state) == 0)
			counts[state] = sqlite3_column_int64(s, 1);
	store_unlock(store);
	return r;
}

int store_task_due(
	struct store *store, enum task_state state, int64_t now_ms, int64_t *ids, int max)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_TASK_DUE);
	int r = store_bind(store, s, "sii", task_state_name(state), now_ms, (int64_t)max);
	if (r == 0)
		r = store_read_ids(store, s, ids, max);
	store_unlock(store);
	return r;
}

int task_write_locked(struct store *store, const struct task *next, enum task_state from)
{
	int r = store_exec(store, SQL_TASK_UPDATE, "ssssiiiiidsis", task_state_name(next->state),
		task_hold_name(next->hold), next->remote_id, next->remote_state,
		(int64_t)next->progress, (int64_t)next->attempts, next->due_ms, next->submitted_ms,
		next->ended_ms, next->credits, next->error, next->id, task_state_name(from));

	if (r < 0)
		return r;
	return store_changed(store) == 1 ? 0 : -ESTALE;
}

int task_entry_locked(struct store *store, const struct task *task, int64_t *entry)
{
	*entry = 0;
	if (!task->attached)
		return 0;
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_OF_TASK);
	int r = store_bind(store, s, "iis", task->id, (int64_t)task->dir, task->name);
	if (r == 0)
		r = store_one_number(store, s, 0, entry);
	if (s)
		sqlite3_reset(s);
	return r;
}

/* The name of this kind that stands for the task; id 0 when it has none. */
static int own_name(struct store *store, int64_t task, enum entry_kind kind, struct entry *out)
{
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_STATUS_OF);
	int r = store_bind(store, s, "ii", task, (int64_t)kind);

	out->id = 0;
	if (r == 0)
		r = store_step(store, s);
	if (r == 1) {
		out->id = sqlite3_column_int64(s, 0);
		out->dir = (uint64_t)sqlite3_column_int64(s, 1);
		snprintf(out->name, sizeof(out->name), "%s",
			(const char *)sqlite3_column_text(s, 2));
	}
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : 0;
}

static int want_name(struct store *store, const struct task *task, enum entry_kind kind,
	const char *text, int64_t now_ms, struct changes *changes)
{
	struct entry have;
	int64_t request = 0;
	int r = own_name(store, task->id, kind, &have);

	if (r == 0)
		r = task_entry_locked(store, task, &request);
	if (r < 0)
		return r;
	int64_t size = text ? (int64_t)strlen(text) : 0;
	/* The request may be another file by now: an editor keeps the old one as its backup. */
	if (have.id && text)
		changes_add(changes, have.dir, have.name, have.id, NAME_CHANGED);
	if (have.id)
		return store_exec(store, SQL_ENTRY_ERROR_TEXT, "siiiii", text, size,
			now_ms * 1000000, request, task->id, have.id);
	if (!request)
		return 0;
	const struct generated what = {.dir = task->dir,
		.stem = task->name,
		.stem_len = (int)request_stem_length(task->name),
		.extension = kind == ENTRY_STATUS ? "status" : "error",
		.kind = kind,
		.task = task->id,
		.owner = request,
		.size = size,
		.mtime_ms = now_ms,
		.text = text};
	return entry_generate_locked(store, &what, changes, NULL);
}

static int drop_name(
	struct store *store, int64_t task, enum entry_kind kind, struct changes *changes)
{
	struct entry have;
	int r = own_name(store, task, kind, &have);

	if (r == 0 && have.id)
		r = entry_delete_locked(store, &have, changes);
	return r;
}

int task_names_locked(
	struct store *store, const struct task *task, int64_t now_ms, struct changes *changes)
{
	char advice[TASK_TEXT_SIZE], *text = NULL;
	bool tells = task->error && (task->state == TASK_FAILED || task->state == TASK_LOST ||
					    task->state == TASK_UNCERTAIN ||
					    task->state == TASK_HELD || task->state == TASK_DONE);
	int r = task_is_final(task->state)
			? drop_name(store, task->id, ENTRY_STATUS, changes)
			: want_name(store, task, ENTRY_STATUS, NULL, now_ms, changes);

	if (r < 0)
		return r;
	if (!tells)
		return drop_name(store, task->id, ENTRY_ERROR, changes);
	task_advice(task, advice, sizeof(advice));
	if (asprintf(&text, "%s\n%s", task->error, advice) < 0)
		return -ENOMEM;
	r = want_name(store, task, ENTRY_ERROR, text, now_ms, changes);
	free(text);
	return r;
}

int task_base_locked(struct store *store, int64_t task, int64_t *base)
{
	sqlite3_stmt *s = store_statement(store, SQL_TASK_BASE);
	int r = store_bind(store, s, "i", task);

	if (r == 0)
		r = store_one_number(store, s, 0, base);
	if (s)
		sqlite3_reset(s);
	return r;
}

int store_task_base(struct store *store, int64_t id, int *out)
{
	int64_t base = 0;

	store_lock(store);
	int r = task_base_locked(store, id, &base);
	store_unlock(store);
	if (r == 0)
		*out = (int)base;
	return r;
}

/* Results of this run are numbered after those of earlier ones, which stay. */
static int put_results(
	struct store *store, int64_t task, const struct task_update *update, int64_t now_ms)
{
	int64_t base = 0;
	int r = task_base_locked(store, task, &base);

	for (size_t i = 0; r == 0 && i < update->result_count; i++) {
		int number = update->results[i].number;
		int64_t index = base + (number ? number : (int)i + 1);

		if (index > RESULTS_MAX)
			return log_locked(store, task, now_ms,
				"more results than a task may have here: the rest stands in "
				"record.json");
		r = store_exec(store, SQL_RESULT_PUT, "iiissi", task, index,
			(int64_t)update->results[i].kind, update->results[i].value,
			update->results[i].label, now_ms);
	}
	return r;
}

/* What a change of state means for results that are not on disk. */
static int settle_results(struct store *store, const struct task *old, const struct task *next)
{
	int r = 0;

	if (old->state == next->state)
		return 0;
	/* Dead links are for the fresh record to mend. */
	if (next->state == TASK_LOST ||
		(old->state == TASK_FETCHING && next->state == TASK_RUNNING))
		return store_exec(store, SQL_RESULT_PARK, "i", next->id);
	if (old->state == TASK_LOST && next->state == TASK_RUNNING)
		return store_exec(store, SQL_RESULT_RESET, "i", next->id);
	if (task_is_final(old->state) && next->state == TASK_QUEUED) {
		/* No number is used twice: a late download of the old run finds no row. */
		r = store_exec(store, SQL_TASK_SET_BASE, "i", next->id);
		if (r == 0)
			r = store_exec(store, SQL_RESULT_FORGET, "i", next->id);
		if (r == 0)
			r = store_exec(store, SQL_INPUT_FORGET, "i", next->id);
	}
	return r;
}

/* Whether those that wait for a task must be looked at. */
static bool moves_children(enum task_state state)
{
	return state == TASK_FETCHING || (task_is_final(state) && state != TASK_UNCERTAIN);
}

/* What somebody should look at: a task that has ended without its result. */
static enum say_level task_log_level(const struct task *old, const struct task *next)
{
	bool ended = old->state != next->state && task_is_final(next->state);

	return ended && next->state != TASK_DONE && next->state != TASK_CANCELLED ? SAY_WARNING
										  : SAY_INFO;
}

static bool counts(enum task_state state)
{
	return state == TASK_SUBMITTING || state == TASK_HELD;
}

/* Whether what was spent, or what waits for a limit, may be another sum. */
static bool is_money(const struct task *old, const struct task *next)
{
	bool moved = old->state != next->state;

	return old->credits != next->credits ||
	       (moved && (counts(old->state) || counts(next->state)));
}

int task_apply_locked(struct store *store, const struct task *old, const struct task *next,
	const struct task_update *update, int64_t now_ms, struct changes *changes)
{
	int r = task_write_locked(store, next, old->state);

	if (r == 0)
		r = settle_results(store, old, next);
	if (r == 0 && update && update->result_count)
		r = put_results(store, next->id, update, now_ms);
	if (r == 0 && update && update->record)
		r = store_exec(store, SQL_TASK_SET_RECORD, "bi", update->record, update->record_len,
			next->id);
	if (r == 0 && update && update->log)
		r = log_level_locked(
			store, task_log_level(old, next), next->id, now_ms, update->log);
	if (r == 0 && old->state != next->state && task_is_final(next->state))
		r = turn_end_locked(store, next, changes);
	if (r == 0 && (old->state != next->state || old->error != next->error))
		r = task_names_locked(store, next, now_ms, changes);
	if (r == 0 && old->state != next->state && moves_children(next->state))
		r = lack_parent_locked(store, next->id, now_ms, changes);
	if (r == 0 && changes)
		changes->task = next->id;
	if (r == 0 && changes && is_money(old, next))
		changes->account |= CHANGED_SPEND;
	return r;
}

int store_task_apply(struct store *store, const struct task *old, const struct task *next,
	const struct task_update *update, int64_t now_ms, struct changes *changes)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = update && update->alone ? turn_alone_locked(store, next->id) : 0;
	if (r == 0)
		r = task_apply_locked(store, old, next, update, now_ms, changes);
	return store_end(store, r);
}

int task_event_locked(struct store *store, int64_t id, const struct task_event *event,
	int64_t now_ms, const char *log, struct changes *changes)
{
	const struct task_update update = {.log = log};
	struct task task = {0}, next;
	int r = task_get_locked(store, id, &task);

	if (r == 0)
		r = task_step(&task, event, now_ms, &next);
	if (r == 0)
		r = task_apply_locked(store, &task, &next, &update, now_ms, changes);
	task_finish(&task);
	return r;
}

int store_due_model(struct store *store, const char *model, int64_t due_ms)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, store_exec(store, SQL_TASK_EARLIER_MODEL, "is", due_ms, model));
}

int store_due_by(struct store *store, int64_t due_ms)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = store_exec(store, SQL_TASK_EARLIER, "i", due_ms);
	if (r == 0)
		r = store_exec(store, SQL_RESULT_EARLIER, "i", due_ms);
	if (r == 0)
		r = store_exec(store, SQL_OUTGOING_EARLIER, "i", due_ms);
	return store_end(store, r);
}

#define RESUME_AT_ONCE 200

/* Up to RESUME_AT_ONCE tasks after `*id`, in one transaction: others want to write as well. */
static int resume_some(struct store *store, enum task_hold hold, int64_t now_ms, int64_t *id)
{
	const struct task_event resume = {
		.kind = EVENT_RESUME, .progress = -1, .credits = -1, .wait_ms = -1};
	int count = 0, r = store_begin(store);

	if (r < 0)
		return r;
	while (count < RESUME_AT_ONCE) {
		sqlite3_stmt *s = store_statement(store, SQL_TASK_HELD);
		r = store_bind(store, s, "si", task_hold_name(hold), *id);
		if (r == 0)
			r = store_one_number(store, s, 0, id);
		if (s)
			sqlite3_reset(s);
		if (r < 0 || *id == 0)
			break;
		r = task_event_locked(store, *id, &resume, now_ms, "resumed", NULL);
		if (r < 0)
			break;
		count++;
	}
	r = store_end(store, r);
	return r < 0 ? r : count;
}

int store_task_resume(struct store *store, enum task_hold hold, int64_t now_ms)
{
	int64_t id = 0;
	int count = 0, r;

	do {
		r = resume_some(store, hold, now_ms, &id);
		if (r > 0)
			count += r;
	} while (r == RESUME_AT_ONCE);
	return r < 0 ? r : count;
}
