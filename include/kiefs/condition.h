/*
 * Conditions of the catalogue: what a request says in some of its fields (kiefs(5), "Conditions").
 *
 *   {"mode": "lite", "n": [1, 2]}          every field named has one of these values
 *   {"task_id": {"given": true}}           the field is filled, or (false) is not
 *   {"size": {"not": ["4K"]}}              it has none of these values
 *   {"n": {"min": 2, "max": 4}}            its number lies in a range
 *   {"image_urls": {"min_items": 2}}       the elements of an array; max_items as well
 *   [{...}, {...}]                         one of several conditions
 *
 * A field that is not filled counts with its default. Without a default nobody knows what the
 * service takes it for, and neither the condition nor its contrary is then held to be true.
 * Empty texts and arrays and null are not filled.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct field;

enum verdict {
	VERDICT_NO,
	VERDICT_YES,
	VERDICT_UNKNOWN,
};

/* Fields that stand together and an object that holds some of them. A name that is not among them
 * is looked for further out. */
struct level {
	const struct field *fields;
	size_t count;
	const cJSON *object;	   /* NULL: nothing is given */
	const struct level *outer; /* NULL: the request's own fields */
};

/* `condition` was accepted by the catalogue; NULL is no condition and holds. */
enum verdict condition_test(const cJSON *condition, const struct level *level);

/* Of several conditions the first that holds: what a person must read. Else the condition itself.
 */
const cJSON *condition_cause(const cJSON *condition, const struct level *level);

/* There, and neither null nor an empty text or array. */
bool value_is_filled(const cJSON *value);

/* The field and the level that has it, or NULL. `where` may be NULL. */
const struct field *level_field(
	const struct level *level, const char *name, const struct level **where);

/* What the field says, or its default when it is not filled; NULL when there is neither. */
const cJSON *level_value(const struct level *level, const char *name);

/* The default that counts where the request stands as it does: a limit's in place of the field's
 * own. NULL when there is none, or when a condition forbids it or makes it useless. */
const cJSON *field_default(const struct field *field, const struct level *level);

/* "mode is "lite" and task_id is given". */
void condition_words(const cJSON *condition, struct buf *out);

/* What the fields that it names say now: "mode is "pro" and task_id is not given". */
void condition_state(const cJSON *condition, const struct level *level, struct buf *out);
