/*
 * Loading: each file is parsed and checked whole, in order; a later service or model of the same
 * name takes the earlier one's place; names of services are looked up when all files are read.
 * The parsed texts stay, and everything points into them.
 */
#include "kiefs/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "field.h"
#include "form.h"
#include "kiefs/error.h"
#include "kiefs/json.h"
#include "model.h"
#include "service.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FILE_MAX ((off_t)16 << 20)
#define FORM_VERSION 1

#define BUILTIN(name) extern const char builtin_##name[], builtin_##name##_end[]
BUILTIN(market);
BUILTIN(dedicated);
BUILTIN(chat);

struct entry {
	struct model model;
	const char *service;
	const char *file;
};

struct catalogue {
	cJSON **documents;
	char **files;
	size_t document_count;
	const cJSON **lists;
	size_t list_count;
	cJSON **overlays; /* entries of services that are like others */
	size_t overlay_count;
	struct service **services;
	size_t service_count;
	struct entry *entries;
	size_t entry_count;
};

struct raw_document {
	const char *about;
	const cJSON *form, *values, *services, *models;
};

static const struct form_key document_keys[] = {
	{"form", FORM_NUMBER, offsetof(struct raw_document, form), true},
	{"about", FORM_TEXT, offsetof(struct raw_document, about), false},
	{"values", FORM_OBJECT, offsetof(struct raw_document, values), false},
	{"services", FORM_OBJECT, offsetof(struct raw_document, services), false},
	{"models", FORM_OBJECT, offsetof(struct raw_document, models), false},
};

static int out_of_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "Out of memory.");
}

static int read_whole(const char *path, char **bytes, size_t *len, struct error *err)
{
	struct stat st;
	char *data = NULL;
	size_t done = 0;
	int r = 0;

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		error_set(err, r, "%s: cannot be read: %s.", path, strerror(-r));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		r = error_set(err, -EINVAL, "%s: not a regular file of at most 16 MiB.", path);
		goto out;
	}
	data = malloc((size_t)st.st_size + 1);
	if (!data) {
		r = out_of_memory(err);
		goto out;
	}
	while (done < (size_t)st.st_size) {
		ssize_t n = read(fd, data + done, (size_t)st.st_size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = -errno;
			error_set(err, r, "%s: cannot be read: %s.", path, strerror(-r));
			goto out;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	data[done] = '\0';
	*bytes = data;
	*len = done;
	data = NULL;
out:
	if (fd >= 0)
		close(fd);
	free(data);
	return r;
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

static struct service *find_service(const struct catalogue *catalogue, const char *name)
{
	for (size_t i = 0; i < catalogue->service_count; i++)
		if (strcmp(catalogue->services[i]->name, name) == 0)
			return catalogue->services[i];
	return NULL;
}

/* The entry laid over the one it is like, kept for as long as the catalogue. */
static int make_whole(const struct scope *scope, const cJSON *object, struct catalogue *catalogue,
	const cJSON **out, struct error *err)
{
	const char *like = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "like"));
	const struct service *base = like ? find_service(catalogue, like) : NULL;

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
	cJSON *whole = service_overlay(base->entry, object);
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
	struct service *at = find_service(catalogue, service.name);
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
	*at = service;
	return 0;
}

static struct entry *find_entry(const struct catalogue *catalogue, const char *id)
{
	for (size_t i = 0; i < catalogue->entry_count; i++)
		if (strcmp(catalogue->entries[i].model.id, id) == 0)
			return &catalogue->entries[i];
	return NULL;
}

static int add_model(const struct scope *scope, const cJSON *object, struct catalogue *catalogue,
	struct error *err)
{
	struct scope inner = {scope, "model", object->string};
	struct lists lists = {catalogue->lists, catalogue->list_count};
	struct entry entry = {.file = scope->name};
	int r = model_read(&inner, &lists, object, &entry.model, &entry.service, err);

	if (r < 0)
		return r;
	struct entry *at = find_entry(catalogue, entry.model.id);
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

static int add_document(
	struct catalogue *catalogue, const char *file, const cJSON *document, struct error *err)
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
	for (const cJSON *i = raw.models ? raw.models->child : NULL; i; i = i->next) {
		r = add_model(&scope, i, catalogue, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_text(struct catalogue *catalogue, const char *file, const char *text, size_t len,
	struct error *err)
{
	struct error why = {0};
	cJSON *document;

	int r = grow(&catalogue->documents, catalogue->document_count,
		sizeof(*catalogue->documents), err);
	if (r < 0)
		return r;
	r = grow(&catalogue->files, catalogue->document_count, sizeof(*catalogue->files), err);
	if (r < 0)
		return r;
	r = json_parse(text, len, &document, &why);
	if (r < 0) {
		error_set(err, r, "%s: %s", file, error_text(&why));
		error_finish(&why);
		return r;
	}
	size_t at = catalogue->document_count++;
	catalogue->documents[at] = document;
	catalogue->files[at] = strdup(file);
	if (!catalogue->files[at])
		return out_of_memory(err);
	return add_document(catalogue, catalogue->files[at], document, err);
}

static int add_file(struct catalogue *catalogue, const char *path, struct error *err)
{
	char *bytes = NULL;
	size_t len = 0;
	int r = read_whole(path, &bytes, &len, err);

	if (r < 0)
		return r;
	r = add_text(catalogue, path, bytes, len, err);
	free(bytes);
	return r;
}

static int by_id(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return strcmp(left->model.id, right->model.id);
}

static int settle(struct catalogue *catalogue, struct error *err)
{
	for (size_t i = 0; i < catalogue->entry_count; i++) {
		struct entry *entry = &catalogue->entries[i];
		struct scope file = {NULL, NULL, entry->file};
		struct scope scope = {&file, "model", entry->model.id};

		entry->model.service = find_service(catalogue, entry->service);
		if (!entry->model.service)
			return form_fail(&scope, err,
				"\"service\" is \"%s\", and no file has such a service.",
				entry->service);
	}
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
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(builtin) / sizeof(builtin[0]); i++)
		r = add_text(catalogue, builtin[i].name, builtin[i].text,
			(size_t)(builtin[i].end - builtin[i].text), err);
	return r;
}

int catalogue_load(const char *base_path, const char *const *extra, size_t extra_count,
	struct catalogue **out, struct error *err)
{
	int r;

	struct catalogue *catalogue = calloc(1, sizeof(*catalogue));
	if (!catalogue)
		return out_of_memory(err);
	if (base_path)
		r = add_file(catalogue, base_path, err);
	else
		r = add_builtin(catalogue, err);
	if (r < 0)
		goto out;
	for (size_t i = 0; i < extra_count; i++) {
		r = add_file(catalogue, extra[i], err);
		if (r < 0)
			goto out;
	}
	r = settle(catalogue, err);
	if (r < 0)
		goto out;
	*out = catalogue;
	return 0;
out:
	catalogue_destroy(catalogue);
	return r;
}

void catalogue_destroy(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	for (size_t i = 0; i < catalogue->entry_count; i++)
		model_finish(&catalogue->entries[i].model);
	for (size_t i = 0; i < catalogue->service_count; i++)
		free(catalogue->services[i]);
	for (size_t i = 0; i < catalogue->document_count; i++) {
		cJSON_Delete(catalogue->documents[i]);
		free(catalogue->files[i]);
	}
	for (size_t i = 0; i < catalogue->overlay_count; i++)
		cJSON_Delete(catalogue->overlays[i]);
	free(catalogue->entries);
	free(catalogue->overlays);
	free(catalogue->services);
	free(catalogue->documents);
	free(catalogue->files);
	free(catalogue->lists);
	free(catalogue);
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
