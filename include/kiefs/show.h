/* Values and names as a sentence shows them to a person. */
#pragma once

#include <cjson/cJSON.h>

struct buf;

/* Room for a value or name as shown, cut short (bytes). */
#define SHOWN_SIZE 256

/* A value as JSON on one line, cut short; "an array", "an object". Returns `out`. */
const char *show_value(const cJSON *value, char out[SHOWN_SIZE]);
/* The same without quotes, for names that a user chose. */
const char *show_name(const char *name, char out[SHOWN_SIZE]);
/* `"a", "b" or "c"`, cut after a dozen with the number of all. */
void show_list(const cJSON *values, struct buf *out);
