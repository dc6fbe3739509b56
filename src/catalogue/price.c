#include "kiefs/price.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/condition.h"
#include "kiefs/jsonpath.h"
#include "kiefs/utf8.h"

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool row_applies(const struct level *level, const cJSON *row)
{
	return condition_test(member(row, "when"), level) == VERDICT_YES;
}

static int add_length(const cJSON *item, void *user)
{
	double *sum = user;

	if (cJSON_IsString(item))
		*sum += (double)utf8_length(item->valuestring, strlen(item->valuestring));
	return 0;
}

static int count_characters(
	const cJSON *price, const cJSON *paths, const cJSON *input, double *count)
{
	double sum = 0;

	for (const cJSON *i = paths->child; i; i = i->next) {
		int r = json_path_each(input, i->valuestring, add_length, &sum);
		if (r < 0)
			return r;
	}
	*count = sum / member(price, "per")->valuedouble;
	return 0;
}

/* How many units this request buys by this row. */
static int count_units(
	const struct model *model, const cJSON *row, const struct level *level, double *count)
{
	const cJSON *characters = member(model->price, "characters");
	const cJSON *rule = member(row, "count");
	char *end;

	if (!rule && characters)
		return count_characters(model->price, characters, level->object, count);
	if (!rule)
		rule = member(model->price, "count");
	if (!rule)
		*count = 1;
	else if (cJSON_IsNumber(rule))
		*count = rule->valuedouble;
	if (!rule || cJSON_IsNumber(rule))
		return 0;
	if (!cJSON_IsString(rule))
		return -ENODATA;
	const cJSON *value = level_value(level, rule->valuestring);
	double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
	if (cJSON_IsString(value)) {
		number = strtod(value->valuestring, &end);
		if (*end != '\0')
			return -ENODATA;
	}
	/* 0 and -1 leave the length to the service. */
	if (!(number > 0))
		return -ENODATA;
	*count = number;
	return 0;
}

static double extra_credits(const cJSON *extra, const cJSON *input)
{
	if (!extra)
		return 0;
	const cJSON *free_items = member(extra, "free");
	const cJSON *value = member(input, member(extra, "field")->valuestring);
	double items = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : value ? 1 : 0;

	items -= free_items ? free_items->valuedouble : 0;
	return items > 0 ? items * member(extra, "credits")->valuedouble : 0;
}

int price_of(const struct model *model, const cJSON *input, double *credits)
{
	struct level level = {model->fields, model->field_count, input, NULL};
	const cJSON *row;
	double count = 0;

	if (!model->price)
		return -ENODATA;
	cJSON_ArrayForEach(row, member(model->price, "table"))
	{
		if (!row_applies(&level, row))
			continue;
		int r = count_units(model, row, &level, &count);
		if (r == -ENODATA)
			continue;
		if (r < 0)
			return r;
		*credits = member(row, "credits")->valuedouble * count +
			   extra_credits(member(model->price, "extra"), input);
		return 0;
	}
	return -ENODATA;
}
