/* The addresses of results, and the files behind them. Handlers: see routes.h. */
#pragma once

#include "routes.h"

struct format;
struct task;

/* What the addresses of our files begin with, heap; NULL when out of memory. Without a `request`
 * it is the address we listen on, else the one the request used, unless an option says another. */
char *results_base(const struct sim *sim, const struct request *request);
/* The address of a task's result, heap, owned by the caller; NULL when out of memory. It dies at
 * the end of its link period; a record asked for later shows another one. */
char *results_url(struct sim *sim, const struct request *request, const struct task *task,
	const char *id, unsigned number, const struct format *format);

int results_serve(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int results_download_url(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
