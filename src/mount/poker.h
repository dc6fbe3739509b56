/* A process that makes and removes names in the mount as a user would, so that watchers hear. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define POKER_PATH_MAX 8192

struct poker {
	pid_t pid; /* 0: none; calls on the mount by this process are pokes */
	int fd;
};

/* Before /dev/fuse is opened and before any thread is started. 0 or -errno. */
int poker_start(struct poker *poker);
/* Opens the path for writing, creating it, or removes it; of a folder, makes or removes it. Back
 * when that was answered. Errors are nobody's. One caller at a time. */
void poker_poke(struct poker *poker, const char *path, bool folder, bool create);
/* Accepts one that was never started. While the mount still answers, or when it is gone. */
void poker_stop(struct poker *poker);
