/*
 * Gates: while the key, the credits or the key's own limit stand in the way, requests are held
 * without being sent. From time to time one of them is let through; when the service takes it,
 * all the others follow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker_private.h"

#define PROBE_FIRST_MS 60000 /* backoff_delay() gives half of it or more */
#define PROBE_CAP_MS (10 * 60 * 1000)
#define PROBE_AGAIN_MS 30000
#define SCAN_MAX 64

static const enum task_hold gated[] = {HOLD_KEY, HOLD_CREDITS, HOLD_QUOTA};
#define GATED (sizeof(gated) / sizeof(gated[0]))

const char *gate_text(const struct worker *worker, enum task_hold hold)
{
	switch (hold) {
	case HOLD_KEY:
		if (!atomic_load(&worker->key_present))
			return "Held: there is no API key.\n"
			       "Set KIE_API_KEY, or api_key_file= or api_key_command= in the "
			       "configuration; the request then goes out by itself.";
		return "Held: the service refused the API key.\n"
		       "Set a valid one; the request then goes out by itself.";
	case HOLD_CREDITS:
		return "Held: the account has not enough credits.\n"
		       "Top it up; the request then goes out by itself.";
	case HOLD_QUOTA:
		return "Held: a limit set on the API key is reached.\n"
		       "Raise it or use another key; the request then goes out by itself.";
	case HOLD_NONE:
	case HOLD_LIMIT:
	case HOLD_COUNT:
		break;
	}
	return "Held by a limit of your own; the request goes out by itself when it allows.";
}

/* The key's copy here is wiped; http keeps its own. One that cannot be a key counts as none. */
static int read_key(struct worker *worker)
{
	char *key = worker->options.key(worker->options.context);
	int r = http_set_key(worker->http, key);

	if (r == -EINVAL) {
		worker_log(worker, 0, "the API key holds blanks or characters that no key has");
		r = http_set_key(worker->http, NULL);
		atomic_store(&worker->key_present, false);
	} else {
		atomic_store(&worker->key_present, key && r == 0);
	}
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	return r;
}

static void shut(struct worker *worker, enum task_hold hold, bool sure, int64_t probe_ms)
{
	struct gate *gate = &worker->gates[hold];

	if (!gate->closed)
		gate->closed_at = worker->mono;
	gate->closed = true;
	gate->sure = gate->sure || sure;
	gate->probe_at = worker->mono + probe_ms;
}

static int64_t probe_delay(struct worker *worker, const struct gate *gate)
{
	return backoff_delay(gate->failures, PROBE_FIRST_MS, PROBE_CAP_MS, worker_random(worker));
}

static void shut_for_want_of_key(struct worker *worker)
{
	struct gate *gate = &worker->gates[HOLD_KEY];

	if (!gate->closed)
		worker_log(worker, 0, "there is no API key: requests are held");
	gate->failures++;
	shut(worker, HOLD_KEY, true, probe_delay(worker, gate));
}

/* Up to SCAN_MAX tasks held for a reason that has a gate, longest held first. */
static int scan_held(struct worker *worker, int64_t *ids, enum task_hold *holds)
{
	int64_t due[SCAN_MAX];
	int kept = 0;
	int n = store_task_gated(worker->options.store, worker->now, due, SCAN_MAX);

	for (int i = 0; i < n; i++) {
		struct task task = {0};
		int r = store_task_get(worker->options.store, due[i], &task);
		enum task_hold hold = task.state == TASK_HELD ? task.hold : HOLD_NONE;
		task_finish(&task);
		if (r < 0 && r != -ENOENT)
			return r;
		if (hold != HOLD_KEY && hold != HOLD_CREDITS && hold != HOLD_QUOTA)
			continue;
		ids[kept] = due[i];
		holds[kept++] = hold;
	}
	return n < 0 ? n : kept;
}

/* For reasons found in the index, whether they still stand is not known: one task goes out at once
 * to see, and the queue waits for what it finds. */
static int shut_unsure(struct worker *worker)
{
	int64_t ids[SCAN_MAX];
	enum task_hold holds[SCAN_MAX];
	int n = scan_held(worker, ids, holds);

	for (int i = 0; i < n; i++) {
		if (!worker->gates[holds[i]].closed)
			shut(worker, holds[i], false, 0);
	}
	return n < 0 ? n : 0;
}

static int resume(struct worker *worker, enum task_hold hold)
{
	struct changes changes = {0};
	int r = store_task_resume(worker->options.store, hold, worker->now);

	if (r < 0)
		return r;
	memset(&worker->gates[hold], 0, sizeof(worker->gates[hold]));
	worker_log(worker, 0, "submissions go on (%s): %d tasks resumed", task_hold_name(hold), r);
	worker_notify(worker, &changes);
	/* The scan sees the longest held only: behind them may be another reason. */
	return shut_unsure(worker);
}

int gate_start(struct worker *worker)
{
	int r = read_key(worker);

	if (r == 0)
		r = shut_unsure(worker);
	if (r == 0 && !atomic_load(&worker->key_present))
		shut_for_want_of_key(worker);
	return r;
}

int gate_reload(struct worker *worker)
{
	int r = read_key(worker);

	for (size_t i = 0; r == 0 && i < GATED; i++) {
		struct gate *gate = &worker->gates[gated[i]];
		gate->failures = 0;
		gate->probe_at = worker->mono;
	}
	if (r == 0 && !atomic_load(&worker->key_present))
		shut_for_want_of_key(worker);
	return r;
}

enum task_hold gate_closed(const struct worker *worker)
{
	for (size_t i = 0; i < GATED; i++) {
		if (worker->gates[gated[i]].closed)
			return gated[i];
	}
	return HOLD_NONE;
}

void gate_close(struct worker *worker, enum task_hold hold, bool probe)
{
	struct gate *gate = &worker->gates[hold];

	/* Answers that were under way when it closed say nothing new. */
	if (gate->closed && gate->sure && !probe)
		return;
	if (!gate->closed)
		worker_log(worker, 0, "submissions stop: %.*s",
			(int)strcspn(gate_text(worker, hold), "\n"), gate_text(worker, hold));
	gate->failures++;
	shut(worker, hold, true, probe_delay(worker, gate));
}

int gate_open(struct worker *worker, enum task_hold hold, int64_t started)
{
	const struct gate *gate = &worker->gates[hold];

	if (!gate->closed || (gate->sure && started < gate->closed_at))
		return 0;
	return resume(worker, hold);
}

/* Whether a gate's time has come. A missing key is asked for again here. */
static int probe_is_due(struct worker *worker, enum task_hold *out)
{
	struct gate *gate = &worker->gates[HOLD_KEY];
	int r;

	*out = HOLD_NONE;
	if (gate->closed && !atomic_load(&worker->key_present)) {
		if (worker->mono < gate->probe_at)
			return 0;
		r = read_key(worker);
		if (r < 0)
			return r;
		if (!atomic_load(&worker->key_present)) {
			shut_for_want_of_key(worker);
			return 0;
		}
	}
	for (size_t i = 0; i < GATED && *out == HOLD_NONE; i++) {
		gate = &worker->gates[gated[i]];
		if (gate->closed && worker->mono >= gate->probe_at)
			*out = gated[i];
	}
	return 0;
}

int gate_probe(struct worker *worker, int64_t *task)
{
	int64_t ids[SCAN_MAX];
	enum task_hold holds[SCAN_MAX], hold;
	int n, r = probe_is_due(worker, &hold);

	*task = 0;
	if (r < 0 || hold == HOLD_NONE)
		return r;
	n = scan_held(worker, ids, holds);
	if (n < 0)
		return n;
	for (int i = 0; i < n && !*task; i++) {
		if (holds[i] == hold)
			*task = ids[i];
	}
	if (!*task && n > 0)
		*task = ids[0];
	if (*task)
		return 0;
	r = store_task_due(worker->options.store, TASK_QUEUED, worker->now, task, 1);
	if (r != 0)
		return r < 0 ? r : 0;
	/* Nobody waits for it: the next request finds out by itself. */
	memset(&worker->gates[hold], 0, sizeof(worker->gates[hold]));
	return 0;
}

void gate_put_off(struct worker *worker, int64_t wait_ms)
{
	for (size_t i = 0; i < GATED; i++) {
		struct gate *gate = &worker->gates[gated[i]];
		if (gate->closed && gate->probe_at <= worker->mono)
			gate->probe_at = worker->mono + (wait_ms < 0 ? PROBE_AGAIN_MS : wait_ms);
	}
}

int64_t gate_wait(const struct worker *worker)
{
	int64_t at = NEVER;

	for (size_t i = 0; i < GATED; i++) {
		const struct gate *gate = &worker->gates[gated[i]];
		if (gate->closed && gate->probe_at < at)
			at = gate->probe_at;
	}
	return at == NEVER ? NEVER : at - worker->mono;
}
