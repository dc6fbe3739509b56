#include "validate.h"

#include "kiefs/catalogue.h"
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
	if (field->values && !is_listed(field->values, item))
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

static bool set_is_given(const cJSON *names, const cJSON *input)
{
	const cJSON *name;

	cJSON_ArrayForEach(name, names)
	{
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(input, name->valuestring);

		if (!item || cJSON_IsNull(item))
			return false;
	}
	return true;
}

static int check_sets(const struct model *model, const cJSON *input, char *message)
{
	const cJSON *set;
	int any = 0;
	int one = 0;

	cJSON_ArrayForEach(set, model->any_of) any += set_is_given(set, input);
	cJSON_ArrayForEach(set, model->one_of) one += set_is_given(set, input);
	if ((!model->any_of || any > 0) && (!model->one_of || one == 1))
		return 0;
	set = cJSON_GetArrayItem(one != 1 && model->one_of ? model->one_of : model->any_of, 0);
	const cJSON *name = cJSON_GetArrayItem(set, 0);
	snprintf(message, VALIDATE_MESSAGE_SIZE,
		one > 1 ? "%s excludes other fields" : "%s is required",
		cJSON_IsString(name) ? name->valuestring : "This field");
	return 422;
}

int validate_input(
	const struct model *model, const cJSON *input, char message[VALIDATE_MESSAGE_SIZE])
{
	int code = check_members(model->fields, model->field_count, input, message);

	return code ? code : check_sets(model, input, message);
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
