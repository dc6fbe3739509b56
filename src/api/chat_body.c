/* Turns of a conversation as a service wants them. */
#include "kiefs/chat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kiefs/catalogue.h"

/* What a template's words stand for; NULL: nothing. */
struct words {
	const char *text, *url, *type, *data;
	const cJSON *content;
};

static const cJSON *part(const struct model *model, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(model->service->chat, name);
}

const char *chat_list_name(const struct model *model)
{
	return cJSON_GetStringValue(part(model, "list"));
}

bool chat_takes_images(const struct model *model)
{
	return part(model, "image") != NULL;
}

static cJSON *word_value(const char *word, const struct words *words)
{
	const struct {
		const char *word, *text;
	} texts[] = {
		{"$text", words->text},
		{"$url", words->url},
		{"$type", words->type},
		{"$data", words->data},
	};

	if (strcmp(word, "$content") == 0 && words->content)
		return cJSON_Duplicate(words->content, true);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(word, texts[i].word) == 0)
			return cJSON_CreateString(texts[i].text ? texts[i].text : "");
	return cJSON_CreateString(word);
}

/* A copy of the template with its words replaced; NULL when out of memory. */
static cJSON *fill(const cJSON *template, const struct words *words)
{
	const cJSON *inner;
	cJSON *copy, *value;

	if (cJSON_IsString(template))
		return word_value(template->valuestring, words);
	if (!cJSON_IsObject(template) && !cJSON_IsArray(template))
		return cJSON_Duplicate(template, true);
	copy = cJSON_IsObject(template) ? cJSON_CreateObject() : cJSON_CreateArray();
	cJSON_ArrayForEach(inner, template)
	{
		value = copy ? fill(inner, words) : NULL;
		bool added = value && (cJSON_IsObject(copy) ? cJSON_AddItemToObject(
								      copy, inner->string, value)
							    : cJSON_AddItemToArray(copy, value));
		if (added)
			continue;
		cJSON_Delete(value);
		cJSON_Delete(copy);
		return NULL;
	}
	return copy;
}

/* Takes ownership of `item`, NULL being out of memory. */
static int append(cJSON *array, cJSON *item)
{
	if (item && cJSON_AddItemToArray(array, item))
		return 0;
	cJSON_Delete(item);
	return -ENOMEM;
}

/* "image/png" for an address or name that ends so; NULL: out of memory. */
static char *type_of_name(const char *name)
{
	static const struct {
		const char *extension, *type;
	} types[] = {
		{"jpg", "image/jpeg"},
		{"jpeg", "image/jpeg"},
		{"tif", "image/tiff"},
		{"svg", "image/svg+xml"},
	};
	const char *dot = strrchr(name, '.');
	char *type = NULL;

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(dot + 1, types[i].extension) == 0)
			return strdup(types[i].type);
	if (!dot || strlen(dot) > 6 || strchr(dot, '/'))
		dot = ".png";
	if (asprintf(&type, "image/%s", dot + 1) < 0)
		return NULL;
	for (char *at = type; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	return type;
}

static int append_image(const struct model *model, const char *url, cJSON *parts)
{
	struct words words = {.url = url};
	char *type = NULL;
	int r;

	/* "data:image/png;base64,..." */
	const char *comma = strncmp(url, "data:", 5) == 0 ? strchr(url, ',') : NULL;
	if (comma)
		words.data = comma + 1;
	type = comma ? strndup(url + 5, strcspn(url + 5, ";,")) : type_of_name(url);
	if (!type)
		return -ENOMEM;
	words.type = type;
	r = append(parts, fill(part(model, "image"), &words));
	free(type);
	return r;
}

/* One turn's content: bare text where the service takes that, else its parts. */
static int make_content(const struct model *model, const char *text, const char *const *images,
	size_t image_count, cJSON **out)
{
	const struct words words = {.text = text};
	int r = 0;

	if (image_count == 0 && cJSON_IsTrue(part(model, "bare"))) {
		*out = cJSON_CreateString(text);
		return *out ? 0 : -ENOMEM;
	}
	cJSON *parts = cJSON_CreateArray();
	if (!parts)
		return -ENOMEM;
	r = append(parts, fill(part(model, "text"), &words));
	for (size_t i = 0; r == 0 && i < image_count; i++)
		r = append_image(model, images[i], parts);
	if (r < 0)
		cJSON_Delete(parts);
	else
		*out = parts;
	return r;
}

static int add_turn(const struct model *model, const char *role, const char *text,
	const char *const *images, size_t image_count, cJSON *list)
{
	cJSON *content = NULL;
	int r = make_content(model, text, images, image_count, &content);

	if (r == 0) {
		const struct words words = {.text = text, .content = content};
		r = append(list, fill(part(model, role), &words));
	}
	cJSON_Delete(content);
	return r;
}

/* The system's text as a turn, as fields beside the list, or (`*fold`) before the first prompt. */
static int add_system(
	const struct model *model, const char *system, cJSON *input, cJSON *list, bool *fold)
{
	const cJSON *how = part(model, "system");
	const cJSON *turn = cJSON_GetObjectItemCaseSensitive(how, "turn");
	const cJSON *fields = cJSON_GetObjectItemCaseSensitive(how, "fields");
	const struct words words = {.text = system};
	const cJSON *field;

	*fold = !how;
	if (turn)
		return append(list, fill(turn, &words));
	cJSON_ArrayForEach(field, fields)
	{
		cJSON *value = fill(field, &words);
		if (!value || !cJSON_AddItemToObject(input, field->string, value)) {
			cJSON_Delete(value);
			return -ENOMEM;
		}
	}
	return 0;
}

static int add_turns(const struct model *model, const char *system, const struct chat_turn *turns,
	size_t count, cJSON *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct chat_turn *turn = &turns[i];
		char *both = NULL;
		size_t size = (system ? strlen(system) : 0) + strlen(turn->prompt) + 3;
		if (i == 0 && system) {
			both = malloc(size);
			if (!both)
				return -ENOMEM;
			strcpy(both, system);
			strcat(both, "\n\n");
			strcat(both, turn->prompt);
		}
		r = add_turn(model, "user", both ? both : turn->prompt, turn->images,
			turn->image_count, list);
		if (r == 0 && turn->reply)
			r = add_turn(model, "assistant", turn->reply, NULL, 0, list);
		free(both);
	}
	return r;
}

int chat_input(const struct model *model, const char *system, const struct chat_turn *turns,
	size_t count, cJSON **out)
{
	cJSON *input = cJSON_CreateObject();
	cJSON *list = cJSON_CreateArray();
	bool fold = false;
	int r = input && list ? 0 : -ENOMEM;

	if (r == 0 && system && *system)
		r = add_system(model, system, input, list, &fold);
	if (r == 0)
		r = add_turns(model, fold ? system : NULL, turns, count, list);
	if (r == 0 && !cJSON_AddItemToObject(input, chat_list_name(model), list))
		r = -ENOMEM;
	else if (r == 0)
		list = NULL;
	cJSON_Delete(list);
	if (r < 0)
		cJSON_Delete(input);
	else
		*out = input;
	return r;
}
