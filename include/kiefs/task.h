/*
 * A task's life: its states, the events that move it, and the one function that decides.
 * Pure: time and randomness are arguments. The state table stands at the head of task.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum task_state {
	TASK_STAGED,	 /* accepted by a close(), not yet committed: no handle has let go of it */
	TASK_INCOMPLETE, /* waits for an input: a file, or another task */
	TASK_HELD,	 /* kept back: see `hold`; resumes by itself */
	TASK_QUEUED,	 /* goes out when limits allow and `due_ms` has come */
	TASK_UPLOADING,
	TASK_SUBMITTING, /* written down before the request leaves */
	TASK_UNCERTAIN,	 /* left, and no answer came: never sent again by itself */
	TASK_RUNNING,
	TASK_FETCHING, /* the service is done, results are on their way */
	TASK_DONE,
	TASK_FAILED,
	TASK_LOST,	/* the service had a result that can no longer be had */
	TASK_CANCELLED, /* removed before it was submitted: cost nothing */
	TASK_STATE_COUNT,
};

enum task_hold {
	HOLD_NONE,
	HOLD_KEY,     /* no key, or a refused one */
	HOLD_CREDITS, /* the account is empty */
	HOLD_QUOTA,   /* a limit set on the key at the service */
	HOLD_LIMIT,   /* a limit of the user's own */
	HOLD_COUNT,
};

/* One row of the index. Strings are owned; task_finish() frees them. Times are milliseconds since
 * 1970; 0 is "not yet". The body and the last record are large: the store hands them out apart. */
struct task {
	int64_t id;
	enum task_state state;
	enum task_hold hold; /* valid in HELD */
	char *model;
	uint64_t dir;	    /* inode of the directory the request stands in */
	char *name;	    /* the request's name there */
	bool attached;	    /* the request still stands there: results get names beside it */
	char *source_sha;   /* SHA-256 of the request file's bytes */
	char *remote_id;    /* the service's id, from RUNNING on */
	char *remote_state; /* the service's last word */
	int progress;	    /* percent, -1: not told; of the upload in UPLOADING */
	int attempts;	    /* of the step the state is waiting on; 0 after each new state, but
			       submitting keeps queued's */
	int64_t due_ms;	    /* when the state wants attention again; since when it is UPLOADING */
	int64_t created_ms;
	int64_t submitted_ms; /* the last time the request left */
	int64_t ended_ms;
	double estimate; /* credits, before sending; negative: unknown */
	double credits;	 /* what the service says it cost; negative: not told */
	char *error;	 /* one or more sentences for a person, or NULL; of a DONE task a
			    remark on its results */
};

enum task_event_kind {
	EVENT_COMMIT,	   /* the last handle is closed, or the name is now a request's */
	EVENT_LACK,	   /* an input is not there yet: `text` */
	EVENT_HOLD,	   /* may not go now: `hold`, `text` */
	EVENT_RESUME,	   /* what held it is gone */
	EVENT_UPLOAD,	   /* its files must be uploaded first */
	EVENT_PROGRESS,	   /* of an upload: `progress` */
	EVENT_UPLOADED,	   /* all its files have addresses */
	EVENT_SEND,	   /* about to leave */
	EVENT_ACCEPTED,	   /* `remote_id` */
	EVENT_FINISHED,	   /* the answer holds the results: `remote_id`, where there is one */
	EVENT_STREAM,	   /* the service answers bit by bit: nothing is to be asked for */
	EVENT_LATER,	   /* certainly not taken, try again: `text`, `wait_ms` (-1: not told) */
	EVENT_REFUSED,	   /* certainly not taken, for good: `text` */
	EVENT_NO_ANSWER,   /* it may have been taken: `text` */
	EVENT_POLLED,	   /* still running: `remote_state`, `progress`, `wait_ms` */
	EVENT_POLL_MISSED, /* no usable answer to a poll: `text`, `wait_ms` */
	EVENT_SUCCEEDED,   /* the service is done: `credits`; results are recorded with it */
	EVENT_EMPTY,	   /* the service is done and names no result: `text` */
	EVENT_TASK_FAILED, /* the service failed it: `text`, `credits` */
	EVENT_REFRESH, /* links are dead: the record is asked for again after `wait_ms`; `text` */
	EVENT_FETCHED, /* every result is on disk; `text`: a remark on them, or NULL */
	EVENT_GONE,    /* a result can no longer be had: `text` */
	EVENT_CANCEL,  /* the request was removed, or `cancel` was written to control */
	EVENT_RESEND,  /* the user's word: an uncertain task goes out again */
	EVENT_RETRY,   /* the user's word: a failed, lost or cancelled task goes out as new, and
			* is paid again: a lost one as well, and a failed one that cost credits */
	EVENT_RESTART, /* a new daemon found it in this state; `text`: see task_doubt_text() */
	EVENT_COUNT,
};

struct task_event {
	enum task_event_kind kind;
	enum task_hold hold;
	const char *remote_id;
	const char *remote_state;
	int progress;
	double credits;	 /* negative: not told */
	int64_t wait_ms; /* the service's own wish, -1: not told */
	const char *text;
	const char *category; /* of the model, for the pace of polling */
	uint32_t random;
};

/*
 * Decides what the event makes of the task. `*next` starts as a copy of `*task` in which strings
 * are borrowed from the task or the event (never free it); `*task` itself is not changed.
 * Returns 0, or -EPROTO when the event means nothing in this state (then `*next` is the task as
 * it was, and the caller logs and drops the event).
 */
int task_step(
	const struct task *task, const struct task_event *event, int64_t now_ms, struct task *next);

/* The state table's word: "queued". The same words stand in the index. */
const char *task_state_name(enum task_state state);
/* -EINVAL for any other word. */
int task_state_from(const char *name, enum task_state *out);
const char *task_hold_name(enum task_hold hold);
int task_hold_from(const char *name, enum task_hold *out);

/*
 * The sentences of an uncertain task, for EVENT_NO_ANSWER and EVENT_RESTART: `why` (one sentence),
 * that it may have been paid, where to look and how to send it again. Cut at `size`.
 */
#define TASK_TEXT_SIZE 1024
void task_doubt_text(int64_t id, const char *why, char *out, int size);

/* Nothing will change it but the user. That holds for an uncertain task too. */
bool task_is_final(enum task_state state);
/* No money can have been spent on it yet: removing it costs nothing. */
bool task_is_unsent(enum task_state state);

/* One line for `<name>.status`, without newline: `generating 40% 00:12`. At most 120 bytes, cut
 * between characters; no control characters. */
#define TASK_STATUS_MAX 120
void task_status_line(const struct task *task, int64_t now_ms, char *out, int size);

/* Debug builds: aborts when the fields do not fit the state (the table in task.c). */
void task_check(const struct task *task);

/* What a person can do about a failed task, after its `error`: a line of its own, "" when the
 * error says it already. At most TASK_TEXT_SIZE bytes. */
void task_advice(const struct task *task, char *out, int size);

void task_finish(struct task *task);
