/* See demand.h. */
#include "demand.h"

#include "services.h"
#include "template.h"

#include "kiefs/utf8.h"

#include <stdio.h>
#include <string.h>

#define CODE_VALUE 422

static int refuse(char *message, const char *what, const char *name)
{
	snprintf(message, DEMAND_MESSAGE_SIZE, "%s %s", name, what);
	return CODE_VALUE;
}

static int is_demanded(const cJSON *required, const cJSON *input)
{
	struct scope scope = {.input = input};

	if (cJSON_IsObject(required))
		return template_holds(required, &scope);
	return cJSON_IsTrue(required);
}

static bool has_type(const cJSON *type, const cJSON *item)
{
	static const struct {
		const char *word;
		int types;
	} types[] = {{"string", cJSON_String}, {"number", cJSON_Number},
		{"boolean", cJSON_True | cJSON_False}, {"array", cJSON_Array}};

	for (size_t i = 0; cJSON_IsString(type) && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].word, type->valuestring) == 0)
			return (item->type & types[i].types) != 0;
	}
	return true;
}

static bool is_listed(const cJSON *values, const cJSON *item)
{
	const cJSON *value;

	cJSON_ArrayForEach(value, values)
	{
		if (cJSON_Compare(value, item, true))
			return true;
	}
	return !values;
}

static bool is_in_range(const cJSON *demand, double number)
{
	const cJSON *range = cJSON_GetObjectItemCaseSensitive(demand, "range");
	const cJSON *above = cJSON_GetObjectItemCaseSensitive(demand, "above");

	if (above && number <= above->valuedouble)
		return false;
	return !range || (number >= cJSON_GetArrayItem(range, 0)->valuedouble &&
				 number <= cJSON_GetArrayItem(range, 1)->valuedouble);
}

static int check_size(const struct operation *operation, const char *name, const cJSON *demand,
	const cJSON *item, char *message)
{
	const cJSON *max = cJSON_GetObjectItemCaseSensitive(demand, "max");
	const cJSON *min = cJSON_GetObjectItemCaseSensitive(demand, "min");
	double size = cJSON_IsString(item)
			      ? (double)utf8_length(item->valuestring, strlen(item->valuestring))
			      : cJSON_GetArraySize(item);

	if (min && size < min->valuedouble)
		return refuse(message, "has too few items", name);
	if (!max || size <= max->valuedouble)
		return 0;
	if (cJSON_IsArray(item))
		return refuse(message, "has too many items", name);
	refuse(message, "exceeds the maximum length", name);
	return operation->too_long;
}

static int check_value(const struct operation *operation, const char *name, const cJSON *demand,
	const cJSON *item, char *message)
{
	if (!has_type(cJSON_GetObjectItemCaseSensitive(demand, "type"), item))
		return refuse(message, "has an invalid type", name);
	if (!is_listed(cJSON_GetObjectItemCaseSensitive(demand, "values"), item) ||
		(cJSON_IsNumber(item) && !is_in_range(demand, item->valuedouble)))
		return refuse(message, "is not within the range of allowed options", name);
	if (cJSON_IsString(item) || cJSON_IsArray(item))
		return check_size(operation, name, demand, item, message);
	return 0;
}

static bool is_given(const cJSON *item)
{
	return item && !cJSON_IsNull(item) && !(cJSON_IsString(item) && !item->valuestring[0]);
}

static int check_one(const struct operation *operation, const char *name, const cJSON *demand,
	const cJSON *input, char *message)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(input, name);
	const cJSON *when = cJSON_GetObjectItemCaseSensitive(demand, "when");
	int r = when ? is_demanded(when, input) : 1;

	if (r <= 0)
		return r;
	if (is_given(item))
		return check_value(operation, name, demand, item, message);
	r = is_demanded(cJSON_GetObjectItemCaseSensitive(demand, "required"), input);
	if (r <= 0)
		return r;
	snprintf(message, DEMAND_MESSAGE_SIZE, "Please enter %s.", name);
	return CODE_VALUE;
}

static int check_sets(const cJSON *sets, const cJSON *input, char *message)
{
	const cJSON *set;
	int given = 0;

	cJSON_ArrayForEach(set, sets)
	{
		const cJSON *name;
		bool whole = true;

		cJSON_ArrayForEach(name, set) whole =
			whole &&
			is_given(cJSON_GetObjectItemCaseSensitive(input, name->valuestring));
		given += whole;
	}
	if (!sets || given == 1)
		return 0;
	const char *first = cJSON_GetArrayItem(cJSON_GetArrayItem(sets, 0), 0)->valuestring;
	if (given > 1)
		return refuse(message, "excludes other fields", first);
	snprintf(message, DEMAND_MESSAGE_SIZE, "Please enter %s.", first);
	return CODE_VALUE;
}

int demand_check(
	const struct operation *operation, const cJSON *input, char message[DEMAND_MESSAGE_SIZE])
{
	const cJSON *fields = cJSON_GetObjectItemCaseSensitive(operation->json, "fields");
	const cJSON *demands;

	cJSON_ArrayForEach(demands, fields)
	{
		const cJSON *demand = cJSON_IsArray(demands) ? demands->child : demands;
		int r = 0;

		for (; demand && r == 0; demand = cJSON_IsArray(demands) ? demand->next : NULL)
			r = check_one(operation, demands->string, demand, input, message);
		if (r)
			return r;
	}
	return check_sets(
		cJSON_GetObjectItemCaseSensitive(operation->json, "one_of"), input, message);
}
