#include "model.h"

#include <string.h>

#include "check.h"
#include "condition_check.h"
#include "field.h"
#include "form.h"
#include "kiefs/catalogue.h"
#include "kiefs/condition.h"
#include "price_check.h"
#include "result_entry.h"
#include "rule.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ID_MAX 200

static const char *const categories[] = {"image", "video", "audio", "chat", "other"};
static const char *const outputs[] = {"image", "video", "audio", "text", "json"};

struct raw_model {
	const char *service;
	const cJSON *fields, *checks;
	struct model model;
};

#define RAW(member) offsetof(struct raw_model, member)
#define MODEL(member) offsetof(struct raw_model, model.member)

static const struct form_key keys[] = {
	{"title", FORM_TEXT, MODEL(title), true},
	{"name", FORM_TEXT, MODEL(name), false},
	{"provider", FORM_TEXT, MODEL(provider), false},
	{"category", FORM_TEXT, MODEL(category), true},
	{"output", FORM_TEXT, MODEL(output), true},
	{"multiple", FORM_FLAG, MODEL(multiple), false},
	{"retired", FORM_FLAG, MODEL(retired), false},
	{"open", FORM_FLAG, MODEL(open), false},
	{"note", FORM_TEXT, MODEL(note), false},
	{"as_of", FORM_TEXT, MODEL(as_of), false},
	{"service", FORM_TEXT, RAW(service), true},
	{"fields", FORM_OBJECT, RAW(fields), true},
	{"prompt", FORM_OBJECT, MODEL(prompt), false},
	{"any_of", FORM_LIST, MODEL(any_of), false},
	{"one_of", FORM_LIST, MODEL(one_of), false},
	{"checks", FORM_LIST, RAW(checks), false},
	{"rules", FORM_TEXTS, MODEL(rules), false},
	{"price", FORM_OBJECT, MODEL(price), false},
	{"example", FORM_OBJECT, MODEL(example), true},
	{"results", FORM_LIST, MODEL(results), false},
};

const struct field *model_field(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->field_count; i++)
		if (strcmp(model->fields[i].name, name) == 0)
			return &model->fields[i];
	return NULL;
}

const char *model_name(const struct model *model)
{
	return model->name ? model->name : model->id;
}

/* It becomes a path below models/. */
static int check_id(const struct scope *scope, const char *id, struct error *err)
{
	size_t len = strlen(id);

	if (strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/") != len)
		return form_fail(
			scope, err, "a model's id holds letters, digits and . _ - / only.");
	if (len == 0 || len > ID_MAX)
		return form_fail(scope, err, "a model's id has 1 to %d characters.", ID_MAX);
	if (id[0] == '/' || id[len - 1] == '/' || strstr(id, "//"))
		return form_fail(scope, err, "a model's id has no empty part between its \"/\".");
	if (id[0] == '.' || strstr(id, "/."))
		return form_fail(scope, err, "no part of a model's id starts with a dot.");
	return 0;
}

int model_id_check(const char *id, struct error *err)
{
	return check_id(&(struct scope){NULL, NULL, id}, id, err);
}

static bool holds_prompt(const cJSON *value)
{
	if (cJSON_IsString(value))
		return strcmp(value->valuestring, "$prompt") == 0;
	for (const cJSON *i = value->child; i; i = i->next)
		if (holds_prompt(i))
			return true;
	return false;
}

static int check_prompt(const struct scope *scope, const struct model *model, struct error *err)
{
	if (!model->prompt)
		return 0;
	for (const cJSON *i = model->prompt->child; i; i = i->next)
		if (!model_field(model, i->string))
			return form_fail(scope, err,
				"\"prompt\" names \"%s\", and there is no such field.", i->string);
	if (!holds_prompt(model->prompt))
		return form_fail(
			scope, err, "\"prompt\" must hold \"$prompt\" where the text belongs.");
	return 0;
}

static int check_parts(const struct scope *scope, const struct model *model, struct error *err)
{
	struct scope example = {scope, "key", "example"};
	struct level level = {model->fields, model->field_count, NULL, NULL};
	int r = conditions_check(scope, &level, err);

	if (r < 0)
		return r;
	r = sets_check(scope, model, "any_of", model->any_of, err);

	if (r < 0)
		return r;
	r = sets_check(scope, model, "one_of", model->one_of, err);
	if (r < 0)
		return r;
	r = check_prompt(scope, model, err);
	if (r < 0)
		return r;
	r = model->price ? price_check(scope, model, err) : 0;
	if (r < 0)
		return r;
	r = model->results ? results_check(scope, model->results, err) : 0;
	if (r < 0)
		return r;
	return input_check(&example, model, model->example, err);
}

int model_read(const struct scope *scope, const struct lists *lists, const cJSON *object,
	struct model *out, const char **service, struct error *err)
{
	struct raw_model raw = {0};
	struct field *fields;
	int r = check_id(scope, object->string, err);

	if (r < 0)
		return r;
	r = form_read(scope, object, keys, COUNT(keys), &raw, err);
	if (r < 0)
		return r;
	struct model model = raw.model;
	model.id = object->string;
	r = form_word(scope, "category", model.category, categories, COUNT(categories), err);
	if (r < 0)
		return r;
	r = form_word(scope, "output", model.output, outputs, COUNT(outputs), err);
	if (r < 0)
		return r;
	r = fields_read(scope, lists, raw.fields, &fields, &model.field_count, err);
	if (r < 0)
		return r;
	model.fields = fields;
	r = rules_read(scope, raw.checks, &model, err);
	if (r == 0)
		r = check_parts(scope, &model, err);
	if (r < 0) {
		model_finish(&model);
		return r;
	}
	*out = model;
	*service = raw.service;
	return 0;
}

void model_finish(struct model *model)
{
	fields_free((struct field *)model->fields, model->field_count);
	model->fields = NULL;
	model->field_count = 0;
	rules_free(model);
}

const struct field *model_single(const struct model *model)
{
	const struct field *only = NULL;

	if (model->prompt || model->any_of || model->one_of)
		return NULL;
	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		if (!field->required || (field->initial && !cJSON_IsNull(field->initial)))
			continue;
		if (only || field_media(field) == MEDIA_NONE)
			return NULL;
		only = field;
	}
	return only;
}
