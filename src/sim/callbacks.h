/*
 * Callbacks: one thread posts them with libcurl, side by side, when their time has come. A post
 * that is not answered with HTTP 200 within 15 s is tried three times more.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

struct callbacks;
struct sim;

/* What the callback says, made when it is due; `*out` is owned by the caller, and when it stays
 * NULL nothing is posted. On the callbacks' thread. 0 or -errno. */
typedef int callback_make_fn(struct sim *sim, const char *task, unsigned stage, cJSON **out);

/* Starts the thread. -errno. */
int callbacks_start(struct sim *sim, struct callbacks **out);
/* Drops what was not posted; accepts NULL. */
void callbacks_stop(struct callbacks *callbacks);

/* Posts to `url` when the simulator's clock says `due_ms`, unless a fault of the task forbids it;
 * other faults are obeyed too. -ENOMEM; -ENOSPC: too many wait. */
int callbacks_plan(struct callbacks *callbacks, const char *url, const char *task, unsigned stage,
	int64_t due_ms, callback_make_fn *make);
/* Posts `body` (copied) at once, signed for `task`. -ENOMEM, -ENOSPC. */
int sim_callback_send(struct sim *sim, const char *url, const char *task, const char *body);
/* The clock was moved. */
void callbacks_wake(struct callbacks *callbacks);
/* Forgets what waits. */
void callbacks_clear(struct callbacks *callbacks);

/* {"posted", "answered", "failed", "waiting", "last": [{"task", "at_ms", "status"}]}: what was
 * done since the start. NULL when out of memory. */
cJSON *callbacks_json(struct callbacks *callbacks);
