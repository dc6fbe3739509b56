/* account/: what there is to spend, what was spent, and what may be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs.h"
#include "kiefs/buf.h"
#include "kiefs/clock.h"
#include "kiefs/quota.h"
#include "kiefs/worker.h"

/* A balance older than this is asked for again when somebody opens it. */
#define OLD_MS 30000
#define VALUE_MAX 4096

/* `*at_ms` is 0 when it was never heard; `value` is then empty. */
static int heard(struct fs *fs, const char *name, struct buf *value, int64_t *at_ms)
{
	int r = store_fact_get(fs->store, name, value, at_ms);

	if (r != -ENOENT)
		return r;
	*at_ms = 0;
	return 0;
}

static int credits_text(struct fs *fs, struct buf *out)
{
	struct buf value;
	int64_t at_ms;

	buf_init(&value, VALUE_MAX);
	int r = heard(fs, FACT_CREDITS, &value, &at_ms);
	if (r == 0)
		r = buf_addf(out, "%s\n", at_ms ? value.data : "unknown");
	buf_finish(&value);
	return r;
}

static int status_text(struct fs *fs, struct buf *out)
{
	struct buf value, why;
	char when[32] = "never";
	int64_t at_ms = 0, asked_ms = 0;

	buf_init(&value, VALUE_MAX);
	buf_init(&why, VALUE_MAX);
	int r = heard(fs, FACT_CREDITS, &value, &at_ms);
	if (r == 0)
		r = heard(fs, FACT_CREDITS_WHY, &why, &asked_ms);
	if (at_ms)
		clock_format(at_ms, when, sizeof(when));
	buf_addf(out, "credits: %s\nheard: %s\n", at_ms ? value.data : "unknown", when);
	if (asked_ms)
		clock_format(asked_ms, when, sizeof(when));
	if (asked_ms && why.len > 0)
		buf_addf(out, "problem: %s (%s)\n", why.data, when);
	buf_finish(&value);
	buf_finish(&why);
	return r < 0 ? r : out->error;
}

static void add_limit(struct buf *out, const char *name, double credits)
{
	char text[PRICE_SIZE];

	buf_addf(out, "%s: %s\n", name, credits < 0 ? "none" : price_text(credits, text));
}

static int limits_text(struct fs *fs, struct buf *out)
{
	struct quota quota = {.per_task = -1, .per_day = -1};
	int64_t now = clock_now_ms(), held = 0, queued = 0;
	struct spend spend = {0};
	char text[PRICE_SIZE], end[32];
	int r = store_spend_day(fs->store, quota_day(now), &spend);

	if (r == 0)
		r = store_task_held_count(fs->store, HOLD_LIMIT, &held);
	if (r == 0)
		r = store_task_count(fs->store, TASK_QUEUED, &queued);
	if (r < 0)
		return r;
	if (fs->worker)
		worker_quota_get(fs->worker, &quota);
	add_limit(out, "limit_per_task", quota.per_task);
	add_limit(out, "limit_per_day", quota.per_day);
	buf_addf(out, "unknown_price: %s\n", quota.allow_unknown ? "allow" : "hold");
	buf_addf(out, "spent_today: %s\n", price_text(spend.credits, text));
	if (quota.per_day >= 0)
		buf_addf(out, "left_today: %s\n",
			price_text(
				spend.credits < quota.per_day ? quota.per_day - spend.credits : 0,
				text));
	clock_format(quota_day_end_ms(now), end, sizeof(end));
	buf_addf(out,
		"tasks_today: %lld\nby_estimate: %lld\nof_unknown_price: %lld\n"
		"queued: %lld\nheld_for_a_limit: %lld\nday_ends: %s\n",
		(long long)spend.tasks, (long long)spend.estimated, (long long)spend.unknown,
		(long long)queued, (long long)held, end);
	return out->error;
}

int account_text(struct fs *fs, enum tree_kind kind, struct buf *out)
{
	switch (kind) {
	case TREE_CREDITS:
		return credits_text(fs, out);
	case TREE_ACCOUNT_STATUS:
		return status_text(fs, out);
	case TREE_SPEND:
		return store_spend_csv(fs->store, out);
	case TREE_LIMITS:
		return limits_text(fs, out);
	default:
		return -EINVAL;
	}
}

int64_t account_heard_ms(struct fs *fs)
{
	struct buf value;
	int64_t at_ms;

	buf_init(&value, VALUE_MAX);
	if (heard(fs, FACT_CREDITS, &value, &at_ms) < 0 || at_ms == 0)
		at_ms = fs->started_ms;
	buf_finish(&value);
	return at_ms;
}

void account_opened(struct fs *fs, enum tree_kind kind)
{
	if (kind != TREE_CREDITS && kind != TREE_ACCOUNT_STATUS)
		return;
	if (fs->worker && clock_now_ms() - account_heard_ms(fs) > OLD_MS)
		worker_account_ask(fs->worker);
}
