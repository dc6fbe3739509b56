#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/json.h"
#include "request_parts.h"

static bool is_word(const cJSON *value, const char *word)
{
	return cJSON_IsString(value) && strcmp(value->valuestring, word) == 0;
}

static int fill(
	const cJSON *part, const struct model *model, const struct draft *draft, cJSON **out);

/* Takes ownership of `from`, whose members go into `to`. */
static int spread(cJSON *to, cJSON *from)
{
	cJSON *next;
	int r = 0;

	for (cJSON *member = from->child; r == 0 && member; member = next) {
		next = member->next;
		cJSON_DeleteItemFromObjectCaseSensitive(to, member->string);
		r = object_move(to, from, member);
	}
	cJSON_Delete(from);
	return r;
}

static int fill_container(
	const cJSON *part, const struct model *model, const struct draft *draft, cJSON **out)
{
	cJSON *copy = cJSON_IsObject(part) ? cJSON_CreateObject() : cJSON_CreateArray();
	const cJSON *inner;
	int r = copy ? 0 : -ENOMEM;

	cJSON_ArrayForEach(inner, part)
	{
		cJSON *filled = NULL;

		if (r == 0)
			r = fill(inner, model, draft, &filled);
		if (!filled)
			continue;
		if (inner->string && strcmp(inner->string, "...") == 0) {
			r = spread(copy, filled);
			continue;
		}
		if (cJSON_IsArray(part))
			cJSON_AddItemToArray(copy, filled);
		else if (!cJSON_AddItemToObject(copy, inner->string, filled)) {
			cJSON_Delete(filled);
			r = -ENOMEM;
		}
	}
	if (r < 0)
		cJSON_Delete(copy);
	else
		*out = copy;
	return r;
}

/* A copy of the template with its words replaced; `*out` stays as it is where nothing is to be
 * put. */
static int fill(
	const cJSON *part, const struct model *model, const struct draft *draft, cJSON **out)
{
	const cJSON *from = part;

	if (cJSON_IsObject(part) || cJSON_IsArray(part))
		return fill_container(part, model, draft, out);
	if (is_word(part, "$callback") && !draft->callback)
		return 0;
	if (is_word(part, "$callback"))
		from = draft->callback;
	else if (is_word(part, "$input"))
		from = draft->input;
	*out = is_word(part, "$model") ? cJSON_CreateString(model_name(model))
				       : cJSON_Duplicate(from, true);
	return *out ? 0 : -ENOMEM;
}

/* Adds the way to "$input" below `part`; -ENOENT leaves `out` as it was. */
static int find_input(const cJSON *part, struct buf *out)
{
	const cJSON *inner;
	size_t len = out->len;
	int index = 0;

	if (is_word(part, "$input"))
		return 0;
	cJSON_ArrayForEach(inner, part)
	{
		char digits[16];
		int r;

		snprintf(digits, sizeof(digits), "%d", index++);
		/* What is spread stands among its neighbours. */
		r = inner->string && strcmp(inner->string, "...") == 0
			    ? 0
			    : json_place_add(out, inner->string ? inner->string : digits);
		if (r == 0)
			r = find_input(inner, out);
		if (r != -ENOENT)
			return r;
		out->len = len;
		if (out->data)
			out->data[len] = '\0';
	}
	return -ENOENT;
}

int body_input_place(const struct model *model, struct buf *out)
{
	return find_input(model->service->body, out);
}

/* What the user wrote beside `input` goes beside it again, and wins over the template. */
static int add_extra(cJSON *body, cJSON *extra)
{
	cJSON *next;
	int r = 0;

	for (cJSON *member = extra ? extra->child : NULL; r == 0 && member; member = next) {
		next = member->next;
		cJSON_DeleteItemFromObjectCaseSensitive(body, member->string);
		r = object_move(body, extra, member);
	}
	return r;
}

char *draft_print(const struct model *model, struct draft *draft)
{
	cJSON *body = NULL;
	char *text = NULL;

	if (fill(model->service->body, model, draft, &body) < 0 || !body)
		return NULL;
	if (add_extra(body, draft->extra) == 0 && json_spell_numbers(body) == 0)
		text = cJSON_PrintUnformatted(body);
	cJSON_Delete(body);
	return text;
}
