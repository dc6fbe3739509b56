#include "chat.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "form.h"
#include "result_entry.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct raw_chat {
	const char *list, *end;
	const cJSON *system, *user, *assistant, *text, *image, *answer, *event, *stops, *defaults;
	bool bare;
};

#define RAW(member) offsetof(struct raw_chat, member)

static const struct form_key chat_keys[] = {
	{"list", FORM_TEXT, RAW(list), true},
	{"system", FORM_OBJECT, RAW(system), false},
	{"user", FORM_OBJECT, RAW(user), true},
	{"assistant", FORM_OBJECT, RAW(assistant), true},
	{"text", FORM_OBJECT, RAW(text), true},
	{"image", FORM_OBJECT, RAW(image), false},
	{"bare", FORM_FLAG, RAW(bare), false},
	{"answer", FORM_OBJECT, RAW(answer), true},
	{"event", FORM_OBJECT, RAW(event), false},
	{"end", FORM_TEXT, RAW(end), false},
	{"stops", FORM_TEXTS, RAW(stops), false},
	{"defaults", FORM_OBJECT, RAW(defaults), false},
};

struct raw_system {
	const cJSON *turn, *fields;
};

static const struct form_key system_keys[] = {
	{"turn", FORM_OBJECT, offsetof(struct raw_system, turn), false},
	{"fields", FORM_OBJECT, offsetof(struct raw_system, fields), false},
};

struct raw_reading {
	const cJSON *text, *stop, *credits, *error, *calls, *done;
};

#define READING(member) offsetof(struct raw_reading, member)

static const struct form_key reading_keys[] = {
	{"text", FORM_LIST, READING(text), true},
	{"stop", FORM_LIST, READING(stop), false},
	{"credits", FORM_LIST, READING(credits), false},
	{"error", FORM_LIST, READING(error), false},
	{"calls", FORM_LIST, READING(calls), false},
	{"done", FORM_LIST, READING(done), false},
};

struct raw_place {
	const char *each, *path;
	const cJSON *when;
};

static const struct form_key place_keys[] = {
	{"each", FORM_TEXT, offsetof(struct raw_place, each), false},
	{"path", FORM_TEXT, offsetof(struct raw_place, path), false},
	{"when", FORM_OBJECT, offsetof(struct raw_place, when), false},
};

static int check_path(const struct scope *scope, const char *path, struct error *err)
{
	return path_check(scope, "path", path, err);
}

/* A path, or {"each", "path", "when"}. */
static int check_place(const struct scope *scope, const cJSON *place, struct error *err)
{
	struct raw_place raw = {0};

	if (cJSON_IsString(place))
		return check_path(scope, place->valuestring, err);
	int r = form_read(scope, place, place_keys, COUNT(place_keys), &raw, err);
	if (r == 0 && !raw.each && !raw.path)
		r = form_fail(scope, err, "\"each\" or \"path\" is needed.");
	if (r == 0)
		r = check_path(scope, raw.each, err);
	if (r == 0)
		r = check_path(scope, raw.path, err);
	for (const cJSON *i = raw.when ? raw.when->child : NULL; r == 0 && i; i = i->next)
		r = check_path(scope, i->string, err);
	return r;
}

static int check_reading(
	const struct scope *scope, const char *name, const cJSON *reading, struct error *err)
{
	struct scope inner = {scope, "key", name};
	struct raw_reading raw = {0};
	int r;

	if (!reading)
		return 0;
	r = form_read(&inner, reading, reading_keys, COUNT(reading_keys), &raw, err);
	for (const cJSON *list = reading->child; r == 0 && list; list = list->next) {
		struct scope key = {&inner, "key", list->string};
		for (const cJSON *place = list->child; r == 0 && place; place = place->next)
			r = check_place(&key, place, err);
	}
	return r;
}

static bool holds(const cJSON *value, const char *word)
{
	if (cJSON_IsString(value))
		return strcmp(value->valuestring, word) == 0;
	for (const cJSON *i = value ? value->child : NULL; i; i = i->next)
		if (holds(i, word))
			return true;
	return false;
}

static int check_word(const struct scope *scope, const char *key, const cJSON *value,
	const char *word, struct error *err)
{
	if (!value || holds(value, word))
		return 0;
	return form_fail(scope, err, "\"%s\" must hold \"%s\".", key, word);
}

static int check_system(const struct scope *scope, const cJSON *system, struct error *err)
{
	struct scope inner = {scope, "key", "system"};
	struct raw_system raw = {0};

	if (!system)
		return 0;
	int r = form_read(&inner, system, system_keys, COUNT(system_keys), &raw, err);
	if (r < 0)
		return r;
	if (!raw.turn == !raw.fields)
		return form_fail(&inner, err, "either \"turn\" or \"fields\" is needed.");
	return check_word(&inner, raw.turn ? "turn" : "fields", system, "$text", err);
}

int chat_check(const struct scope *scope, const cJSON *chat, struct error *err)
{
	struct scope inner = {scope, "key", "chat"};
	struct raw_chat raw = {0};
	int r = form_read(&inner, chat, chat_keys, COUNT(chat_keys), &raw, err);

	if (r < 0)
		return r;
	const struct {
		const char *key;
		const cJSON *value;
		const char *word;
	} words[] = {
		{"user", raw.user, "$content"},
		{"assistant", raw.assistant, "$content"},
		{"text", raw.text, "$text"},
	};
	for (size_t i = 0; i < COUNT(words); i++) {
		r = check_word(&inner, words[i].key, words[i].value, words[i].word, err);
		if (r < 0)
			return r;
	}
	if (raw.image && !holds(raw.image, "$url") && !holds(raw.image, "$data"))
		return form_fail(&inner, err, "\"image\" must hold \"$url\" or \"$data\".");
	r = check_system(&inner, raw.system, err);
	if (r == 0)
		r = check_reading(&inner, "answer", raw.answer, err);
	return r == 0 ? check_reading(&inner, "event", raw.event, err) : r;
}
