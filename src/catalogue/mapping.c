#include "mapping.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalogue_private.h"
#include "guess.h"
#include "kiefs/buf.h"
#include "kiefs/error.h"

#define REPORT_MAX (4u << 20)
#define NAME_MAX_BYTES 80
#define TITLE_MAX_BYTES 120
#define PATH_MAX_BYTES 120

struct mapping {
	struct catalogue *catalogue;
	const char *file;
	const struct service *service; /* that of the open model */
	const cJSON *endpoints;
	struct buf report;
	int number; /* of the entry, from 1 */
	char *name; /* of the entry, plain */
	size_t imported, known, left_out;
};

static const char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

	return text ? text : "";
}

static const cJSON *list_of(const cJSON *object, const char *key)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsArray(list) || cJSON_IsObject(list) ? list->child : NULL;
}

static void say(struct mapping *mapping, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The entry's line in the report. */
static void say(struct mapping *mapping, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_addf(&mapping->report, "%d %s: %s\n", mapping->number,
		*mapping->name ? mapping->name : "(no name)", text);
}

static void leave_out(struct mapping *mapping, const char *why)
{
	say(mapping, "left out: %s", why);
	mapping->left_out++;
}

/* Of the path, or of the whole address: the path. */
static void path_of(const cJSON *entry, char *out, size_t size)
{
	const char *path = text_of(entry, "endpoint");
	const char *start;

	if (!*path)
		path = text_of(entry, "full_url");
	start = strstr(path, "://");
	if (start)
		path = strchr(start + 3, '/') ? strchr(start + 3, '/') : "/";
	snprintf(out, size, "%.*s", (int)strcspn(path, "?# <"), path);
}

static const struct service *service_at(const struct mapping *mapping, const char *path)
{
	const struct catalogue *catalogue = mapping->catalogue;

	if (strcmp(mapping->service->submit_path, path) == 0)
		return mapping->service;
	for (size_t i = 0; i < catalogue->service_count; i++)
		if (strcmp(catalogue->services[i]->service.submit_path, path) == 0)
			return &catalogue->services[i]->service;
	return NULL;
}

static int count_path(const struct mapping *mapping, const char *path)
{
	char other[PATH_MAX_BYTES];
	int count = 0;

	for (const cJSON *i = mapping->endpoints->child; i; i = i->next) {
		path_of(i, other, sizeof(other));
		count += strcmp(other, path) == 0;
	}
	return count;
}

/* Why the entry cannot be one that takes requests; false: it can. */
static bool is_no_request(const struct mapping *mapping, const cJSON *entry, char *why, size_t size)
{
	const char *method = text_of(entry, "method");
	char path[PATH_MAX_BYTES];

	path_of(entry, path, sizeof(path));
	if (!cJSON_IsObject(entry))
		snprintf(why, size, "it is not an object");
	else if (strcasestr(mapping->name, "callback") || strcasestr(path, "callback"))
		snprintf(why, size, "a page about callbacks takes no requests");
	else if (*method && strcasecmp(method, mapping->service->submit_method) != 0)
		snprintf(why, size, "%.20s %.80s asks for something; it takes no requests", method,
			path);
	else if (!*path)
		snprintf(why, size, "it has no path");
	else if (!service_at(mapping, path) && count_path(mapping, path) > 1)
		snprintf(why, size,
			"no service has the path %.80s, which stands in %d entries; it is wrong",
			path, count_path(mapping, path));
	else if (!service_at(mapping, path))
		snprintf(why, size, "no service has the path %.80s", path);
	else if (service_at(mapping, path) != mapping->service)
		snprintf(why, size, "%.80s is known, with fields of its own", path);
	else
		return false;
	return true;
}

/* ---- fields ---- */

static bool is_wrapper(const struct mapping *mapping, const char *name)
{
	return strcasecmp(name, "webhook_url") == 0 || strcasecmp(name, "webhookUrl") == 0 ||
	       cJSON_GetObjectItem(mapping->service->body, name);
}

/* Names of nested fields are written now alone, now after the object that they are in. */
static const char *inner_name(const char *name)
{
	return strncmp(name, "input.", 6) == 0 ? name + 6 : name;
}

static bool is_field_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       len;
}

static int add_field(struct mapping *mapping, cJSON *fields, const char *raw_name,
	const cJSON *parameter, bool required)
{
	const char *name = inner_name(raw_name);

	if (is_wrapper(mapping, name) || cJSON_HasObjectItem(fields, name))
		return 0;
	if (!is_field_name(name)) {
		say(mapping, "field \"%.80s\" left out: no field has such a name", raw_name);
		return 0;
	}
	cJSON *field = mapping_field(name, parameter, required);
	if (!field || !cJSON_AddItemToObject(fields, name, field)) {
		cJSON_Delete(field);
		return -ENOMEM;
	}
	return 0;
}

static int add_fields(struct mapping *mapping, cJSON *fields, const cJSON *entry, const char *which)
{
	const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(entry, "parameters");
	bool required = strcmp(which, "required") == 0;
	int r = 0;

	for (const cJSON *i = list_of(parameters, which); i && r == 0; i = i->next)
		if (i->string)
			r = add_field(mapping, fields, i->string, i, required);
	return r;
}

/* What the example of the input holds are fields too; nothing says which of them are required. */
static int add_inner(struct mapping *mapping, cJSON *fields, const cJSON *entry, const char *which)
{
	const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(entry, "parameters");
	const cJSON *input = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(parameters, which), "input");
	int r = 0;

	for (const cJSON *i = list_of(input, "example"); i && i->string && r == 0; i = i->next) {
		cJSON *parameter = cJSON_CreateObject();
		cJSON_AddItemReferenceToObject(parameter, "example", (cJSON *)i);
		r = add_field(mapping, fields, i->string, parameter, false);
		cJSON_Delete(parameter);
	}
	return r;
}

/* ---- models ---- */

static int add_price(cJSON *members, const cJSON *entry)
{
	const cJSON *pricing = cJSON_GetObjectItemCaseSensitive(entry, "pricing");
	const cJSON *credits = cJSON_GetObjectItemCaseSensitive(pricing, "credits");
	double value = cJSON_IsNumber(credits) ? credits->valuedouble
					       : strtod(text_of(pricing, "credits"), NULL);

	if (!(value > 0) || value > 1e6)
		return 0;
	cJSON *price = cJSON_AddObjectToObject(members, "price");
	cJSON_AddStringToObject(price, "unit", "request");
	cJSON_AddStringToObject(price, "note", "As a mapping file says, whatever is asked for.");
	cJSON *row = cJSON_CreateObject();
	cJSON_AddNumberToObject(row, "credits", value);
	return cJSON_AddItemToArray(cJSON_AddArrayToObject(price, "table"), row) ? 0 : -ENOMEM;
}

/* What the entry says, to lay over the open model. NULL: out of memory. */
static cJSON *make_members(struct mapping *mapping, const cJSON *entry)
{
	cJSON *members = cJSON_CreateObject();
	const char *category = guess_category(text_of(entry, "category"));
	const char *output = guess_output(category);
	char *title = guess_plain(text_of(entry, "name"), TITLE_MAX_BYTES);
	cJSON *fields = cJSON_AddObjectToObject(members, "fields");
	int r = fields && title ? add_fields(mapping, fields, entry, "required") : -ENOMEM;

	if (r == 0)
		r = add_fields(mapping, fields, entry, "optional");
	if (r == 0)
		r = add_inner(mapping, fields, entry, "required");
	if (r == 0)
		r = add_inner(mapping, fields, entry, "optional");
	if (r == 0)
		r = add_price(members, entry);
	if (title && *title)
		cJSON_AddStringToObject(members, "title", title);
	cJSON_AddStringToObject(members, "category", category);
	if (output)
		cJSON_AddStringToObject(members, "output", output);
	cJSON_AddStringToObject(members, "note",
		"Imported from a mapping file, whose word is all there is: nothing in a request is "
		"refused.");
	cJSON_AddItemToObject(members, "example", guess_example(fields));
	const char *prompt = guess_prompt(fields);
	if (prompt)
		cJSON_AddStringToObject(
			cJSON_AddObjectToObject(members, "prompt"), prompt, "$prompt");
	else
		cJSON_AddNullToObject(members, "prompt");
	free(title);
	if (r < 0) {
		cJSON_Delete(members);
		return NULL;
	}
	return members;
}

/* Why no model can have this id; false: one can. */
static bool is_no_id(const char *raw, const char *id, char *why, size_t size)
{
	size_t len = strlen(id);

	if (strchr(raw, '<') && !*id)
		snprintf(why, size, "\"%.80s\" is markup", raw);
	else if (model_id_check(id, NULL) < 0)
		snprintf(why, size, "\"%.80s\" cannot be an id", id);
	else if (strstr(id, "--"))
		snprintf(why, size, "\"%.80s\" is the title of a page, not an id", id);
	else if (len > 6 && strcmp(id + len - 6, "/index") == 0)
		snprintf(why, size, "\"%.80s\" is the path of a page, not an id", id);
	else
		return false;
	return true;
}

static int import(struct mapping *mapping, const char *id, const cJSON *entry)
{
	struct catalogue *catalogue = mapping->catalogue;
	struct error err = {0};
	cJSON *members = make_members(mapping, entry);
	int fields = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(members, "fields"));
	cJSON *document = members ? open_model_make(catalogue->open_model, id, members) : NULL;
	int r = document ? catalogue_add(catalogue, mapping->file, document, true, &err) : -ENOMEM;

	cJSON_Delete(members);
	if (r == 0) {
		say(mapping, "imported as %s, %d fields, nothing is checked", id, fields);
		mapping->imported++;
	} else if (r == -EINVAL) {
		leave_out(mapping, error_text(&err));
		r = 0;
	}
	error_finish(&err);
	return r;
}

static int import_id(struct mapping *mapping, const cJSON *item, const cJSON *entry)
{
	const char *raw = cJSON_GetStringValue(item);
	char *id = guess_plain(raw ? raw : "", 250);
	char why[200];
	int r = 0;

	if (!id)
		return -ENOMEM;
	if (!raw) {
		leave_out(mapping, "a model's id is not a text");
	} else if (is_no_id(raw, id, why, sizeof(why))) {
		leave_out(mapping, why);
	} else if (catalogue_has(mapping->catalogue, id)) {
		say(mapping, "%s is known already and stays as it is", id);
		mapping->known++;
	} else {
		r = import(mapping, id, entry);
	}
	free(id);
	return r;
}

static int read_entry(struct mapping *mapping, const cJSON *entry)
{
	const cJSON *id = list_of(entry, "modelIds");
	char why[300];
	int r = 0;

	mapping->name = guess_plain(text_of(entry, "name"), NAME_MAX_BYTES);
	if (!mapping->name)
		return -ENOMEM;
	if (is_no_request(mapping, entry, why, sizeof(why)))
		leave_out(mapping, why);
	else if (!id)
		leave_out(mapping, "it names no model");
	else
		for (; id && r == 0; id = id->next)
			r = import_id(mapping, id, entry);
	free(mapping->name);
	return r;
}

static const struct service *service_of_open_model(const struct catalogue *catalogue)
{
	const char *name = text_of(catalogue->open_model, "service");

	for (size_t i = 0; i < catalogue->service_count; i++)
		if (strcmp(catalogue->services[i]->service.name, name) == 0)
			return &catalogue->services[i]->service;
	return NULL;
}

int mapping_add(
	struct catalogue *catalogue, const char *file, const cJSON *document, struct error *err)
{
	struct mapping mapping = {
		.catalogue = catalogue,
		.file = file,
		.service = service_of_open_model(catalogue),
		.endpoints = cJSON_GetObjectItemCaseSensitive(document, "endpoints"),
	};
	char *text;
	int r = 0;

	if (!cJSON_IsArray(mapping.endpoints))
		return error_set(err, -EINVAL,
			"%s: not a mapping file: it has no list \"endpoints\" at its top.", file);
	if (!mapping.service)
		return error_set(err, -EINVAL,
			"%s: models of a mapping file are made from the catalogue's "
			"\"open_model\", and it has none.",
			file);
	buf_init(&mapping.report, REPORT_MAX);
	for (const cJSON *i = mapping.endpoints->child; i && r == 0; i = i->next) {
		mapping.number++;
		r = read_entry(&mapping, i);
	}
	buf_addf(&mapping.report,
		"%d entries: %zu models imported, %zu known already, %zu left out.\n",
		mapping.number, mapping.imported, mapping.known, mapping.left_out);
	text = buf_take(&mapping.report);
	if (r == 0 && !text)
		r = -ENOMEM;
	if (r < 0) {
		free(text);
		return error_set(err, r, "Out of memory.");
	}
	free(catalogue->mapping_report);
	catalogue->mapping_report = text;
	return 0;
}
