#include "upload.h"

#include <errno.h>
#include <string.h>

#include "form.h"
#include "kiefs/upload.h"
#include "result_entry.h"
#include "service.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HOURS_MAX (24 * 365)
#define MB_MAX 1048576

static const char *const part_words[] = {"$file", "$folder", "$name"};
static const char *const body_words[] = {"$base64", "$url", "$folder", "$name"};

struct raw_upload {
	const cJSON *answer, *hours, *max_mb;
	struct upload_service upload;
};

#define RAW(member) offsetof(struct raw_upload, member)
#define UPLOAD(member) offsetof(struct raw_upload, upload.member)

static const struct form_key upload_keys[] = {
	{"host", FORM_TEXT, UPLOAD(call.host), true},
	{"path", FORM_TEXT, UPLOAD(call.submit_path), true},
	{"parts", FORM_OBJECT, UPLOAD(parts), false},
	{"body", FORM_OBJECT, UPLOAD(body), false},
	{"answer", FORM_OBJECT, RAW(answer), false},
	{"done", FORM_TEXT, UPLOAD(done), false},
	{"address", FORM_TEXTS, UPLOAD(address), true},
	{"expires", FORM_TEXTS, UPLOAD(expires), false},
	{"hours", FORM_NUMBER, RAW(hours), true},
	{"max_mb", FORM_NUMBER, RAW(max_mb), false},
};

/* Counts the texts that are this word. */
static int count_word(const cJSON *object, const char *word)
{
	int count = 0;

	for (const cJSON *i = object ? object->child : NULL; i; i = i->next)
		count += cJSON_IsString(i) && strcmp(i->valuestring, word) == 0;
	return count;
}

static int check_texts(const struct scope *scope, const char *key, const cJSON *object,
	const char *const *words, size_t count, struct error *err)
{
	for (const cJSON *i = object->child; i; i = i->next) {
		if (!cJSON_IsString(i))
			return form_fail(
				scope, err, "\"%s\": \"%s\" must be a text.", key, i->string);
		if (i->valuestring[0] != '$')
			continue;
		int r = form_word(scope, key, i->valuestring, words, count, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What it takes the file as follows from the words that stand in it. */
static int read_form(const struct scope *scope, struct upload_service *upload, struct error *err)
{
	int r = -EINVAL;

	if (!upload->parts == !upload->body)
		return form_fail(scope, err, "either \"parts\" or \"body\" is needed, not both.");
	if (upload->parts)
		r = check_texts(scope, "parts", upload->parts, part_words, COUNT(part_words), err);
	else
		r = check_texts(scope, "body", upload->body, body_words, COUNT(body_words), err);
	if (r < 0)
		return r;
	int files = count_word(upload->parts, "$file");
	int texts = count_word(upload->body, "$base64");
	int urls = count_word(upload->body, "$url");
	if (files + texts + urls != 1)
		return form_fail(scope, err,
			"the file stands in it once: as \"$file\" among the \"parts\", or as "
			"\"$base64\" or \"$url\" in the \"body\".");
	upload->form = files ? UPLOAD_STREAM : texts ? UPLOAD_BASE64 : UPLOAD_URL;
	return 0;
}

static int read_limits(const struct scope *scope, struct raw_upload *raw, struct error *err)
{
	double hours = raw->hours->valuedouble;

	if (!(hours > 0 && hours <= HOURS_MAX))
		return form_fail(
			scope, err, "\"hours\" must be more than 0, at most %d.", HOURS_MAX);
	raw->upload.life_ms = (int64_t)(hours * 3600 * 1000);
	if (!raw->max_mb)
		return 0;
	if (!(raw->max_mb->valuedouble > 0 && raw->max_mb->valuedouble <= MB_MAX))
		return form_fail(scope, err, "\"max_mb\" must be more than 0, at most %d.", MB_MAX);
	raw->upload.max_bytes = (int64_t)(raw->max_mb->valuedouble * 1024 * 1024);
	return 0;
}

int upload_service_read(const struct scope *scope, const cJSON *object, struct upload_service *out,
	struct error *err)
{
	struct raw_upload raw = {.upload.name = out->name};
	int r = form_read(scope, object, upload_keys, COUNT(upload_keys), &raw, err);

	raw.upload.entry = object;
	raw.upload.call.name = out->name;
	raw.upload.call.submit_method = "POST";
	if (r == 0)
		r = service_read_call(scope, &raw.upload.call, raw.answer, err);
	if (r == 0)
		r = read_form(scope, &raw.upload, err);
	if (r == 0)
		r = path_check(scope, "done", raw.upload.done, err);
	if (r == 0)
		r = paths_check(scope, "address", raw.upload.address, err);
	if (r == 0)
		r = paths_check(scope, "expires", raw.upload.expires, err);
	if (r == 0)
		r = read_limits(scope, &raw, err);
	if (r == 0)
		*out = raw.upload;
	return r;
}
