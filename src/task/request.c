#include "kiefs/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kiefs/catalogue.h"
#include "kiefs/entry.h"
#include "kiefs/findings.h"
#include "kiefs/media.h"
#include "kiefs/price.h"
#include "request_parts.h"

static const struct {
	const char *extension;
	enum request_form form;
} forms[] = {
	{".txt", REQUEST_PROMPT},
	{".md", REQUEST_PROMPT},
	{".prompt", REQUEST_PROMPT},
	{".json", REQUEST_JSON},
};

static const char *const generated[] = {
	"README.md", "schema.json", "example.json", "defaults.json", "history.md", "messages.json"};

enum request_form request_form(const char *name)
{
	const char *extension = strrchr(name, '.');

	if (strcmp(name, TALK_PROMPT) == 0)
		return REQUEST_TURN;
	if (!extension || name[0] == '.')
		return REQUEST_NONE;
	for (size_t i = 0; i < sizeof(generated) / sizeof(generated[0]); i++)
		if (strcasecmp(name, generated[i]) == 0)
			return REQUEST_NONE;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcasecmp(extension, forms[i].extension) == 0)
			return forms[i].form;
	return REQUEST_NONE;
}

size_t request_stem_length(const char *name)
{
	if (request_form(name) == REQUEST_TURN ||
		(request_form(name) == REQUEST_NONE && media_of_name(name) == MEDIA_NONE))
		return strlen(name);
	return (size_t)(strrchr(name, '.') - name);
}

bool request_is_blank(const char *bytes, size_t len)
{
	size_t at = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < len &&
		(!bytes[at] || bytes[at] == ' ' || (bytes[at] >= '\t' && bytes[at] <= '\r')))
		at++;
	return at == len;
}

void draft_finish(struct draft *draft)
{
	if (!draft)
		return;
	cJSON_Delete(draft->input);
	cJSON_Delete(draft->callback);
	cJSON_Delete(draft->extra);
	cJSON_Delete(draft->template);
	cJSON_Delete(draft->defaulted);
	cJSON_Delete(draft->implied);
	cJSON_Delete(draft->derived);
	cJSON_Delete(draft->images);
	free(draft->prompt);
	free(draft->system);
	*draft = (struct draft){0};
}

/*
 * Reads both files and lays the one over the other. A defaults.json that cannot be read leaves the
 * request to be checked all the same, so that the faults of both are told at once.
 */
static int read_draft(const struct model *model, enum request_form form, const char *bytes,
	size_t len, const char *defaults, size_t defaults_len, struct draft *draft,
	struct findings *findings)
{
	struct draft under = {0};
	int r, r_under = 0;

	if (form == REQUEST_FILE)
		r = draft_read_file(model, bytes, len, draft);
	else if (form == REQUEST_PROMPT)
		r = draft_read_prompt(model, bytes, len, draft, findings);
	else
		r = draft_read_json(model, "", bytes, len, draft, findings);
	if (r == -ENOMEM)
		return r;
	if (defaults && !request_is_blank(defaults, defaults_len))
		r_under = draft_read_json(
			model, "defaults.json: ", defaults, defaults_len, &under, findings);
	if (r == 0 && r_under == 0)
		r = draft_merge(draft, &under);
	draft_finish(&under);
	return r_under == -ENOMEM ? r_under : r;
}

static int find_references(
	const struct model *model, const struct draft *draft, struct references *out)
{
	struct buf place;
	int r;

	buf_init(&place, 4096);
	r = body_input_place(model, &place);
	if (r == 0)
		r = references_collect(model, draft->input, place.data ? place.data : "",
			draft->implied, draft->derived, out);
	if (r == 0)
		r = references_collect_turns(
			model, draft->input, place.data ? place.data : "", out);
	buf_finish(&place);
	return r == -ENOENT ? 0 : r;
}

static int finish_build(const struct model *model, struct draft *draft, struct findings *findings,
	struct request *out)
{
	struct request request = {.credits = -1};
	int r = price_of(model, draft->input, &request.credits);

	if (r == -ENOMEM)
		return r;
	if (findings->warnings.len > 0) {
		request.warnings = buf_take(&findings->warnings);
		if (!request.warnings)
			return -ENOMEM;
	}
	r = find_references(model, draft, &request.references);
	if (r < 0) {
		request_finish(&request);
		return r;
	}
	request.body = draft_print(model, draft);
	if (!request.body) {
		request_finish(&request);
		return -ENOMEM;
	}
	request.body_len = strlen(request.body);
	*out = request;
	return 0;
}

int request_build(const struct model *model, enum request_form form, const char *bytes, size_t len,
	const char *defaults, size_t defaults_len, const struct request_rules *rules,
	struct request *out, struct error *err)
{
	struct findings findings;
	struct draft draft = {0};
	int r;

	if (len > REQUEST_MAX_BYTES || (defaults && defaults_len > REQUEST_MAX_BYTES))
		return error_set(err, -EFBIG,
			"%s has %zu bytes, but at most %u are allowed. Give files by their web "
			"address, not inside the request.",
			len > REQUEST_MAX_BYTES ? "The request" : "defaults.json",
			len > REQUEST_MAX_BYTES ? len : defaults_len, REQUEST_MAX_BYTES);
	if (form == REQUEST_NONE || request_is_blank(bytes, len))
		return error_set(err, -EINVAL, "The request is empty. Write a prompt or JSON.");
	findings_init(&findings, model->open || (rules && rules->warn_only));
	if (model->retired)
		findings_warn(&findings, "%s is retired, so the API may refuse or fail it.%s%s",
			model->id, model->note ? " " : "", model->note ? model->note : "");
	if (model->open)
		findings_warn(&findings,
			"Nobody has described %s, so nothing in the request was checked.",
			model->id);
	r = read_draft(model, form, bytes, len, defaults, defaults_len, &draft, &findings);
	if (r == 0)
		r = draft_make_turn(model, rules, &draft);
	if (r == 0)
		r = draft_complete(model, &draft);
	if (r == 0)
		r = draft_add_task(model, &draft);
	if (r == 0)
		r = draft_add_media(model, rules, &draft);
	if (r == 0)
		r = draft_set_callback(model, rules ? rules->callback : NULL, &draft);
	if (r == 0)
		r = draft_check(model, &draft, &findings);
	if (r != -ENOMEM && findings_end(&findings) < 0)
		r = -ENOMEM;
	if (r != -ENOMEM && findings.fault_count > 0)
		r = error_set(err, -EINVAL, "%s", findings.faults.data);
	if (r == 0)
		r = finish_build(model, &draft, &findings, out);
	if (r == -E2BIG)
		error_set(err, r,
			"The request names more than %d files and tasks, the most there may be.",
			INPUTS_MAX);
	draft_finish(&draft);
	findings_finish(&findings);
	return r;
}

void request_finish(struct request *request)
{
	if (!request)
		return;
	free(request->body);
	free(request->warnings);
	free(request->prompt);
	free(request->images);
	references_finish(&request->references);
	*request = (struct request){.credits = -1};
}
