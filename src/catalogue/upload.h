/* Reading the "uploads" of a catalogue. */
#pragma once

#include <cjson/cJSON.h>

struct error;
struct scope;
struct upload_service;

/* `out->name` is set before. 0 or -EINVAL. */
int upload_service_read(const struct scope *scope, const cJSON *object, struct upload_service *out,
	struct error *err);
