/* The form of "listing": how the API is asked for its own models. */
#pragma once

#include <cjson/cJSON.h>

struct error;
struct scope;

/* 0 or -EINVAL. */
int listing_check(const struct scope *scope, const cJSON *object, struct error *err);
