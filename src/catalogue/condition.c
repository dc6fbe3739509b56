#include "kiefs/condition.h"

#include <string.h>

#include "check.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/show.h"

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

bool value_is_filled(const cJSON *value)
{
	if (cJSON_IsString(value))
		return value->valuestring[0] != '\0';
	if (cJSON_IsArray(value))
		return value->child;
	return value && !cJSON_IsNull(value);
}

const struct field *level_field(
	const struct level *level, const char *name, const struct level **where)
{
	for (; level; level = level->outer)
		for (size_t i = 0; i < level->count; i++)
			if (strcmp(level->fields[i].name, name) == 0) {
				if (where)
					*where = level;
				return &level->fields[i];
			}
	return NULL;
}

/* What is written for the field, filled or not. */
static const cJSON *written(const struct level *level, const char *name)
{
	const struct level *where = level;

	level_field(level, name, &where);
	return member(where->object, name);
}

const cJSON *level_value(const struct level *level, const char *name)
{
	const struct field *field = level_field(level, name, NULL);
	const cJSON *value = written(level, name);

	if (value_is_filled(value) || !field)
		return value;
	return field->initial && !cJSON_IsNull(field->initial) ? field->initial : NULL;
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

static enum verdict verdict(bool holds)
{
	return holds ? VERDICT_YES : VERDICT_NO;
}

/* Both hold. */
static enum verdict both(enum verdict a, enum verdict b)
{
	if (a == VERDICT_NO || b == VERDICT_NO)
		return VERDICT_NO;
	return a == VERDICT_YES ? b : a;
}

static enum verdict test_one(const cJSON *test, const cJSON *given, const cJSON *value)
{
	double number = 0;
	bool is_number = value_number(value, &number);
	int items = cJSON_IsArray(given) ? cJSON_GetArraySize(given) : value_is_filled(given);

	if (strcmp(test->string, "given") == 0)
		return verdict(cJSON_IsTrue(test) == value_is_filled(given));
	if (strcmp(test->string, "min_items") == 0)
		return verdict(items >= test->valuedouble);
	if (strcmp(test->string, "max_items") == 0)
		return verdict(items <= test->valuedouble);
	if (!value)
		return VERDICT_UNKNOWN;
	if (strcmp(test->string, "not") == 0)
		return verdict(!is_among(value, test));
	if (!is_number)
		return VERDICT_UNKNOWN;
	return verdict(strcmp(test->string, "min") == 0 ? number >= test->valuedouble
							: number <= test->valuedouble);
}

/* One field of a condition: values, or an object of tests. */
static enum verdict test_field(const cJSON *wanted, const struct level *level)
{
	const cJSON *given = written(level, wanted->string);
	const cJSON *value = level_value(level, wanted->string);
	enum verdict all = VERDICT_YES;

	if (!cJSON_IsObject(wanted))
		return value ? verdict(is_among(value, wanted)) : VERDICT_UNKNOWN;
	for (const cJSON *test = wanted->child; test; test = test->next)
		all = both(all, test_one(test, given, value));
	return all;
}

enum verdict condition_test(const cJSON *condition, const struct level *level)
{
	enum verdict result = VERDICT_YES;

	if (!condition)
		return VERDICT_YES;
	if (!cJSON_IsArray(condition)) {
		for (const cJSON *i = condition->child; i; i = i->next)
			result = both(result, test_field(i, level));
		return result;
	}
	result = VERDICT_NO;
	for (const cJSON *i = condition->child; i; i = i->next) {
		enum verdict one = condition_test(i, level);
		if (one == VERDICT_YES)
			return VERDICT_YES;
		if (one == VERDICT_UNKNOWN)
			result = VERDICT_UNKNOWN;
	}
	return result;
}

const cJSON *condition_cause(const cJSON *condition, const struct level *level)
{
	if (cJSON_IsArray(condition))
		for (const cJSON *i = condition->child; i; i = i->next)
			if (condition_test(i, level) == VERDICT_YES)
				return i;
	return condition;
}

static void add_values(const cJSON *values, struct buf *out)
{
	char shown[SHOWN_SIZE];

	if (cJSON_IsArray(values))
		show_list(values, out);
	else
		buf_adds(out, show_value(values, shown));
}

static void add_test(const char *name, const cJSON *test, struct buf *out)
{
	if (strcmp(test->string, "given") == 0)
		buf_addf(out, "%s is %sgiven", name, cJSON_IsTrue(test) ? "" : "not ");
	else if (strcmp(test->string, "min_items") == 0)
		buf_addf(out, "%s has at least %.15g element%s", name, test->valuedouble,
			test->valuedouble == 1 ? "" : "s");
	else if (strcmp(test->string, "max_items") == 0)
		buf_addf(out, "%s has at most %.15g element%s", name, test->valuedouble,
			test->valuedouble == 1 ? "" : "s");
	else if (strcmp(test->string, "min") == 0)
		buf_addf(out, "%s is at least %.15g", name, test->valuedouble);
	else if (strcmp(test->string, "max") == 0)
		buf_addf(out, "%s is at most %.15g", name, test->valuedouble);
	else {
		buf_addf(out, "%s is not ", name);
		add_values(test, out);
	}
}

static void add_field(const cJSON *wanted, struct buf *out)
{
	if (!cJSON_IsObject(wanted)) {
		buf_addf(out, "%s is ", wanted->string);
		add_values(wanted, out);
		return;
	}
	const cJSON *least = member(wanted, "min_items"), *most = member(wanted, "max_items");
	if (least && most && least->valuedouble == most->valuedouble && !most->next) {
		buf_addf(out, "%s has %.15g element%s", wanted->string, least->valuedouble,
			least->valuedouble == 1 ? "" : "s");
		return;
	}
	for (const cJSON *test = wanted->child; test; test = test->next) {
		if (test != wanted->child)
			buf_adds(out, " and ");
		add_test(wanted->string, test, out);
	}
}

void condition_words(const cJSON *condition, struct buf *out)
{
	bool either = cJSON_IsArray(condition);

	for (const cJSON *i = condition->child; i; i = i->next) {
		if (i != condition->child)
			buf_adds(out, either ? ", or " : " and ");
		if (either)
			condition_words(i, out);
		else
			add_field(i, out);
	}
}

static void add_state(const cJSON *wanted, const struct level *level, struct buf *out)
{
	const cJSON *given = written(level, wanted->string);
	const cJSON *value = level_value(level, wanted->string);
	char shown[SHOWN_SIZE];

	if (!value)
		buf_addf(out, "%s is not given", wanted->string);
	else if (!value_is_filled(given))
		buf_addf(out, "%s is not given and counts as %s", wanted->string,
			show_value(value, shown));
	else if (cJSON_IsArray(given) && cJSON_IsObject(wanted) && !member(wanted, "given"))
		buf_addf(out, "%s has %d element%s", wanted->string, cJSON_GetArraySize(given),
			cJSON_GetArraySize(given) == 1 ? "" : "s");
	else if (cJSON_IsArray(given) || cJSON_IsObject(given) ||
		 (cJSON_IsObject(wanted) && member(wanted, "given")))
		buf_addf(out, "%s is given", wanted->string);
	else
		buf_addf(out, "%s is %s", wanted->string, show_value(value, shown));
}

/* Whether the field was told of already, in one of the conditions before `last`. */
static bool told_before(const cJSON *condition, const cJSON *last, const char *name)
{
	for (const cJSON *i = condition->child; i && i != last; i = i->next)
		if (member(i, name))
			return true;
	return false;
}

void condition_state(const cJSON *condition, const struct level *level, struct buf *out)
{
	const char *between = "";

	if (!cJSON_IsArray(condition)) {
		for (const cJSON *i = condition->child; i; i = i->next) {
			buf_adds(out, between);
			add_state(i, level, out);
			between = " and ";
		}
		return;
	}
	for (const cJSON *one = condition->child; one; one = one->next)
		for (const cJSON *i = one->child; i; i = i->next) {
			if (told_before(condition, one, i->string))
				continue;
			buf_adds(out, between);
			add_state(i, level, out);
			between = " and ";
		}
}
