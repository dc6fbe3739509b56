/* Who is behind a request: FUSE names the calling thread. */
#pragma once

#include <sys/types.h>

struct caller {
	pid_t process; /* 0 when it cannot be told (gone, or of another pid namespace) */
	int killed_by; /* the signal it is dying of; 0: it is not */
};

struct caller caller_of(pid_t thread);
