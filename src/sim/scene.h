/* A task as the templates of services/ see it: see template.h for the names, scene.c for the facts.
 */
#pragma once

#include "tasks.h"
#include "template.h"

#include <cjson/cJSON.h>

struct operation;
struct request;
struct sim;

struct scene {
	struct scope scope;
	struct sim *sim;
	const struct request *request;
	const struct task *task;
	cJSON *input;
	cJSON *facts;
};

/* `request` says which host name the caller knows us by; NULL: our address. What is given is
 * borrowed until scene_finish(). -ENOMEM. */
int scene_init(struct scene *scene, struct sim *sim, const struct request *request,
	const struct task *task, const char *id);
/* Accepts a zeroed one. */
void scene_finish(struct scene *scene);
/* Another fact, or another value of one. -ENOMEM. */
int scene_add_text(struct scene *scene, const char *name, const char *text);

/* The whole answer to who asks after the task; sets `*out`, owned by the caller. */
int scene_report(struct scene *scene, bool odd, bool empty, cJSON **out);
/* The body of the callback of a finished task; `*out` stays NULL when its service posts none. */
int scene_callback(struct scene *scene, cJSON **out);
/* The body of the callback of its stage number `index` and the share of the time at which it is
 * due; `out` may be NULL. 0, -ENOENT when there are no more, -ENOMEM. */
int scene_stage(struct scene *scene, unsigned index, double *at, cJSON **out);
