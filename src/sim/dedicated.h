/* The dedicated services: their requests and what is answered to who asks after a task. */
#pragma once

#include "routes.h"

#include <cjson/cJSON.h>

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
/* Answers with how the task is. */
int dedicated_report(struct sim *sim, const struct request *request, const struct task *task,
	const char *id, struct reply *reply);
