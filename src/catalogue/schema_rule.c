/* Conditions and checks as a JSON Schema says them. */
#include <string.h>

#include "check.h"
#include "kiefs/catalogue.h"
#include "kiefs/condition.h"
#include "schema.h"

static cJSON *put_object(cJSON *object, const char *key, bool *ok)
{
	return schema_put(object, key, cJSON_CreateObject(), ok);
}

static cJSON *copy(const cJSON *value)
{
	return cJSON_Duplicate(value, true);
}

static bool is_among(const cJSON *value, const cJSON *values)
{
	if (!cJSON_IsArray(values))
		return value_same(value, values);
	for (const cJSON *i = values->child; i; i = i->next)
		if (value_same(value, i))
			return true;
	return false;
}

/* {"enum": [...]} */
static void put_enum(cJSON *schema, const cJSON *values, bool *ok)
{
	if (cJSON_IsArray(values))
		schema_put(schema, "enum", copy(values), ok);
	else
		schema_put(schema, "const", copy(values), ok);
}

/* {"required": [NAME], "properties": {NAME: {"not": {"enum": ["", null, []]}}}} */
static void put_given(cJSON *schema, const char *name, bool *ok)
{
	cJSON *names = schema_put(schema, "required", cJSON_CreateArray(), ok);
	cJSON *one = put_object(put_object(schema, "properties", ok), name, ok);
	cJSON *empty = schema_put(put_object(one, "not", ok), "enum", cJSON_CreateArray(), ok);

	schema_push(names, cJSON_CreateString(name), ok);
	schema_push(empty, cJSON_CreateString(""), ok);
	schema_push(empty, cJSON_CreateNull(), ok);
	schema_push(empty, cJSON_CreateArray(), ok);
}

/* Whether a test of the field's value holds for its default. */
static bool default_passes(const struct field *field, const cJSON *test, bool plain)
{
	double number;

	if (plain)
		return is_among(field->initial, test);
	if (strcmp(test->string, "not") == 0)
		return !is_among(field->initial, test);
	if (!value_number(field->initial, &number))
		return false;
	return strcmp(test->string, "min") == 0 ? number >= test->valuedouble
						: number <= test->valuedouble;
}

/* One test, or the plain values of a field. `strict`: the condition must hold for sure; else it
 * must only not be false, and a field of which nobody knows the value does no harm. */
static void put_test(cJSON *schema, const struct field *field, const cJSON *test, bool plain,
	bool strict, bool *ok)
{
	if (!plain && strcmp(test->string, "given") == 0) {
		put_given(cJSON_IsTrue(test) ? schema : put_object(schema, "not", ok), field->name,
			ok);
		return;
	}
	cJSON *one = put_object(put_object(schema, "properties", ok), field->name, ok);
	bool needed;
	if (!plain && strcmp(test->string, "min_items") == 0) {
		schema_put(one, "minItems", copy(test), ok);
		needed = test->valuedouble > 0;
	} else if (!plain && strcmp(test->string, "max_items") == 0) {
		schema_put(one, "maxItems", copy(test), ok);
		needed = false;
	} else {
		if (plain)
			put_enum(one, test, ok);
		else if (strcmp(test->string, "not") == 0)
			put_enum(put_object(one, "not", ok), test, ok);
		else
			schema_put(one, strcmp(test->string, "min") == 0 ? "minimum" : "maximum",
				copy(test), ok);
		needed = field->initial && !cJSON_IsNull(field->initial)
				 ? !default_passes(field, test, plain)
				 : strict;
	}
	if (needed)
		schema_push(schema_put(schema, "required", cJSON_CreateArray(), ok),
			cJSON_CreateString(field->name), ok);
}

static void put_condition(
	cJSON *schema, const cJSON *condition, const struct level *level, bool strict, bool *ok)
{
	cJSON *list = schema_put(
		schema, cJSON_IsArray(condition) ? "anyOf" : "allOf", cJSON_CreateArray(), ok);

	for (const cJSON *i = condition->child; i; i = i->next) {
		const struct field *field;

		if (cJSON_IsArray(condition)) {
			put_condition(
				schema_push(list, cJSON_CreateObject(), ok), i, level, strict, ok);
			continue;
		}
		field = level_field(level, i->string, NULL);
		if (!cJSON_IsObject(i))
			put_test(schema_push(list, cJSON_CreateObject(), ok), field, i, true,
				strict, ok);
		for (const cJSON *test = cJSON_IsObject(i) ? i->child : NULL; test;
			test = test->next)
			put_test(schema_push(list, cJSON_CreateObject(), ok), field, test, false,
				strict, ok);
	}
}

static bool is_sayable(const cJSON *condition, const struct level *level)
{
	for (const cJSON *i = condition->child; i; i = i->next)
		if (cJSON_IsArray(condition) ? !is_sayable(i, level)
					     : !level_field(level, i->string, NULL))
			return false;
	return true;
}

static cJSON *begin(cJSON *schema, bool *ok)
{
	cJSON *all = cJSON_GetObjectItemCaseSensitive(schema, "allOf");

	if (!all)
		all = schema_put(schema, "allOf", cJSON_CreateArray(), ok);
	return schema_push(all, cJSON_CreateObject(), ok);
}

static void put_required(
	cJSON *schema, const struct field *field, const struct level *level, bool *ok)
{
	cJSON *rule = begin(schema, ok);

	put_condition(put_object(rule, "if", ok), field->required_when, level, true, ok);
	put_given(put_object(rule, "then", ok), field->name, ok);
}

/* The default, and a switch that is off, may always stand there. */
static void put_only(cJSON *schema, const struct field *field, const struct level *level, bool *ok)
{
	cJSON *rule = begin(schema, ok);
	cJSON *when = put_object(rule, "if", ok);
	cJSON *one = put_object(put_object(when, "properties", ok), field->name, ok);
	cJSON *idle = schema_put(put_object(one, "not", ok), "enum", cJSON_CreateArray(), ok);

	schema_push(idle, cJSON_CreateFalse(), ok);
	schema_push(idle, cJSON_CreateString(""), ok);
	schema_push(idle, cJSON_CreateNull(), ok);
	schema_push(idle, cJSON_CreateArray(), ok);
	if (field->initial)
		schema_push(idle, copy(field->initial), ok);
	schema_push(schema_put(when, "required", cJSON_CreateArray(), ok),
		cJSON_CreateString(field->name), ok);
	put_condition(put_object(rule, "then", ok), field->only_when, level, false, ok);
}

static void put_limit(cJSON *schema, const struct limit *limit, const struct level *level, bool *ok)
{
	cJSON *rule = begin(schema, ok);

	put_condition(put_object(rule, "if", ok), limit->when, level, true, ok);
	cJSON *properties = put_object(put_object(rule, "then", ok), "properties", ok);
	schema_limits(put_object(properties, limit->field->name, ok), limit->field, ok);
}

void schema_conditions(cJSON *schema, const struct field *fields, size_t count, bool *ok)
{
	struct level level = {fields, count, NULL, NULL};

	for (size_t i = 0; i < count; i++) {
		const struct field *field = &fields[i];

		if (field->required_when && is_sayable(field->required_when, &level))
			put_required(schema, field, &level, ok);
		if (field->only_when && is_sayable(field->only_when, &level))
			put_only(schema, field, &level, ok);
		for (size_t j = 0; j < field->limit_count; j++)
			if (!field->limits[j].warn && is_sayable(field->limits[j].when, &level))
				put_limit(schema, &field->limits[j], &level, ok);
	}
}

/* [{"required": [...]}, ...] */
static void put_sets(cJSON *schema, const char *key, const cJSON *sets, bool *ok)
{
	cJSON *list = schema_put(schema, key, cJSON_CreateArray(), ok);

	for (const cJSON *set = sets->child; set; set = set->next)
		schema_put(schema_push(list, cJSON_CreateObject(), ok), "required", copy(set), ok);
}

/* {"anyOf": [{"required": [A]}, {"required": [B]}]} */
static void put_touched(cJSON *list, const cJSON *names, bool *ok)
{
	cJSON *any = schema_put(
		schema_push(list, cJSON_CreateObject(), ok), "anyOf", cJSON_CreateArray(), ok);

	for (const cJSON *name = names->child; name; name = name->next)
		put_given(schema_push(any, cJSON_CreateObject(), ok), name->valuestring, ok);
}

/* No two of the sets are touched. */
static void put_at_most_one(cJSON *schema, const cJSON *sets, bool *ok)
{
	cJSON *all = schema_put(schema, "allOf", cJSON_CreateArray(), ok);

	for (const cJSON *a = sets->child; a; a = a->next)
		for (const cJSON *b = a->next; b; b = b->next) {
			cJSON *not =
				put_object(schema_push(all, cJSON_CreateObject(), ok), "not", ok);
			cJSON *both = schema_put(not, "allOf", cJSON_CreateArray(), ok);
			put_touched(both, a, ok);
			put_touched(both, b, ok);
		}
}

static void put_all_or_none(cJSON *schema, const cJSON *names, bool *ok)
{
	cJSON *needs = put_object(schema, "dependentRequired", ok);

	for (const cJSON *name = names->child; name; name = name->next) {
		cJSON *others = schema_put(needs, name->valuestring, cJSON_CreateArray(), ok);
		for (const cJSON *other = names->child; other; other = other->next)
			if (other != name)
				schema_push(others, copy(other), ok);
	}
}

static void put_rule(cJSON *schema, const struct rule *rule, bool *ok)
{
	switch (rule->kind) {
	case RULE_ANY_OF:
		put_sets(schema, "anyOf", rule->sets, ok);
		return;
	case RULE_ONE_OF:
		put_sets(schema, "oneOf", rule->sets, ok);
		return;
	case RULE_AT_MOST_ONE:
		put_at_most_one(schema, rule->sets, ok);
		return;
	case RULE_ALL_OR_NONE:
		put_all_or_none(schema, rule->names, ok);
		return;
	case RULE_SUM:
	case RULE_COUNT:
	case RULE_SAME_COUNT:
	case RULE_LISTED:
	case RULE_UNIQUE:
		return; /* a schema has no word for it */
	}
}

void schema_checks(cJSON *schema, const struct model *model, bool *ok)
{
	struct level level = {model->fields, model->field_count, NULL, NULL};

	if (model->any_of)
		put_sets(schema, "anyOf", model->any_of, ok);
	if (model->one_of)
		put_sets(schema, "oneOf", model->one_of, ok);
	for (size_t i = 0; i < model->check_count; i++) {
		const struct rule *rule = &model->checks[i];

		if (rule->warn || rule->kind >= RULE_SUM)
			continue;
		cJSON *one = begin(schema, ok);
		if (rule->when) {
			put_condition(put_object(one, "if", ok), rule->when, &level, true, ok);
			one = put_object(one, "then", ok);
		}
		put_rule(one, rule, ok);
	}
}
