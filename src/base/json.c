#include "kiefs/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/error.h"
#include "kiefs/utf8.h"

static void position(const char *text, size_t at, size_t *line, size_t *column)
{
	size_t start = 0;

	*line = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			(*line)++;
			start = i + 1;
		}
	}
	*column = utf8_length(text + start, at - start) + 1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The first key that stands twice in one object, NULL when there is none. */
static const char *repeated_key(const cJSON *value)
{
	for (const cJSON *a = value->child; a; a = a->next) {
		if (cJSON_IsObject(value)) {
			for (const cJSON *b = a->next; b; b = b->next)
				if (strcmp(a->string, b->string) == 0)
					return a->string;
		}
		const char *inner = repeated_key(a);
		if (inner)
			return inner;
	}
	return NULL;
}

int json_parse(const char *text, size_t len, cJSON **out, struct error *err)
{
	size_t line, column, at = 0;
	const char *end = NULL;

	if (!utf8_is_valid(text, len)) {
		while (at < len && utf8_is_valid(text, at + 1 < len ? at + 1 : len))
			at++;
		/* A sequence of several bytes is only valid whole: step over good ones. */
		for (size_t i = at; i < len && i < at + 4; i++)
			if (utf8_is_valid(text, i + 1))
				at = i + 1;
		position(text, at < len ? at : len, &line, &column);
		return error_set(err, -EINVAL,
			"Not JSON: a byte that is not UTF-8 text at line %zu, column %zu. "
			"Save the file as UTF-8.",
			line, column);
	}
	cJSON *value = cJSON_ParseWithLengthOpts(text, len, &end, false);
	at = end ? (size_t)(end - text) : 0;
	if (!value) {
		/* cJSON reports the last byte when the text merely ends too early. */
		if (at + 1 >= len && !json_is_complete(text, len)) {
			position(text, len, &line, &column);
			return error_set(err, -EINVAL,
				"Not JSON: the text ends at line %zu, column %zu before the value "
				"is complete; a bracket or quote is still open.",
				line, column);
		}
		position(text, at, &line, &column);
		return error_set(err, -EINVAL,
			"Not JSON: unexpected \"%.*s\" at line %zu, column %zu.",
			(int)strcspn(text + at, "\r\n") < 20 ? (int)strcspn(text + at, "\r\n") : 20,
			text + at, line, column);
	}
	while (at < len && is_space(text[at]))
		at++;
	if (at < len) {
		position(text, at, &line, &column);
		cJSON_Delete(value);
		return error_set(err, -EINVAL,
			"Not JSON: something follows the value at line %zu, column %zu. "
			"A request file holds one JSON object.",
			line, column);
	}
	const char *key = repeated_key(value);
	if (key) {
		error_set(err, -EINVAL,
			"The key \"%s\" stands twice in one object. Keep one of them.", key);
		cJSON_Delete(value);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

bool json_is_complete(const char *text, size_t len)
{
	size_t depth = 0, i = 0;
	bool in_string = false;

	while (i < len && is_space(text[i]))
		i++;
	if (i == len || (text[i] != '{' && text[i] != '['))
		return false;
	for (; i < len; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (depth <= 1)
				return true;
			depth--;
		}
	}
	return false;
}
