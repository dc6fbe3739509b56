/* The control path, by which a test looks at and steers the simulator. Handlers: see routes.h. */
#pragma once

#include "routes.h"

#define CONTROL_HANDLER(name)                                                                      \
	int name(struct sim *sim, const struct route *route, const struct request *request,        \
		struct reply *reply)

CONTROL_HANDLER(control_health);
CONTROL_HANDLER(control_requests);
CONTROL_HANDLER(control_list_faults);
CONTROL_HANDLER(control_add_faults);
CONTROL_HANDLER(control_clear_faults);
CONTROL_HANDLER(control_callbacks);
CONTROL_HANDLER(control_credits);
CONTROL_HANDLER(control_keys);
CONTROL_HANDLER(control_time);
CONTROL_HANDLER(control_reset);

#undef CONTROL_HANDLER
