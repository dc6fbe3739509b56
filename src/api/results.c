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

#define LABEL_MAX 48

/* One pass along one path. */
struct collector {
	struct result_list *list;
	enum result_kind kind;
	const char *label;
	const char *id; /* of the element it belongs to, or NULL */
	int number;	/* that the next result gets */
	bool once;	/* the first one only */
	size_t found;	/* what stood there, known already or not */
};

/* One pass over the elements of a list. */
struct group {
	struct result_list *list;
	const cJSON *entry;
	const cJSON *each;
	int first;   /* number of the first element's first result */
	int members; /* numbers that an element takes, found or not */
	int count;   /* elements so far */
	size_t found;
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

static struct poll_result *find_address(const struct result_list *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (!is_content(list->items[i].kind) && strcmp(list->items[i].value, address) == 0)
			return &list->items[i];
	return NULL;
}

static struct poll_result *find_label(const struct result_list *list, const char *label)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].label && strcmp(list->items[i].label, label) == 0)
			return &list->items[i];
	return NULL;
}

/* The same thing stands in two places, and only one of them has its id. */
static int lend_id(struct poll_result *result, const char *id)
{
	if (result->id || !id)
		return 0;
	result->id = strdup(id);
	return result->id ? 0 : -ENOMEM;
}

/* Takes ownership of `value`. */
static int add(struct collector *collector, char *value)
{
	struct result_list *list = collector->list;
	char *label = collector->label ? strdup(collector->label) : NULL;
	char *id = collector->id ? strdup(collector->id) : NULL;

	if (!value || (collector->label && !label) || (collector->id && !id))
		goto no_memory;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 4;
		struct poll_result *items = reallocarray(list->items, capacity, sizeof(*items));
		if (!items)
			goto no_memory;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = (struct poll_result){
		.kind = collector->kind,
		.value = value,
		.label = label,
		.id = id,
		.number = collector->number++,
	};
	return 0;
no_memory:
	free(value);
	free(label);
	free(id);
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

static int collect_content(const cJSON *item, struct collector *collector)
{
	if ((cJSON_IsArray(item) || cJSON_IsObject(item)) && !item->child)
		return 0;
	collector->found++;
	return add(collector, cJSON_IsString(item) ? strdup(item->valuestring) : cJSON_Print(item));
}

static int collect_address(const char *address, struct collector *collector)
{
	if (!is_address(address))
		return leave_out(collector->list, address);
	collector->found++;
	struct poll_result *same = find_address(collector->list, address);
	return same ? lend_id(same, collector->id) : add(collector, strdup(address));
}

static int collect(const cJSON *item, void *user)
{
	struct collector *collector = user;

	if (collector->list->count >= RESULTS_MAX || (collector->once && collector->found))
		return 0;
	if (cJSON_IsString(item) && !item->valuestring[0])
		return 0;
	if (is_content(collector->kind))
		return collect_content(item, collector);
	if (cJSON_IsString(item))
		return collect_address(item->valuestring, collector);
	if (cJSON_IsArray(item)) {
		const cJSON *element;
		cJSON_ArrayForEach(element, item)
		{
			int r = cJSON_IsString(element) ? collect(element, user) : 0;
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* "path" is one, or several of which the first counts that leads to something. */
static int walk(
	const cJSON *root, const cJSON *entry, json_path_fn *each, void *user, const size_t *found)
{
	const cJSON *path = cJSON_GetObjectItemCaseSensitive(entry, "path");
	bool list = cJSON_IsArray(path);
	int r = 0;

	for (path = list ? path->child : path; path && r == 0 && *found == 0;
		path = list ? path->next : NULL)
		r = json_path_each(root, path->valuestring, each, user);
	return r;
}

static const char *text_of(const cJSON *entry, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, key));
}

/* A part of a file's name: small letters, digits, and one "-" for all between them. */
static void make_slug(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n + 2 < size; text++) {
		char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (plain)
			out[n++] = c;
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	out[n] = '\0';
}

/* What the element's results are called: by its own name, else by where it stands. */
static bool make_label(const struct group *group, const cJSON *element, char *out, size_t size)
{
	const char *path = text_of(group->entry, "named_by");
	char *name = path ? json_path_string(element, path) : NULL;

	out[0] = '\0';
	if (name)
		make_slug(name, out, size);
	free(name);
	if (out[0])
		return true;
	snprintf(out, size, "%d", group->count);
	return false;
}

static int collect_members(
	struct group *group, const cJSON *element, const char *label, const char *id)
{
	int place = 0;

	for (const cJSON *member = group->each->child; member; member = member->next, place++) {
		const char *name = text_of(member, "name");
		char whole[2 * LABEL_MAX];
		struct collector collector = {
			.list = group->list,
			.kind = kind_from(text_of(member, "kind")),
			.label = whole,
			.id = id,
			.number = group->first + (group->count - 1) * group->members + place,
			.once = true,
		};

		snprintf(whole, sizeof(whole), "%s%s%s", label, name ? "-" : "", name ? name : "");
		int r = walk(element, member, collect, &collector, &collector.found);
		if (r < 0)
			return r;
		/* Without its first member the element is not there yet. */
		if (place == 0 && collector.found == 0)
			return 0;
		group->found += collector.found;
	}
	return 0;
}

static int collect_element(const cJSON *element, void *user)
{
	struct group *group = user;
	char label[LABEL_MAX];
	int r;

	if (group->list->count >= RESULTS_MAX)
		return 0;
	group->count++;
	char *id = json_first_string(element, cJSON_GetObjectItemCaseSensitive(group->entry, "id"));
	struct poll_result *same = make_label(group, element, label, sizeof(label))
					   ? find_label(group->list, label)
					   : NULL;
	if (same)
		r = lend_id(same, id);
	else
		r = collect_members(group, element, label, id);
	free(id);
	return r;
}

/* `next` is the number of the next result, and moved on. */
static int collect_entry(const cJSON *entry, const cJSON *root, struct result_list *list, int *next)
{
	const cJSON *each = cJSON_GetObjectItemCaseSensitive(entry, "each");
	struct collector single = {
		.list = list,
		.kind = kind_from(text_of(entry, "kind")),
		.label = text_of(entry, "name"),
		.number = *next,
	};
	struct group group = {
		.list = list,
		.entry = entry,
		.each = each,
		.first = *next,
		.members = cJSON_GetArraySize(each),
	};
	int r;

	if (each) {
		r = walk(root, entry, collect_element, &group, &group.found);
		*next = group.first + group.count * group.members;
	} else {
		r = walk(root, entry, collect, &single, &single.found);
		*next = single.number;
	}
	return r;
}

static int collect_all(
	const cJSON *entries, const cJSON *root, bool mirrors, bool early, struct result_list *list)
{
	const cJSON *entry;
	int next = 1, r = 0;

	cJSON_ArrayForEach(entry, entries)
	{
		bool mirror = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "mirror"));
		bool soon = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "early"));

		if (r == 0 && mirror == mirrors && (soon || !early))
			r = collect_entry(entry, root, list, &next);
	}
	return r;
}

int results_read(const struct model *model, const cJSON *root, bool early, struct result_list *out)
{
	const cJSON *entries = model->results ? model->results : model->service->results;
	struct result_list list = {0};

	int r = collect_all(entries, root, false, early, &list);
	if (r == 0 && list.count == 0)
		r = collect_all(entries, root, true, early, &list);
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
		free(list->items[i].id);
	}
	free(list->items);
	free(list->message);
	*list = (struct result_list){0};
}
