#include "control.h"

#include "callbacks.h"
#include "sim.h"

#include "kiefs/error.h"
#include "kiefs/json.h"

#include <errno.h>
#include <string.h>

static int done(struct reply *reply)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddTrueToObject(json, "ok");
	return reply_json(reply, 200, json);
}

static int refuse(struct reply *reply, const char *text)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "error", text);
	return reply_json(reply, 400, json);
}

/* Reads the body; answers and leaves `*out` NULL when it is no JSON. An empty body is {}. */
static int read_body(const struct request *request, struct reply *reply, cJSON **out)
{
	struct error err = {0};
	const char *text = request->body_len ? request->body : "{}";
	int r = json_parse(text, strlen(text), out, &err);

	if (r == -EINVAL)
		r = refuse(reply, error_text(&err));
	error_finish(&err);
	return r;
}

int control_health(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddTrueToObject(json, "ok");
	cJSON_AddStringToObject(json, "version", KIEFS_VERSION);
	cJSON_AddNumberToObject(json, "now_ms", (double)sim_clock_now_ms(&sim->clock));
	return reply_json(reply, 200, json);
}

static int describe_task(const struct task *task, const char *id, void *user)
{
	cJSON *item = cJSON_AddObjectToObject(user, id);

	cJSON_AddStringToObject(item, "model", task->model_id);
	cJSON_AddNumberToObject(item, "polls", (double)task->polls);
	cJSON_AddNumberToObject(item, "downloads", (double)task->downloads);
	return cJSON_AddNumberToObject(item, "created_ms", (double)task->created_ms) ? 0 : -ENOMEM;
}

int control_requests(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	const char *full = request_query(request, "full");
	bool is_full = full && strcmp(full, "1") == 0;
	cJSON *json = ledger_json(&sim->ledger, is_full);
	int r = 0;

	if (is_full)
		r = tasks_each(
			&sim->tasks, describe_task, cJSON_AddObjectToObject(json, "by_task"));
	if (r == 0)
		return reply_json(reply, 200, json);
	cJSON_Delete(json);
	return r;
}

int control_list_faults(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	return reply_json(reply, 200, fault_rules_list(&sim->faults));
}

int control_add_faults(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	struct error err = {0};
	cJSON *body = NULL;
	int r = read_body(request, reply, &body);

	if (!body)
		return r;
	if (cJSON_IsArray(body)) {
		const cJSON *item;

		cJSON_ArrayForEach(item, body)
		{
			if (r == 0)
				r = fault_rules_add(&sim->faults, item, &err);
		}
	} else {
		r = fault_rules_add(&sim->faults, body, &err);
	}
	if (r == -EINVAL)
		r = refuse(reply, error_text(&err));
	else if (r == 0)
		r = done(reply);
	error_finish(&err);
	cJSON_Delete(body);
	return r;
}

int control_clear_faults(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	fault_rules_clear(&sim->faults);
	return done(reply);
}

/* Reads one number from the body; answers and sets `*given` to false when it is not there. */
static int read_number(const struct request *request, struct reply *reply, const char *name,
	double *out, bool *given)
{
	cJSON *body = NULL;
	int r = read_body(request, reply, &body);

	*given = false;
	if (!body)
		return r;
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
	if (cJSON_IsNumber(item) && item->valuedouble >= 0) {
		*out = item->valuedouble;
		*given = true;
	} else {
		char text[80];

		snprintf(text, sizeof(text), "%s: a number from 0 is needed", name);
		r = refuse(reply, text);
	}
	cJSON_Delete(body);
	return r;
}

int control_credits(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	double balance;
	bool given;
	int r = read_number(request, reply, "balance", &balance, &given);

	if (!given)
		return r;
	account_set_balance(&sim->account, balance);
	return done(reply);
}

int control_time(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	double ms;
	bool given;
	int r = read_number(request, reply, "advance_ms", &ms, &given);

	if (!given)
		return r;
	if (ms > 1e13)
		return refuse(reply, "advance_ms: too far");
	sim_clock_advance(&sim->clock, (int64_t)ms);
	callbacks_wake(sim->callbacks);
	return done(reply);
}

int control_callbacks(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	return reply_json(reply, 200, callbacks_json(sim->callbacks));
}

int control_keys(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	cJSON *body = NULL;
	int r = read_body(request, reply, &body);
	const cJSON *bad = cJSON_GetObjectItemCaseSensitive(body, "bad");
	const cJSON *key;

	if (!body)
		return r;
	if (!cJSON_IsArray(bad)) {
		r = refuse(reply, "bad: an array of keys is needed");
		goto out;
	}
	account_clear_bad(&sim->account);
	cJSON_ArrayForEach(key, bad)
	{
		if (r == 0 && cJSON_IsString(key))
			r = account_set_bad(&sim->account, key->valuestring, true);
	}
	if (r == 0)
		r = done(reply);
out:
	cJSON_Delete(body);
	return r;
}

int control_reset(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	fault_rules_clear(&sim->faults);
	ledger_clear(&sim->ledger);
	callbacks_clear(sim->callbacks);
	tasks_clear(&sim->tasks);
	uploads_clear(sim);
	account_reset(&sim->account, sim->options.rate, sim->options.credits);
	return done(reply);
}
