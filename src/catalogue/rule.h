/* The checks of a model, from the catalogue's form. */
#pragma once

#include <cjson/cJSON.h>

struct error;
struct model;
struct scope;

/* Reads an array (NULL: none) into `model`, whose fields are read. 0, -EINVAL or -ENOMEM; what was
 * read is freed with rules_free(), on failure too. */
int rules_read(
	const struct scope *scope, const cJSON *array, struct model *model, struct error *err);
void rules_free(struct model *model);

/* Sets of field names, as of "any_of"; `sets` may be NULL. 0 or -EINVAL. */
int sets_check(const struct scope *scope, const struct model *model, const char *key,
	const cJSON *sets, struct error *err);
