/* The simulator that --demo brings along. */
#pragma once

#include <sys/types.h>

struct error;

struct demo {
	pid_t pid;    /* 0: none */
	char url[64]; /* "http://127.0.0.1:4711" */
};

/* Starts kiefs-sim (beside this program, else on $PATH) on a free port and waits until it
 * listens. It ends with the calling thread. -ENOENT, -EIO with `err`. */
int demo_start(struct demo *out, struct error *err);
/* Ends it; accepts a zeroed struct. */
void demo_stop(struct demo *demo);
