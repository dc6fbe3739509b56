#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/check.h"
#include "kiefs/findings.h"
#include "request_parts.h"

/* Given, and with something in it. */
static bool is_present(const cJSON *input, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(input, name);

	if (!value || cJSON_IsNull(value))
		return false;
	if (cJSON_IsString(value))
		return *value->valuestring;
	return !cJSON_IsArray(value) || value->child;
}

static bool is_whole(const cJSON *input, const cJSON *set)
{
	const cJSON *name;

	cJSON_ArrayForEach(name, set)
	{
		if (!cJSON_IsString(name) || !is_present(input, name->valuestring))
			return false;
	}
	return true;
}

/* "prompt, or image_url + mask_url" */
static void list_sets(const cJSON *sets, struct buf *out)
{
	const cJSON *set, *name;

	cJSON_ArrayForEach(set, sets)
	{
		if (set != sets->child)
			buf_adds(out, set->next ? ", " : ", or ");
		cJSON_ArrayForEach(name, set)
		{
			buf_addf(out, "%s%s", name == set->child ? "" : " + ",
				cJSON_IsString(name) ? name->valuestring : "");
		}
	}
}

static int check_sets(
	const cJSON *sets, const cJSON *input, bool only_one, struct findings *findings)
{
	struct buf names;
	const cJSON *set;
	size_t whole = 0;
	char *text;

	cJSON_ArrayForEach(set, sets)
	{
		whole += is_whole(input, set);
	}
	if (!sets || !sets->child || whole == 1 || (whole > 1 && !only_one))
		return 0;
	buf_init(&names, 1u << 16);
	list_sets(sets, &names);
	text = buf_take(&names);
	if (!text)
		return -ENOMEM;
	if (whole == 0)
		findings_value(findings, "Something is missing: give %s of these: %s.",
			only_one ? "exactly one" : "at least one", text);
	else
		findings_value(findings, "Only one of these may be given: %s. Keep one.", text);
	free(text);
	return 0;
}

/* A field that goes only with certain values of another one. */
static int check_company(const struct model *model, const struct field *field, const cJSON *input,
	const char *path, struct findings *findings)
{
	const cJSON *needed;

	cJSON_ArrayForEach(needed, field->only_with)
	{
		const struct field *other = model_field(model, needed->string);
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(input, needed->string);
		char shown[SHOWN_SIZE];
		struct buf allowed;
		char *text;

		if (!value && other)
			value = other->initial;
		if (!value || check_listed(needed, value))
			continue;
		buf_init(&allowed, 1u << 16);
		show_list(needed, &allowed);
		text = buf_take(&allowed);
		if (!text)
			return -ENOMEM;
		findings_value(findings,
			"%s is only allowed when %s is %s, but that is %s. Leave %s out, or change "
			"%s.",
			path, needed->string, text, show_value(value, shown), field->name,
			needed->string);
		free(text);
	}
	return 0;
}

static void path_of(const struct draft *draft, const char *name, char path[SHOWN_SIZE])
{
	bool defaulted = cJSON_GetObjectItemCaseSensitive(draft->defaulted, name);

	snprintf(path, SHOWN_SIZE, "%s%.200s", defaulted ? "defaults.json: " : "", name);
}

int draft_check(const struct model *model, struct draft *draft, struct findings *findings)
{
	char path[SHOWN_SIZE];
	int r;

	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		path_of(draft, field->name, path);
		r = check_member(
			field, model->fields, model->field_count, draft->input, path, findings);
		if (r < 0)
			return r;
	}
	check_unknown(model->fields, model->field_count, draft->input, "", findings);
	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		if (!field->only_with || !is_present(draft->input, field->name))
			continue;
		path_of(draft, field->name, path);
		r = check_company(model, field, draft->input, path, findings);
		if (r < 0)
			return r;
	}
	r = check_sets(model->any_of, draft->input, false, findings);
	return r < 0 ? r : check_sets(model->one_of, draft->input, true, findings);
}
