/* The limits that a field has under a condition. */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "field.h"
#include "form.h"
#include "kiefs/catalogue.h"
#include "kiefs/condition.h"
#include "kiefs/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct raw_limit {
	const cJSON *values, *also, *min, *max, *step;
	struct limit limit;
	struct field field;
};

#define RAW(member) offsetof(struct raw_limit, member)
#define FIELD(member) offsetof(struct raw_limit, field.member)

static const struct form_key keys[] = {
	{"when", FORM_ANY, RAW(limit.when), true},
	{"warn", FORM_FLAG, RAW(limit.warn), false},
	{"default", FORM_ANY, FIELD(initial), false},
	{"values", FORM_ANY, RAW(values), false},
	{"also", FORM_ANY, RAW(also), false},
	{"min", FORM_NUMBER, RAW(min), false},
	{"max", FORM_NUMBER, RAW(max), false},
	{"step", FORM_NUMBER, RAW(step), false},
	{"min_length", FORM_COUNT, FIELD(min_length), false},
	{"max_length", FORM_COUNT, FIELD(max_length), false},
	{"min_items", FORM_COUNT, FIELD(min_items), false},
	{"max_items", FORM_COUNT, FIELD(max_items), false},
	{"pattern", FORM_TEXT, FIELD(pattern), false},
};

/* What the limit leaves open is free here: the field itself is checked beside it. */
static struct field free_field(const struct field *field)
{
	return (struct field){.name = field->name,
		.type = field->type,
		.also_types = field->also_types,
		.numeric_string = field->numeric_string,
		.min_length = -1,
		.max_length = -1,
		.min_items = -1,
		.max_items = -1,
		.max_text = -1};
}

static int limit_read(const struct scope *scope, const struct lists *lists, const cJSON *object,
	const struct field *base, struct limit *out, struct error *err)
{
	struct raw_limit raw = {.field = free_field(base)};
	struct field *field;
	int r = form_read(scope, object, keys, COUNT(keys), &raw, err);

	if (r < 0)
		return r;
	raw.field.has_min = raw.min;
	raw.field.min = raw.min ? raw.min->valuedouble : 0;
	raw.field.has_max = raw.max;
	raw.field.max = raw.max ? raw.max->valuedouble : 0;
	raw.field.step = raw.step ? raw.step->valuedouble : 0;
	r = field_list(scope, lists, "values", raw.values, &raw.field.values, err);
	if (r < 0)
		return r;
	r = field_list(scope, lists, "also", raw.also, &raw.field.also, err);
	if (r < 0)
		return r;
	/* What is allowed beside a range stays allowed beside a narrower one. */
	if (!raw.field.values && !raw.field.also)
		raw.field.also = base->also;
	r = field_check(scope, &raw.field, err);
	if (r < 0)
		return r;
	field = malloc(sizeof(*field));
	if (!field)
		return error_set(err, -ENOMEM, "Out of memory.");
	*field = raw.field;
	raw.limit.field = field;
	*out = raw.limit;
	return 0;
}

static bool takes(const struct field *field, const cJSON *value)
{
	struct scope scope = {NULL, "field", field->name};

	return value_check(&scope, field, value, NULL) == 0;
}

const cJSON *field_default(const struct field *field, const struct level *level)
{
	const cJSON *value = field->initial;

	if (condition_test(field->only_when, level) == VERDICT_NO ||
		(field->unused_when && condition_test(field->unused_when, level) == VERDICT_YES))
		return NULL;
	for (size_t i = 0; i < field->limit_count; i++)
		if (field->limits[i].field->initial &&
			condition_test(field->limits[i].when, level) == VERDICT_YES)
			value = field->limits[i].field->initial;
	if (!value || cJSON_IsNull(value))
		return NULL;
	for (size_t i = 0; i < field->limit_count; i++)
		if (condition_test(field->limits[i].when, level) == VERDICT_YES &&
			!takes(field->limits[i].field, value))
			return NULL;
	return value;
}

int field_limits_read(const struct scope *scope, const struct lists *lists, const cJSON *limits,
	struct field *field, struct error *err)
{
	struct scope inner = {scope, "key", "limits"};
	struct limit *all;

	if (!limits)
		return 0;
	all = calloc((size_t)cJSON_GetArraySize(limits) + 1, sizeof(*all));
	if (!all)
		return error_set(err, -ENOMEM, "Out of memory.");
	field->limits = all;
	for (const cJSON *i = limits->child; i; i = i->next) {
		int r = limit_read(&inner, lists, i, field, &all[field->limit_count], err);
		if (r < 0)
			return r;
		field->limit_count++;
	}
	return 0;
}

void field_limits_free(struct field *field)
{
	for (size_t i = 0; i < field->limit_count; i++)
		free((struct field *)field->limits[i].field);
	free((struct limit *)field->limits);
	field->limits = NULL;
	field->limit_count = 0;
}
