/* A body's prompt: the way back from what request_build() made of one. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/request.h"

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const cJSON *find_member(const cJSON *template, const cJSON *object, const char *word);

/* The last element in which it is found: what was said last. */
static const cJSON *find_last(const cJSON *template, const cJSON *array, const char *word)
{
	const cJSON *found = NULL, *at = cJSON_IsArray(array) ? array->child : NULL;

	if (!at)
		return NULL;
	do {
		at = at->prev;
		found = find_member(template, at, word);
	} while (!found && at != array->child);
	return found;
}

/* What stands in `value` where `word` stands in the template; NULL: nothing. */
static const cJSON *find(const cJSON *template, const cJSON *value, const char *word)
{
	if (cJSON_IsString(template))
		return strcmp(template->valuestring, word) == 0 ? value : NULL;
	if (cJSON_IsArray(template))
		return find_last(template->child, value, word);
	return find_member(template, value, word);
}

static const cJSON *find_member(const cJSON *template, const cJSON *object, const char *word)
{
	const cJSON *part, *found = NULL;

	cJSON_ArrayForEach(part, template)
	{
		const cJSON *value = member(object, part->string);
		if (value && !found)
			found = find(part, value, word);
	}
	return found;
}

static const char *find_prompt(const struct model *model, const cJSON *root)
{
	const cJSON *input = member(root, "input");
	const cJSON *at = cJSON_IsObject(input) ? input : root;
	const cJSON *found = model && model->prompt ? find(model->prompt, at, "$prompt") : NULL;

	if (cJSON_IsArray(found) && model->service && model->service->chat)
		found = find_last(member(model->service->chat, "text"), found, "$text");
	return cJSON_GetStringValue(found ? found : member(at, "prompt"));
}

int request_prompt(const struct model *model, const char *body, size_t len, char **out)
{
	cJSON *root = cJSON_ParseWithLength(body, len);
	const char *prompt = find_prompt(model, root);
	char *copy = prompt ? strdup(prompt) : NULL;

	cJSON_Delete(root);
	if (!copy)
		return prompt ? -ENOMEM : -ENOENT;
	*out = copy;
	return 0;
}
