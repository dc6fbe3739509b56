#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "form.h"
#include "kiefs/catalogue.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Longest member name in a path. */
#define PATH_NAME_MAX 127

static const char *const hosts[] = {"api", "upload"};
static const char *const methods[] = {"GET", "POST"};
static const char *const state_words[] = {"running", "success", "fail"};
static const char *const class_words[] = {
	"running", "client", "auth", "credits", "quota", "rate", "maintenance", "server", "task"};
static const char *const kind_words[] = {"media", "image", "video", "audio", "text", "json"};
static const char *const body_words[] = {"$model", "$input", "$callback"};

struct raw_service {
	const cJSON *submit, *answer, *poll, *results, *success;
	struct service service;
};

#define RAW(member) offsetof(struct raw_service, member)
#define SERVICE(member) offsetof(struct raw_service, service.member)

static const struct form_key service_keys[] = {
	{"host", FORM_TEXT, SERVICE(host), true},
	{"submit", FORM_OBJECT, RAW(submit), true},
	{"answer", FORM_OBJECT, RAW(answer), false},
	{"poll", FORM_OBJECT, RAW(poll), false},
	{"chat", FORM_OBJECT, SERVICE(chat), false},
	{"results", FORM_LIST, SERVICE(results), false},
};
static const struct form_key submit_keys[] = {
	{"method", FORM_TEXT, SERVICE(submit_method), true},
	{"path", FORM_TEXT, SERVICE(submit_path), true},
	{"body", FORM_OBJECT, SERVICE(body), true},
	{"task_id", FORM_TEXTS, SERVICE(task_id), false},
};
static const struct form_key answer_keys[] = {
	{"code", FORM_TEXT, SERVICE(code_path), false},
	{"success", FORM_NUMBER, RAW(success), false},
	{"message", FORM_TEXTS, SERVICE(message), false},
	{"classes", FORM_OBJECT, SERVICE(classes), false},
};
static const struct form_key poll_keys[] = {
	{"method", FORM_TEXT, SERVICE(poll_method), true},
	{"path", FORM_TEXT, SERVICE(poll_path), true},
	{"query", FORM_TEXT, SERVICE(poll_query), false},
	{"state", FORM_TEXT, SERVICE(state_path), true},
	{"states", FORM_OBJECT, SERVICE(states), true},
	{"progress", FORM_TEXT, SERVICE(progress_path), false},
	{"fail_code", FORM_TEXT, SERVICE(fail_code_path), false},
	{"fail_message", FORM_TEXTS, SERVICE(fail_message), false},
	{"credits", FORM_TEXTS, SERVICE(credits), false},
};

struct raw_result {
	const char *path, *kind, *name;
	bool optional, mirror;
};

static const struct form_key result_keys[] = {
	{"path", FORM_TEXT, offsetof(struct raw_result, path), true},
	{"kind", FORM_TEXT, offsetof(struct raw_result, kind), true},
	{"name", FORM_TEXT, offsetof(struct raw_result, name), false},
	{"optional", FORM_FLAG, offsetof(struct raw_result, optional), false},
	{"mirror", FORM_FLAG, offsetof(struct raw_result, mirror), false},
};

/* Names separated by "." or ">", each followed by any number of "[]": see kiefs/jsonpath.h. */
bool path_is_valid(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, ".[]>");

		if (n == 0 || n > PATH_NAME_MAX)
			return false;
		path += n;
		while (strncmp(path, "[]", 2) == 0)
			path += 2;
		if (*path == '\0')
			return true;
		if (*path != '.' && *path != '>')
			return false;
		path++;
	}
}

static int check_path(
	const struct scope *scope, const char *key, const char *path, struct error *err)
{
	if (!path || path_is_valid(path))
		return 0;
	return form_fail(scope, err,
		"\"%s\": \"%s\" is not a path. Paths look like data.taskId, data.urls[] or "
		"data.text>urls[].",
		key, path);
}

static int check_paths(
	const struct scope *scope, const char *key, const cJSON *paths, struct error *err)
{
	for (const cJSON *i = paths ? paths->child : NULL; i; i = i->next) {
		int r = check_path(scope, key, i->valuestring, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_result_name(const char *name)
{
	return name[0] != '\0' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

int results_check(const struct scope *scope, const cJSON *results, struct error *err)
{
	struct scope inner = {scope, "key", "results"};

	if (!results->child)
		return form_fail(scope, err, "\"results\" must hold at least one result.");
	for (const cJSON *i = results->child; i; i = i->next) {
		struct raw_result raw = {0};
		int r = form_read(&inner, i, result_keys, COUNT(result_keys), &raw, err);
		if (r < 0)
			return r;
		r = check_path(&inner, "path", raw.path, err);
		if (r < 0)
			return r;
		r = form_word(&inner, "kind", raw.kind, kind_words, COUNT(kind_words), err);
		if (r < 0)
			return r;
		if (raw.name && !is_result_name(raw.name))
			return form_fail(&inner, err,
				"\"name\" is \"%s\"; it becomes a part of a file's name: small "
				"letters, digits and \"-\" only.",
				raw.name);
	}
	return 0;
}

/* Every text starting with "$" in a body is one of the three words. */
static int check_body(const struct scope *scope, const cJSON *value, struct error *err)
{
	if (cJSON_IsString(value) && value->valuestring[0] == '$') {
		int r = form_word(
			scope, "body", value->valuestring, body_words, COUNT(body_words), err);
		return r < 0 ? r : 0;
	}
	for (const cJSON *i = value->child; i; i = i->next) {
		int r = check_body(scope, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_words(const struct scope *scope, const char *key, const cJSON *object,
	const char *const *words, size_t count, struct error *err)
{
	for (const cJSON *i = object ? object->child : NULL; i; i = i->next) {
		if (!cJSON_IsString(i))
			return form_fail(
				scope, err, "\"%s\": \"%s\" must be a text.", key, i->string);
		int r = form_word(scope, key, i->valuestring, words, count, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_call(
	const struct scope *scope, const char *method, const char *path, struct error *err)
{
	int r = form_word(scope, "method", method, methods, COUNT(methods), err);

	if (r < 0)
		return r;
	if (path[0] != '/' || strpbrk(path, " \t\r\n?#"))
		return form_fail(scope, err,
			"\"path\" is \"%s\"; it starts with \"/\" and holds no space, \"?\" or "
			"\"#\".",
			path);
	return 0;
}

static int check_submit(const struct scope *scope, const struct service *service, struct error *err)
{
	int r = check_call(scope, service->submit_method, service->submit_path, err);

	if (r < 0)
		return r;
	r = check_body(scope, service->body, err);
	return r < 0 ? r : check_paths(scope, "task_id", service->task_id, err);
}

static int check_answer(const struct scope *scope, const struct service *service, struct error *err)
{
	int r = check_path(scope, "code", service->code_path, err);

	if (r < 0)
		return r;
	r = check_paths(scope, "message", service->message, err);
	if (r < 0)
		return r;
	for (const cJSON *i = service->classes ? service->classes->child : NULL; i; i = i->next)
		if (strspn(i->string, "-0123456789") != strlen(i->string) || !i->string[0])
			return form_fail(scope, err, "\"classes\": \"%s\" is not a code's number.",
				i->string);
	return check_words(
		scope, "classes", service->classes, class_words, COUNT(class_words), err);
}

static int check_poll(const struct scope *scope, const struct service *service, struct error *err)
{
	const struct {
		const char *key, *path;
	} paths[] = {
		{"state", service->state_path},
		{"progress", service->progress_path},
		{"fail_code", service->fail_code_path},
	};
	int r = check_call(scope, service->poll_method, service->poll_path, err);

	if (r < 0)
		return r;
	if (!service->poll_query == !strstr(service->poll_path, "{task}"))
		return form_fail(scope, err,
			"the task's id stands either in \"path\" as {task} or in \"query\".");
	for (size_t i = 0; i < COUNT(paths); i++) {
		r = check_path(scope, paths[i].key, paths[i].path, err);
		if (r < 0)
			return r;
	}
	r = check_paths(scope, "fail_message", service->fail_message, err);
	if (r < 0)
		return r;
	r = check_paths(scope, "credits", service->credits, err);
	if (r < 0)
		return r;
	return check_words(scope, "states", service->states, state_words, COUNT(state_words), err);
}

/* Each part of a service: its keys, then what they hold. */
static int read_part(const struct scope *scope, const char *name, const cJSON *object,
	const struct form_key *keys, size_t count,
	int (*check)(const struct scope *, const struct service *, struct error *),
	struct raw_service *raw, struct error *err)
{
	struct scope inner = {scope, "key", name};

	if (!object)
		return 0;
	int r = form_read(&inner, object, keys, count, raw, err);
	return r < 0 ? r : check(&inner, &raw->service, err);
}

int service_read(
	const struct scope *scope, const cJSON *object, struct service *out, struct error *err)
{
	struct raw_service raw = {0};
	int r = form_read(scope, object, service_keys, COUNT(service_keys), &raw, err);

	if (r < 0)
		return r;
	r = form_word(scope, "host", raw.service.host, hosts, COUNT(hosts), err);
	if (r < 0)
		return r;
	r = read_part(scope, "submit", raw.submit, submit_keys, COUNT(submit_keys), check_submit,
		&raw, err);
	if (r < 0)
		return r;
	r = read_part(scope, "answer", raw.answer, answer_keys, COUNT(answer_keys), check_answer,
		&raw, err);
	if (r < 0)
		return r;
	r = read_part(scope, "poll", raw.poll, poll_keys, COUNT(poll_keys), check_poll, &raw, err);
	if (r < 0)
		return r;
	if (raw.poll && !raw.service.task_id)
		return form_fail(
			scope, err, "a service with \"poll\" needs \"task_id\" in \"submit\".");
	if (!raw.service.results && !raw.service.chat)
		return form_fail(scope, err, "\"results\" is missing.");
	r = raw.service.results ? results_check(scope, raw.service.results, err) : 0;
	if (r == 0 && raw.service.chat)
		r = chat_check(scope, raw.service.chat, err);
	if (r < 0)
		return r;
	raw.service.success_code = raw.success ? raw.success->valuedouble : 200;
	raw.service.name = out->name;
	*out = raw.service;
	return 0;
}
