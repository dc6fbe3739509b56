#include "account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct key {
	char *text;
	bool bad;
	int64_t *times; /* a ring of the last `rate` submissions */
	unsigned next;
};

struct refund {
	int64_t due_ms;
	double credits;
};

int account_init(struct account *account, unsigned rate, double credits)
{
	*account = (struct account){.rate = rate, .balance = credits};
	pthread_mutex_init(&account->lock, NULL);
	return 0;
}

static void forget(struct account *account)
{
	for (size_t i = 0; i < account->key_count; i++) {
		free(account->keys[i].text);
		free(account->keys[i].times);
	}
	free(account->keys);
	free(account->refunds);
	account->keys = NULL;
	account->refunds = NULL;
	account->key_count = account->refund_count = 0;
}

void account_finish(struct account *account)
{
	forget(account);
	pthread_mutex_destroy(&account->lock);
}

void account_reset(struct account *account, unsigned rate, double credits)
{
	pthread_mutex_lock(&account->lock);
	forget(account);
	account->rate = rate;
	account->balance = credits;
	pthread_mutex_unlock(&account->lock);
}

static struct key *find_key(struct account *account, const char *text)
{
	for (size_t i = 0; i < account->key_count; i++) {
		if (strcmp(account->keys[i].text, text) == 0)
			return &account->keys[i];
	}
	return NULL;
}

/* NULL when out of memory. */
static struct key *need_key(struct account *account, const char *text)
{
	struct key *key = find_key(account, text);

	if (key)
		return key;
	struct key *keys = realloc(account->keys, (account->key_count + 1) * sizeof(*keys));
	if (!keys)
		return NULL;
	account->keys = keys;
	struct key made = {.text = strdup(text)};
	if (!made.text)
		return NULL;
	if (account->rate) {
		made.times = calloc(account->rate, sizeof(*made.times));
		if (!made.times) {
			free(made.text);
			return NULL;
		}
	}
	key = &keys[account->key_count++];
	*key = made;
	return key;
}

int account_set_bad(struct account *account, const char *text, bool bad)
{
	pthread_mutex_lock(&account->lock);
	struct key *key = need_key(account, text);
	if (key)
		key->bad = bad;
	pthread_mutex_unlock(&account->lock);
	return key ? 0 : -ENOMEM;
}

void account_clear_bad(struct account *account)
{
	pthread_mutex_lock(&account->lock);
	for (size_t i = 0; i < account->key_count; i++)
		account->keys[i].bad = false;
	pthread_mutex_unlock(&account->lock);
}

bool account_is_bad(struct account *account, const char *text)
{
	pthread_mutex_lock(&account->lock);
	struct key *key = find_key(account, text);
	bool bad = key && key->bad;
	pthread_mutex_unlock(&account->lock);
	return bad;
}

int account_admit(struct account *account, const char *text, int64_t now_ms, int64_t *wait_ms)
{
	int r = 0;

	if (account->rate == 0)
		return 0;
	pthread_mutex_lock(&account->lock);
	struct key *key = need_key(account, text);
	if (!key) {
		r = -ENOMEM;
	} else {
		int64_t oldest = key->times[key->next];

		if (oldest && now_ms - oldest < ACCOUNT_WINDOW_MS) {
			*wait_ms = oldest + ACCOUNT_WINDOW_MS - now_ms;
			r = -EAGAIN;
		} else {
			key->times[key->next] = now_ms;
			key->next = (key->next + 1) % account->rate;
		}
	}
	pthread_mutex_unlock(&account->lock);
	return r;
}

static void pay_refunds(struct account *account, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < account->refund_count; i++) {
		if (account->refunds[i].due_ms <= now_ms)
			account->balance += account->refunds[i].credits;
		else
			account->refunds[kept++] = account->refunds[i];
	}
	account->refund_count = kept;
}

double account_balance(struct account *account, int64_t now_ms)
{
	pthread_mutex_lock(&account->lock);
	pay_refunds(account, now_ms);
	double balance = account->balance;
	pthread_mutex_unlock(&account->lock);
	return balance;
}

void account_set_balance(struct account *account, double balance)
{
	pthread_mutex_lock(&account->lock);
	account->refund_count = 0;
	account->balance = balance;
	pthread_mutex_unlock(&account->lock);
}

static int add_refund(struct account *account, double credits, int64_t due_ms)
{
	struct refund *refunds =
		realloc(account->refunds, (account->refund_count + 1) * sizeof(*refunds));

	if (!refunds)
		return -ENOMEM;
	account->refunds = refunds;
	refunds[account->refund_count++] = (struct refund){due_ms, credits};
	return 0;
}

int account_charge(struct account *account, double credits, int64_t now_ms, int64_t refund_ms)
{
	int r = 0;

	pthread_mutex_lock(&account->lock);
	pay_refunds(account, now_ms);
	if (credits > account->balance)
		r = -EDQUOT;
	else if (refund_ms)
		r = add_refund(account, credits, refund_ms);
	if (r == 0)
		account->balance -= credits;
	pthread_mutex_unlock(&account->lock);
	return r;
}
