#include "envelope.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/http.h"
#include "kiefs/jsonpath.h"
#include "kiefs/utf8.h"

#define QUOTE_MAX 300
#define SENTENCE_MAX 4096

enum answer_class answer_class_from(const char *word)
{
	static const struct {
		const char *word;
		enum answer_class class;
	} words[] = {
		{"ok", CLASS_OK},
		{"running", CLASS_RUNNING},
		{"client", CLASS_CLIENT},
		{"auth", CLASS_AUTH},
		{"credits", CLASS_CREDITS},
		{"quota", CLASS_QUOTA},
		{"rate", CLASS_RATE},
		{"later", CLASS_LATER},
		{"maintenance", CLASS_MAINTENANCE},
		{"server", CLASS_SERVER},
		{"task", CLASS_TASK},
	};

	for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].class;
	return CLASS_UNKNOWN;
}

char *json_scalar_text(const cJSON *item)
{
	char number[64];

	if (cJSON_IsString(item))
		return item->valuestring[0] ? strdup(item->valuestring) : NULL;
	if (cJSON_IsBool(item))
		return strdup(cJSON_IsTrue(item) ? "true" : "false");
	if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
		return NULL;
	snprintf(number, sizeof(number), "%.15g", item->valuedouble);
	return strdup(number);
}

/* Length of the UTF-8 character at `text`; 0 when it is none. */
static size_t character_length(const char *text)
{
	for (size_t n = 1; n <= 4 && text[n - 1]; n++)
		if (utf8_is_valid(text, n))
			return n;
	return 0;
}

char *text_clean(const char *text)
{
	struct buf out;
	size_t count = 0;

	buf_init(&out, SENTENCE_MAX);
	while (*text && count < QUOTE_MAX) {
		size_t n = character_length(text);
		bool control =
			(unsigned char)*text < 0x20 || *text == 0x7f ||
			(n == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0);
		if (n == 0)
			buf_add(&out, "?", 1);
		else if (control && out.len && out.data[out.len - 1] != ' ')
			buf_add(&out, " ", 1);
		else if (!control)
			buf_add(&out, text, n);
		text += n ? n : 1;
		count++;
	}
	while (out.len && out.data[out.len - 1] == ' ')
		out.data[--out.len] = '\0';
	if (*text)
		buf_adds(&out, "...");
	char *taken = out.error ? NULL : buf_take(&out);
	buf_finish(&out);
	return taken;
}

char *json_first_string(const cJSON *root, const cJSON *paths)
{
	const cJSON *path;

	cJSON_ArrayForEach(path, paths)
	{
		char *found =
			cJSON_IsString(path) ? json_path_string(root, path->valuestring) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

static enum answer_class class_of_code(const struct service *service, int code)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", code);
	return answer_class_from(
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(service->classes, text)));
}

enum answer_class class_of_status(const struct service *service, int status)
{
	enum answer_class class = class_of_code(service, status);

	if (class != CLASS_UNKNOWN)
		return class;
	if (status >= 200 && status < 300)
		return CLASS_OK;
	if (status == 401)
		return CLASS_AUTH;
	if (status == 402)
		return CLASS_CREDITS;
	if (status == 429)
		return CLASS_RATE;
	return status >= 400 && status < 500 ? CLASS_CLIENT : CLASS_SERVER;
}

/* Only a whole number is the service's own code; other JSON with a member of that name is
 * somebody else's error page. */
static void read_code(const struct service *service, struct envelope *envelope)
{
	double number;

	if (!json_path_number(envelope->root, service->code_path, &number) || !isfinite(number) ||
		fabs(number) > INT_MAX || floor(number) != number)
		return;
	envelope->has_code = true;
	envelope->number = (int)number;
	envelope->class = number == service->success_code
				  ? CLASS_OK
				  : class_of_code(service, envelope->number);
}

/* What the words make of the code. */
static void judge_words(const struct service *service, const char *words, struct envelope *envelope)
{
	const cJSON *rule;

	cJSON_ArrayForEach(rule, service->messages)
	{
		const cJSON *code = cJSON_GetObjectItemCaseSensitive(rule, "code");
		const cJSON *text = cJSON_GetObjectItemCaseSensitive(rule, "text");
		const cJSON *class = cJSON_GetObjectItemCaseSensitive(rule, "class");

		if (code && (!envelope->has_code || code->valuedouble != envelope->number))
			continue;
		if (!strcasestr(words, cJSON_GetStringValue(text)))
			continue;
		envelope->class = answer_class_from(cJSON_GetStringValue(class));
		return;
	}
}

static int read_message(const struct service *service, struct envelope *envelope)
{
	const cJSON *path;

	cJSON_ArrayForEach(path, service->message)
	{
		char *text = cJSON_IsString(path)
				     ? json_path_string(envelope->root, path->valuestring)
				     : NULL;
		if (!text)
			continue;
		judge_words(service, text, envelope);
		envelope->message = text_clean(text);
		free(text);
		return envelope->message ? 0 : -ENOMEM;
	}
	return 0;
}

int envelope_read(
	const struct service *service, const struct http_answer *answer, struct envelope *out)
{
	struct envelope read = {.class = CLASS_UNKNOWN};

	if (answer->body && answer->body_len > 0)
		read.root = cJSON_ParseWithLength(answer->body, answer->body_len);
	if (read.root && service->code_path)
		read_code(service, &read);
	if (!service->code_path)
		read.class = class_of_status(service, answer->status);
	int r = read.root ? read_message(service, &read) : 0;
	if (r < 0)
		envelope_finish(&read);
	else
		*out = read;
	return r;
}

void envelope_finish(struct envelope *envelope)
{
	if (!envelope)
		return;
	cJSON_Delete(envelope->root);
	free(envelope->message);
	*envelope = (struct envelope){0};
}

static char *take_sentence(struct buf *out)
{
	char *text = out->error ? NULL : buf_take(out);

	buf_finish(out);
	return text;
}

static const char *trouble(enum http_outcome outcome)
{
	switch (outcome) {
	case HTTP_NOT_SENT:
		return "no connection could be made";
	case HTTP_NO_ANSWER:
		return "the connection ended before an answer came";
	case HTTP_CUT:
		return "the answer was cut off";
	case HTTP_TOO_LARGE:
		return "the answer was larger than allowed";
	case HTTP_REFUSED:
		return "the address is not allowed";
	case HTTP_LOCAL:
		return "the answer could not be stored";
	case HTTP_ANSWERED:
		break;
	}
	return "the answer could not be understood";
}

char *envelope_sentence(
	const struct envelope *envelope, const struct http_answer *answer, const char *lead)
{
	struct buf out;

	buf_init(&out, SENTENCE_MAX);
	buf_adds(&out, lead);
	if (answer->outcome != HTTP_ANSWERED) {
		buf_addf(&out, " (%s", trouble(answer->outcome));
		char *detail = text_clean(answer->detail ? answer->detail : "");
		if (!detail) {
			buf_finish(&out);
			return NULL;
		}
		size_t n = strlen(detail);
		while (n && detail[n - 1] == '.')
			n--;
		if (n)
			buf_addf(&out, ": %.*s", (int)n, detail);
		free(detail);
		buf_adds(&out, ")");
	} else if (envelope->message && envelope->class != CLASS_OK) {
		buf_addf(&out, "; the service says: \"%s\"", envelope->message);
		if (envelope->has_code && envelope->number)
			buf_addf(&out, " (code %d)", envelope->number);
		else
			buf_addf(&out, " (HTTP %d)", answer->status);
	} else if (envelope->has_code && envelope->class != CLASS_OK) {
		buf_addf(&out, " (code %d, without a reason)", envelope->number);
	} else if (envelope->class == CLASS_OK && envelope->root) {
		buf_addf(&out, " (HTTP %d, but the answer lacks what was asked for)",
			answer->status);
	} else {
		buf_addf(
			&out, " (HTTP %d, and the answer could not be understood)", answer->status);
	}
	buf_adds(&out, ".");
	return take_sentence(&out);
}

char *reason_sentence(const char *reason, const char *code)
{
	char *said = text_clean(reason ? reason : "");
	char *number = text_clean(code ? code : "");
	struct buf out;

	buf_init(&out, SENTENCE_MAX);
	if (!said || !number)
		out.error = -ENOMEM;
	else if (said[0])
		buf_addf(&out, "The task failed; the service says: \"%s\"", said);
	else
		buf_adds(&out, "The task failed, and the service gave no reason");
	if (number && number[0])
		buf_addf(&out, " (code %s)", number);
	buf_adds(&out, ".");
	free(said);
	free(number);
	return take_sentence(&out);
}
