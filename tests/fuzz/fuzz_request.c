/*
 * Any bytes as a request for any built-in model, with any defaults.json: refused with sentences, or
 * a body that is JSON and is accepted again as it stands.
 *
 * The first two bytes choose the model and the form; a NUL byte parts the request from its
 * defaults.json.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/json.h"
#include "kiefs/request.h"
#include "kiefs/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_refusal(int r, const struct error *err)
{
	demand(r == -EINVAL && err->code == r && err->text && *err->text);
	demand(utf8_is_valid(err->text, strlen(err->text)));
}

static void check_body(const struct model *model, const struct request *request, bool strict)
{
	struct request again = {0};
	cJSON *body = NULL;

	demand(request->body_len == strlen(request->body));
	demand(!request->warnings || utf8_is_valid(request->warnings, strlen(request->warnings)));
	demand(json_parse(request->body, request->body_len, &body, NULL) == 0);
	cJSON_Delete(body);
	if (!strict)
		return;
	demand(request_build(model, REQUEST_JSON, request->body, request->body_len, NULL, 0, NULL,
		       &again, NULL) == 0);
	request_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct catalogue *catalogue;

	if (!catalogue)
		demand(catalogue_load(NULL, NULL, 0, &catalogue, NULL) == 0);
	if (size < 2)
		return 0;
	const struct model *model = catalogue_at(catalogue, data[0] % catalogue_count(catalogue));
	enum request_form form = data[1] & 1 ? REQUEST_PROMPT : REQUEST_JSON;
	struct request_rules rules = {.warn_only = data[1] & 2};
	const char *text = (const char *)data + 2;
	const char *defaults = memchr(text, '\0', size - 2);
	size_t len = defaults ? (size_t)(defaults - text) : size - 2;
	size_t defaults_len = defaults ? size - 3 - len : 0;
	struct request request = {0};
	struct error err = {0};
	int r = request_build(model, form, text, len, defaults ? defaults + 1 : NULL, defaults_len,
		&rules, &request, &err);

	if (r == 0)
		check_body(model, &request, !rules.warn_only);
	else
		check_refusal(r, &err);
	request_finish(&request);
	error_finish(&err);
	return 0;
}
