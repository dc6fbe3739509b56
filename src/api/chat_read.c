/*
 * Reading answers in text. A stream is read as server-sent events: lines that end in LF, CR or
 * both; the `data` lines of an event joined; an empty line ends it. What stands in an event's JSON
 * is the service's entry's to say.
 */
#include "kiefs/chat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/check.h"
#include "kiefs/jsonpath.h"

#include "envelope.h"

#define EVENT_MAX (4u << 20)

static const cJSON *member(const cJSON *object, const char *name)
{
	return object ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

/* ---- places in an answer ---- */

/* Calls `each` for what stands at the place below `root`. */
struct walk {
	const char *path;
	const cJSON *when;
	json_path_fn *each;
	void *user;
};

struct match {
	const cJSON *wanted;
	bool found, fits;
};

static int compare(const cJSON *item, void *user)
{
	struct match *match = user;

	match->found = true;
	if (cJSON_IsArray(match->wanted)) {
		const cJSON *value;
		cJSON_ArrayForEach(value, match->wanted)
		{
			match->fits = match->fits || cJSON_Compare(value, item, true);
		}
	} else {
		match->fits = match->fits || cJSON_Compare(match->wanted, item, true);
	}
	return 0;
}

/* Every path of `when` holds its value, one of its values, or (null) nothing. */
static bool applies(const cJSON *root, const cJSON *when)
{
	const cJSON *wanted;

	cJSON_ArrayForEach(wanted, when)
	{
		struct match match = {.wanted = wanted};
		if (json_path_each(root, wanted->string, compare, &match) < 0)
			return false;
		if (cJSON_IsNull(wanted) ? match.found : !match.fits)
			return false;
	}
	return true;
}

static int walk_one(const cJSON *root, void *user)
{
	const struct walk *walk = user;

	if (walk->when && !applies(root, walk->when))
		return 0;
	if (!walk->path)
		return walk->each(root, walk->user);
	return json_path_each(root, walk->path, walk->each, walk->user);
}

static int walk_place(const cJSON *root, const cJSON *place, json_path_fn *each, void *user)
{
	struct walk walk = {
		.path = cJSON_GetStringValue(cJSON_IsString(place) ? place : member(place, "path")),
		.when = member(place, "when"),
		.each = each,
		.user = user,
	};
	const char *outer = cJSON_GetStringValue(member(place, "each"));

	return outer ? json_path_each(root, outer, walk_one, &walk) : walk_one(root, &walk);
}

static int walk_all(const cJSON *root, const cJSON *places, json_path_fn *each, void *user)
{
	const cJSON *place;
	int r = 0;

	cJSON_ArrayForEach(place, places)
	{
		if (r == 0)
			r = walk_place(root, place, each, user);
	}
	return r;
}

static int add_text(const cJSON *item, void *user)
{
	struct buf *out = user;

	return cJSON_IsString(item) ? buf_adds(out, item->valuestring) : 0;
}

static int take_string(const cJSON *item, void *user)
{
	char **out = user;

	if (*out)
		return 0;
	if (!cJSON_IsString(item) && !cJSON_IsNumber(item))
		return 0;
	*out = json_scalar_text(item);
	return 0;
}

static int take_number(const cJSON *item, void *user)
{
	double *out = user;

	if (cJSON_IsNumber(item) && isfinite(item->valuedouble) && item->valuedouble >= 0)
		*out = item->valuedouble;
	return 0;
}

static int note_any(const cJSON *item, void *user)
{
	bool *any = user;

	*any = true;
	return 0;
}

static int add_call(const cJSON *item, void *user)
{
	cJSON *copy = cJSON_Duplicate(item, true);

	if (copy && cJSON_AddItemToArray(user, copy))
		return 0;
	cJSON_Delete(copy);
	return -ENOMEM;
}

/* ---- one JSON value, an event or a whole answer ---- */

static const cJSON *reading_of(const struct model *model, bool event)
{
	const cJSON *chat = model->service->chat;
	const cJSON *reading = event ? member(chat, "event") : NULL;

	return reading ? reading : member(chat, "answer");
}

static int read_calls(const cJSON *root, const cJSON *places, struct chat_answer *out)
{
	cJSON *calls = places ? cJSON_CreateArray() : NULL;
	int r = places && !calls ? -ENOMEM : 0;

	if (r == 0)
		r = walk_all(root, places, add_call, calls);
	if (r == 0 && calls && calls->child && !out->calls) {
		out->calls = cJSON_Print(calls);
		r = out->calls ? 0 : -ENOMEM;
	}
	cJSON_Delete(calls);
	return r;
}

/* An error's words: where the entry says, else where the service's envelope has its message. */
static int read_error(
	const struct model *model, const cJSON *root, const cJSON *reading, char **out)
{
	const struct service *service = model->service;
	char *said = NULL;
	double code;
	bool coded = service->code_path && json_path_number(root, service->code_path, &code) &&
		     code != service->success_code;
	int r = walk_all(root, member(reading, "error"), take_string, &said);

	if (r == 0 && !said && coded)
		said = json_first_string(root, service->message);
	if (r == 0 && !said && coded)
		said = strdup("it gave no reason");
	if (r == 0 && said) {
		*out = text_clean(said);
		r = *out ? 0 : -ENOMEM;
	}
	free(said);
	return r;
}

static int read_value(
	const struct model *model, const cJSON *root, bool event, struct chat_answer *out)
{
	const cJSON *reading = reading_of(model, event);
	size_t before = out->text.len;
	char *stop = NULL;
	int r = walk_all(root, member(reading, "text"), add_text, &out->text);

	out->any_text = out->any_text || out->text.len > before;
	if (r == 0)
		r = walk_all(root, member(reading, "stop"), take_string, &stop);
	if (stop) {
		free(out->stop);
		out->stop = stop;
	}
	if (r == 0)
		r = walk_all(root, member(reading, "credits"), take_number, &out->credits);
	if (r == 0)
		r = walk_all(root, member(reading, "done"), note_any, &out->ended);
	if (r == 0 && !event)
		r = read_calls(root, member(reading, "calls"), out);
	return r;
}

/* ---- a stream ---- */

void chat_reader_init(struct chat_reader *reader, const struct model *model)
{
	*reader = (struct chat_reader){.model = model, .answer.credits = -1};
	buf_init(&reader->answer.text, CHAT_TEXT_MAX);
	buf_init(&reader->line, EVENT_MAX);
	buf_init(&reader->data, EVENT_MAX);
	buf_init(&reader->raw, CHAT_RAW_MAX);
	buf_init(&reader->refusal, EVENT_MAX);
}

void chat_answer_finish(struct chat_answer *answer)
{
	if (!answer)
		return;
	buf_finish(&answer->text);
	free(answer->stop);
	free(answer->error);
	cJSON_free(answer->calls);
	answer->stop = answer->error = answer->calls = NULL;
}

void chat_reader_finish(struct chat_reader *reader)
{
	if (!reader)
		return;
	chat_answer_finish(&reader->answer);
	buf_finish(&reader->line);
	buf_finish(&reader->data);
	buf_finish(&reader->raw);
	buf_finish(&reader->refusal);
}

static int read_event(struct chat_reader *reader, const char *text, size_t len)
{
	const cJSON *chat = reader->model->service->chat;
	const char *end = cJSON_GetStringValue(member(chat, "end"));
	char *error = NULL;
	int r;

	if (end && strlen(end) == len && memcmp(end, text, len) == 0) {
		reader->answer.ended = true;
		return 0;
	}
	cJSON *root = cJSON_ParseWithLength(text, len);
	if (!cJSON_IsObject(root)) {
		reader->garbage++;
		cJSON_Delete(root);
		return 0;
	}
	r = read_error(reader->model, root, reading_of(reader->model, true), &error);
	if (r == 0 && error) {
		/* Before anything was said it is a refusal like any other answer. */
		if (reader->events == 0 && reader->refusal.len == 0)
			r = buf_add(&reader->refusal, text, len);
		free(reader->answer.error);
		reader->answer.error = error;
	} else if (r == 0) {
		reader->events++;
		r = read_value(reader->model, root, true, &reader->answer);
	}
	cJSON_Delete(root);
	return r;
}

static int end_event(struct chat_reader *reader)
{
	int r = 0;

	if (reader->data.len > 0)
		r = read_event(reader, reader->data.data, reader->data.len);
	buf_clear(&reader->data);
	return r;
}

static int end_line(struct chat_reader *reader)
{
	const char *line = reader->line.len ? reader->line.data : "";
	size_t len = reader->line.len;
	int r = 0;

	if (len == 0)
		return end_event(reader);
	if (len >= 5 && memcmp(line, "data:", 5) == 0) {
		size_t at = len > 5 && line[5] == ' ' ? 6 : 5;
		if (reader->data.len > 0)
			buf_add(&reader->data, "\n", 1);
		r = buf_add(&reader->data, line + at, len - at);
	}
	buf_clear(&reader->line);
	return r;
}

int chat_reader_feed(struct chat_reader *reader, const char *bytes, size_t len)
{
	size_t room = CHAT_RAW_MAX - reader->raw.len;
	int r = 0;

	if (buf_add(&reader->raw, bytes, len < room ? len : room) == -ENOMEM)
		return -ENOMEM;
	while (r == 0 && len > 0) {
		if (reader->after_return && *bytes == '\n') {
			reader->after_return = false;
			bytes++, len--;
			continue;
		}
		reader->after_return = false;
		size_t n = 0;
		while (n < len && bytes[n] != '\n' && bytes[n] != '\r')
			n++;
		if (n > 0)
			r = buf_add(&reader->line, bytes, n);
		if (r == 0 && n < len) {
			reader->after_return = bytes[n] == '\r';
			r = end_line(reader);
			n++;
		}
		bytes += n, len -= n;
	}
	return r;
}

int chat_reader_end(struct chat_reader *reader)
{
	int r = reader->line.len > 0 ? end_line(reader) : 0;

	return r == 0 ? end_event(reader) : r;
}

/* ---- a whole answer ---- */

int chat_read_whole(const struct model *model, const char *body, size_t len,
	struct chat_answer *out, bool *found)
{
	cJSON *root = cJSON_ParseWithLength(body, len);
	const cJSON *part;
	int r = 0;

	*found = false;
	*out = (struct chat_answer){.credits = -1};
	buf_init(&out->text, CHAT_TEXT_MAX);
	if (cJSON_IsObject(root))
		r = read_error(model, root, reading_of(model, false), &out->error);
	if (r == 0 && !out->error && cJSON_IsObject(root))
		r = read_value(model, root, false, out);
	/* A stream's events in one array: some services send them so. */
	if (cJSON_IsArray(root))
		cJSON_ArrayForEach(part, root)
		{
			if (r == 0)
				r = read_value(model, part, true, out);
		}
	cJSON_Delete(root);
	*found = r == 0 && !out->error && (out->any_text || out->calls || out->stop);
	return r;
}

bool chat_stop_is_natural(const struct model *model, const char *stop)
{
	const cJSON *word, *words = member(model->service->chat, "stops");

	if (!stop || !words)
		return true;
	cJSON_ArrayForEach(word, words)
	{
		if (strcmp(word->valuestring, stop) == 0)
			return true;
	}
	return false;
}
