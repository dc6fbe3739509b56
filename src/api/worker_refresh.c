/*
 * Asking the API for its models: the list, then the schema of each model that the catalogue lacks,
 * one after the other with a pause between, because more than a few quick questions are refused.
 * What is found goes to a file that the catalogue reads, with a report beside it.
 *
 * state   | meaning                               | next
 * idle    | nothing to do                         | list, when it is wanted
 * list    | the list is asked for                 | schema; idle when it cannot be had
 * schema  | `refresh.at` is the model asked for   | schema; idle after the last, with a file
 *
 * A question that was refused for its pace or met no server is asked again, at most TRIES_MAX
 * times.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/file.h"
#include "kiefs/import.h"
#include "kiefs/json.h"
#include "kiefs/jsonpath.h"
#include "kiefs/listing.h"
#include "worker_private.h"

#define ASK_TOTAL_MS 60000
#define PACE_MS 1000
#define RETRY_FIRST_MS 4000
#define RETRY_CAP_MS 120000
#define TRIES_MAX 8
#define MODELS_MAX 5000
#define FILE_MAX (16u << 20)

/* ---- what is kept meanwhile ---- */

static void finish(struct worker *worker)
{
	struct refresh *refresh = &worker->refresh;

	cJSON_Delete(refresh->told);
	cJSON_Delete(refresh->former);
	cJSON_Delete(refresh->found);
	buf_finish(&refresh->report);
	catalogue_destroy(refresh->catalogue);
	*refresh = (struct refresh){0};
}

void refresh_forget(struct worker *worker)
{
	finish(worker);
}

static void give_up(struct worker *worker, const char *why)
{
	worker_log(worker, 0, "refresh: given up: %s", why);
	finish(worker);
}

static const cJSON *models_of(const cJSON *document)
{
	return cJSON_GetObjectItemCaseSensitive(document, "models");
}

/* What the last refresh found; no file is none. */
static cJSON *read_former(struct worker *worker)
{
	struct buf text;
	cJSON *document = NULL;

	buf_init(&text, FILE_MAX);
	if (file_read(worker->options.refreshed_path, &text) == 0)
		json_parse(text.data ? text.data : "", text.len, &document, NULL);
	buf_finish(&text);
	return document;
}

static int begin(struct worker *worker)
{
	struct refresh *refresh = &worker->refresh;
	char when[32];

	if (!atomic_load(&worker->key_present)) {
		worker_log(worker, 0, "refresh: there is no API key to ask with");
		return 0;
	}
	if (!worker->options.refreshed_path ||
		!catalogue_listing(worker->options.catalogue, &refresh->listing)) {
		worker_log(worker, 0, "refresh: the catalogue does not say where to ask");
		return 0;
	}
	refresh->catalogue = catalogue_share(worker->options.catalogue);
	refresh->former = read_former(worker);
	refresh->told = cJSON_CreateArray();
	refresh->found = cJSON_CreateObject();
	buf_init(&refresh->report, FILE_MAX);
	clock_format(worker->now, when, sizeof(when));
	buf_addf(&refresh->report, "Asked at %s.\n", when);
	refresh->state = REFRESH_LIST;
	refresh->due = worker->mono;
	worker_log(worker, 0, "refresh: asking for the list of models");
	return refresh->told && refresh->found ? 0 : -ENOMEM;
}

/* ---- asking ---- */

static char *url_of(const struct worker *worker, const char *path, const char *id)
{
	const struct refresh *refresh = &worker->refresh;
	const char *base = strcmp(refresh->listing.service->host, "upload") == 0
				   ? worker->upload_url
				   : worker->api_url;
	const char *mark = strstr(path, "{model}");
	char *url = NULL;
	int n = mark ? asprintf(&url, "%s%.*s%s%s", base, (int)(mark - path), path, id,
			       mark + strlen("{model}"))
		     : asprintf(&url, "%s%s", base, path);

	return n < 0 ? NULL : url;
}

static int ask(struct worker *worker)
{
	struct refresh *refresh = &worker->refresh;
	bool list = refresh->state == REFRESH_LIST;
	const char *id =
		list ? NULL
		     : cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(refresh->at, "id"));
	char *url = url_of(worker, list ? refresh->listing.list : refresh->listing.schema, id);
	struct job *job = url ? job_create(worker, JOB_REFRESH, 0) : NULL;
	int r = -ENOMEM;

	if (job) {
		const struct http_request request = {
			.method = "GET",
			.url = url,
			.authorized = true,
			.fd = -1,
			.max_bytes = ANSWER_MAX_BYTES,
			.total_ms = ASK_TOTAL_MS,
			.user = job,
		};
		r = http_start(worker->http, &request);
		if (r < 0)
			job_destroy(worker, job);
	}
	free(url);
	return r;
}

int refresh_due(struct worker *worker)
{
	struct refresh *refresh = &worker->refresh;
	int r = 0;

	if (atomic_exchange(&worker->refresh_wanted, false) && refresh->state == REFRESH_IDLE)
		r = begin(worker);
	if (r < 0) {
		finish(worker);
		return r;
	}
	if (refresh->state == REFRESH_IDLE || worker->running[JOB_REFRESH] > 0 ||
		refresh->due > worker->mono)
		return 0;
	return ask(worker);
}

int refresh_wait(struct worker *worker, int64_t *wait_ms)
{
	const struct refresh *refresh = &worker->refresh;

	*wait_ms = NEVER;
	if (refresh->state != REFRESH_IDLE && worker->running[JOB_REFRESH] == 0)
		*wait_ms = refresh->due > worker->mono ? refresh->due - worker->mono : 0;
	return 0;
}

/* ---- the end ---- */

static void keep_former(struct worker *worker)
{
	struct refresh *refresh = &worker->refresh;
	const cJSON *former = models_of(refresh->former);

	for (const cJSON *i = former ? former->child : NULL; i; i = i->next) {
		if (cJSON_GetObjectItemCaseSensitive(refresh->found, i->string))
			continue;
		cJSON *copy = cJSON_Duplicate(i, true);
		if (!cJSON_GetObjectItemCaseSensitive(copy, "retired"))
			cJSON_AddTrueToObject(copy, "retired");
		cJSON_AddItemToObject(refresh->found, i->string, copy);
		buf_addf(&refresh->report, "%s: no longer listed; kept as retired\n", i->string);
	}
}

static int write_found(struct worker *worker)
{
	struct refresh *refresh = &worker->refresh;
	cJSON *document = cJSON_CreateObject();
	cJSON_AddNumberToObject(document, "form", 1);
	cJSON_AddStringToObject(document, "about", "What the last refresh found.");
	cJSON_AddItemReferenceToObject(document, "models", refresh->found);
	char *text = cJSON_Print(document);
	int r = text && !refresh->report.error ? 0 : -ENOMEM;

	if (r == 0)
		r = file_write(worker->options.refreshed_path, text, strlen(text));
	if (r == 0)
		r = file_write(
			worker->options.report_path, refresh->report.data, refresh->report.len);
	cJSON_free(text);
	cJSON_Delete(document);
	return r;
}

static void end(struct worker *worker)
{
	struct refresh *refresh = &worker->refresh;
	char why[160];

	keep_former(worker);
	buf_addf(&refresh->report,
		"%d models listed: %d of them taken over, %d known and left as they are, %d left "
		"out.\n",
		refresh->listed, refresh->taken, refresh->known, refresh->left_out);
	int r = write_found(worker);
	if (r < 0) {
		snprintf(why, sizeof(why), "what was found cannot be written: %s", strerror(-r));
		give_up(worker, why);
		return;
	}
	worker_log(worker, 0,
		"refresh: %d models listed, %d taken over, %d known, %d left out; see "
		".kiefs/catalog-report",
		refresh->listed, refresh->taken, refresh->known, refresh->left_out);
	finish(worker);
	worker->options.refreshed(worker->options.context);
}

static void ask_next(struct worker *worker, cJSON *at)
{
	struct refresh *refresh = &worker->refresh;

	refresh->tries = 0;
	refresh->at = at;
	refresh->state = REFRESH_SCHEMA;
	refresh->due = worker->mono + PACE_MS;
	if (!at)
		end(worker);
}

/* ---- answers ---- */

static bool is_to_be_asked(const struct refresh *refresh, const char *id)
{
	const struct model *known = catalogue_find(refresh->catalogue, id);

	return !known || known->open ||
	       cJSON_GetObjectItemCaseSensitive(models_of(refresh->former), id);
}

static void add_text(cJSON *object, const char *name, const cJSON *item, const cJSON *paths)
{
	char *text = paths ? json_first_string(item, paths) : NULL;

	if (text)
		cJSON_AddStringToObject(object, name, text);
	free(text);
}

static int take_listed(const cJSON *item, void *context)
{
	struct refresh *refresh = context;
	char *id = json_first_string(item, refresh->listing.id);

	if (!id || refresh->listed >= MODELS_MAX) {
		free(id);
		return 0;
	}
	refresh->listed++;
	if (model_id_check(id, NULL) < 0) {
		refresh->left_out++;
		buf_addf(&refresh->report,
			"%.100s: left out: no model's directory can have this name\n", id);
	} else if (!is_to_be_asked(refresh, id)) {
		refresh->known++;
	} else {
		cJSON *told = cJSON_CreateObject();
		cJSON_AddStringToObject(told, "id", id);
		add_text(told, "title", item, refresh->listing.title);
		add_text(told, "provider", item, refresh->listing.provider);
		add_text(told, "kind", item, refresh->listing.kind);
		add_text(told, "price", item, refresh->listing.price);
		cJSON_AddItemToArray(refresh->told, told);
	}
	free(id);
	return 0;
}

static void take_list(struct worker *worker, const cJSON *root)
{
	struct refresh *refresh = &worker->refresh;

	for (const cJSON *i = refresh->listing.models->child; i && refresh->listed == 0;
		i = i->next)
		json_path_each(root, i->valuestring, take_listed, refresh);
	if (refresh->listed == 0) {
		give_up(worker, "the answer lists no models");
		return;
	}
	worker_log(worker, 0, "refresh: %d models listed, %d to be asked after", refresh->listed,
		cJSON_GetArraySize(refresh->told));
	ask_next(worker, refresh->told->child);
}

static int keep_document(const cJSON *item, void *context)
{
	cJSON **out = context;

	if (!*out && cJSON_IsObject(item))
		*out = cJSON_Duplicate(item, true);
	return 0;
}

static const char *told_text(const cJSON *told, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(told, name));
}

/* `root` NULL: the schema could not be had. */
static void take_schema(struct worker *worker, const cJSON *root)
{
	struct refresh *refresh = &worker->refresh;
	const struct import_said said = {
		.id = told_text(refresh->at, "id"),
		.title = told_text(refresh->at, "title"),
		.provider = told_text(refresh->at, "provider"),
		.kind = told_text(refresh->at, "kind"),
		.price = told_text(refresh->at, "price"),
	};
	const cJSON *former = cJSON_GetObjectItemCaseSensitive(models_of(refresh->former), said.id);
	char how[IMPORT_HOW_SIZE] = "out of memory";
	cJSON *document = NULL, *model = NULL;

	for (const cJSON *i = refresh->listing.document->child; root && i; i = i->next)
		json_path_each(root, i->valuestring, keep_document, &document);
	if (!root && former) {
		model = cJSON_Duplicate(former, true);
		snprintf(how, sizeof(how), "not answered for; as it was");
	} else if (import_model(refresh->catalogue, &said, document, &model, how) < 0) {
		model = NULL;
	}
	if (model && cJSON_AddItemToObject(refresh->found, said.id, model)) {
		refresh->taken++;
		buf_addf(&refresh->report, "%s: taken over, %s\n", said.id, how);
	} else {
		refresh->left_out++;
		buf_addf(&refresh->report, "%s: left out: %s\n", said.id, how);
	}
	cJSON_Delete(document);
	ask_next(worker, refresh->at->next);
}

/* False: it has been tried often enough. */
static bool try_again(struct worker *worker, const struct http_answer *answer)
{
	struct refresh *refresh = &worker->refresh;
	int64_t wait =
		backoff_delay(refresh->tries, RETRY_FIRST_MS, RETRY_CAP_MS, worker_random(worker));

	if (++refresh->tries >= TRIES_MAX)
		return false;
	if (answer->retry_after_ms > wait)
		wait = answer->retry_after_ms;
	refresh->due = worker->mono + wait;
	return true;
}

void refresh_done(struct worker *worker, struct job *job, const struct http_answer *answer)
{
	struct refresh *refresh = &worker->refresh;
	struct envelope envelope = {0};
	char why[400];

	if (envelope_read(refresh->listing.service, answer, &envelope) < 0) {
		give_up(worker, "out of memory");
		return;
	}
	bool said_no = envelope.class == CLASS_CLIENT || envelope.class == CLASS_AUTH;
	if (envelope.class == CLASS_OK && refresh->state == REFRESH_LIST) {
		take_list(worker, envelope.root);
	} else if (envelope.class == CLASS_OK) {
		take_schema(worker, envelope.root);
	} else if (said_no && refresh->state == REFRESH_SCHEMA) {
		take_schema(worker, NULL);
	} else if (said_no || !try_again(worker, answer)) {
		snprintf(why, sizeof(why), "%.300s",
			envelope.message ? envelope.message : "no usable answer");
		if (refresh->state == REFRESH_SCHEMA)
			take_schema(worker, NULL);
		else
			give_up(worker, why);
	}
	envelope_finish(&envelope);
}

void worker_refresh(struct worker *worker)
{
	atomic_store(&worker->refresh_wanted, true);
	http_wakeup(worker->http);
}
