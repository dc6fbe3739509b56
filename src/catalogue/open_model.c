/* Models that nobody has described: made from the catalogue's "open_model". */
#include <string.h>

#include "catalogue_private.h"

/* Each member over what is there; null takes away. */
static bool lay_over(cJSON *model, const cJSON *members)
{
	for (const cJSON *i = members ? members->child : NULL; i; i = i->next) {
		cJSON_DeleteItemFromObjectCaseSensitive(model, i->string);
		if (cJSON_IsNull(i))
			continue;
		cJSON *copy = cJSON_Duplicate(i, true);
		if (!copy || !cJSON_AddItemToObject(model, i->string, copy)) {
			cJSON_Delete(copy);
			return false;
		}
	}
	return true;
}

cJSON *open_model_make(const cJSON *open_model, const char *id, const cJSON *members)
{
	cJSON *document = cJSON_CreateObject();
	cJSON *models = cJSON_AddObjectToObject(document, "models");
	cJSON *model = cJSON_Duplicate(open_model, true);

	if (!models || !cJSON_AddNumberToObject(document, "form", 1) || !model ||
		!cJSON_AddItemToObject(models, id, model)) {
		cJSON_Delete(model);
		cJSON_Delete(document);
		return NULL;
	}
	if (!cJSON_GetObjectItemCaseSensitive(model, "title") &&
		!cJSON_AddStringToObject(model, "title", id)) {
		cJSON_Delete(document);
		return NULL;
	}
	if (!lay_over(model, members)) {
		cJSON_Delete(document);
		return NULL;
	}
	return document;
}
