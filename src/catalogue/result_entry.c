#include "result_entry.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "form.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Longest member name in a path. */
#define PATH_NAME_MAX 127
/* Members of an element: more would leave too few numbers for the elements. */
#define EACH_MAX 10

static const char *const kind_words[] = {"media", "image", "video", "audio", "text", "json"};

struct raw_result {
	const char *kind, *name, *named_by;
	const cJSON *path, *each, *id;
	bool optional, mirror, early;
};

#define RESULT(member) offsetof(struct raw_result, member)

static const struct form_key single_keys[] = {
	{"path", FORM_ANY, RESULT(path), true},
	{"kind", FORM_TEXT, RESULT(kind), true},
	{"name", FORM_TEXT, RESULT(name), false},
	{"optional", FORM_FLAG, RESULT(optional), false},
	{"mirror", FORM_FLAG, RESULT(mirror), false},
	{"early", FORM_FLAG, RESULT(early), false},
};
static const struct form_key group_keys[] = {
	{"path", FORM_ANY, RESULT(path), true},
	{"each", FORM_LIST, RESULT(each), true},
	{"id", FORM_TEXTS, RESULT(id), false},
	{"named_by", FORM_TEXT, RESULT(named_by), false},
	{"optional", FORM_FLAG, RESULT(optional), false},
	{"mirror", FORM_FLAG, RESULT(mirror), false},
	{"early", FORM_FLAG, RESULT(early), false},
};
static const struct form_key member_keys[] = {
	{"path", FORM_ANY, RESULT(path), true},
	{"kind", FORM_TEXT, RESULT(kind), true},
	{"name", FORM_TEXT, RESULT(name), false},
};

/* Names separated by "." or ">", each followed by any number of "[]", which may also follow ">"
 * at once: see kiefs/jsonpath.h. */
static bool is_path(const char *path)
{
	bool inner = false;

	for (;;) {
		size_t n = strcspn(path, ".[]>");

		if (n > PATH_NAME_MAX || (n == 0 && !(inner && strncmp(path, "[]", 2) == 0)))
			return false;
		path += n;
		while (strncmp(path, "[]", 2) == 0)
			path += 2;
		if (*path == '\0')
			return true;
		if (*path != '.' && *path != '>')
			return false;
		inner = *path == '>';
		path++;
	}
}

int path_check(const struct scope *scope, const char *key, const char *path, struct error *err)
{
	if (!path || is_path(path))
		return 0;
	return form_fail(scope, err,
		"\"%s\": \"%s\" is not a path. Paths look like data.taskId, data.urls[] or "
		"data.text>urls[].",
		key, path);
}

int paths_check(const struct scope *scope, const char *key, const cJSON *paths, struct error *err)
{
	for (const cJSON *i = paths ? paths->child : NULL; i; i = i->next) {
		int r = path_check(scope, key, i->valuestring, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One path, or several of which the first counts that leads to something. */
static int check_place(const struct scope *scope, const cJSON *path, struct error *err)
{
	bool list = cJSON_IsArray(path) && path->child;

	if (cJSON_IsString(path))
		return path_check(scope, "path", path->valuestring, err);
	for (const cJSON *i = list ? path->child : NULL; i; i = i->next)
		list = list && cJSON_IsString(i);
	if (!list)
		return form_fail(scope, err, "\"path\" must be a path or an array of paths.");
	return paths_check(scope, "path", path, err);
}

static bool is_result_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static int check_single(const struct scope *scope, const cJSON *object, const struct form_key *keys,
	size_t count, struct error *err)
{
	struct raw_result raw = {0};
	int r = form_read(scope, object, keys, count, &raw, err);

	if (r == 0)
		r = check_place(scope, raw.path, err);
	if (r == 0)
		r = form_word(scope, "kind", raw.kind, kind_words, COUNT(kind_words), err);
	if (r < 0)
		return r;
	if (raw.name && !is_result_name(raw.name))
		return form_fail(scope, err,
			"\"name\" is \"%s\"; it becomes a part of a file's name: small "
			"letters, digits and \"-\" only.",
			raw.name);
	return 0;
}

static bool ends_in_elements(const char *path)
{
	size_t len = strlen(path);

	return len >= 2 && strcmp(path + len - 2, "[]") == 0;
}

static int check_group(const struct scope *scope, const cJSON *object, struct error *err)
{
	struct scope inner = {scope, "key", "each"};
	struct raw_result raw = {0};
	int r = form_read(scope, object, group_keys, COUNT(group_keys), &raw, err);

	if (r == 0)
		r = check_place(scope, raw.path, err);
	if (r == 0)
		r = paths_check(scope, "id", raw.id, err);
	if (r == 0)
		r = path_check(scope, "named_by", raw.named_by, err);
	if (r < 0)
		return r;
	const cJSON *path = cJSON_IsArray(raw.path) ? raw.path->child : raw.path;
	for (; path; path = cJSON_IsArray(raw.path) ? path->next : NULL)
		if (!ends_in_elements(path->valuestring))
			return form_fail(scope, err,
				"\"path\" is \"%s\"; beside \"each\" it ends in \"[]\".",
				path->valuestring);
	if (!raw.each->child || cJSON_GetArraySize(raw.each) > EACH_MAX)
		return form_fail(scope, err, "\"each\" holds 1 to %d results.", EACH_MAX);
	for (const cJSON *i = raw.each->child; i; i = i->next) {
		r = check_single(&inner, i, member_keys, COUNT(member_keys), err);
		if (r < 0)
			return r;
	}
	return 0;
}

int results_check(const struct scope *scope, const cJSON *results, struct error *err)
{
	struct scope inner = {scope, "key", "results"};

	if (!results->child)
		return form_fail(scope, err, "\"results\" must hold at least one result.");
	for (const cJSON *i = results->child; i; i = i->next) {
		int r = cJSON_GetObjectItemCaseSensitive(i, "each")
				? check_group(&inner, i, err)
				: check_single(&inner, i, single_keys, COUNT(single_keys), err);
		if (r < 0)
			return r;
	}
	return 0;
}
