/* What a field that somebody else described may be: for entries that are imported. Pure. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

/* By its name: "image", "video", "audio" or "file"; NULL: it does not sound like an address. */
const char *guess_media(const char *name);
/* A value that a field of the catalogue's form takes; NULL: out of memory. */
cJSON *guess_value(const cJSON *field);
/* An input of the required ones of `fields`, and `prompt` when there is such a field. NULL: out of
 * memory. */
cJSON *guess_example(const cJSON *fields);
/* The field whose text a bare prompt becomes, by its usual names; NULL when there is none. */
const char *guess_prompt(const cJSON *fields);
/* One of the catalogue's categories for any word for one, "other" when it sounds like none. */
const char *guess_category(const char *word);
/* What a category's models make; NULL: it does not say. */
const char *guess_output(const char *category);
/* Without tags, entities and runs of white space; cut at `max` bytes. Heap. */
char *guess_plain(const char *text, size_t max);
