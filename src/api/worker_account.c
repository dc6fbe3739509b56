/*
 * The account's balance: asked for at the start, some time after tasks have ended, and when
 * somebody looks at an old one. What was heard stands in the index; nobody waits for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kiefs/catalogue.h"
#include "kiefs/protocol.h"
#include "worker_private.h"

#define ACCOUNT_TOTAL_MS 30000
#define ACCOUNT_MAX_BYTES 65536
/* Between two questions, whoever wants to know. */
#define ACCOUNT_GAP_MS 5000

void account_soon(struct worker *worker, int64_t delay_ms)
{
	int64_t at = worker->mono + delay_ms;

	if (worker->account_asked && at < worker->account_asked + ACCOUNT_GAP_MS)
		at = worker->account_asked + ACCOUNT_GAP_MS;
	if (at < worker->account_at)
		worker->account_at = at;
}

void worker_account_ask(struct worker *worker)
{
	atomic_store(&worker->account_wanted, true);
	http_wakeup(worker->http);
}

static const struct account_entry *may_ask(const struct worker *worker)
{
	if (worker->running[JOB_ACCOUNT] > 0 || !atomic_load(&worker->key_present))
		return NULL;
	return catalogue_account(worker->options.catalogue);
}

static int ask(struct worker *worker, const struct account_entry *account)
{
	char *url = protocol_account_url(account, worker->api_url, worker->upload_url);
	struct job *job = url ? job_create(worker, JOB_ACCOUNT, 0) : NULL;
	int r = -ENOMEM;

	if (!job)
		goto out;
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.authorized = true,
		.fd = -1,
		.max_bytes = ACCOUNT_MAX_BYTES,
		.total_ms = ACCOUNT_TOTAL_MS,
		.user = job,
	};
	r = http_start(worker->http, &request);
	if (r < 0)
		job_destroy(worker, job);
out:
	free(url);
	return r;
}

int account_due(struct worker *worker)
{
	const struct account_entry *account = may_ask(worker);

	if (atomic_exchange(&worker->account_wanted, false))
		account_soon(worker, 0);
	if (!account || worker->mono < worker->account_at)
		return 0;
	worker->account_at = NEVER;
	worker->account_asked = worker->mono;
	return ask(worker, account);
}

int account_wait(struct worker *worker, int64_t *wait_ms)
{
	if (may_ask(worker) && worker->account_at != NEVER)
		*wait_ms = worker->account_at - worker->mono;
	return 0;
}

void account_done(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	const struct account_entry *account = catalogue_account(worker->options.catalogue);
	struct store *store = worker->options.store;
	char number[48];
	char *message = NULL;
	const struct changes changes = {.account = CHANGED_BALANCE};
	double credits = -1;
	int r = account ? protocol_read_account(account, answer, &credits, &message) : 0;

	/* First, so that whoever sees a new balance is not told of an old problem. */
	if (r == 0)
		r = store_fact_put(store, FACT_CREDITS_WHY, message ? message : "", worker->now);
	if (r == 0 && credits >= 0) {
		/* As many digits as credits have, and not what a double adds to them. */
		snprintf(number, sizeof(number), "%.10g", credits);
		r = store_fact_put(store, FACT_CREDITS, number, worker->now);
	}
	free(message);
	if (r == 0)
		worker_notify(worker, &changes);
	if (r < 0 && worker->failure == 0)
		worker->failure = r;
}
