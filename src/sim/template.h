/*
 * The language in which the answers of the dedicated services are written down (services/).
 *
 * A template is JSON. In it
 *
 *   "$name"              is what the scope calls so: the task's facts, or another template of
 * `sets`
 *   "$name|text"         the text when there is no such thing, which may be another "$name"
 *   "$input.field"       a field of the request
 *   "$index"             the number of the element within the innermost "$each"
 *   "$file.mp3.2"        the address of the task's file 2 of this kind
 *   "$uuid.1"            an id of the task's part 1, see part_id.h
 *   "some ${name} text"  holds such a value as text
 *   {"$each": N, "$of": T}                an array of N times T
 *   {"$when": C, "$then": T, "$else": T}  T when the condition C holds
 *   {"$text": T}                          T as JSON text
 *
 * Elements of "$each" have files and parts of their own: their numbers are 10 further on with each
 * element. What comes out as nothing at all (a name that does not exist is null, but a "$when"
 * without "$else" is nothing) is left out of its object. A condition is an object of names, of the
 * input's fields or with a "$" of the scope's, each with an array of the values it may have; null
 * stands for a missing one. Every one of them must hold.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#define SCOPE_SETS 3

struct scope {
	const cJSON *input;
	const cJSON *sets[SCOPE_SETS]; /* objects of templates, the first that has a name counts */
	const cJSON *facts;	       /* an object of values */
	const char *id;		       /* the task's */
	/* The address of a file, heap; NULL when out of memory. */
	char *(*address)(void *user, unsigned number, const char *extension);
	void *user;
	unsigned index;
	unsigned depth;
};

/* `*out` is owned by the caller, and NULL when nothing comes out. 0, -ENOMEM, or -EINVAL for a
 * template that calls itself. */
int template_fill(const cJSON *template, struct scope *scope, cJSON **out);
/* -ENOMEM and -EINVAL as above, else 0 or 1. No condition holds always. */
int template_holds(const cJSON *condition, struct scope *scope);
