/* What the catalogue says of results, and of paths. Private to the catalogue. */
#pragma once

#include <cjson/cJSON.h>

struct error;
struct scope;

/* 0 also for NULL; -EINVAL names `key`. */
int path_check(const struct scope *scope, const char *key, const char *path, struct error *err);
/* An array of paths; NULL is none. */
int paths_check(const struct scope *scope, const char *key, const cJSON *paths, struct error *err);

/* The array "results" of a service or of a model: see kiefs(5). */
int results_check(const struct scope *scope, const cJSON *results, struct error *err);
