/* Whether a mount is in the machine's table of mounts, as this process sees it. */
#pragma once

#include <stdbool.h>

struct table {
	int fd;		    /* poll(2) says POLLPRI of it when some mount came or went; -1: none */
	unsigned device[2]; /* major and minor */
};

/* Of what was mounted last on the absolute path, with no link in it. Does not touch the mount. 0 or
 * -errno. */
int table_open(struct table *table, const char *mountpoint);
/* False also when that cannot be told. */
bool table_is_gone(const struct table *table);
void table_close(struct table *table);
