#include "format.h"

#include "kiefs/catalogue.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The first of each kind is its default. */
static const struct {
	const char *word; /* how the value that asks for it begins */
	struct format format;
} formats[] = {
	{"png", {FORMAT_PNG, "image", "png", "image/png"}},
	{"jp", {FORMAT_JPEG, "image", "jpg", "image/jpeg"}},
	{"webp", {FORMAT_WEBP, "image", "webp", "image/webp"}},
	{"mp4", {FORMAT_MP4, "video", "mp4", "video/mp4"}},
	{"mov", {FORMAT_MOV, "video", "mov", "video/quicktime"}},
	{"mp3", {FORMAT_MP3, "audio", "mp3", "audio/mpeg"}},
	{"wav", {FORMAT_WAV, "audio", "wav", "audio/wav"}},
	{"pcm", {FORMAT_WAV, "audio", "wav", "audio/wav"}},
	{"json", {FORMAT_JSON, "json", "json", "application/json"}},
	{"txt", {FORMAT_TEXT, "text", "txt", "text/plain; charset=utf-8"}},
};

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

static const struct format *format_by_word(const char *kind, const cJSON *value)
{
	for (size_t i = 0; cJSON_IsString(value) && i < FORMAT_COUNT; i++) {
		if (strcmp(formats[i].format.kind, kind) == 0 &&
			strncasecmp(value->valuestring, formats[i].word, strlen(formats[i].word)) ==
				0)
			return &formats[i].format;
	}
	return NULL;
}

const struct format *format_of(const char *kind, const struct model *model, const cJSON *input)
{
	const struct format *found = NULL;
	const cJSON *item;

	cJSON_ArrayForEach(item, input)
	{
		if (!found && strstr(item->string, "format"))
			found = format_by_word(kind, item);
	}
	for (size_t i = 0; !found && model && i < model->field_count; i++) {
		if (strstr(model->fields[i].name, "format"))
			found = format_by_word(kind, model->fields[i].initial);
	}
	for (size_t i = 0; !found && i < FORMAT_COUNT; i++) {
		if (strcmp(formats[i].format.kind, kind) == 0)
			found = &formats[i].format;
	}
	return found ? found : &formats[0].format;
}

const struct format *format_by_extension(const char *extension)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		if (strcmp(formats[i].format.extension, extension) == 0)
			return &formats[i].format;
	}
	return NULL;
}

static bool read_shape(const char *text, int *width, int *height)
{
	static const struct {
		const char *word;
		int width, height;
	} words[] = {{"portrait", 9, 16}, {"landscape", 16, 9}, {"square", 1, 1}};
	char after;

	if (sscanf(text, "%4d%*1[:xX*]%4d%c", width, height, &after) == 2)
		return *width > 0 && *height > 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i].word);
		int a;
		int b;

		if (strncmp(text, words[i].word, len) != 0)
			continue;
		*width = words[i].width;
		*height = words[i].height;
		if (sscanf(text + len, "_%2d_%2d", &a, &b) == 2 && a > 0 && b > 0) {
			bool tall = words[i].height > words[i].width;
			int low = a < b ? a : b;
			int high = a < b ? b : a;

			*width = tall ? low : high;
			*height = tall ? high : low;
		}
		return true;
	}
	return false;
}

static int round_to(double value, int grain)
{
	int rounded = (int)(value / grain + 0.5) * grain;

	return rounded < grain * 4 ? grain * 4 : rounded;
}

void format_size(const cJSON *input, int long_side, int grain, int *width, int *height)
{
	int w = 1;
	int h = 1;
	const cJSON *item;

	cJSON_ArrayForEach(item, input)
	{
		if (cJSON_IsString(item) && strlen(item->valuestring) < 20 &&
			read_shape(item->valuestring, &w, &h))
			break;
	}
	if (item == NULL)
		w = h = 1;
	*width = round_to(w >= h ? long_side : (double)long_side * w / h, grain);
	*height = round_to(h >= w ? long_side : (double)long_side * h / w, grain);
}

/* An address is no text to show. */
static bool is_shown(const char *text)
{
	return !strstr(text, "://");
}

static void look_for_words(const cJSON *item, const char **best)
{
	const cJSON *member;

	if (cJSON_IsString(item) && is_shown(item->valuestring) &&
		strlen(item->valuestring) > strlen(*best))
		*best = item->valuestring;
	cJSON_ArrayForEach(member, item) look_for_words(member, best);
}

const char *format_words(const cJSON *input)
{
	const char *best = "";
	const cJSON *prompt = cJSON_GetObjectItemCaseSensitive(input, "prompt");

	if (cJSON_IsString(prompt) && prompt->valuestring[0])
		return prompt->valuestring;
	look_for_words(input, &best);
	return best;
}
