/* One field of the catalogue against one value of a request. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct field;
struct findings;
struct level;
struct model;

/*
 * Checks the member `field->name` of `object`. `path` is how the field is called in sentences
 * ("dialogue[1].voice"). What the API would refuse for its spelling only is mended in place:
 *
 *   null                                  left out, as if it had not been given
 *   "" for an optional choice, address or numeric text  left out, with a warning
 *   5 where "5" is wanted, "5" where 5 is turned into the other
 *   a required field that is missing and has a documented default is added
 *
 * The whole value is checked, inner arrays and objects too. Returns 0 or -ENOMEM; what is wrong
 * is in `findings`.
 */
int check_member(const struct field *field, const struct field *siblings, size_t sibling_count,
	cJSON *object, const char *path, struct findings *findings);

/* Warns of the members of `object` that none of `fields` describes; `path` may be "". */
void check_unknown(const struct field *fields, size_t count, const cJSON *object, const char *path,
	struct findings *findings);

/*
 * Checks the conditions of a field that stands in `level` (condition.h), those of what it holds
 * too: required, allowed only there, unused, narrower limits. The values themselves were checked.
 * Returns 0 or -ENOMEM.
 */
int check_when(const struct field *field, const struct level *level, const char *path,
	struct findings *findings);

/* What several fields of a request must be together: any_of, one_of and the checks of the model.
 * Returns 0 or -ENOMEM. */
int check_rules(const struct model *model, const cJSON *input, struct findings *findings);

/* Strings, numbers or booleans that mean the same; "5" means 5. */
bool check_same(const cJSON *a, const cJSON *b);

/* Whether `values`, an array or NULL, holds it. */
bool check_listed(const cJSON *values, const cJSON *value);
