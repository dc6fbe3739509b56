/* See tasks.h. One mutex, held for a few copies only. */
#include "tasks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 4096

/* The finalizer of splitmix64 and its inverse: a bijection of 64-bit numbers. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t unmix(uint64_t x)
{
	x ^= x >> 31 ^ x >> 62;
	x *= 0x319642b2d24d8ec3u;
	x ^= x >> 27 ^ x >> 54;
	x *= 0x96de1b173f119089u;
	return x ^ x >> 30 ^ x >> 60;
}

static uint64_t check_half(const struct tasks *tasks, uint64_t high)
{
	return mix(high + tasks->seed * 0x9e3779b97f4a7c15u);
}

static void id_of(const struct tasks *tasks, uint64_t number, char id[TASK_ID_SIZE])
{
	uint64_t high = mix(number ^ tasks->seed);

	snprintf(id, TASK_ID_SIZE, "%016" PRIx64 "%016" PRIx64, high, check_half(tasks, high));
}

/* 0 when the id was never given. */
static uint64_t number_of(const struct tasks *tasks, const char *id)
{
	uint64_t half[2] = {0};

	if (strlen(id) != TASK_ID_SIZE - 1 || strspn(id, "0123456789abcdef") != TASK_ID_SIZE - 1)
		return 0;
	if (sscanf(id, "%16" SCNx64 "%16" SCNx64, &half[0], &half[1]) != 2)
		return 0;
	return half[1] == check_half(tasks, half[0]) ? unmix(half[0]) ^ tasks->seed : 0;
}

static size_t chunk_count(const struct tasks *tasks)
{
	return (tasks->max + CHUNK - 1) / CHUNK;
}

int tasks_init(struct tasks *tasks, uint64_t max, uint64_t seed)
{
	*tasks = (struct tasks){.max = max, .seed = seed};
	tasks->chunks = calloc(chunk_count(tasks), sizeof(*tasks->chunks));
	if (!tasks->chunks)
		return -ENOMEM;
	pthread_mutex_init(&tasks->lock, NULL);
	return 0;
}

void task_finish(struct task *task)
{
	if (!task)
		return;
	free(task->model_id);
	free(task->input);
	free(task->callback);
	free(task->faults);
	*task = (struct task){0};
}

static void forget_all(struct tasks *tasks)
{
	for (size_t i = 0; i < chunk_count(tasks); i++) {
		for (size_t j = 0; tasks->chunks[i] && j < CHUNK; j++)
			task_finish(&tasks->chunks[i][j]);
		free(tasks->chunks[i]);
		tasks->chunks[i] = NULL;
	}
}

void tasks_finish(struct tasks *tasks)
{
	if (!tasks || !tasks->chunks)
		return;
	forget_all(tasks);
	free(tasks->chunks);
	pthread_mutex_destroy(&tasks->lock);
	*tasks = (struct tasks){0};
}

void tasks_clear(struct tasks *tasks)
{
	pthread_mutex_lock(&tasks->lock);
	forget_all(tasks);
	pthread_mutex_unlock(&tasks->lock);
}

/* NULL when its chunk was never needed. */
static struct task *slot_of(const struct tasks *tasks, uint64_t number)
{
	uint64_t index = number % tasks->max;
	struct task *chunk = tasks->chunks[index / CHUNK];

	return chunk ? &chunk[index % CHUNK] : NULL;
}

static int make_chunk(struct tasks *tasks, uint64_t number)
{
	struct task **chunk = &tasks->chunks[number % tasks->max / CHUNK];

	if (!*chunk)
		*chunk = calloc(CHUNK, sizeof(**chunk));
	return *chunk ? 0 : -ENOMEM;
}

int tasks_add(struct tasks *tasks, struct task *task, char id[TASK_ID_SIZE])
{
	pthread_mutex_lock(&tasks->lock);
	int r = make_chunk(tasks, tasks->last + 1);
	if (r == 0) {
		struct task *slot = slot_of(tasks, ++tasks->last);

		task_finish(slot);
		task->number = tasks->last;
		id_of(tasks, task->number, id);
		*slot = *task;
	}
	pthread_mutex_unlock(&tasks->lock);
	if (r < 0)
		task_finish(task);
	*task = (struct task){0};
	return r;
}

static int copy_text(const char *from, char **to)
{
	if (!from)
		return 0;
	*to = strdup(from);
	return *to ? 0 : -ENOMEM;
}

static int copy_task(const struct task *from, struct task *to)
{
	*to = *from;
	to->model_id = to->input = to->callback = NULL;
	to->faults = NULL;
	int r = copy_text(from->model_id, &to->model_id);
	if (r == 0)
		r = copy_text(from->input, &to->input);
	if (r == 0)
		r = copy_text(from->callback, &to->callback);
	if (r == 0 && from->fault_count) {
		to->faults = calloc(from->fault_count, sizeof(*to->faults));
		if (to->faults)
			memcpy(to->faults, from->faults, from->fault_count * sizeof(*to->faults));
		else
			r = -ENOMEM;
	}
	if (r < 0)
		task_finish(to);
	return r;
}

int tasks_get(struct tasks *tasks, const char *id, enum task_use use, struct task *out)
{
	uint64_t number = number_of(tasks, id);
	struct task copy;
	int r = -ENOENT;

	if (number == 0)
		return -ENOENT;
	pthread_mutex_lock(&tasks->lock);
	struct task *slot = slot_of(tasks, number);
	if (slot && slot->number == number) {
		slot->polls += use == TASK_POLL;
		r = copy_task(slot, &copy);
	}
	pthread_mutex_unlock(&tasks->lock);
	if (r == 0)
		*out = copy;
	return r;
}

void tasks_count_download(struct tasks *tasks, const char *id)
{
	uint64_t number = number_of(tasks, id);

	pthread_mutex_lock(&tasks->lock);
	struct task *slot = slot_of(tasks, number);
	if (slot && number && slot->number == number)
		slot->downloads++;
	pthread_mutex_unlock(&tasks->lock);
}

int tasks_each(struct tasks *tasks, tasks_each_fn *each, void *user)
{
	char id[TASK_ID_SIZE];
	int r = 0;

	pthread_mutex_lock(&tasks->lock);
	uint64_t first = tasks->last >= tasks->max ? tasks->last - tasks->max + 1 : 1;
	for (uint64_t n = first; n <= tasks->last && r >= 0; n++) {
		const struct task *slot = slot_of(tasks, n);

		if (!slot || slot->number != n)
			continue;
		id_of(tasks, n, id);
		r = each(slot, id, user);
	}
	pthread_mutex_unlock(&tasks->lock);
	return r < 0 ? r : 0;
}

const struct fault *task_fault(const struct task *task, enum fault_kind kind)
{
	for (unsigned i = 0; i < task->fault_count; i++) {
		if (task->faults[i].kind == kind)
			return &task->faults[i];
	}
	return NULL;
}

bool task_is_refunded(const struct task *task)
{
	return task->is_orphan || task_fault(task, FAULT_FAIL);
}

double task_fraction(const struct task *task, int64_t now_ms)
{
	int64_t elapsed = now_ms - task->created_ms;

	if (elapsed >= task->duration_ms)
		return 1;
	return elapsed <= 0 ? 0 : (double)elapsed / (double)task->duration_ms;
}

enum phase task_phase(const struct task *task, int64_t now_ms)
{
	if (task_fault(task, FAULT_STUCK) || task_fraction(task, now_ms) < 1)
		return PHASE_RUNNING;
	if (task->is_orphan || task_fault(task, FAULT_FAIL) || task_fault(task, FAULT_MODERATION))
		return PHASE_FAIL;
	return PHASE_SUCCESS;
}
