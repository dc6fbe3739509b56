/* The fields of a model, from the catalogue's form. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

struct error;
struct field;
struct scope;

/* Named lists of values ("values" of each file read so far; the later one wins). */
struct lists {
	const cJSON *const *objects;
	size_t count;
};

/* Reads {"name": {...}, ...}. 0, -EINVAL or -ENOMEM; `*out` is freed with fields_free(). */
int fields_read(const struct scope *scope, const struct lists *lists, const cJSON *object,
	struct field **out, size_t *count, struct error *err);
void fields_free(struct field *fields, size_t count);

/* For field_limit.c: an array as it stands, or the named list. 0 or -EINVAL. */
int field_list(const struct scope *scope, const struct lists *lists, const char *key,
	const cJSON *value, const cJSON **out, struct error *err);
/* Whether the limits fit the type and each other, and the values and the default the limits. */
int field_check(const struct scope *scope, const struct field *field, struct error *err);

/* field_limit.c: reads `limits` (NULL: none) into `field`, which is otherwise complete. */
int field_limits_read(const struct scope *scope, const struct lists *lists, const cJSON *limits,
	struct field *field, struct error *err);
void field_limits_free(struct field *field);
