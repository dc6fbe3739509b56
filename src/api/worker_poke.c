/*
 * Polls that a callback asks for. Other threads put a task down here; the worker's takes it as soon
 * as it may be asked, before all others. A task is asked at most once in POKE_GAP_MS this way, so
 * that callbacks, whoever sends them, cannot spend the rate of polls on it.
 */
#include <errno.h>

#include "worker_private.h"

#define POKE_GAP_MS 1000

/* A task that is there already, or the place that was used longest ago; NULL: all are wanted. */
static struct poke *place_for(struct worker *worker, int64_t task)
{
	struct poke *best = NULL;

	for (int i = 0; i < POKES_MAX; i++) {
		struct poke *poke = &worker->pokes[i];
		if (poke->task == task)
			return poke;
		if (!poke->wanted && (!best || poke->not_before < best->not_before))
			best = poke;
	}
	return best;
}

int worker_poll_now(struct worker *worker, int64_t task)
{
	pthread_mutex_lock(&worker->poke_lock);
	struct poke *poke = place_for(worker, task);
	if (poke && poke->task != task)
		*poke = (struct poke){.task = task};
	if (poke)
		poke->wanted = true;
	pthread_mutex_unlock(&worker->poke_lock);
	if (!poke)
		return -EBUSY;
	http_wakeup(worker->http);
	return 0;
}

/* An answer under way may be older than what the callback is about: asked again after it. */
static bool is_free(const struct worker *worker, const struct poke *poke)
{
	return poke->wanted && !job_exists(worker, JOB_POLL, poke->task, 0);
}

int64_t poke_next(struct worker *worker)
{
	int64_t task = 0;

	pthread_mutex_lock(&worker->poke_lock);
	for (int i = 0; i < POKES_MAX && !task; i++) {
		struct poke *poke = &worker->pokes[i];
		if (!is_free(worker, poke) || poke->not_before > worker->mono)
			continue;
		task = poke->task;
		poke->wanted = false;
		poke->not_before = worker->mono + POKE_GAP_MS;
	}
	pthread_mutex_unlock(&worker->poke_lock);
	return task;
}

int64_t poke_wait(struct worker *worker)
{
	int64_t at = NEVER;

	pthread_mutex_lock(&worker->poke_lock);
	for (int i = 0; i < POKES_MAX; i++) {
		const struct poke *poke = &worker->pokes[i];
		if (is_free(worker, poke) && poke->not_before < at)
			at = poke->not_before;
	}
	pthread_mutex_unlock(&worker->poke_lock);
	if (at == NEVER)
		return NEVER;
	return at > worker->mono ? at - worker->mono : 0;
}
