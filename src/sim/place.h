/* Writes into an answer at a path of the catalogue, making what is missing on the way. */
#pragma once

#include <cjson/cJSON.h>

/*
 * The counterpart of json_path_each() (kiefs/jsonpath.h): "a.b" makes objects, "a[].b" an array of
 * `count` objects (or of `count` values at the end of a path), "a>b" JSON text inside the string at
 * a. `values` holds `count` items, at least one; without "[]" only the first is placed. A value
 * that stands at the end of the path is replaced, but an object there gets what it lacks of the new
 * one. Borrows `values`. 0 or -ENOMEM.
 */
int place_values(cJSON *root, const char *path, const cJSON *const *values, size_t count);
int place_value(cJSON *root, const char *path, const cJSON *value);
