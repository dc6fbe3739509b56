/* Keys, the rate limit of each, and the credits that all share. Thread-safe. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_WINDOW_MS 10000

struct account {
	pthread_mutex_t lock;
	unsigned rate; /* requests in ACCOUNT_WINDOW_MS, 0: no limit */
	double balance;
	struct key *keys; /* every key seen or set as bad */
	size_t key_count;
	struct refund *refunds; /* not yet due */
	size_t refund_count;
};

int account_init(struct account *account, unsigned rate, double credits);
void account_finish(struct account *account);
/* As after account_init(). */
void account_reset(struct account *account, unsigned rate, double credits);

/* Sets whether the key is refused. -ENOMEM. */
int account_set_bad(struct account *account, const char *key, bool bad);
void account_clear_bad(struct account *account);
bool account_is_bad(struct account *account, const char *key);

/* Counts a submission of this key. 0, -EAGAIN when it is one too many (`*wait_ms` says when the
 * next is allowed), -ENOMEM. A refused one is not counted. */
int account_admit(struct account *account, const char *key, int64_t now_ms, int64_t *wait_ms);

double account_balance(struct account *account, int64_t now_ms);
void account_set_balance(struct account *account, double balance);
/* Takes `credits`, and gives them back at `refund_ms` when that is not 0. -EDQUOT when the balance
 * does not cover it, -ENOMEM; then nothing is taken. */
int account_charge(struct account *account, double credits, int64_t now_ms, int64_t refund_ms);
