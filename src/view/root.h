/* Which mount a view is of. */
#pragma once

#include <limits.h>

struct error;

/* The mount that the path is in; NULL: the only one there is. -ENOENT: no mount, or several to
 * choose from; `err` says what to do. */
int root_find(const char *path, char out[PATH_MAX], struct error *err);
