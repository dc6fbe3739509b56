#include <string.h>

#include "check.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/media.h"
#include "words.h"

static bool in_prompt(const struct model *model, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(model->prompt, name);
}

static const struct field *field_of(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->field_count; i++)
		if (strcmp(model->fields[i].name, name) == 0)
			return &model->fields[i];
	return NULL;
}

/* Of the first set that files alone make whole, the first field that they fill. */
static const struct field *beside_of_sets(const struct model *model, const cJSON *sets)
{
	const cJSON *set, *name;

	cJSON_ArrayForEach(set, sets)
	{
		const struct field *first = NULL;
		bool fits = true;

		cJSON_ArrayForEach(name, set)
		{
			const struct field *field = field_of(model, name->valuestring);

			if (in_prompt(model, name->valuestring))
				continue;
			fits = fits && field && field_media(field) != MEDIA_NONE &&
			       !field->only_when;
			first = first ? first : field;
		}
		if (fits)
			return first;
	}
	return NULL;
}

const struct field *words_beside(const struct model *model)
{
	const struct field *found = NULL;

	if (!model->prompt)
		return NULL;
	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		if (field->required && !field->initial && field_media(field) != MEDIA_NONE &&
			!in_prompt(model, field->name))
			return field;
	}
	if (sets_met(model, model->prompt))
		return NULL;
	found = beside_of_sets(model, model->any_of);
	return found ? found : beside_of_sets(model, model->one_of);
}

static const struct field *first_media(const struct model *model)
{
	for (size_t i = 0; i < model->field_count; i++)
		if (field_media(&model->fields[i]) != MEDIA_NONE)
			return &model->fields[i];
	return NULL;
}

void words_alone(const struct model *model, const char *extension, struct buf *out)
{
	const struct field *field = model_single(model);

	if (!field)
		return;
	const char *given = media_extension(field_media(field));

	buf_addf(out,
		"Nothing but one file is needed here, so the file alone is a request:\n\n"
		"    cp ~/me.%s .\n"
		"    cat me.wait\n\n"
		"makes `me%s.%s`. With other settings it is JSON; write that before you copy the "
		"file that it names, or the file runs by itself as well.\n\n",
		given, strcmp(given, extension) == 0 ? "-1" : "", extension);
}

static void add_beside(const struct field *field, const char *extension, struct buf *out)
{
	const char *given = media_extension(field_media(field));

	buf_addf(out,
		"A prompt takes the file that has its name, for `%s`:\n\n"
		"    cp ~/me.%s first.%s\n"
		"    echo 'As if it were autumn.' > first.txt\n\n"
		"If it is not there yet, the task is `incomplete` and waits for it at no cost.",
		field->name, given, given);
	if (field->type == FIELD_ARRAY && field->max_items != 1)
		buf_addf(out, " Several are `first-1.%s`, `first-2.%s` and so on.", given, given);
	if (strcmp(given, extension) == 0)
		buf_addf(out, " The result then gets the next free name, `first-1.%s`.", extension);
	buf_adds(out, "\n\n");
}

void words_media(const struct model *model, const char *extension, struct buf *out)
{
	const struct field *field = first_media(model), *beside = words_beside(model);

	if (!field)
		return;
	const char *given = media_extension(field_media(field));
	bool array = field->type == FIELD_ARRAY;

	buf_adds(out, "\n## Files\n\n");
	if (beside)
		add_beside(beside, extension, out);
	buf_addf(out,
		"In JSON a file is given by its name, `\"%s\": %s\"me.%s\"%s`, or by a web "
		"address. A name is that of a file in this directory or in `uploads/`, a path "
		"(`../other/fox-1.%s`, `tasks/latest/result.%s`) or a result. The file is uploaded "
		"when the request is sent, and only once however many requests name it.\n",
		field->name, array ? "[" : "", given, array ? "]" : "", given, given);
}
