/* A task's addresses, and what the answer to its submission says. The rule behind every verdict:
 * only what is certainly not taken may be sent again. */
#include "kiefs/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/http.h"
#include "kiefs/percent.h"

#include "envelope.h"
#include "results.h"

/* A task id longer than this is none. */
#define TASK_ID_MAX 1024
#define URL_MAX 16384

static const char *base_url(
	const struct service *service, const char *api_url, const char *upload_url)
{
	return service->host && strcmp(service->host, "upload") == 0 ? upload_url : api_url;
}

static char *take_url(struct buf *url)
{
	char *out = url->error ? NULL : buf_take(url);

	buf_finish(url);
	return out;
}

char *protocol_submit_url(
	const struct service *service, const char *api_url, const char *upload_url)
{
	struct buf url;

	buf_init(&url, URL_MAX);
	buf_adds(&url, base_url(service, api_url, upload_url));
	buf_adds(&url, service->submit_path);
	return take_url(&url);
}

char *protocol_model_url(const struct model *model, const char *api_url, const char *upload_url)
{
	static const char mark[] = "{model}";
	const char *path = model->service->submit_path, *at;
	struct buf url;

	buf_init(&url, URL_MAX);
	buf_adds(&url, base_url(model->service, api_url, upload_url));
	while ((at = strstr(path, mark))) {
		buf_add(&url, path, (size_t)(at - path));
		percent_add(&url, model_name(model), "");
		path = at + strlen(mark);
	}
	buf_adds(&url, path);
	return take_url(&url);
}

char *protocol_query(const char *body, size_t body_len)
{
	cJSON *root = cJSON_ParseWithLength(body, body_len);
	const cJSON *member;
	struct buf query;

	buf_init(&query, URL_MAX);
	buf_adds(&query, "");
	cJSON_ArrayForEach(member, root)
	{
		char *value = member->string ? json_scalar_text(member) : NULL;

		if (!value)
			continue;
		buf_adds(&query, query.len ? "&" : "?");
		percent_add(&query, member->string, "");
		buf_adds(&query, "=");
		percent_add(&query, value, "");
		free(value);
	}
	cJSON_Delete(root);
	return take_url(&query);
}

char *protocol_poll_url(const struct service *service, const char *api_url, const char *upload_url,
	const char *task_id)
{
	static const char mark[] = "{task}";
	const char *path = service->poll_path, *at;
	struct buf url;

	buf_init(&url, URL_MAX);
	buf_adds(&url, base_url(service, api_url, upload_url));
	while ((at = strstr(path, mark))) {
		buf_add(&url, path, (size_t)(at - path));
		percent_add(&url, task_id, "");
		path = at + strlen(mark);
	}
	buf_adds(&url, path);
	if (service->poll_query) {
		buf_adds(&url, "?");
		buf_adds(&url, service->poll_query);
		buf_adds(&url, "=");
		percent_add(&url, task_id, "");
	}
	return take_url(&url);
}

static enum submit_verdict verdict_of_class(enum answer_class class)
{
	switch (class) {
	case CLASS_RATE:
	case CLASS_MAINTENANCE:
		return SUBMIT_LATER;
	case CLASS_LATER:
		return SUBMIT_EARLY;
	case CLASS_AUTH:
		return SUBMIT_HELD_KEY;
	case CLASS_CREDITS:
		return SUBMIT_HELD_CREDITS;
	case CLASS_QUOTA:
		return SUBMIT_HELD_QUOTA;
	case CLASS_OK:
	case CLASS_RUNNING:
		return SUBMIT_UNCERTAIN;
	case CLASS_CLIENT:
	case CLASS_SERVER:
	case CLASS_TASK:
	case CLASS_UNKNOWN:
		break;
	}
	return SUBMIT_REFUSED;
}

/* Without the service's own code only HTTP's is left. A 408 or 5xx may come from a gateway that
 * gave up waiting for a service that took the request. */
static enum submit_verdict verdict_of_status(const struct service *service, int status)
{
	if (status < 400 || status >= 500 || status == 408)
		return SUBMIT_UNCERTAIN;
	return verdict_of_class(class_of_status(service, status));
}

static enum submit_verdict verdict_of_outcome(enum http_outcome outcome)
{
	switch (outcome) {
	case HTTP_NOT_SENT:
		return SUBMIT_LATER;
	case HTTP_REFUSED:
		return SUBMIT_REFUSED;
	case HTTP_ANSWERED:
	case HTTP_NO_ANSWER:
	case HTTP_CUT:
	case HTTP_TOO_LARGE:
	case HTTP_LOCAL:
		break;
	}
	return SUBMIT_UNCERTAIN;
}

static const char *what_to_say(enum submit_verdict verdict)
{
	switch (verdict) {
	case SUBMIT_LATER:
	case SUBMIT_EARLY:
		return "Not taken this time, it is sent again by itself";
	case SUBMIT_HELD_KEY:
		return "Held, because the API key is missing or was refused: set a valid key and "
		       "it is sent by itself";
	case SUBMIT_HELD_CREDITS:
		return "Held, because the account has not enough credits: top them up and it is "
		       "sent by itself";
	case SUBMIT_HELD_QUOTA:
		return "Held, because a limit set on this API key is reached: raise the limit or "
		       "use another key and it is sent by itself";
	case SUBMIT_REFUSED:
		return "The service refused the request, nothing was made";
	case SUBMIT_UNCERTAIN:
		return "It is not known whether the service took the request, so it is not sent "
		       "again by itself: look at the account, and write \"resend\" to the "
		       "task's control file if it was not taken";
	case SUBMIT_ACCEPTED:
	case SUBMIT_FINISHED:
		break;
	}
	return "The service took the request";
}

static bool waits_for_id(const struct service *service)
{
	return cJSON_GetArraySize(service->task_id) > 0;
}

/* The answer holds the results themselves: where no task is asked after, or where being there is
 * all that tells that a task is done. */
static int has_results(const struct model *model, const struct envelope *envelope, bool *has)
{
	const struct service *service = model->service;
	struct result_list list = {0};

	*has = false;
	if (waits_for_id(service) && service->state_path)
		return 0;
	int r = results_read(model, envelope->root, false, &list);
	if (r == 0)
		*has = list.count > 0;
	result_list_finish(&list);
	return r;
}

/* What is certain from the envelope, or failing that from HTTP's status. */
static int judge_submit(const struct model *model, const struct envelope *envelope, int status,
	struct submit_answer *out)
{
	const struct service *service = model->service;
	bool finished = false;
	int r = 0;

	if (waits_for_id(service))
		out->task_id = json_first_string(envelope->root, service->task_id);
	if (out->task_id && strlen(out->task_id) > TASK_ID_MAX) {
		free(out->task_id);
		out->task_id = NULL;
	}
	bool good =
		envelope->has_code ? envelope->class == CLASS_OK : status >= 200 && status < 300;
	enum submit_verdict verdict = envelope->has_code ? verdict_of_class(envelope->class)
							 : verdict_of_status(service, status);
	if (good)
		r = has_results(model, envelope, &finished);
	if (r < 0)
		return r;
	out->verdict = finished ? SUBMIT_FINISHED : verdict;
	if (finished)
		return 0;
	/* An id beside an error contradicts itself; to ask after it costs nothing, to lose it may
	 * cost a paid result. */
	if (out->task_id && (verdict == SUBMIT_UNCERTAIN || verdict == SUBMIT_REFUSED)) {
		out->verdict = SUBMIT_ACCEPTED;
		return 0;
	}
	free(out->task_id);
	out->task_id = NULL;
	if (verdict == SUBMIT_EARLY && out->retry_after_ms < service->retry_ms)
		out->retry_after_ms = service->retry_ms;
	return 0;
}

int protocol_read_submit(
	const struct model *model, const struct http_answer *answer, struct submit_answer *out)
{
	struct submit_answer read = {.retry_after_ms = answer->retry_after_ms};
	struct envelope envelope = {0};
	int r = 0;

	if (answer->outcome == HTTP_ANSWERED) {
		r = envelope_read(model->service, answer, &envelope);
		if (r < 0)
			goto out;
		read.code = envelope.number;
		r = judge_submit(model, &envelope, answer->status, &read);
		if (r < 0)
			goto out;
	} else {
		read.verdict = verdict_of_outcome(answer->outcome);
	}
	/* To ask for something that is there already makes nothing. */
	if (read.verdict == SUBMIT_UNCERTAIN && strcmp(model->service->submit_method, "GET") == 0) {
		read.verdict = SUBMIT_EARLY;
		if (read.retry_after_ms < model->service->retry_ms)
			read.retry_after_ms = model->service->retry_ms;
	}
	if (read.verdict != SUBMIT_ACCEPTED) {
		read.message = envelope_sentence(&envelope, answer, what_to_say(read.verdict));
		r = read.message ? 0 : -ENOMEM;
	}
out:
	envelope_finish(&envelope);
	if (r < 0)
		submit_answer_finish(&read);
	else
		*out = read;
	return r;
}

void submit_answer_finish(struct submit_answer *answer)
{
	if (!answer)
		return;
	free(answer->task_id);
	free(answer->message);
	*answer = (struct submit_answer){0};
}
