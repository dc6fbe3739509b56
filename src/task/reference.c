#include "kiefs/reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kiefs/buf.h"
#include "kiefs/check.h"
#include "kiefs/json.h"

/* A place or path longer than this is no field's (bytes). */
#define PLACE_MAX 4096

void references_finish(struct references *references)
{
	for (size_t i = 0; i < references->count; i++) {
		free(references->list[i].place);
		free(references->list[i].path);
		free(references->list[i].name);
		free(references->list[i].index_place);
	}
	free(references->list);
	*references = (struct references){0};
}

bool reference_is_name(const struct field *field, const char *text)
{
	if (!*text || strstr(text, "://") || strncasecmp(text, "data:", 5) == 0)
		return false;
	if (field->scheme && strncmp(text, field->scheme, strlen(field->scheme)) == 0)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* Where the walk is. */
struct walk {
	const struct field *owner;
	const char *place, *path;
	bool implied, derived;
	struct references *out;
};

static int add(
	const struct walk *walk, const struct field *field, enum input_kind kind, const char *name)
{
	struct references *out = walk->out;
	struct reference *grown;

	if (out->count == INPUTS_MAX)
		return -E2BIG;
	grown = realloc(out->list, (out->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	out->list = grown;
	grown[out->count] = (struct reference){.kind = kind,
		.place = strdup(walk->place),
		.path = strdup(walk->path),
		.name = strdup(name),
		.implied = walk->implied,
		.derived = walk->derived,
		.field = field,
		.owner = walk->owner};
	struct reference *last = &grown[out->count++];
	return last->place && last->path && last->name ? 0 : -ENOMEM;
}

static int visit(const struct walk *walk, const struct field *field, const cJSON *value);

/* One step down: `key` of an object, or (NULL) `index` of an array. */
static int descend(const struct walk *walk, const struct field *field, const cJSON *value,
	const char *key, size_t index)
{
	struct walk inner = *walk;
	struct buf place, path;
	char digits[24];
	int r;

	snprintf(digits, sizeof(digits), "%zu", index);
	buf_init(&place, PLACE_MAX);
	buf_init(&path, PLACE_MAX);
	buf_adds(&place, walk->place);
	r = json_place_add(&place, key ? key : digits);
	if (key)
		buf_addf(&path, "%s%s%s", walk->path, *walk->path ? "." : "", key);
	else
		buf_addf(&path, "%s[%zu]", walk->path, index);
	if (r == 0)
		r = path.error;
	if (r == 0) {
		inner.place = place.data;
		inner.path = path.data;
		r = visit(&inner, field, value);
	}
	buf_finish(&place);
	buf_finish(&path);
	return r;
}

static int visit_array(const struct walk *walk, const struct field *field, const cJSON *array)
{
	const struct field *element = field->item ? field->item : field;
	const cJSON *value;
	size_t index = 0;
	int r = 0;

	cJSON_ArrayForEach(value, array)
	{
		if (r == 0)
			r = descend(walk, element, value, NULL, index++);
	}
	return r;
}

static int visit(const struct walk *walk, const struct field *field, const cJSON *value)
{
	int r = 0;

	if (cJSON_IsArray(value))
		return visit_array(walk, field, value);
	for (size_t i = 0; cJSON_IsObject(value) && r == 0 && i < field->member_count; i++) {
		const struct field *member = &field->members[i];
		const cJSON *inner = cJSON_GetObjectItemCaseSensitive(value, member->name);

		if (inner)
			r = descend(walk, member, inner, member->name, 0);
	}
	if (!cJSON_IsString(value) || check_listed(field->also, value) ||
		check_listed(field->values, value))
		return r;
	if (field->media != MEDIA_NONE && reference_is_name(field, value->valuestring))
		return add(walk, field, INPUT_MEDIA, value->valuestring);
	if ((field->track || field->task) && *value->valuestring)
		return add(
			walk, field, field->track ? INPUT_TRACK : INPUT_TASK, value->valuestring);
	return r;
}

/* A result that is named as a task says which one too, where the service has a field for that. */
static int add_index_places(
	const struct model *model, const cJSON *input, const char *prefix, struct references *out)
{
	const struct field *field = model_result_index(model);
	struct buf place;
	int r = 0;

	if (!field || cJSON_GetObjectItemCaseSensitive(input, field->name))
		return 0;
	for (size_t i = 0; i < out->count && r == 0; i++) {
		if (out->list[i].kind != INPUT_TASK)
			continue;
		buf_init(&place, PLACE_MAX);
		buf_adds(&place, prefix);
		r = json_place_add(&place, field->name);
		if (r == 0)
			out->list[i].index_place = buf_take(&place);
		buf_finish(&place);
	}
	return r;
}

int references_collect(const struct model *model, const cJSON *input, const char *prefix,
	const cJSON *implied, const cJSON *derived, struct references *out)
{
	struct references found = {0};
	int r = 0;

	for (size_t i = 0; i < model->field_count && r == 0; i++) {
		const struct field *field = &model->fields[i];
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(input, field->name);
		const struct walk walk = {.owner = field,
			.place = prefix,
			.path = "",
			.implied = cJSON_GetObjectItemCaseSensitive(implied, field->name),
			.derived = cJSON_GetObjectItemCaseSensitive(derived, field->name),
			.out = &found};

		if (value)
			r = descend(&walk, field, value, field->name, 0);
	}
	if (r == 0)
		r = add_index_places(model, input, prefix, &found);
	if (r < 0)
		references_finish(&found);
	else
		*out = found;
	return r;
}
