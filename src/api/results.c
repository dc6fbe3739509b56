#include "results.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kiefs/catalogue.h"
#include "kiefs/jsonpath.h"

#include "envelope.h"

/* More than any model makes; bounds the search for duplicates. */
#define RESULTS_MAX 1000
#define ADDRESS_MAX 8192

/* One pass along one path. */
struct collector {
	struct result_list *list;
	enum result_kind kind;
	const char *label;
};

static enum result_kind kind_from(const char *word)
{
	static const struct {
		const char *word;
		enum result_kind kind;
	} words[] = {
		{"image", RESULT_IMAGE},
		{"video", RESULT_VIDEO},
		{"audio", RESULT_AUDIO},
		{"text", RESULT_TEXT},
		{"json", RESULT_JSON},
	};

	for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].kind;
	return RESULT_MEDIA;
}

static bool is_content(enum result_kind kind)
{
	return kind == RESULT_TEXT || kind == RESULT_JSON;
}

static bool is_address(const char *text)
{
	if (strncasecmp(text, "https://", 8) != 0 && strncasecmp(text, "http://", 7) != 0)
		return false;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c <= ' ' || *c == 0x7f)
			return false;
	return strlen(text) <= ADDRESS_MAX;
}

static bool has_address(const struct result_list *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (!is_content(list->items[i].kind) && strcmp(list->items[i].value, address) == 0)
			return true;
	return false;
}

/* Takes ownership of `value`. */
static int add(const struct collector *collector, char *value)
{
	struct result_list *list = collector->list;
	char *label = collector->label ? strdup(collector->label) : NULL;

	if (!value || (collector->label && !label))
		goto no_memory;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 4;
		struct poll_result *items = reallocarray(list->items, capacity, sizeof(*items));
		if (!items)
			goto no_memory;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] =
		(struct poll_result){.kind = collector->kind, .value = value, .label = label};
	return 0;
no_memory:
	free(value);
	free(label);
	return -ENOMEM;
}

static int leave_out(struct result_list *list, const char *address)
{
	if (list->message)
		return 0;
	char *shown = text_clean(address);
	if (!shown)
		return -ENOMEM;
	int n = asprintf(&list->message,
		"The service gave something as a result that is no http address, and it was left "
		"out: \"%s\".",
		shown);
	free(shown);
	if (n < 0)
		list->message = NULL;
	return n < 0 ? -ENOMEM : 0;
}

static int collect(const cJSON *item, void *user)
{
	const struct collector *collector = user;
	struct result_list *list = collector->list;
	bool text = cJSON_IsString(item);

	if (list->count >= RESULTS_MAX || (text && !item->valuestring[0]))
		return 0;
	if (is_content(collector->kind)) {
		if ((cJSON_IsArray(item) || cJSON_IsObject(item)) && !item->child)
			return 0;
		return add(collector, text ? strdup(item->valuestring) : cJSON_Print(item));
	}
	if (cJSON_IsArray(item)) {
		const cJSON *element;
		cJSON_ArrayForEach(element, item)
		{
			int r = cJSON_IsString(element) ? collect(element, user) : 0;
			if (r < 0)
				return r;
		}
		return 0;
	}
	if (!text)
		return 0;
	if (!is_address(item->valuestring))
		return leave_out(list, item->valuestring);
	if (has_address(list, item->valuestring))
		return 0;
	return add(collector, strdup(item->valuestring));
}

static int collect_all(
	const cJSON *paths, const cJSON *root, bool mirrors, struct result_list *list)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, paths)
	{
		const cJSON *path = cJSON_GetObjectItemCaseSensitive(entry, "path");
		const cJSON *kind = cJSON_GetObjectItemCaseSensitive(entry, "kind");
		const cJSON *name = cJSON_GetObjectItemCaseSensitive(entry, "name");
		bool mirror = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "mirror"));
		struct collector collector = {
			.list = list,
			.kind = kind_from(cJSON_GetStringValue(kind)),
			.label = cJSON_GetStringValue(name),
		};
		if (!cJSON_IsString(path) || mirror != mirrors)
			continue;
		int r = json_path_each(root, path->valuestring, collect, &collector);
		if (r < 0)
			return r;
	}
	return 0;
}

int results_read(const struct model *model, const cJSON *root, struct result_list *out)
{
	const cJSON *paths = model->results ? model->results : model->service->results;
	struct result_list list = {0};

	int r = collect_all(paths, root, false, &list);
	if (r == 0 && list.count == 0)
		r = collect_all(paths, root, true, &list);
	if (r < 0)
		result_list_finish(&list);
	else
		*out = list;
	return r;
}

void result_list_finish(struct result_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].value);
		free(list->items[i].label);
	}
	free(list->items);
	free(list->message);
	*list = (struct result_list){0};
}
