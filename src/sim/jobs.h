/* Submitting a task, asking after it, and the balance. Handlers: see routes.h. */
#pragma once

#include "routes.h"

int jobs_submit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int jobs_record(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int jobs_credit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
