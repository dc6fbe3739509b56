/* Wakes suspended connections when their time has come. One thread, which sleeps in between. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;

struct delay {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct waiting *waiting; /* a heap, the earliest first */
	size_t count;
	size_t capacity;
	bool running;
	bool stopping;
};

int delay_start(struct delay *delay);
/* Wakes everyone and ends the thread; accepts one that never started. */
void delay_stop(struct delay *delay);
/* Suspends the connection for `ms`. -ENOMEM; -ESHUTDOWN when stopping: then it is not suspended. */
int delay_connection(struct delay *delay, struct MHD_Connection *connection, int64_t ms);
