/*
 * What a request names instead of giving: files by their names where the service wants addresses,
 * and other tasks where it wants its own ids. Pure: whether they exist is for others to find out.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "kiefs/catalogue.h"
#include "kiefs/input.h"

/* Strings are owned. */
struct reference {
	enum input_kind kind;
	char *place; /* JSON pointer into the body */
	char *path;  /* as a person is told: "image_urls[0]" */
	char *name;
	char *index_place; /* TASK: where the body would say which result of it; NULL: nowhere, or
			      the request says so itself */
	bool implied;	   /* MEDIA: not in the request, but looked for beside it */
	bool derived;	   /* TASK: not in the request, but the one whose track is named */
	const struct field *field; /* the element's of an array, with its limits */
	const struct field *owner; /* the model's own field that it stands in */
};

struct references {
	struct reference *list;
	size_t count;
};
/* Frees the list; accepts a zeroed struct. */
void references_finish(struct references *references);

/* Whether text in a field of media is meant as the name of a file: it is no address of any form. */
bool reference_is_name(const struct field *field, const char *text);

/*
 * All names in `input`, which was checked against the model, in the order of its fields. `prefix`
 * is where the input stands in the body ("/input"); `implied` and `derived` are objects with a
 * member for each field whose value was found so, or NULL. -E2BIG: more than INPUTS_MAX; -ENOMEM.
 */
int references_collect(const struct model *model, const cJSON *input, const char *prefix,
	const cJSON *implied, const cJSON *derived, struct references *out);
/*
 * The pictures that turns of a conversation name, where the service's form has a place for one, are
 * added to `out`. As above.
 */
int references_collect_turns(
	const struct model *model, const cJSON *input, const char *prefix, struct references *out);
