#include "condition_check.h"

#include <string.h>

#include "check.h"
#include "form.h"
#include "kiefs/catalogue.h"
#include "kiefs/condition.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The tests of a field, all optional. */
struct raw_tests {
	bool given;
	const cJSON * not, *min, *max;
	long min_items, max_items;
};

static const struct form_key keys[] = {
	{"given", FORM_FLAG, offsetof(struct raw_tests, given), false},
	{"not", FORM_ANY, offsetof(struct raw_tests, not ), false},
	{"min", FORM_NUMBER, offsetof(struct raw_tests, min), false},
	{"max", FORM_NUMBER, offsetof(struct raw_tests, max), false},
	{"min_items", FORM_COUNT, offsetof(struct raw_tests, min_items), false},
	{"max_items", FORM_COUNT, offsetof(struct raw_tests, max_items), false},
};

static int check_values(const struct scope *scope, const struct field *field, const cJSON *values,
	bool allowed, struct error *err)
{
	struct field free = *field;

	/* A price may be known for a value that is not, or no longer, allowed. */
	if (!allowed) {
		free.values = NULL;
		free.has_min = free.has_max = false;
		field = &free;
	}
	if (cJSON_IsObject(values) || (cJSON_IsArray(values) && !values->child))
		return form_fail(scope, err, "a value or an array of values is needed here.");
	if (!cJSON_IsArray(values))
		return value_check(scope, field, values, err);
	for (const cJSON *i = values->child; i; i = i->next) {
		int r = value_check(scope, field, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_field(const struct scope *scope, const cJSON *wanted, const struct level *level,
	bool allowed, struct error *err)
{
	struct scope inner = {scope, "field", wanted->string};
	const struct field *field = level_field(level, wanted->string, NULL);
	struct raw_tests tests = {.min_items = -1, .max_items = -1};

	if (!field)
		return form_fail(scope, err, "this names \"%s\", and there is no such field.",
			wanted->string);
	if (!cJSON_IsObject(wanted))
		return check_values(&inner, field, wanted, allowed, err);
	if (!wanted->child)
		return form_fail(&inner, err, "an empty test says nothing.");
	int r = form_read(&inner, wanted, keys, COUNT(keys), &tests, err);
	return r < 0 || !tests.not ? r : check_values(&inner, field, tests.not, allowed, err);
}

int condition_check(const struct scope *scope, const char *key, const cJSON *condition,
	const struct level *level, bool allowed, struct error *err)
{
	struct scope inner = {scope, "key", key};
	int r;

	if (!condition)
		return 0;
	if (!condition->child || (!cJSON_IsArray(condition) && !cJSON_IsObject(condition)))
		return form_fail(&inner, err,
			"this must be an object of fields and values, or an array of such.");
	for (const cJSON *i = condition->child; i; i = i->next) {
		if (cJSON_IsObject(condition))
			r = check_field(&inner, i, level, allowed, err);
		else if (cJSON_IsObject(i))
			r = condition_check(scope, key, i, level, allowed, err);
		else
			r = form_fail(&inner, err, "every element must be an object.");
		if (r < 0)
			return r;
	}
	return 0;
}

/* The conditions of one field, and of what it holds. */
static int check_all(const struct scope *scope, const struct field *field,
	const struct level *level, struct error *err)
{
	const struct field *inner = field;
	int r = condition_check(scope, "required_when", field->required_when, level, true, err);

	if (r == 0)
		r = condition_check(scope, "only_when", field->only_when, level, true, err);
	if (r == 0)
		r = condition_check(scope, "unused_when", field->unused_when, level, true, err);
	for (size_t i = 0; r == 0 && i < field->limit_count; i++)
		r = condition_check(scope, "limits", field->limits[i].when, level, true, err);
	while (inner->item)
		inner = inner->item;
	if (r < 0 || !inner->members)
		return r;
	struct level members = {inner->members, inner->member_count, NULL, level};
	return conditions_check(scope, &members, err);
}

int conditions_check(const struct scope *scope, const struct level *level, struct error *err)
{
	for (size_t i = 0; i < level->count; i++) {
		struct scope inner = {scope, "field", level->fields[i].name};
		int r = check_all(&inner, &level->fields[i], level, err);
		if (r < 0)
			return r;
	}
	return 0;
}
