/*
 * The table of tasks.
 *
 * A task's number stands inside its id (mixed with the seed, so that ids look random and cannot be
 * guessed one from the other), so a look-up is a computation and an index. The table is a ring:
 * past its maximum the oldest task is forgotten, as the real API forgets tasks after some days.
 *
 * Nothing happens to a task as time passes: task_phase() computes what it has come to.
 */
#pragma once

#include "fault.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct operation;

#define TASK_ID_SIZE 33 /* 32 lower-case hex digits and a NUL */

struct task {
	uint64_t number; /* 1, 2, 3 ...; 0 in an empty slot */
	int64_t created_ms;
	int64_t duration_ms;
	const struct model *model;	   /* NULL: a model that the catalogue does not know */
	const struct operation *operation; /* NULL: a model of the catalogue */
	bool is_orphan;			   /* the task it needs is not there: it fails */
	char *model_id;
	char *input;	      /* the input object, JSON text */
	char *callback;	      /* NULL when there was none */
	struct fault *faults; /* what the prompt or a rule asked to go wrong with it */
	unsigned fault_count;
	double credits;
	uint64_t polls;
	uint64_t downloads;
};

struct tasks {
	pthread_mutex_t lock;
	struct task **chunks; /* allocated as the ring fills for the first time */
	uint64_t max;
	uint64_t last; /* number of the newest task */
	uint64_t seed;
};

/* What a task has come to. */
enum phase {
	PHASE_RUNNING,
	PHASE_SUCCESS,
	PHASE_FAIL,
};

int tasks_init(struct tasks *tasks, uint64_t max, uint64_t seed);
void tasks_finish(struct tasks *tasks);
/* Forgets every task; ids given before are unknown from then on, and are not given again. */
void tasks_clear(struct tasks *tasks);

/* Takes the strings and faults of `task` over (also on failure) and gives it an id. -ENOMEM. */
int tasks_add(struct tasks *tasks, struct task *task, char id[TASK_ID_SIZE]);

enum task_use {
	TASK_LOOK,
	TASK_POLL, /* counts as a poll */
};

/* A copy for the caller to end with task_finish(). -ENOENT for an unknown id, -ENOMEM. */
int tasks_get(struct tasks *tasks, const char *id, enum task_use use, struct task *out);

void tasks_count_download(struct tasks *tasks, const char *id);

/* Calls `each` for every task, oldest first, under the table's lock: be quick, and call nothing of
 * the table. A negative return ends the walk and is returned. */
typedef int tasks_each_fn(const struct task *task, const char *id, void *user);
int tasks_each(struct tasks *tasks, tasks_each_fn *each, void *user);

/* Frees what the task holds; accepts NULL and a zeroed struct. */
void task_finish(struct task *task);

const struct fault *task_fault(const struct task *task, enum fault_kind kind);
enum phase task_phase(const struct task *task, int64_t now_ms);
/* Whether its credits come back when it fails. */
bool task_is_refunded(const struct task *task);
/* 0 at the start, 1 at the end. */
double task_fraction(const struct task *task, int64_t now_ms);
