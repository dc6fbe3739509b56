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

/* Bytes before the first that is no UTF-8; no character is longer than four bytes. */
static size_t valid_length(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t n = 1;

		while (n <= 4 && n <= len - at && !utf8_is_valid(text + at, n))
			n++;
		if (n > 4 || n > len - at)
			break;
		at += n;
	}
	return at;
}

/* Whole characters of the same line, about twenty bytes of them. */
static size_t shown_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && (unsigned char)text[n] >= ' ' &&
		(n < 20 || ((unsigned char)text[n] & 0xc0) == 0x80))
		n++;
	return n;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* `*out` is a key that stands twice in this one object, untouched when there is none. */
static int repeated_here(const cJSON *object, const char **out)
{
	size_t count = (size_t)cJSON_GetArraySize(object), n = 0;
	const char **keys;

	if (count < 2)
		return 0;
	keys = malloc(count * sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (const cJSON *member = object->child; member; member = member->next)
		keys[n++] = member->string;
	qsort(keys, n, sizeof(*keys), by_text);
	for (size_t i = 1; i < n; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			*out = keys[i];
	free(keys);
	return 0;
}

/* The same for all objects inside. 0 or -ENOMEM. */
static int repeated_key(const cJSON *value, const char **out)
{
	int r = cJSON_IsObject(value) ? repeated_here(value, out) : 0;

	for (const cJSON *inner = value->child; r == 0 && !*out && inner; inner = inner->next)
		r = repeated_key(inner, out);
	return r;
}

/* How many brackets are open before this byte. */
static size_t depth_at(const char *text, size_t at)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < at; i++) {
		char c = text[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return depth;
}

int json_parse(const char *text, size_t len, cJSON **out, struct error *err)
{
	size_t line, column, at = 0;
	const char *end = NULL;

	if (!utf8_is_valid(text, len)) {
		at = valid_length(text, len);
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
		if (depth_at(text, at) >= CJSON_NESTING_LIMIT) {
			position(text, at, &line, &column);
			return error_set(err, -EINVAL,
				"Too deep: brackets stand in brackets more than %d times at line "
				"%zu, "
				"column %zu.",
				CJSON_NESTING_LIMIT, line, column);
		}
		/* cJSON may stop one byte into a character. */
		while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
			at--;
		position(text, at, &line, &column);
		return error_set(err, -EINVAL,
			"Not JSON: unexpected \"%.*s\" at line %zu, column %zu.",
			(int)shown_length(text + at, len - at), text + at, line, column);
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
	const char *key = NULL;
	int r = repeated_key(value, &key);
	if (r < 0) {
		cJSON_Delete(value);
		return r;
	}
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
