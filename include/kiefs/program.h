/* The whole program: what there is, put together bottom up in one function. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "kiefs/config.h"
#include "kiefs/demo.h"
#include "kiefs/files.h"

struct callback;
struct catalogue;
struct error;
struct mount;
struct store;
struct worker;

struct program {
	struct config config;
	int argc; /* the command line, to read the configuration again */
	char **argv;
	int lock;	/* of the state directory */
	int store_lock; /* of the store */
	struct demo demo;
	const struct catalogue *catalogue; /* the one in force; change_lock */
	pthread_mutex_t change_lock;	   /* held by who changes the catalogue */
	/* In the state directory: models added by hand, what the last refresh found, its report. */
	char *added_path, *refreshed_path, *report_path;
	struct files files;
	struct store *store; /* the FUSE side's connection */
	struct store *peer;  /* the worker's */
	struct worker *worker;
	struct callback *callback; /* the listener; NULL: none */
	char *callback_url;	   /* with its secret part */
	struct mount *mount;
	char *config_text;
	int signals; /* SIGTERM and others, for the signal thread */
	pthread_t worker_thread, signal_thread;
	bool worker_runs;
	pthread_mutex_t end_lock;
	pthread_cond_t ended;
	bool over; /* mount_run() has returned; end_lock */
};

/* ---- change.c: the catalogue, at the start and later ---- */

/* From all its sources. -errno with `err`. */
int change_load(struct program *program, const struct catalogue **out, struct error *err);
/* mount_command_fn: "reload", "refresh", "add-model ID", "remove-model ID". */
int change_command(const char *word, const char *argument, void *program, struct error *err);

/* The last refresh has written its file. -errno with `err`: the catalogue stays. */
int change_refreshed(struct program *program, struct error *err);

/* Everything but threads; after daemon_start(). `program->config` is filled in. On failure, and
 * at the end, program_close(). */
int program_open(struct program *program, struct error *err);
/* Starts the threads, serves until unmounted or told to end, ends the threads. */
int program_run(struct program *program, struct error *err);
void program_close(struct program *program);
