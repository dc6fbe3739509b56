#include <errno.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/describe.h"
#include "schema.h"
#include "words.h"

cJSON *schema_put(cJSON *object, const char *key, cJSON *item, bool *ok)
{
	if (!item || !object || !cJSON_AddItemToObject(object, key, item)) {
		cJSON_Delete(item);
		*ok = false;
		return NULL;
	}
	return item;
}

cJSON *schema_push(cJSON *array, cJSON *item, bool *ok)
{
	if (!item || !array || !cJSON_AddItemToArray(array, item)) {
		cJSON_Delete(item);
		*ok = false;
		return NULL;
	}
	return item;
}

static cJSON *copy(const cJSON *value)
{
	return cJSON_Duplicate(value, true);
}

static void put_type(cJSON *schema, const struct field *field, bool *ok)
{
	if (!field->also_types) {
		schema_put(schema, "type", cJSON_CreateString(field_type_name(field->type)), ok);
		return;
	}
	cJSON *types = schema_put(schema, "type", cJSON_CreateArray(), ok);
	for (int type = FIELD_STRING; type <= FIELD_OBJECT; type++)
		if (type == (int)field->type || (field->also_types & (1u << type)))
			schema_push(types,
				cJSON_CreateString(field_type_name((enum field_type)type)), ok);
}

/* "6" beside 6 where a string is taken as well. */
static void push_spelled(cJSON *list, const cJSON *value, bool *ok)
{
	char *text = cJSON_PrintUnformatted(value);

	schema_push(list, text ? cJSON_CreateString(text) : NULL, ok);
	cJSON_free(text);
}

static void put_values(cJSON *schema, const struct field *field, bool *ok)
{
	bool spelled = field->also_types & (1u << FIELD_STRING);
	cJSON *list = schema_put(schema, "enum", cJSON_CreateArray(), ok);

	for (const cJSON *i = field->values->child; i; i = i->next) {
		schema_push(list, copy(i), ok);
		if (spelled && cJSON_IsNumber(i))
			push_spelled(list, i, ok);
	}
	for (const cJSON *i = field->also ? field->also->child : NULL; i; i = i->next)
		schema_push(list, copy(i), ok);
}

static void put_range(cJSON *schema, const struct field *field, bool *ok)
{
	if (field->numeric_string) {
		schema_put(schema, "pattern", cJSON_CreateString("^-?[0-9]+([.][0-9]+)?$"), ok);
		return;
	}
	if (field->has_min)
		schema_put(schema, "minimum", cJSON_CreateNumber(field->min), ok);
	if (field->has_max)
		schema_put(schema, "maximum", cJSON_CreateNumber(field->max), ok);
}

/* A range with single values beside it needs both said. */
void schema_limits(cJSON *schema, const struct field *field, bool *ok)
{
	if (field->values) {
		put_values(schema, field, ok);
	} else if (field->also) {
		cJSON *either = schema_put(schema, "anyOf", cJSON_CreateArray(), ok);
		put_range(schema_push(either, cJSON_CreateObject(), ok), field, ok);
		schema_put(schema_push(either, cJSON_CreateObject(), ok), "enum", copy(field->also),
			ok);
	} else {
		put_range(schema, field, ok);
	}
	if (field->min_length >= 0)
		schema_put(schema, "minLength", cJSON_CreateNumber((double)field->min_length), ok);
	if (field->max_length >= 0)
		schema_put(schema, "maxLength", cJSON_CreateNumber((double)field->max_length), ok);
	if (field->min_items >= 0)
		schema_put(schema, "minItems", cJSON_CreateNumber((double)field->min_items), ok);
	if (field->max_items >= 0)
		schema_put(schema, "maxItems", cJSON_CreateNumber((double)field->max_items), ok);
	if (field->pattern)
		schema_put(schema, "pattern", cJSON_CreateString(field->pattern), ok);
	/* A file's name will do, and its path: a reference, not a whole address. */
	if (field->media != MEDIA_NONE)
		schema_put(schema, "format", cJSON_CreateString("uri-reference"), ok);
}

static void put_members(cJSON *schema, const struct field *fields, size_t count, bool *ok);

static void put_field(cJSON *schema, const struct field *field, bool *ok)
{
	put_type(schema, field, ok);
	if (field->note)
		schema_put(schema, "description", cJSON_CreateString(field->note), ok);
	if (field->deprecated)
		schema_put(schema, "deprecated", cJSON_CreateBool(true), ok);
	if (field->initial)
		schema_put(schema, "default", copy(field->initial), ok);
	schema_limits(schema, field, ok);
	if (field->item)
		put_field(schema_put(schema, "items", cJSON_CreateObject(), ok), field->item, ok);
	if (field->members)
		put_members(schema, field->members, field->member_count, ok);
}

static void put_members(cJSON *schema, const struct field *fields, size_t count, bool *ok)
{
	cJSON *properties = schema_put(schema, "properties", cJSON_CreateObject(), ok);
	cJSON *required = NULL;

	for (size_t i = 0; i < count; i++) {
		put_field(schema_put(properties, fields[i].name, cJSON_CreateObject(), ok),
			&fields[i], ok);
		if (!fields[i].required)
			continue;
		if (!required)
			required = schema_put(schema, "required", cJSON_CreateArray(), ok);
		schema_push(required, cJSON_CreateString(fields[i].name), ok);
	}
	schema_conditions(schema, fields, count, ok);
}

int describe_schema(const struct model *model, struct buf *out)
{
	bool ok = true;

	cJSON *schema = cJSON_CreateObject();
	if (!schema)
		return -ENOMEM;
	schema_put(schema, "$schema",
		cJSON_CreateString("https://json-schema.org/draft/2020-12/schema"), &ok);
	schema_put(schema, "title", cJSON_CreateString(model->title), &ok);
	schema_put(schema, "type", cJSON_CreateString("object"), &ok);
	put_members(schema, model->fields, model->field_count, &ok);
	schema_checks(schema, model, &ok);
	int r = ok ? words_json(schema, out) : -ENOMEM;
	cJSON_Delete(schema);
	return r;
}
