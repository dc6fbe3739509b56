/* JSON text to a cJSON tree with errors that a person can act on. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct error;

/*
 * Parses exactly one JSON value with only white space around it. A NUL byte, invalid UTF-8, a
 * key twice in one object, nesting deeper than cJSON's limit and anything after the value are
 * errors. The caller frees `*out` with cJSON_Delete().
 * Returns 0, -EINVAL (`err` names line and column, both from 1; columns count characters), or
 * -ENOMEM.
 */
int json_parse(const char *text, size_t len, cJSON **out, struct error *err);

/* Whether the text ends a JSON value: a parser could accept it, or at least finds it closed. */
bool json_is_complete(const char *text, size_t len);

/*
 * cJSON prints 15 digits and calls it equal, so 9007199254740991 would become another number. Each
 * number is spelled with as many digits as bring it back, whole ones without exponent. The value is
 * good for printing only afterwards. 0 or -ENOMEM.
 */
int json_spell_numbers(cJSON *value);

/* Adds "/key" to a JSON pointer. 0 or the buffer's error. */
int json_place_add(struct buf *place, const char *key);
/* The value a JSON pointer ("/input/image_urls/0") leads to, "" the root; NULL: nothing is there.
 */
cJSON *json_at(cJSON *root, const char *place);
