/* What an upload service's answer means. Uploading costs nothing: whatever is not a clear yes or no
 * may be tried again. */
#include "kiefs/upload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "envelope.h"
#include "kiefs/http.h"
#include "kiefs/jsonpath.h"

#define ADDRESS_MAX 8192
#define LIFE_MAX_MS (366LL * 24 * 3600 * 1000)
/* Numbers below are seconds since 1970, above milliseconds. */
#define SECONDS_MAX 100000000000.0

static bool is_address(const char *text)
{
	bool web = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;

	if (!web || strlen(text) > ADDRESS_MAX)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

/* "2025-01-18T10:30:00Z", with a fraction or an offset too, or a number as text; -1: neither. */
static int64_t read_time(const char *text)
{
	struct tm tm = {0};
	int hours = 0, minutes = 0;
	char sign = 0, *end;
	double number = strtod(text, &end);

	if (end != text && *end == '\0')
		return number <= 0	      ? -1
		       : number < SECONDS_MAX ? (int64_t)(number * 1000)
					      : (int64_t)number;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
	if (!rest)
		return -1;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	int64_t seconds = timegm(&tm);
	if (sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) == 3 && (sign == '+' || sign == '-'))
		seconds -= (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	return seconds * 1000;
}

/* An end that lies before the start is of another clock than ours. */
static int64_t end_of_life(
	const struct upload_service *service, const cJSON *root, int64_t started_ms)
{
	char *text = json_first_string(root, service->expires);
	int64_t at = text ? read_time(text) : -1;

	free(text);
	if (at <= started_ms || at > started_ms + LIFE_MAX_MS)
		return started_ms + service->life_ms;
	return at;
}

static enum upload_verdict verdict_of_class(enum answer_class class)
{
	switch (class) {
	case CLASS_AUTH:
		return UPLOAD_KEY;
	case CLASS_CLIENT:
	case CLASS_TASK:
		return UPLOAD_REFUSED;
	default:
		return UPLOAD_LATER;
	}
}

static int take_no(const cJSON *item, void *user)
{
	bool *no = user;

	*no = *no || cJSON_IsFalse(item);
	return 0;
}

static bool says_no(const struct upload_service *service, const cJSON *root)
{
	bool no = false;

	if (service->done)
		json_path_each(root, service->done, take_no, &no);
	return no;
}

static void judge(const struct upload_service *service, const struct envelope *envelope,
	const struct http_answer *answer, int64_t started_ms, struct upload_answer *out)
{
	enum answer_class class = envelope->has_code
					  ? envelope->class
					  : class_of_status(&service->call, answer->status);

	out->told = envelope->has_code &&
		    (class == CLASS_SERVER || class == CLASS_OK || class == CLASS_UNKNOWN);
	out->verdict = verdict_of_class(class);
	if (class != CLASS_OK || answer->status >= 400 || says_no(service, envelope->root)) {
		if (class == CLASS_OK && answer->status >= 400)
			out->verdict =
				verdict_of_class(class_of_status(&service->call, answer->status));
		return;
	}
	char *address = json_first_string(envelope->root, service->address);
	if (address && is_address(address)) {
		out->verdict = UPLOAD_DONE;
		out->address = address;
		out->expires_ms = end_of_life(service, envelope->root, started_ms);
		return;
	}
	free(address);
}

static const char *lead(enum upload_verdict verdict)
{
	switch (verdict) {
	case UPLOAD_KEY:
		return "The API key was refused when the file was uploaded";
	case UPLOAD_REFUSED:
		return "The service does not take the file";
	case UPLOAD_LATER:
	case UPLOAD_DONE:
		break;
	}
	return "The file could not be uploaded this time, it is tried again";
}

int upload_read(const struct upload_service *service, const struct http_answer *answer,
	int64_t started_ms, struct upload_answer *out)
{
	struct upload_answer read = {
		.verdict = UPLOAD_LATER,
		.retry_after_ms = answer->retry_after_ms,
	};
	struct envelope envelope = {0};
	int r = 0;

	if (answer->outcome == HTTP_ANSWERED) {
		r = envelope_read(&service->call, answer, &envelope);
		if (r < 0)
			return r;
		judge(service, &envelope, answer, started_ms, &read);
	} else if (answer->outcome == HTTP_REFUSED) {
		read.verdict = UPLOAD_REFUSED;
	}
	if (read.verdict != UPLOAD_DONE) {
		read.message = envelope_sentence(&envelope, answer, lead(read.verdict));
		if (!read.message)
			r = -ENOMEM;
	}
	envelope_finish(&envelope);
	if (r == 0)
		*out = read;
	return r;
}

void upload_answer_finish(struct upload_answer *answer)
{
	free(answer->address);
	free(answer->message);
	*answer = (struct upload_answer){0};
}

char *upload_body(const struct upload_service *service, const char *value, const char *name)
{
	cJSON *body = cJSON_CreateObject();
	bool whole = body != NULL;

	for (const cJSON *i = service->body->child; i && whole; i = i->next) {
		const char *text = i->valuestring;
		if (strcmp(text, "$name") == 0)
			text = name;
		else if (strcmp(text, "$folder") == 0)
			text = UPLOAD_FOLDER;
		else if (strcmp(text, "$base64") == 0 || strcmp(text, "$url") == 0)
			text = value;
		whole = cJSON_AddStringToObject(body, i->string, text) != NULL;
	}
	char *text = whole ? cJSON_PrintUnformatted(body) : NULL;
	cJSON_Delete(body);
	return text;
}

void upload_name(const uint32_t random[4], const char *extension, char out[UPLOAD_NAME_SIZE])
{
	size_t len = 0;

	snprintf(out, UPLOAD_NAME_SIZE, "%08x%08x%08x%08x.", random[0], random[1], random[2],
		random[3]);
	len = strlen(out);
	for (const char *c = extension; *c && len < UPLOAD_NAME_SIZE - 1; c++) {
		bool digit = *c >= '0' && *c <= '9';
		char small = (char)(*c | 0x20);
		if (digit || (small >= 'a' && small <= 'z'))
			out[len++] = digit ? *c : small;
	}
	if (out[len - 1] == '.')
		len--;
	out[len] = '\0';
}
