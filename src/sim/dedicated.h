/* The dedicated services: their requests and what is answered to who asks after a task. */
#pragma once

#include "routes.h"

#include <cjson/cJSON.h>
#include <stdint.h>

struct operation;
struct task;

/* Handlers, see routes.h. */
int dedicated_submit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int dedicated_record(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);

/* One request of `operation`, whose body was read; `input` and `callback` (may be NULL) are
 * borrowed. */
int dedicated_take(struct sim *sim, const struct request *request,
	const struct operation *operation, const cJSON *input, const char *callback,
	struct reply *reply);
/* What is posted to the task's caller, one after the other: at the stages that its service tells
 * of, then at the end. `*due_ms` is when, `*out`, owned by the caller, stays NULL when the service
 * posts nothing then. -ENOENT past the last and for an unknown task, -ENOMEM. */
int dedicated_callback(
	struct sim *sim, const char *id, unsigned number, int64_t *due_ms, cJSON **out);
/* Answers with how the task is. */
int dedicated_report(struct sim *sim, const struct request *request, const struct task *task,
	const char *id, struct reply *reply);
