/* Rows of results. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/request.h"
#include "store_private.h"

void result_finish(struct result *result)
{
	if (!result)
		return;
	free(result->value);
	free(result->label);
	free(result->etag);
	*result = (struct result){0};
}

static void copy_text(sqlite3_stmt *s, int column, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	snprintf(out, size, "%s", text ? text : "");
}

static void read_result(sqlite3_stmt *s, struct result *out)
{
	*out = (struct result){
		.task = sqlite3_column_int64(s, 0),
		.index = sqlite3_column_int(s, 1),
		.kind = sqlite3_column_int(s, 2),
		.value = store_column(s, 3),
		.label = store_column(s, 4),
		.whole = sqlite3_column_int(s, 5),
		.removed = sqlite3_column_int(s, 6),
		.attempts = sqlite3_column_int(s, 7),
		.due_ms = sqlite3_column_int64(s, 8),
		.etag = store_column(s, 9),
		.size = sqlite3_column_int64(s, 12),
		.mtime_ms = sqlite3_column_int64(s, 14),
		.entry = sqlite3_column_int64(s, 15),
	};
	copy_text(s, 10, out->extension, sizeof(out->extension));
	copy_text(s, 11, out->mime, sizeof(out->mime));
	copy_text(s, 13, out->sha256, sizeof(out->sha256));
}

static int read_results(struct store *store, sqlite3_stmt *s, struct result *out, int max)
{
	int n = 0, r = 0;

	while (n < max && (r = store_step(store, s)) > 0) {
		read_result(s, &out[n]);
		if (!out[n++].value) {
			r = -ENOMEM;
			break;
		}
	}
	if (r < 0)
		while (n > 0)
			result_finish(&out[--n]);
	return r < 0 ? r : n;
}

int store_result_due(struct store *store, int64_t now_ms, struct result *out, int max)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_RESULT_DUE);
	int r = store_bind(store, s, "ii", now_ms, (int64_t)max);
	if (r == 0)
		r = read_results(store, s, out, max);
	store_unlock(store);
	return r;
}

static int get_locked(struct store *store, int64_t task, int index, struct result *out)
{
	sqlite3_stmt *s = store_statement(store, SQL_RESULT_GET);
	int r = store_bind(store, s, "ii", task, (int64_t)index);

	if (r == 0)
		r = read_results(store, s, out, 1);
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int store_result_get(struct store *store, int64_t task, int index, struct result *out)
{
	store_lock(store);
	int r = get_locked(store, task, index, out);
	store_unlock(store);
	return r;
}

int store_result_list(struct store *store, int64_t task, struct result *out, int max)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_RESULT_LIST);
	int r = store_bind(store, s, "ii", task, (int64_t)max);
	if (r == 0)
		r = read_results(store, s, out, max);
	store_unlock(store);
	return r;
}

int store_result_copied(struct store *store, const char *model, const char *name, const char *sha)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_RESULT_COPIED);
	int r = store_bind(store, s, "sss", sha, model, name);
	if (r == 0)
		r = store_step(store, s);
	if (s)
		sqlite3_reset(s);
	store_unlock(store);
	return r;
}

int store_result_retry(struct store *store, int64_t task, int index, int64_t due_ms, int attempts,
	const char *etag)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, store_exec(store, SQL_RESULT_RETRY, "iisii", due_ms,
					(int64_t)attempts, etag, task, (int64_t)index));
}

static int count_rows(struct store *store, enum statement which, int64_t task, int64_t *out)
{
	sqlite3_stmt *s = store_statement(store, which);
	int r = store_bind(store, s, "i", task);

	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		*out = sqlite3_column_int64(s, 0);
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : 0;
}

/*
 * Beside the request: `name.png`; of several `name-1.png`, `name-2.png`; a labelled one
 * `name-firstframe.png`. A later run of the same name goes on counting from 2.
 */
int result_name_locked(struct store *store, const struct task *task, const struct result *result,
	const char *label, struct changes *changes)
{
	char stem[ENTRY_NAME_MAX + 64];
	struct entry request, taken;
	int64_t several = 0, id = 0;
	int first = 0, r;

	/* By name: it may hold a newer version by now, and this one was paid for all the same. */
	r = task->attached ? entry_lookup_locked(store, task->dir, task->name, &request) : -ENOENT;
	if (r < 0 || request.kind != ENTRY_FILE)
		return r == -ENOENT ? 0 : r;
	r = count_rows(store, SQL_RESULT_COUNT, task->id, &several);
	if (r < 0)
		return r;
	int stem_len = (int)request_stem_length(task->name);
	if (label)
		stem_len = snprintf(stem, sizeof(stem), "%.*s-%s", stem_len, task->name, label);
	else
		stem_len = snprintf(stem, sizeof(stem), "%.*s", stem_len, task->name);
	if (!label && several > 1) {
		first = result->index;
	} else {
		char name[ENTRY_NAME_MAX + 1];
		entry_generated_name(stem, stem_len, 0, result->extension, name);
		r = entry_lookup_locked(store, task->dir, name, &taken);
		if (r == 0 && taken.kind == ENTRY_RESULT)
			first = 2;
		else if (r < 0 && r != -ENOENT)
			return r;
	}
	const struct generated what = {.dir = task->dir,
		.stem = stem,
		.stem_len = stem_len,
		.extension = result->extension,
		.first = first,
		.kind = ENTRY_RESULT,
		.task = task->id,
		.owner = request.id,
		.index = result->index,
		.size = result->size,
		.mtime_ms = result->mtime_ms};
	r = entry_generate_locked(store, &what, changes, &id);
	if (r == 0)
		r = store_exec(
			store, SQL_RESULT_ENTRY, "iii", id, task->id, (int64_t)result->index);
	return r;
}

static int done_locked(
	struct store *store, const struct result *result, int64_t now_ms, struct changes *changes)
{
	const struct task_event fetched = {
		.kind = EVENT_FETCHED, .progress = -1, .credits = -1, .wait_ms = -1};
	struct task task = {0};
	struct result row = {0};
	char line[160];
	int64_t missing = 0;
	int r = store_exec(store, SQL_RESULT_WHOLE, "ssisiii", result->extension, result->mime,
		result->size, result->sha256, result->mtime_ms, result->task,
		(int64_t)result->index);

	if (r == 0 && store_changed(store) == 0)
		r = -ESTALE;
	if (r == 0)
		r = task_get_locked(store, result->task, &task);
	if (r == 0)
		r = get_locked(store, result->task, result->index, &row);
	if (r == 0)
		r = result_name_locked(store, &task, result, row.label, changes);
	if (r == 0) {
		snprintf(line, sizeof(line), "result %d: %s, %lld bytes", result->index,
			result->mime, (long long)result->size);
		r = log_locked(store, result->task, now_ms, line);
	}
	if (r == 0)
		r = count_rows(store, SQL_RESULT_MISSING, result->task, &missing);
	if (r == 0 && missing == 0 && task.state == TASK_FETCHING)
		r = task_event_locked(store, result->task, &fetched, now_ms, "done", changes);
	if (r == 0 && changes)
		changes->task = result->task;
	task_finish(&task);
	result_finish(&row);
	return r;
}

int store_result_done(
	struct store *store, const struct result *result, int64_t now_ms, struct changes *changes)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, done_locked(store, result, now_ms, changes));
}
