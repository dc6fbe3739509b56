#include "uploads.h"

#include "results.h"
#include "sim.h"

#include "kiefs/clock.h"
#include "kiefs/content.h"
#include "kiefs/upload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "upload_body.h"

struct stored {
	char *path; /* behind UPLOAD_ADDRESS, plain */
	char mime[64];
	struct product *file;
	int64_t expires_ms;
	struct stored *next;
};

void uploads_init(struct uploads *uploads)
{
	*uploads = (struct uploads){0};
	pthread_mutex_init(&uploads->lock, NULL);
}

/* Takes it off the list; the caller frees what it gets outside of the lock. */
static struct stored *take(struct uploads *uploads, struct stored **at)
{
	struct stored *stored = *at;

	*at = stored->next;
	uploads->count--;
	uploads->bytes -= product_size(stored->file);
	return stored;
}

static void drop(struct sim *sim, struct stored *stored)
{
	products_put(&sim->products, stored->file);
	free(stored->path);
	free(stored);
}

void uploads_clear(struct sim *sim)
{
	struct uploads *uploads = &sim->uploads;

	pthread_mutex_lock(&uploads->lock);
	while (uploads->first)
		drop(sim, take(uploads, &uploads->first));
	pthread_mutex_unlock(&uploads->lock);
}

void uploads_finish(struct sim *sim)
{
	uploads_clear(sim);
	pthread_mutex_destroy(&sim->uploads.lock);
}

/* Under the lock. */
static struct stored **find(struct uploads *uploads, const char *path)
{
	struct stored **at = &uploads->first;

	while (*at && strcmp((*at)->path, path) != 0)
		at = &(*at)->next;
	return at;
}

/* The same name overwrites; the oldest make room. */
static void add(struct sim *sim, struct stored *stored)
{
	struct uploads *uploads = &sim->uploads;

	pthread_mutex_lock(&uploads->lock);
	struct stored **old = find(uploads, stored->path);
	if (*old)
		drop(sim, take(uploads, old));
	stored->next = uploads->first;
	uploads->first = stored;
	uploads->count++;
	uploads->bytes += product_size(stored->file);
	while (uploads->count > UPLOADS_FILES ||
		(uploads->bytes > UPLOADS_BYTES && uploads->count > 1)) {
		struct stored **last = &uploads->first;
		while ((*last)->next)
			last = &(*last)->next;
		drop(sim, take(uploads, last));
	}
	pthread_mutex_unlock(&uploads->lock);
}

/* The file at this path with a reference; NULL: none, or no more. */
static struct product *get(struct sim *sim, const char *path, char mime[64])
{
	struct uploads *uploads = &sim->uploads;
	struct product *file = NULL;

	pthread_mutex_lock(&uploads->lock);
	struct stored *stored = *find(uploads, path);
	if (stored && stored->expires_ms > sim_clock_now_ms(&sim->clock)) {
		file = stored->file;
		products_ref(&sim->products, file);
		memcpy(mime, stored->mime, sizeof(stored->mime));
	}
	pthread_mutex_unlock(&uploads->lock);
	return file;
}

/* ---- answers ---- */

static int refuse(struct reply *reply, int code, const char *message)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddFalseToObject(json, "success");
	cJSON_AddNumberToObject(json, "code", code);
	cJSON_AddStringToObject(json, "msg", message);
	reply->code = code;
	return reply_json(reply, code == 429 ? 429 : 200, json);
}

static int refuse_missing(struct reply *reply, const char *name)
{
	char text[160];

	snprintf(text, sizeof(text), "Missing required parameter: %.100s", name);
	return refuse(reply, 400, text);
}

static char *address_of(const struct sim *sim, const struct request *request, const char *path)
{
	char *base = results_base(sim, request);
	struct buf url;

	if (!base)
		return NULL;
	buf_init(&url, 16384);
	buf_addf(&url, "%s" UPLOAD_ADDRESS, base);
	free(base);
	for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || strchr("-._~/", *c);
		buf_addf(&url, plain ? "%c" : "%%%02X", *c);
	}
	char *text = url.error ? NULL : buf_take(&url);
	buf_finish(&url);
	return text;
}

static int answer(struct sim *sim, const struct request *request, const struct stored *stored,
	const char *name, struct reply *reply)
{
	char *url = address_of(sim, request, stored->path);
	char now[24], end[24];
	cJSON *json = cJSON_CreateObject();
	cJSON *data = cJSON_AddObjectToObject(json, "data");

	clock_format(sim_clock_now_ms(&sim->clock), now, sizeof(now));
	clock_format(stored->expires_ms, end, sizeof(end));
	cJSON_AddTrueToObject(json, "success");
	cJSON_AddNumberToObject(json, "code", 200);
	cJSON_AddStringToObject(json, "msg", "File uploaded successfully");
	cJSON_AddStringToObject(data, "fileName", name);
	if (sim->options.upload_short) {
		cJSON_AddStringToObject(data, "fileUrl", url ? url : "");
		cJSON_AddStringToObject(data, "uploadTime", now);
		cJSON_AddStringToObject(data, "expiresAt", end);
	} else {
		cJSON_AddStringToObject(data, "filePath", stored->path);
		cJSON_AddStringToObject(data, "downloadUrl", url ? url : "");
		cJSON_AddStringToObject(data, "uploadedAt", now);
	}
	cJSON_AddNumberToObject(data, "fileSize", (double)product_size(stored->file));
	cJSON_AddStringToObject(data, "mimeType", stored->mime);
	reply->code = 200;
	if (!url) {
		cJSON_Delete(json);
		return -ENOMEM;
	}
	free(url);
	return reply_json(reply, 200, json);
}

/* Neither a leading nor a trailing slash, and nothing that leads out of the account's folder. */
static bool is_folder(const char *path)
{
	return *path && path[0] != '/' && path[strlen(path) - 1] != '/' && !strstr(path, "..") &&
	       strlen(path) < 1000;
}

static int keep(struct sim *sim, const struct request *request, struct body_file *file,
	const char *folder, const char *name, struct reply *reply)
{
	struct stored *stored = calloc(1, sizeof(*stored));
	char head[CONTENT_HEAD];
	struct content content;
	char random[40];
	int r = -ENOMEM;

	if (!stored)
		return r;
	body_file_end(file, reply->upload_sha);
	reply->upload_bytes = file->size;
	ssize_t n = pread(file->fd, head, sizeof(head), 0);
	content_identify(head, n > 0 ? (size_t)n : 0, NULL, NULL, &content);
	if (!*name) {
		snprintf(random, sizeof(random), "%.16s%" PRIx64 ".%s", reply->upload_sha,
			(uint64_t)sim_clock_now_ms(&sim->clock), content.extension);
		name = random;
	}
	snprintf(stored->mime, sizeof(stored->mime), "%s", content.mime);
	stored->expires_ms = sim_clock_now_ms(&sim->clock) + UPLOAD_LIFE_MS;
	stored->file = product_of_file(file->fd, file->size, reply->upload_sha);
	if (asprintf(&stored->path, UPLOAD_PREFIX "%s/%s", folder, name) < 0)
		stored->path = NULL;
	if (!stored->file || !stored->path) {
		free(stored->path);
		if (stored->file)
			products_put(&sim->products, stored->file);
		free(stored);
		return r;
	}
	file->fd = -1; /* the product's now */
	r = answer(sim, request, stored, name, reply);
	add(sim, stored);
	return r;
}

/* What a fault has answered, in the shape of these services. */
static int dress(struct reply *reply)
{
	cJSON *json =
		cJSON_ParseWithLength(reply->body.data ? reply->body.data : "", reply->body.len);

	if (!json)
		return 0;
	cJSON_AddFalseToObject(json, "success");
	cJSON_DeleteItemFromObjectCaseSensitive(json, "data");
	return reply_json(reply, reply->status, json);
}

/* True when the request was answered: by a fault, for want of a key or of the folder. */
static bool refused(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply, int *r)
{
	*r = 0;
	if (!request->key || account_is_bad(&sim->account, request->key)) {
		*r = refuse(reply, 401, "Authentication failed: Invalid API Key");
		return true;
	}
	reply->fault_count = fault_rules_meet(&sim->faults, route->stage, request->path, NULL, NULL,
		reply->faults, reply->fault_count);
	if (!reply_refused(reply))
		return false;
	*r = dress(reply);
	return true;
}

static int check_folder(
	const struct upload_service *service, const char *folder, bool *good, struct reply *reply)
{
	*good = false;
	if (!folder)
		return refuse_missing(reply, body_word_name(service, "$folder"));
	if (!is_folder(folder))
		return refuse(reply, 400, "Invalid uploadPath");
	*good = true;
	return 0;
}

int uploads_stream(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	const struct upload_service *service = route->upload;
	struct intake *intake = request->intake;
	struct body_file *file;
	const char *folder, *name;
	bool good;
	int r;

	if (refused(sim, route, request, reply, &r))
		return r;
	if (!intake)
		return refuse(reply, 400, "Content-Type must be multipart/form-data");
	file = intake_read(intake, &folder, &name);
	if (file->error == -EFBIG)
		return refuse(reply, 413, "File size exceeds the limit");
	if (file->error)
		return file->error;
	if (file->fd < 0)
		return refuse_missing(reply, body_word_name(service, "$file"));
	r = check_folder(service, folder, &good, reply);
	return good ? keep(sim, request, file, folder, name, reply) : r;
}

static const char *member(const cJSON *body, const struct upload_service *service, const char *word)
{
	const char *name = body_word_name(service, word);

	return name ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, name)) : NULL;
}

/* The two that come as JSON: `fill` puts the bytes into the file. */
static int take_json(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply, const char *word,
	int (*fill)(struct sim *sim, const struct request *request, const char *text,
		struct body_file *file, const char **why))
{
	const struct upload_service *service = route->upload;
	struct body_file file = BODY_FILE_NONE;
	const char *why = NULL, *name, *text;
	cJSON *body = NULL;
	bool good;
	int r;

	if (refused(sim, route, request, reply, &r))
		return r;
	body = cJSON_ParseWithLength(request->body, request->body_len);
	if (!cJSON_IsObject(body)) {
		r = refuse(reply, 400, "The request body is not JSON");
		goto out;
	}
	text = member(body, service, word);
	if (!text || !*text) {
		r = refuse_missing(reply, body_word_name(service, word));
		goto out;
	}
	r = check_folder(service, member(body, service, "$folder"), &good, reply);
	if (!good)
		goto out;
	r = body_file_begin(&file, sim->options.upload_max);
	if (r == 0)
		r = fill(sim, request, text, &file, &why);
	if (r == -EFBIG)
		r = refuse(reply, 413, "File size exceeds the limit");
	else if (why)
		r = refuse(reply, 400, why);
	if (r < 0 || reply->code)
		goto out;
	name = member(body, service, "$name");
	r = keep(sim, request, &file, member(body, service, "$folder"), name ? name : "", reply);
out:
	body_file_finish(&file);
	cJSON_Delete(body);
	return r;
}

static int fill_base64(struct sim *sim, const struct request *request, const char *text,
	struct body_file *file, const char **why)
{
	int r = body_file_decode(file, text);

	if (r == -EINVAL)
		*why = "Base64 decoding failed: Invalid Base64 format";
	return r == -EINVAL ? 0 : r;
}

int uploads_base64(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	return take_json(sim, route, request, reply, "$base64", fill_base64);
}

/* What follows UPLOAD_ADDRESS in an address of ours, unescaped, heap; NULL: it is none of ours. */
static char *own_path(const struct request *request, const char *url)
{
	const char *host = request_header(request, "Host");
	const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 : "";
	size_t len = host ? strlen(host) : 0;

	if (!len || strncmp(rest, host, len) != 0 ||
		strncmp(rest + len, UPLOAD_ADDRESS, strlen(UPLOAD_ADDRESS)) != 0)
		return NULL;
	return body_unescape(rest + len + strlen(UPLOAD_ADDRESS));
}

/* What is ours is there already; anything else was fetched before. */
static int fill_fetched(struct sim *sim, const struct request *request, const char *text,
	struct body_file *file, const char **why)
{
	char *path = own_path(request, text), mime[64];
	struct product *own = path ? get(sim, path, mime) : NULL;
	char block[16384];
	int r = 0;

	free(path);
	if (!own && !*request->fetch)
		r = -EIO;
	for (uint64_t at = 0; own && r == 0 && at < product_size(own);) {
		size_t n = product_read(own, at, block, sizeof(block));
		r = n ? body_file_add(file, block, n) : -EIO;
		at += n;
	}
	products_put(&sim->products, own);
	if (!own && *request->fetch) {
		struct body_file *fetched = fetch_file(*request->fetch, &r);
		struct body_file empty = *file;
		*file = *fetched;
		*fetched = empty;
	}
	if (r == -EINVAL || r == -EIO)
		*why = "Failed to download the file from the URL";
	return r == -EINVAL || r == -EIO ? 0 : r;
}

/* -EAGAIN: the connection is suspended until the file has come. */
static int fetch_first(struct sim *sim, const struct route *route, const struct request *request)
{
	cJSON *body = cJSON_ParseWithLength(request->body, request->body_len);
	const char *url = member(body, route->upload, "$url");
	char *path = url ? own_path(request, url) : NULL;

	if (url && *url && !path && request->key && !account_is_bad(&sim->account, request->key))
		*request->fetch = fetch_start(
			&sim->fetches, request->connection, url, sim->options.upload_max);
	free(path);
	cJSON_Delete(body);
	return *request->fetch ? -EAGAIN : 0;
}

int uploads_url(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	int r = *request->fetch ? 0 : fetch_first(sim, route, request);

	return r < 0 ? r : take_json(sim, route, request, reply, "$url", fill_fetched);
}

int uploads_serve(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	static const char gone[] = "{\"code\":404,\"msg\":\"File not found\"}";
	struct product *file = get(sim, request->path + strlen(route->path), reply->mime);

	reply->fault_count = fault_rules_meet(&sim->faults, route->stage, request->path, NULL, NULL,
		reply->faults, reply->fault_count);
	if (!file) {
		reply->code = 404;
		return reply_json(reply, 404, cJSON_Parse(gone));
	}
	reply->file = file;
	reply->code = reply->status = 200;
	reply->type = reply->mime;
	return 0;
}

int uploads_tell(struct sim *sim, const struct request *request, const char *url, struct buf *out)
{
	char *path = own_path(request, url), mime[64] = "";
	struct product *file = path ? get(sim, path, mime) : NULL;
	bool ours = path != NULL;
	int r;

	free(path);
	if (!file)
		return buf_adds(out, ours ? "no file is there" : "elsewhere");
	r = buf_addf(out, "%s, %llu bytes, %s", mime, (unsigned long long)product_size(file),
		product_etag(file));
	products_put(&sim->products, file);
	return r;
}

bool uploads_are_there(struct sim *sim, const struct request *request, const cJSON *input)
{
	const cJSON *item;
	char mime[64];

	if (cJSON_IsString(input)) {
		char *path = own_path(request, input->valuestring);
		struct product *file = path ? get(sim, path, mime) : NULL;
		bool there = !path || file;
		products_put(&sim->products, file);
		free(path);
		return there;
	}
	cJSON_ArrayForEach(item, input)
	{
		if (!uploads_are_there(sim, request, item))
			return false;
	}
	return true;
}
