/* The catalogue's own words about the account. */
#pragma once

#include <cjson/cJSON.h>

struct account_entry;
struct error;
struct scope;

/* Fills all of `out` but the service, whose name is `*service`. 0 or -EINVAL. */
int account_read(const struct scope *scope, const cJSON *object, struct account_entry *out,
	const char **service, struct error *err);
