/* Conditions and checks in the words of a model's README. */
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/condition.h"
#include "words.h"

#define TEXT_MAX (1u << 16)

static void add_cell(const char *text, struct buf *out)
{
	for (; text && *text; text++)
		buf_addf(out, *text == '|' ? "\\%c" : "%c", *text);
}

/* "INTRO CONDITION." behind what the cell holds already. */
static void add_condition(const char *intro, const cJSON *condition, size_t start, struct buf *out)
{
	struct buf words;

	if (!condition)
		return;
	buf_init(&words, TEXT_MAX);
	condition_words(condition, &words);
	buf_addf(out, "%s%s ", out->len > start ? " " : "", intro);
	add_cell(words.data, out);
	buf_adds(out, ".");
	if (words.error)
		out->error = out->error ? out->error : words.error;
	buf_finish(&words);
}

void words_conditions(const struct field *field, size_t start, struct buf *out)
{
	add_condition("Required when", field->required_when, start, out);
	add_condition("Only when", field->only_when, start, out);
	add_condition("Not used when", field->unused_when, start, out);
	for (size_t i = 0; i < field->limit_count; i++) {
		const struct limit *limit = &field->limits[i];

		buf_adds(out, out->len > start ? " " : "");
		size_t before = out->len;
		buf_adds(out, "Only ");
		size_t limits = out->len;
		words_limits(limit->field, out);
		if (limit->field->initial) {
			buf_adds(out, out->len > limits ? ", default " : "by default ");
			words_value(limit->field->initial, out);
		}
		add_condition(limit->warn ? "(it is said) when" : "when", limit->when, before, out);
	}
}

static void add_sets(const char *intro, const cJSON *sets, struct buf *out)
{
	buf_adds(out, intro);
	for (const cJSON *set = sets->child; set; set = set->next) {
		for (const cJSON *name = set->child; name; name = name->next)
			buf_addf(out, "%s`%s`", name == set->child ? "" : " with ",
				name->valuestring);
		buf_adds(out, set->next ? ", " : "");
	}
}

static void add_names(const cJSON *names, struct buf *out)
{
	for (const cJSON *name = names->child; name; name = name->next)
		buf_addf(out, "%s`%s`",
			name == names->child ? ""
			: name->next	     ? ", "
					     : " and ",
			name->valuestring);
}

static void add_bound(const char *intro, const cJSON *bound, struct buf *out)
{
	if (cJSON_IsString(bound))
		buf_addf(out, "%s `%s`", intro, bound->valuestring);
	else if (bound)
		buf_addf(out, "%s %.15g", intro, bound->valuedouble);
}

static void add_sum(const struct rule *rule, struct buf *out)
{
	buf_adds(out, rule->kind == RULE_COUNT ? "Elements of " : "");
	for (const cJSON *term = rule->terms->child; term; term = term->next) {
		double factor = term->valuedouble;

		if (term != rule->terms->child || factor < 0)
			buf_adds(out, factor < 0 ? " minus " : " plus ");
		if (factor != 1 && factor != -1)
			buf_addf(out, "%.15g times ", factor < 0 ? -factor : factor);
		buf_addf(out, "`%s%s%s`", rule->each ? rule->each : "", rule->each ? "[]." : "",
			term->string);
	}
	buf_adds(out, rule->kind == RULE_SUM && !rule->terms->child->next ? " in all:" : ":");
	add_bound(" at least", rule->min, out);
	add_bound(rule->min && rule->max ? " and at most" : " at most", rule->max, out);
}

static void add_rule(const struct rule *rule, struct buf *out)
{
	switch (rule->kind) {
	case RULE_ANY_OF:
		add_sets("At least one of: ", rule->sets, out);
		break;
	case RULE_ONE_OF:
		add_sets("Exactly one of: ", rule->sets, out);
		break;
	case RULE_AT_MOST_ONE:
		add_sets("At most one of: ", rule->sets, out);
		break;
	case RULE_ALL_OR_NONE:
		add_names(rule->names, out);
		buf_adds(out, " only together");
		break;
	case RULE_SUM:
	case RULE_COUNT:
		add_sum(rule, out);
		break;
	case RULE_SAME_COUNT:
		add_names(rule->names, out);
		buf_adds(out, " have equally many elements, in the same order");
		break;
	case RULE_LISTED:
		buf_addf(out, "Every `%s` is one of `%s`", rule->path, rule->in);
		break;
	case RULE_UNIQUE:
		buf_addf(out, "No `%s` stands there twice", rule->path);
		break;
	}
}

static void add_line(const struct rule *rule, struct buf *out)
{
	buf_adds(out, "- ");
	add_rule(rule, out);
	if (rule->when) {
		buf_adds(out, ", when ");
		condition_words(rule->when, out);
	}
	buf_addf(out, ".%s%s%s\n", rule->note ? " " : "", rule->note ? rule->note : "",
		rule->warn ? " (So it is said; a request beyond it is sent.)" : "");
}

void words_checks(const struct model *model, struct buf *out)
{
	if (model->any_of)
		add_line(&(struct rule){.kind = RULE_ANY_OF, .sets = model->any_of}, out);
	if (model->one_of)
		add_line(&(struct rule){.kind = RULE_ONE_OF, .sets = model->one_of}, out);
	for (size_t i = 0; i < model->check_count; i++)
		add_line(&model->checks[i], out);
}
