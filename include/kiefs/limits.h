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
	int64_t paused_until;	/* after a 429 with Retry-After */
};

/* `count` is 1 to WINDOW_MAX. */
void window_init(struct window *window, int count, int64_t window_ms);
/* 0 when one may go now, else how long to wait (ms). */
int64_t window_wait(const struct window *window, int64_t now);
void window_take(struct window *window, int64_t now);
void window_pause(struct window *window, int64_t until);

/* When to ask after a task again: by its kind and age, with jitter, never sooner than
 * `retry_after_ms` (-1: not told). `random` is any 32 bits. Milliseconds from now. */
int64_t poll_delay(const char *category, int64_t age_ms, int64_t retry_after_ms, uint32_t random);

/* Exponential, with jitter and a cap: the wait before attempt number `attempt` (from 1). */
int64_t backoff_delay(int attempt, int64_t first_ms, int64_t cap_ms, uint32_t random);
