/* A process that makes and removes names in the mount as a user would, so that watchers hear. */
#pragma once

#include <sys/types.h>

#define POKER_PATH_MAX 8192

struct poker {
	pid_t pid; /* 0: none; calls on the mount by this process are pokes */
	int fd;
};

/* Before /dev/fuse is opened and before any thread is started. 0 or -errno. */
int poker_start(struct poker *poker);
enum poke {
	POKE_CREATE = '+', /* opens it for writing, and creates it */
	POKE_REMOVE = '-',
	POKE_MAKE_FOLDER = 'm',
	POKE_REMOVE_FOLDER = 'r',
	POKE_CHANGE = 'w', /* opens it for writing, and cuts it at the size that it has */
};
/* Back when it was answered. Errors are nobody's. One caller at a time. */
void poker_poke(struct poker *poker, enum poke what, const char *path);
/* Accepts one that was never started. While the mount still answers, or when it is gone. */
void poker_stop(struct poker *poker);
