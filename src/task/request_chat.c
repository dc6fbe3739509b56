/* What is said to a model that chats, where the request does not write the turns out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/chat.h"
#include "kiefs/error.h"
#include "kiefs/findings.h"
#include "kiefs/input.h"
#include "kiefs/media.h"
#include "kiefs/request.h"
#include "request_parts.h"

static bool chats(const struct model *model)
{
	return model->service && model->service->chat;
}

/* The member as text, taken out of the input; `*out` stays NULL when there is none. */
static int take_text(
	cJSON *input, const char *name, const char *label, char **out, struct findings *findings)
{
	cJSON *value = object_take(input, name);
	char shown[SHOWN_SIZE];
	int r = 0;

	if (cJSON_IsString(value)) {
		*out = strdup(value->valuestring);
		r = *out ? 0 : -ENOMEM;
	} else if (value) {
		findings_form(findings, "%s%s is %s, but it must be a text.", label, name,
			show_value(value, shown));
	}
	cJSON_Delete(value);
	return r;
}

/* A name or address alone is a list of one. */
static int take_images(const struct model *model, cJSON *input, const char *label, cJSON **out,
	struct findings *findings)
{
	cJSON *value = object_take(input, "images"), *one;
	bool good = cJSON_IsString(value) || cJSON_IsArray(value);
	char shown[SHOWN_SIZE];

	if (!value)
		return 0;
	if (cJSON_IsString(value)) {
		cJSON *list = cJSON_CreateArray();
		if (!list || !cJSON_AddItemToArray(list, value)) {
			cJSON_Delete(list);
			cJSON_Delete(value);
			return -ENOMEM;
		}
		value = list;
	}
	cJSON_ArrayForEach(one, value)
	{
		good = good && cJSON_IsString(one) && *one->valuestring;
	}
	if (!chat_takes_images(model)) {
		findings_form(findings, "%simages is given, but %s takes no pictures. Remove it.",
			label, model->id);
	} else if (!good) {
		findings_form(findings,
			"%simages is %s, but it must be a list of pictures: names of files here, "
			"or web addresses (https://...).",
			label, show_value(value, shown));
	} else {
		*out = value;
		return 0;
	}
	cJSON_Delete(value);
	return 0;
}

int draft_take_prompt(const struct model *model, const char *label, struct draft *draft,
	struct findings *findings)
{
	cJSON *input = draft->input;
	int r;

	if (!chats(model) || model_field(model, "prompt") ||
		!cJSON_GetObjectItemCaseSensitive(input, "prompt"))
		return 0;
	const char *list = chat_list_name(model);
	if (cJSON_GetObjectItemCaseSensitive(input, list))
		findings_form(findings,
			"%sprompt and %s are both given. Keep one: prompt is short for one turn in "
			"%s.",
			label, list, list);
	r = take_text(input, "prompt", label, &draft->prompt, findings);
	if (r == 0 && draft->prompt && request_is_blank(draft->prompt, strlen(draft->prompt)))
		findings_form(findings, "%sprompt is empty. Write what is to be said.", label);
	if (r == 0)
		r = take_text(input, "system", label, &draft->system, findings);
	if (r == 0 && !model_field(model, "images"))
		r = take_images(model, input, label, &draft->images, findings);
	return r;
}

/* What `names` are taken from: the request's own, or what lies beside it. */
static size_t gather(const struct model *model, const struct request_rules *rules,
	const struct draft *draft, const char *names[INPUTS_MAX])
{
	const cJSON *one;
	size_t count = 0;

	if (draft->images) {
		cJSON_ArrayForEach(one, draft->images)
		{
			if (count < INPUTS_MAX)
				names[count++] = one->valuestring;
		}
		return count;
	}
	for (size_t i = 0; rules && chat_takes_images(model) && i < rules->sibling_count; i++)
		if (count < INPUTS_MAX && media_of_name(rules->siblings[i]) == MEDIA_IMAGE)
			names[count++] = rules->siblings[i];
	return count;
}

int draft_make_turn(
	const struct model *model, const struct request_rules *rules, struct draft *draft)
{
	const char *names[INPUTS_MAX];
	struct chat_turn turn = {.prompt = draft->prompt, .images = names};
	cJSON *made = NULL, *next;
	int r;

	if (!chats(model) || !draft->prompt)
		return 0;
	if (draft->images && cJSON_GetArraySize(draft->images) > INPUTS_MAX)
		return -E2BIG;
	turn.image_count = gather(model, rules, draft, names);
	/* The prompt's template says the same. */
	if (draft->template && turn.image_count == 0)
		return 0;
	r = chat_input(model, draft->system, &turn, 1, &made);
	for (cJSON *member = made ? made->child : NULL; r == 0 && member; member = next) {
		next = member->next;
		cJSON_DeleteItemFromObjectCaseSensitive(draft->input, member->string);
		r = object_move(draft->input, made, member);
	}
	cJSON_Delete(made);
	return r;
}
