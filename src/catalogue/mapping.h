/*
 * A mapping of the API's endpoints that somebody drew from its documentation by machine: version,
 * endpoints[] with name, category, endpoint, full_url, method, modelIds[], parameters.required and
 * .optional with type, example and description, pricing.credits (kiefs(5), "MAPPING FILE").
 *
 * Such files are noisy: pages about callbacks, tags in ids, titles in place of ids, wrong paths and
 * types. What can be used becomes open models; every entry gets a line in the report.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

struct catalogue;
struct error;

/*
 * Adds the models that the catalogue does not have, and sets its report. While loading.
 * -EINVAL: no such mapping, with `err` saying what it lacks; an entry alone is never an error.
 * -ENOMEM. `mapping` stays the caller's.
 */
int mapping_add(
	struct catalogue *catalogue, const char *file, const cJSON *mapping, struct error *err);
/* What a parameter says, as a field of the catalogue's form; NULL: out of memory. */
cJSON *mapping_field(const char *name, const cJSON *parameter, bool required);
