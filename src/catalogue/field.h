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
