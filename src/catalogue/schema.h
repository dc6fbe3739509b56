/* The parts of a JSON Schema (2020-12). Private to describe_schema.c and schema_rule.c. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct field;
struct model;

/* Both take ownership of `item`, and return it or NULL; a failure anywhere is remembered in `*ok`.
 */
cJSON *schema_put(cJSON *object, const char *key, cJSON *item, bool *ok);
cJSON *schema_push(cJSON *array, cJSON *item, bool *ok);

/* describe_schema.c: enum, range, lengths of a field. */
void schema_limits(cJSON *schema, const struct field *field, bool *ok);

/* schema_rule.c: "allOf" with what the conditions of the fields ask for. What only warns is left
 * out, and so is a condition that speaks of fields outside the object: a schema cannot say it
 * there. */
void schema_conditions(cJSON *schema, const struct field *fields, size_t count, bool *ok);
/* ... and with the model's checks, as far as a schema can say them. */
void schema_checks(cJSON *schema, const struct model *model, bool *ok);
