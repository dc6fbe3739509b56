#include "validate.h"

#include "kiefs/catalogue.h"
#include "kiefs/check.h"
#include "kiefs/condition.h"
#include "kiefs/findings.h"
#include "kiefs/utf8.h"

#include <math.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The codes the API was seen to use. */
#define CODE_MISSING 500
#define CODE_VALUE 500
#define CODE_TOGETHER 422

static int refuse(char *message, const char *name, const char *what)
{
	snprintf(message, VALIDATE_MESSAGE_SIZE, "%s %s", *name ? name : "This field", what);
	return CODE_VALUE;
}

static int out_of_range(char *message, const char *name)
{
	return refuse(message, name, "is not within the range of allowed options");
}

static bool has_type(const cJSON *item, enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return cJSON_IsString(item);
	case FIELD_INTEGER:
		return cJSON_IsNumber(item) && item->valuedouble == floor(item->valuedouble);
	case FIELD_NUMBER:
		return cJSON_IsNumber(item);
	case FIELD_BOOLEAN:
		return cJSON_IsBool(item);
	case FIELD_ARRAY:
		return cJSON_IsArray(item);
	case FIELD_OBJECT:
		return cJSON_IsObject(item);
	}
	return false;
}

static bool type_is_taken(const struct field *field, const cJSON *item)
{
	for (unsigned type = FIELD_STRING; type <= FIELD_OBJECT; type++) {
		if ((type == field->type || field->also_types & 1u << type) && has_type(item, type))
			return true;
	}
	return false;
}

static bool is_listed(const cJSON *list, const cJSON *item)
{
	const cJSON *value;

	cJSON_ArrayForEach(value, list)
	{
		if (cJSON_Compare(value, item, true))
			return true;
	}
	return false;
}

static bool number_fits(const struct field *field, double number)
{
	return !(field->has_min && number < field->min) && !(field->has_max && number > field->max);
}

static bool pattern_fits(const char *pattern, const char *text)
{
	regex_t compiled;

	if (!pattern || regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return true;
	bool fits = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return fits;
}

static int check_string(const struct field *field, const cJSON *item, char *message)
{
	const char *text = item->valuestring;
	long length = (long)utf8_length(text, strlen(text));
	char *end;

	if (field->max_length >= 0 && length > field->max_length)
		return refuse(message, field->name, "exceeds the maximum length");
	if (field->min_length >= 0 && length < field->min_length)
		return refuse(message, field->name, "is shorter than the minimum length");
	if (!pattern_fits(field->pattern, text))
		return refuse(message, field->name, "has an invalid format");
	if (!field->numeric_string || !*text)
		return 0;
	double number = strtod(text, &end);
	if (*end || !number_fits(field, number))
		return out_of_range(message, field->name);
	return 0;
}

static int check_members(
	const struct field *fields, size_t count, const cJSON *object, char *message);

static int check_field(const struct field *field, const cJSON *item, char *message);

static int check_array(const struct field *field, const cJSON *item, char *message)
{
	const cJSON *element;
	long count = cJSON_GetArraySize(item);

	if (field->max_items >= 0 && count > field->max_items)
		return refuse(message, field->name, "has too many items");
	if (field->min_items >= 0 && count < field->min_items)
		return refuse(message, field->name, "has too few items");
	cJSON_ArrayForEach(element, item)
	{
		int code = field->item ? check_field(field->item, element, message) : 0;

		if (code)
			return code;
	}
	return 0;
}

static int check_field(const struct field *field, const cJSON *item, char *message)
{
	if (field->also && is_listed(field->also, item))
		return 0;
	if (!type_is_taken(field, item))
		return refuse(message, field->name, "has an invalid type");
	if (field->values && !check_listed(field->values, item))
		return out_of_range(message, field->name);
	if (cJSON_IsString(item))
		return check_string(field, item, message);
	if (cJSON_IsNumber(item) && !number_fits(field, item->valuedouble))
		return out_of_range(message, field->name);
	if (cJSON_IsArray(item))
		return check_array(field, item, message);
	if (cJSON_IsObject(item) && field->members)
		return check_members(field->members, field->member_count, item, message);
	return 0;
}

static int check_members(
	const struct field *fields, size_t count, const cJSON *object, char *message)
{
	for (size_t i = 0; i < count; i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, fields[i].name);
		int code = 0;

		if (item && !cJSON_IsNull(item)) {
			code = check_field(&fields[i], item, message);
		} else if (fields[i].required) {
			snprintf(message, VALIDATE_MESSAGE_SIZE, "%s is required", fields[i].name);
			code = CODE_MISSING;
		}
		if (code)
			return code;
	}
	return 0;
}

/* Ends a check of the program's own: whether it found a fault. What only is warned of, the API
 * takes. */
static bool is_faulty(struct findings *findings, int r)
{
	bool faulty = r < 0 || findings->fault_count > 0;

	findings_finish(findings);
	return faulty;
}

/* What other fields demand of this one. */
static int check_field_when(const struct field *field, const struct level *level, char *message)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(level->object, field->name);
	struct findings findings;

	findings_init(&findings, false);
	int r = check_when(field, level, field->name, &findings);
	if (!is_faulty(&findings, r))
		return 0;
	return value_is_filled(item) ? out_of_range(message, field->name)
				     : refuse(message, field->name, "is required");
}

static const char *rule_field(const struct rule *rule)
{
	const cJSON *list = rule->sets	  ? rule->sets->child
			    : rule->names ? rule->names
					  : rule->terms;
	const cJSON *first = list ? list->child : NULL;

	if (rule->each)
		return rule->each;
	if (rule->path)
		return rule->path;
	return cJSON_IsString(first) ? first->valuestring : first ? first->string : "";
}

static bool any_is_given(const struct rule *rule, const cJSON *input)
{
	const cJSON *set, *name;

	cJSON_ArrayForEach(set, rule->sets)
	{
		bool whole = true;

		cJSON_ArrayForEach(name, set) whole =
			whole &&
			value_is_filled(cJSON_GetObjectItemCaseSensitive(input, name->valuestring));
		if (whole)
			return true;
	}
	return false;
}

static int refuse_rule(const struct rule *rule, const cJSON *input, char *message)
{
	const char *name = rule_field(rule);

	switch (rule->kind) {
	case RULE_ANY_OF:
	case RULE_ONE_OF:
		refuse(message, name,
			any_is_given(rule, input) ? "excludes other fields" : "is required");
		break;
	case RULE_AT_MOST_ONE:
		refuse(message, name, "excludes other fields");
		break;
	case RULE_ALL_OR_NONE:
		refuse(message, name, "is required together with other fields");
		break;
	case RULE_SAME_COUNT:
		refuse(message, name, "has another number of items than other fields");
		break;
	case RULE_SUM:
	case RULE_COUNT:
	case RULE_LISTED:
	case RULE_UNIQUE:
		out_of_range(message, name);
		break;
	}
	return CODE_TOGETHER;
}

static int check_one_rule(
	const struct rule *rule, const struct model *model, const cJSON *input, char *message)
{
	struct model only = *model;
	struct findings findings;

	only.any_of = NULL;
	only.one_of = NULL;
	only.checks = rule;
	only.check_count = 1;
	findings_init(&findings, false);
	int r = check_rules(&only, input, &findings);
	return is_faulty(&findings, r) ? refuse_rule(rule, input, message) : 0;
}

static int check_together(const struct model *model, const cJSON *input, char *message)
{
	const struct level level = {model->fields, model->field_count, input, NULL};
	const struct rule sets[] = {
		{.kind = RULE_ANY_OF, .sets = model->any_of},
		{.kind = RULE_ONE_OF, .sets = model->one_of},
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < sizeof(sets) / sizeof(sets[0]); i++)
		code = sets[i].sets ? check_one_rule(&sets[i], model, input, message) : 0;
	for (size_t i = 0; code == 0 && i < model->field_count; i++)
		code = check_field_when(&model->fields[i], &level, message);
	for (size_t i = 0; code == 0 && i < model->check_count; i++)
		code = check_one_rule(&model->checks[i], model, input, message);
	return code;
}

int validate_input(
	const struct model *model, const cJSON *input, char message[VALIDATE_MESSAGE_SIZE])
{
	int code = check_members(model->fields, model->field_count, input, message);

	return code ? code : check_together(model, input, message);
}

char *validate_known(const struct model *model, const cJSON *input)
{
	cJSON *kept = cJSON_CreateObject();
	const cJSON *item;
	char *text = NULL;

	cJSON_ArrayForEach(item, input)
	{
		if (model && !model_field(model, item->string))
			continue;
		cJSON *copy = cJSON_Duplicate(item, true);
		if (!cJSON_AddItemToObject(kept, item->string, copy)) {
			cJSON_Delete(copy);
			goto out;
		}
	}
	text = cJSON_PrintUnformatted(kept);
out:
	cJSON_Delete(kept);
	return text;
}
