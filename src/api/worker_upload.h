/* What the files around uploads share. */
#pragma once

#include "worker_private.h"

/* ---- worker_asker.c: each returns 0 or -errno; who asked may have moved on meanwhile ---- */

/* Steps the task if it still waits for its files. */
int asker_step(
	struct worker *worker, int64_t task, const struct task_event *event, const char *line);
/* This file will never go up; `text` is for a person. */
int asker_refuse(struct worker *worker, const struct source *source, const char *text);
/* The same, or a later try, for a file that `error` keeps from going up; `name` is how the user
 * calls it. An error of this machine's as a whole comes back. */
int asker_refuse_for(
	struct worker *worker, const struct source *source, const char *name, int error);
/* Again, after `wait_ms` at least. */
int asker_put_off(
	struct worker *worker, const struct source *source, const char *text, int64_t wait_ms);
/* The key is missing or was refused. */
int asker_hold(struct worker *worker, const struct source *source);
/* How often it was tried before. */
int asker_attempts(struct worker *worker, const struct source *source);

/* ---- worker_upload_send.c ---- */

/* Starts the transfer of a job that is set up; `address` is for a service that fetches the file
 * itself. 0 or -errno. */
int upload_start(struct worker *worker, struct job *job, const char *address);
