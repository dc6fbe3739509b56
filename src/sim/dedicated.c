/* See dedicated.h. What each service asks and answers is data: services.h. */
#include "dedicated.h"

#include "demand.h"
#include "jobs.h"
#include "part_id.h"
#include "scene.h"
#include "services.h"
#include "sim.h"
#include "telling.h"

#include "kiefs/error.h"
#include "kiefs/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More parts than any task has. */
#define PARTS_MAX 200
#define PARTS_OF_TRACK 10

/* One request on its way. */
struct ask {
	struct sim *sim;
	const struct request *request;
	const struct operation *operation;
	const cJSON *input;
	struct task task;
	struct task parent; /* number 0: there is none */
	char parent_id[TASK_ID_SIZE];
	unsigned track; /* of the parent */
};

static const cJSON *member(const struct ask *ask, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(ask->operation->json, name);
}

/* A field's text, "" when it is none. */
static const char *field(const struct ask *ask, const cJSON *name)
{
	const char *key = cJSON_GetStringValue(name);
	const char *text =
		key ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(ask->input, key))
		    : NULL;

	return text ? text : "";
}

/* Answers with a template that speaks of `task`. */
static int answer(struct ask *ask, const cJSON *template, const struct task *task, const char *id,
	const char *earlier, struct reply *reply)
{
	struct scene scene = {0};
	cJSON *json = NULL;
	int r = scene_init(&scene, ask->sim, ask->request, task, id);

	if (r < 0)
		return r;
	/* What is made of a track without a task is numbered as the track. */
	if (ask->operation->taskless) {
		scene.scope.index = ask->track;
		scene.scope.input = ask->input;
	}
	if (earlier)
		r = scene_add_text(&scene, "earlier", earlier);
	if (r == 0)
		r = template_fill(template, &scene.scope, &json);
	if (r == 0) {
		const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "code");

		reply->code = cJSON_IsNumber(code) ? code->valueint : 200;
		r = reply_json(reply, 200, json);
	}
	scene_finish(&scene);
	return r;
}

/* An answer that needs no names. */
static int answer_plain(const cJSON *json, struct reply *reply)
{
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "code");

	reply->code = cJSON_IsNumber(code) ? code->valueint : 200;
	return reply_json(reply, 200, cJSON_Duplicate(json, true));
}

/* The task of which `part` is a part, and its track; -ENOENT. */
static int find_part(struct ask *ask, const char *part)
{
	char id[TASK_ID_SIZE];

	for (unsigned number = 0; number < PARTS_MAX; number++) {
		part_id_task(part, number, id);
		int r = *id ? tasks_get(&ask->sim->tasks, id, TASK_LOOK, &ask->parent) : -ENOENT;

		if (r == -ENOENT)
			continue;
		strcpy(ask->parent_id, id);
		ask->track = number / PARTS_OF_TRACK;
		return r;
	}
	return -ENOENT;
}

/* Whether the parent is what the operation needs; the part must be its. */
static bool is_fit(const struct ask *ask, const cJSON *demand, const char *id)
{
	const char *of = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(demand, "of"));
	const struct operation *made_by = ask->parent.operation;

	if (*id && strcmp(id, ask->parent_id) != 0)
		return false;
	if (!made_by || !made_by->makes || !of || strcmp(made_by->makes, of) != 0)
		return false;
	return task_phase(&ask->parent, sim_clock_now_ms(&ask->sim->clock)) == PHASE_SUCCESS;
}

/* 0 also when the operation needs no parent; -ENOENT when it is not there or does not fit. */
static int find_parent(struct ask *ask, const cJSON *demand)
{
	const char *id = field(ask, cJSON_GetObjectItemCaseSensitive(demand, "task"));
	const char *part = field(ask, cJSON_GetObjectItemCaseSensitive(demand, "audio"));
	int r;

	if (!demand || (!*id && !*part &&
			       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(demand, "optional"))))
		return 0;
	if (*part) {
		r = find_part(ask, part);
	} else {
		r = tasks_get(&ask->sim->tasks, id, TASK_LOOK, &ask->parent);
		if (r == 0)
			strcpy(ask->parent_id, id);
	}
	return r == 0 && !is_fit(ask, demand, id) ? -ENOENT : r;
}

/* The name under which there is only one child. */
static void name_child(const struct ask *ask, char *out, size_t size)
{
	const cJSON *index = cJSON_GetObjectItemCaseSensitive(ask->input, "index");

	snprintf(out, size, "%s %s %u %d", ask->operation->once, ask->parent_id, ask->track,
		cJSON_IsNumber(index) ? index->valueint : 0);
}

static bool is_unripe(const struct ask *ask)
{
	const struct task *parent = &ask->parent;

	return ask->operation->ripens &&
	       sim_clock_now_ms(&ask->sim->clock) <
		       parent->created_ms + parent->duration_ms + ask->task.duration_ms;
}

/* Answers when the same was asked for before; 0 with nothing answered else. */
static int answer_earlier(struct ask *ask, struct reply *reply)
{
	char name[128];
	char id[TASK_ID_SIZE];
	struct task child = {0};
	const cJSON *template = member(ask, "again");

	name_child(ask, name, sizeof(name));
	if (!offspring_find(&ask->sim->offspring, name, id))
		return 0;
	int r = tasks_get(&ask->sim->tasks, id, TASK_LOOK, &child);
	if (r == -ENOENT) {
		/* Made without a task, or forgotten since. */
		r = answer_plain(template, reply);
	} else if (r == 0) {
		bool running =
			task_phase(&child, sim_clock_now_ms(&ask->sim->clock)) == PHASE_RUNNING;

		if (running && member(ask, "unripe"))
			template = member(ask, "unripe");
		r = answer(ask, template, &child, id, id, reply);
	}
	task_finish(&child);
	return r;
}

static int fill_task(struct ask *ask)
{
	struct task *task = &ask->task;
	const struct fault *late = task_fault(task, FAULT_LATE);
	struct scope scope = {.input = ask->input};
	cJSON *credits = NULL;
	char *text = cJSON_PrintUnformatted(ask->input);

	task->created_ms = sim_clock_now_ms(&ask->sim->clock);
	task->duration_ms = ask->operation->sync ? 0
			    : late		 ? late->ms
				   : jobs_duration(&ask->sim->options, ask->operation->duration_ms);
	task->input = text ? strdup(text) : NULL;
	cJSON_free(text);
	int r = task->input ? template_fill(member(ask, "credits"), &scope, &credits) : -ENOMEM;
	task->credits = cJSON_IsNumber(credits) ? credits->valuedouble : 0;
	cJSON_Delete(credits);
	return r;
}

static int create(struct ask *ask, struct reply *reply)
{
	const cJSON *template = member(ask, "submit");
	struct task copy = {0};
	char name[128];

	reply->model = ask->operation->name;
	int r = tasks_add(&ask->sim->tasks, &ask->task, reply->task);
	if (r == 0 && ask->operation->once) {
		name_child(ask, name, sizeof(name));
		r = offspring_add(&ask->sim->offspring, name, reply->task);
		/* Two at once: both were made. */
		r = r == -EEXIST ? 0 : r;
	}
	if (r < 0)
		return r;
	reply->created = true;
	r = telling_plan(ask->sim, reply->task);
	if (r < 0)
		return r;
	if (!template) {
		cJSON *data = cJSON_CreateObject();

		cJSON_AddStringToObject(data, "taskId", reply->task);
		if (!ask->operation->path)
			cJSON_AddStringToObject(data, "recordId", reply->task);
		return reply_envelope(reply, 200, "success", data);
	}
	r = tasks_get(&ask->sim->tasks, reply->task, TASK_LOOK, &copy);
	if (r == 0)
		r = answer(ask, template, &copy, reply->task, NULL, reply);
	task_finish(&copy);
	return r;
}

/* What makes no task is remembered under the parent's id. */
static int create_nothing(struct ask *ask, struct reply *reply)
{
	char name[128];
	int r = 0;

	if (ask->operation->once) {
		name_child(ask, name, sizeof(name));
		r = offspring_add(&ask->sim->offspring, name, "");
	}
	strcpy(reply->task, ask->parent_id);
	return r < 0 && r != -EEXIST ? r
				     : answer(ask, member(ask, "submit"), &ask->parent,
					       ask->parent_id, NULL, reply);
}

/* Everything once the request is known to be in order. */
static int carry_out(struct ask *ask, struct reply *reply)
{
	int r = fill_task(ask);

	if (r < 0)
		return r;
	if (ask->operation->once) {
		r = answer_earlier(ask, reply);
		if (r < 0 || reply->status)
			return r;
	}
	if (is_unripe(ask))
		return answer_plain(member(ask, "unripe"), reply);
	r = jobs_charge(ask->sim, &ask->task);
	if (r == -EDQUOT)
		return jobs_refuse_credits(reply);
	if (r < 0)
		return r;
	return ask->operation->taskless ? create_nothing(ask, reply) : create(ask, reply);
}

static int check(struct ask *ask, struct reply *reply)
{
	char message[DEMAND_MESSAGE_SIZE];
	const cJSON *demand = member(ask, "parent");
	int code = demand_check(ask->operation, ask->input, message);

	if (code < 0)
		return code;
	if (code)
		return reply_envelope(reply, code, message, NULL);
	int r = find_parent(ask, demand);
	if (r == -ENOENT && cJSON_GetObjectItemCaseSensitive(demand, "late")) {
		ask->task.is_orphan = true;
		r = 0;
	} else if (r == -ENOENT) {
		return answer_plain(cJSON_GetObjectItemCaseSensitive(demand, "missing"), reply);
	}
	return r < 0 ? r : carry_out(ask, reply);
}

int dedicated_take(struct sim *sim, const struct request *request,
	const struct operation *operation, const cJSON *input, const char *callback,
	struct reply *reply)
{
	struct ask ask = {.sim = sim,
		.request = request,
		.operation = operation,
		.input = input,
		.task = {.operation = operation, .model_id = strdup(operation->name)}};
	int r = ask.task.model_id ? 0 : -ENOMEM;

	if (r == 0 && callback) {
		ask.task.callback = strdup(callback);
		r = ask.task.callback ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = jobs_collect_faults(sim, request, input, &ask.task, reply);
	if (r == 0 && !reply_refused(reply))
		r = cJSON_IsObject(input)
			    ? check(&ask, reply)
			    : reply_envelope(reply, 422, "The input cannot be null", NULL);
	task_finish(&ask.task);
	task_finish(&ask.parent);
	return r;
}

/* The parameters of the address, as an object. */
static cJSON *read_query(const struct operation *operation, const struct request *request)
{
	cJSON *input = cJSON_CreateObject();
	const cJSON *name;

	cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(operation->json, "fields"))
	{
		const char *text = request_query(request, name->string);

		if (text && !cJSON_AddStringToObject(input, name->string, text)) {
			cJSON_Delete(input);
			return NULL;
		}
	}
	return input;
}

int dedicated_submit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	const struct operation *operation = route->operation;
	struct error err = {0};
	cJSON *input = NULL;
	int r = 0;

	/* What only asks for a file is no submission. */
	if (strcmp(request->method, "POST") == 0) {
		r = jobs_admit(sim, request, reply);
		if (r < 0 || reply->status)
			return r;
		r = json_parse(request->body, request->body_len, &input, &err);
	} else {
		input = read_query(operation, request);
		r = input ? 0 : -ENOMEM;
	}
	if (r == -EINVAL)
		r = reply_envelope(reply, 400, error_text(&err), NULL);
	else if (r == 0)
		r = dedicated_take(sim, request, operation, input,
			cJSON_GetStringValue(
				cJSON_GetObjectItemCaseSensitive(input, operation->callback)),
			reply);
	error_finish(&err);
	cJSON_Delete(input);
	return r;
}

int dedicated_report(struct sim *sim, const struct request *request, const struct task *task,
	const char *id, struct reply *reply)
{
	struct scene scene = {0};
	cJSON *json = NULL;
	int r = scene_init(&scene, sim, request, task, id);

	if (r == 0)
		r = scene_report(&scene, reply_fault(reply, FAULT_STATE) != NULL,
			reply_fault(reply, FAULT_EMPTY) != NULL, &json);
	if (r == 0) {
		const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "code");

		strcpy(reply->task, id);
		reply->code = cJSON_IsNumber(code) ? code->valueint : 0;
		r = reply_json(reply, 200, json);
	}
	scene_finish(&scene);
	return r;
}

/* The service's answer when there is no such task. */
static int answer_missing(const struct report *report, const char *asked, struct reply *reply)
{
	cJSON *facts = cJSON_CreateObject();
	cJSON *json = NULL;
	struct scope scope = {.facts = facts};
	int r = cJSON_AddStringToObject(facts, "asked", asked) ? 0 : -ENOMEM;

	if (r == 0)
		r = template_fill(
			cJSON_GetObjectItemCaseSensitive(report->json, "missing"), &scope, &json);
	if (r == 0) {
		r = answer_plain(json, reply);
		cJSON_Delete(json);
	}
	cJSON_Delete(facts);
	return r;
}

int dedicated_record(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	const struct report *report = route->report;
	const char *id = request_query(request, report->query);
	struct task task = {0};

	if (!id || !*id)
		return reply_envelope(reply, 400, "taskId parameter is required", NULL);
	int r = tasks_get(&sim->tasks, id, TASK_POLL, &task);
	if (r < 0 && r != -ENOENT)
		return r;
	bool found = r == 0 && task.operation && task.operation->report &&
		     strcmp(task.operation->report->path, report->path) == 0;
	reply->model = found ? task.operation->name : NULL;
	reply->fault_count = fault_rules_meet(&sim->faults, STAGE_POLL, request->path,
		task.model_id, id, reply->faults, reply->fault_count);
	if (found)
		jobs_meet_task_faults(&task, STAGE_POLL, reply);
	if (reply_refused(reply))
		r = 0;
	else if (found)
		r = dedicated_report(sim, request, &task, id, reply);
	else
		r = answer_missing(report, id, reply);
	task_finish(&task);
	return r;
}
