/* One parameter of a mapping file as a field. The example is believed more than the type. */
#include <stdlib.h>
#include <string.h>

#include "guess.h"
#include "mapping.h"

#define NOTE_MAX 240

static const char *type_of_value(const cJSON *value)
{
	if (cJSON_IsBool(value))
		return "boolean";
	if (cJSON_IsNumber(value))
		return "number";
	if (cJSON_IsArray(value))
		return "array";
	if (cJSON_IsObject(value))
		return "object";
	return cJSON_IsString(value) ? "string" : NULL;
}

static const char *type_of_word(const char *word)
{
	static const char *const types[] = {
		"string", "integer", "number", "boolean", "array", "object"};

	for (size_t i = 0; word && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], word) == 0)
			return types[i];
	return NULL;
}

static const char *text_of(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* An array of what the example holds; of addresses when its name says so. */
static void add_items(cJSON *field, const char *name, const cJSON *example)
{
	cJSON *items = cJSON_AddObjectToObject(field, "items");
	const char *type = cJSON_IsArray(example) ? type_of_value(example->child) : NULL;
	const char *media = guess_media(name);

	if (!type || strcmp(type, "array") == 0)
		type = "string";
	cJSON_AddStringToObject(items, "type", type);
	if (media && strcmp(type, "string") == 0)
		cJSON_AddStringToObject(items, "media", media);
	if (strcmp(type, "object") == 0)
		cJSON_AddObjectToObject(items, "members");
}

static void add_also(cJSON *field, const char *type, const char *said)
{
	bool number = strcmp(type, "number") == 0 || strcmp(type, "integer") == 0;
	cJSON *also = cJSON_AddArrayToObject(field, "also_types");

	/* "5" is typed as a number and 5 as a string: nobody knows which of them is meant. */
	if (number)
		cJSON_AddItemToArray(also, cJSON_CreateString("string"));
	if (said && strcmp(said, type) != 0 && !(number && strcmp(said, "string") == 0))
		cJSON_AddItemToArray(also, cJSON_CreateString(said));
	if (!also->child)
		cJSON_DeleteItemFromObjectCaseSensitive(field, "also_types");
}

cJSON *mapping_field(const char *name, const cJSON *parameter, bool required)
{
	const cJSON *example = cJSON_GetObjectItemCaseSensitive(parameter, "example");
	const char *said = type_of_word(text_of(parameter, "type"));
	const char *shown = type_of_value(example);
	const char *type = shown ? shown : said ? said : "string";
	const char *media = guess_media(name);
	cJSON *field = cJSON_CreateObject();

	cJSON_AddStringToObject(field, "type", type);
	add_also(field, type, said);
	if (required)
		cJSON_AddTrueToObject(field, "required");
	if (strcmp(type, "array") == 0)
		add_items(field, name, example);
	else if (strcmp(type, "object") == 0)
		cJSON_AddObjectToObject(field, "members");
	else if (media && strcmp(type, "string") == 0)
		cJSON_AddStringToObject(field, "media", media);
	char *note = guess_plain(
		text_of(parameter, "description") ? text_of(parameter, "description") : "",
		NOTE_MAX);
	if (note && *note)
		cJSON_AddStringToObject(field, "note", note);
	free(note);
	return field;
}
