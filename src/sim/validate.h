/* Whether the API would take an input, in the API's own (terse) words. Pure. */
#pragma once

#include <cjson/cJSON.h>

struct model;

#define VALIDATE_MESSAGE_SIZE 256

/* 0, or the envelope's code with a message. What fields must be together is checked by the
 * program's own check.h. Unknown members are no error. */
int validate_input(
	const struct model *model, const cJSON *input, char message[VALIDATE_MESSAGE_SIZE]);

/* The input as the API keeps it: without the members it does not know (all of it when `model` is
 * NULL), as JSON text owned by the caller. NULL when out of memory. */
char *validate_known(const struct model *model, const cJSON *input);
