/* What a request does not name but means: files beside it, and the task whose track it names. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/media.h"
#include "kiefs/request.h"
#include "request_parts.h"

int draft_read_file(const struct model *model, const char *name, size_t len, struct draft *draft)
{
	const struct field *field = model_single(model);
	char *text = strndup(name, len);
	cJSON *value = text ? cJSON_CreateString(text) : NULL;
	cJSON *input = cJSON_CreateObject();

	free(text);
	if (value && field->type == FIELD_ARRAY) {
		cJSON *array = cJSON_CreateArray();
		if (array)
			cJSON_AddItemToArray(array, value);
		else
			cJSON_Delete(value);
		value = array;
	}
	if (input && value && cJSON_AddItemToObject(input, field->name, value)) {
		draft->input = input;
		return 0;
	}
	cJSON_Delete(value);
	cJSON_Delete(input);
	return -ENOMEM;
}

/* How far the files beside the request are given out, by kind. */
struct given {
	size_t from[MEDIA_FILE + 1]; /* the next of `siblings` */
	int to_come[MEDIA_FILE + 1]; /* the next number of a file that is still to come */
};

/* The next file of the kind that no other field has taken yet; NULL: there is none. */
static const char *next_sibling(
	const struct request_rules *rules, enum media_kind kind, struct given *given)
{
	while (given->from[kind] < rules->sibling_count) {
		const char *name = rules->siblings[given->from[kind]++];

		if (kind == MEDIA_FILE || media_of_name(name) == kind)
			return name;
	}
	return NULL;
}

/* Whether a file of the kind has this name, with whatever extension. */
static bool is_beside(const struct request_rules *rules, enum media_kind kind, const char *stem)
{
	size_t len = strlen(stem);

	for (size_t i = 0; i < rules->sibling_count; i++) {
		const char *name = rules->siblings[i];

		if (strncmp(name, stem, len) == 0 && name[len] == '.' &&
			(kind == MEDIA_FILE || media_of_name(name) == kind))
			return true;
	}
	return false;
}

/* What the next file would be called that is still to come: "fox.png", "fox-1.png". No two fields
 * wait for the same one. */
static void name_to_come(const struct request_rules *rules, enum media_kind kind,
	struct given *given, char *out, size_t size)
{
	const char *extension = media_extension(kind);

	do {
		int number = given->to_come[kind]++;

		if (number > 0)
			snprintf(out, size, "%s-%d", rules->stem, number);
		else
			snprintf(out, size, "%s", rules->stem);
	} while (is_beside(rules, kind, out));
	size_t len = strlen(out);
	snprintf(out + len, size - len, ".%s", extension);
}

static int fill_array(const struct field *field, const struct request_rules *rules,
	struct given *given, cJSON *array)
{
	enum media_kind kind = field_media(field);
	long least = field->min_items > 1 ? field->min_items : 1;
	long most = field->max_items >= 0 ? field->max_items : INPUTS_MAX;
	char to_come[512];

	for (long i = 0; i < most; i++) {
		const char *name = next_sibling(rules, kind, given);

		if (!name && i >= least)
			break;
		if (!name) {
			name_to_come(rules, kind, given, to_come, sizeof(to_come));
			name = to_come;
		}
		cJSON *value = cJSON_CreateString(name);
		if (!value)
			return -ENOMEM;
		cJSON_AddItemToArray(array, value);
	}
	return 0;
}

static int imply(const struct field *field, const struct request_rules *rules, struct given *given,
	struct draft *draft)
{
	enum media_kind kind = field_media(field);
	const char *name;
	char to_come[512];
	cJSON *value;

	if (field->type == FIELD_ARRAY) {
		value = cJSON_AddArrayToObject(draft->input, field->name);
		if (!value || fill_array(field, rules, given, value) < 0)
			return -ENOMEM;
	} else {
		name = next_sibling(rules, kind, given);
		if (!name) {
			name_to_come(rules, kind, given, to_come, sizeof(to_come));
			name = to_come;
		}
		if (!cJSON_AddStringToObject(draft->input, field->name, name))
			return -ENOMEM;
	}
	return cJSON_AddTrueToObject(draft->implied, field->name) ? 0 : -ENOMEM;
}

static bool is_given(const struct draft *draft, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(draft->input, name);
}

/* How many files lie there for the set's missing fields; -1: it lacks something that is no file. */
static int set_score(const struct model *model, const struct draft *draft,
	const struct request_rules *rules, const cJSON *set)
{
	struct given given = {0};
	const cJSON *name;
	int score = 0;

	cJSON_ArrayForEach(name, set)
	{
		const struct field *field = model_field(model, name->valuestring);

		if (is_given(draft, name->valuestring))
			continue;
		if (!field || field_media(field) == MEDIA_NONE || field->only_when)
			return -1;
		score += next_sibling(rules, field_media(field), &given) != NULL;
	}
	return score;
}

static size_t count_missing(const struct draft *draft, const cJSON *set)
{
	const cJSON *name;
	size_t missing = 0;

	cJSON_ArrayForEach(name, set)
	{
		missing += !is_given(draft, name->valuestring);
	}
	return missing;
}

/* Whether some of it is given, and some is not. */
static bool is_begun(const struct draft *draft, const cJSON *set)
{
	size_t missing = count_missing(draft, set);

	return missing > 0 && missing < (size_t)cJSON_GetArraySize(set);
}

/* Of several sets of which one must be whole, the one that files lie there for, else the first. Of
 * those that exclude each other, one that the request has begun rules out the others. */
static int imply_set(const struct model *model, const cJSON *sets, bool exclusive,
	const struct request_rules *rules, struct given *given, struct draft *draft)
{
	const cJSON *set, *name, *best = NULL;
	bool begun = false;
	int best_score = -1;

	cJSON_ArrayForEach(set, sets)
	{
		if (count_missing(draft, set) == 0)
			return 0;
		begun = begun || (exclusive && is_begun(draft, set));
	}
	cJSON_ArrayForEach(set, sets)
	{
		int score =
			begun && !is_begun(draft, set) ? -1 : set_score(model, draft, rules, set);
		if (score > best_score) {
			best = set;
			best_score = score;
		}
	}
	cJSON_ArrayForEach(name, best)
	{
		int r = is_given(draft, name->valuestring)
				? 0
				: imply(model_field(model, name->valuestring), rules, given, draft);
		if (r < 0)
			return r;
	}
	return 0;
}

int draft_add_media(
	const struct model *model, const struct request_rules *rules, struct draft *draft)
{
	struct given given = {0};
	int r = 0;

	if (!rules || !rules->stem)
		return 0;
	draft->implied = cJSON_CreateObject();
	if (!draft->implied)
		return -ENOMEM;
	for (size_t i = 0; i < model->field_count && r == 0; i++) {
		const struct field *field = &model->fields[i];

		if (field->required && field_media(field) != MEDIA_NONE && !field->initial &&
			!is_given(draft, field->name))
			r = imply(field, rules, &given, draft);
	}
	if (r == 0)
		r = imply_set(model, model->any_of, false, rules, &given, draft);
	return r < 0 ? r : imply_set(model, model->one_of, true, rules, &given, draft);
}

/* The only field of its sort; NULL when there is none, or several. */
static const struct field *only_field(const struct model *model, bool track)
{
	const struct field *only = NULL;

	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		if (track ? !field->track : !field->task || field->track)
			continue;
		if (only)
			return NULL;
		only = field;
	}
	return only;
}

int draft_add_task(const struct model *model, struct draft *draft)
{
	const struct field *task = only_field(model, false), *track = only_field(model, true);
	const cJSON *named;

	if (!task || !track || task->type != FIELD_STRING || is_given(draft, task->name))
		return 0;
	named = cJSON_GetObjectItemCaseSensitive(draft->input, track->name);
	if (!cJSON_IsString(named) || !*named->valuestring)
		return 0;
	draft->derived = cJSON_CreateObject();
	if (!draft->derived || !cJSON_AddTrueToObject(draft->derived, task->name) ||
		!cJSON_AddStringToObject(draft->input, task->name, named->valuestring))
		return -ENOMEM;
	return 0;
}
