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

/* What services and uploads have in common. `service` holds host, method and path; fills in what
 * "answer" says (`answer` may be NULL). 0 or -EINVAL. */
int service_read_call(
	const struct scope *scope, struct service *service, const cJSON *answer, struct error *err);

/*
 * An entry as a whole: when it is "like" another, that one's keys with its own in their place;
 * objects are laid over each other, null takes a key away. Heap; NULL when out of memory.
 */
cJSON *service_overlay(const cJSON *base, const cJSON *object);
