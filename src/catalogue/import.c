#include "kiefs/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue_private.h"
#include "field.h"
#include "form.h"
#include "guess.h"
#include "kiefs/error.h"
#include "model.h"
#include "openapi.h"

#define TITLE_MAX 120
#define PRICE_MAX 200

static const cJSON *body_of(const struct catalogue *catalogue)
{
	const char *name = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(catalogue->open_model, "service"));

	for (size_t i = 0; name && i < catalogue->service_count; i++)
		if (strcmp(catalogue->services[i]->service.name, name) == 0)
			return catalogue->services[i]->service.body;
	return NULL;
}

/* The fields of the input: below the member of the body that takes it, or what stands beside the
 * body's own members. */
static cJSON *make_fields(const struct catalogue *catalogue, const cJSON *document)
{
	cJSON *body = document ? openapi_body(document) : NULL;
	cJSON *input = NULL, *fields = NULL;
	const cJSON *template = body_of(catalogue);

	for (const cJSON *i = template ? template->child : NULL; body && i; i = i->next)
		if (cJSON_IsString(i) && strcmp(i->valuestring, "$input") == 0)
			input = openapi_property(document, body, i->string);
	if (body)
		fields = openapi_fields(document, input ? input : body);
	for (const cJSON *i = template ? template->child : NULL; fields && !input && i; i = i->next)
		cJSON_DeleteItemFromObjectCaseSensitive(fields, i->string);
	cJSON_Delete(input);
	cJSON_Delete(body);
	return fields;
}

static void add_said(cJSON *members, const struct import_said *said, bool described)
{
	const char *category = guess_category(said->kind);
	char *title = guess_plain(said->title ? said->title : "", TITLE_MAX);
	char *provider = guess_plain(said->provider ? said->provider : "", TITLE_MAX);
	char *price = guess_plain(said->price ? said->price : "", PRICE_MAX);
	char note[PRICE_MAX + 200];

	if (title && *title)
		cJSON_AddStringToObject(members, "title", title);
	if (provider && *provider)
		cJSON_AddStringToObject(members, "provider", provider);
	cJSON_AddStringToObject(members, "category", category);
	if (guess_output(category))
		cJSON_AddStringToObject(members, "output", guess_output(category));
	snprintf(note, sizeof(note), "%s%s%s",
		described ? "Taken over from the service's own description of its models."
			  : "The service lists this model and does not describe it: nothing in a "
			    "request is checked.",
		price && *price ? " Its price, in the service's words: " : "",
		price && *price ? price : "");
	cJSON_AddStringToObject(members, "note", note);
	free(title);
	free(provider);
	free(price);
}

static cJSON *make_members(const struct import_said *said, cJSON *fields)
{
	cJSON *members = cJSON_CreateObject();

	add_said(members, said, fields != NULL);
	if (!fields)
		return members;
	const char *prompt = guess_prompt(fields);
	cJSON_AddNullToObject(members, "open");
	if (prompt)
		cJSON_AddStringToObject(
			cJSON_AddObjectToObject(members, "prompt"), prompt, "$prompt");
	else
		cJSON_AddNullToObject(members, "prompt");
	cJSON_AddItemToObject(members, "example", guess_example(fields));
	cJSON_AddItemToObject(members, "fields", fields);
	return members;
}

/* Takes ownership of `members`. The model's value, when it is one; else -EINVAL with the reason. */
static int make_model(const struct catalogue *catalogue, const char *id, cJSON *members,
	cJSON **out, struct error *err)
{
	const struct scope scope = {NULL, NULL, id};
	const struct lists none = {NULL, 0};
	const char *service;
	struct model model;
	cJSON *document = open_model_make(catalogue->open_model, id, members);
	cJSON *models = cJSON_GetObjectItemCaseSensitive(document, "models");
	int r = models ? model_read(&scope, &none, models->child, &model, &service, err) : -ENOMEM;

	cJSON_Delete(members);
	if (r == 0) {
		model_finish(&model);
		*out = cJSON_DetachItemViaPointer(models, models->child);
	}
	cJSON_Delete(document);
	return r;
}

int import_model(const struct catalogue *catalogue, const struct import_said *said,
	const cJSON *document, cJSON **out, char how[IMPORT_HOW_SIZE])
{
	struct error err = {0};
	int r = model_id_check(said->id, &err);

	if (r < 0 || !catalogue->open_model) {
		snprintf(how, IMPORT_HOW_SIZE, "%s",
			r < 0 ? "no model's directory can have this name"
			      : "the catalogue has no open model to make it from");
		error_finish(&err);
		return r < 0 ? r : -EINVAL;
	}
	cJSON *fields = make_fields(catalogue, document);
	int count = cJSON_GetArraySize(fields);
	if (fields && count == 0) {
		cJSON_Delete(fields);
		fields = NULL;
	}
	r = make_model(catalogue, said->id, make_members(said, fields), out, &err);
	if (r == 0 && count > 0)
		snprintf(how, IMPORT_HOW_SIZE, "%d fields", count);
	else if (r == 0)
		snprintf(how, IMPORT_HOW_SIZE, "not described, so nothing is checked");
	if (r == -EINVAL) {
		snprintf(how, IMPORT_HOW_SIZE,
			"its description cannot be used, so nothing is checked (%.200s)",
			error_text(&err));
		r = make_model(catalogue, said->id, make_members(said, NULL), out, NULL);
	}
	error_finish(&err);
	return r;
}
