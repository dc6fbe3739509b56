/* A service of the catalogue's form: where to send a task, and where things stand in its answers.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

struct error;
struct scope;
struct service;

/* Fills `*out` but for its name. The struct points into `object`. */
int service_read(
	const struct scope *scope, const cJSON *object, struct service *out, struct error *err);

/* An array of {"path", "kind", ...}, of a service or of a model. */
int results_check(const struct scope *scope, const cJSON *results, struct error *err);

/* Whether the text is a path of kiefs/jsonpath.h. */
bool path_is_valid(const char *path);
