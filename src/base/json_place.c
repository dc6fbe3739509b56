/* JSON pointers (RFC 6901), and numbers that keep all their digits. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/json.h"

int json_place_add(struct buf *place, const char *key)
{
	buf_adds(place, "/");
	for (; *key; key++) {
		if (*key == '~')
			buf_adds(place, "~0");
		else if (*key == '/')
			buf_adds(place, "~1");
		else
			buf_add(place, key, 1);
	}
	return place->error;
}

/* Whether the step, up to the next slash, is this key. */
static bool is_key(const char *step, size_t len, const char *key)
{
	for (size_t i = 0; i < len; i++) {
		char c = step[i];

		if (c == '~' && i + 1 < len)
			c = step[++i] == '1' ? '/' : '~';
		if (*key++ != c)
			return false;
	}
	return *key == '\0';
}

static cJSON *member(const cJSON *object, const char *step, size_t len)
{
	cJSON *inner;

	cJSON_ArrayForEach(inner, object)
	{
		if (is_key(step, len, inner->string))
			return inner;
	}
	return NULL;
}

static cJSON *element(const cJSON *array, const char *step, size_t len)
{
	char *end;
	long index = strtol(step, &end, 10);

	if (end != step + len || index < 0 || index > INT_MAX)
		return NULL;
	return cJSON_GetArrayItem(array, (int)index);
}

cJSON *json_at(cJSON *root, const char *place)
{
	cJSON *value = root;

	while (value && *place == '/') {
		size_t len = strcspn(++place, "/");

		value = cJSON_IsObject(value)  ? member(value, place, len)
			: cJSON_IsArray(value) ? element(value, place, len)
					       : NULL;
		place += len;
	}
	return *place ? NULL : value;
}

int json_spell_numbers(cJSON *value)
{
	char digits[64];
	cJSON *inner;

	if (cJSON_IsNumber(value)) {
		double number = value->valuedouble;

		if (number == floor(number) && fabs(number) < 1e17)
			snprintf(digits, sizeof(digits), "%.0f", number == 0 ? 0 : number);
		else
			for (int precision = 15; precision <= 17; precision++) {
				snprintf(digits, sizeof(digits), "%.*g", precision, number);
				if (strtod(digits, NULL) == number)
					break;
			}
		value->valuestring = strdup(digits);
		if (!value->valuestring)
			return -ENOMEM;
		value->type = (value->type & ~0xff) | cJSON_Raw;
		return 0;
	}
	cJSON_ArrayForEach(inner, value)
	{
		int r = json_spell_numbers(inner);
		if (r < 0)
			return r;
	}
	return 0;
}
