/*
 * Searching the catalogue. Pure.
 *
 * Words are parted by blanks, commas or plus signs. A model is meant when each word stands
 * somewhere in its id, title, provider, category, kind of result or one of its fields' names; upper
 * and lower case are the same. Retired models are left out, unless one of the words is "retired":
 * then they are the only ones.
 */
#pragma once

#include <stdbool.h>

struct catalogue;
struct model;

#define MATCH_BLANKS " \t,+"

/* False when there is no word at all. */
bool match_model(const struct model *model, const char *words);
/* Whether any model is meant. */
bool match_any(const struct catalogue *catalogue, const char *words);
