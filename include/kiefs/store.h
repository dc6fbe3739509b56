/*
 * The index: tasks, names, results and the log in SQLite (WAL). The only list of tasks there is.
 *
 * A struct store is one connection with a mutex of its own: any thread may call, one at a time
 * per connection. The FUSE side and the worker have one each (store_open_peer()), and writers of
 * the two take turns at one lock instead of meeting SQLITE_BUSY. No function here waits for
 * anything but the disk. Each function that writes is one transaction, committed on return;
 * what the kernel must be told comes back in `struct changes`, to be told after the commit.
 *
 * Functions return 0 or -errno: -ENOENT no such row, -ESTALE the row is no longer in the state
 * the caller read, -EEXIST, -ENOTEMPTY, -EIO the database failed (logged by the caller with
 * store_message()), -ENOMEM. Out parameters are untouched on failure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kiefs/entry.h"
#include "kiefs/task.h"

struct buf;
struct error;
struct input;
struct poll_result;
struct store;

/* `path` is the database file. A damaged one, or one of a newer version, is -EUCLEAN / -EPROTO
 * with `err` naming the file, and nothing is touched. `full` asks for a commit that survives the
 * loss of power; otherwise a commit survives the death of the process. */
int store_open(const char *path, bool full, struct store **out, struct error *err);
int store_open_peer(struct store *store, bool full, struct store **out, struct error *err);
/* Accepts NULL. Peers first. */
void store_close(struct store *store);
/* SQLite's words for the last -EIO of this connection. */
const char *store_message(struct store *store);
/* A number that is another one whenever anything in the index has changed, by any connection. */
int store_stamp(struct store *store, int64_t *out);
/* Everything committed so far, by any connection, survives the loss of power from now on. */
int store_sync(struct store *store);

/* ---- names (store_entry.c) ---- */

int store_entry_lookup(struct store *store, uint64_t dir, const char *name, struct entry *out);
int store_entry_get(struct store *store, int64_t id, struct entry *out);
/* Up to `max` entries of the directory with id > `after`, by id: status and error names if `told`,
 * all others if not. Returns how many, or -errno. */
int store_entry_list(
	struct store *store, uint64_t dir, bool told, int64_t after, struct entry *out, int max);
int store_entry_create(struct store *store, uint64_t dir, const char *name, enum entry_kind kind,
	int mode, int64_t now_ms, struct entry *out);
int store_entry_set_mode(struct store *store, int64_t id, int mode);
/* Who made it, where that is another user than the one who mounts. */
int store_entry_set_maker(struct store *store, int64_t id, uint32_t uid, uint32_t gid);
/* A name may be unknown only as defaults.json was never written: makes the row when missing. */
int store_entry_ensure(
	struct store *store, uint64_t dir, const char *name, int mode, int64_t now_ms);
/*
 * Removes a name. A request's task that was not submitted is cancelled; its status and error names
 * go. A directory must be empty (-ENOTEMPTY). A result's local copy counts as removed.
 */
int store_entry_remove(struct store *store, int64_t id, int64_t now_ms, struct changes *changes);
/* Why the file was refused is to be read when it has gone. */
int store_error_keep(struct store *store, int64_t entry);
/*
 * Moves a name; an entry already at the target is replaced (`replaced` gets it, id 0 when none).
 * `request` says whether the new name is a request's: then the task's home follows the file.
 * `stage` (may be NULL) is staged with the move or not at all.
 */
struct stage;
int store_entry_rename(struct store *store, int64_t id, uint64_t new_dir, const char *new_name,
	bool request, const struct stage *stage, int64_t now_ms, struct entry *replaced,
	struct changes *changes);
int store_entry_exchange(struct store *store, int64_t a, int64_t b);
/* The request in `dir` whose stem is `stem`; with several, the one with the newest task. */
int store_entry_by_stem(struct store *store, uint64_t dir, const char *stem, struct entry *out);
/* When names last came or went in the directory; -ENOENT when none ever did. */
int store_dir_mtime(struct store *store, uint64_t dir, int64_t *mtime_ms);
/* A media file has been begun, or is whole: nothing uses a part of one. */
int store_entry_mark(struct store *store, int64_t id, bool unfinished);
/* Up to `max` names of the form `<stem>.*` and `<stem>-*`, after `after`, by name. How many. */
int store_entry_siblings(struct store *store, uint64_t dir, const char *stem, const char *after,
	struct entry *out, int max);
/* Up to `max` entries that show how far a task is, or what there is of its answer; or, of a file in
 * uploads/, how far its upload is. The other is 0. How many, or -errno. */
int store_entry_showing(
	struct store *store, int64_t task, int64_t upload, int64_t *entries, int max);
/* Text of an ENTRY_ERROR. */
int store_entry_text(struct store *store, int64_t id, struct buf *out);

/* ---- from bytes to a task (store_submit.c) ---- */

#define INPUTS_UNKNOWN "?"

struct stage {
	int64_t entry;
	const char *model;	/* "": no request, but a file to be uploaded (store_upload.h) */
	const char *source_sha; /* of a file to be uploaded: from where the service is to fetch it;
				   "": it is the bytes that are uploaded */
	const char *body;
	size_t body_len;
	double estimate;
	const char *warnings;	    /* or NULL */
	const struct input *inputs; /* what the body lacks; their `task` does not count */
	size_t input_count;	    /* at most INPUTS_MAX */
	const char *prompt;	    /* of a conversation's turn: what was written; else NULL */
	const char *images; /* ... and the pictures that go with it, as in struct turn; or NULL */
	const char *inputs_sha; /* of what they stand for; NULL: there are none; INPUTS_UNKNOWN:
				   a file has yet to arrive */
	const char *lacks;	/* what the task waits for, one sentence; NULL: nothing */
	bool dropped;		/* the entry is no request but a file that is one */
};

/* Remembers checked bytes for this entry, replacing what was staged for it before. */
int store_stage(struct store *store, const struct stage *stage);
/* The entry's bytes have changed since: what was staged is void. 0 also when nothing was. */
int store_unstage(struct store *store, int64_t entry);
/* The next staged entry after this one; -ENOENT: there is none. */
int store_stage_next(struct store *store, int64_t after, int64_t *entry);
/*
 * Makes a task of what is staged for the entry, unless the last task of that directory, name and
 * model had the same bytes and was not cancelled: then that one is the entry's task and nothing
 * new is sent. The same inputs count as well; an incomplete task of the same bytes takes what is
 * staged over and goes on when it lacks nothing. Clears `<name>.error`. Sets `*task` (0 for an
 * upload) and `*fresh`.
 * -ENOENT: nothing is staged.
 */
int store_commit(struct store *store, int64_t entry, int64_t now_ms, int64_t *task, bool *fresh,
	struct changes *changes);
/* Writes `<stem>.error` for a file `name` in `dir` that was refused; `stem_len` is the length of
 * its stem, `entry` whose the error is. */
int store_reject(struct store *store, int64_t entry, uint64_t dir, const char *name, int stem_len,
	const char *text, int64_t now_ms, struct changes *changes);
/* Numbers given from now on are above these, which are taken in the data directory: by another
 * index, or by a later state of this one. `*moved`: else they would have been given again. */
int store_number_after(struct store *store, int64_t entry, int64_t task, bool *moved);
/* Commits everything staged by a daemon that died, and sends EVENT_RESTART to every task whose
 * state means that something was under way. Before anything else runs. */
int store_recover(struct store *store, int64_t now_ms);

/* ---- what requests wait for (store_lack.c) ---- */

/* The refused request is to be looked at again when a file of this name is there. A commit, or the
 * end of the entry, forgets it. */
int store_wanted_add(struct store *store, int64_t entry, uint64_t dir, const char *name);
int store_wanted_clear(struct store *store, int64_t entry);
/* The next entry after `after` that wants the name (NULL: any). -ENOENT: there is none. */
int store_wanted_next(
	struct store *store, uint64_t dir, const char *name, int64_t after, int64_t *entry);
/* 1 when a request that stands in its directory uses the file, else 0. */
int store_input_uses(struct store *store, int64_t entry);

/* ---- tasks (store_task.c) ---- */

int store_task_get(struct store *store, int64_t id, struct task *out);
int store_task_body(struct store *store, int64_t id, struct buf *out);
/* The highest number that a result of its earlier runs has; 0: it ran once. */
int store_task_base(struct store *store, int64_t id, int *out);
/* The server's last answer, verbatim; empty when there was none. */
int store_task_record(struct store *store, int64_t id, struct buf *out);
/* The highest number; 0 when there is none. */
int store_task_latest(struct store *store, int64_t *out);

enum task_group {
	GROUP_ALL,
	GROUP_ACTIVE, /* queued, uploading, submitting, running, fetching */
	GROUP_HELD,   /* incomplete, held, uncertain */
	GROUP_DONE,
	GROUP_FAILED, /* failed, lost, cancelled */
	GROUP_COUNT,
};
bool task_in_group(enum task_state state, enum task_group group);
/* Up to `max` numbers > `after`, ascending. Returns how many, or -errno. */
int store_task_list(
	struct store *store, enum task_group group, int64_t after, int64_t *ids, int max);
int store_task_counts(struct store *store, int64_t counts[TASK_STATE_COUNT]);
int store_task_count(struct store *store, enum task_state state, int64_t *out);

/* ---- days on which tasks were made: since 1970, UTC (store_day.c) ---- */

/* The first one from `from` on. -ENOENT: none. */
int store_day_next(struct store *store, int64_t from, int64_t *day);
/* When the last task of the day was made. -ENOENT: there is none. */
int store_day_latest(struct store *store, int64_t day, int64_t *created_ms);
/* As store_task_list(), of one day. */
int store_day_list(struct store *store, int64_t day, int64_t after, int64_t *ids, int max);

/* ---- tasks that are due (store_task.c) ---- */

/* Up to `max` tasks in the state with due_ms <= now, longest due first. Returns how many. */
int store_task_due(
	struct store *store, enum task_state state, int64_t now_ms, int64_t *ids, int max);
/* When the next task in the state is due; INT64_MAX when there is none. */
int store_task_next_due(struct store *store, enum task_state state, int64_t *due_ms);

/*
 * Writes what task_step() made of a task: `old` as read, `next` as decided. -ESTALE when the row
 * is not in old's state any more. `record` (may be NULL) replaces record.json. `results` (may be
 * NULL) are what the service names; they are added, or, where a number exists and is not on disk,
 * get the new address. A running task's are those that are final already. `log` (may be NULL) is
 * one line. Status and error names come and go with the state.
 */
struct task_update {
	const char *record;
	size_t record_len;
	const struct poll_result *results;
	size_t result_count;
	const char *log;
	bool alone; /* a turn of a conversation: -EBUSY while another one of it is not finished */
};
int store_task_apply(struct store *store, const struct task *old, const struct task *next,
	const struct task_update *update, int64_t now_ms, struct changes *changes);
/* Requests for this model that waited for it are due no later than this. */
int store_due_model(struct store *store, const char *model, int64_t due_ms);
/* The clock went back: nothing is due later than this. */
int store_due_by(struct store *store, int64_t due_ms);
/* EVENT_RESUME for every task held for this reason. Returns how many, or -errno. */
int store_task_resume(struct store *store, enum task_hold hold, int64_t now_ms);

/* ---- results (store_result.c) ---- */

struct result {
	int64_t task;
	int index;    /* from 1 */
	int kind;     /* enum result_kind */
	char *value;  /* address or content */
	char *label;  /* "firstframe", or NULL */
	bool whole;   /* on disk */
	bool removed; /* the user removed the local copy */
	int attempts;
	int64_t due_ms;
	char *etag;	    /* of what the part file holds, or NULL */
	char extension[16]; /* "png", when whole */
	char mime[64];
	int64_t size;
	char sha256[65];
	int64_t mtime_ms;
	int64_t entry; /* its name's entry, 0 when it has none */
};
void result_finish(struct result *result);

/* Results of FETCHING and RUNNING tasks that are not whole and due, longest due first. Returns how
 * many. */
int store_result_due(struct store *store, int64_t now_ms, struct result *out, int max);
int store_result_get(struct store *store, int64_t task, int index, struct result *out);
/* All results of a task, by index. Returns how many, or -errno. */
int store_result_list(struct store *store, int64_t task, struct result *out, int max);
/* 1 when a result of the model that has this name holds these bytes, else 0. */
int store_result_copied(
	struct store *store, const char *model, const char *name, const char *sha256);
/* Notes an attempt: when to try next, how often it was tried, what the part file holds. */
int store_result_retry(struct store *store, int64_t task, int index, int64_t due_ms, int attempts,
	const char *etag);
/*
 * The file is whole and durable: records it, gives it a name beside its request when that is
 * still there, and when it was the task's last one, moves the task to DONE by EVENT_FETCHED.
 */
int store_result_done(
	struct store *store, const struct result *result, int64_t now_ms, struct changes *changes);
#define RESULTS_MAX 200 /* of one task; what is beyond is logged and left at the service */

/* ---- money (store_money.c) ---- */

/*
 * A request counts from the moment it is written down as leaving, on the day of that moment (days
 * since 1970, UTC): with the true cost where the service told it, else with its estimate, else
 * with nothing. One that was certainly not taken does not count; an earlier run of a task does.
 */
struct spend {
	int64_t tasks;
	double credits;
	int64_t estimated; /* of the tasks: counted by estimate */
	int64_t unknown;   /* of the tasks: neither told nor estimated */
};
#define DAY_MS 86400000
int store_spend_day(struct store *store, int64_t day, struct spend *out);
struct spend_day {
	int64_t day;
	struct spend spend;
};
/* Up to `max` days from `first` on, in order; those without a request are left out. How many. */
int store_spend_days(struct store *store, int64_t first, struct spend_day *out, int max);
/* Up to `max` models that requests were sent to, by id; heap. How many, or -errno. */
int store_spend_models(struct store *store, char **out, int max);
/* By day and model, as account/spend.csv has it. */
int store_spend_csv(struct store *store, struct buf *out);
/* The first task > `after` held for a limit of the user's own whose estimate is from `min` to
 * `max`. -ENOENT: none. */
int store_task_within(struct store *store, int64_t after, double min, double max, int64_t *id);
int store_task_held_count(struct store *store, enum task_hold hold, int64_t *out);
/* Up to `max` tasks held for want of a key, credits or quota, longest held first. Returns how
 * many. */
int store_task_gated(struct store *store, int64_t now_ms, int64_t *ids, int max);
/* The task that the service knows by this id. -ENOENT. */
int store_task_of_remote(struct store *store, const char *remote_id, int64_t *id);
/* A word that outlives the daemon, and when it was put down. -ENOENT: never. */
int store_fact_get(struct store *store, const char *name, struct buf *value, int64_t *at_ms);
int store_fact_put(struct store *store, const char *name, const char *value, int64_t at_ms);

/* ---- answers in text (store_chat.c) ---- */

/* The service's answer begins: writes the task, with a result that grows and its index. */
int store_chat_begin(struct store *store, const struct task *old, const struct task *next,
	const char *log, int64_t now_ms, int *index, struct changes *changes);
/* The first bytes are in the result's file: it gets its name, with a size of ENTRY_GROWING. Of a
 * turn the conversation's own names show it. */
int store_chat_show(
	struct store *store, int64_t task, int index, int64_t now_ms, struct changes *changes);
/* A task whose answer streams in, by the index alone; -ENOENT: there is none (any more). */
int store_chat_next(struct store *store, int64_t *task, int *index);
/* The result that streams in; -ENOENT: none. */
int store_chat_index(struct store *store, int64_t task, int *index);

/* How an answer ends. Borrowed. */
struct chat_end {
	const struct task_event *events; /* in this order */
	int event_count;
	const struct result *result; /* what the file holds; `size` 0: nothing, no result then */
	const char *reply;	     /* the whole answer, of a turn that is finished; or NULL */
	const char *record;
	size_t record_len;
	const char *log;
};
/* -ESTALE: the task is not in `old`'s state any more; -EPROTO: an event means nothing there. */
int store_chat_end(struct store *store, const struct task *old, const struct chat_end *end,
	int64_t now_ms, struct changes *changes);

/* One turn of a conversation. Strings are owned. */
struct turn {
	int64_t task;
	char *prompt, *reply; /* NULL: not answered to its end */
	char *images;	      /* JSON: [{"name", "sha256"}], names in the folder; NULL: none */
	enum task_state state;
	int result; /* the one that holds what there is of the answer; 0 none */
};
void turn_finish(struct turn *turn);
/* Up to `max` turns of the folder's conversation with task > `after`, in order. Those that were
 * cancelled do not count. Returns how many, or -errno. */
int store_turn_list(struct store *store, uint64_t dir, int64_t after, struct turn *out, int max);
/* A turn of the folder's conversation, other than `but`, that is not finished: its task; -ENOENT.
 */
int store_turn_active(struct store *store, uint64_t dir, int64_t but, int64_t *task);
/* The folder of the conversation whose turn the task is; -ENOENT: it is none. */
int store_turn_dir(struct store *store, int64_t task, uint64_t *dir);

/* ---- log (store_log.c) ---- */

/* `task` 0: no task. One line; control characters are replaced. After the commit it also goes to
 * the journal (say.h). */
int store_log(struct store *store, int64_t task, int64_t now_ms, const char *text);
/* The same without a task, for what somebody should look at. */
int store_warn(struct store *store, int64_t now_ms, const char *text);
/* A task's lines, oldest first: "2026-11-22T18:40:49Z queued". */
int store_log_task(struct store *store, int64_t task, struct buf *out);
/* When the last line of the task (0: of all) was written; `*at_ms` stays as it is when there is none. */
int store_log_last(struct store *store, int64_t task, int64_t *at_ms);
/* The newest `lines` lines of all, oldest first, with the task's number. */
int store_log_tail(struct store *store, int lines, struct buf *out);
