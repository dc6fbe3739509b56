#include "form.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/error.h"

#define MESSAGE_MAX (64u << 10)

static const char *const type_words[] = {
	[FORM_TEXT] = "a text that is not empty",
	[FORM_FLAG] = "true or false",
	[FORM_NUMBER] = "a number",
	[FORM_COUNT] = "a whole number, 0 or more",
	[FORM_TEXTS] = "an array of texts",
	[FORM_LIST] = "an array",
	[FORM_OBJECT] = "an object",
	[FORM_ANY] = "a value",
};

static void add_scope(struct buf *buf, const struct scope *scope)
{
	if (scope->outer)
		add_scope(buf, scope->outer);
	if (!scope->kind)
		buf_addf(buf, "%s: ", scope->name);
	else
		buf_addf(buf, "%s \"%s\": ", scope->kind, scope->name);
}

int form_fail(const struct scope *scope, struct error *err, const char *format, ...)
{
	struct buf where;
	va_list args;
	char *text;

	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return error_set(err, -ENOMEM, "Out of memory.");
	buf_init(&where, MESSAGE_MAX);
	add_scope(&where, scope);
	int r = error_set(err, -EINVAL, "%s%s", where.data ? where.data : "", text);
	buf_finish(&where);
	free(text);
	return r;
}

static bool is_text(const cJSON *value)
{
	return cJSON_IsString(value) && value->valuestring[0];
}

static bool is_texts(const cJSON *value)
{
	if (!cJSON_IsArray(value) || !value->child)
		return false;
	for (const cJSON *item = value->child; item; item = item->next)
		if (!is_text(item))
			return false;
	return true;
}

static bool is_count(const cJSON *value)
{
	return cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble <= INT_MAX &&
	       floor(value->valuedouble) == value->valuedouble;
}

static bool has_type(const cJSON *value, enum form_type type)
{
	switch (type) {
	case FORM_TEXT:
		return is_text(value);
	case FORM_FLAG:
		return cJSON_IsBool(value);
	case FORM_NUMBER:
		return cJSON_IsNumber(value);
	case FORM_COUNT:
		return is_count(value);
	case FORM_TEXTS:
		return is_texts(value);
	case FORM_LIST:
		return cJSON_IsArray(value);
	case FORM_OBJECT:
		return cJSON_IsObject(value);
	case FORM_ANY:
		return true;
	}
	return false;
}

static void put(const cJSON *value, const struct form_key *key, void *out)
{
	void *at = (char *)out + key->offset;

	if (key->type == FORM_TEXT)
		*(const char **)at = value->valuestring;
	else if (key->type == FORM_FLAG)
		*(bool *)at = cJSON_IsTrue(value);
	else if (key->type == FORM_COUNT)
		*(long *)at = (long)value->valuedouble;
	else
		*(const cJSON **)at = value;
}

static int unknown_key(const struct scope *scope, const char *name, const struct form_key *keys,
	size_t count, struct error *err)
{
	struct buf known;

	buf_init(&known, MESSAGE_MAX);
	for (size_t i = 0; i < count; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", keys[i].name);
	int r = form_fail(scope, err, "the key \"%s\" is not known here. Known are: %s.", name,
		known.data ? known.data : "");
	buf_finish(&known);
	return r;
}

int form_read(const struct scope *scope, const cJSON *object, const struct form_key *keys,
	size_t count, void *out, struct error *err)
{
	if (!cJSON_IsObject(object))
		return form_fail(scope, err, "this must be an object.");
	for (const cJSON *item = object->child; item; item = item->next) {
		size_t i = 0;

		while (i < count && strcmp(keys[i].name, item->string) != 0)
			i++;
		if (i == count)
			return unknown_key(scope, item->string, keys, count, err);
		if (!has_type(item, keys[i].type))
			return form_fail(scope, err, "\"%s\" must be %s.", item->string,
				type_words[keys[i].type]);
		put(item, &keys[i], out);
	}
	for (size_t i = 0; i < count; i++)
		if (keys[i].needed && !cJSON_GetObjectItemCaseSensitive(object, keys[i].name))
			return form_fail(scope, err, "\"%s\" is missing; it must be %s.",
				keys[i].name, type_words[keys[i].type]);
	return 0;
}

int form_word(const struct scope *scope, const char *key, const char *word,
	const char *const *words, size_t count, struct error *err)
{
	struct buf known;

	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	buf_init(&known, MESSAGE_MAX);
	for (size_t i = 0; i < count; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", words[i]);
	int r = form_fail(scope, err, "\"%s\" is \"%s\"; allowed are: %s.", key, word,
		known.data ? known.data : "");
	buf_finish(&known);
	return r;
}
