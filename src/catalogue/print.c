/* The whole catalogue as one file of its own form. */
#include <errno.h>
#include <string.h>

#include "catalogue_private.h"
#include "kiefs/upload.h"
#include "words.h"

/* Where an own word stands for a list: the list itself, as it was known to that entry. */
static const cJSON *named_list(const struct catalogue *catalogue, size_t known, const char *name)
{
	for (size_t i = known; i > 0; i--) {
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(catalogue->lists[i - 1], name);
		if (list)
			return list;
	}
	return NULL;
}

static bool spell_out(const struct catalogue *catalogue, size_t known, cJSON *fields);

static bool spell_out_field(const struct catalogue *catalogue, size_t known, cJSON *field)
{
	static const char *const keys[] = {"values", "also"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const cJSON *named = cJSON_GetObjectItemCaseSensitive(field, keys[i]);
		const cJSON *list = cJSON_IsString(named)
					    ? named_list(catalogue, known, named->valuestring)
					    : NULL;
		cJSON *copy = list ? cJSON_Duplicate(list, true) : NULL;
		if (!list)
			continue;
		if (!copy || !cJSON_ReplaceItemInObjectCaseSensitive(field, keys[i], copy)) {
			cJSON_Delete(copy);
			return false;
		}
	}
	cJSON *items = cJSON_GetObjectItemCaseSensitive(field, "items");
	if (items && !spell_out_field(catalogue, known, items))
		return false;
	return spell_out(catalogue, known, cJSON_GetObjectItemCaseSensitive(field, "members"));
}

static bool spell_out(const struct catalogue *catalogue, size_t known, cJSON *fields)
{
	for (cJSON *i = fields ? fields->child : NULL; i; i = i->next)
		if (!spell_out_field(catalogue, known, i))
			return false;
	return true;
}

static bool put_copy(cJSON *object, const char *name, const cJSON *value)
{
	cJSON *copy = cJSON_Duplicate(value, true);

	if (copy && cJSON_AddItemToObject(object, name, copy))
		return true;
	cJSON_Delete(copy);
	return false;
}

static bool put_account(cJSON *document, const struct account_entry *account)
{
	cJSON *object = cJSON_AddObjectToObject(document, "account");

	return cJSON_AddStringToObject(object, "service", account->service->name) &&
	       cJSON_AddStringToObject(object, "path", account->path) &&
	       put_copy(object, "credits", account->credits);
}

static cJSON *make_document(const struct catalogue *catalogue)
{
	cJSON *document = cJSON_CreateObject();
	bool ok = cJSON_AddNumberToObject(document, "form", 1) != NULL;
	cJSON *services = cJSON_AddObjectToObject(document, "services");
	cJSON *uploads = cJSON_AddObjectToObject(document, "uploads");
	cJSON *models = cJSON_AddObjectToObject(document, "models");

	for (size_t i = 0; ok && i < catalogue->service_count; i++)
		ok = put_copy(services, catalogue->services[i]->service.name,
			catalogue->services[i]->object);
	for (size_t i = 0; ok && i < catalogue->upload_count; i++)
		ok = put_copy(uploads, catalogue->uploads[i]->name, catalogue->uploads[i]->entry);
	for (size_t i = 0; ok && i < catalogue->entry_count; i++) {
		const struct entry *entry = &catalogue->entries[i];
		ok = put_copy(models, entry->model.id, entry->object);
		cJSON *model = ok ? models->child->prev : NULL;
		ok = ok && spell_out(catalogue, entry->list_count,
				   cJSON_GetObjectItemCaseSensitive(model, "fields"));
	}
	if (catalogue->open_model)
		ok = ok && put_copy(document, "open_model", catalogue->open_model);
	if (catalogue->account.service)
		ok = ok && put_account(document, &catalogue->account);
	if (catalogue->callback)
		ok = ok && put_copy(document, "callback", catalogue->callback);
	if (catalogue->listing)
		ok = ok && put_copy(document, "listing", catalogue->listing);
	if (ok)
		return document;
	cJSON_Delete(document);
	return NULL;
}

int catalogue_print(const struct catalogue *catalogue, struct buf *out)
{
	cJSON *document = make_document(catalogue);

	if (!document)
		return -ENOMEM;
	int r = words_json(document, out);
	cJSON_Delete(document);
	return r;
}
