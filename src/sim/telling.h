/* What the callers of the dedicated services' tasks are told. */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

struct sim;

/* What is posted to the task's caller, one after the other: at the stages that its service tells
 * of, then at the end. `*due_ms` is when, `*out`, owned by the caller, stays NULL when the service
 * posts nothing then. -ENOENT past the last and for an unknown task, -ENOMEM. */
int telling_make(struct sim *sim, const char *id, unsigned number, int64_t *due_ms, cJSON **out);
/* Has all that posted when it is due, if the task has a caller. 0 or -errno. */
int telling_plan(struct sim *sim, const char *id);
