/*
 * The optional listener for the service's callbacks.
 *
 * A callback makes one poll happen now and nothing else: nothing in it is believed but which task
 * is meant, and the service is then asked about that task in the usual way. So what is forged,
 * repeated, huge or slow can at most cost a few polls.
 *
 * Thread: one of libmicrohttpd's own. It reads, checks, asks `found` and answers; it keeps nothing.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct callback;
struct error;

/* What became of a callback. */
enum callback_verdict {
	CALLBACK_ACCEPTED, /* the task is asked after */
	CALLBACK_ENDED,	   /* nothing is open about the task: repeated, or early */
	CALLBACK_UNKNOWN,  /* no task has this id */
	CALLBACK_BUSY,	   /* too many at once: its turn comes by itself */
	CALLBACK_PATH,	   /* not at our address */
	CALLBACK_METHOD,   /* not a POST */
	CALLBACK_LARGE,
	CALLBACK_SLOW,
	CALLBACK_FORM,	   /* no JSON, or it names no task */
	CALLBACK_UNSIGNED, /* the signature is missing or wrong */
	CALLBACK_STALE,	   /* signed too long ago, or ahead of time */
	CALLBACK_VERDICTS,
};

/* The first four verdicts; must not wait for the network. On the listener's thread. */
typedef enum callback_verdict callback_found_fn(const char *remote_id, void *context);
/* Milliseconds since 1970. */
typedef int64_t callback_clock_fn(void *context);

struct callback_options {
	const char *listen; /* "127.0.0.1:8080", "[::1]:0"; port 0: any */
	const char *token;  /* the last part of the only path that counts */
	const char *key;    /* of the signatures, copied; NULL: they are not checked */
	const cJSON *paths; /* where a body may name its task; copied */
	callback_found_fn *found;
	callback_clock_fn *clock;
	void *context; /* for the two above */
};

/* Listens and starts its thread. -errno with `err` saying what stands in the way. */
int callback_start(
	const struct callback_options *options, struct callback **out, struct error *err);
/* Ends the thread; accepts NULL. */
void callback_stop(struct callback *callback);
/* "http://127.0.0.1:34567": where it listens. */
const char *callback_origin(const struct callback *callback);

/* .kiefs/callback; `address` is what requests give the service, without its secret part; NULL:
 * none. `callback` NULL: it is off. 0 or the buffer's error. */
int callback_print(const struct callback *callback, const char *address, struct buf *out);
/* Lines of .kiefs/stats. */
int callback_stats(const struct callback *callback, struct buf *out);

/* ---- the pure part (check.c) ---- */

#define CALLBACK_WINDOW_MS (10 * 60 * 1000)

/* The task's id in a body, heap. -EINVAL: none; -ENOMEM. */
int callback_task_id(const cJSON *paths, const char *body, size_t len, char **out);
/* The signature that goes with them. */
#define CALLBACK_SIGNATURE_SIZE 45
void callback_sign(
	const char *key, const char *id, const char *timestamp, char out[CALLBACK_SIGNATURE_SIZE]);
/* Signed with the key over "id.timestamp" (base64 of HMAC-SHA256), at most ten minutes ago by
 * `now_ms`, or ahead. ACCEPTED, UNSIGNED or STALE; header values may be NULL. */
enum callback_verdict callback_check(const char *key, const char *id, const char *timestamp,
	const char *signature, int64_t now_ms);
