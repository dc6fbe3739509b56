/*
 * Loading: each file is parsed and checked whole, in order; a later service or model of the same
 * name takes the earlier one's place (or, of a weak source, is passed over); names of services are
 * looked up when all files are read. The parsed texts stay, and everything points into them.
 */
#include "catalogue_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "field.h"
#include "form.h"
#include "kiefs/buf.h"
#include "kiefs/error.h"
#include "kiefs/file.h"
#include "kiefs/json.h"
#include "kiefs/upload.h"
#include "listing.h"
#include "mapping.h"
#include "model.h"
#include "result_entry.h"
#include "service.h"
#include "upload.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FILE_MAX ((off_t)16 << 20)
#define FORM_VERSION 1

#define BUILTIN(name) extern const char builtin_##name[], builtin_##name##_end[]
BUILTIN(market);
BUILTIN(dedicated);
BUILTIN(chat);
BUILTIN(uploads);

struct raw_document {
	const char *about;
	const cJSON *form, *values, *services, *uploads, *models, *open_model, *open, *listing;
	const cJSON *account, *callback;
};

static const struct form_key document_keys[] = {
	{"form", FORM_NUMBER, offsetof(struct raw_document, form), true},
	{"about", FORM_TEXT, offsetof(struct raw_document, about), false},
	{"values", FORM_OBJECT, offsetof(struct raw_document, values), false},
	{"services", FORM_OBJECT, offsetof(struct raw_document, services), false},
	{"uploads", FORM_OBJECT, offsetof(struct raw_document, uploads), false},
	{"models", FORM_OBJECT, offsetof(struct raw_document, models), false},
	{"account", FORM_OBJECT, offsetof(struct raw_document, account), false},
	{"callback", FORM_TEXTS, offsetof(struct raw_document, callback), false},
	{"open_model", FORM_OBJECT, offsetof(struct raw_document, open_model), false},
	{"open", FORM_LIST, offsetof(struct raw_document, open), false},
	{"listing", FORM_OBJECT, offsetof(struct raw_document, listing), false},
};

static int out_of_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "Out of memory.");
}

static int read_whole(const char *path, struct buf *out, struct error *err)
{
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : 0;

	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX))
		return error_set(err, -EINVAL, "%s: not a regular file of at most 16 MiB.", path);
	if (r == 0)
		r = file_read(path, out);
	if (r == -ENOMEM)
		return out_of_memory(err);
	return r < 0 ? error_set(err, r, "%s: cannot be read: %s.", path, strerror(-r)) : 0;
}

/* Makes room for one more element of `size` bytes; the new element is zeroed. */
static int grow(void *array, size_t count, size_t size, struct error *err)
{
	void **at = array;
	char *bigger = realloc(*at, (count + 1) * size);

	if (!bigger)
		return out_of_memory(err);
	memset(bigger + count * size, 0, size);
	*at = bigger;
	return 0;
}

static int read_values(const struct scope *scope, const cJSON *values, struct catalogue *catalogue,
	struct error *err)
{
	for (const cJSON *i = values ? values->child : NULL; i; i = i->next)
		if (!cJSON_IsArray(i) || !i->child)
			return form_fail(
				scope, err, "\"values\": \"%s\" must be an array.", i->string);
	if (!values)
		return 0;
	int r = grow(&catalogue->lists, catalogue->list_count, sizeof(*catalogue->lists), err);
	if (r < 0)
		return r;
	catalogue->lists[catalogue->list_count++] = values;
	return 0;
}

static struct service_entry *find_service(const struct catalogue *catalogue, const char *name)
{
	for (size_t i = 0; i < catalogue->service_count; i++)
		if (strcmp(catalogue->services[i]->service.name, name) == 0)
			return catalogue->services[i];
	return NULL;
}

/* The entry laid over the one it is like, kept for as long as the catalogue. */
static int make_whole(const struct scope *scope, const cJSON *object, struct catalogue *catalogue,
	const cJSON **out, struct error *err)
{
	const char *like = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "like"));
	const struct service_entry *base = like ? find_service(catalogue, like) : NULL;

	*out = object;
	if (!like)
		return 0;
	if (!base)
		return form_fail(scope, err,
			"\"like\" is \"%s\", and no such service stands before this one.", like);
	int r = grow(
		&catalogue->overlays, catalogue->overlay_count, sizeof(*catalogue->overlays), err);
	if (r < 0)
		return r;
	cJSON *whole = service_overlay(base->service.entry, object);
	if (!whole)
		return out_of_memory(err);
	catalogue->overlays[catalogue->overlay_count++] = whole;
	*out = whole;
	return 0;
}

static int add_service(const struct scope *scope, const cJSON *object, struct catalogue *catalogue,
	struct error *err)
{
	struct scope inner = {scope, "service", object->string};
	struct service service = {.name = object->string};
	const cJSON *whole;
	int r = make_whole(&inner, object, catalogue, &whole, err);

	if (r == 0)
		r = service_read(&inner, whole, &service, err);
	if (r < 0)
		return r;
	struct service_entry *at = find_service(catalogue, service.name);
	if (!at) {
		r = grow(&catalogue->services, catalogue->service_count,
			sizeof(*catalogue->services), err);
		if (r < 0)
			return r;
		at = calloc(1, sizeof(*at));
		if (!at)
			return out_of_memory(err);
		catalogue->services[catalogue->service_count++] = at;
	}
	*at = (struct service_entry){service, whole};
	return 0;
}

static int add_upload(const struct scope *scope, const cJSON *object, struct catalogue *catalogue,
	struct error *err)
{
	struct scope inner = {scope, "upload", object->string};
	struct upload_service upload = {.name = object->string};
	size_t at = 0;
	int r = upload_service_read(&inner, object, &upload, err);

	if (r < 0)
		return r;
	while (at < catalogue->upload_count &&
		strcmp(catalogue->uploads[at]->name, upload.name) != 0)
		at++;
	if (at == catalogue->upload_count) {
		r = grow(&catalogue->uploads, at, sizeof(*catalogue->uploads), err);
		if (r < 0)
			return r;
		catalogue->uploads[at] = malloc(sizeof(upload));
		if (!catalogue->uploads[at])
			return out_of_memory(err);
		catalogue->upload_count++;
	}
	*catalogue->uploads[at] = upload;
	return 0;
}

static struct entry *find_entry(const struct catalogue *catalogue, const char *id)
{
	for (size_t i = 0; i < catalogue->entry_count; i++)
		if (strcmp(catalogue->entries[i].model.id, id) == 0)
			return &catalogue->entries[i];
	return NULL;
}

static int add_model(const struct scope *scope, const cJSON *object, bool weak,
	struct catalogue *catalogue, struct error *err)
{
	struct scope inner = {scope, "model", object->string};
	struct lists lists = {catalogue->lists, catalogue->list_count};
	struct entry entry = {
		.file = scope->name, .object = object, .list_count = catalogue->list_count};
	struct entry *at = find_entry(catalogue, object->string);

	if (at && weak)
		return 0;
	int r = model_read(&inner, &lists, object, &entry.model, &entry.service, err);
	if (r < 0)
		return r;
	if (!at) {
		r = grow(&catalogue->entries, catalogue->entry_count, sizeof(*at), err);
		if (r < 0) {
			model_finish(&entry.model);
			return r;
		}
		at = &catalogue->entries[catalogue->entry_count++];
	}
	model_finish(&at->model);
	*at = entry;
	return 0;
}

static int add_head(const struct scope *scope, const struct raw_document *raw,
	struct catalogue *catalogue, struct error *err)
{
	int r = 0;

	if (raw->callback) {
		r = paths_check(scope, "callback", raw->callback, err);
		catalogue->callback = raw->callback;
	}
	if (r < 0 || !raw->account)
		return r;
	catalogue->account_file = scope->name;
	return account_read(
		scope, raw->account, &catalogue->account, &catalogue->account_service, err);
}

static int add_open(
	const struct scope *scope, const cJSON *ids, struct catalogue *catalogue, struct error *err)
{
	for (const cJSON *i = ids ? ids->child : NULL; i; i = i->next) {
		if (!cJSON_IsString(i))
			return form_fail(scope, err, "\"open\" must be an array of models' ids.");
		if (catalogue_has(catalogue, i->valuestring))
			continue;
		if (!catalogue->open_model)
			return form_fail(scope, err,
				"\"open\" names \"%s\", and no file has an \"open_model\" to make "
				"it from.",
				i->valuestring);
		cJSON *document = open_model_make(catalogue->open_model, i->valuestring, NULL);
		if (!document)
			return out_of_memory(err);
		int r = catalogue_add(catalogue, scope->name, document, true, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_document(struct catalogue *catalogue, const char *file, const cJSON *document,
	bool weak, struct error *err)
{
	struct scope scope = {NULL, NULL, file};
	struct raw_document raw = {0};
	int r = form_read(&scope, document, document_keys, COUNT(document_keys), &raw, err);

	if (r < 0)
		return r;
	if (raw.form->valuedouble != FORM_VERSION)
		return form_fail(&scope, err, "\"form\" is %g; this program reads form %d.",
			raw.form->valuedouble, FORM_VERSION);
	r = read_values(&scope, raw.values, catalogue, err);
	if (r < 0)
		return r;
	for (const cJSON *i = raw.services ? raw.services->child : NULL; i; i = i->next) {
		r = add_service(&scope, i, catalogue, err);
		if (r < 0)
			return r;
	}
	for (const cJSON *i = raw.uploads ? raw.uploads->child : NULL; i; i = i->next) {
		r = add_upload(&scope, i, catalogue, err);
		if (r < 0)
			return r;
	}
	for (const cJSON *i = raw.models ? raw.models->child : NULL; i; i = i->next) {
		r = add_model(&scope, i, weak, catalogue, err);
		if (r < 0)
			return r;
	}
	if (raw.open_model)
		catalogue->open_model = raw.open_model;
	if (raw.listing)
		r = listing_check(&scope, raw.listing, err);
	if (r == 0 && raw.listing)
		catalogue->listing = raw.listing;
	if (r == 0)
		r = add_head(&scope, &raw, catalogue, err);
	return r < 0 ? r : add_open(&scope, raw.open, catalogue, err);
}

int catalogue_add(struct catalogue *catalogue, const char *file, cJSON *document, bool weak,
	struct error *err)
{
	int r = grow(&catalogue->documents, catalogue->document_count,
		sizeof(*catalogue->documents), err);

	if (r == 0)
		r = grow(&catalogue->files, catalogue->document_count, sizeof(*catalogue->files),
			err);
	if (r < 0) {
		cJSON_Delete(document);
		return r;
	}
	size_t at = catalogue->document_count++;
	catalogue->documents[at] = document;
	catalogue->files[at] = strdup(file);
	if (!catalogue->files[at])
		return out_of_memory(err);
	return read_document(catalogue, catalogue->files[at], document, weak, err);
}

static int parse(const char *file, const char *text, size_t len, cJSON **out, struct error *err)
{
	struct error why = {0};
	int r = json_parse(text, len, out, &why);

	if (r < 0)
		error_set(err, r, "%s: %s", file, error_text(&why));
	error_finish(&why);
	return r;
}

static int add_text(struct catalogue *catalogue, const char *file, const char *text, size_t len,
	struct error *err)
{
	cJSON *document;
	int r = parse(file, text, len, &document, err);

	return r < 0 ? r : catalogue_add(catalogue, file, document, false, err);
}

static int parse_file(const char *path, cJSON **out, struct error *err)
{
	struct buf text;
	int r;

	buf_init(&text, (size_t)FILE_MAX + 1);
	r = read_whole(path, &text, err);
	if (r == 0)
		r = parse(path, text.data ? text.data : "", text.len, out, err);
	buf_finish(&text);
	return r;
}

static int add_file(struct catalogue *catalogue, const char *path, bool weak, struct error *err)
{
	cJSON *document;
	int r = parse_file(path, &document, err);

	return r < 0 ? r : catalogue_add(catalogue, path, document, weak, err);
}

static int by_id(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return strcmp(left->model.id, right->model.id);
}

static int settle_account(struct catalogue *catalogue, struct error *err)
{
	const char *name = catalogue->account_service;
	const struct service_entry *service = name ? find_service(catalogue, name) : NULL;
	struct scope file = {NULL, NULL, catalogue->account_file};

	if (name && !service)
		return form_fail(&file, err,
			"\"account\": \"service\" is \"%s\", and no file has such a service.",
			name);
	catalogue->account.service = service ? &service->service : NULL;
	return 0;
}

static int settle(struct catalogue *catalogue, struct error *err)
{
	for (size_t i = 0; i < catalogue->entry_count; i++) {
		struct entry *entry = &catalogue->entries[i];
		struct scope file = {NULL, NULL, entry->file};
		struct scope scope = {&file, "model", entry->model.id};

		const struct service_entry *service = find_service(catalogue, entry->service);
		if (!service)
			return form_fail(&scope, err,
				"\"service\" is \"%s\", and no file has such a service.",
				entry->service);
		entry->model.service = &service->service;
	}
	int r = settle_account(catalogue, err);
	if (r < 0)
		return r;
	if (catalogue->entry_count)
		qsort(catalogue->entries, catalogue->entry_count, sizeof(*catalogue->entries),
			by_id);
	return 0;
}

static int add_builtin(struct catalogue *catalogue, struct error *err)
{
	static const struct {
		const char *name, *text, *end;
	} builtin[] = {
		{"built-in market.json", builtin_market, builtin_market_end},
		{"built-in dedicated.json", builtin_dedicated, builtin_dedicated_end},
		{"built-in chat.json", builtin_chat, builtin_chat_end},
		{"built-in uploads.json", builtin_uploads, builtin_uploads_end},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(builtin) / sizeof(builtin[0]); i++)
		r = add_text(catalogue, builtin[i].name, builtin[i].text,
			(size_t)(builtin[i].end - builtin[i].text), err);
	return r;
}

static int add_sources(
	struct catalogue *catalogue, const struct catalogue_sources *sources, struct error *err)
{
	cJSON *mapping;
	int r = sources->base ? add_file(catalogue, sources->base, false, err)
			      : add_builtin(catalogue, err);

	for (size_t i = 0; r == 0 && i < sources->extra_count; i++)
		r = add_file(catalogue, sources->extra[i], false, err);
	for (size_t i = 0; r == 0 && i < sources->more_count; i++)
		if (access(sources->more[i], F_OK) == 0)
			r = add_file(catalogue, sources->more[i], true, err);
	if (r < 0 || !sources->mapping)
		return r;
	r = parse_file(sources->mapping, &mapping, err);
	if (r < 0)
		return r;
	r = mapping_add(catalogue, sources->mapping, mapping, err);
	cJSON_Delete(mapping);
	return r;
}

int catalogue_load_sources(
	const struct catalogue_sources *sources, struct catalogue **out, struct error *err)
{
	struct catalogue *catalogue = calloc(1, sizeof(*catalogue));

	if (!catalogue)
		return out_of_memory(err);
	atomic_init(&catalogue->references, 1);
	int r = add_sources(catalogue, sources, err);
	if (r == 0)
		r = settle(catalogue, err);
	if (r < 0) {
		catalogue_destroy(catalogue);
		return r;
	}
	*out = catalogue;
	return 0;
}

int catalogue_load(const char *base_path, const char *const *extra, size_t extra_count,
	struct catalogue **out, struct error *err)
{
	const struct catalogue_sources sources = {
		.base = base_path, .extra = extra, .extra_count = extra_count};

	return catalogue_load_sources(&sources, out, err);
}

static void finish(struct catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue->entry_count; i++)
		model_finish(&catalogue->entries[i].model);
	for (size_t i = 0; i < catalogue->service_count; i++)
		free(catalogue->services[i]);
	for (size_t i = 0; i < catalogue->upload_count; i++)
		free(catalogue->uploads[i]);
	for (size_t i = 0; i < catalogue->document_count; i++) {
		cJSON_Delete(catalogue->documents[i]);
		free(catalogue->files[i]);
	}
	for (size_t i = 0; i < catalogue->overlay_count; i++)
		cJSON_Delete(catalogue->overlays[i]);
	free(catalogue->entries);
	free(catalogue->overlays);
	free(catalogue->services);
	free(catalogue->uploads);
	free(catalogue->documents);
	free(catalogue->files);
	free(catalogue->lists);
	free(catalogue->mapping_report);
	free(catalogue);
}

void catalogue_destroy(const struct catalogue *catalogue)
{
	struct catalogue *own = (struct catalogue *)catalogue;

	if (own && atomic_fetch_sub(&own->references, 1) == 1)
		finish(own);
}

const struct catalogue *catalogue_share(const struct catalogue *catalogue)
{
	atomic_fetch_add(&((struct catalogue *)catalogue)->references, 1);
	return catalogue;
}

const struct model *catalogue_has(const struct catalogue *catalogue, const char *id)
{
	const struct entry *entry = find_entry(catalogue, id);

	return entry ? &entry->model : NULL;
}

const char *catalogue_mapping_report(const struct catalogue *catalogue)
{
	return catalogue->mapping_report ? catalogue->mapping_report : "";
}

size_t catalogue_count(const struct catalogue *catalogue)
{
	return catalogue->entry_count;
}

const struct model *catalogue_at(const struct catalogue *catalogue, size_t index)
{
	return &catalogue->entries[index].model;
}

const struct model *catalogue_find(const struct catalogue *catalogue, const char *id)
{
	struct entry key = {.model = {.id = id}};

	if (!catalogue->entry_count)
		return NULL;
	const struct entry *found = bsearch(&key, catalogue->entries, catalogue->entry_count,
		sizeof(*catalogue->entries), by_id);
	return found ? &found->model : NULL;
}

const struct upload_service *catalogue_upload(
	const struct catalogue *catalogue, enum upload_form form)
{
	for (size_t i = 0; i < catalogue->upload_count; i++)
		if (catalogue->uploads[i]->form == form)
			return catalogue->uploads[i];
	return NULL;
}

size_t catalogue_upload_count(const struct catalogue *catalogue)
{
	return catalogue->upload_count;
}

const struct upload_service *catalogue_upload_at(const struct catalogue *catalogue, size_t index)
{
	return catalogue->uploads[index];
}

const struct account_entry *catalogue_account(const struct catalogue *catalogue)
{
	return catalogue->account.service ? &catalogue->account : NULL;
}

const cJSON *catalogue_callback(const struct catalogue *catalogue)
{
	return catalogue->callback;
}
