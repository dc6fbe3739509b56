#include <errno.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/condition.h"
#include "request_parts.h"

int object_add_copy(cJSON *object, const char *name, const cJSON *value)
{
	cJSON *copy = cJSON_Duplicate(value, true);

	if (copy && cJSON_AddItemToObject(object, name, copy))
		return 0;
	cJSON_Delete(copy);
	return -ENOMEM;
}

int object_move(cJSON *to, cJSON *from, cJSON *member)
{
	cJSON_DetachItemViaPointer(from, member);
	if (cJSON_AddItemToObject(to, member->string, member))
		return 0;
	cJSON_Delete(member);
	return -ENOMEM;
}

/* Moves the members that `to` has not; each name moved is noted in `moved` unless NULL. */
static int move_missing(cJSON *to, cJSON *from, cJSON *moved)
{
	cJSON *next;

	for (cJSON *member = from ? from->child : NULL; member; member = next) {
		next = member->next;
		if (cJSON_GetObjectItemCaseSensitive(to, member->string))
			continue;
		if (moved && !cJSON_AddTrueToObject(moved, member->string))
			return -ENOMEM;
		int r = object_move(to, from, member);
		if (r < 0)
			return r;
	}
	return 0;
}

int draft_merge(struct draft *draft, struct draft *defaults)
{
	int r;

	draft->defaulted = cJSON_CreateObject();
	if (!draft->defaulted)
		return -ENOMEM;
	r = move_missing(draft->input, defaults->input, draft->defaulted);
	if (r < 0)
		return r;
	if (!draft->callback) {
		draft->callback = defaults->callback;
		defaults->callback = NULL;
	}
	if (!draft->extra) {
		draft->extra = defaults->extra;
		defaults->extra = NULL;
		return 0;
	}
	return move_missing(draft->extra, defaults->extra, NULL);
}

/* Whether the price is told by this field: it is named in the table, as a key or as a value. */
static bool is_priced(const cJSON *price, const char *name)
{
	const cJSON *inner;

	if (cJSON_IsString(price) && strcmp(price->valuestring, name) == 0)
		return true;
	cJSON_ArrayForEach(inner, price)
	{
		if ((inner->string && strcmp(inner->string, name) == 0) || is_priced(inner, name))
			return true;
	}
	return false;
}

/* In one of the sets of names of which a request chooses. */
static bool is_chosen(const cJSON *sets, const char *name)
{
	const cJSON *set, *member;

	cJSON_ArrayForEach(set, sets)
	{
		cJSON_ArrayForEach(member, set)
		{
			if (cJSON_IsString(member) && strcmp(member->valuestring, name) == 0)
				return true;
		}
	}
	return false;
}

static bool is_sent(const struct model *model, const struct field *field, const struct level *level)
{
	if (field->required || (field->required_when &&
				       condition_test(field->required_when, level) == VERDICT_YES))
		return true;
	return !field->deprecated && !field->only_when && !is_chosen(model->any_of, field->name) &&
	       !is_chosen(model->one_of, field->name) && is_priced(model->price, field->name);
}

int draft_complete(const struct model *model, struct draft *draft)
{
	const cJSON *member,
		*chat = cJSON_GetObjectItemCaseSensitive(model->service->chat, "defaults");
	int r = move_missing(draft->input, draft->template, NULL);

	cJSON_ArrayForEach(member, chat)
	{
		if (r == 0 && !cJSON_GetObjectItemCaseSensitive(draft->input, member->string))
			r = object_add_copy(draft->input, member->string, member);
	}
	for (size_t i = 0; r == 0 && i < model->field_count; i++) {
		const struct field *field = &model->fields[i];
		struct level level = {model->fields, model->field_count, draft->input, NULL};
		const cJSON *value = field_default(field, &level);

		if (!value || !is_sent(model, field, &level) ||
			cJSON_GetObjectItemCaseSensitive(draft->input, field->name))
			continue;
		r = object_add_copy(draft->input, field->name, value);
	}
	return r;
}
