/*
 * What may be sent when. One place decides. Pure: time is an argument (milliseconds of any clock
 * that does not go back).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* At most `count` in any window of `window_ms`: the account's own rule, kept exactly. */
#define WINDOW_MAX 256
struct window {
	int count;
	int64_t window_ms;
	int64_t at[WINDOW_MAX]; /* ring of the last `count` times */
	int next;
	int64_t paused_until; /* after a 429 with Retry-After */
};

/* `count` is 1 to WINDOW_MAX. The far side counts arrivals, not departures: give a `window_ms` a
 * little longer than its own. */
void window_init(struct window *window, int count, int64_t window_ms);
/* 0 when one may go now, else how long to wait (ms). */
int64_t window_wait(const struct window *window, int64_t now);
void window_take(struct window *window, int64_t now);
void window_pause(struct window *window, int64_t until);

/* Polls, shared over all tasks: a token bucket of `rate` a second that never holds more than
 * `burst`. */
struct bucket {
	double rate;
	double burst;
	double tokens; /* at `at` */
	int64_t at;
};

/* `burst` is at least 1, a `rate` under one a minute is one a minute; the bucket starts full. */
void bucket_init(struct bucket *bucket, double rate, double burst, int64_t now);
/* 0 when one may go now, else how long to wait (ms). */
int64_t bucket_wait(const struct bucket *bucket, int64_t now);
void bucket_take(struct bucket *bucket, int64_t now);

/* When to ask after a task again: by its kind and age, with jitter of a fifth either way,
 * never sooner than `retry_after_ms` (-1: not told). `category` is the model's (NULL: unknown),
 * `random` is any 32 bits. Milliseconds from now. */
int64_t poll_delay(const char *category, int64_t age_ms, int64_t retry_after_ms, uint32_t random);

/* Exponential, with jitter and a cap: the wait before attempt number `attempt` (from 1), between
 * half of the exponential value and all of it. */
int64_t backoff_delay(int attempt, int64_t first_ms, int64_t cap_ms, uint32_t random);
