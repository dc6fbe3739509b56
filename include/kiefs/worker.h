/*
 * The network side: one thread that sends, asks and fetches what the index says is due.
 *
 * The worker owns its store connection, the http handle and all limits. It meets the rest of the
 * program at worker_wake() and at the notify callback, nowhere else; notify is called on the
 * worker's thread after the commit, with nothing held. No sleep, no tick: it waits in
 * http_perform() for the next due time or a wakeup.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct catalogue;
struct changes;
struct error;
struct files;
struct store;
struct quota;
struct worker;

typedef void worker_notify_fn(const struct changes *changes, void *context);
/* Milliseconds since 1970. */
typedef int64_t worker_clock_fn(void *context);
/* The key now, heap (the worker wipes and frees it), NULL when there is none. Called at start, at
 * worker_reload() and when held tasks for want of a key are looked at again. */
typedef char *worker_key_fn(void *context);

/* The user's limits now. At start and at worker_reload(). False: they stay as they are. */
typedef bool worker_quota_fn(void *context, struct quota *out);
/* What a refresh found is in the file; called on the worker's thread with nothing held. */
typedef void worker_refreshed_fn(void *context);

struct worker_options {
	const struct catalogue *catalogue;
	struct store *store;	   /* not owned; a peer of the FUSE side's, `full` */
	const struct files *files; /* not owned */
	const char *api_url;
	const char *upload_url;
	int submit_count;     /* submissions per submit_window_ms; 20 */
	int submit_window_ms; /* 10000 */
	int max_running;      /* tasks at the service at once; 100 */
	double polls_per_s;   /* 10 */
	int max_downloads;    /* at once; 8 */
	int64_t max_result_bytes;
	worker_notify_fn *notify;
	worker_clock_fn *clock;
	worker_key_fn *key;
	worker_quota_fn *quota;	   /* NULL: no limits */
	worker_refreshed_fn *refreshed;
	void *context;		   /* for the five above */
	const char *refreshed_path; /* the file that a refresh writes; NULL: there are none */
	const char *report_path;    /* and its report */
	uint32_t seed;		   /* of the jitter */
};

/* -EINVAL (`err`: an address), -ENOMEM. Starts no thread. */
int worker_create(const struct worker_options *options, struct worker **out, struct error *err);
/* Accepts NULL. The loop must have ended. */
void worker_destroy(struct worker *worker);

/* Runs until worker_stop(); for a thread of its own. 0 or -errno of something that cannot go on
 * (the database failing). */
int worker_run(struct worker *worker);
/* One round, for tests: does all that is due, waits at most `max_wait_ms` for an answer. */
int worker_step(struct worker *worker, int max_wait_ms);

/* What the index keeps of the account: the balance as a number, and why the last question for it
 * had no answer ("" when it had). */
#define FACT_CREDITS "credits"
#define FACT_CREDITS_WHY "credits.why"

/* The secret part of the address of callbacks. */
#define FACT_CALLBACK_TOKEN "callback.token"

/* From any thread. */
void worker_account_ask(struct worker *worker); /* somebody wants to know the balance */
/* Asks after a running task as soon as the rate allows, before all others, but not more than once a
 * second. -EBUSY: too many are wanted at once. */
int worker_poll_now(struct worker *worker, int64_t task);
void worker_quota_get(struct worker *worker, struct quota *out);
void worker_wake(struct worker *worker);   /* something new may be due */
/* Another catalogue from now on; takes a share of it. Jobs under way end with the one they began
 * with. */
void worker_set_catalogue(struct worker *worker, const struct catalogue *catalogue);
void worker_refresh(struct worker *worker); /* ask the service for its models, once */
void worker_reload(struct worker *worker); /* read the key again, try what is held */
void worker_stop(struct worker *worker);   /* let worker_run() return after the current round */

/* What has been sent since the start, for .kiefs/stats; any thread. */
struct worker_stats {
	uint64_t submissions, accepted, polls, downloads, download_bytes, rate_limited, errors;
	uint64_t uploads, upload_bytes;
	bool key_present;
};
void worker_stats_get(struct worker *worker, struct worker_stats *out);
