/* See template.h. */
#include "template.h"

#include "part_id.h"

#include "kiefs/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32
#define TEXT_MAX ((size_t)1 << 20)
#define NAME_SIZE 64
/* Files and parts of one element of "$each". */
#define STRIDE 10

static int give(cJSON *item, cJSON **out)
{
	*out = item;
	return item ? 0 : -ENOMEM;
}

static int fill_file(const char *rest, struct scope *scope, cJSON **out)
{
	char extension[8];
	unsigned number;

	if (sscanf(rest, "%7[a-z0-9].%u", extension, &number) != 2)
		return -EINVAL;
	char *url = scope->address(scope->user, number + scope->index * STRIDE, extension);
	int r = url ? give(cJSON_CreateString(url), out) : -ENOMEM;
	free(url);
	return r;
}

static int fill_part(const char *rest, struct scope *scope, cJSON **out)
{
	char id[PART_ID_SIZE];

	part_id_make(scope->id, (unsigned)strtoul(rest, NULL, 10) + scope->index * STRIDE, id);
	return give(cJSON_CreateString(id), out);
}

/* A name of the scope; `*out` stays NULL when it has none such. */
static int fill_named(const char *name, struct scope *scope, cJSON **out)
{
	const cJSON *item;

	for (size_t i = 0; i < SCOPE_SETS; i++) {
		item = cJSON_GetObjectItemCaseSensitive(scope->sets[i], name);
		if (item)
			return template_fill(item, scope, out);
	}
	item = cJSON_GetObjectItemCaseSensitive(scope->facts, name);
	return item ? give(cJSON_Duplicate(item, true), out) : 0;
}

/* What stands after the "$", up to a "|". */
static int fill_value(const char *name, struct scope *scope, cJSON **out)
{
	if (strncmp(name, "input.", 6) == 0) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(scope->input, name + 6);

		return item ? give(cJSON_Duplicate(item, true), out) : 0;
	}
	if (strcmp(name, "index") == 0)
		return give(cJSON_CreateNumber(scope->index), out);
	if (strncmp(name, "file.", 5) == 0)
		return fill_file(name + 5, scope, out);
	if (strncmp(name, "uuid.", 5) == 0)
		return fill_part(name + 5, scope, out);
	return fill_named(name, scope, out);
}

/* `text` follows the "$" and ends at `len`. */
static int fill_name(const char *text, size_t len, struct scope *scope, cJSON **out)
{
	char name[NAME_SIZE];
	size_t name_len = strcspn(text, "|");

	if (name_len > len)
		name_len = len;
	if (name_len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, name_len);
	name[name_len] = '\0';
	int r = fill_value(name, scope, out);
	bool missing =
		!*out || cJSON_IsNull(*out) || (cJSON_IsString(*out) && !(*out)->valuestring[0]);
	if (r < 0 || name_len == len || !missing)
		return r < 0 || *out ? r : give(cJSON_CreateNull(), out);
	cJSON_Delete(*out);
	*out = NULL;
	char *other = strndup(text + name_len + 1, len - name_len - 1);
	if (!other)
		r = -ENOMEM;
	else if (*other == '$')
		r = fill_name(other + 1, strlen(other + 1), scope, out);
	else
		r = give(cJSON_CreateString(other), out);
	free(other);
	return r;
}

static void add_value(struct buf *text, const cJSON *value)
{
	char *json = NULL;

	if (cJSON_IsString(value)) {
		buf_adds(text, value->valuestring);
	} else if (value && !cJSON_IsNull(value)) {
		json = cJSON_PrintUnformatted(value);
		if (json)
			buf_adds(text, json);
		else
			text->error = -ENOMEM;
	}
	cJSON_free(json);
}

static int fill_text(const char *template, struct scope *scope, cJSON **out)
{
	struct buf text;
	const char *hole;
	int r = 0;

	buf_init(&text, TEXT_MAX);
	while (r == 0 && (hole = strstr(template, "${"))) {
		size_t len = strcspn(hole, "}") - 2;
		cJSON *value = NULL;

		buf_add(&text, template, (size_t)(hole - template));
		r = fill_name(hole + 2, len, scope, &value);
		if (r == 0)
			add_value(&text, value);
		cJSON_Delete(value);
		template = hole + 2 + len + 1;
	}
	buf_adds(&text, template);
	if (r == 0)
		r = text.error ? text.error
			       : give(cJSON_CreateString(text.data ? text.data : ""), out);
	buf_finish(&text);
	return r;
}

static int fill_string(const cJSON *template, struct scope *scope, cJSON **out)
{
	const char *text = template->valuestring;

	if (strstr(text, "${"))
		return fill_text(text, scope, out);
	if (*text == '$')
		return fill_name(text + 1, strlen(text + 1), scope, out);
	return give(cJSON_Duplicate(template, true), out);
}

static int fill_each(const cJSON *template, const cJSON *of, struct scope *scope, cJSON **out)
{
	cJSON *count = NULL;
	cJSON *array = cJSON_CreateArray();
	unsigned outer = scope->index;
	int r = array ? template_fill(template, scope, &count) : -ENOMEM;
	int times = cJSON_IsNumber(count)   ? count->valueint
		    : cJSON_IsString(count) ? atoi(count->valuestring)
					    : 0;

	for (int i = 0; i < times && r == 0; i++) {
		cJSON *element = NULL;

		scope->index = (unsigned)i;
		r = template_fill(of, scope, &element);
		if (element && !cJSON_AddItemToArray(array, element)) {
			cJSON_Delete(element);
			r = -ENOMEM;
		}
	}
	scope->index = outer;
	cJSON_Delete(count);
	if (r == 0)
		*out = array;
	else
		cJSON_Delete(array);
	return r;
}

static int fill_when(
	const cJSON *template, const cJSON *condition, struct scope *scope, cJSON **out)
{
	int holds = template_holds(condition, scope);
	const cJSON *taken = cJSON_GetObjectItemCaseSensitive(template, holds ? "$then" : "$else");

	if (holds < 0)
		return holds;
	return taken ? template_fill(taken, scope, out) : 0;
}

static int fill_json(const cJSON *template, struct scope *scope, cJSON **out)
{
	cJSON *value = NULL;
	char *text = NULL;
	int r = template_fill(template, scope, &value);

	if (r == 0) {
		text = cJSON_PrintUnformatted(value);
		r = text ? give(cJSON_CreateString(text), out) : -ENOMEM;
	}
	cJSON_free(text);
	cJSON_Delete(value);
	return r;
}

static int fill_members(const cJSON *template, struct scope *scope, cJSON **out)
{
	bool is_array = cJSON_IsArray(template);
	cJSON *made = is_array ? cJSON_CreateArray() : cJSON_CreateObject();
	const cJSON *member;
	int r = made ? 0 : -ENOMEM;

	cJSON_ArrayForEach(member, template)
	{
		cJSON *value = NULL;

		if (r == 0)
			r = template_fill(member, scope, &value);
		if (!value)
			continue;
		if (!(is_array ? cJSON_AddItemToArray(made, value)
			       : cJSON_AddItemToObject(made, member->string, value))) {
			cJSON_Delete(value);
			r = -ENOMEM;
		}
	}
	if (r == 0)
		*out = made;
	else
		cJSON_Delete(made);
	return r;
}

static int fill(const cJSON *template, struct scope *scope, cJSON **out)
{
	const cJSON *first = cJSON_IsObject(template) ? template->child : NULL;

	if (cJSON_IsString(template))
		return fill_string(template, scope, out);
	if (first && strcmp(first->string, "$each") == 0)
		return fill_each(
			first, cJSON_GetObjectItemCaseSensitive(template, "$of"), scope, out);
	if (first && strcmp(first->string, "$when") == 0)
		return fill_when(template, first, scope, out);
	if (first && strcmp(first->string, "$text") == 0)
		return fill_json(first, scope, out);
	if (cJSON_IsObject(template) || cJSON_IsArray(template))
		return fill_members(template, scope, out);
	return template ? give(cJSON_Duplicate(template, true), out) : 0;
}

int template_fill(const cJSON *template, struct scope *scope, cJSON **out)
{
	*out = NULL;
	if (scope->depth == DEPTH_MAX)
		return -EINVAL;
	scope->depth++;
	int r = fill(template, scope, out);
	scope->depth--;
	return r;
}

/* Whether `value`, NULL when there is none, is among `values`. */
static bool is_among(const cJSON *values, const cJSON *value)
{
	const cJSON *allowed;

	cJSON_ArrayForEach(allowed, values)
	{
		if (value ? cJSON_Compare(allowed, value, true) : cJSON_IsNull(allowed))
			return true;
	}
	return false;
}

int template_holds(const cJSON *condition, struct scope *scope)
{
	const cJSON *values;

	cJSON_ArrayForEach(values, condition)
	{
		cJSON *value = NULL;
		int r = values->string[0] == '$' ? fill_value(values->string + 1, scope, &value)
						 : 0;
		const cJSON *found =
			values->string[0] == '$'
				? value
				: cJSON_GetObjectItemCaseSensitive(scope->input, values->string);
		bool holds = is_among(values, found);

		cJSON_Delete(value);
		if (r < 0 || !holds)
			return r;
	}
	return 1;
}
