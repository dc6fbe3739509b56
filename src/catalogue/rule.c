#include "rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "condition_check.h"
#include "form.h"
#include "kiefs/catalogue.h"
#include "kiefs/condition.h"
#include "kiefs/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct raw_rule {
	const cJSON *any_of, *one_of, *at_most_one, *all_or_none, *sum, *count, *same_count;
	const char *listed, *unique;
	struct rule rule;
};

#define RAW(member) offsetof(struct raw_rule, member)
#define RULE(member) offsetof(struct raw_rule, rule.member)

static const struct form_key keys[] = {
	{"any_of", FORM_LIST, RAW(any_of), false},
	{"one_of", FORM_LIST, RAW(one_of), false},
	{"at_most_one", FORM_LIST, RAW(at_most_one), false},
	{"all_or_none", FORM_TEXTS, RAW(all_or_none), false},
	{"sum", FORM_OBJECT, RAW(sum), false},
	{"count", FORM_OBJECT, RAW(count), false},
	{"same_count", FORM_TEXTS, RAW(same_count), false},
	{"listed", FORM_TEXT, RAW(listed), false},
	{"unique", FORM_TEXT, RAW(unique), false},
	{"in", FORM_TEXT, RULE(in), false},
	{"each", FORM_TEXT, RULE(each), false},
	{"min", FORM_ANY, RULE(min), false},
	{"max", FORM_ANY, RULE(max), false},
	{"when", FORM_ANY, RULE(when), false},
	{"warn", FORM_FLAG, RULE(warn), false},
	{"note", FORM_TEXT, RULE(note), false},
};

/* The field that a path begins with. */
static int check_path(const struct scope *scope, const struct model *model, const char *key,
	const char *path, struct error *err)
{
	char name[128];
	size_t length = strcspn(path, ".[>");

	if (length < sizeof(name)) {
		memcpy(name, path, length);
		name[length] = '\0';
		if (model_field(model, name))
			return 0;
	}
	return form_fail(scope, err, "\"%s\" names \"%s\", and there is no such field.", key, path);
}

static int check_names(const struct scope *scope, const struct model *model, const char *key,
	const cJSON *names, struct error *err)
{
	for (const cJSON *name = names->child; name; name = name->next)
		if (!cJSON_IsString(name) || !model_field(model, name->valuestring))
			return form_fail(scope, err,
				"\"%s\" names \"%s\", and there is no such field.", key,
				cJSON_IsString(name) ? name->valuestring : "?");
	return 0;
}

int sets_check(const struct scope *scope, const struct model *model, const char *key,
	const cJSON *sets, struct error *err)
{
	for (const cJSON *set = sets ? sets->child : NULL; set; set = set->next) {
		if (!cJSON_IsArray(set) || !set->child)
			return form_fail(scope, err,
				"\"%s\" must be an array of arrays of field names.", key);
		int r = check_names(scope, model, key, set, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_bound(const struct scope *scope, const struct model *model, const char *key,
	const cJSON *bound, struct error *err)
{
	if (!bound || cJSON_IsNumber(bound))
		return 0;
	if (cJSON_IsString(bound) && model_field(model, bound->valuestring))
		return 0;
	return form_fail(scope, err, "\"%s\" must be a number or a field's name.", key);
}

static int check_terms(const struct scope *scope, const struct model *model,
	const struct rule *rule, struct error *err)
{
	const char *key = rule->kind == RULE_SUM ? "sum" : "count";
	int r = rule->each ? check_path(scope, model, "each", rule->each, err) : 0;

	if (r < 0)
		return r;
	if (!rule->terms->child || (!rule->min && !rule->max))
		return form_fail(scope, err, "\"%s\" needs fields, and \"min\" or \"max\".", key);
	for (const cJSON *i = rule->terms->child; i; i = i->next) {
		if (!cJSON_IsNumber(i))
			return form_fail(scope, err,
				"\"%s\" must give a factor, such as 1, for \"%s\".", key,
				i->string);
		r = rule->each ? 0 : check_path(scope, model, key, i->string, err);
		if (r < 0)
			return r;
	}
	r = check_bound(scope, model, "min", rule->min, err);
	return r < 0 ? r : check_bound(scope, model, "max", rule->max, err);
}

/* The one key that says what kind it is. */
static int choose_kind(
	const struct scope *scope, const struct raw_rule *raw, struct rule *rule, struct error *err)
{
	const struct {
		const void *value;
		enum rule_kind kind;
	} kinds[] = {
		{raw->any_of, RULE_ANY_OF},
		{raw->one_of, RULE_ONE_OF},
		{raw->at_most_one, RULE_AT_MOST_ONE},
		{raw->all_or_none, RULE_ALL_OR_NONE},
		{raw->sum, RULE_SUM},
		{raw->count, RULE_COUNT},
		{raw->same_count, RULE_SAME_COUNT},
		{raw->listed, RULE_LISTED},
		{raw->unique, RULE_UNIQUE},
	};
	size_t found = 0;

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].value) {
			rule->kind = kinds[i].kind;
			found++;
		}
	if (found != 1)
		return form_fail(scope, err,
			"one of these keys is needed, and only one: any_of, one_of, at_most_one, "
			"all_or_none, sum, count, same_count, listed, unique.");
	return 0;
}

static int check_rule(const struct scope *scope, const struct model *model, const struct rule *rule,
	struct error *err)
{
	int r = 0;

	switch (rule->kind) {
	case RULE_ANY_OF:
		return sets_check(scope, model, "any_of", rule->sets, err);
	case RULE_ONE_OF:
		return sets_check(scope, model, "one_of", rule->sets, err);
	case RULE_AT_MOST_ONE:
		return sets_check(scope, model, "at_most_one", rule->sets, err);
	case RULE_ALL_OR_NONE:
		return check_names(scope, model, "all_or_none", rule->names, err);
	case RULE_SAME_COUNT:
		return check_names(scope, model, "same_count", rule->names, err);
	case RULE_SUM:
	case RULE_COUNT:
		return check_terms(scope, model, rule, err);
	case RULE_LISTED:
		if (!rule->in)
			return form_fail(scope, err, "\"listed\" needs \"in\", a path.");
		r = check_path(scope, model, "in", rule->in, err);
		return r < 0 ? r : check_path(scope, model, "listed", rule->path, err);
	case RULE_UNIQUE:
		return check_path(scope, model, "unique", rule->path, err);
	}
	return r;
}

static int rule_read(const struct scope *scope, const cJSON *object, const struct model *model,
	struct rule *out, struct error *err)
{
	struct level level = {model->fields, model->field_count, NULL, NULL};
	struct raw_rule raw = {0};
	struct rule rule;
	int r = form_read(scope, object, keys, COUNT(keys), &raw, err);

	if (r < 0)
		return r;
	rule = raw.rule;
	r = choose_kind(scope, &raw, &rule, err);
	if (r < 0)
		return r;
	rule.sets = raw.any_of ? raw.any_of : raw.one_of ? raw.one_of : raw.at_most_one;
	rule.names = raw.all_or_none ? raw.all_or_none : raw.same_count;
	rule.terms = raw.sum ? raw.sum : raw.count;
	rule.path = raw.listed ? raw.listed : raw.unique;
	r = condition_check(scope, "when", rule.when, &level, true, err);
	if (r == 0)
		r = check_rule(scope, model, &rule, err);
	if (r == 0)
		*out = rule;
	return r;
}

int rules_read(
	const struct scope *scope, const cJSON *array, struct model *model, struct error *err)
{
	struct scope inner = {scope, "key", "checks"};
	struct rule *rules;

	if (!array)
		return 0;
	rules = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*rules));
	if (!rules)
		return error_set(err, -ENOMEM, "Out of memory.");
	model->checks = rules;
	for (const cJSON *i = array->child; i; i = i->next) {
		int r = rule_read(&inner, i, model, &rules[model->check_count], err);
		if (r < 0)
			return r;
		model->check_count++;
	}
	return 0;
}

void rules_free(struct model *model)
{
	free((struct rule *)model->checks);
	model->checks = NULL;
	model->check_count = 0;
}
