#include "kiefs/jsonpath.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int walk(const cJSON *item, const char *path, json_path_fn *each, void *user)
{
	char name[128];
	size_t n = strcspn(path, ".[>");

	if (!item || cJSON_IsNull(item))
		return 0;
	if (*path == '\0')
		return each(item, user);
	if (*path == '.')
		return walk(item, path + 1, each, user);
	if (strncmp(path, "[]", 2) == 0) {
		if (!cJSON_IsArray(item))
			return 0;
		for (const cJSON *child = item->child; child; child = child->next) {
			int r = walk(child, path + 2, each, user);
			if (r < 0)
				return r;
		}
		return 0;
	}
	if (*path == '>') {
		/* The API spells the inner document now as a string, now as a plain object. */
		if (!cJSON_IsString(item))
			return walk(item, path + 1, each, user);
		cJSON *inner = cJSON_Parse(item->valuestring);
		int r = walk(inner, path + 1, each, user);
		cJSON_Delete(inner);
		return r;
	}
	if (n == 0 || n >= sizeof(name))
		return 0;
	memcpy(name, path, n);
	name[n] = '\0';
	return walk(cJSON_GetObjectItemCaseSensitive(item, name), path + n, each, user);
}

int json_path_each(const cJSON *root, const char *path, json_path_fn *each, void *user)
{
	return walk(root, path, each, user);
}

static int take_string(const cJSON *item, void *user)
{
	char **out = user;

	if (cJSON_IsString(item) && item->valuestring[0])
		*out = strdup(item->valuestring);
	else if (cJSON_IsNumber(item))
		*out = cJSON_PrintUnformatted(item);
	return *out ? -ECANCELED : 0;
}

char *json_path_string(const cJSON *root, const char *path)
{
	char *out = NULL;

	json_path_each(root, path, take_string, &out);
	return out;
}

static int take_number(const cJSON *item, void *user)
{
	double *out = user;
	char *end;

	if (cJSON_IsNumber(item)) {
		*out = item->valuedouble;
		return -ECANCELED;
	}
	if (cJSON_IsString(item) && item->valuestring[0]) {
		double value = strtod(item->valuestring, &end);
		if (*end == '\0') {
			*out = value;
			return -ECANCELED;
		}
	}
	return 0;
}

bool json_path_number(const cJSON *root, const char *path, double *out)
{
	return json_path_each(root, path, take_number, out) == -ECANCELED;
}
