#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "form.h"
#include "kiefs/catalogue.h"
#include "result_entry.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const hosts[] = {"api", "upload"};
static const char *const methods[] = {"GET", "POST"};
static const char *const state_words[] = {"running", "success", "fail", "ended"};
static const char *const class_words[] = {"ok", "running", "later", "client", "auth", "credits",
	"quota", "rate", "maintenance", "server", "task"};
static const char *const callback_words[] = {"optional", "required"};
static const char *const body_words[] = {"$model", "$input", "$callback"};

struct raw_service {
	const char *like, *callback;
	const cJSON *submit, *answer, *poll, *results, *success, *retry_s, *progress_max;
	struct service service;
};

#define RAW(member) offsetof(struct raw_service, member)
#define SERVICE(member) offsetof(struct raw_service, service.member)

static const struct form_key service_keys[] = {
	{"like", FORM_TEXT, RAW(like), false},
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
	{"callback", FORM_TEXT, RAW(callback), false},
	{"task_id", FORM_TEXTS, SERVICE(task_id), false},
	{"retry_s", FORM_NUMBER, RAW(retry_s), false},
};
static const struct form_key answer_keys[] = {
	{"code", FORM_TEXT, SERVICE(code_path), false},
	{"success", FORM_NUMBER, RAW(success), false},
	{"message", FORM_TEXTS, SERVICE(message), false},
	{"classes", FORM_OBJECT, SERVICE(classes), false},
	{"messages", FORM_LIST, SERVICE(messages), false},
	{"credits", FORM_TEXTS, SERVICE(credits), false},
};
static const struct form_key poll_keys[] = {
	{"method", FORM_TEXT, SERVICE(poll_method), true},
	{"path", FORM_TEXT, SERVICE(poll_path), true},
	{"query", FORM_TEXT, SERVICE(poll_query), false},
	{"repeat", FORM_FLAG, SERVICE(poll_repeats), false},
	{"state", FORM_TEXT, SERVICE(state_path), false},
	{"states", FORM_OBJECT, SERVICE(states), false},
	{"progress", FORM_TEXT, SERVICE(progress_path), false},
	{"progress_max", FORM_NUMBER, RAW(progress_max), false},
	{"fail_code", FORM_TEXT, SERVICE(fail_code_path), false},
	{"fail_code_decides", FORM_FLAG, SERVICE(fail_code_decides), false},
	{"fail_message", FORM_TEXTS, SERVICE(fail_message), false},
	{"credits", FORM_TEXTS, SERVICE(credits), false},
};

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
	if (r < 0)
		return r;
	return paths_check(scope, "task_id", service->task_id, err);
}

struct raw_message {
	const char *text, *class;
	const cJSON *code;
};

static const struct form_key message_keys[] = {
	{"text", FORM_TEXT, offsetof(struct raw_message, text), true},
	{"class", FORM_TEXT, offsetof(struct raw_message, class), true},
	{"code", FORM_NUMBER, offsetof(struct raw_message, code), false},
};

static int check_messages(
	const struct scope *scope, const struct service *service, struct error *err)
{
	struct scope inner = {scope, "key", "messages"};

	for (const cJSON *i = service->messages ? service->messages->child : NULL; i; i = i->next) {
		struct raw_message raw = {0};
		int r = form_read(&inner, i, message_keys, COUNT(message_keys), &raw, err);

		if (r == 0)
			r = form_word(
				&inner, "class", raw.class, class_words, COUNT(class_words), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_answer(const struct scope *scope, const struct service *service, struct error *err)
{
	int r = path_check(scope, "code", service->code_path, err);

	if (r < 0)
		return r;
	r = paths_check(scope, "message", service->message, err);
	if (r < 0)
		return r;
	for (const cJSON *i = service->classes ? service->classes->child : NULL; i; i = i->next)
		if (strspn(i->string, "-0123456789") != strlen(i->string) || !i->string[0])
			return form_fail(scope, err, "\"classes\": \"%s\" is not a code's number.",
				i->string);
	r = paths_check(scope, "credits", service->credits, err);
	if (r == 0)
		r = check_messages(scope, service, err);
	if (r < 0)
		return r;
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
	if ((service->poll_query != NULL) + (strstr(service->poll_path, "{task}") != NULL) +
			service->poll_repeats !=
		1)
		return form_fail(scope, err,
			"the task's id stands either in \"path\" as {task} or in \"query\", or "
			"\"repeat\" is true.");
	if (!service->state_path != !service->states)
		return form_fail(scope, err, "\"state\" and \"states\" belong together.");
	if (service->fail_code_decides && !service->fail_code_path)
		return form_fail(scope, err, "\"fail_code_decides\" needs \"fail_code\".");
	for (size_t i = 0; i < COUNT(paths); i++) {
		r = path_check(scope, paths[i].key, paths[i].path, err);
		if (r < 0)
			return r;
	}
	r = paths_check(scope, "fail_message", service->fail_message, err);
	if (r < 0)
		return r;
	r = paths_check(scope, "credits", service->credits, err);
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

int service_read_call(
	const struct scope *scope, struct service *service, const cJSON *answer, struct error *err)
{
	struct raw_service raw = {.service = *service};
	int r = form_word(scope, "host", service->host, hosts, COUNT(hosts), err);

	if (r >= 0)
		r = check_call(scope, service->submit_method, service->submit_path, err);
	if (r >= 0)
		r = read_part(scope, "answer", answer, answer_keys, COUNT(answer_keys),
			check_answer, &raw, err);
	if (r < 0)
		return r;
	raw.service.success_code = raw.success ? raw.success->valuedouble : 200;
	*service = raw.service;
	return 0;
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
	if (raw.callback) {
		r = form_word(scope, "callback", raw.callback, callback_words,
			COUNT(callback_words), err);
		if (r < 0)
			return r;
	}
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
	if (raw.retry_s && !(raw.retry_s->valuedouble > 0 && raw.retry_s->valuedouble <= 86400))
		return form_fail(scope, err, "\"retry_s\" is a number of seconds up to a day.");
	if (raw.progress_max && !(raw.progress_max->valuedouble > 0))
		return form_fail(scope, err, "\"progress_max\" must be above 0.");
	raw.service.success_code = raw.success ? raw.success->valuedouble : 200;
	raw.service.progress_max = raw.progress_max ? raw.progress_max->valuedouble : 100;
	raw.service.retry_ms = raw.retry_s ? (long)(raw.retry_s->valuedouble * 1000) : 0;
	raw.service.callback_required = raw.callback && strcmp(raw.callback, "required") == 0;
	raw.service.name = out->name;
	raw.service.entry = object;
	*out = raw.service;
	return 0;
}

/* A part's keys one by one; what stands under a key is taken whole. */
static int overlay(cJSON *under, const cJSON *over, bool whole)
{
	for (const cJSON *i = over->child; i; i = i->next) {
		cJSON *have = cJSON_GetObjectItemCaseSensitive(under, i->string);

		if (!whole && cJSON_IsObject(have) && cJSON_IsObject(i)) {
			int r = overlay(have, i, true);
			if (r < 0)
				return r;
			continue;
		}
		if (have)
			cJSON_Delete(cJSON_DetachItemViaPointer(under, have));
		if (cJSON_IsNull(i))
			continue;
		cJSON *copy = cJSON_Duplicate(i, true);
		if (!copy || !cJSON_AddItemToObject(under, i->string, copy)) {
			cJSON_Delete(copy);
			return -ENOMEM;
		}
	}
	return 0;
}

cJSON *service_overlay(const cJSON *base, const cJSON *object)
{
	cJSON *whole = cJSON_Duplicate(base, true);

	if (!whole || overlay(whole, object, false) < 0) {
		cJSON_Delete(whole);
		return NULL;
	}
	/* It stands for itself: laid over its base again, what it took away would come back. */
	cJSON_DeleteItemFromObjectCaseSensitive(whole, "like");
	return whole;
}
