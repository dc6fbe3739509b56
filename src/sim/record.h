/* The answer to "how is this task?", written along the catalogue's paths. */
#pragma once

#include "reply.h"

#include <cjson/cJSON.h>

struct service;
struct sim;
struct task;

/* Puts the envelope's code and message at the service's paths. 0 or -ENOMEM. */
int record_envelope(const struct service *service, cJSON *json, int code, const char *msg);

/* Sets `*out`, owned by the caller. The faults of `reply` decide what is odd about it. */
int record_make(struct sim *sim, const struct service *service, const struct request *request,
	const struct task *task, const struct reply *reply, cJSON **out);
