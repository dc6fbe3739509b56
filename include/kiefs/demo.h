/* The simulator that --demo brings along. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct error;
struct store;

struct demo {
	pid_t pid;    /* 0: none */
	char url[64]; /* "http://127.0.0.1:4711" */
};

/* Starts kiefs-sim (beside this program, else on $PATH) on a free port and waits until it
 * listens. It ends with the calling thread. -ENOENT, -EIO with `err`. */
int demo_start(struct demo *out, struct error *err);
/* Ends what an earlier simulator was working on: this one does not know it. 0 or -errno. */
int demo_forget(struct store *store, int64_t now_ms);
/* Ends it; accepts a zeroed struct. */
void demo_stop(struct demo *demo);
