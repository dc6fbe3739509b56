#include "openapi.h"

#include <stdlib.h>
#include <string.h>

#include "guess.h"

/* References may lead round in a circle. */
#define DEPTH_MAX 16
#define NOTE_MAX 240

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(member(object, name));

	return text ? text : "";
}

/* "#/components/schemas/Input" */
static const cJSON *target_of(const cJSON *document, const char *pointer)
{
	char name[128];

	if (strncmp(pointer, "#/", 2) != 0)
		return NULL;
	for (pointer += 2; document;) {
		size_t len = strcspn(pointer, "/");
		size_t n = 0;
		if (len >= sizeof(name))
			return NULL;
		for (size_t i = 0; i < len; i++) {
			bool escaped = pointer[i] == '~' && i + 1 < len;
			name[n++] = !escaped ? pointer[i] : pointer[++i] == '1' ? '/' : '~';
		}
		name[n] = '\0';
		document = member(document, name);
		if (pointer[len] == '\0')
			break;
		pointer += len + 1;
	}
	return document;
}

static void put(cJSON *object, const char *name, const cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	cJSON_AddItemToObject(object, name, cJSON_Duplicate(value, true));
}

static cJSON *list_in(cJSON *object, const char *name, bool array)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!list)
		list = array ? cJSON_AddArrayToObject(object, name)
			     : cJSON_AddObjectToObject(object, name);
	return list;
}

static void overlay(const cJSON *document, cJSON *out, const cJSON *schema, int depth);

/* Any of several schemas: what all of them take together. */
static void overlay_any(const cJSON *document, cJSON *out, const cJSON *choices, int depth)
{
	bool all_listed = true;
	cJSON *values = cJSON_CreateArray();

	for (const cJSON *i = choices ? choices->child : NULL; i; i = i->next) {
		cJSON *one = cJSON_CreateObject();
		overlay(document, one, i, depth + 1);
		const char *type = text_of(one, "type");
		const cJSON *listed = member(one, "enum");
		const cJSON *only = member(one, "const");
		if (only)
			cJSON_AddItemToArray(values, cJSON_Duplicate(only, true));
		for (const cJSON *j = listed ? listed->child : NULL; j; j = j->next)
			cJSON_AddItemToArray(values, cJSON_Duplicate(j, true));
		if (strcmp(type, "null") != 0) {
			all_listed = all_listed && (only || listed);
			if (*type)
				cJSON_AddItemToArray(
					list_in(out, "types", true), cJSON_CreateString(type));
			for (const cJSON *j = one->child; j; j = j->next)
				if (strcmp(j->string, "enum") != 0 && !member(out, j->string))
					put(out, j->string, j);
		}
		cJSON_Delete(one);
	}
	if (all_listed && values->child)
		put(out, "enum", values);
	cJSON_Delete(values);
}

static void overlay(const cJSON *document, cJSON *out, const cJSON *schema, int depth)
{
	if (depth > DEPTH_MAX || !cJSON_IsObject(schema))
		return;
	overlay(document, out, target_of(document, text_of(schema, "$ref")), depth + 1);
	const cJSON *all = member(schema, "allOf");
	for (const cJSON *i = all ? all->child : NULL; i; i = i->next)
		overlay(document, out, i, depth + 1);
	for (const cJSON *i = schema->child; i; i = i->next) {
		if (strcmp(i->string, "properties") == 0 && cJSON_IsObject(i)) {
			cJSON *properties = list_in(out, "properties", false);
			for (const cJSON *j = i->child; j; j = j->next)
				put(properties, j->string, j);
		} else if (strcmp(i->string, "required") == 0 && cJSON_IsArray(i)) {
			for (const cJSON *j = i->child; j; j = j->next)
				cJSON_AddItemToArray(
					list_in(out, "required", true), cJSON_Duplicate(j, true));
		} else if (strcmp(i->string, "$ref") != 0 && strcmp(i->string, "allOf") != 0) {
			put(out, i->string, i);
		}
	}
	overlay_any(document, out, member(schema, "oneOf"), depth);
	overlay_any(document, out, member(schema, "anyOf"), depth);
}

static cJSON *flatten(const cJSON *document, const cJSON *schema)
{
	cJSON *out = cJSON_CreateObject();

	overlay(document, out, schema, 0);
	return out;
}

/* ---- one field ---- */

static const char *const types[] = {"string", "integer", "number", "boolean", "array", "object"};

static const char *known_type(const char *word)
{
	for (size_t i = 0; word && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], word) == 0)
			return types[i];
	return NULL;
}

static bool is_of(const cJSON *value, const char *type)
{
	if (strcmp(type, "string") == 0)
		return cJSON_IsString(value);
	if (strcmp(type, "integer") == 0)
		return cJSON_IsNumber(value) &&
		       value->valuedouble == (double)(long)value->valuedouble;
	if (strcmp(type, "number") == 0)
		return cJSON_IsNumber(value);
	if (strcmp(type, "boolean") == 0)
		return cJSON_IsBool(value);
	return false;
}

/* The first known one of "type" (a text or a list), then of what a choice gave. */
static const char *type_of(const cJSON *schema)
{
	const cJSON *said = member(schema, "type");
	const cJSON *values = member(schema, "enum");
	const char *type = known_type(cJSON_GetStringValue(said));

	for (const cJSON *i = cJSON_IsArray(said) ? said->child : NULL; i && !type; i = i->next)
		type = known_type(cJSON_GetStringValue(i));
	if (type)
		return type;
	if (member(schema, "properties"))
		return "object";
	if (member(schema, "items"))
		return "array";
	for (size_t i = 0; i < 4 && cJSON_IsArray(values); i++)
		if (is_of(values->child, types[i]))
			return types[i];
	return "string";
}

static void add_also(cJSON *field, const cJSON *schema, const char *type)
{
	const cJSON *lists[] = {member(schema, "type"), member(schema, "types")};
	cJSON *also = cJSON_CreateArray();

	for (size_t i = 0; i < 2; i++) {
		for (const cJSON *j = cJSON_IsArray(lists[i]) ? lists[i]->child : NULL; j;
			j = j->next) {
			const char *other = known_type(cJSON_GetStringValue(j));
			if (other && strcmp(other, type) != 0)
				cJSON_AddItemToArray(also, cJSON_CreateString(other));
		}
	}
	if (also->child)
		cJSON_AddItemToObject(field, "also_types", also);
	else
		cJSON_Delete(also);
}

/* Only values of the field's own type: others could not be told apart from mistakes. */
static bool add_values(cJSON *field, const cJSON *schema, const char *type)
{
	const cJSON *listed = member(schema, "enum");
	const cJSON *only = member(schema, "const");
	cJSON *values = cJSON_CreateArray();

	for (const cJSON *i = cJSON_IsArray(listed) ? listed->child : NULL; i; i = i->next)
		if (is_of(i, type))
			cJSON_AddItemToArray(values, cJSON_Duplicate(i, true));
	if (only && is_of(only, type))
		cJSON_AddItemToArray(values, cJSON_Duplicate(only, true));
	if (!values->child) {
		cJSON_Delete(values);
		return false;
	}
	cJSON_AddItemToObject(field, "values", values);
	return true;
}

static bool is_listed(const cJSON *values, const cJSON *value)
{
	for (const cJSON *i = values ? values->child : NULL; i; i = i->next)
		if (cJSON_Compare(i, value, true))
			return true;
	return !values;
}

static void add_default(cJSON *field, const cJSON *schema, const char *type)
{
	const cJSON *value = member(schema, "default");

	if (value && is_of(value, type) && is_listed(member(field, "values"), value))
		put(field, "default", value);
}

static void add_number(cJSON *field, const char *name, const cJSON *value, bool count)
{
	if (cJSON_IsNumber(value) && (!count || value->valuedouble >= 0))
		cJSON_AddNumberToObject(field, name, value->valuedouble);
}

static cJSON *make_field(
	const cJSON *document, const char *name, const cJSON *raw, bool required, int depth);

static cJSON *make_fields(const cJSON *document, const cJSON *schema, int depth)
{
	const cJSON *properties = member(schema, "properties");
	const cJSON *needed = member(schema, "required");
	cJSON *fields = cJSON_CreateObject();

	for (const cJSON *i = properties ? properties->child : NULL; i; i = i->next) {
		/* Some names are documented with a blank at their end. */
		char *name = guess_plain(i->string, 100);
		cJSON word = {.type = cJSON_String, .valuestring = i->string};
		bool required = needed && is_listed(needed, &word);
		if (name && *name && !member(fields, name))
			cJSON_AddItemToObject(
				fields, name, make_field(document, name, i, required, depth + 1));
		free(name);
	}
	return fields;
}

static void add_media(cJSON *field, const char *name, const cJSON *schema)
{
	const char *media = guess_media(name);
	const char *format = text_of(schema, "format");

	if (!media && (strcmp(format, "uri") == 0 || strcmp(format, "url") == 0))
		media = "file";
	if (media && !member(field, "values"))
		cJSON_AddStringToObject(field, "media", media);
}

static void add_limits(cJSON *field, const char *name, const cJSON *schema, const char *type)
{
	bool listed = add_values(field, schema, type);

	add_default(field, schema, type);
	if (!listed && (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)) {
		add_number(field, "min", member(schema, "minimum"), false);
		add_number(field, "max", member(schema, "maximum"), false);
		add_number(field, "step", member(schema, "multipleOf"), true);
	} else if (strcmp(type, "string") == 0) {
		add_number(field, "min_length", member(schema, "minLength"), true);
		add_number(field, "max_length", member(schema, "maxLength"), true);
		add_media(field, name, schema);
	} else if (strcmp(type, "array") == 0) {
		add_number(field, "min_items", member(schema, "minItems"), true);
		add_number(field, "max_items", member(schema, "maxItems"), true);
	}
}

static cJSON *make_field(
	const cJSON *document, const char *name, const cJSON *raw, bool required, int depth)
{
	cJSON *schema = flatten(document, raw);
	cJSON *field = cJSON_CreateObject();
	const char *type = depth > DEPTH_MAX ? "string" : type_of(schema);

	cJSON_AddStringToObject(field, "type", type);
	add_also(field, schema, type);
	if (required)
		cJSON_AddTrueToObject(field, "required");
	add_limits(field, name, schema, type);
	if (strcmp(type, "array") == 0)
		cJSON_AddItemToObject(field, "items",
			make_field(document, name, member(schema, "items"), false, depth + 1));
	if (strcmp(type, "object") == 0)
		cJSON_AddItemToObject(field, "members", make_fields(document, schema, depth));
	if (cJSON_IsTrue(member(schema, "deprecated")))
		cJSON_AddTrueToObject(field, "deprecated");
	char *note = guess_plain(text_of(schema, "description"), NOTE_MAX);
	if (note && *note)
		cJSON_AddStringToObject(field, "note", note);
	free(note);
	cJSON_Delete(schema);
	return field;
}

/* ---- the document ---- */

cJSON *openapi_fields(const cJSON *document, const cJSON *schema)
{
	cJSON *flat = flatten(document, schema);
	cJSON *fields = member(flat, "properties") ? make_fields(document, flat, 0) : NULL;

	cJSON_Delete(flat);
	return fields;
}

cJSON *openapi_property(const cJSON *document, const cJSON *schema, const char *name)
{
	const cJSON *property = member(member(schema, "properties"), name);

	return property ? flatten(document, property) : NULL;
}

cJSON *openapi_body(const cJSON *document)
{
	const cJSON *paths = member(document, "paths");

	for (const cJSON *path = paths ? paths->child : NULL; path; path = path->next) {
		for (const cJSON *call = path->child; call; call = call->next) {
			const cJSON *body = member(call, "requestBody");
			const cJSON *target = target_of(document, text_of(body, "$ref"));
			const cJSON *content = member(target ? target : body, "content");
			const cJSON *json = member(content, "application/json");
			if (!json && content)
				json = content->child;
			if (member(json, "schema"))
				return flatten(document, member(json, "schema"));
		}
	}
	/* A schema alone. */
	return member(document, "properties") ? flatten(document, document) : NULL;
}
