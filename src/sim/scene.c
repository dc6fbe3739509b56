/* See scene.h. */
#include "scene.h"

#include "format.h"
#include "place.h"
#include "results.h"
#include "services.h"
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static char *address(void *user, unsigned number, const char *extension)
{
	struct scene *scene = user;
	const struct format *format = format_by_extension(extension);

	return format ? results_url(scene->sim, scene->request, scene->task, scene->scope.id,
				number, format)
		      : NULL;
}

static int add(cJSON *facts, const char *name, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(facts, name);
	if (value && cJSON_AddItemToObject(facts, name, value))
		return 0;
	cJSON_Delete(value);
	return -ENOMEM;
}

static cJSON *make_date(int64_t ms)
{
	char text[32];
	time_t seconds = ms / 1000;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return cJSON_CreateString(text);
}

/* The request as the task API repeats it: JSON text, in which the input is JSON text again. */
static cJSON *make_job(const struct task *task)
{
	cJSON *job = cJSON_CreateObject();
	char *text = NULL;
	cJSON *out = NULL;

	cJSON_AddStringToObject(job, "input", task->input);
	if (task->callback)
		cJSON_AddStringToObject(job, "callBackUrl", task->callback);
	if (cJSON_AddStringToObject(job, "model", task->model_id))
		text = cJSON_PrintUnformatted(job);
	if (text)
		out = cJSON_CreateString(text);
	cJSON_free(text);
	cJSON_Delete(job);
	return out;
}

static int add_progress(struct scene *scene, int64_t now_ms)
{
	const struct task *task = scene->task;
	bool ended = task_phase(task, now_ms) != PHASE_RUNNING;
	bool refunded = task_phase(task, now_ms) == PHASE_FAIL && task_is_refunded(task);
	cJSON *facts = scene->facts;
	char text[16];

	snprintf(text, sizeof(text), "%.2f", ended ? 1 : task_fraction(task, now_ms));
	int r = add(facts, "progress", cJSON_CreateString(text));
	if (r == 0)
		r = add(facts, "completeTime",
			ended ? cJSON_CreateNumber((double)(task->created_ms + task->duration_ms))
			      : cJSON_CreateNull());
	if (r == 0)
		r = add(facts, "costTime",
			ended ? cJSON_CreateNumber((double)((task->duration_ms + 500) / 1000))
			      : cJSON_CreateNull());
	if (r == 0)
		r = add(facts, "credits", cJSON_CreateNumber(refunded ? 0 : task->credits));
	return r;
}

static int add_facts(struct scene *scene)
{
	const struct task *task = scene->task;
	int64_t now_ms = sim_clock_now_ms(&scene->sim->clock);
	cJSON *facts = scene->facts;
	int r = add(facts, "taskId", cJSON_CreateString(scene->scope.id));

	if (r == 0)
		r = add(facts, "model", cJSON_CreateString(task->model_id));
	if (r == 0)
		r = add(facts, "param", cJSON_CreateString(task->input));
	if (r == 0)
		r = add(facts, "jobParam", make_job(task));
	if (r == 0)
		r = add(facts, "callback",
			task->callback ? cJSON_CreateString(task->callback) : cJSON_CreateNull());
	if (r == 0)
		r = add(facts, "createTime", cJSON_CreateNumber((double)task->created_ms));
	if (r == 0)
		r = add(facts, "createDate", make_date(task->created_ms));
	if (r == 0)
		r = add(facts, "balance",
			cJSON_CreateNumber(account_balance(&scene->sim->account, now_ms)));
	return r < 0 ? r : add_progress(scene, now_ms);
}

int scene_init(struct scene *scene, struct sim *sim, const struct request *request,
	const struct task *task, const char *id)
{
	*scene = (struct scene){.sim = sim,
		.request = request,
		.task = task,
		.input = cJSON_Parse(task->input),
		.facts = cJSON_CreateObject()};
	const cJSON *json = task->operation->json;
	const struct report *report = task->operation->report;

	scene->scope = (struct scope){.input = scene->input,
		.sets[1] = cJSON_GetObjectItemCaseSensitive(json, "set"),
		.sets[2] = report ? cJSON_GetObjectItemCaseSensitive(report->json, "set") : NULL,
		.facts = scene->facts,
		.id = id,
		.address = address,
		.user = scene};
	int r = scene->input && scene->facts ? add_facts(scene) : -ENOMEM;
	if (r < 0)
		scene_finish(scene);
	return r;
}

void scene_finish(struct scene *scene)
{
	cJSON_Delete(scene->input);
	cJSON_Delete(scene->facts);
	*scene = (struct scene){0};
}

int scene_add_text(struct scene *scene, const char *name, const char *text)
{
	return add(scene->facts, name, cJSON_CreateString(text));
}

/* The set of a task on its way. */
static const cJSON *find_step(const cJSON *report, double fraction)
{
	const cJSON *steps = cJSON_GetObjectItemCaseSensitive(report, "steps");
	const cJSON *set = NULL;
	const cJSON *step;

	cJSON_ArrayForEach(step, steps)
	{
		set = cJSON_GetObjectItemCaseSensitive(step, "set");
		if (fraction < cJSON_GetObjectItemCaseSensitive(step, "below")->valuedouble)
			break;
	}
	return set;
}

/* What the failure is called: by the fault, by the missing parent, or as the service does. */
static int add_failure(struct scene *scene, const cJSON **set)
{
	const struct task *task = scene->task;
	const cJSON *report = task->operation->report->json;
	const struct fault *fail = task_fault(task, FAULT_FAIL);
	const cJSON *failure = cJSON_GetObjectItemCaseSensitive(report, "fail");
	const cJSON *moderation = cJSON_GetObjectItemCaseSensitive(report, "moderation");
	const cJSON *named = failure;

	if (!fail && task_fault(task, FAULT_MODERATION) && moderation)
		failure = named = moderation;
	if (task->is_orphan)
		named = cJSON_GetObjectItemCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(task->operation->json, "parent"), "late");
	double code = cJSON_GetObjectItemCaseSensitive(named, "code")->valuedouble;
	*set = cJSON_GetObjectItemCaseSensitive(failure, "set");
	int r = add(scene->facts, "failCode",
		cJSON_CreateNumber(fail && fail->code ? (double)fail->code : code));
	return r < 0 ? r
		     : add(scene->facts, "failMessage",
			       cJSON_Duplicate(
				       cJSON_GetObjectItemCaseSensitive(named, "message"), true));
}

/* The first of the scope's sets: what the task has come to. */
static int choose_set(struct scene *scene)
{
	const struct task *task = scene->task;
	const cJSON *report = task->operation->report->json;
	const cJSON *exception = cJSON_GetObjectItemCaseSensitive(report, "exception");
	int64_t now_ms = sim_clock_now_ms(&scene->sim->clock);

	switch (task_phase(task, now_ms)) {
	case PHASE_RUNNING:
		scene->scope.sets[0] = find_step(report, task_fraction(task, now_ms));
		return 0;
	case PHASE_SUCCESS:
		scene->scope.sets[0] =
			task_fault(task, FAULT_EXCEPTION) && exception
				? exception
				: cJSON_GetObjectItemCaseSensitive(report, "success");
		return 0;
	case PHASE_FAIL:
		return add_failure(scene, &scene->scope.sets[0]);
	}
	return 0;
}

static int place_empty(const cJSON *empty, cJSON *json)
{
	const cJSON *value;
	int r = 0;

	cJSON_ArrayForEach(value, empty)
	{
		if (r == 0)
			r = place_value(json, value->string, value);
	}
	return r;
}

int scene_report(struct scene *scene, bool odd, bool empty, cJSON **out)
{
	const struct report *report = scene->task->operation->report;
	int64_t now_ms = sim_clock_now_ms(&scene->sim->clock);
	cJSON *json = NULL;
	cJSON *word = NULL;
	int r = choose_set(scene);

	if (r == 0)
		r = template_fill(cJSON_GetObjectItemCaseSensitive(report->json, "answer"),
			&scene->scope, &json);
	if (r == 0 && empty && task_phase(scene->task, now_ms) == PHASE_SUCCESS)
		r = place_empty(cJSON_GetObjectItemCaseSensitive(report->json, "empty"), json);
	if (r == 0 && odd) {
		word = cJSON_CreateString("reticulating");
		r = word ? place_value(json, report->state, word) : -ENOMEM;
	}
	cJSON_Delete(word);
	if (r == 0)
		*out = json;
	else
		cJSON_Delete(json);
	return r;
}

int scene_callback(struct scene *scene, cJSON **out)
{
	const cJSON *report = scene->task->operation->report->json;
	const cJSON *callback = cJSON_GetObjectItemCaseSensitive(report, "callback");
	enum phase phase = task_phase(scene->task, sim_clock_now_ms(&scene->sim->clock));
	int r = choose_set(scene);

	return r < 0 ? r
		     : template_fill(cJSON_GetObjectItemCaseSensitive(
					     callback, phase == PHASE_FAIL ? "fail" : "success"),
			       &scene->scope, out);
}

int scene_stage(struct scene *scene, unsigned index, double *at, cJSON **out)
{
	const cJSON *report = scene->task->operation->report->json;
	const cJSON *callback = cJSON_GetObjectItemCaseSensitive(report, "callback");
	const cJSON *stage = cJSON_GetArrayItem(
		cJSON_GetObjectItemCaseSensitive(callback, "stages"), (int)index);

	if (!stage)
		return -ENOENT;
	if (!out)
		return 0;
	*at = cJSON_GetObjectItemCaseSensitive(stage, "at")->valuedouble;
	return template_fill(cJSON_GetObjectItemCaseSensitive(stage, "body"), &scene->scope, out);
}
