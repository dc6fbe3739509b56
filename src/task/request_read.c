#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/findings.h"
#include "kiefs/json.h"
#include "kiefs/utf8.h"
#include "request_parts.h"

/* Whole numbers up to this survive in every JSON reader; a double cannot tell the next ones apart
 * (2^53 - 1). */
#define EXACT_MAX 9007199254740991.0

static void skip_mark(const char **bytes, size_t *len)
{
	if (*len >= 3 && memcmp(*bytes, "\xef\xbb\xbf", 3) == 0) {
		*bytes += 3;
		*len -= 3;
	}
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* "$prompt" becomes the text, wherever it stands; `*filled` counts the places. */
static int fill(cJSON *value, const char *text, size_t *filled)
{
	cJSON *inner;

	if (cJSON_IsString(value) && strcmp(value->valuestring, "$prompt") == 0) {
		char *copy = strdup(text);

		if (!copy)
			return -ENOMEM;
		cJSON_free(value->valuestring);
		value->valuestring = copy;
		(*filled)++;
		return 0;
	}
	cJSON_ArrayForEach(inner, value)
	{
		int r = fill(inner, text, filled);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The members that hold the text are the request; the others give way to defaults.json. */
static int fill_template(struct draft *draft, const char *text)
{
	cJSON *next;

	draft->input = cJSON_CreateObject();
	if (!draft->input)
		return -ENOMEM;
	for (cJSON *member = draft->template->child; member; member = next) {
		size_t filled = 0;
		int r = fill(member, text, &filled);

		next = member->next;
		if (r < 0)
			return r;
		if (filled == 0)
			continue;
		r = object_move(draft->input, draft->template, member);
		if (r < 0)
			return r;
	}
	return 0;
}

static int refuse_prompt(const struct model *model, struct findings *findings)
{
	char names[512] = "";
	size_t at = 0, required = 0;

	for (size_t i = 0; i < model->field_count; i++)
		required += model->fields[i].required;
	for (size_t i = 0; i < model->field_count && at < sizeof(names) - 100; i++) {
		const struct field *field = &model->fields[i];

		if (!field->deprecated && (field->required || required == 0))
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%.80s",
				at ? ", " : "", field->name);
	}
	return findings_form(findings,
		"%s takes no prompt. Write a .json file in place of this one with the fields it "
		"needs (%s); example.json shows one.",
		model->id, names);
}

/* Line by line, so that a large file takes no longer than its length. */
static int refuse_text(const char *bytes, size_t len, struct findings *findings)
{
	const char *line = bytes, *end = bytes + len;
	size_t number = 1;

	while (line < end) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((next ? next : end) - line);

		if (memchr(line, '\0', length))
			return findings_form(findings,
				"Line %zu of the prompt holds a NUL byte, so this is no text file. "
				"Save it as plain UTF-8 text.",
				number);
		if (!utf8_is_valid(line, length) || !next)
			break;
		line = next + 1;
		number++;
	}
	return findings_form(findings,
		"Line %zu of the prompt is not UTF-8 text. Save the file as UTF-8.", number);
}

int draft_read_prompt(const struct model *model, const char *bytes, size_t len, struct draft *draft,
	struct findings *findings)
{
	char *text;
	int r = -ENOMEM;

	if (!model->prompt)
		return refuse_prompt(model, findings);
	skip_mark(&bytes, &len);
	while (len > 0 && is_space(bytes[len - 1]))
		len--;
	if (!utf8_is_valid(bytes, len))
		return refuse_text(bytes, len, findings);
	text = strndup(bytes, len);
	draft->template = cJSON_Duplicate(model->prompt, true);
	if (text && draft->template)
		r = fill_template(draft, text);
	draft->prompt = text;
	return r;
}

/* cJSON ends a string at an escaped NUL without a word. */
static bool has_nul_escape(const char *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (bytes[i] != '\\')
			continue;
		if (i + 6 <= len && memcmp(bytes + i + 1, "u0000", 5) == 0)
			return true;
		i++;
	}
	return false;
}

/* Numbers that could not be sent as they were written; `name` is the key they stand under. */
static void check_exact(
	const cJSON *value, const char *name, const char *label, struct findings *findings)
{
	char shown[SHOWN_SIZE];
	const cJSON *inner;

	if (cJSON_IsNumber(value) && !isfinite(value->valuedouble))
		findings_form(findings,
			"%s%s is a number too large to be sent. Write a smaller one.", label,
			show_name(name, shown));
	else if (cJSON_IsNumber(value) && fabs(value->valuedouble) > EXACT_MAX)
		findings_form(findings,
			"%s%s is a number beyond 9007199254740991, which JSON readers round to "
			"another one. Write a smaller one, or put it in quotes where text is "
			"taken.",
			label, show_name(name, shown));
	cJSON_ArrayForEach(inner, value)
	{
		check_exact(inner, inner->string ? inner->string : name, label, findings);
	}
}

/* `within` is "" for the file itself, "input: " for the text of that member. */
static int parse(const char *label, const char *within, const char *bytes, size_t len, cJSON **out,
	struct findings *findings)
{
	struct error inner = {0};
	cJSON *value = NULL;
	int r;

	if (has_nul_escape(bytes, len))
		return findings_form(findings,
			"%s%sIt holds \\u0000, a NUL character, which text cannot hold. Remove it.",
			label, within);
	r = json_parse(bytes, len, &value, &inner);
	if (r == -EINVAL)
		findings_form(findings, "%s%s%s", label, within, error_text(&inner));
	error_finish(&inner);
	if (r < 0)
		return r;
	if (!cJSON_IsObject(value)) {
		char shown[SHOWN_SIZE];

		findings_form(findings,
			"%s%sIt is %s, but it must be an object {...} with the model's fields; "
			"example.json shows one.",
			label, within, show_value(value, shown));
		cJSON_Delete(value);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

cJSON *object_take(cJSON *object, const char *name)
{
	cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(object, name);

	if (!cJSON_IsNull(value))
		return value;
	cJSON_Delete(value);
	return NULL;
}

static void check_model(
	const struct model *model, cJSON *document, const char *label, struct findings *findings)
{
	char shown[SHOWN_SIZE];
	cJSON *named;

	named = cJSON_GetObjectItemCaseSensitive(document, "model");
	if (model_field(model, "model") &&
		!(cJSON_IsString(named) && strcmp(named->valuestring, model->id) == 0))
		return;
	named = object_take(document, "model");
	if (named && !cJSON_IsString(named))
		findings_form(findings, "%smodel is %s, but it must be \"%s\", or be left out.",
			label, show_value(named, shown), model->id);
	else if (named && strcmp(named->valuestring, model->id) != 0 &&
		 strcmp(named->valuestring, model_name(model)) != 0)
		findings_form(findings,
			"%smodel is %s, but this directory is for \"%s\". Write the file into the "
			"directory of the model you mean, or leave model out.",
			label, show_value(named, shown), model->id);
	cJSON_Delete(named);
}

/* The object behind "input", which may be written as a JSON string. */
static int take_input(cJSON *document, const char *label, cJSON **out, struct findings *findings)
{
	char shown[SHOWN_SIZE];
	cJSON *input = object_take(document, "input");
	int r = 0;

	if (cJSON_IsString(input)) {
		const char *text = input->valuestring;
		r = parse(label, "input: ", text, strlen(text), out, findings);
	} else if (cJSON_IsObject(input)) {
		*out = input;
		return 0;
	} else if (input) {
		r = findings_form(findings,
			"%sinput is %s, but it must be an object {...} with the model's fields.",
			label, show_value(input, shown));
	} else {
		*out = cJSON_CreateObject();
		r = *out ? 0 : -ENOMEM;
	}
	cJSON_Delete(input);
	return r;
}

/* Known fields that stand beside `input` belong into it; what is left is passed through. */
static int move_fields(const struct model *model, cJSON *document, const char *label,
	struct draft *draft, struct findings *findings)
{
	char shown[SHOWN_SIZE];
	cJSON *next;
	int r = 0;

	for (cJSON *member = document->child; r == 0 && member; member = next) {
		const cJSON *inside;

		next = member->next;
		if (!model_field(model, member->string)) {
			findings_warn(findings,
				"%s%s stands beside input and is not a field that the catalogue "
				"knows; it was sent there as it is.",
				label, show_name(member->string, shown));
			continue;
		}
		inside = cJSON_GetObjectItemCaseSensitive(draft->input, member->string);
		if (!inside) {
			r = object_move(draft->input, document, member);
			continue;
		}
		if (!cJSON_Compare(inside, member, true))
			findings_form(findings,
				"%s%s stands inside input and beside it with different values. "
				"Keep the one inside.",
				label, show_name(member->string, shown));
		cJSON_Delete(cJSON_DetachItemViaPointer(document, member));
	}
	return r;
}

/* The documentation has names of fields with a blank at an end, which the service takes without. */
static int trim_names(
	const struct model *model, const char *label, cJSON *input, struct findings *findings)
{
	cJSON *next;

	for (cJSON *member = input->child; member; member = next) {
		const char *name = member->string;
		char trimmed[128], shown[SHOWN_SIZE];
		size_t len = strlen(name);

		next = member->next;
		while (len > 0 && is_space(name[len - 1]))
			len--;
		while (len > 0 && is_space(*name)) {
			name++;
			len--;
		}
		if (len == strlen(member->string) || len >= sizeof(trimmed))
			continue;
		snprintf(trimmed, sizeof(trimmed), "%.*s", (int)len, name);
		if (!model_field(model, trimmed) ||
			cJSON_GetObjectItemCaseSensitive(input, trimmed))
			continue;
		findings_warn(findings, "%s\"%s\" has a blank at an end; it was sent as %s.", label,
			show_name(member->string, shown), trimmed);
		cJSON_DetachItemViaPointer(input, member);
		if (!cJSON_AddItemToObject(input, trimmed, member)) {
			cJSON_Delete(member);
			return -ENOMEM;
		}
	}
	return 0;
}

int draft_read_json(const struct model *model, const char *label, const char *bytes, size_t len,
	struct draft *draft, struct findings *findings)
{
	cJSON *document = NULL;
	int r;

	skip_mark(&bytes, &len);
	r = parse(label, "", bytes, len, &document, findings);
	if (r < 0)
		return r;
	check_model(model, document, label, findings);
	draft_take_callback(model, document, label, draft, findings);
	if (cJSON_GetObjectItemCaseSensitive(document, "input") && !model_field(model, "input")) {
		r = take_input(document, label, &draft->input, findings);
		if (r < 0) {
			cJSON_Delete(document);
			return r;
		}
		draft->extra = document;
		draft_take_callback(model, draft->input, label, draft, findings);
		r = move_fields(model, document, label, draft, findings);
	} else {
		draft->input = document;
	}
	if (r == 0)
		r = trim_names(model, label, draft->input, findings);
	if (r == 0)
		r = draft_take_prompt(model, label, draft, findings);
	check_exact(draft->input, "input", label, findings);
	check_exact(draft->extra, "input", label, findings);
	return r;
}
