/* Whether a value is what a field takes: for the defaults and examples in a catalogue file. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

struct error;
struct field;
struct model;
struct scope;

/* Equal scalars; a number equals the string that spells it. */
bool value_same(const cJSON *a, const cJSON *b);
/* A number, or a text that spells one; NULL is none. */
bool value_number(const cJSON *value, double *out);

/* 0, or -EINVAL with the reason. */
int value_check(const struct scope *scope, const struct field *field, const cJSON *value,
	struct error *err);

/* An input: only known fields, all required ones, values that fit, the sets of any_of and one_of.
 */
int input_check(const struct scope *scope, const struct model *model, const cJSON *input,
	struct error *err);

/* Whether the sets of any_of and one_of are met by what is given. */
bool sets_met(const struct model *model, const cJSON *input);
