/*
 * Strict reading of the catalogue's own form: every key of an object is known, has the type that
 * it must have, and is there when it is needed. Errors say where in which file, and what would be
 * right.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

/* Where a value stands: the outermost scope is the file (kind NULL). */
struct scope {
	const struct scope *outer;
	const char *kind; /* "model", "field", "service" ... */
	const char *name;
};

enum form_type {
	FORM_TEXT,   /* const char *: not empty */
	FORM_FLAG,   /* bool */
	FORM_NUMBER, /* const cJSON *: a number */
	FORM_COUNT,  /* long: a whole number, 0 or more */
	FORM_TEXTS,  /* const cJSON *: array of texts, not empty */
	FORM_LIST,   /* const cJSON *: array */
	FORM_OBJECT, /* const cJSON * */
	FORM_ANY,    /* const cJSON * */
};

struct form_key {
	const char *name;
	enum form_type type;
	size_t offset; /* of the member in the struct to fill */
	bool needed;
};

/*
 * Fills the struct at `out` with what `object` holds; a key that is not there leaves its member as
 * it was. 0 or -EINVAL.
 */
int form_read(const struct scope *scope, const cJSON *object, const struct form_key *keys,
	size_t count, void *out, struct error *err);

/* "FILE: model "x": field "y": " and the sentence; returns -EINVAL, or -ENOMEM. */
int form_fail(const struct scope *scope, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The word's index in `words`, or -EINVAL naming `key` and all words. */
int form_word(const struct scope *scope, const char *key, const char *word,
	const char *const *words, size_t count, struct error *err);
