/*
 * Fetching what a client names by its address: a thread for each, while the connection that asked
 * is suspended.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "upload_body.h"

struct MHD_Connection;

struct fetches {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned running;
	atomic_bool stopping;
};

/* One of them; ended when the connection has been resumed. */
struct fetch;

void fetches_init(struct fetches *fetches);
/* Ends those under way and waits for them. */
void fetches_stop(struct fetches *fetches);
void fetches_finish(struct fetches *fetches);

/* Suspends the connection and starts; NULL: out of memory, or the program ends. */
struct fetch *fetch_start(struct fetches *fetches, struct MHD_Connection *connection,
	const char *url, uint64_t max_bytes);
/* The file, and in `*error` what body_file_fetch() returned. */
struct body_file *fetch_file(struct fetch *fetch, int *error);
/* Accepts NULL. */
void fetch_destroy(struct fetch *fetch);
