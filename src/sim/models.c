#include "models.h"

#include "sim.h"

#include "kiefs/catalogue.h"
#include "kiefs/price.h"

#include <errno.h>
#include <string.h>

int models_list(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < catalogue_count(sim->catalogue); i++) {
		const struct model *model = catalogue_at(sim->catalogue, i);
		cJSON *item = cJSON_CreateObject();

		if (!cJSON_AddItemToArray(list, item))
			break;
		cJSON_AddStringToObject(item, "model", model->id);
		cJSON_AddStringToObject(item, "title", model->title);
		cJSON_AddStringToObject(item, "provider", model->provider);
		cJSON_AddStringToObject(item, "category", model->category);
	}
	return reply_envelope(reply, 200, "success", list);
}

static cJSON *describe_price(const struct model *model)
{
	cJSON *data = cJSON_CreateObject();
	double credits;

	cJSON_AddStringToObject(data, "model", model->id);
	if (price_of(model, model->example, &credits) == 0)
		cJSON_AddNumberToObject(data, "credits", credits);
	else
		cJSON_AddNullToObject(data, "credits");
	if (model->price)
		cJSON_AddItemToObject(data, "price", cJSON_Duplicate(model->price, true));
	return data;
}

static cJSON *describe_field(const struct field *field)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "type", field_type_name(field->type));
	if (field->values)
		cJSON_AddItemToObject(item, "enum", cJSON_Duplicate(field->values, true));
	if (field->initial)
		cJSON_AddItemToObject(item, "default", cJSON_Duplicate(field->initial, true));
	if (field->has_min)
		cJSON_AddNumberToObject(item, "minimum", field->min);
	if (field->has_max)
		cJSON_AddNumberToObject(item, "maximum", field->max);
	if (field->max_length >= 0)
		cJSON_AddNumberToObject(item, "maxLength", (double)field->max_length);
	if (field->max_items >= 0)
		cJSON_AddNumberToObject(item, "maxItems", (double)field->max_items);
	if (field->item)
		cJSON_AddItemToObject(item, "items", describe_field(field->item));
	return item;
}

static cJSON *describe_schema(const struct model *model)
{
	cJSON *data = cJSON_CreateObject();
	cJSON *input = cJSON_AddObjectToObject(data, "input");
	cJSON_AddStringToObject(input, "type", "object");
	cJSON *properties = cJSON_AddObjectToObject(input, "properties");
	cJSON *required = cJSON_AddArrayToObject(input, "required");

	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		cJSON_AddItemToObject(properties, field->name, describe_field(field));
		if (field->required)
			cJSON_AddItemToArray(required, cJSON_CreateString(field->name));
	}
	cJSON_AddStringToObject(data, "model", model->id);
	cJSON_AddItemToObject(data, "example", cJSON_Duplicate(model->example, true));
	return data;
}

int models_show(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	static const struct {
		const char *word;
		cJSON *(*describe)(const struct model *model);
	} parts[] = {{"/price", describe_price}, {"/schema", describe_schema}};
	const char *id = request->path + strlen(route->path);
	size_t len = strlen(id);
	char name[128];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t tail = strlen(parts[i].word);

		if (len <= tail || len - tail >= sizeof(name) ||
			strcmp(id + len - tail, parts[i].word) != 0)
			continue;
		memcpy(name, id, len - tail);
		name[len - tail] = '\0';
		const struct model *model = catalogue_find(sim->catalogue, name);
		if (model)
			return reply_envelope(reply, 200, "success", parts[i].describe(model));
	}
	return reply_envelope(reply, 404,
		"The model name you specified is not supported. Please verify your input and use "
		"one of the supported models provided by KIE.",
		NULL);
}
