#include "seen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/file.h"
#include "kiefs/json.h"

#define TEXT_MAX (1u << 20)

int seen_text(const char *folder, const char *name, char **out)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct buf text;

	buf_init(&text, TEXT_MAX);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int r = file_read(path, &text);
	char *bytes = r == 0 ? buf_take(&text) : NULL;
	if (r == 0 && !bytes)
		r = -ENOMEM;
	buf_finish(&text);
	if (r < 0)
		return r;
	size_t len = strlen(bytes);
	if (len > 0 && bytes[len - 1] == '\n')
		bytes[len - 1] = '\0';
	*out = bytes;
	return 0;
}

static char *take_text(const cJSON *meta, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(meta, key));

	return strdup(text ? text : "");
}

static double take_number(const cJSON *meta, const char *key)
{
	const cJSON *value = cJSON_GetObjectItem(meta, key);

	return cJSON_IsNumber(value) ? value->valuedouble : -1;
}

static bool is_word(const char *state, const char *const *words)
{
	while (*words && strcmp(*words, state) != 0)
		words++;
	return *words;
}

static int take(const cJSON *meta, struct seen *out)
{
	static const char *const over[] = {
		"done", "failed", "lost", "cancelled", "uncertain", NULL};
	out->task = (int64_t)take_number(meta, "task");
	out->name = take_text(meta, "name");
	out->model = take_text(meta, "model");
	out->word = take_text(meta, "state");
	out->progress = (int)take_number(meta, "progress");
	out->price = take_number(meta, "credits");
	if (out->price < 0)
		out->price = take_number(meta, "price");
	if (!out->name || !out->model || !out->word)
		return -ENOMEM;
	out->over = is_word(out->word, over);
	out->done = strcmp(out->word, "done") == 0;
	return 0;
}

int seen_read(const char *folder, struct seen *out)
{
	struct seen seen = {0};
	cJSON *meta = NULL;
	char *text = NULL;
	int r = seen_text(folder, "meta.json", &text);

	/* Of a later moment than the rest: it may be ahead, and the next look catches up. */
	if (r == 0)
		r = seen_text(folder, "status", &seen.line);
	if (r == 0)
		r = json_parse(text, strlen(text), &meta, NULL);
	if (r == 0)
		r = take(meta, &seen);
	cJSON_Delete(meta);
	free(text);
	if (r < 0) {
		seen_finish(&seen);
		return r;
	}
	*out = seen;
	return 0;
}

char *seen_reason(const char *folder)
{
	char *text;

	if (seen_text(folder, "error", &text) < 0)
		return strdup("");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

void seen_finish(struct seen *seen)
{
	free(seen->name);
	free(seen->model);
	free(seen->line);
	free(seen->word);
	*seen = (struct seen){0};
}
