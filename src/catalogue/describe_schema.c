#include <errno.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/describe.h"
#include "words.h"

/* Takes ownership of `item`; a failure anywhere is remembered in `*ok`. */
static cJSON *put(cJSON *object, const char *key, cJSON *item, bool *ok)
{
	if (!item || !object || !cJSON_AddItemToObject(object, key, item)) {
		cJSON_Delete(item);
		*ok = false;
		return NULL;
	}
	return item;
}

static cJSON *push(cJSON *array, cJSON *item, bool *ok)
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
		put(schema, "type", cJSON_CreateString(field_type_name(field->type)), ok);
		return;
	}
	cJSON *types = put(schema, "type", cJSON_CreateArray(), ok);
	for (int type = FIELD_STRING; type <= FIELD_OBJECT; type++)
		if (type == (int)field->type || (field->also_types & (1u << type)))
			push(types, cJSON_CreateString(field_type_name((enum field_type)type)), ok);
}

/* "6" beside 6 where a string is taken as well. */
static void push_spelled(cJSON *list, const cJSON *value, bool *ok)
{
	char *text = cJSON_PrintUnformatted(value);

	push(list, text ? cJSON_CreateString(text) : NULL, ok);
	cJSON_free(text);
}

static void put_values(cJSON *schema, const struct field *field, bool *ok)
{
	bool spelled = field->also_types & (1u << FIELD_STRING);
	cJSON *list = put(schema, "enum", cJSON_CreateArray(), ok);

	for (const cJSON *i = field->values->child; i; i = i->next) {
		push(list, copy(i), ok);
		if (spelled && cJSON_IsNumber(i))
			push_spelled(list, i, ok);
	}
	for (const cJSON *i = field->also ? field->also->child : NULL; i; i = i->next)
		push(list, copy(i), ok);
}

static void put_range(cJSON *schema, const struct field *field, bool *ok)
{
	if (field->numeric_string) {
		put(schema, "pattern", cJSON_CreateString("^-?[0-9]+([.][0-9]+)?$"), ok);
		return;
	}
	if (field->has_min)
		put(schema, "minimum", cJSON_CreateNumber(field->min), ok);
	if (field->has_max)
		put(schema, "maximum", cJSON_CreateNumber(field->max), ok);
}

/* A range with single values beside it needs both said. */
static void put_limits(cJSON *schema, const struct field *field, bool *ok)
{
	if (field->values) {
		put_values(schema, field, ok);
	} else if (field->also) {
		cJSON *either = put(schema, "anyOf", cJSON_CreateArray(), ok);
		put_range(push(either, cJSON_CreateObject(), ok), field, ok);
		put(push(either, cJSON_CreateObject(), ok), "enum", copy(field->also), ok);
	} else {
		put_range(schema, field, ok);
	}
	if (field->min_length >= 0)
		put(schema, "minLength", cJSON_CreateNumber((double)field->min_length), ok);
	if (field->max_length >= 0)
		put(schema, "maxLength", cJSON_CreateNumber((double)field->max_length), ok);
	if (field->min_items >= 0)
		put(schema, "minItems", cJSON_CreateNumber((double)field->min_items), ok);
	if (field->max_items >= 0)
		put(schema, "maxItems", cJSON_CreateNumber((double)field->max_items), ok);
	if (field->pattern)
		put(schema, "pattern", cJSON_CreateString(field->pattern), ok);
	if (field->media != MEDIA_NONE)
		put(schema, "format", cJSON_CreateString("uri"), ok);
}

static void put_members(cJSON *schema, const struct field *fields, size_t count, bool *ok);

static void put_field(cJSON *schema, const struct field *field, bool *ok)
{
	put_type(schema, field, ok);
	if (field->note)
		put(schema, "description", cJSON_CreateString(field->note), ok);
	if (field->deprecated)
		put(schema, "deprecated", cJSON_CreateBool(true), ok);
	if (field->initial)
		put(schema, "default", copy(field->initial), ok);
	put_limits(schema, field, ok);
	if (field->item)
		put_field(put(schema, "items", cJSON_CreateObject(), ok), field->item, ok);
	if (field->members)
		put_members(schema, field->members, field->member_count, ok);
}

/* A field that is not given counts with its default: with no fitting default it must be given. */
static bool must_be_given(const struct field *other, const cJSON *allowed)
{
	if (!other || !other->initial)
		return false;
	for (const cJSON *i = allowed->child; i; i = i->next)
		if (cJSON_Compare(i, other->initial, true))
			return false;
	return true;
}

static void put_only_with(
	cJSON *all, const struct field *fields, size_t count, const struct field *field, bool *ok)
{
	cJSON *rule = push(all, cJSON_CreateObject(), ok);
	cJSON *when = put(rule, "if", cJSON_CreateObject(), ok);
	cJSON *then = put(rule, "then", cJSON_CreateObject(), ok);
	cJSON *properties = put(then, "properties", cJSON_CreateObject(), ok);
	cJSON *required = put(then, "required", cJSON_CreateArray(), ok);

	push(put(when, "required", cJSON_CreateArray(), ok), cJSON_CreateString(field->name), ok);
	for (const cJSON *i = field->only_with->child; i; i = i->next) {
		cJSON *schema = put(properties, i->string, cJSON_CreateObject(), ok);
		put(schema, "enum", copy(i), ok);
		for (size_t j = 0; j < count; j++)
			if (strcmp(fields[j].name, i->string) == 0 && must_be_given(&fields[j], i))
				push(required, cJSON_CreateString(i->string), ok);
	}
}

static void put_members(cJSON *schema, const struct field *fields, size_t count, bool *ok)
{
	cJSON *properties = put(schema, "properties", cJSON_CreateObject(), ok);
	cJSON *required = NULL, *all = NULL;

	for (size_t i = 0; i < count; i++) {
		put_field(
			put(properties, fields[i].name, cJSON_CreateObject(), ok), &fields[i], ok);
		if (!fields[i].required)
			continue;
		if (!required)
			required = put(schema, "required", cJSON_CreateArray(), ok);
		push(required, cJSON_CreateString(fields[i].name), ok);
	}
	for (size_t i = 0; i < count; i++) {
		if (!fields[i].only_with)
			continue;
		if (!all)
			all = put(schema, "allOf", cJSON_CreateArray(), ok);
		put_only_with(all, fields, count, &fields[i], ok);
	}
}

static void put_sets(cJSON *schema, const char *key, const cJSON *sets, bool *ok)
{
	if (!sets)
		return;
	cJSON *list = put(schema, key, cJSON_CreateArray(), ok);
	for (const cJSON *set = sets->child; set; set = set->next)
		put(push(list, cJSON_CreateObject(), ok), "required", copy(set), ok);
}

int describe_schema(const struct model *model, struct buf *out)
{
	bool ok = true;

	cJSON *schema = cJSON_CreateObject();
	if (!schema)
		return -ENOMEM;
	put(schema, "$schema", cJSON_CreateString("https://json-schema.org/draft/2020-12/schema"),
		&ok);
	put(schema, "title", cJSON_CreateString(model->title), &ok);
	put(schema, "type", cJSON_CreateString("object"), &ok);
	put_members(schema, model->fields, model->field_count, &ok);
	put_sets(schema, "anyOf", model->any_of, &ok);
	put_sets(schema, "oneOf", model->one_of, &ok);
	int r = ok ? words_json(schema, out) : -ENOMEM;
	cJSON_Delete(schema);
	return r;
}
