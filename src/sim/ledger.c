#include "ledger.h"

#include "kiefs/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ledger_line {
	int64_t at_ms;
	char *method;
	char *path;
	char *body;
	char *key;
	char sha[DIGEST_HEX_SIZE]; /* of the body, or of the file in it; "" without */
	uint64_t file_bytes;	   /* of an uploaded file */
	char task[33];
	int code;
	size_t len;
};

int ledger_init(struct ledger *ledger)
{
	*ledger = (struct ledger){.lines = calloc(LEDGER_LINES, sizeof(struct ledger_line))};
	if (!ledger->lines)
		return -ENOMEM;
	pthread_mutex_init(&ledger->lock, NULL);
	return 0;
}

static void finish_line(struct ledger_line *line)
{
	free(line->method);
	free(line->path);
	free(line->body);
	free(line->key);
	*line = (struct ledger_line){0};
}

static void forget(struct ledger *ledger)
{
	for (size_t i = 0; i < LEDGER_LINES; i++)
		finish_line(&ledger->lines[i]);
	tally_finish(&ledger->paths);
	tally_finish(&ledger->codes);
	tally_finish(&ledger->models);
	tally_finish(&ledger->bodies);
	ledger->total = ledger->created = ledger->polls = ledger->downloads = 0;
	ledger->added = ledger->dropped = 0;
	ledger->bytes = 0;
}

void ledger_finish(struct ledger *ledger)
{
	if (!ledger->lines)
		return;
	forget(ledger);
	free(ledger->lines);
	pthread_mutex_destroy(&ledger->lock);
	ledger->lines = NULL;
}

void ledger_clear(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	forget(ledger);
	pthread_mutex_unlock(&ledger->lock);
}

static void drop_oldest(struct ledger *ledger)
{
	struct ledger_line *line = &ledger->lines[ledger->dropped++ % LEDGER_LINES];

	ledger->bytes -= line->len;
	finish_line(line);
}

/* The log is a help, so a line that memory lacks for is left out. */
static void add_line(struct ledger *ledger, const struct ledger_line *line)
{
	while (ledger->added > ledger->dropped &&
		(ledger->added - ledger->dropped == LEDGER_LINES ||
			ledger->bytes + line->len > LEDGER_BYTES))
		drop_oldest(ledger);
	ledger->lines[ledger->added++ % LEDGER_LINES] = *line;
	ledger->bytes += line->len;
}

static void count(struct ledger *ledger, enum stage stage, const struct request *request,
	const struct reply *reply, const char *sha)
{
	char code[16];

	snprintf(code, sizeof(code), "%d", reply->code);
	ledger->total++;
	ledger->polls += stage == STAGE_POLL;
	ledger->downloads += stage == STAGE_RESULT && reply->file;
	tally_count(&ledger->paths, stage == STAGE_RESULT ? "/results/" : request->path);
	tally_count(&ledger->codes, code);
	if (!reply->created)
		return;
	ledger->created++;
	tally_count(&ledger->bodies, sha);
	if (reply->model)
		tally_count(&ledger->models, reply->model);
}

void ledger_add(struct ledger *ledger, enum stage stage, int64_t now_ms,
	const struct request *request, const struct reply *reply)
{
	struct ledger_line line = {.at_ms = now_ms,
		.method = strdup(request->method),
		.path = strdup(request->path),
		.key = request->key ? strdup(request->key) : NULL,
		.code = reply->code,
		.len = request->body_len};

	memcpy(line.task, reply->task, sizeof(line.task));
	if (request->body_len) {
		digest_bytes(request->body, request->body_len, line.sha);
		line.body = strdup(request->body);
	}
	if (*reply->upload_sha) {
		memcpy(line.sha, reply->upload_sha, sizeof(line.sha));
		line.file_bytes = reply->upload_bytes;
	}
	pthread_mutex_lock(&ledger->lock);
	count(ledger, stage, request, reply, line.sha);
	if (line.method && line.path)
		add_line(ledger, &line);
	else
		finish_line(&line);
	pthread_mutex_unlock(&ledger->lock);
}

static void describe(cJSON *list, const struct ledger_line *line)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddItemToArray(list, item);
	cJSON_AddNumberToObject(item, "at_ms", (double)line->at_ms);
	cJSON_AddStringToObject(item, "method", line->method);
	cJSON_AddStringToObject(item, "path", line->path);
	cJSON_AddNumberToObject(item, "code", line->code);
	if (line->key)
		cJSON_AddStringToObject(item, "key", line->key);
	if (line->task[0])
		cJSON_AddStringToObject(item, "taskId", line->task);
	if (*line->sha)
		cJSON_AddStringToObject(item, "sha256", line->sha);
	if (line->file_bytes)
		cJSON_AddNumberToObject(item, "bytes", (double)line->file_bytes);
	if (line->body)
		cJSON_AddStringToObject(item, "body", line->body);
}

cJSON *ledger_json(struct ledger *ledger, bool full)
{
	cJSON *json = cJSON_CreateObject();

	pthread_mutex_lock(&ledger->lock);
	cJSON_AddNumberToObject(json, "total", (double)ledger->total);
	cJSON_AddNumberToObject(json, "created", (double)ledger->created);
	cJSON_AddNumberToObject(json, "polls", (double)ledger->polls);
	cJSON_AddNumberToObject(json, "downloads", (double)ledger->downloads);
	cJSON_AddItemToObject(json, "by_path", tally_json(&ledger->paths));
	cJSON_AddItemToObject(json, "by_code", tally_json(&ledger->codes));
	cJSON_AddItemToObject(json, "by_model", tally_json(&ledger->models));
	cJSON_AddItemToObject(json, "by_body", tally_json(&ledger->bodies));
	cJSON *list = full ? cJSON_AddArrayToObject(json, "requests") : NULL;
	for (uint64_t n = ledger->dropped; list && n < ledger->added; n++)
		describe(list, &ledger->lines[n % LEDGER_LINES]);
	pthread_mutex_unlock(&ledger->lock);
	return json;
}
