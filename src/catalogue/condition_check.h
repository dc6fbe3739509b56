/* Whether a condition of a catalogue file is one. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

struct error;
struct level;
struct scope;

/* Every name is a field of `level` or further out, every value one of its type and, with `allowed`,
 * one that the field takes. `key` is how the condition is called in the sentence; `condition` may
 * be NULL. 0, -EINVAL or -ENOMEM. */
int condition_check(const struct scope *scope, const char *key, const cJSON *condition,
	const struct level *level, bool allowed, struct error *err);

/* The conditions of all fields of `level` and of what they hold. */
int conditions_check(const struct scope *scope, const struct level *level, struct error *err);
