#include "place.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
	const cJSON *const *items;
	size_t count;
};

static int place_at(cJSON *object, const char *path, struct values values);

/* Sets `object`'s member, taking ownership of `value`; keeps the member's place when it exists. */
static int set_member(cJSON *object, const char *name, cJSON *value)
{
	if (!value)
		return -ENOMEM;
	bool done = cJSON_HasObjectItem(object, name)
			    ? cJSON_ReplaceItemInObjectCaseSensitive(object, name, value)
			    : cJSON_AddItemToObject(object, name, value);
	if (!done)
		cJSON_Delete(value);
	return done ? 0 : -ENOMEM;
}

/* An object placed where an object stands adds what is missing there. */
static int add_missing(cJSON *object, const cJSON *members)
{
	const cJSON *member;
	int r = 0;

	cJSON_ArrayForEach(member, members)
	{
		if (r == 0 && !cJSON_GetObjectItemCaseSensitive(object, member->string))
			r = set_member(object, member->string, cJSON_Duplicate(member, true));
	}
	return r;
}

static int place_end(cJSON *object, const char *name, const cJSON *value)
{
	cJSON *old = cJSON_GetObjectItemCaseSensitive(object, name);

	if (cJSON_IsObject(old) && cJSON_IsObject(value))
		return add_missing(old, value);
	return set_member(object, name, cJSON_Duplicate(value, true));
}

/* The member as an object or array, made when it is something else. */
static cJSON *need_member(cJSON *object, const char *name, bool array)
{
	cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

	if (array ? cJSON_IsArray(member) : cJSON_IsObject(member))
		return member;
	member = array ? cJSON_CreateArray() : cJSON_CreateObject();
	return set_member(object, name, member) == 0 ? member : NULL;
}

static int place_in_text(cJSON *object, const char *name, const char *rest, struct values values)
{
	const cJSON *old = cJSON_GetObjectItemCaseSensitive(object, name);
	cJSON *inner = cJSON_IsString(old) ? cJSON_Parse(old->valuestring) : NULL;
	char *text = NULL;
	int r;

	if (!cJSON_IsObject(inner)) {
		cJSON_Delete(inner);
		inner = cJSON_CreateObject();
	}
	r = inner ? place_at(inner, rest, values) : -ENOMEM;
	if (r == 0) {
		text = cJSON_PrintUnformatted(inner);
		r = text ? set_member(object, name, cJSON_CreateString(text)) : -ENOMEM;
	}
	cJSON_free(text);
	cJSON_Delete(inner);
	return r;
}

/* Elements that are objects carry their number and a name, and their array's length stands beside
 * it: the way the API describes the parts of a picture. */
static int place_in_element(cJSON *array, size_t index, const char *rest, const cJSON *value)
{
	cJSON *element = cJSON_GetArrayItem(array, (int)index);

	if (!element) {
		char name[32];

		snprintf(name, sizeof(name), "part %zu", index + 1);
		element = cJSON_CreateObject();
		if (!cJSON_AddItemToArray(array, element))
			return -ENOMEM;
		cJSON_AddStringToObject(element, "name", name);
		cJSON_AddNumberToObject(element, "index", (double)index);
	}
	return place_at(element, rest, (struct values){&value, 1});
}

static int place_in_array(cJSON *object, const char *name, const char *rest, struct values values)
{
	char count_name[80];
	cJSON *array = need_member(object, name, true);
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; i < values.count && r == 0; i++) {
		if (*rest)
			r = place_in_element(array, i, rest, values.items[i]);
		else if (!cJSON_AddItemToArray(array, cJSON_Duplicate(values.items[i], true)))
			r = -ENOMEM;
	}
	if (r < 0 || !*rest)
		return r;
	snprintf(count_name, sizeof(count_name), "%s_count", name);
	return set_member(object, count_name, cJSON_CreateNumber(cJSON_GetArraySize(array)));
}

static int place_at(cJSON *object, const char *path, struct values values)
{
	char name[64];
	size_t len = strcspn(path, ".>[");

	if (len >= sizeof(name))
		return -EINVAL;
	memcpy(name, path, len);
	name[len] = '\0';
	const char *rest = path + len;
	if (*rest == '>')
		return place_in_text(object, name, rest + 1, values);
	if (strncmp(rest, "[]", 2) == 0)
		return place_in_array(object, name, rest + 2 + (rest[2] == '.'), values);
	if (*rest == '.') {
		cJSON *member = need_member(object, name, false);

		return member ? place_at(member, rest + 1, values) : -ENOMEM;
	}
	return place_end(object, name, values.items[0]);
}

int place_values(cJSON *root, const char *path, const cJSON *const *values, size_t count)
{
	return place_at(root, path, (struct values){values, count});
}

int place_value(cJSON *root, const char *path, const cJSON *value)
{
	return place_at(root, path, (struct values){&value, 1});
}
