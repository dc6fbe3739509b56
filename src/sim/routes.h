/* Which handler answers which path. The API's own paths come from the catalogue's services. */
#pragma once

#include "reply.h"

#include <stdbool.h>
#include <stddef.h>

struct catalogue;
struct service;
struct sim;
struct upload_service;

/* Stands in a service's path for the id of the task. */
#define ROUTE_TASK "{task}"

struct route {
	const char *method;
	const char *path;
	bool prefix; /* what follows the path is for the handler */
	enum stage stage;
	bool needs_key;
	bool control; /* answers only on loopback, and is not in the log of requests */
	/* Answers in `reply`. 0 or -errno; -EAGAIN: the connection is suspended, call again. */
	int (*handle)(struct sim *sim, const struct route *route, const struct request *request,
		struct reply *reply);
	const struct service *service;	     /* NULL: not from the catalogue */
	const struct upload_service *upload; /* NULL: none */
};

struct routes {
	struct route *list;
	size_t count;
};

/* 0 or -ENOMEM. `catalogue` outlives the routes. */
int routes_init(struct routes *routes, const struct catalogue *catalogue);
void routes_finish(struct routes *routes);
/* NULL when nothing answers there. HEAD is asked as GET. */
const struct route *routes_find(const struct routes *routes, const char *method, const char *path);
