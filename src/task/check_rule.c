/* What several fields of a request must be together. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/check.h"
#include "kiefs/condition.h"
#include "kiefs/findings.h"
#include "kiefs/jsonpath.h"

#define TEXT_MAX (1u << 16)

/* A rule on its way; the sentence is written into `text`. */
struct test {
	const struct rule *rule;
	const struct level *level;
	struct buf *text;
};

static const cJSON *member(const struct test *test, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(test->level->object, name);
}

static bool is_filled(const struct test *test, const cJSON *name)
{
	return value_is_filled(member(test, name->valuestring));
}

static size_t count_filled(const struct test *test, const cJSON *names)
{
	const cJSON *name;
	size_t count = 0;

	cJSON_ArrayForEach(name, names)
	{
		count += is_filled(test, name);
	}
	return count;
}

/* "prompt, or image_url + mask_url" */
static void add_sets(const struct test *test)
{
	const cJSON *set, *name;

	cJSON_ArrayForEach(set, test->rule->sets)
	{
		if (set != test->rule->sets->child)
			buf_adds(test->text, set->next ? ", " : ", or ");
		cJSON_ArrayForEach(name, set)
		{
			buf_addf(test->text, "%s%s", name == set->child ? "" : " + ",
				name->valuestring);
		}
	}
}

static bool has_name(const cJSON *set, const char *name)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, set)
	{
		if (strcmp(member->valuestring, name) == 0)
			return true;
	}
	return false;
}

/* What is given of the other sets beside the only whole one. */
static void test_strays(const struct test *test, const cJSON *whole)
{
	const cJSON *set, *name;
	size_t told = 0;

	cJSON_ArrayForEach(set, test->rule->sets)
	{
		cJSON_ArrayForEach(name, set)
		{
			if (!is_filled(test, name) || has_name(whole, name->valuestring))
				continue;
			if (told == 0) {
				buf_adds(test->text, "Only one of these may be given: ");
				add_sets(test);
			}
			buf_addf(test->text, "%s%s", told++ ? " and " : ". Leave out ",
				name->valuestring);
		}
	}
	if (told > 0)
		buf_adds(test->text, ".");
}

static void test_whole_sets(const struct test *test)
{
	bool only_one = test->rule->kind == RULE_ONE_OF;
	const cJSON *set, *found = NULL;
	size_t whole = 0;

	cJSON_ArrayForEach(set, test->rule->sets)
	{
		if (count_filled(test, set) != (size_t)cJSON_GetArraySize(set))
			continue;
		found = set;
		whole++;
	}
	if (whole == 1 && only_one)
		test_strays(test, found);
	if (!test->rule->sets->child || whole == 1 || (whole > 1 && !only_one))
		return;
	if (whole == 0)
		buf_addf(test->text, "Something is missing: give %s of these: ",
			only_one ? "exactly one" : "at least one");
	else
		buf_adds(test->text, "Only one of these may be given: ");
	add_sets(test);
	buf_adds(test->text, whole == 0 ? "." : ". Keep one.");
}

static void test_at_most_one(const struct test *test)
{
	const cJSON *set, *name;
	size_t touched = 0, filled = 0, told = 0;

	cJSON_ArrayForEach(set, test->rule->sets)
	{
		touched += count_filled(test, set) > 0;
	}
	if (touched < 2)
		return;
	cJSON_ArrayForEach(set, test->rule->sets)
	{
		filled += count_filled(test, set);
	}
	cJSON_ArrayForEach(set, test->rule->sets)
	{
		cJSON_ArrayForEach(name, set)
		{
			if (!is_filled(test, name))
				continue;
			told++;
			buf_addf(test->text, "%s%s",
				told == 1	 ? ""
				: told == filled ? " and "
						 : ", ",
				name->valuestring);
		}
	}
	buf_adds(test->text, " do not go together. Give only one of these: ");
	add_sets(test);
	buf_adds(test->text, ".");
}

static void test_all_or_none(const struct test *test)
{
	const cJSON *names = test->rule->names, *name;
	size_t given = count_filled(test, names), told = 0;

	if (given == 0 || given == (size_t)cJSON_GetArraySize(names))
		return;
	cJSON_ArrayForEach(name, names)
	{
		if (is_filled(test, name))
			buf_addf(test->text, "%s%s", told++ ? " and " : "", name->valuestring);
	}
	buf_addf(test->text, " %s given without ", told == 1 ? "is" : "are");
	told = 0;
	cJSON_ArrayForEach(name, names)
	{
		if (!is_filled(test, name))
			buf_addf(test->text, "%s%s", told++ ? " and " : "", name->valuestring);
	}
	buf_addf(test->text, ", but they go together only. Add what is missing, or leave %s out.",
		given == 1 ? "it" : "all");
}

static void test_same_count(const struct test *test)
{
	const cJSON *names = test->rule->names, *name;
	int first = -1;
	bool differ = false;

	cJSON_ArrayForEach(name, names)
	{
		const cJSON *value = member(test, name->valuestring);
		if (!cJSON_IsArray(value) || !value->child)
			continue;
		int count = cJSON_GetArraySize(value);
		differ = differ || (first >= 0 && count != first);
		first = first < 0 ? count : first;
	}
	if (!differ)
		return;
	cJSON_ArrayForEach(name, names)
	{
		const cJSON *value = member(test, name->valuestring);
		if (!cJSON_IsArray(value) || !value->child)
			continue;
		buf_addf(test->text, "%s%s has %d element%s", test->text->len > 0 ? " and " : "",
			name->valuestring, cJSON_GetArraySize(value),
			cJSON_GetArraySize(value) == 1 ? "" : "s");
	}
	buf_adds(test->text, ", but they need equally many, in the same order.");
}

struct sum {
	double total;
	size_t parts;
	bool broken; /* something there is no number */
};

static bool as_number(const cJSON *value, double *out)
{
	char *end;

	if (cJSON_IsNumber(value))
		*out = value->valuedouble;
	else if (cJSON_IsString(value) && *value->valuestring)
		*out = strtod(value->valuestring, &end);
	else
		return false;
	return cJSON_IsNumber(value) || *end == '\0';
}

static int add_number(const cJSON *value, void *user)
{
	struct sum *sum = user;
	double number;

	if (as_number(value, &number))
		sum->total += number;
	else
		sum->broken = true;
	sum->parts++;
	return 0;
}

/* The numbers at a path of `root`, or the value of the request's own field. */
static int sum_at(const struct test *test, const cJSON *root, const char *path, struct sum *sum)
{
	if (root == test->level->object && level_field(test->level, path, NULL)) {
		const cJSON *value = level_value(test->level, path);
		return value ? add_number(value, sum) : 0;
	}
	return json_path_each(root, path, add_number, sum);
}

static double count_at(const struct test *test, const char *name)
{
	const cJSON *value = member(test, name);

	return cJSON_IsArray(value) ? cJSON_GetArraySize(value) : value_is_filled(value);
}

static bool find_bound(const struct test *test, const cJSON *bound, double *out)
{
	return bound &&
	       as_number(
		       cJSON_IsString(bound) ? level_value(test->level, bound->valuestring) : bound,
		       out);
}

/* "image_urls (3) plus 2 times video_list (2)" */
static void add_term(const struct test *test, const cJSON *term, const char *prefix, double value)
{
	double factor = term->valuedouble;
	bool first = term == test->rule->terms->child;

	buf_adds(test->text, first	  ? (factor < 0 ? "minus " : "")
			     : factor < 0 ? " minus "
					  : " plus ");
	if (factor != 1 && factor != -1)
		buf_addf(test->text, "%.15g times ", factor < 0 ? -factor : factor);
	buf_addf(test->text, "%s%s (%.15g)", prefix, term->string, value);
}

/* Ends the sentence when the sum is out of its range; else the sentence is dropped. */
static void judge(const struct test *test, double total, size_t start)
{
	const struct rule *rule = test->rule;
	const char *what = rule->kind == RULE_COUNT ? " elements" : "";
	double min = 0, max = 0;
	const cJSON *bound = NULL;

	if (find_bound(test, rule->max, &max) && total > max + 1e-9)
		bound = rule->max;
	else if (find_bound(test, rule->min, &min) && total < min - 1e-9)
		bound = rule->min;
	if (!bound) {
		test->text->len = start;
		if (test->text->data)
			test->text->data[start] = '\0';
		return;
	}
	buf_addf(test->text, " makes %.15g%s, but at %s %.15g", total, what,
		bound == rule->max ? "most" : "least", bound == rule->max ? max : min);
	if (cJSON_IsString(bound))
		buf_addf(test->text, " (%s)", bound->valuestring);
	buf_adds(test->text, bound == rule->max ? " is allowed." : " is needed.");
}

/* The sum inside one element, or in the whole request. */
static int test_sum(const struct test *test, const cJSON *root, const char *prefix)
{
	size_t start = test->text->len;
	const cJSON *term;
	double total = 0;

	if (start > 0)
		buf_adds(test->text, " ");
	cJSON_ArrayForEach(term, test->rule->terms)
	{
		struct sum sum = {0};
		int r = 0;

		if (test->rule->kind == RULE_COUNT)
			sum.total = count_at(test, term->string);
		else
			r = sum_at(test, root, term->string, &sum);
		if (r < 0)
			return r;
		if (test->rule->kind == RULE_SUM && (sum.parts == 0 || sum.broken)) {
			total = 0;
			goto drop;
		}
		total += sum.total * term->valuedouble;
		add_term(test, term, prefix, sum.total);
	}
	judge(test, total, start);
	return 0;
drop:
	test->text->len = start;
	if (test->text->data)
		test->text->data[start] = '\0';
	return 0;
}

static int test_sums(const struct test *test)
{
	const cJSON *array, *one;
	size_t at = 0;

	if (!test->rule->each)
		return test_sum(test, test->level->object, "");
	array = member(test, test->rule->each);
	if (!cJSON_IsArray(array))
		return 0;
	cJSON_ArrayForEach(one, array)
	{
		char prefix[SHOWN_SIZE];
		int r;

		snprintf(prefix, sizeof(prefix), "%.200s[%zu].", test->rule->each, at++);
		r = test_sum(test, one, prefix);
		if (r < 0)
			return r;
	}
	return 0;
}

static int gather(const cJSON *value, void *user)
{
	cJSON *copy = cJSON_Duplicate(value, true);

	if (copy && cJSON_AddItemToArray(user, copy))
		return 0;
	cJSON_Delete(copy);
	return -ENOMEM;
}

static void add_stranger(const struct test *test, const cJSON *value, const cJSON *known)
{
	char shown[SHOWN_SIZE];

	if (check_listed(known, value))
		return;
	buf_addf(test->text, "%s%s holds %s, but %s ", test->text->len > 0 ? " " : "",
		test->rule->path, show_value(value, shown), test->rule->in);
	if (known->child) {
		buf_adds(test->text, "has only ");
		show_list(known, test->text);
	} else {
		buf_adds(test->text, "has nothing");
	}
	buf_adds(test->text, ". Use one of these, or add it there.");
}

static void add_twin(const struct test *test, const cJSON *value, const cJSON *all)
{
	char shown[SHOWN_SIZE];
	size_t before = 0;

	for (const cJSON *i = all->child; i != value; i = i->next)
		before += check_same(i, value);
	if (before == 1)
		buf_addf(test->text,
			"%s%s holds %s more than once, but every value may stand there only once. "
			"Change one of them.",
			test->text->len > 0 ? " " : "", test->rule->path, show_value(value, shown));
}

static int test_values(const struct test *test)
{
	cJSON *values = cJSON_CreateArray(), *known = cJSON_CreateArray();
	const cJSON *value;
	int r = values && known ? 0 : -ENOMEM;

	if (r == 0)
		r = json_path_each(test->level->object, test->rule->path, gather, values);
	if (r == 0 && test->rule->in)
		r = json_path_each(test->level->object, test->rule->in, gather, known);
	for (value = r == 0 ? values->child : NULL; value; value = value->next)
		if (test->rule->kind == RULE_LISTED)
			add_stranger(test, value, known);
		else
			add_twin(test, value, values);
	cJSON_Delete(values);
	cJSON_Delete(known);
	return r;
}

static int test_rule(const struct test *test)
{
	switch (test->rule->kind) {
	case RULE_ANY_OF:
	case RULE_ONE_OF:
		test_whole_sets(test);
		return 0;
	case RULE_AT_MOST_ONE:
		test_at_most_one(test);
		return 0;
	case RULE_ALL_OR_NONE:
		test_all_or_none(test);
		return 0;
	case RULE_SAME_COUNT:
		test_same_count(test);
		return 0;
	case RULE_SUM:
	case RULE_COUNT:
		return test_sums(test);
	case RULE_LISTED:
	case RULE_UNIQUE:
		return test_values(test);
	}
	return 0;
}

static int check_rule(const struct rule *rule, const struct level *level, struct findings *findings)
{
	struct buf text;
	struct test test = {rule, level, &text};
	int r;

	if (condition_test(rule->when, level) != VERDICT_YES)
		return 0;
	buf_init(&text, TEXT_MAX);
	r = test_rule(&test);
	if (r == 0 && text.len > 0) {
		if (rule->when) {
			buf_adds(&text, " That is so when ");
			condition_words(condition_cause(rule->when, level), &text);
			buf_adds(&text, ".");
		}
		if (rule->note)
			buf_addf(&text, " %s", rule->note);
	}
	if (r == 0)
		r = text.error;
	if (r == 0 && text.len > 0) {
		findings->soft = rule->warn;
		findings_value(findings, "%s", text.data);
		findings->soft = false;
	}
	buf_finish(&text);
	return r;
}

int check_rules(const struct model *model, const cJSON *input, struct findings *findings)
{
	struct level level = {model->fields, model->field_count, input, NULL};
	const struct rule own[] = {
		{.kind = RULE_ANY_OF, .sets = model->any_of},
		{.kind = RULE_ONE_OF, .sets = model->one_of},
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		int r = own[i].sets ? check_rule(&own[i], &level, findings) : 0;
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < model->check_count; i++) {
		int r = check_rule(&model->checks[i], &level, findings);
		if (r < 0)
			return r;
	}
	return 0;
}
