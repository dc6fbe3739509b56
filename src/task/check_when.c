/* What a field may be, and must be, where other fields say something. See condition.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allowed.h"
#include "check_value.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/check.h"
#include "kiefs/condition.h"
#include "kiefs/findings.h"

#define TEXT_MAX (1u << 16)

/* The condition in words and, where these do not say it already, how things stand: heap. */
static char *say(const cJSON *condition, const struct level *level, const char *joint)
{
	struct buf words, state;
	char *text = NULL;

	condition = condition_cause(condition, level);
	buf_init(&words, TEXT_MAX);
	buf_init(&state, TEXT_MAX);
	condition_words(condition, &words);
	condition_state(condition, level, &state);
	if (words.data && state.data && strcmp(words.data, state.data) != 0)
		buf_addf(&words, "%s%s", joint, state.data);
	if (words.error == 0 && state.error == 0)
		text = buf_take(&words);
	buf_finish(&words);
	buf_finish(&state);
	return text;
}

/* "mode or n": what a person could change instead. */
static void add_names(const cJSON *condition, struct buf *out)
{
	const cJSON *one = cJSON_IsArray(condition) ? condition->child : condition;

	for (; one; one = cJSON_IsArray(condition) ? one->next : NULL)
		for (const cJSON *i = one->child; i; i = i->next)
			if (out->len == 0 || !strstr(out->data, i->string))
				buf_addf(out, "%s%s", out->len > 0 ? " or " : "", i->string);
}

/* What may be given as things stand: a list that a limit narrows, or the field's own. */
static const struct field *narrowed(const struct field *field, const struct level *level)
{
	for (size_t i = 0; i < field->limit_count; i++)
		if (field->limits[i].field->values && !field->limits[i].warn &&
			condition_test(field->limits[i].when, level) == VERDICT_YES)
			return field->limits[i].field;
	return field;
}

static int check_required(const struct field *field, const struct level *level, const char *path,
	struct findings *findings)
{
	char *why, *allowed;
	int r = 0;

	if (!field->required_when ||
		value_is_filled(cJSON_GetObjectItemCaseSensitive(level->object, field->name)) ||
		condition_test(field->required_when, level) != VERDICT_YES)
		return 0;
	why = say(field->required_when, level, ", and ");
	allowed = allowed_describe(narrowed(field, level));
	if (why && allowed)
		findings_value(findings, "%s is missing. It is required when %s: give %s.", path,
			why, allowed);
	else
		r = -ENOMEM;
	free(why);
	free(allowed);
	return r;
}

/* The default, or a switch that is off, says no more than leaving the field out. */
static bool says_nothing(const struct field *field, const cJSON *value)
{
	return cJSON_IsFalse(value) || (field->initial && check_same(field->initial, value));
}

static int check_company(const struct field *field, const struct level *level, const cJSON *value,
	const char *path, struct findings *findings)
{
	struct buf names;
	char *why;

	if (says_nothing(field, value) || condition_test(field->only_when, level) != VERDICT_NO)
		return 0;
	why = say(field->only_when, level, ", but ");
	buf_init(&names, TEXT_MAX);
	add_names(field->only_when, &names);
	if (why && names.data)
		findings_value(findings, "%s is only allowed when %s. Leave %s out, or change %s.",
			path, why, field->name, names.data);
	int r = why && names.data ? 0 : -ENOMEM;
	buf_finish(&names);
	free(why);
	return r;
}

static int check_use(const struct field *field, const struct level *level, const cJSON *value,
	const char *path, struct findings *findings)
{
	char *why;

	/* Of what the API demands all the same there is nothing to say. */
	if (!field->unused_when || field->required || says_nothing(field, value) ||
		condition_test(field->unused_when, level) != VERDICT_YES)
		return 0;
	why = say(field->unused_when, level, ", and ");
	if (!why)
		return -ENOMEM;
	findings_warn(findings, "%s is not used when %s. It was sent as it is.", path, why);
	free(why);
	return 0;
}

/* Whether the value was refused before: then only that is to be mended first. */
static int is_refused(const struct field *field, cJSON *value, const char *path)
{
	struct findings scratch;

	findings_init(&scratch, false);
	int r = check_value(field, value, path, &scratch);
	if (r == 0)
		r = scratch.fault_count > 0;
	findings_finish(&scratch);
	return r;
}

static int check_limits(const struct field *field, const struct level *level, cJSON *value,
	const char *path, struct findings *findings)
{
	int r = field->limit_count > 0 ? is_refused(field, value, path) : 1;

	if (r != 0)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < field->limit_count && r == 0; i++) {
		const struct limit *limit = &field->limits[i];
		char *why, *reason = NULL;

		if (condition_test(limit->when, level) != VERDICT_YES)
			continue;
		why = say(limit->when, level, ", and ");
		if (!why || asprintf(&reason, "That is so when %s.", why) < 0) {
			free(why);
			return -ENOMEM;
		}
		findings->reason = reason;
		findings->soft = limit->warn;
		r = check_value(limit->field, value, path, findings);
		findings->reason = NULL;
		findings->soft = false;
		free(reason);
		free(why);
	}
	return r;
}

/* The objects in a value, at any depth of arrays. */
static int check_held(const struct field *field, const struct level *outer, const cJSON *value,
	const char *path, struct findings *findings)
{
	size_t at = 0;
	int r = 0;

	if (cJSON_IsArray(value) && field->item) {
		const cJSON *one;

		cJSON_ArrayForEach(one, value)
		{
			char inner[PATH_SIZE];

			snprintf(inner, sizeof(inner), "%.220s[%zu]", path, at++);
			r = check_held(field->item, outer, one, inner, findings);
			if (r < 0)
				return r;
		}
	}
	struct level level = {field->members, field->member_count, value, outer};
	for (size_t i = 0; cJSON_IsObject(value) && i < field->member_count; i++) {
		char inner[PATH_SIZE];

		snprintf(inner, sizeof(inner), "%.160s.%.80s", path, field->members[i].name);
		r = check_when(&field->members[i], &level, inner, findings);
		if (r < 0)
			return r;
	}
	return 0;
}

int check_when(const struct field *field, const struct level *level, const char *path,
	struct findings *findings)
{
	cJSON *value = cJSON_GetObjectItemCaseSensitive(level->object, field->name);
	int r = check_required(field, level, path, findings);

	if (r < 0 || !value_is_filled(value))
		return r;
	r = check_company(field, level, value, path, findings);
	if (r == 0)
		r = check_use(field, level, value, path, findings);
	if (r == 0)
		r = check_limits(field, level, value, path, findings);
	return r < 0 ? r : check_held(field, level, value, path, findings);
}
