/* Where the service reports when a task is done: under many names, and sometimes demanded. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "kiefs/catalogue.h"
#include "kiefs/findings.h"
#include "kiefs/request.h"
#include "request_parts.h"

/* Takes `name` out of `object` as the callback, which may stand in four places but be only one. */
static void take_callback(const struct model *model, cJSON *object, const char *name,
	const char *label, struct draft *draft, struct findings *findings)
{
	char shown[SHOWN_SIZE];
	cJSON *value;

	if (model_field(model, name))
		return;
	value = object_take(object, name);
	if (!value)
		return;
	if (cJSON_IsString(value) && !*value->valuestring) {
		findings_warn(findings, "%s%s is empty and was left out.", label, name);
	} else if (!cJSON_IsString(value) ||
		   (strncasecmp(value->valuestring, "https://", 8) != 0 &&
			   strncasecmp(value->valuestring, "http://", 7) != 0)) {
		findings_form(findings,
			"%s%s is %s, but it must be a web address (https://...). Leave it out if "
			"nothing is to be called.",
			label, name, show_value(value, shown));
	} else if (!draft->callback) {
		draft->callback = value;
		return;
	} else if (strcmp(draft->callback->valuestring, value->valuestring) != 0) {
		findings_form(findings,
			"%s%s is %s, but another address for the same purpose is given too. Keep "
			"one.",
			label, name, show_value(value, shown));
	}
	cJSON_Delete(value);
}

void draft_take_callback(const struct model *model, cJSON *object, const char *label,
	struct draft *draft, struct findings *findings)
{
	const cJSON *member;

	take_callback(model, object, "callBackUrl", label, draft, findings);
	take_callback(model, object, "webhook_url", label, draft, findings);
	/* The service's own spelling of it. */
	cJSON_ArrayForEach(member, model->service->body)
	{
		if (cJSON_IsString(member) && strcmp(member->valuestring, "$callback") == 0)
			take_callback(model, object, member->string, label, draft, findings);
	}
}

int draft_set_callback(const struct model *model, const char *callback, struct draft *draft)
{
	if (!callback && model->service->callback_required)
		callback = REQUEST_NO_CALLBACK;
	if (draft->callback || !callback)
		return 0;
	draft->callback = cJSON_CreateString(callback);
	return draft->callback ? 0 : -ENOMEM;
}
