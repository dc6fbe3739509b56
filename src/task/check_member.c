#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allowed.h"
#include "check_value.h"
#include "kiefs/catalogue.h"
#include "kiefs/check.h"
#include "kiefs/findings.h"
#include "kiefs/word.h"

static const struct field *find(const struct field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static int refuse_missing(const struct field *field, const struct field *siblings,
	size_t sibling_count, const cJSON *object, const char *path, struct findings *findings)
{
	char hint[2 * SHOWN_SIZE] = "", shown[SHOWN_SIZE];
	char *allowed = allowed_describe(field);
	const cJSON *member;

	if (!allowed)
		return -ENOMEM;

	cJSON_ArrayForEach(member, object)
	{
		if (!find(siblings, sibling_count, member->string) &&
			word_distance(member->string, field->name) != SIZE_MAX)
			snprintf(hint, sizeof(hint), " Is %s meant to be it?",
				show_name(member->string, shown));
	}
	findings_value(findings, "%s is missing and required: give %s.%s", path, allowed, hint);
	free(allowed);
	return 0;
}

static bool empty_choice(const struct field *field, const cJSON *value)
{
	return cJSON_IsString(value) && !*value->valuestring && !field->required &&
	       (field->media != MEDIA_NONE || field->values || field->numeric_string) &&
	       !check_listed(field->values, value) && !check_listed(field->also, value);
}

int check_member(const struct field *field, const struct field *siblings, size_t sibling_count,
	cJSON *object, const char *path, struct findings *findings)
{
	cJSON *value = cJSON_GetObjectItemCaseSensitive(object, field->name);

	if (value && empty_choice(field, value)) {
		findings_warn(findings, "%s is empty and was left out, since %s.", path,
			field->numeric_string ? "that is no number" : "the API refuses it empty");
		cJSON_Delete(cJSON_DetachItemViaPointer(object, value));
		return 0;
	}
	if (value && cJSON_IsNull(value)) {
		cJSON_Delete(cJSON_DetachItemViaPointer(object, value));
		return field->required ? refuse_missing(field, siblings, sibling_count, object,
						 path, findings)
				       : 0;
	}
	if (value)
		return check_value(field, value, path, findings);
	if (!field->required)
		return 0;
	if (!field->initial || cJSON_IsNull(field->initial))
		return refuse_missing(field, siblings, sibling_count, object, path, findings);
	cJSON *copy = cJSON_Duplicate(field->initial, true);
	if (!copy || !cJSON_AddItemToObject(object, field->name, copy)) {
		cJSON_Delete(copy);
		return -ENOMEM;
	}
	return 0;
}

void check_unknown(const struct field *fields, size_t count, const cJSON *object, const char *path,
	struct findings *findings)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, object)
	{
		char name[SHOWN_SIZE], hint[SHOWN_SIZE] = "";
		size_t nearest = SIZE_MAX;

		if (find(fields, count, member->string))
			continue;
		for (size_t i = 0; i < count && !findings_warnings_full(findings); i++) {
			size_t distance = word_distance(member->string, fields[i].name);
			if (distance < nearest) {
				nearest = distance;
				snprintf(hint, sizeof(hint), " Did you mean %.200s?",
					fields[i].name);
			}
		}
		findings_warn(findings,
			"%s%s%s is not a field that the catalogue knows; it was sent as it is.%s",
			path, *path ? "." : "", show_name(member->string, name), hint);
	}
}

int check_members(
	const struct field *field, cJSON *object, const char *path, struct findings *findings)
{
	for (size_t i = 0; i < field->member_count; i++) {
		char inner[PATH_SIZE];
		int r;

		snprintf(inner, sizeof(inner), "%.160s.%.80s", path, field->members[i].name);
		r = check_member(&field->members[i], field->members, field->member_count, object,
			inner, findings);
		if (r < 0)
			return r;
	}
	if (field->member_count > 0)
		check_unknown(field->members, field->member_count, object, path, findings);
	return 0;
}
