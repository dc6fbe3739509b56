/* Which task was made of which, for operations that may be asked for once. Thread-safe. */
#pragma once

#include "tasks.h"

struct offspring {
	pthread_mutex_t lock;
	struct child **slots; /* child::next */
	size_t count;
	size_t size;
};

void offspring_init(struct offspring *offspring);
void offspring_finish(struct offspring *offspring);
void offspring_clear(struct offspring *offspring);
/* The earlier child of that name; false when there is none. */
bool offspring_find(struct offspring *offspring, const char *name, char id[TASK_ID_SIZE]);
/* -EEXIST when there is one already, -ENOMEM. */
int offspring_add(struct offspring *offspring, const char *name, const char *id);
