#include "routes.h"

#include "chat.h"
#include "control.h"
#include "dedicated.h"
#include "jobs.h"
#include "models.h"
#include "results.h"
#include "services.h"
#include "uploads.h"

#include "kiefs/catalogue.h"
#include "kiefs/upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct route fixed[] = {
	{"GET", "/results/", true, STAGE_RESULT, .handle = results_serve},
	{"GET", UPLOAD_ADDRESS, true, STAGE_RESULT, .handle = uploads_serve},
	{"GET", "/api/v1/chat/credit", .stage = STAGE_OTHER, .needs_key = true,
		.handle = jobs_credit},
	{"POST", "/api/v1/common/download-url", .stage = STAGE_OTHER, .needs_key = true,
		.handle = results_download_url},
	{"POST", "/api/v1/gpt4o-image/download-url", .stage = STAGE_OTHER, .needs_key = true,
		.handle = results_download_url},
	{"GET", "/api/v1/models", .stage = STAGE_OTHER, .needs_key = true, .handle = models_list},
	{"GET", "/api/v1/models/", true, STAGE_OTHER, .needs_key = true, .handle = models_show},
	{"GET", "/sim/health", .control = true, .handle = control_health},
	{"GET", "/sim/requests", .control = true, .handle = control_requests},
	{"GET", "/sim/callback", .control = true, .handle = control_callback},
	{"GET", "/sim/faults", .control = true, .handle = control_list_faults},
	{"POST", "/sim/faults", .control = true, .handle = control_add_faults},
	{"DELETE", "/sim/faults", .control = true, .handle = control_clear_faults},
	{"POST", "/sim/credits", .control = true, .handle = control_credits},
	{"GET", "/sim/callbacks", .control = true, .handle = control_callbacks},
	{"POST", "/sim/keys", .control = true, .handle = control_keys},
	{"POST", "/sim/time", .control = true, .handle = control_time},
	{"POST", "/sim/reset", .control = true, .handle = control_reset},
};

static int add(struct routes *routes, const struct route *route)
{
	for (size_t i = 0; i < routes->count; i++) {
		if (strcmp(routes->list[i].path, route->path) == 0 &&
			strcmp(routes->list[i].method, route->method) == 0)
			return 0;
	}
	struct route *list = realloc(routes->list, (routes->count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	routes->list = list;
	list[routes->count++] = *route;
	return 0;
}

static int add_service(struct routes *routes, const struct service *service)
{
	struct route submit = {.method = service->submit_method,
		.path = service->submit_path,
		.stage = STAGE_SUBMIT,
		.needs_key = true,
		.handle = service->chat ? chat_submit : jobs_submit,
		.service = service};
	struct route poll = {.method = service->poll_method,
		.path = service->poll_path,
		.stage = STAGE_POLL,
		.needs_key = true,
		.handle = jobs_record,
		.service = service};
	int r = add(routes, &submit);

	if (r == 0 && poll.path)
		r = add(routes, &poll);
	return r;
}

static int add_upload(struct routes *routes, const struct upload_service *upload)
{
	struct route route = {.method = upload->call.submit_method,
		.path = upload->call.submit_path,
		.stage = STAGE_UPLOAD,
		.upload = upload};

	switch (upload->form) {
	case UPLOAD_STREAM:
		route.handle = uploads_stream;
		break;
	case UPLOAD_BASE64:
		route.handle = uploads_base64;
		break;
	case UPLOAD_URL:
		route.handle = uploads_url;
		break;
	}
	return add(routes, &route);
}

/* These and the fixed ones come first: what they answer does not follow from the catalogue. */
static int add_dedicated(struct routes *routes, const struct services *services)
{
	int r = 0;

	for (size_t i = 0; i < services->operation_count && r == 0; i++) {
		const struct operation *operation = &services->operations[i];
		const struct route submit = {.method = operation->method,
			.path = operation->path,
			.stage = STAGE_SUBMIT,
			.needs_key = true,
			.handle = dedicated_submit,
			.operation = operation};

		if (operation->path)
			r = add(routes, &submit);
	}
	for (size_t i = 0; i < services->report_count && r == 0; i++) {
		const struct report *report = &services->reports[i];
		const struct route poll = {.method = "GET",
			.path = report->path,
			.stage = STAGE_POLL,
			.needs_key = true,
			.handle = dedicated_record,
			.report = report};

		if (cJSON_HasObjectItem(report->json, "missing"))
			r = add(routes, &poll);
	}
	return r;
}

int routes_init(
	struct routes *routes, const struct catalogue *catalogue, const struct services *services)
{
	*routes = (struct routes){0};
	int r = add_dedicated(routes, services);

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]) && r == 0; i++)
		r = add(routes, &fixed[i]);
	for (size_t i = 0; i < catalogue_count(catalogue) && r == 0; i++)
		r = add_service(routes, catalogue_at(catalogue, i)->service);
	for (size_t i = 0; i < catalogue_upload_count(catalogue) && r == 0; i++)
		r = add_upload(routes, catalogue_upload_at(catalogue, i));
	if (r < 0)
		routes_finish(routes);
	return r;
}

void routes_finish(struct routes *routes)
{
	free(routes->list);
	*routes = (struct routes){0};
}

/* The pieces of a path around its {task} or {model}, which may be anything without a slash. */
static bool hole_matches(const char *pattern, const char *hole, const char *path)
{
	size_t before = (size_t)(hole - pattern), len = strlen(path);
	const char *tail = hole + strcspn(hole, "}") + 1;
	size_t after = strlen(tail);

	if (len <= before + after || strncmp(pattern, path, before) != 0 ||
		strcmp(path + len - after, tail) != 0)
		return false;
	return !memchr(path + before, '/', len - before - after);
}

static bool path_matches(const struct route *route, const char *path)
{
	const char *hole = strchr(route->path, '{');

	if (hole)
		return hole_matches(route->path, hole, path);
	return route->prefix ? strncmp(route->path, path, strlen(route->path)) == 0
			     : strcmp(route->path, path) == 0;
}

const struct route *routes_find(const struct routes *routes, const char *method, const char *path)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

	for (size_t i = 0; i < routes->count; i++) {
		const struct route *route = &routes->list[i];

		if (strcmp(route->method, wanted) == 0 && path_matches(route, path))
			return route;
	}
	return NULL;
}
