/* What the API says about its models. Handlers: see routes.h. */
#pragma once

#include "routes.h"

int models_list(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
/* /api/v1/models/ID/price and /api/v1/models/ID/schema */
int models_show(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
