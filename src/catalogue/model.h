/* A model of the catalogue's form. */
#pragma once

#include <cjson/cJSON.h>

struct error;
struct lists;
struct model;
struct scope;

/* Fills `*out` but for its service, whose name is given back; freed with model_finish(). */
int model_read(const struct scope *scope, const struct lists *lists, const cJSON *object,
	struct model *out, const char **service, struct error *err);
void model_finish(struct model *model);
