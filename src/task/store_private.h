/* What the store's own files share: the connection, the statements, the transaction frame. */
#pragma once

#include <pthread.h>
#include <sqlite3.h>

#include "kiefs/buf.h"
#include "kiefs/say.h"
#include "kiefs/store.h"

/* Every statement there is; the text stands in store_sql.c in the same order. */
enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_TOUCH,
	SQL_VERSION,
	/* entries */
	SQL_ENTRY_LOOKUP,
	SQL_ENTRY_GET,
	SQL_ENTRY_LIST,
	SQL_ENTRY_INSERT,
	SQL_ENTRY_LAST,
	SQL_ENTRY_LAST_IS,
	SQL_ENTRY_SET_LAST,
	SQL_ENTRY_ENSURE,
	SQL_ENTRY_DELETE,
	SQL_ENTRY_MODE,
	SQL_ENTRY_MAKER,
	SQL_ENTRY_MOVE,
	SQL_ENTRY_CHILD,
	SQL_ENTRY_OWNED,
	SQL_ENTRY_ORPHAN,
	SQL_ENTRY_KEEP_ERROR,
	SQL_ENTRY_SET_TASK,
	SQL_ENTRY_REQUESTS,
	SQL_ENTRY_OF_TASK,
	SQL_ENTRY_STATUS_OF,
	SQL_ENTRY_ERROR_TEXT,
	SQL_DIR_MTIME,
	SQL_ENTRY_TEXT,
	SQL_ENTRY_MARK,
	SQL_ENTRY_SIBLINGS,
	/* stages and tasks */
	SQL_STAGE_INSERT,
	SQL_STAGE_DELETE,
	SQL_STAGE_GET,
	SQL_STAGE_LIST,
	SQL_TASK_INSERT,
	SQL_TASK_LAST,
	SQL_TASK_SET_LAST,
	SQL_TASK_COMPLETE,
	SQL_TASK_INPUTS_SHA,
	SQL_TASK_PREVIOUS,
	SQL_TASK_AT_NAME,
	SQL_TASK_GET,
	SQL_TASK_BODY,
	SQL_TASK_RECORD,
	SQL_TASK_LATEST,
	SQL_TASK_LIST_ALL,
	SQL_TASK_LIST_STATE,
	SQL_TASK_COUNTS,
	SQL_TASK_COUNT,
	SQL_TASK_DUE,
	SQL_TASK_NEXT_DUE,
	SQL_TASK_UPDATE,
	SQL_TASK_EARLIER,
	SQL_TASK_EARLIER_MODEL,
	SQL_RESULT_EARLIER,
	SQL_TASK_BASE,
	SQL_TASK_SET_BASE,
	SQL_TASK_SET_RECORD,
	SQL_TASK_HOME,
	SQL_TASK_DETACH,
	SQL_TASK_ATTACH,
	SQL_TASK_HELD,
	SQL_TASK_IN_STATE,
	SQL_DAY_NEXT,
	SQL_DAY_LIST,
	SQL_DAY_LATEST,
	/* results */
	SQL_RESULT_PUT,
	SQL_RESULT_FORGET,
	SQL_RESULT_PARK,
	SQL_RESULT_RESET,
	SQL_RESULT_DUE,
	SQL_RESULT_GET,
	SQL_RESULT_LIST,
	SQL_RESULT_RETRY,
	SQL_RESULT_WHOLE,
	SQL_RESULT_MISSING,
	SQL_RESULT_COUNT,
	SQL_RESULT_ENTRY,
	SQL_RESULT_COPIED,
	SQL_RESULT_REMOVED,
	/* uploads */
	SQL_UPLOAD_GET,
	SQL_UPLOAD_PUT,
	SQL_UPLOAD_EXPIRES,
	SQL_UPLOAD_MISSING,
	SQL_UPLOAD_FORGET,
	SQL_DIGEST_GET,
	SQL_DIGEST_PUT,
	SQL_DIGEST_DELETE,
	SQL_OUTGOING_PUT,
	SQL_OUTGOING_GET,
	SQL_OUTGOING_DUE,
	SQL_OUTGOING_NEXT_DUE,
	SQL_OUTGOING_CONTENT,
	SQL_OUTGOING_SET,
	SQL_OUTGOING_DELETE,
	SQL_OUTGOING_EARLIER,
	SQL_OUTGOING_RESTART,
	/* answers in text */
	SQL_STREAM_INSERT,
	SQL_STREAM_DELETE,
	SQL_STREAM_LIST,
	SQL_STREAM_GET,
	SQL_RESULT_DELETE,
	SQL_ENTRY_GROW,
	SQL_ENTRY_TALK,
	SQL_TURN_INSERT,
	SQL_TURN_LIST,
	SQL_TURN_ACTIVE,
	SQL_TURN_OF_TASK,
	SQL_ENTRY_SHOWING,
	SQL_TURN_REPLY,
	/* inputs */
	SQL_INPUT_LIST,
	SQL_INPUT_STAGE,
	SQL_INPUT_COMMIT,
	SQL_INPUT_SET,
	SQL_INPUT_FORGET,
	SQL_INPUT_DELETE,
	SQL_INPUT_USES,
	SQL_LACK_FAILED,
	SQL_LACK_COUNT,
	SQL_LACK_CHILD,
	SQL_WANTED_ADD,
	SQL_WANTED_CLEAR,
	SQL_WANTED_OF,
	SQL_WANTED_NEXT,
	SQL_WANTED_ANY,
	/* money and what was heard */
	SQL_SPEND_DAY,
	SQL_SPEND_LIST,
	SQL_SPEND_DAYS,
	SQL_SPEND_MODELS,
	SQL_TASK_GATED,
	SQL_TASK_WITHIN,
	SQL_TASK_HELD_COUNT,
	SQL_TASK_OF_REMOTE,
	SQL_FACT_GET,
	SQL_FACT_PUT,
	/* log */
	SQL_LOG_INSERT,
	SQL_LOG_TASK,
	SQL_LOG_TAIL,
	SQL_LOG_LAST,
	SQL_LOG_NEWEST,
	SQL_COUNT,
};

extern const char *const store_sql[SQL_COUNT];
extern const char *const store_schema[];
extern const int store_schema_version;

struct store {
	sqlite3 *db;
	pthread_mutex_t lock;
	pthread_mutex_t *writers; /* one for all peers; owned by the first */
	pthread_mutex_t writers_own;
	bool full; /* commits survive the loss of power */
	sqlite3_stmt *statements[SQL_COUNT];
	char *path;
	char message[256];
	struct buf told; /* lines of the open transaction for say_log(), each "level task text" */
};

/* Takes the connection for reading; store_unlock() gives it back. */
void store_lock(struct store *store);
void store_unlock(struct store *store);

/* A write transaction: takes the connection and the writers' turn. On success the caller ends it
 * with store_end(); on failure nothing is held. */
int store_begin(struct store *store);
/* Commits when `r` >= 0, else rolls back; returns `r`, or the commit's own failure. Gives the
 * connection back either way. */
int store_end(struct store *store, int r);

/* The statement, reset and without bindings; NULL: store->message says why. */
sqlite3_stmt *store_statement(struct store *store, enum statement which);
/* Binds by format: i int64, s text (NULL allowed), b blob+int length, d double. */
int store_bind(struct store *store, sqlite3_stmt *statement, const char *format, ...);
/* One row: 1 row there, 0 none, -EIO, -EEXIST (constraint). */
int store_step(struct store *store, sqlite3_stmt *statement);
/* Prepares, binds, runs a statement without rows. 0, -EEXIST, -EIO. */
int store_exec(struct store *store, enum statement which, const char *format, ...);
/* Rows the last statement changed. */
int store_changed(struct store *store);
/* The first column of up to `max` rows of a bound statement, which is reset. How many, or -EIO. */
int store_read_ids(struct store *store, sqlite3_stmt *statement, int64_t *ids, int max);
/* One number from a statement that is already bound; `none` when it is NULL or no row came. */
int store_one_number(struct store *store, sqlite3_stmt *statement, int64_t none, int64_t *out);
/* Heap copy of a column, NULL for NULL. */
char *store_column(sqlite3_stmt *statement, int column);

/* ---- inside a transaction (the callers hold store_begin()) ---- */

void changes_add(struct changes *changes, uint64_t dir, const char *name, int64_t entry,
	enum name_event what);
int entry_get_locked(struct store *store, int64_t id, struct entry *out);
int entry_lookup_locked(struct store *store, uint64_t dir, const char *name, struct entry *out);
/* Reads rows of entries into `out`; how many, or -errno. */
int entry_read_many(struct store *store, sqlite3_stmt *s, struct entry *out, int max);
/* Status, error and address names that belong to the file go; its results stay. */
int entry_delete_owned_locked(struct store *store, int64_t owner, struct changes *changes);
/* The file is no upload any more: its names go. 0 also when it was none. */
int outgoing_forget_locked(struct store *store, int64_t entry, struct changes *changes);
/* The file is closed and is to be uploaded. */
int outgoing_commit_locked(struct store *store, const struct entry *entry, const char *source,
	int64_t now_ms, struct changes *changes);
/* The error whose `owner` the entry is. -ENOENT. */
int entry_error_locked(struct store *store, int64_t owner, struct entry *out);
int entry_delete_locked(struct store *store, const struct entry *entry, struct changes *changes);

/* A generated name beside a request: gets the next free one of `stem.ext`, `stem-<from>.ext`... */
struct generated {
	uint64_t dir;
	const char *stem;
	int stem_len;
	const char *extension; /* without the dot */
	int first;	       /* 0: try `stem.ext` first, then from 1; N: start at `stem-N.ext` */
	enum entry_kind kind;
	int64_t task, owner;
	int index;
	int64_t size;
	int64_t mtime_ms;
	const char *text; /* ERROR: the text */
};
/* `<stem>.<extension>`, `<stem>-<number>.<extension>` for a number above 0; of a long stem as much
 * as a name has room for. */
void entry_generated_name(const char *stem, int stem_len, int number, const char *extension,
	char out[ENTRY_NAME_MAX + 1]);
int entry_generate_locked(
	struct store *store, const struct generated *what, struct changes *changes, int64_t *id);

int task_get_locked(struct store *store, int64_t id, struct task *out);
/* The guarded write of the task's own columns. -ESTALE when its state is not `from`. */
int task_write_locked(struct store *store, const struct task *next, enum task_state from);
/* One event on one row: step, write, names, log. -EPROTO when it means nothing there. */
int task_event_locked(struct store *store, int64_t id, const struct task_event *event,
	int64_t now_ms, const char *log, struct changes *changes);
/* Brings `<name>.status` and `<name>.error` in line with the task's state. */
int task_names_locked(
	struct store *store, const struct task *task, int64_t now_ms, struct changes *changes);
/* Writes what task_step() decided, with all that follows from it; see store_task_apply(). */
int task_apply_locked(struct store *store, const struct task *old, const struct task *next,
	const struct task_update *update, int64_t now_ms, struct changes *changes);
/* Gives a result its name beside its request, if that is still there. */
int result_name_locked(struct store *store, const struct task *task, const struct result *result,
	const char *label, struct changes *changes);
/* How many results earlier runs of this task had. */
int task_base_locked(struct store *store, int64_t task, int64_t *base);
/* The staged entry is a turn: writes it down for its new task, and makes the conversation's names.
 * -EBUSY: an earlier turn is not finished. */
int turn_check_locked(struct store *store, uint64_t dir);
int turn_put_locked(struct store *store, const struct entry *entry, int64_t task,
	const char *prompt, const char *images, int64_t now_ms, struct changes *changes);
/* -EBUSY: the task is a turn, and another one of its conversation is not finished. */
int turn_alone_locked(struct store *store, int64_t task);
/* The task has ended: where it is a turn, the refusal of one that came too early goes. */
int turn_end_locked(struct store *store, const struct task *task, struct changes *changes);
/* Removes `<name>.error` of the request, whoever it is of. */
int error_clear_locked(
	struct store *store, const struct entry *request, struct changes *changes);
/* The task's request entry while it is attached, 0 none. */
int task_entry_locked(struct store *store, const struct task *task, int64_t *entry);
/* An incomplete task goes on when nothing that it waits for is missing any more, and fails when a
 * task it waits for has. */
int lack_settle_locked(struct store *store, int64_t child, int64_t now_ms, struct changes *changes);
/* The same for all that wait for this task. */
int lack_parent_locked(
	struct store *store, int64_t parent, int64_t now_ms, struct changes *changes);
int input_list_locked(struct store *store, int64_t task, struct input *out, int max);
/* Beside the stage that was just written. */
int input_stage_locked(struct store *store, const struct stage *stage);
int stage_locked(struct store *store, const struct stage *stage);
int log_locked(struct store *store, int64_t task, int64_t now_ms, const char *text);
int log_level_locked(struct store *store, enum say_level level, int64_t task, int64_t now_ms,
	const char *text);
/* Hands out what `told` holds, or drops it when `r` < 0: the lines of a transaction that has ended.
 * NULL: none. For log_tell(), once nothing is held; it frees them. */
char *log_take(struct store *store, int r);
void log_tell(char *lines);
