/* See jobs.h. How a request and its answers are spelled comes from the service's entry. */
#include "jobs.h"

#include "callbacks.h"
#include "place.h"
#include "record.h"
#include "sim.h"
#include "validate.h"

#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/json.h"
#include "kiefs/price.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_MODEL                                                                              \
	"The model name you specified is not supported. Please verify your input and use one of "  \
	"the supported models provided by KIE."

/* The part of the body that stands where the service's template says `mark`. */
static const cJSON *find_mark(const cJSON *template, const cJSON *body, const char *mark)
{
	const cJSON *member;

	if (cJSON_IsString(template))
		return strcmp(template->valuestring, mark) == 0 ? body : NULL;
	cJSON_ArrayForEach(member, template)
	{
		const cJSON *part = cJSON_GetObjectItemCaseSensitive(body, member->string);
		const cJSON *found = part ? find_mark(member, part, mark) : NULL;

		if (found)
			return found;
	}
	return NULL;
}

/* The only model of a service whose requests do not name one. */
static const struct model *model_of_service(
	const struct catalogue *catalogue, const struct service *service)
{
	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		if (catalogue_at(catalogue, i)->service == service)
			return catalogue_at(catalogue, i);
	}
	return NULL;
}

static int64_t duration_of(const struct options *options, const struct model *model)
{
	int64_t ms = 2000;

	if (options->task_ms >= 0)
		return options->task_ms;
	if (model && strcmp(model->output, "video") == 0)
		ms = 5000;
	else if (model && strcmp(model->output, "audio") == 0)
		ms = 3000;
	return (int64_t)((double)ms / options->speed);
}

/* Splits what goes wrong: with this request, and with the task for as long as it lives. */
static int collect_faults(struct sim *sim, const struct request *request, const cJSON *input,
	struct task *task, struct reply *reply)
{
	struct fault found[FAULT_MAX];
	unsigned words = fault_read_words(input, found);
	unsigned count = fault_rules_meet(
		&sim->faults, STAGE_SUBMIT, request->path, task->model_id, NULL, found, words);

	task->faults = count ? calloc(count, sizeof(*task->faults)) : NULL;
	if (count && !task->faults)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		bool of_task = fault_is_of_task(found[i].kind);

		if (of_task || i < words)
			task->faults[task->fault_count++] = found[i];
		if (!of_task && (i >= words || fault_meets(found[i].kind, STAGE_SUBMIT)))
			reply->faults[reply->fault_count++] = found[i];
	}
	return 0;
}

static double price_for(const struct model *model, const cJSON *input)
{
	double credits;

	return model && price_of(model, input, &credits) == 0 ? credits : 1;
}

static int charge(struct sim *sim, struct task *task)
{
	const struct fault *fail = task_fault(task, FAULT_FAIL);
	int64_t refund_ms = fail ? task->created_ms + task->duration_ms : 0;

	return account_charge(&sim->account, task->credits, task->created_ms, refund_ms);
}

/* What the task API posts when a task has ended: its record under other words. */
static int make_callback(struct sim *sim, const char *id, unsigned stage, cJSON **out)
{
	struct reply reply = {0};
	struct task task;
	int r = tasks_get(&sim->tasks, id, TASK_LOOK, &task);

	if (r == -ENOENT || (r == 0 && !task.model)) {
		task_finish(r == 0 ? &task : NULL);
		return 0;
	}
	if (r < 0)
		return r;
	bool good = task_phase(&task, sim_clock_now_ms(&sim->clock)) == PHASE_SUCCESS;
	strcpy(reply.task, id);
	r = record_make(sim, task.model->service, NULL, &task, &reply, out);
	if (r == 0)
		r = record_envelope(task.model->service, *out, good ? 200 : 501,
			good ? "Playground task completed successfully."
			     : "Playground task failed.");
	task_finish(&task);
	return r;
}

static int plan_callback(struct sim *sim, const char *url, const char *id, int64_t end_ms)
{
	int r = url ? callbacks_plan(sim->callbacks, url, id, 0, end_ms, make_callback) : 0;

	/* A list that is full drops callbacks, as a busy service may. */
	return r == -ENOSPC ? 0 : r;
}

static int answer_created(
	struct sim *sim, const struct service *service, struct task *task, struct reply *reply)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *text = NULL;
	const cJSON *path;
	int64_t end_ms = task->created_ms + task->duration_ms;
	/* The table takes the strings. */
	bool reports = task->callback && !task_fault(task, FAULT_STUCK);
	char *callback = reports ? strdup(task->callback) : NULL;
	int r = reports && !callback ? -ENOMEM : 0;

	reply->model = task->model ? task->model->id : NULL;
	if (r == 0)
		r = tasks_add(&sim->tasks, task, reply->task);
	if (r == 0)
		r = plan_callback(sim, callback, reply->task, end_ms);
	if (r < 0)
		goto out;
	reply->created = true;
	reply->code = (int)service->success_code;
	text = cJSON_CreateString(reply->task);
	r = record_envelope(service, json, reply->code, "success");
	cJSON_ArrayForEach(path, service->task_id)
	{
		if (r == 0)
			r = place_value(json, path->valuestring, text);
	}
	if (r == 0) {
		r = reply_json(reply, 200, json);
		json = NULL;
	}
out:
	free(callback);
	cJSON_Delete(text);
	cJSON_Delete(json);
	return r;
}

static int fail_to_fetch(struct task *task)
{
	struct fault *faults =
		realloc(task->faults, (task->fault_count + 1) * sizeof(*task->faults));

	if (!faults)
		return -ENOMEM;
	task->faults = faults;
	faults[task->fault_count++] = (struct fault){.kind = FAULT_FAIL, .code = 451};
	return 0;
}

/* Everything after the body was understood; `task` holds the model. */
static int submit(struct sim *sim, const struct route *route, const struct request *request,
	const cJSON *input, struct task *task, struct reply *reply)
{
	char message[VALIDATE_MESSAGE_SIZE];
	int r = collect_faults(sim, request, input, task, reply);

	if (r < 0)
		return r;
	if (reply_refused(reply))
		return 0;
	if (!task->model && !sim->options.any_model)
		return reply_envelope(reply, 422, UNKNOWN_MODEL, NULL);
	if (!cJSON_IsObject(input))
		return reply_envelope(reply, 422, "The input cannot be null", NULL);
	int code = task->model ? validate_input(task->model, input, message) : 0;
	if (code)
		return reply_envelope(reply, code, message, NULL);
	/* As the service does: an address is taken as it is, and the task fails that reads it. */
	if (!uploads_are_there(sim, request, input)) {
		r = fail_to_fetch(task);
		if (r < 0)
			return r;
	}
	const struct fault *late = task_fault(task, FAULT_LATE);
	task->created_ms = sim_clock_now_ms(&sim->clock);
	task->duration_ms = late ? late->ms : duration_of(&sim->options, task->model);
	task->credits = price_for(task->model, input);
	task->input = validate_known(task->model, input);
	if (!task->input)
		return -ENOMEM;
	r = charge(sim, task);
	if (r == -EDQUOT)
		return reply_envelope(reply, 402,
			"Credits insufficient: Your current balance isn't enough to run this "
			"request. Please top up to continue.",
			NULL);
	return r < 0 ? r : answer_created(sim, route->service, task, reply);
}

static int submit_body(struct sim *sim, const struct route *route, const struct request *request,
	const cJSON *body, struct reply *reply)
{
	const struct service *service = route->service;
	const cJSON *name = find_mark(service->body, body, "$model");
	const cJSON *callback = find_mark(service->body, body, "$callback");
	struct task task = {0};

	if (cJSON_IsString(name)) {
		task.model = catalogue_find(sim->catalogue, name->valuestring);
		task.model_id = strdup(name->valuestring);
	} else {
		task.model = model_of_service(sim->catalogue, service);
		if (task.model && find_mark(service->body, service->body, "$model"))
			task.model = NULL;
		task.model_id = strdup(task.model ? task.model->id : "");
	}
	if (cJSON_IsString(callback))
		task.callback = strdup(callback->valuestring);
	int r = -ENOMEM;
	if (task.model_id && (task.callback || !cJSON_IsString(callback)))
		r = submit(sim, route, request, find_mark(service->body, body, "$input"), &task,
			reply);
	task_finish(&task);
	return r;
}

int jobs_submit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	struct error err = {0};
	cJSON *body = NULL;
	int64_t wait_ms = 0;
	int r = account_admit(&sim->account, request->key, sim_clock_now_ms(&sim->clock), &wait_ms);

	if (r == -EAGAIN) {
		if (sim->options.retry_after)
			reply->retry_after_s = (long)(wait_ms / 1000 + 1);
		return reply_envelope(reply, 429,
			"Your call frequency is too high. Please try again later.", NULL);
	}
	if (r == 0)
		r = json_parse(request->body, request->body_len, &body, &err);
	if (r == -EINVAL)
		r = reply_envelope(reply, 400, error_text(&err), NULL);
	else if (r == 0)
		r = submit_body(sim, route, request, body, reply);
	error_finish(&err);
	cJSON_Delete(body);
	return r;
}

static void meet_task_faults(const struct task *task, enum stage stage, struct reply *reply)
{
	for (unsigned i = 0; i < task->fault_count && reply->fault_count < FAULT_MAX; i++) {
		if (fault_meets(task->faults[i].kind, stage))
			reply->faults[reply->fault_count++] = task->faults[i];
	}
}

/* The task that is asked after; "" when none is named. */
static void read_task_id(
	const struct route *route, const struct request *request, char id[TASK_ID_SIZE])
{
	const char *hole = strstr(route->path, ROUTE_TASK);
	const char *text = NULL;

	if (hole)
		text = request->path + (hole - route->path);
	else if (route->service->poll_query)
		text = request_query(request, route->service->poll_query);
	size_t len = text ? strcspn(text, "/") : 0;
	/* Too long a text is no id of ours. */
	snprintf(id, TASK_ID_SIZE, "%s", len == TASK_ID_SIZE - 1 ? text : len ? "unknown" : "");
}

int jobs_record(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	char id[TASK_ID_SIZE];
	struct task task;
	cJSON *json = NULL;

	read_task_id(route, request, id);
	if (!*id)
		return reply_envelope(reply, 400, "taskId parameter is required", NULL);
	int r = tasks_get(&sim->tasks, id, TASK_POLL, &task);
	if (r == -ENOENT)
		task = (struct task){0};
	else if (r < 0)
		return r;
	reply->model = task.model ? task.model->id : NULL;
	reply->fault_count = fault_rules_meet(&sim->faults, STAGE_POLL, request->path,
		task.model_id, id, reply->faults, reply->fault_count);
	meet_task_faults(&task, STAGE_POLL, reply);
	if (reply_refused(reply)) {
		r = 0;
	} else if (r == -ENOENT) {
		r = reply_envelope(reply, 422, "recordInfo is null", NULL);
	} else {
		strcpy(reply->task, id);
		reply->code = (int)route->service->success_code;
		r = record_make(sim, route->service, request, &task, reply, &json);
		if (r == 0)
			r = reply_json(reply, 200, json);
	}
	task_finish(&task);
	return r;
}

int jobs_credit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	double balance = account_balance(&sim->account, sim_clock_now_ms(&sim->clock));

	return reply_envelope(reply, 200, "success", cJSON_CreateNumber(balance));
}
