/* What the answer to a question after a task says. */
#include "kiefs/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/http.h"
#include "kiefs/jsonpath.h"

#include "envelope.h"
#include "results.h"

static int take_scalar(const cJSON *item, void *user)
{
	char **out = user;

	*out = json_scalar_text(item);
	return *out ? -ECANCELED : 0;
}

/* Text, number or boolean at the path, as text; NULL when there is none. */
static char *scalar_at(const cJSON *root, const char *path)
{
	char *out = NULL;

	if (path)
		json_path_each(root, path, take_scalar, &out);
	return out;
}

/* The catalogue's meaning of a state word, NULL when it lists none. */
static const char *meaning_of(const struct service *service, const char *state)
{
	const cJSON *meaning =
		state ? cJSON_GetObjectItemCaseSensitive(service->states, state) : NULL;

	return cJSON_IsString(meaning) ? meaning->valuestring : NULL;
}

static int note_presence(const cJSON *item, void *user)
{
	*(bool *)user = true;
	return -ECANCELED;
}

/* Whether the answer has the record that the state would stand in: some services say "no such
 * task" by success and nothing else. */
static bool has_record(const struct service *service, const cJSON *root)
{
	const char *end = service->state_path ? strrchr(service->state_path, '.') : NULL;
	bool present = false;

	if (!end)
		return cJSON_IsObject(root);
	char *parent = strndup(service->state_path, (size_t)(end - service->state_path));
	if (!parent)
		return true;
	json_path_each(root, parent, note_presence, &present);
	free(parent);
	return present;
}

static void read_progress(const struct service *service, const cJSON *root, int *progress)
{
	double value;

	if (service->progress_path && json_path_number(root, service->progress_path, &value) &&
		isfinite(value) && value >= 0) {
		double percent = value / service->progress_max * 100;

		*progress = percent > 100 ? 100 : (int)percent;
	}
}

static void read_credits(const struct service *service, const cJSON *root, double *credits)
{
	const cJSON *path;
	double value;

	cJSON_ArrayForEach(path, service->credits)
	{
		if (cJSON_IsString(path) && json_path_number(root, path->valuestring, &value) &&
			isfinite(value) && value >= 0) {
			*credits = value;
			return;
		}
	}
}

static enum poll_verdict verdict_without_state(
	const struct service *service, const struct envelope *envelope, int status, bool has_state)
{
	if (!envelope->has_code) {
		if (class_of_status(service, status) == CLASS_AUTH)
			return POLL_KEY;
		/* Where there are codes, a bare 404 is a gateway's. */
		if (!service->code_path && (status == 404 || status == 410))
			return POLL_MISSING;
		if (status < 200 || status >= 300 || !envelope->root)
			return POLL_LATER;
		if (has_state)
			return POLL_RUNNING;
		if (service->code_path)
			return POLL_LATER;
		return has_record(service, envelope->root) ? POLL_RUNNING : POLL_MISSING;
	}
	switch (envelope->class) {
	case CLASS_OK:
		if (!service->state_path)
			return service->poll_method ? POLL_RUNNING : POLL_SUCCEEDED;
		return has_record(service, envelope->root) ? POLL_RUNNING : POLL_MISSING;
	case CLASS_RUNNING:
		return POLL_RUNNING;
	case CLASS_AUTH:
		return POLL_KEY;
	case CLASS_TASK:
		return POLL_FAILED;
	case CLASS_CLIENT:
		return envelope->number == 404 || envelope->number == 422 ? POLL_MISSING
									  : POLL_LATER;
	case CLASS_CREDITS:
	case CLASS_QUOTA:
	case CLASS_RATE:
	case CLASS_LATER:
	case CLASS_MAINTENANCE:
	case CLASS_SERVER:
	case CLASS_UNKNOWN:
		break;
	}
	return POLL_LATER;
}

/* A code that is there, and is none of those that say "nothing wrong". */
static bool has_fail_code(const struct service *service, const cJSON *root)
{
	char *code = scalar_at(root, service->fail_code_path);
	bool failed = code && strcmp(code, "0") != 0 && strcmp(code, "200") != 0;

	free(code);
	return failed;
}

static int has_results(const struct model *model, const cJSON *root, bool *has)
{
	struct result_list list = {0};
	int r = results_read(model, root, false, &list);

	if (r == 0)
		*has = list.count > 0;
	result_list_finish(&list);
	return r;
}

static int judge_poll(const struct model *model, const struct envelope *envelope,
	const struct http_answer *answer, struct poll_answer *out)
{
	const struct service *service = model->service;
	bool has = false;

	out->state = scalar_at(envelope->root, service->state_path);
	const char *meaning = meaning_of(service, out->state);
	out->known_state = meaning || !out->state;
	/* A state that the catalogue knows says more than any code around it. */
	if (meaning && strcmp(meaning, "ended") == 0) {
		int r = has_results(model, envelope->root, &has);
		if (r < 0)
			return r;
		meaning = has ? "success" : "fail";
	}
	if (meaning && strcmp(meaning, "success") == 0) {
		out->verdict = POLL_SUCCEEDED;
	} else if (meaning && strcmp(meaning, "fail") == 0) {
		out->verdict = POLL_FAILED;
	} else if (service->fail_code_decides && has_fail_code(service, envelope->root)) {
		out->verdict = POLL_FAILED;
	} else if (meaning) {
		out->verdict = POLL_RUNNING;
	} else {
		out->verdict = verdict_without_state(service, envelope, answer->status, out->state);
		if (out->verdict == POLL_RUNNING && service->state_path && !out->state)
			out->known_state = false;
	}
	return 0;
}

static int read_failure(const struct service *service, const struct envelope *envelope,
	const struct http_answer *answer, struct poll_answer *out)
{
	out->code = scalar_at(envelope->root, service->fail_code_path);
	char *reason = json_first_string(envelope->root, service->fail_message);
	out->message = reason_sentence(reason, out->code);
	if (!reason && envelope->class != CLASS_OK) {
		free(out->message);
		out->message = envelope_sentence(envelope, answer, "The task failed");
	}
	free(reason);
	return out->message ? 0 : -ENOMEM;
}

static const char *what_to_say_of_poll(enum poll_verdict verdict)
{
	switch (verdict) {
	case POLL_LATER:
		return "No usable answer about the task this time, it is asked again by itself";
	case POLL_MISSING:
		return "The service does not know the task now, it is asked again by itself";
	case POLL_KEY:
		return "The API key is missing or was refused: set a valid key and the task is "
		       "followed again";
	case POLL_RUNNING:
	case POLL_SUCCEEDED:
	case POLL_FAILED:
		break;
	}
	return NULL;
}

static int fill_poll(const struct model *model, const struct envelope *envelope,
	const struct http_answer *answer, struct poll_answer *out)
{
	const char *lead = what_to_say_of_poll(out->verdict);
	struct result_list list = {0};

	read_progress(model->service, envelope->root, &out->progress);
	read_credits(model->service, envelope->root, &out->credits);
	if (out->verdict == POLL_FAILED)
		return read_failure(model->service, envelope, answer, out);
	if (lead) {
		out->message = envelope_sentence(envelope, answer, lead);
		return out->message ? 0 : -ENOMEM;
	}
	bool stateless = !model->service->state_path;
	bool early = out->verdict == POLL_RUNNING && !stateless;
	int r = results_read(model, envelope->root, early, &list);
	if (r < 0)
		return r;
	/* A service without states has finished when it shows a result. */
	if (stateless && list.count > 0 && envelope->class != CLASS_RUNNING)
		out->verdict = POLL_SUCCEEDED;
	if (out->verdict == POLL_SUCCEEDED || early) {
		out->results = list.items;
		out->result_count = list.count;
		out->message = list.message;
		list = (struct result_list){0};
	}
	result_list_finish(&list);
	return 0;
}

int protocol_read_poll(
	const struct model *model, const struct http_answer *answer, struct poll_answer *out)
{
	struct poll_answer read = {
		.verdict = POLL_LATER,
		.known_state = true,
		.progress = -1,
		.credits = -1,
		.retry_after_ms = answer->retry_after_ms,
	};
	struct envelope envelope = {0};
	int r = 0;

	if (answer->outcome == HTTP_ANSWERED) {
		r = envelope_read(model->service, answer, &envelope);
		if (r < 0)
			goto out;
		r = judge_poll(model, &envelope, answer, &read);
		if (r < 0)
			goto out;
		if (model->service->poll_repeats && read.retry_after_ms < model->service->retry_ms)
			read.retry_after_ms = model->service->retry_ms;
	}
	r = fill_poll(model, &envelope, answer, &read);
out:
	envelope_finish(&envelope);
	if (r < 0)
		poll_answer_finish(&read);
	else
		*out = read;
	return r;
}

void poll_answer_finish(struct poll_answer *answer)
{
	if (!answer)
		return;
	struct result_list list = {.items = answer->results, .count = answer->result_count};
	result_list_finish(&list);
	free(answer->state);
	free(answer->message);
	free(answer->code);
	*answer = (struct poll_answer){0};
}

int protocol_track_id(
	const struct model *model, const char *record, size_t record_len, int number, char **out)
{
	cJSON *root = cJSON_ParseWithLength(record, record_len);
	struct result_list list = {0};
	int r = results_read(model, root, false, &list);

	cJSON_Delete(root);
	if (r < 0)
		return r;
	r = -ENOENT;
	for (size_t i = 0; i < list.count && r < 0; i++) {
		struct poll_result *result = &list.items[i];

		if (!result->id || (number != 0 && result->number != number))
			continue;
		*out = result->id;
		result->id = NULL;
		r = 0;
	}
	result_list_finish(&list);
	return r;
}
