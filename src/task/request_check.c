#include <stdio.h>

#include "kiefs/catalogue.h"
#include "kiefs/check.h"
#include "kiefs/condition.h"
#include "kiefs/findings.h"
#include "request_parts.h"

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
		struct level level = {model->fields, model->field_count, draft->input, NULL};

		path_of(draft, model->fields[i].name, path);
		r = check_when(&model->fields[i], &level, path, findings);
		if (r < 0)
			return r;
	}
	return check_rules(model, draft->input, findings);
}
