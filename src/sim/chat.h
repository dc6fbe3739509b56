/* Models that answer in text at once: whole, or as a stream of events. */
#pragma once

#include "reply.h"

struct route;

int chat_submit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
