/* Fields that name an earlier task: whose tasks they take. */
#include "field_task.h"

#include <stddef.h>
#include <string.h>

#include "form.h"
#include "kiefs/catalogue.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct raw_task {
	const cJSON *services, *models;
};

static const struct form_key task_keys[] = {
	{"services", FORM_TEXTS, offsetof(struct raw_task, services), false},
	{"models", FORM_TEXTS, offsetof(struct raw_task, models), false},
};

/* Names are not looked up: the other file may not be read yet, or never be. */
int field_task_check(const struct scope *scope, const struct field *field, struct error *err)
{
	struct scope inner = {scope, "key", "task"};
	struct raw_task raw = {0};

	if (!field->task)
		return 0;
	int r = form_read(&inner, field->task, task_keys, COUNT(task_keys), &raw, err);
	if (r < 0)
		return r;
	if (!raw.services && !raw.models)
		return form_fail(&inner, err, "\"services\" or \"models\" must say whose tasks.");
	if (field->media != MEDIA_NONE)
		return form_fail(scope, err, "a field is not both \"task\" and \"media\".");
	return 0;
}

static bool fits(const char *pattern, const char *text)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return strncmp(pattern, text, len - 1) == 0;
	return strcmp(pattern, text) == 0;
}

static bool list_fits(const cJSON *list, const char *text)
{
	if (!list)
		return true;
	for (const cJSON *i = list->child; i; i = i->next)
		if (fits(i->valuestring, text))
			return true;
	return false;
}

const struct field *model_result_index(const struct model *model)
{
	for (size_t i = 0; i < model->field_count; i++)
		if (model->fields[i].result_index)
			return &model->fields[i];
	return NULL;
}

bool field_takes_task(const struct field *field, const struct model *model)
{
	return field->task &&
	       list_fits(cJSON_GetObjectItemCaseSensitive(field->task, "services"),
		       model->service->name) &&
	       list_fits(cJSON_GetObjectItemCaseSensitive(field->task, "models"), model->id);
}
