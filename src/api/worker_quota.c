/*
 * The user's own limits, looked at right before a request leaves. Only this thread sends, and what
 * it sends counts from the commit that comes first, so no two requests pass one gap together, and
 * none is forgotten by a crash. What does not fit is held; whenever there may be room again, those
 * that fit go back into the queue, oldest first.
 */
#include <errno.h>
#include <float.h>
#include <string.h>

#include "worker_private.h"

void quota_look(struct worker *worker)
{
	worker->quota_after = 0;
	worker->quota_promised = 0;
}

void quota_read(struct worker *worker)
{
	struct quota quota = {.per_task = -1, .per_day = -1};

	if (!worker->options.quota || !worker->options.quota(worker->options.context, &quota))
		return;
	pthread_mutex_lock(&worker->quota_lock);
	worker->quota = quota;
	pthread_mutex_unlock(&worker->quota_lock);
	quota_look(worker);
}

void worker_quota_get(struct worker *worker, struct quota *out)
{
	pthread_mutex_lock(&worker->quota_lock);
	*out = worker->quota;
	pthread_mutex_unlock(&worker->quota_lock);
}

static int spent_today(struct worker *worker, double *out)
{
	struct spend spend = {0};
	int r = 0;

	if (worker->quota.per_day >= 0)
		r = store_spend_day(worker->options.store, quota_day(worker->now), &spend);
	*out = spend.credits;
	return r;
}

int quota_admit(struct worker *worker, const struct task *task, bool *admitted)
{
	struct task_event event = worker_event(EVENT_HOLD, 0);
	char text[TASK_TEXT_SIZE], line[TASK_TEXT_SIZE];
	double spent;
	int r = spent_today(worker, &spent);

	*admitted = false;
	if (r < 0)
		return r;
	enum quota_verdict verdict = quota_check(&worker->quota, task->estimate, spent);
	if (verdict == QUOTA_FITS) {
		*admitted = true;
		return 0;
	}
	quota_text(&worker->quota, verdict, "Held", task->estimate, spent, text, sizeof(text));
	strcpy(line, text);
	line[strcspn(line, "\n")] = '\0';
	event.hold = HOLD_LIMIT;
	event.text = text;
	const struct task_update update = {.log = line};
	r = worker_apply(worker, task, &event, &update);
	return r == -ESTALE ? 0 : r;
}

/* Whether it still fits beside what this pass has let go, and lets it go. */
static int let_go(struct worker *worker, int64_t id)
{
	struct task_event resume = worker_event(EVENT_RESUME, 0);
	const struct task_update update = {.log = "resumed: within the limits again"};
	struct task task = {0};
	double spent;
	int r = spent_today(worker, &spent);

	if (r == 0)
		r = store_task_get(worker->options.store, id, &task);
	if (r == 0 && task.state == TASK_HELD && task.hold == HOLD_LIMIT &&
		quota_check(&worker->quota, task.estimate, spent + worker->quota_promised) ==
			QUOTA_FITS) {
		r = worker_apply(worker, &task, &resume, &update);
		if (r == 0 && task.estimate > 0)
			worker->quota_promised += task.estimate;
	}
	task_finish(&task);
	return r == -ENOENT || r == -ESTALE ? 0 : r;
}

static double most(const struct worker *worker, double spent)
{
	const struct quota *quota = &worker->quota;
	double max = quota->per_task >= 0 ? quota->per_task : DBL_MAX;
	double room = quota->per_day - spent - worker->quota_promised;

	if (quota->per_day >= 0 && room < max)
		max = room > 0 ? room : 0;
	/* quota_check() has the last word; sums of prices are not exact. */
	return max < DBL_MAX ? max + 1 : max;
}

int quota_due(struct worker *worker)
{
	bool unknown = worker->quota.allow_unknown || !quota_is_set(&worker->quota);
	double spent;
	int64_t id;
	int r = 0;

	if (worker->quota_day != quota_day(worker->now)) {
		worker->quota_day = quota_day(worker->now);
		quota_look(worker);
	}
	for (int i = 0; worker->quota_after >= 0 && i < SUBMIT_BATCH && r == 0; i++) {
		r = spent_today(worker, &spent);
		if (r == 0)
			r = store_task_within(worker->options.store, worker->quota_after,
				unknown ? -1 : 0, most(worker, spent), &id);
		if (r == -ENOENT) {
			worker->quota_after = -1;
			return 0;
		}
		if (r == 0) {
			worker->quota_after = id;
			r = let_go(worker, id);
		}
	}
	return r;
}

int64_t quota_wait(const struct worker *worker)
{
	if (worker->quota_after >= 0)
		return 0;
	if (worker->quota.per_day < 0)
		return NEVER;
	return quota_day_end_ms(worker->now) - worker->now;
}

void money_moved(struct worker *worker, const struct task *old, const struct task *next)
{
	bool untaken = old->state == TASK_SUBMITTING &&
		       (task_is_unsent(next->state) || next->state == TASK_FAILED);
	bool told = next->credits >= 0 && next->credits != old->credits;

	if (worker->quota.per_day >= 0 && (untaken || told))
		quota_look(worker);
	if (next->state != old->state && task_is_final(next->state))
		account_soon(worker, ACCOUNT_AFTER_TASK_MS);
}
