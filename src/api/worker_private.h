/* What the worker's own files share. All of it belongs to the worker's thread, except the atomics.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kiefs/buf.h"
#include "kiefs/http.h"
#include "kiefs/limits.h"
#include "kiefs/quota.h"
#include "kiefs/listing.h"
#include "kiefs/store.h"
#include "kiefs/worker.h"

struct chat;
struct digest;
struct model;
struct upload_service;

#define NEVER INT64_MAX
#define POLLS_MAX 64	 /* under way at once */
#define DOWNLOADS_MAX 32 /* upper end of worker_options::max_downloads */
#define SUBMIT_BATCH 32
#define UPLOADS_MAX 3 /* under way at once */
#define BODY_MAX_BYTES (64u << 20)
#define ANSWER_MAX_BYTES (2 << 20) /* of an answer kept in memory */

enum job_kind {
	JOB_FETCH,
	JOB_POLL,
	JOB_CHAT,
	JOB_SUBMIT,
	JOB_UPLOAD,
	JOB_ACCOUNT,
	JOB_REFRESH,
	JOB_COUNT,
};

/* A file that is to have an address. */
struct source {
	int64_t task;	     /* that asks for it; 0: a file of uploads/ asks for itself */
	int64_t entry;	     /* the user's file, or 0: */
	int64_t parent;	     /* a result of this task */
	int result;	     /* 0: its first */
	const char *address; /* not its bytes go up: the service fetches it from here; borrowed */
};

/* One HTTP transfer under way. */
struct job {
	struct worker *worker;
	const struct catalogue *catalogue; /* a share: `model` is in it */
	enum job_kind kind;
	int64_t task;
	const struct model *model; /* SUBMIT, POLL */
	int64_t started;	   /* worker::mono */
	bool probe;		   /* SUBMIT: sent to see whether a gate may open */
	struct buf body;	   /* SUBMIT, and POLL where asking is sending again */
	struct result result;	   /* FETCH */
	int fd;			   /* FETCH: the part file, else -1 */
	int64_t offset;		   /* FETCH: bytes it had */
	struct digest *digest;	   /* FETCH: the file is whole and being digested; else NULL */
	int64_t digested;	   /* FETCH: bytes that are in the digest */
	char type[64];		   /* FETCH: Content-Type, while it is being digested */
	struct source source;	   /* UPLOAD; without `address` */
	const struct upload_service *upload;
	char sha256[65];	   /* UPLOAD: of what goes up; "" while it is being digested */
	int64_t size, changed_ns;  /* UPLOAD: of the file as it was opened */
	int64_t begun_ms, told_ms; /* UPLOAD: since 1970; `told_ms`: progress was written down */
	int told;		   /* UPLOAD: percent */
	struct chat *chat;	   /* CHAT: what has come of the answer; else NULL */
	bool kept;		   /* its end could not be written down yet: the job stays */
	struct job *next;	   /* worker::jobs */
};

/* Why nothing may go out: one per reason a task can be held for. */
struct gate {
	bool closed;
	bool sure;	   /* the service said so since this worker started, or there is no key */
	int failures;	   /* probes in a row that found it closed */
	int64_t closed_at; /* worker::mono */
	int64_t probe_at;  /* worker::mono: when one task is let through to see */
};

/* What a submission's answer meant and could not be written down yet. */
struct unsaved {
	int64_t task;
	enum task_event_kind kind;
	enum task_hold hold;
	char *remote_id, *text;
	int64_t wait_ms;
	/* EVENT_FINISHED: the results stand in the answer. */
	const struct catalogue *catalogue; /* a share: `model` is in it; or NULL */
	const struct model *model;
	int status; /* HTTP */
	struct buf body;
	struct unsaved *next; /* worker::unsaved */
};

/* A task that a callback spoke of. */
#define POKES_MAX 64
struct poke {
	int64_t task; /* 0: free */
	bool wanted;  /* to be asked, not before that time (mono) */
	int64_t not_before;
};

/* A refresh of the catalogue under way; its states are told in worker_refresh.c. */
struct refresh {
	enum { REFRESH_IDLE, REFRESH_LIST, REFRESH_SCHEMA } state;
	const struct catalogue *catalogue; /* a share: `listing` is in it */
	struct listing listing;
	cJSON *told;   /* array: models that are to be asked after, as the list tells of them */
	cJSON *at;     /* in `told`: the one asked after */
	cJSON *former; /* the file of the last refresh, or NULL */
	cJSON *found;  /* models for the next */
	struct buf report;
	int64_t due;   /* worker::mono: the next question */
	int tries;     /* of it that failed */
	int listed, taken, known, left_out;
};

struct worker {
	struct worker_options options; /* `catalogue`: a share of the one in force */
	_Atomic(const struct catalogue *) next_catalogue; /* a share, or NULL */
	char *api_url, *upload_url;
	struct http *http;
	struct window window;
	struct bucket polls;
	struct gate gates[HOLD_COUNT];
	struct job *jobs; /* job::next */
	int running[JOB_COUNT];
	struct unsaved *unsaved; /* unsaved::next */
	int64_t now;		 /* milliseconds since 1970, as of the last worker_tick() */
	int64_t mono;		 /* the same, but never going back */
	int64_t polls_paused_until;
	int later_count;	      /* submissions in a row that found nobody to take them */
	int64_t uploads_paused_until; /* worker::mono */
	int upload_failures;	      /* in a row */
	int64_t upload_probe; /* the task whose files may go up although the key's gate is closed */
	struct quota quota; /* written under quota_lock; this thread reads it without */
	pthread_mutex_t quota_lock;
	int64_t quota_after;   /* held tasks up to this one were looked at; -1: all were */
	double quota_promised; /* estimates of those that this look has let go */
	int64_t quota_day;
	pthread_mutex_t poke_lock;
	struct poke pokes[POKES_MAX]; /* poke_lock */
	int64_t account_at;    /* mono: when to ask for the balance; NEVER */
	int64_t account_asked; /* mono: the last time; 0: not yet */
	struct refresh refresh;
	bool started;
	bool streams_ended; /* those that an earlier daemon left */
	bool clock_back;    /* the wall clock was set back */
	bool local_trouble; /* the disk refused a result, and the log says so */
	int failure;	    /* first -errno of a callback, for worker_step() */
	uint64_t random;
	atomic_bool stop, reload, refresh_wanted, account_wanted, key_present;
	atomic_ullong submissions, accepted, polled, downloads, download_bytes, rate_limited,
		errors, uploads, upload_bytes;
};

/* ---- worker.c ---- */

/* Reads the clock. */
void worker_tick(struct worker *worker);
uint32_t worker_random(struct worker *worker);
/* An event without anything told. */
struct task_event worker_event(enum task_event_kind kind, uint32_t random);
/*
 * Steps the task, writes it, notifies. -ESTALE: it has moved on meanwhile, or the event means
 * nothing in its state; the event is dropped (and logged when it should not have happened).
 */
int worker_apply(struct worker *worker, const struct task *task, const struct task_event *event,
	const struct task_update *update);
/* A line of the log; failing to write it is not worth failing for. */
void worker_log(struct worker *worker, int64_t task, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A line that was cut at its buffer's size: takes away half a character at its end. */
void worker_trim(char *line);
void worker_notify(struct worker *worker, const struct changes *changes);

/* NULL when out of memory. */
struct job *job_create(struct worker *worker, enum job_kind kind, int64_t task);
/* Takes it off the list; frees it. Closes the file. */
void job_destroy(struct worker *worker, struct job *job);
bool job_exists(const struct worker *worker, enum job_kind kind, int64_t task, int index);

/* Each of the three starts what is due, as far as limits allow: 0 or -errno. Then how long until it
 * may have something to do, in milliseconds; NEVER when only an answer or a wakeup can tell. */
/* worker_follow.c: fills in the ids of earlier tasks; `*ready` is false when the task does not go now,
 * and why is written down. */
int follow_values(struct worker *worker, const struct task *task, bool *ready);
int submit_due(struct worker *worker);
int submit_wait(struct worker *worker, int64_t *wait_ms);
void submit_done(struct worker *worker, struct job *job, const struct http_answer *answer);
/* The service took the request of this job: what that means for all others. 0 or -errno. */
int submit_taken(struct worker *worker, const struct job *job);
/* Tries again to write down what could not be; 0 when nothing is left. */
int submit_save(struct worker *worker);
void submit_forget(struct worker *worker);

int poll_due(struct worker *worker);
int poll_wait(struct worker *worker, int64_t *wait_ms);
void poll_done(struct worker *worker, struct job *job, const struct http_answer *answer);

int fetch_due(struct worker *worker);
int fetch_wait(struct worker *worker, int64_t *wait_ms);
void fetch_done(struct worker *worker, struct job *job, const struct http_answer *answer);
/* The job's file is whole and its digest known: makes it a result. */
int fetch_whole(struct worker *worker, const struct job *job, const char *sha256);

/* ---- worker_refresh.c ---- */

int refresh_due(struct worker *worker);
int refresh_wait(struct worker *worker, int64_t *wait_ms);
void refresh_done(struct worker *worker, struct job *job, const struct http_answer *answer);
void refresh_forget(struct worker *worker);

/* ---- worker_upload.c ---- */

/* A queued task whose files lack addresses: it goes to UPLOADING. */
int upload_begin(struct worker *worker, const struct task *task, bool probe);
int upload_due(struct worker *worker);
int upload_wait(struct worker *worker, int64_t *wait_ms);
void upload_done(struct worker *worker, struct job *job, const struct http_answer *answer);
/* The job's file has been read through. */
int upload_digested(struct worker *worker, const struct job *job, const char *sha256);

/* ---- worker_source.c ---- */

/* Of all these: -EBUSY: the disk does not give it now. Opens what is to go up. -ENOENT: it is not
 * there (any more). */
int source_open(struct worker *worker, const struct source *source, int *fd);
/* SHA-256 of what is open. -EAGAIN: it is not known, and takes long to find out, or `look` is
 * false. */
int source_digest(
	struct worker *worker, const struct source *source, int fd, bool look, char sha256[65]);
/* Size and change time of an open file. 0 or -errno. */
int source_stat(int fd, int64_t *size, int64_t *changed_ns);
/* The extension it is kept under at the service. */
void source_extension(
	struct worker *worker, const struct source *source, int fd, char *out, size_t size);

/* ---- worker_digest.c ---- */

/* Takes the job over: it lives until its file is digested. */
int digest_start(struct job *job, const char *type);
/* A piece of one file. 0 or -errno. */
int digest_due(struct worker *worker);
bool digest_waits(const struct worker *worker);

/* ---- worker_account.c ---- */

/* The balance may have changed: it is asked for in this time at the latest. */
void account_soon(struct worker *worker, int64_t delay_ms);
/* Tasks that end together are one question. */
#define ACCOUNT_AFTER_TASK_MS 2000
int account_due(struct worker *worker);
int account_wait(struct worker *worker, int64_t *wait_ms);
void account_done(struct worker *worker, struct job *job, const struct http_answer *answer);

/* ---- worker_poke.c ---- */

/* The next task to be asked for a callback's sake, which counts as done then; 0 none. */
int64_t poke_next(struct worker *worker);
int64_t poke_wait(struct worker *worker);

/* ---- worker_quota.c ---- */

/* Reads the limits and looks at what is held for them. */
void quota_read(struct worker *worker);
/* Whether the queued task may leave now; one that may not is held. -errno. */
int quota_admit(struct worker *worker, const struct task *task, bool *admitted);
/* There may be room again. */
void quota_look(struct worker *worker);
int quota_due(struct worker *worker);
int64_t quota_wait(const struct worker *worker);
/* After a step: what it means for the limits and the balance. */
void money_moved(struct worker *worker, const struct task *old, const struct task *next);

/* ---- worker_chat.c: answers in text, streamed into a file ---- */

/* Before a request of a model that chats is sent: 0 or -ENOMEM. */
int chat_begin(struct job *job);
void chat_prepare(struct worker *worker, struct http_request *request);
/* Frees what the job has of it; accepts NULL. */
void chat_destroy(struct chat *chat);
/* Streams that a dead daemon left are ended; what could not be written down is tried again. */
int chat_due(struct worker *worker);
int chat_wait(struct worker *worker, int64_t *wait_ms);
void chat_done(struct worker *worker, struct job *job, const struct http_answer *answer);

/* ---- worker_gate.c ---- */

/* At start and at a reload: reads the key, finds out for what tasks are held. */
int gate_start(struct worker *worker);
int gate_reload(struct worker *worker);
/* The lowest reason that nothing may go out for, HOLD_NONE when all gates are open. */
enum task_hold gate_closed(const struct worker *worker);
/* The service said no; `probe`: to the task that was let through. */
void gate_close(struct worker *worker, enum task_hold hold, bool probe);
/* The service said yes to something begun at `started`. */
int gate_open(struct worker *worker, enum task_hold hold, int64_t started);
/* A task that may be let through now to see whether a gate may open: 0 none. */
int gate_probe(struct worker *worker, int64_t *task);
/* The probe told nothing, or could not go: again in `wait_ms`. */
void gate_put_off(struct worker *worker, int64_t wait_ms);
int64_t gate_wait(const struct worker *worker);
/* What a person must read who asks why a request is held. */
const char *gate_text(const struct worker *worker, enum task_hold hold);
