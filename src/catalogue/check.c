#include "check.h"

#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "kiefs/catalogue.h"
#include "kiefs/utf8.h"

static bool spelled_number(const char *text, double *out)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0')
		return false;
	*out = value;
	return true;
}

bool value_same(const cJSON *a, const cJSON *b)
{
	double number;

	if (cJSON_IsString(a) && cJSON_IsString(b))
		return strcmp(a->valuestring, b->valuestring) == 0;
	if (cJSON_IsNumber(a) && cJSON_IsNumber(b))
		return fabs(a->valuedouble - b->valuedouble) < 1e-9;
	if (cJSON_IsNumber(a) && cJSON_IsString(b))
		return value_same(b, a);
	if (cJSON_IsString(a) && cJSON_IsNumber(b))
		return spelled_number(a->valuestring, &number) &&
		       fabs(number - b->valuedouble) < 1e-9;
	return cJSON_IsBool(a) && cJSON_IsBool(b) && cJSON_IsTrue(a) == cJSON_IsTrue(b);
}

bool value_number(const cJSON *value, double *out)
{
	if (cJSON_IsString(value))
		return spelled_number(value->valuestring, out);
	if (!cJSON_IsNumber(value))
		return false;
	*out = value->valuedouble;
	return true;
}

static bool is_among(const cJSON *value, const cJSON *list)
{
	for (const cJSON *item = list ? list->child : NULL; item; item = item->next)
		if (value_same(value, item))
			return true;
	return false;
}

static bool is_type(const cJSON *value, enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return cJSON_IsString(value);
	case FIELD_INTEGER:
		return cJSON_IsNumber(value) && floor(value->valuedouble) == value->valuedouble;
	case FIELD_NUMBER:
		return cJSON_IsNumber(value);
	case FIELD_BOOLEAN:
		return cJSON_IsBool(value);
	case FIELD_ARRAY:
		return cJSON_IsArray(value);
	case FIELD_OBJECT:
		return cJSON_IsObject(value);
	}
	return false;
}

static bool takes_type(const struct field *field, const cJSON *value)
{
	if (is_type(value, field->type))
		return true;
	for (enum field_type type = FIELD_STRING; type <= FIELD_OBJECT; type++)
		if ((field->also_types & (1u << type)) && is_type(value, type))
			return true;
	return false;
}

static int check_range(
	const struct scope *scope, const struct field *field, double number, struct error *err)
{
	if (field->has_min && number < field->min)
		return form_fail(scope, err, "%g is below \"min\", %g.", number, field->min);
	if (field->has_max && number > field->max)
		return form_fail(scope, err, "%g is above \"max\", %g.", number, field->max);
	return 0;
}

static int check_text(
	const struct scope *scope, const struct field *field, const char *text, struct error *err)
{
	long length = (long)utf8_length(text, strlen(text));
	double number;
	regex_t regex;

	if (field->numeric_string || field->type == FIELD_NUMBER || field->type == FIELD_INTEGER) {
		if (!spelled_number(text, &number))
			return form_fail(scope, err, "\"%s\" does not spell a number.", text);
		return check_range(scope, field, number, err);
	}
	if (field->max_length >= 0 && length > field->max_length)
		return form_fail(scope, err, "%ld characters are more than \"max_length\", %ld.",
			length, field->max_length);
	if (field->min_length >= 0 && length < field->min_length)
		return form_fail(scope, err, "%ld characters are fewer than \"min_length\", %ld.",
			length, field->min_length);
	if (!field->pattern)
		return 0;
	if (regcomp(&regex, field->pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return form_fail(scope, err, "\"pattern\" is not a regular expression.");
	int r = regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	if (r != 0)
		return form_fail(
			scope, err, "\"%s\" does not match \"pattern\", %s.", text, field->pattern);
	return 0;
}

static int check_members(const struct scope *scope, const struct field *members, size_t count,
	const cJSON *value, struct error *err)
{
	for (const cJSON *item = value->child; item; item = item->next) {
		struct scope inner = {scope, "field", item->string};
		size_t i = 0;

		while (i < count && strcmp(members[i].name, item->string) != 0)
			i++;
		if (i == count)
			return form_fail(scope, err, "there is no field \"%s\".", item->string);
		int r = value_check(&inner, &members[i], item, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < count; i++)
		if (members[i].required &&
			!cJSON_GetObjectItemCaseSensitive(value, members[i].name))
			return form_fail(scope, err, "the required field \"%s\" is missing.",
				members[i].name);
	return 0;
}

static int check_items(
	const struct scope *scope, const struct field *field, const cJSON *value, struct error *err)
{
	long count = cJSON_GetArraySize(value);

	if (field->max_items >= 0 && count > field->max_items)
		return form_fail(scope, err, "%ld elements are more than \"max_items\", %ld.",
			count, field->max_items);
	if (field->min_items >= 0 && count < field->min_items)
		return form_fail(scope, err, "%ld elements are fewer than \"min_items\", %ld.",
			count, field->min_items);
	for (const cJSON *item = value->child; item; item = item->next) {
		int r = value_check(scope, field->item, item, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int value_check(
	const struct scope *scope, const struct field *field, const cJSON *value, struct error *err)
{
	if (!takes_type(field, value))
		return form_fail(
			scope, err, "the value must be of type %s.", field_type_name(field->type));
	if (is_among(value, field->also))
		return 0;
	if (field->values && !is_among(value, field->values)) {
		char *text = cJSON_PrintUnformatted(value);
		int r = form_fail(scope, err, "%s is not one of \"values\".", text ? text : "?");
		cJSON_free(text);
		return r;
	}
	if (cJSON_IsNumber(value))
		return check_range(scope, field, value->valuedouble, err);
	if (cJSON_IsString(value))
		return check_text(scope, field, value->valuestring, err);
	if (cJSON_IsArray(value))
		return check_items(scope, field, value, err);
	if (cJSON_IsObject(value))
		/* Without members described, any will do. */
		return field->member_count == 0 ? 0
						: check_members(scope, field->members,
							  field->member_count, value, err);
	return 0;
}

static int whole_sets(const cJSON *sets, const cJSON *input)
{
	int whole = 0;

	for (const cJSON *set = sets->child; set; set = set->next) {
		const cJSON *name = set->child;

		while (name && cJSON_GetObjectItemCaseSensitive(input, name->valuestring))
			name = name->next;
		whole += !name;
	}
	return whole;
}

bool sets_met(const struct model *model, const cJSON *input)
{
	return (!model->any_of || whole_sets(model->any_of, input) > 0) &&
	       (!model->one_of || whole_sets(model->one_of, input) == 1);
}

int input_check(
	const struct scope *scope, const struct model *model, const cJSON *input, struct error *err)
{
	int r = check_members(scope, model->fields, model->field_count, input, err);

	if (r < 0)
		return r;
	if (!sets_met(model, input))
		return form_fail(scope, err, "\"any_of\" or \"one_of\" is not met.");
	return 0;
}
