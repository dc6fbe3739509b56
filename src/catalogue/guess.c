#include "guess.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kiefs/buf.h"
#include "kiefs/utf8.h"

#define SAMPLE_PROMPT "A red kite over a green hill at noon."

static bool holds(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

const char *guess_media(const char *name)
{
	static const struct {
		const char *word, *media;
	} words[] = {
		{"image", "image"},
		{"frame", "image"},
		{"mask", "image"},
		{"photo", "image"},
		{"video", "video"},
		{"audio", "audio"},
		{"voice", "audio"},
		{"music", "audio"},
	};

	if (!holds(name, "url") || holds(name, "callback") || holds(name, "webhook"))
		return NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (holds(name, words[i].word))
			return words[i].media;
	return "file";
}

static const char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

	return text ? text : "";
}

static cJSON *guess_text(const cJSON *field)
{
	const cJSON *most = cJSON_GetObjectItemCaseSensitive(field, "max_length");
	const cJSON *least = cJSON_GetObjectItemCaseSensitive(field, "min_length");
	char text[] = SAMPLE_PROMPT;

	if (*text_of(field, "media")) {
		static const char *const names[][2] = {
			{"image", "https://example.com/kite.png"},
			{"video", "https://example.com/kite.mp4"},
			{"audio", "https://example.com/kite.mp3"},
		};
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strcmp(text_of(field, "media"), names[i][0]) == 0)
				return cJSON_CreateString(names[i][1]);
		return cJSON_CreateString("https://example.com/kite.zip");
	}
	if (cJSON_IsNumber(most) && most->valuedouble < (double)strlen(text))
		text[most->valueint < 0 ? 0 : most->valueint] = '\0';
	if (!cJSON_IsNumber(least) || least->valuedouble <= (double)strlen(text))
		return cJSON_CreateString(text);
	if (least->valuedouble > 4096)
		return cJSON_CreateString(text);
	/* Longer than the sentence: the sentence again. */
	char longer[4097 + sizeof(text)] = "";
	size_t len = 0;
	while (len < (size_t)least->valuedouble) {
		memcpy(longer + len, text, strlen(text) + 1);
		len += strlen(text);
		if (len == 0)
			break;
	}
	if (cJSON_IsNumber(most) && (double)len > most->valuedouble)
		longer[most->valueint] = '\0';
	return cJSON_CreateString(longer);
}

static cJSON *guess_array(const cJSON *field)
{
	const cJSON *least = cJSON_GetObjectItemCaseSensitive(field, "min_items");
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(field, "items");
	int count = cJSON_IsNumber(least) && least->valueint > 1 ? least->valueint : 1;
	cJSON *array = cJSON_CreateArray();

	for (int i = 0; array && i < count && i < 64; i++)
		cJSON_AddItemToArray(array, guess_value(items));
	return array;
}

static cJSON *guess_object(const cJSON *fields, bool with_prompt)
{
	const char *prompt = with_prompt ? guess_prompt(fields) : NULL;
	cJSON *object = cJSON_CreateObject();

	for (const cJSON *i = fields ? fields->child : NULL; object && i; i = i->next) {
		bool required = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(i, "required"));
		if (required || (prompt && strcmp(prompt, i->string) == 0))
			cJSON_AddItemToObject(object, i->string, guess_value(i));
	}
	return object;
}

cJSON *guess_value(const cJSON *field)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(field, "default");
	const cJSON *values = cJSON_GetObjectItemCaseSensitive(field, "values");
	const char *type = text_of(field, "type");

	if (!value && cJSON_IsArray(values))
		value = values->child;
	if (value)
		return cJSON_Duplicate(value, true);
	if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0) {
		const cJSON *least = cJSON_GetObjectItemCaseSensitive(field, "min");
		const cJSON *most = cJSON_GetObjectItemCaseSensitive(field, "max");
		double number = least ? least->valuedouble : 1;
		if (most && number > most->valuedouble)
			number = most->valuedouble;
		return cJSON_CreateNumber(number);
	}
	if (strcmp(type, "boolean") == 0)
		return cJSON_CreateFalse();
	if (strcmp(type, "array") == 0)
		return guess_array(field);
	if (strcmp(type, "object") == 0)
		return guess_object(cJSON_GetObjectItemCaseSensitive(field, "members"), false);
	return guess_text(field);
}

cJSON *guess_example(const cJSON *fields)
{
	return guess_object(fields, true);
}

const char *guess_prompt(const cJSON *fields)
{
	static const char *const names[] = {"prompt", "text", "lyrics", "description"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const cJSON *field = cJSON_GetObjectItemCaseSensitive(fields, names[i]);
		if (field && strcmp(text_of(field, "type"), "string") == 0)
			return names[i];
	}
	return NULL;
}

const char *guess_category(const char *word)
{
	static const char *const words[][2] = {
		{"video", "video"},
		{"image", "image"},
		{"audio", "audio"},
		{"music", "audio"},
		{"speech", "audio"},
		{"sound", "audio"},
		{"chat", "chat"},
	};
	const char *to = word ? strcasestr(word, "-to-") : NULL;

	/* "image-to-video" makes videos. */
	for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++)
		if (holds(to ? to : word, words[i][0]))
			return words[i][1];
	return "other";
}

const char *guess_output(const char *category)
{
	static const char *const same[] = {"image", "video", "audio"};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (strcmp(same[i], category) == 0)
			return same[i];
	return strcmp(category, "chat") == 0 ? "text" : NULL;
}

static size_t skip_markup(const char *text)
{
	static const char *const entities[] = {
		"&amp;", "&lt;", "&gt;", "&quot;", "&nbsp;", "&#39;"};
	const char *end;

	if (*text == '<' && (end = strchr(text, '>')))
		return (size_t)(end - text) + 1;
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (strncmp(text, entities[i], strlen(entities[i])) == 0)
			return strlen(entities[i]);
	return 0;
}

char *guess_plain(const char *text, size_t max)
{
	struct buf out;
	bool blank = false;

	buf_init(&out, max + 1);
	while (*text && out.len < max) {
		size_t markup = skip_markup(text);
		if (markup || (unsigned char)*text <= ' ') {
			blank = out.len > 0;
			text += markup ? markup : 1;
			continue;
		}
		if (blank && out.len + 1 < max)
			buf_adds(&out, " ");
		blank = false;
		buf_add(&out, text++, 1);
	}
	while (out.len > 0 && !utf8_is_valid(out.data, out.len))
		out.data[--out.len] = '\0';
	return buf_take(&out);
}
