#include "models.h"

#include "sim.h"

#include "kiefs/catalogue.h"
#include "kiefs/price.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *price_words(const struct model *model, char *out, size_t size)
{
	double credits;

	if (price_of(model, model->example, &credits) != 0)
		return "";
	snprintf(out, size, "from %.6g credits", credits);
	return out;
}

int models_list(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	cJSON *data = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(data, "models");
	char price[64];

	for (size_t i = 0; i < catalogue_count(sim->catalogue); i++) {
		const struct model *model = catalogue_at(sim->catalogue, i);
		cJSON *item = cJSON_CreateObject();

		if (model->retired) {
			cJSON_Delete(item);
			continue;
		}
		if (!cJSON_AddItemToArray(list, item))
			break;
		cJSON_AddStringToObject(item, "model", model->id);
		cJSON_AddStringToObject(item, "title", model->title);
		cJSON_AddStringToObject(item, "provider", model->provider);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(item, "taskType"),
			cJSON_CreateString(model->category));
		cJSON_AddStringToObject(
			item, "pricingDesc", price_words(model, price, sizeof(price)));
	}
	cJSON_AddNumberToObject(data, "total", cJSON_GetArraySize(list));
	return reply_envelope(reply, 200, "success", data);
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

static void add_members(cJSON *schema, const struct field *fields, size_t count);

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
	if (field->note)
		cJSON_AddStringToObject(item, "description", field->note);
	if (field->media != MEDIA_NONE)
		cJSON_AddStringToObject(item, "format", "uri");
	if (field->min_items >= 0)
		cJSON_AddNumberToObject(item, "minItems", (double)field->min_items);
	if (field->members)
		add_members(item, field->members, field->member_count);
	if (field->min_length >= 0)
		cJSON_AddNumberToObject(item, "minLength", (double)field->min_length);
	if (field->max_length >= 0)
		cJSON_AddNumberToObject(item, "maxLength", (double)field->max_length);
	if (field->max_items >= 0)
		cJSON_AddNumberToObject(item, "maxItems", (double)field->max_items);
	if (field->item)
		cJSON_AddItemToObject(item, "items", describe_field(field->item));
	return item;
}

static void add_members(cJSON *schema, const struct field *fields, size_t count)
{
	cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
	cJSON *required = cJSON_AddArrayToObject(schema, "required");

	for (size_t i = 0; i < count; i++) {
		cJSON_AddItemToObject(properties, fields[i].name, describe_field(&fields[i]));
		if (fields[i].required)
			cJSON_AddItemToArray(required, cJSON_CreateString(fields[i].name));
	}
}

/* As the service has it: the body with a reference to the input's schema. */
static cJSON *describe_body(const struct model *model)
{
	cJSON *body = cJSON_CreateObject();
	cJSON *properties = cJSON_AddObjectToObject(body, "properties");
	cJSON *id = cJSON_AddObjectToObject(properties, "model");
	cJSON *input = cJSON_AddObjectToObject(properties, "input");
	cJSON *callback = cJSON_AddObjectToObject(properties, "callBackUrl");

	cJSON_AddStringToObject(body, "type", "object");
	cJSON_AddStringToObject(id, "type", "string");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(id, "enum"), cJSON_CreateString(model->id));
	cJSON_AddStringToObject(input, "$ref", "#/components/schemas/Input");
	cJSON_AddStringToObject(callback, "type", "string");
	cJSON_AddStringToObject(callback, "format", "uri");
	return body;
}

static cJSON *describe_schema(const struct model *model)
{
	cJSON *data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "model", model->id);
	if (model->open) {
		cJSON_AddNullToObject(data, "openapi");
		return data;
	}
	cJSON *openapi = cJSON_AddObjectToObject(data, "openapi");
	cJSON_AddStringToObject(openapi, "openapi", "3.0.1");
	cJSON *path = cJSON_AddObjectToObject(
		cJSON_AddObjectToObject(openapi, "paths"), model->service->submit_path);
	cJSON *content = cJSON_AddObjectToObject(
		cJSON_AddObjectToObject(cJSON_AddObjectToObject(path, "post"), "requestBody"),
		"content");
	cJSON_AddItemToObject(cJSON_AddObjectToObject(content, "application/json"), "schema",
		describe_body(model));
	cJSON *input = cJSON_AddObjectToObject(
		cJSON_AddObjectToObject(cJSON_AddObjectToObject(openapi, "components"), "schemas"),
		"Input");
	cJSON_AddStringToObject(input, "type", "object");
	add_members(input, model->fields, model->field_count);
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
