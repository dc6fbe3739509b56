/* The halves of check.h: a value, and the members of an object. Private to check*.c. */
#pragma once

#include <cjson/cJSON.h>

struct field;
struct findings;

/* A longer path is cut short (bytes). */
#define PATH_SIZE 256

/* check.c: null is a wrong type here, like any other. 0 or -ENOMEM. */
int check_value(
	const struct field *field, cJSON *value, const char *path, struct findings *findings);

/* check_member.c: the members of an object inside a value. 0 or -ENOMEM. */
int check_members(
	const struct field *field, cJSON *object, const char *path, struct findings *findings);
