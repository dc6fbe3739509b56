/* From checked bytes to a task: stage, commit, reject, recover. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/media.h"
#include "kiefs/request.h"
#include "store_private.h"

static const struct task_event plain_event = {.progress = -1, .credits = -1, .wait_ms = -1};

int stage_locked(struct store *store, const struct stage *stage)
{
	int r = store_exec(store, SQL_STAGE_DELETE, "i", stage->entry);

	if (r == 0)
		r = store_exec(store, SQL_STAGE_INSERT, "issdsbssiss", stage->entry, stage->model,
			stage->source_sha, stage->estimate, stage->warnings, stage->body,
			stage->body_len, stage->inputs_sha ? stage->inputs_sha : "", stage->lacks,
			(int64_t)stage->dropped, stage->prompt, stage->images);
	return r < 0 ? r : input_stage_locked(store, stage);
}

int store_stage(struct store *store, const struct stage *stage)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, stage_locked(store, stage));
}

int store_unstage(struct store *store, int64_t entry)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, store_exec(store, SQL_STAGE_DELETE, "i", entry));
}

struct staged {
	char *model, *sha, *warnings, *inputs_sha, *lacks;
	bool dropped;
	char *prompt; /* a turn's text; NULL: no turn */
	char *images;
	double estimate;
};

static void staged_finish(struct staged *staged)
{
	free(staged->model);
	free(staged->sha);
	free(staged->warnings);
	free(staged->prompt);
	free(staged->images);
	free(staged->inputs_sha);
	free(staged->lacks);
}

static int staged_get(struct store *store, int64_t entry, struct staged *out)
{
	sqlite3_stmt *s = store_statement(store, SQL_STAGE_GET);
	int r = store_bind(store, s, "i", entry);

	if (r == 0)
		r = store_step(store, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*out = (struct staged){.model = store_column(s, 0),
		.sha = store_column(s, 1),
		.estimate = sqlite3_column_double(s, 2),
		.warnings = store_column(s, 3),
		.inputs_sha = store_column(s, 4),
		.lacks = store_column(s, 5),
		.dropped = sqlite3_column_int(s, 6),
		.prompt = store_column(s, 7),
		.images = store_column(s, 8)};
	sqlite3_reset(s);
	return out->model && out->sha && out->inputs_sha ? 0 : -ENOMEM;
}

/* What may stand for an entry already: the task it has, wherever it was moved, and the last one of
 * its directory and name; 0: none. */
static int earlier_tasks(struct store *store, const struct entry *entry, int64_t out[2])
{
	sqlite3_stmt *s = store_statement(store, SQL_TASK_PREVIOUS);
	int r = store_bind(store, s, "is", (int64_t)entry->dir, entry->name);

	if (r == 0)
		r = store_step(store, s);
	out[0] = entry->task;
	out[1] = r == 1 ? sqlite3_column_int64(s, 0) : 0;
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : 0;
}

/* A file that has yet to arrive makes no other request of the same bytes. */
static int same_inputs(struct store *store, int64_t task, const struct staged *staged)
{
	sqlite3_stmt *s = store_statement(store, SQL_TASK_INPUTS_SHA);
	int r = store_bind(store, s, "i", task);

	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		r = strcmp(staged->inputs_sha, INPUTS_UNKNOWN) == 0 ||
		    strcmp((const char *)sqlite3_column_text(s, 0), staged->inputs_sha) == 0;
	if (s)
		sqlite3_reset(s);
	return r;
}

/* The earlier task that stands for these very bytes; 0: none. A cancelled one cost nothing and does
 * not count. */
static int same_task(
	struct store *store, const int64_t earlier[2], const struct staged *staged, int64_t *out)
{
	struct task task = {0};
	int r = 0;

	*out = 0;
	for (int i = 0; i < 2 && r >= 0 && *out == 0; i++) {
		if (earlier[i] == 0)
			continue;
		r = task_get_locked(store, earlier[i], &task);
		if (r == 0 && task.state != TASK_CANCELLED &&
			strcmp(task.source_sha, staged->sha) == 0 &&
			strcmp(task.model, staged->model) == 0)
			r = task.state == TASK_INCOMPLETE ? 1 : same_inputs(store, task.id, staged);
		if (r == 1)
			*out = task.id;
		task_finish(&task);
		if (r == -ENOENT)
			r = 0;
	}
	return r < 0 ? r : 0;
}

/* The error that stands for the file `entry` (0: removed), or for its name. -ENOENT: none does. */
static int find_error(struct store *store, int64_t entry, uint64_t dir, const char *name,
	int stem_len, struct entry *out)
{
	char error_name[ENTRY_NAME_MAX + 1];
	struct entry found;

	entry_generated_name(name, stem_len, 0, "error", error_name);
	int r = entry_lookup_locked(store, dir, error_name, &found);
	if (r == 0 && found.kind == ENTRY_ERROR)
		*out = found;
	if (r < 0 && r != -ENOENT)
		return r;
	/* Another file may have had that name first. */
	return r == 0 && found.kind == ENTRY_ERROR ? 0 : entry_error_locked(store, entry, out);
}

int error_clear_locked(struct store *store, const struct entry *entry, struct changes *changes)
{
	struct entry error;
	int r = find_error(store, entry->id, entry->dir, entry->name,
		(int)request_stem_length(entry->name), &error);

	if (r == 0)
		r = entry_delete_locked(store, &error, changes);
	return r == -ENOENT ? 0 : r;
}

static int log_warnings(struct store *store, int64_t task, const char *warnings, int64_t now_ms)
{
	int r = 0;

	while (r == 0 && warnings && *warnings) {
		size_t n = strcspn(warnings, "\n");
		char *line = NULL;
		if (asprintf(&line, "warning: %.*s", (int)n, warnings) < 0)
			return -ENOMEM;
		r = log_locked(store, task, now_ms, line);
		free(line);
		warnings += n + (warnings[n] != '\0');
	}
	return r;
}

static int new_task(struct store *store, const struct entry *entry, const struct staged *staged,
	int64_t now_ms, int64_t *id, struct changes *changes)
{
	struct task_event commit = plain_event;
	char line[ENTRY_NAME_MAX + 128];

	commit.kind = staged->lacks ? EVENT_LACK : EVENT_COMMIT;
	commit.text = staged->lacks;
	int r = store_exec(store, SQL_TASK_INSERT, "isii", (int64_t)entry->dir, entry->name, now_ms,
		entry->id);
	if (r < 0)
		return r;
	*id = sqlite3_last_insert_rowid(store->db);
	r = store_exec(store, SQL_INPUT_COMMIT, "ii", *id, entry->id);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "%s: %s, committed%s", staged->model, entry->name,
		staged->lacks ? ", but incomplete" : "");
	r = task_event_locked(store, *id, &commit, now_ms, line, changes);
	if (r == 0)
		r = log_warnings(store, *id, staged->warnings, now_ms);
	/* What it waits for may have moved since it was checked. */
	if (r == 0 && staged->lacks)
		r = lack_settle_locked(store, *id, now_ms, changes);
	return r;
}

/* An incomplete task becomes what is staged; any other stays as it is. */
static int complete_task(struct store *store, const struct entry *entry,
	const struct staged *staged, int64_t now_ms, int64_t id, bool *fresh,
	struct changes *changes)
{
	struct task_event lack = plain_event;
	struct task task = {0};
	int r = task_get_locked(store, id, &task);
	bool incomplete = r == 0 && task.state == TASK_INCOMPLETE;

	task_finish(&task);
	if (r < 0 || !incomplete)
		return r;
	r = store_exec(store, SQL_TASK_COMPLETE, "ii", id, entry->id);
	if (r == 0)
		r = store_exec(store, SQL_INPUT_DELETE, "i", id);
	if (r == 0)
		r = store_exec(store, SQL_INPUT_COMMIT, "ii", id, entry->id);
	lack.kind = EVENT_LACK;
	lack.text = staged->lacks;
	if (r == 0 && staged->lacks)
		r = task_event_locked(store, id, &lack, now_ms, NULL, changes);
	if (r == 0)
		r = lack_settle_locked(store, id, now_ms, changes);
	*fresh = true;
	return r;
}

/*
 * The version before this one is not sent any more when it was only waiting for something (a key,
 * credits, a file), or when its request now stands in another model's directory. One that is
 * queued goes out: it is a request of its own.
 */
static int cancel_replaced(struct store *store, int64_t id, const struct staged *staged,
	int64_t now_ms, struct changes *changes)
{
	struct task_event cancel = plain_event;
	struct task task = {0};
	int r = id ? task_get_locked(store, id, &task) : -ENOENT;

	cancel.kind = EVENT_CANCEL;
	if (r == 0 && task_is_unsent(task.state) &&
		(task.state == TASK_HELD || task.state == TASK_INCOMPLETE ||
			strcmp(task.model, staged->model) != 0))
		r = task_event_locked(store, id, &cancel, now_ms,
			"cancelled: the request was changed before it was sent", changes);
	task_finish(&task);
	return r == -ENOENT ? 0 : r;
}

static int commit_locked(struct store *store, int64_t entry_id, int64_t now_ms, int64_t *task,
	bool *fresh, struct changes *changes)
{
	struct staged staged = {0};
	struct entry entry;
	int64_t earlier[2] = {0}, id = 0;
	int r = staged_get(store, entry_id, &staged);

	if (r < 0)
		goto out;
	r = entry_get_locked(store, entry_id, &entry);
	if (r == 0 && !*staged.model) {
		r = outgoing_commit_locked(
			store, &entry, *staged.sha ? staged.sha : NULL, now_ms, changes);
		if (r == 0)
			r = store_exec(store, SQL_STAGE_DELETE, "i", entry_id);
		*task = 0;
		*fresh = true;
		goto out;
	}
	/* Staged for a rename that never happened: the name is still scratch. */
	if (r == 0 && (staged.dropped ? media_of_name(entry.name) == MEDIA_NONE
				      : request_form(entry.name) == REQUEST_NONE))
		r = -ENOENT;
	if (r == 0)
		r = earlier_tasks(store, &entry, earlier);
	/* What is said twice in a conversation is said twice. */
	if (r == 0 && staged.prompt)
		r = turn_check_locked(store, entry.dir);
	else if (r == 0)
		r = same_task(store, earlier, &staged, &id);
	if (r < 0)
		goto out;
	bool made = id == 0;
	if (made)
		r = cancel_replaced(store, earlier[1], &staged, now_ms, changes);
	if (r == 0 && made && earlier[0] != earlier[1])
		r = cancel_replaced(store, earlier[0], &staged, now_ms, changes);
	if (r == 0 && made)
		r = new_task(store, &entry, &staged, now_ms, &id, changes);
	else if (r == 0)
		r = complete_task(store, &entry, &staged, now_ms, id, &made, changes);
	if (r == 0)
		r = store_exec(store, SQL_TASK_ATTACH, "i", id);
	if (r == 0 && staged.prompt)
		r = turn_put_locked(
			store, &entry, id, staged.prompt, staged.images, now_ms, changes);
	if (r == 0)
		r = store_exec(store, SQL_WANTED_CLEAR, "i", entry_id);
	if (r == 0)
		r = store_exec(store, SQL_ENTRY_SET_TASK, "ii", id, entry_id);
	if (r == 0)
		r = store_exec(store, SQL_STAGE_DELETE, "i", entry_id);
	/* A rejected version's error goes; a task's own error is put back by its state. */
	if (r == 0)
		r = error_clear_locked(store, &entry, changes);
	if (r == 0) {
		struct task row = {0};
		r = task_get_locked(store, id, &row);
		if (r == 0)
			r = task_names_locked(store, &row, now_ms, changes);
		task_finish(&row);
	}
	if (r == 0) {
		*task = id;
		*fresh = made;
	}
out:
	staged_finish(&staged);
	return r;
}

int store_commit(struct store *store, int64_t entry, int64_t now_ms, int64_t *task, bool *fresh,
	struct changes *changes)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, commit_locked(store, entry, now_ms, task, fresh, changes));
}

static bool same_text(struct store *store, int64_t entry, const char *text)
{
	sqlite3_stmt *s = store_statement(store, SQL_ENTRY_TEXT);
	bool same = store_bind(store, s, "i", entry) == 0 && store_step(store, s) == 1 &&
		    sqlite3_column_text(s, 0) &&
		    strcmp((const char *)sqlite3_column_text(s, 0), text) == 0;

	if (s)
		sqlite3_reset(s);
	return same;
}

static int log_refusal(struct store *store, const char *name, const char *text, int64_t now_ms)
{
	char *line = NULL;

	if (asprintf(&line, "%s refused: %.*s", name, (int)strcspn(text, "\n"), text) < 0)
		return -ENOMEM;
	int r = log_locked(store, 0, now_ms, line);
	free(line);
	return r;
}

int store_reject(struct store *store, int64_t entry, uint64_t dir, const char *name, int stem_len,
	const char *text, int64_t now_ms, struct changes *changes)
{
	struct entry error;
	int64_t size = (int64_t)strlen(text);
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = find_error(store, entry, dir, name, stem_len, &error);
	if (r == 0 && error.owner == entry && same_text(store, error.id, text))
		return store_end(store, 0); /* said already, by a write or an earlier close */
	if (r == 0) {
		r = store_exec(store, SQL_ENTRY_ERROR_TEXT, "siiiii", text, size, now_ms * 1000000,
			entry, (int64_t)0, error.id);
		changes_add(changes, error.dir, error.name, error.id, NAME_CHANGED);
	} else if (r == -ENOENT) {
		const struct generated what = {.dir = dir,
			.stem = name,
			.stem_len = stem_len,
			.extension = "error",
			.kind = ENTRY_ERROR,
			.owner = entry,
			.size = size,
			.mtime_ms = now_ms,
			.text = text};
		r = entry_generate_locked(store, &what, changes, NULL);
	}
	if (r == 0)
		r = log_refusal(store, name, text, now_ms);
	return store_end(store, r);
}

/* The first row of a list that only shrinks as its rows are dealt with; 0 none. */
static int64_t first_id(struct store *store, enum statement which, const char *state, int64_t after)
{
	sqlite3_stmt *s = store_statement(store, which);
	int64_t id = 0;
	int r = state ? store_bind(store, s, "si", state, after) : store_bind(store, s, "i", after);

	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		id = sqlite3_column_int64(s, 0);
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : id;
}

static int last_number(struct store *store, enum statement which, int64_t *out)
{
	sqlite3_stmt *s = store_statement(store, which);
	int r = s ? store_step(store, s) : -EIO;

	*out = r == 1 ? sqlite3_column_int64(s, 0) : 0;
	if (s)
		sqlite3_reset(s);
	return r;
}

int store_number_after(struct store *store, int64_t entry, int64_t task, bool *moved)
{
	int64_t last_entry = 0, last_task = 0;
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = last_number(store, SQL_ENTRY_LAST, &last_entry);
	bool begun = r == 1;
	if (r >= 0)
		r = last_number(store, SQL_TASK_LAST, &last_task);
	if (r >= 0 && entry > last_entry)
		r = store_exec(store, begun ? SQL_ENTRY_SET_LAST : SQL_ENTRY_LAST_IS, "i", entry);
	if (r >= 0 && task > last_task)
		r = store_exec(store, SQL_TASK_SET_LAST, "i", task);
	r = store_end(store, r < 0 ? r : 0);
	if (r == 0)
		*moved = entry > last_entry || task > last_task;
	return r;
}

int store_recover(struct store *store, int64_t now_ms)
{
	static const enum task_state under_way[] = {TASK_UPLOADING, TASK_SUBMITTING};
	struct task_event restart = plain_event;
	char doubt[TASK_TEXT_SIZE];
	int64_t id = 0, task;
	bool fresh;
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = store_exec(store, SQL_OUTGOING_RESTART, "");
	restart.kind = EVENT_RESTART;
	restart.text = doubt;
	for (size_t i = 0; i < sizeof(under_way) / sizeof(under_way[0]) && r == 0; i++) {
		for (id = 0; r == 0;) {
			id = first_id(store, SQL_TASK_IN_STATE, task_state_name(under_way[i]), id);
			if (id <= 0)
				break;
			task_doubt_text(id, "The daemon ended while the request was on its way.",
				doubt, sizeof(doubt));
			r = task_event_locked(store, id, &restart, now_ms,
				"found under way by a new daemon", NULL);
		}
	}
	if (id < 0)
		r = (int)id;
	for (id = 0; r == 0;) {
		id = first_id(store, SQL_STAGE_LIST, NULL, id);
		if (id <= 0)
			break;
		r = commit_locked(store, id, now_ms, &task, &fresh, NULL);
		if (r == -ENOENT)
			r = store_exec(store, SQL_STAGE_DELETE, "i", id);
		else if (r == -EBUSY)
			r = 0; /* it waits for the turn before it */
	}
	return store_end(store, r == 0 && id < 0 ? (int)id : r);
}

int store_stage_next(struct store *store, int64_t after, int64_t *entry)
{
	store_lock(store);
	int64_t id = first_id(store, SQL_STAGE_LIST, NULL, after);
	store_unlock(store);
	if (id <= 0)
		return id < 0 ? (int)id : -ENOENT;
	*entry = id;
	return 0;
}
