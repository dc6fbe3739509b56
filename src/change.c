/*
 * The catalogue's sources, and what is written to .kiefs/control about them.
 *
 * Models that were added by hand are a file in the state directory, of the catalogue's own form; so
 * is what the last refresh found. Both only add: what a later version of the program or a file of
 * the user's knows better takes their place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/error.h"
#include "kiefs/file.h"
#include "kiefs/json.h"
#include "kiefs/mount.h"
#include "kiefs/program.h"
#include "kiefs/store.h"
#include "kiefs/worker.h"

#define ADDED_MAX (1u << 20)

static int out_of_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "Out of memory.");
}

int change_load(struct program *program, const struct catalogue **out, struct error *err)
{
	const struct config *config = &program->config;
	const char *more[] = {program->refreshed_path, program->added_path};
	struct catalogue_sources sources = {
		.base = config->catalog,
		.more = more,
		.more_count = 2,
		.mapping = config->mapping,
	};
	struct catalogue *catalogue;
	char **extra = NULL;
	int r = config_catalogues(config, &extra, &sources.extra_count, err);

	if (r < 0)
		return r;
	sources.extra = (const char *const *)extra;
	r = catalogue_load_sources(&sources, &catalogue, err);
	config_catalogues_free(extra, sources.extra_count);
	if (r == 0)
		*out = catalogue;
	/* A file that is not there is a fault of what was written, not of the control file. */
	return r == -ENOENT ? -EINVAL : r;
}

/* Under change_lock. The mount first: it may refuse. */
static int put_in_force(struct program *program, struct error *err)
{
	const struct catalogue *next = NULL;
	int r = change_load(program, &next, err);

	if (r < 0)
		return r;
	r = mount_set_catalogue(program->mount, next, err);
	if (r < 0) {
		catalogue_destroy(next);
		return err->code ? r : error_set(err, r, "The catalogue stays: %s.", strerror(-r));
	}
	worker_set_catalogue(program->worker, next);
	catalogue_destroy(program->catalogue);
	program->catalogue = next;
	return 0;
}

static int reload(struct program *program, const char *argument, struct error *err)
{
	size_t before = catalogue_count(program->catalogue);
	char line[120];
	/* The key is read again also when the catalogue's files cannot be used. */
	worker_reload(program->worker);
	int r = put_in_force(program, err);

	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "catalogue read again: %zu models, %zu before",
		catalogue_count(program->catalogue), before);
	return store_log(program->store, 0, clock_now_ms(), line);
}

/* ---- models added by hand ---- */

/* The ids that were added, {"form": 1, "open": [...]}. */
static int read_added(const struct program *program, cJSON **out, struct error *err)
{
	struct buf text;
	cJSON *document = NULL;

	buf_init(&text, ADDED_MAX);
	int r = file_read(program->added_path, &text);
	if (r == 0)
		r = json_parse(text.data ? text.data : "", text.len, &document, err);
	else if (r != -ENOENT)
		error_set(err, r, "%s cannot be read: %s.", program->added_path, strerror(-r));
	buf_finish(&text);
	if (r == -ENOENT) {
		document = cJSON_CreateObject();
		if (!cJSON_AddNumberToObject(document, "form", 1) ||
			!cJSON_AddArrayToObject(document, "open")) {
			cJSON_Delete(document);
			return out_of_memory(err);
		}
		r = 0;
	}
	if (r == 0)
		*out = document;
	return r;
}

static int write_added(const struct program *program, const cJSON *document, struct error *err)
{
	char *text = cJSON_Print(document);
	int r = text ? file_write(program->added_path, text, strlen(text)) : -ENOMEM;

	cJSON_free(text);
	if (r < 0)
		error_set(err, r, "%s cannot be written: %s.", program->added_path, strerror(-r));
	return r;
}

/* Writes the changed list and puts it in force, or all stays as it was. */
static int change_added(
	struct program *program, const cJSON *was, const cJSON *is, struct error *err)
{
	struct error ignored = {0};
	int r = write_added(program, is, err);

	if (r < 0)
		return r;
	r = put_in_force(program, err);
	if (r < 0)
		write_added(program, was, &ignored);
	error_finish(&ignored);
	return r;
}

static int place_of(const cJSON *ids, const char *id)
{
	int place = 0;

	for (const cJSON *i = ids ? ids->child : NULL; i; i = i->next, place++)
		if (cJSON_IsString(i) && strcmp(i->valuestring, id) == 0)
			return place;
	return -1;
}

static int add(struct program *program, const char *id, struct error *err)
{
	struct error why = {0};
	cJSON *was = NULL, *is = NULL;
	char line[300];
	int r = model_id_check(id, &why);

	if (r < 0)
		error_set(err, r, "add-model: %s", error_text(&why));
	error_finish(&why);
	if (r < 0 || catalogue_find(program->catalogue, id))
		return r;
	r = read_added(program, &was, err);
	if (r < 0)
		return r;
	is = cJSON_Duplicate(was, true);
	cJSON *item = cJSON_CreateString(id);
	if (!item || !cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(is, "open"), item)) {
		cJSON_Delete(item);
		r = out_of_memory(err);
	}
	if (r == 0)
		r = change_added(program, was, is, err);
	cJSON_Delete(was);
	cJSON_Delete(is);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "model %s added; nothing in its requests is checked", id);
	return store_log(program->store, 0, clock_now_ms(), line);
}

static int take_away(struct program *program, const char *id, struct error *err)
{
	cJSON *was = NULL, *is = NULL;
	char line[300];
	int r = mount_holds(program->mount, id);

	if (r > 0)
		return error_set(err, -ENOTEMPTY,
			"remove-model: there is something of yours in models/%s. Move or remove it "
			"first.",
			id);
	if (r == 0)
		r = read_added(program, &was, err);
	if (r < 0)
		return r;
	int place = place_of(cJSON_GetObjectItemCaseSensitive(was, "open"), id);
	if (place < 0) {
		cJSON_Delete(was);
		return error_set(err, -EINVAL,
			"remove-model: %.200s was not added by add-model. What other files of the "
			"catalogue hold is removed there.",
			id);
	}
	is = cJSON_Duplicate(was, true);
	cJSON_DeleteItemFromArray(cJSON_GetObjectItemCaseSensitive(is, "open"), place);
	r = is ? change_added(program, was, is, err) : out_of_memory(err);
	cJSON_Delete(was);
	cJSON_Delete(is);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "model %s removed", id);
	return store_log(program->store, 0, clock_now_ms(), line);
}

/* ---- refresh ---- */

static int refresh(struct program *program, const char *argument, struct error *err)
{
	worker_refresh(program->worker);
	return 0;
}

int change_refreshed(struct program *program, struct error *err)
{
	pthread_mutex_lock(&program->change_lock);
	int r = put_in_force(program, err);
	pthread_mutex_unlock(&program->change_lock);
	return r;
}

/* ---- the words ---- */

static const struct {
	const char *word, *argument; /* what follows it; NULL: nothing may */
	int (*run)(struct program *program, const char *argument, struct error *err);
} words[] = {
	{"reload", NULL, reload},
	{"refresh", NULL, refresh},
	{"add-model", "ID", add},
	{"remove-model", "ID", take_away},
};

int change_command(const char *word, const char *argument, void *context, struct error *err)
{
	struct program *program = context;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) != 0)
			continue;
		if (!words[i].argument != !*argument)
			return error_set(err, -EINVAL, "%s is followed by %s, as in: %s%s%s", word,
				words[i].argument ? "a model's id" : "nothing", word,
				words[i].argument ? " " : "",
				words[i].argument ? "acme/painter" : "");
		pthread_mutex_lock(&program->change_lock);
		int r = words[i].run(program, argument, err);
		pthread_mutex_unlock(&program->change_lock);
		return r;
	}
	return error_set(err, -EINVAL,
		"\"%.100s\" is no control word here; known are: reload (read the key and the "
		"catalogue again, try what is held), refresh (ask the service for its models), "
		"add-model ID, remove-model ID.",
		word);
}
