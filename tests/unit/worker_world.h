/* A worker on a real store in a directory of its own, with the fake service on the far side. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fake_service.h"
#include "kiefs/catalogue.h"
#include "kiefs/files.h"
#include "kiefs/quota.h"
#include "kiefs/store.h"
#include "kiefs/task.h"
#include "kiefs/worker.h"

struct world {
	char dir[64];
	struct catalogue *catalogue;
	struct store *front; /* the FUSE side's */
	struct store *store; /* the worker's */
	struct files files;
	struct worker *worker;
	struct worker_options options;
	struct quota quota; /* the user's limits, as of the next start or reload */
	const char *key; /* NULL: none */
	int key_asked;
	int notified;
	void (*on_notify)(const struct changes *changes);
};

extern struct world world;

/* cmocka's setup and teardown of a test. */
int world_setup(void **state);
int world_teardown(void **state);

/* With world.options as they are now. */
void world_start_worker(void);
/* As after kill -9: the worker goes, the store recovers, a new one starts. */
void world_restart(void);

/* A request with the prompt "n<prompt>"; returns its task. */
int64_t world_add(int prompt);
int64_t world_add_to(const char *model, int prompt);
/* Until the fake clock has gone on by `ms`. */
void world_run(int64_t ms);
/* One round: what is due is done and the clock goes on to the next thing, at most by `ms`. */
void world_round(int ms);
enum task_state world_state(int64_t task);
/* Runs until the task is in the state; fails after `ms`. */
void world_until(int64_t task, enum task_state state, int64_t ms);
void world_event(int64_t task, enum task_event_kind kind);
/* The task's log has a line with `text`. */
bool world_log_has(int64_t task, const char *text);
int world_log_count(int64_t task, const char *text);
/* The task's error holds `text`. */
bool world_error_has(int64_t task, const char *text);
/* Result `index` is on disk, whole and what the fake service made. */
void world_check_result(int64_t task, int index);
int64_t world_count(enum task_state state);
