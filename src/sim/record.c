/*
 * See record.h. The members that the task API was recorded to send come first, in their recorded
 * order; then the service's paths are filled in, over them or beside them.
 */
#include "record.h"

#include "format.h"
#include "place.h"
#include "results.h"
#include "sim.h"

#include "kiefs/catalogue.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More results than any model makes. */
#define RESULTS_MAX 16

struct making {
	struct sim *sim;
	const struct service *service;
	const struct request *request;
	const struct task *task;
	const char *id;
	cJSON *input;
	cJSON *json;
	unsigned next; /* number of the next result's address */
};

static int place_and_free(cJSON *json, const char *path, cJSON *value)
{
	int r = value ? place_value(json, path, value) : -ENOMEM;

	cJSON_Delete(value);
	return r;
}

int record_envelope(const struct service *service, cJSON *json, int code, const char *msg)
{
	const cJSON *path = cJSON_GetArrayItem(service->message, 0);
	int r = 0;

	if (service->code_path)
		r = place_and_free(json, service->code_path, cJSON_CreateNumber(code));
	if (r == 0 && path)
		r = place_and_free(json, path->valuestring, cJSON_CreateString(msg));
	return r;
}

/* The request as the API repeats it: JSON text, in which the input is JSON text again. */
static cJSON *make_param(const struct task *task)
{
	cJSON *param = cJSON_CreateObject();
	char *text = NULL;
	cJSON *out = NULL;

	cJSON_AddStringToObject(param, "input", task->input);
	if (task->callback)
		cJSON_AddStringToObject(param, "callBackUrl", task->callback);
	if (cJSON_AddStringToObject(param, "model", task->model_id))
		text = cJSON_PrintUnformatted(param);
	if (text)
		out = cJSON_CreateString(text);
	cJSON_free(text);
	cJSON_Delete(param);
	return out;
}

static int make_data(struct making *making, enum phase phase)
{
	const struct task *task = making->task;
	bool ended = phase != PHASE_RUNNING;
	bool refunded = phase == PHASE_FAIL && task_fault(task, FAULT_FAIL);
	int64_t end_ms = task->created_ms + task->duration_ms;
	cJSON *data = cJSON_AddObjectToObject(making->json, "data");

	cJSON_AddStringToObject(data, "taskId", making->id);
	cJSON_AddStringToObject(data, "model", task->model_id);
	cJSON_AddStringToObject(data, "state", "");
	cJSON_AddItemToObject(data, "param", make_param(task));
	if (phase == PHASE_FAIL)
		cJSON_AddNullToObject(data, "resultJson");
	else
		cJSON_AddStringToObject(data, "resultJson", "");
	cJSON_AddNullToObject(data, "failCode");
	cJSON_AddNullToObject(data, "failMsg");
	cJSON_AddItemToObject(data, "costTime",
		ended ? cJSON_CreateNumber((double)((task->duration_ms + 500) / 1000))
		      : cJSON_CreateNull());
	cJSON_AddItemToObject(data, "completeTime",
		ended ? cJSON_CreateNumber((double)end_ms) : cJSON_CreateNull());
	cJSON_AddNumberToObject(data, "createTime", (double)task->created_ms);
	return cJSON_AddNumberToObject(data, "creditsConsumed", refunded ? 0 : task->credits)
		       ? 0
		       : -ENOMEM;
}

/* A state that is spelled as a number in the catalogue is one on the wire. */
static cJSON *state_value(const char *word)
{
	bool number = *word != '\0' && word[strspn(word, "0123456789")] == '\0';

	return number ? cJSON_CreateNumber(atoi(word)) : cJSON_CreateString(word);
}

/* Of the words that mean `phase`, the first; but a running task walks through all of them, and is
 * at the last after a fifth of its time. */
static const char *state_word(const struct service *service, const char *phase, double fraction)
{
	const char *words[8] = {"unknown"};
	int count = 0;
	const cJSON *item;

	cJSON_ArrayForEach(item, service->states)
	{
		if (cJSON_IsString(item) && strcmp(item->valuestring, phase) == 0 && count < 8)
			words[count++] = item->string;
	}
	int index = (int)(fraction * 5 * (count - 1));
	return words[count == 0 ? 0 : index < count ? index : count - 1];
}

static int place_state(struct making *making, enum phase phase, double fraction, bool odd)
{
	static const char *const names[] = {
		[PHASE_RUNNING] = "running", [PHASE_SUCCESS] = "success", [PHASE_FAIL] = "fail"};
	const struct service *service = making->service;
	const struct task *task = making->task;
	bool video = task->model && strcmp(task->model->output, "video") == 0;
	int r = 0;

	if (!service->state_path)
		return 0;
	const char *word =
		odd ? "reticulating"
		    : state_word(service, names[phase], phase == PHASE_RUNNING ? fraction : 0);
	r = place_and_free(making->json, service->state_path, state_value(word));
	if (r == 0 && video && service->progress_path && phase == PHASE_RUNNING)
		r = place_and_free(making->json, service->progress_path,
			cJSON_CreateNumber((int)(fraction * 100)));
	return r;
}

static int place_failure(struct making *making)
{
	const struct service *service = making->service;
	const struct fault *fail = task_fault(making->task, FAULT_FAIL);
	const cJSON *path = cJSON_GetArrayItem(service->fail_message, 0);
	char code[16] = "400";
	int r = 0;

	if (fail)
		snprintf(code, sizeof(code), "%ld", fail->code ? fail->code : 500);
	const char *message = fail ? "Internal Error, Please try again later."
				   : "Your prompt was flagged by the moderation: it contains "
				     "prohibited content.";
	if (service->fail_code_path)
		r = place_and_free(making->json, service->fail_code_path, cJSON_CreateString(code));
	if (r == 0 && path)
		r = place_and_free(making->json, path->valuestring, cJSON_CreateString(message));
	return r;
}

/* An id where the path ends in one, or else what there is to say. */
static cJSON *make_text(const struct making *making, const char *path)
{
	const char *words = format_words(making->input);
	size_t len = strlen(path);
	char text[48];

	if (len > 3 && strcmp(path + len - 3, "_id") == 0) {
		snprintf(text, sizeof(text), "sim_%.12s", making->id);
		return cJSON_CreateString(text);
	}
	return cJSON_CreateString(*words ? words : "The quick brown fox jumps over the lazy dog.");
}

static cJSON *make_value(struct making *making, const char *kind, const char *path)
{
	const char *output = making->task->model ? making->task->model->output : "image";

	if (strcmp(kind, "text") == 0)
		return make_text(making, path);
	if (strcmp(kind, "json") == 0) {
		cJSON *object = cJSON_CreateObject();

		cJSON_AddNumberToObject(object, "subject_status", 1);
		return object;
	}
	const struct format *format = format_of(
		strcmp(kind, "media") == 0 ? output : kind, making->task->model, making->input);
	char *url = results_url(
		making->sim, making->request, making->task, making->id, making->next++, format);
	cJSON *value = url ? cJSON_CreateString(url) : NULL;
	free(url);
	return value;
}

/* How many results the input asks for; two when it does not say and there may be several. */
static size_t result_count(const struct making *making)
{
	static const char *const names[] = {"num_images", "n", "max_images"};
	const struct model *model = making->task->model;
	double count = 0;

	if (!model || !model->multiple)
		return 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && count < 1; i++) {
		const struct field *field = model_field(model, names[i]);
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(making->input, names[i]);

		if (!item && field)
			item = field->initial;
		if (cJSON_IsNumber(item))
			count = item->valuedouble;
		else if (cJSON_IsString(item))
			count = strtod(item->valuestring, NULL);
	}
	if (count < 1)
		return 2;
	return count > RESULTS_MAX ? RESULTS_MAX : (size_t)count;
}

/* Whether the input asks for an extra: a true boolean whose name holds the result's name, as
 * return_last_frame asks for "lastframe". */
static bool is_asked_for(const cJSON *input, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, input)
	{
		char plain[64];
		size_t len = 0;

		for (const char *c = item->string; *c && len + 1 < sizeof(plain); c++) {
			if (isalnum((unsigned char)*c))
				plain[len++] = *c;
		}
		plain[len] = '\0';
		if (cJSON_IsTrue(item) && strstr(plain, name))
			return true;
	}
	return false;
}

static bool wants_result(const struct making *making, const cJSON *result)
{
	const struct model *model = making->task->model;
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(result, "name");

	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "mirror")))
		return false;
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "optional")))
		return true;
	if (model && model->results)
		return true;
	return cJSON_IsString(name) && is_asked_for(making->input, name->valuestring);
}

static int place_result(struct making *making, const cJSON *result)
{
	const cJSON *kind = cJSON_GetObjectItemCaseSensitive(result, "kind");
	const cJSON *path = cJSON_GetObjectItemCaseSensitive(result, "path");
	size_t count = strstr(path->valuestring, "[]") ? result_count(making) : 1;
	cJSON *values[RESULTS_MAX] = {0};
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		values[i] = make_value(making, kind->valuestring, path->valuestring);
		if (!values[i])
			r = -ENOMEM;
	}
	if (r == 0)
		r = place_values(
			making->json, path->valuestring, (const cJSON *const *)values, count);
	for (size_t i = 0; i < count; i++)
		cJSON_Delete(values[i]);
	return r;
}

static int place_results(struct making *making)
{
	const struct model *model = making->task->model;
	const cJSON *results = model && model->results ? model->results : making->service->results;
	const cJSON *result;
	int r = 0;

	cJSON_ArrayForEach(result, results)
	{
		if (r == 0 && wants_result(making, result))
			r = place_result(making, result);
	}
	return r;
}

int record_make(struct sim *sim, const struct service *service, const struct request *request,
	const struct task *task, const struct reply *reply, cJSON **out)
{
	struct making making = {.sim = sim,
		.service = service,
		.request = request,
		.task = task,
		.id = reply->task,
		.input = cJSON_Parse(task->input),
		.json = cJSON_CreateObject()};
	int64_t now_ms = sim_clock_now_ms(&sim->clock);
	bool odd = reply_fault(reply, FAULT_STATE) != NULL;
	enum phase phase = task_phase(task, now_ms);
	int r = making.input && making.json ? 0 : -ENOMEM;

	if (r == 0)
		r = record_envelope(service, making.json, (int)service->success_code, "success");
	if (r == 0)
		r = make_data(&making, phase);
	if (r == 0)
		r = place_state(&making, phase, task_fraction(task, now_ms), odd);
	if (r == 0 && phase == PHASE_FAIL)
		r = place_failure(&making);
	if (r == 0 && phase == PHASE_SUCCESS && !reply_fault(reply, FAULT_EMPTY))
		r = place_results(&making);
	cJSON_Delete(making.input);
	if (r < 0)
		cJSON_Delete(making.json);
	else
		*out = making.json;
	return r;
}
