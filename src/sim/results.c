#include "results.h"

#include "format.h"
#include "sim.h"

#include "kiefs/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOWNLOAD_URL_MS ((int64_t)20 * 60 * 1000)
#define WRONG_URL "url is wrong"

/* What an address names. */
struct address {
	char id[TASK_ID_SIZE];
	unsigned number;
	char extension[8];
};

/* `rest` is what follows "/results/". */
static bool read_address(const char *rest, struct address *out)
{
	char after;

	return sscanf(rest, "%32[0-9a-f]/%4u.%7[a-z0-9]%c", out->id, &out->number, out->extension,
		       &after) == 3;
}

static char *make_url(const struct sim *sim, const struct request *request, const char *id,
	unsigned number, const char *extension, int64_t expires_ms)
{
	const char *host = request ? request_header(request, "Host") : NULL;
	char own[80];
	char *url = NULL;

	if (!host || strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789.-:[]") != strlen(host)) {
		snprintf(own, sizeof(own), "127.0.0.1:%u", sim->options.port);
		host = own;
	}
	if (asprintf(&url, "http://%s/results/%s/%u.%s?expires=%" PRId64, host, id, number,
		    extension, expires_ms) < 0)
		return NULL;
	return url;
}

char *results_url(struct sim *sim, const struct request *request, const struct task *task,
	const char *id, unsigned number, const struct format *format)
{
	int64_t life_ms = sim->options.link_ms;
	int64_t end_ms = task->created_ms + task->duration_ms;
	int64_t periods = (sim_clock_now_ms(&sim->clock) - end_ms) / life_ms + 1;

	return make_url(sim, request, id, number, format->extension, end_ms + periods * life_ms);
}

static int refuse(struct reply *reply, unsigned status)
{
	char text[160];

	snprintf(text, sizeof(text), "<?xml version=\"1.0\"?>\n<Error><Code>%s</Code></Error>\n",
		status == 403 ? "AccessDenied" : "NoSuchKey");
	reply->status = status;
	reply->code = (int)status;
	reply->type = "application/xml";
	buf_clear(&reply->body);
	return buf_adds(&reply->body, text);
}

static bool is_expired(struct sim *sim, const struct request *request)
{
	const char *expires = request_query(request, "expires");

	return !expires || strtoll(expires, NULL, 10) <= sim_clock_now_ms(&sim->clock);
}

static void meet_faults(struct sim *sim, const struct request *request, const struct task *task,
	const char *id, struct reply *reply)
{
	for (unsigned i = 0; i < task->fault_count; i++) {
		if (fault_meets(task->faults[i].kind, STAGE_RESULT))
			reply->faults[reply->fault_count++] = task->faults[i];
	}
	reply->fault_count = fault_rules_meet(&sim->faults, STAGE_RESULT, request->path,
		task->model_id, id, reply->faults, reply->fault_count);
}

static int serve_task(struct sim *sim, const struct request *request, const struct task *task,
	const struct address *address, struct reply *reply)
{
	const struct format *format = format_by_extension(address->extension);
	struct product *file = NULL;

	if (!format || task_phase(task, sim_clock_now_ms(&sim->clock)) != PHASE_SUCCESS) {
		meet_faults(sim, request, task, address->id, reply);
		return reply_refused(reply) ? 0 : refuse(reply, 404);
	}
	const struct fault *big = task_fault(task, FAULT_BIG);
	const struct product_key key = {
		.task = task->number, .number = address->number, .format = format->id};
	struct product_order order = {.key = key,
		.format = format,
		.model_id = task->model_id,
		.input = task->input,
		.padded_to = big ? big->bytes : sim->options.result_bytes};
	/* First, for a request that has to wait for the file comes here again, and a fault strikes
	 * once. */
	int r = products_get(&sim->products, &order, request->connection, &file);
	if (r < 0)
		return r;
	meet_faults(sim, request, task, address->id, reply);
	const struct fault *expired = reply_fault(reply, FAULT_EXPIRED);
	if (!reply_refused(reply) && !expired && !is_expired(sim, request)) {
		reply->status = 200;
		reply->code = 200;
		reply->type = format->type;
		reply->file = file;
		return 0;
	}
	products_put(&sim->products, file);
	if (reply_refused(reply))
		return 0;
	bool given = expired && expired->code >= 400 && expired->code <= 599;
	return refuse(reply, given ? (unsigned)expired->code : 403);
}

int results_serve(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	struct address address;
	struct task task;

	if (!read_address(request->path + strlen(route->path), &address))
		return refuse(reply, 404);
	int r = tasks_get(&sim->tasks, address.id, TASK_LOOK, &task);
	if (r == -ENOENT)
		return refuse(reply, 404);
	if (r < 0)
		return r;
	strcpy(reply->task, address.id);
	r = serve_task(sim, request, &task, &address, reply);
	if (r == 0 && reply->file)
		tasks_count_download(&sim->tasks, address.id);
	task_finish(&task);
	return r;
}

int results_download_url(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	cJSON *body = NULL;
	struct address address;
	struct task task;
	char *url = NULL;
	int r = json_parse(request->body, request->body_len, &body, NULL);
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, "url");
	const char *path = cJSON_IsString(item) ? strstr(item->valuestring, "/results/") : NULL;
	char rest[80];

	snprintf(rest, sizeof(rest), "%s", path ? path + strlen("/results/") : "");
	rest[strcspn(rest, "?")] = '\0';
	cJSON_Delete(body);
	if (r == -ENOMEM)
		return r;
	reply->fault_count = fault_rules_meet(
		&sim->faults, route->stage, request->path, NULL, NULL, reply->faults, 0);
	if (reply_refused(reply))
		return 0;
	if (!read_address(rest, &address))
		return reply_envelope(reply, 422, WRONG_URL, NULL);
	r = tasks_get(&sim->tasks, address.id, TASK_LOOK, &task);
	if (r == -ENOENT)
		return reply_envelope(reply, 422, WRONG_URL, NULL);
	if (r < 0)
		return r;
	task_finish(&task);
	url = make_url(sim, request, address.id, address.number, address.extension,
		sim_clock_now_ms(&sim->clock) + DOWNLOAD_URL_MS);
	r = url ? reply_envelope(reply, 200, "success", cJSON_CreateString(url)) : -ENOMEM;
	free(url);
	return r;
}
