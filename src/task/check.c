#include "kiefs/check.h"

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "allowed.h"
#include "check_value.h"
#include "kiefs/catalogue.h"
#include "kiefs/findings.h"
#include "kiefs/media.h"
#include "kiefs/reference.h"
#include "kiefs/utf8.h"
#include "kiefs/word.h"

/* A number beyond this is rounded to another one (2^53 - 1). */
#define EXACT_MAX 9007199254740991.0

/* The whole text is a number as JSON spells it, or nearly so ("+5", "05"). */
static bool spells_number(const char *text, double *out)
{
	char *end;
	double number;

	if (!*text || strspn(text, "+-.eE0123456789") != strlen(text))
		return false;
	number = strtod(text, &end);
	if (*end || !isfinite(number))
		return false;
	*out = number;
	return true;
}

static bool as_number(const cJSON *value, double *out)
{
	if (cJSON_IsString(value))
		return spells_number(value->valuestring, out);
	if (!cJSON_IsNumber(value))
		return false;
	*out = value->valuedouble;
	return true;
}

bool check_same(const cJSON *a, const cJSON *b)
{
	double x, y;

	if (cJSON_IsString(a) && cJSON_IsString(b))
		return strcmp(a->valuestring, b->valuestring) == 0;
	if (cJSON_IsBool(a) && cJSON_IsBool(b))
		return cJSON_IsTrue(a) == cJSON_IsTrue(b);
	return as_number(a, &x) && as_number(b, &y) && x == y;
}

bool check_listed(const cJSON *values, const cJSON *value)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, values)
	{
		if (check_same(one, value))
			return true;
	}
	return false;
}

static const char *plain(const cJSON *value, char out[SHOWN_SIZE])
{
	return cJSON_IsString(value) ? value->valuestring : show_value(value, out);
}

/* The one of `values` that `value` is a slip of, if it is nearer than `*nearest`, else `found`. */
static const cJSON *nearer(
	const cJSON *values, const cJSON *value, size_t *nearest, const cJSON *found)
{
	char given[SHOWN_SIZE], shown[SHOWN_SIZE];
	const cJSON *one;

	cJSON_ArrayForEach(one, values)
	{
		size_t distance = word_distance(plain(value, given), plain(one, shown));

		if (distance < *nearest) {
			*nearest = distance;
			found = one;
		}
	}
	return found;
}

/* " Did you mean "720p"?" when the value is a slip of an allowed one, else "". */
static const char *suggestion(const struct field *field, const cJSON *value, char out[SHOWN_SIZE])
{
	char shown[SHOWN_SIZE];
	size_t nearest = SIZE_MAX;
	const cJSON *found = NULL;

	out[0] = '\0';
	if (!cJSON_IsString(value) && !cJSON_IsNumber(value))
		return out;
	found = nearer(field->values, value, &nearest, found);
	found = nearer(field->also, value, &nearest, found);
	if (found)
		snprintf(out, SHOWN_SIZE, " Did you mean %.200s?", show_value(found, shown));
	return out;
}

/* The one sentence for a value that does not fit; `hint` follows it. */
static int refuse(const struct field *field, const cJSON *value, const char *path, const char *hint,
	struct findings *findings)
{
	char shown[SHOWN_SIZE], nearest[SHOWN_SIZE];
	char *allowed;

	if (findings_values_full(findings)) {
		findings_value(findings, "%s", path);
		return 0;
	}
	allowed = allowed_describe(field);
	if (!allowed)
		return -ENOMEM;
	findings_value(findings, "%s is %s, but it must be %s.%s%s", path, show_value(value, shown),
		allowed, suggestion(field, value, nearest), hint);
	free(allowed);
	return 0;
}

/* Whether a number for this string field is meant as its digits. */
static bool wants_digits(const struct field *field)
{
	const cJSON *one;
	double number;

	if (field->numeric_string || (field->initial && cJSON_IsString(field->initial) &&
					     as_number(field->initial, &number)))
		return true;
	cJSON_ArrayForEach(one, field->values)
	{
		if (as_number(one, &number))
			return true;
	}
	return false;
}

static bool takes(const struct field *field, enum field_type type)
{
	return field->type == type || (field->also_types & 1u << type);
}

/* Turns digits into a number and the reverse, where only the other is taken. */
static int convert(const struct field *field, cJSON *value)
{
	char digits[SHOWN_SIZE];
	double number;

	if (cJSON_IsNumber(value) && field->type == FIELD_STRING && wants_digits(field) &&
		!takes(field, FIELD_NUMBER) && !takes(field, FIELD_INTEGER)) {
		char *text = strdup(show_value(value, digits));
		if (!text)
			return -ENOMEM;
		value->valuestring = text;
		value->type = (value->type & ~0xff) | cJSON_String;
	} else if (cJSON_IsString(value) && !takes(field, FIELD_STRING) &&
		   (takes(field, FIELD_NUMBER) || takes(field, FIELD_INTEGER)) &&
		   spells_number(value->valuestring, &number) && fabs(number) <= EXACT_MAX) {
		cJSON_free(value->valuestring);
		value->valuestring = NULL;
		value->type = (value->type & ~0xff) | cJSON_Number;
		cJSON_SetNumberValue(value, number);
	}
	return 0;
}

static bool type_fits(const struct field *field, const cJSON *value)
{
	if (cJSON_IsString(value))
		return takes(field, FIELD_STRING);
	if (cJSON_IsBool(value))
		return takes(field, FIELD_BOOLEAN);
	if (cJSON_IsArray(value))
		return takes(field, FIELD_ARRAY);
	if (cJSON_IsObject(value))
		return takes(field, FIELD_OBJECT);
	if (!cJSON_IsNumber(value))
		return false;
	return takes(field, FIELD_NUMBER) ||
	       (takes(field, FIELD_INTEGER) && floor(value->valuedouble) == value->valuedouble);
}

/* What to do about a value of the wrong type, "" when the sentence says it already. */
static const char *type_hint(const struct field *field, const cJSON *value)
{
	if (cJSON_IsString(value) && field->type == FIELD_BOOLEAN &&
		(strcasecmp(value->valuestring, "true") == 0 ||
			strcasecmp(value->valuestring, "false") == 0))
		return " Write it without quotes.";
	if (cJSON_IsString(value) && field->type == FIELD_ARRAY)
		return " Put it in brackets: [\"...\"].";
	if (cJSON_IsArray(value) && field->type == FIELD_STRING)
		return " Write one value without brackets.";
	if (cJSON_IsNumber(value) && field->type == FIELD_STRING)
		return " Put it in quotes.";
	return "";
}

static bool in_range(const struct field *field, double number)
{
	double steps;

	if ((field->has_min && number < field->min) || (field->has_max && number > field->max))
		return false;
	if (field->step <= 0)
		return true;
	/* Steps such as 0.1 have no exact double: a millionth of a step is rounding. */
	steps = (number - (field->has_min ? field->min : 0)) / field->step;
	return fabs(steps - round(steps)) <= 1e-6 * fmax(1, fabs(steps));
}

static int check_number(
	const struct field *field, const cJSON *value, const char *path, struct findings *findings)
{
	double number;

	if (!as_number(value, &number) || !in_range(field, number))
		return refuse(field, value, path, "", findings);
	return 0;
}

static bool is_address(const struct field *field, const char *text)
{
	size_t prefix = 0;

	if (strncasecmp(text, "https://", 8) == 0)
		prefix = 8;
	else if (strncasecmp(text, "http://", 7) == 0)
		prefix = 7;
	else if (field->scheme && strncmp(text, field->scheme, strlen(field->scheme)) == 0)
		prefix = strlen(field->scheme);
	if (prefix == 0 || !text[prefix] || text[prefix] == '/')
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static int check_address(
	const struct field *field, const cJSON *value, const char *path, struct findings *findings)
{
	char shown[SHOWN_SIZE], scheme[SHOWN_SIZE] = "";

	if (is_address(field, value->valuestring) || reference_is_name(field, value->valuestring))
		return 0;
	if (field->scheme)
		snprintf(scheme, sizeof(scheme), " or %s...", field->scheme);
	if (!*value->valuestring)
		findings_value(findings,
			"%s is empty, but it must be a web address (https://...%s) of %s, or the "
			"name "
			"of a file here (\"me.%s\").",
			path, scheme, allowed_media(field), media_extension(field->media));
	else
		findings_value(findings,
			"%s is %s, but it must be a web address (https://...%s) of %s, without "
			"spaces, or the name of a file here (\"me.%s\"). Copy the file into this "
			"directory and give its name.",
			path, show_value(value, shown), scheme, allowed_media(field),
			media_extension(field->media));
	return 0;
}

static void check_length(
	const struct field *field, const char *text, const char *path, struct findings *findings)
{
	size_t length = utf8_length(text, strlen(text));

	if (field->max_length >= 0 && length > (size_t)field->max_length)
		findings_value(findings,
			"%s has %zu characters, but at most %ld are allowed. Shorten it by %zu.",
			path, length, field->max_length, length - (size_t)field->max_length);
	if (field->min_length > 0 && length < (size_t)field->min_length)
		findings_value(findings,
			"%s has %zu character%s, but at least %ld are needed. Write more.", path,
			length, length == 1 ? "" : "s", field->min_length);
}

static int check_pattern(
	const struct field *field, const cJSON *value, const char *path, struct findings *findings)
{
	char shown[SHOWN_SIZE];
	regex_t regex;
	int r;

	if (!field->pattern)
		return 0;
	r = regcomp(&regex, field->pattern, REG_EXTENDED | REG_NOSUB);
	if (r == REG_ESPACE)
		return -ENOMEM;
	if (r != 0)
		return 0;
	if (regexec(&regex, value->valuestring, 0, NULL, 0) == REG_NOMATCH)
		findings_value(findings, "%s is %s, but it must have the form %s.%s%s", path,
			show_value(value, shown), field->pattern, field->note ? " " : "",
			field->note ? field->note : "");
	regfree(&regex);
	return 0;
}

static int check_string(
	const struct field *field, const cJSON *value, const char *path, struct findings *findings)
{
	if (field->type == FIELD_INTEGER || field->type == FIELD_NUMBER || field->numeric_string)
		return check_number(field, value, path, findings);
	if (field->media != MEDIA_NONE)
		return check_address(field, value, path, findings);
	check_length(field, value->valuestring, path, findings);
	return check_pattern(field, value, path, findings);
}

/* Characters of the free text in a value: a voice chosen from a list is none. */
static size_t text_length(const struct field *field, const cJSON *value)
{
	size_t length = 0;
	const cJSON *inner;

	if (cJSON_IsString(value) && !field->values && field->media == MEDIA_NONE)
		return utf8_length(value->valuestring, strlen(value->valuestring));
	if (cJSON_IsArray(value) && field->item) {
		cJSON_ArrayForEach(inner, value)
		{
			length += text_length(field->item, inner);
		}
	}
	for (size_t i = 0; cJSON_IsObject(value) && i < field->member_count; i++) {
		inner = cJSON_GetObjectItemCaseSensitive(value, field->members[i].name);
		if (inner)
			length += text_length(&field->members[i], inner);
	}
	return length;
}

/* What the elements are: the field's own `item`, with what the array says about files. */
static struct field element_of(const struct field *field)
{
	struct field element = *field;

	if (field->item) {
		element = *field->item;
	} else {
		element.type = FIELD_STRING;
		element.also_types = 0;
	}
	if (element.type == FIELD_STRING && element.media == MEDIA_NONE) {
		element.media = field->media;
		element.scheme = field->scheme;
	}
	element.required = true;
	return element;
}

static void check_items(
	const struct field *field, size_t count, const char *path, struct findings *findings)
{
	long least = field->min_items;

	if (least <= 0 && field->required && field->media != MEDIA_NONE)
		least = 1;
	if (field->max_items >= 0 && count > (size_t)field->max_items)
		findings_value(findings,
			"%s has %zu elements, but at most %ld %s allowed. Remove %zu.", path, count,
			field->max_items, field->max_items == 1 ? "is" : "are",
			count - (size_t)field->max_items);
	if (least > 0 && count < (size_t)least)
		findings_value(findings,
			"%s has %zu element%s, but at least %ld %s needed. Add %zu.", path, count,
			count == 1 ? "" : "s", least, least == 1 ? "is" : "are",
			(size_t)least - count);
}

static int check_array(
	const struct field *field, cJSON *array, const char *path, struct findings *findings)
{
	struct field element = element_of(field);
	bool described = field->item || field->media != MEDIA_NONE || field->type != FIELD_ARRAY;
	size_t count = 0;
	cJSON *value;

	cJSON_ArrayForEach(value, array)
	{
		char inner[PATH_SIZE];
		int r;

		snprintf(inner, sizeof(inner), "%.220s[%zu]", path, count++);
		r = described ? check_value(&element, value, inner, findings) : 0;
		if (r < 0)
			return r;
	}
	if (field->type != FIELD_ARRAY)
		return 0;
	check_items(field, count, path, findings);
	size_t length = field->max_text >= 0 ? text_length(field, array) : 0;
	if (field->max_text >= 0 && length > (size_t)field->max_text)
		findings_value(findings,
			"%s holds %zu characters of text in all, but at most %ld are allowed. "
			"Shorten it by %zu.",
			path, length, field->max_text, length - (size_t)field->max_text);
	return 0;
}

int check_value(
	const struct field *field, cJSON *value, const char *path, struct findings *findings)
{
	int r;

	if (check_listed(field->also, value))
		return 0;
	r = convert(field, value);
	if (r < 0)
		return r;
	if (!type_fits(field, value))
		return refuse(field, value, path, type_hint(field, value), findings);
	if (cJSON_IsArray(value))
		return check_array(field, value, path, findings);
	if (cJSON_IsObject(value))
		return check_members(field, value, path, findings);
	if (field->values)
		return check_listed(field->values, value)
			       ? 0
			       : refuse(field, value, path, "", findings);
	if (cJSON_IsString(value))
		return check_string(field, value, path, findings);
	if (cJSON_IsNumber(value))
		return check_number(field, value, path, findings);
	return 0;
}
