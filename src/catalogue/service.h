/* A service of the catalogue's form: where to send a task, and where things stand in its answers.
 */
#pragma once

#include <cjson/cJSON.h>

struct error;
struct scope;
struct service;

/* Fills `*out` but for its name. The struct points into `object`. */
int service_read(
	const struct scope *scope, const cJSON *object, struct service *out, struct error *err);

/* An array of {"path", "kind", ...}, of a service or of a model. */
int results_check(const struct scope *scope, const cJSON *results, struct error *err);

/* What services and uploads have in common. `service` holds host, method and path; fills in what
 * "answer" says (`answer` may be NULL). 0 or -EINVAL. */
int service_read_call(
	const struct scope *scope, struct service *service, const cJSON *answer, struct error *err);
/* Whether these are paths into an answer; NULL is fine. 0 or -EINVAL. */
int service_check_path(
	const struct scope *scope, const char *key, const char *path, struct error *err);
int service_check_paths(
	const struct scope *scope, const char *key, const cJSON *paths, struct error *err);
