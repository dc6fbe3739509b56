#include "inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/findings.h"
#include "kiefs/request.h"
#include "media.h"
#include "resolve.h"

#define TEXT_MAX (256u << 10)

void inputs_finish(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		input_finish(&inputs->list[i]);
	free(inputs->list);
	free(inputs->lacks);
	*inputs = (struct inputs){0};
}

/* One look at all references. */
struct look {
	struct fs *fs;
	const struct asker *asker;
	struct request *request;
	struct inputs *out;
	struct buf identity; /* a line for each */
	struct buf lacks;
	struct buf warnings;
	struct media_total total;
	bool unknown; /* a file has yet to arrive */
	struct error *err;
};

static struct input *add_place(struct look *look, const struct reference *reference,
	enum input_kind kind, const char *place)
{
	struct inputs *out = look->out;
	struct input *grown = realloc(out->list, (out->count + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	out->list = grown;
	struct input *row = &grown[out->count];
	*row = (struct input){.index = (int)out->count + 1,
		.kind = kind,
		.place = strdup(place),
		.name = strdup(reference->name)};
	out->count++;
	return row->place && row->name ? row : NULL;
}

/* A row for the reference; what it names has yet to be found. */
static struct input *add_row(struct look *look, const struct reference *reference)
{
	return add_place(look, reference, reference->kind, reference->place);
}

__attribute__((format(printf, 2, 3))) static void lack(struct look *look, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	buf_addf(&look->lacks, "%s%s", look->lacks.len ? " " : "", text ? text : "");
	if (!text)
		look->lacks.error = -ENOMEM;
	free(text);
}

/* ---- names that lead nowhere ---- */

static int refuse_way(struct look *look, const struct reference *reference, int r)
{
	char shown[SHOWN_SIZE];

	show_name(reference->name, shown);
	switch (r) {
	case -EXDEV:
		return error_add(look->err, r,
			"%s is \"%s\", which leads out of the mount. Copy the file into this "
			"directory, or into uploads/.",
			reference->path, shown);
	case -ELOOP:
	case -ENAMETOOLONG:
	case -ENOTDIR:
		return error_add(look->err, r, "%s is \"%s\", which cannot be followed: %s.",
			reference->path, shown, strerror(-r));
	default:
		return r;
	}
}

static int refuse_absent(
	struct look *look, const struct reference *reference, const struct target *target)
{
	char shown[SHOWN_SIZE];
	int r = 0;

	if (!look->asker->quick && *target->name && look->asker->entry)
		r = store_wanted_add(
			look->fs->store, look->asker->entry, target->dir, target->name);
	if (r < 0)
		return r;
	show_name(reference->name, shown);
	if (reference->derived)
		return error_add(look->err, -ENOENT,
			"%s is missing: it would follow from \"%s\", but no result of that name is "
			"here. Name a result (\"song-1.mp3\"), or give %s as well.",
			reference->path, shown, reference->path);
	if (reference->kind != INPUT_MEDIA)
		return error_add(look->err, -ENOENT,
			"%s is \"%s\", but no request, result or task of that name is here. Name "
			"an earlier request (\"song\", \"../generate/song\") or a path into "
			"tasks/.",
			reference->path, shown);
	return error_add(look->err, -ENOENT,
		"%s is \"%s\", but no file of that name is here or in uploads/. Copy it here: the "
		"request then goes on by itself. Or give a web address (https://...).",
		reference->path, shown);
}

/* ---- media ---- */

static int wait_for_file(struct look *look, const struct reference *reference, bool being_written)
{
	char shown[SHOWN_SIZE];

	look->unknown = true;
	show_name(reference->name, shown);
	if (being_written)
		lack(look, "It waits until %s is whole, which is still being written.", shown);
	else
		lack(look, "It waits for %s, %s for %s.", shown,
			media_words(field_media(reference->field)), reference->path);
	return add_row(look, reference) ? 0 : -ENOMEM;
}

/* A file in the tree, opened; the row gets what it is. */
static int open_target(struct look *look, const struct target *target, struct input *row, int *fd)
{
	struct result results[1];
	int index = target->result;

	if (target->kind == TARGET_FILE) {
		row->entry = target->entry.id;
		*fd = files_open_entry(look->fs->files, target->entry.id, O_RDONLY);
		return *fd < 0 ? *fd : 0;
	}
	if (index == 0) {
		int n = store_result_list(look->fs->store, target->task, results, 1);
		if (n <= 0)
			return n < 0 ? n : -ENOENT;
		index = results[0].index;
		result_finish(&results[0]);
	}
	row->parent = target->task;
	row->result = index;
	*fd = files_open_result(look->fs->files, target->task, index, O_RDONLY);
	return *fd < 0 ? *fd : 0;
}

/* What a person must be told of the file, and what it is known by. */
static int examine(struct look *look, const struct reference *reference, int fd)
{
	char hex[DIGEST_HEX_SIZE];
	struct error found = {0};
	int r = media_check(fd, reference, &found);

	if (r == 0)
		r = media_add(&look->total, fd, reference, &found);
	if (r < 0 && found.text && look->fs->warn_only && r != -ENODATA) {
		buf_addf(&look->warnings, "%s%s", look->warnings.len ? "\n" : "", found.text);
		r = 0;
	} else if (r < 0 && found.text) {
		error_add(look->err, r, "%s", found.text);
	}
	error_finish(&found);
	if (r < 0 || look->asker->quick)
		return r;
	r = digest_file(fd, hex);
	if (r == 0)
		buf_addf(&look->identity, "%s %s\n", reference->place, hex);
	return r;
}

static int use_file(
	struct look *look, const struct reference *reference, const struct target *target)
{
	bool own = target->kind == TARGET_FILE && target->entry.id == look->asker->entry;
	struct input *row;
	int fd, r;

	if (target->kind == TARGET_FILE && !own && draft_is_unfinished(look->fs, &target->entry))
		return wait_for_file(look, reference, true);
	row = add_row(look, reference);
	if (!row)
		return -ENOMEM;
	r = open_target(look, target, row, &fd);
	if (r == -ENOENT)
		return error_add(look->err, r,
			"%s is \"%s\", but there are no bytes of it here. Write the file again.",
			reference->path, reference->name);
	if (r < 0)
		return r;
	r = examine(look, reference, fd);
	close(fd);
	return r;
}

/* A task stands for its first result. */
static int use_task_result(
	struct look *look, const struct reference *reference, const struct target *target)
{
	struct task task = {0};
	struct input *row;
	int r = store_task_get(look->fs->store, target->task, &task);

	if (r == 0 && task.state != TASK_DONE && !task_is_final(task.state)) {
		row = add_row(look, reference);
		r = row ? 0 : -ENOMEM;
		if (row)
			row->parent = task.id;
		lack(look, "It waits for task %lld (%s).", (long long)task.id, task.name);
		buf_addf(&look->identity, "%s task %lld\n", reference->place, (long long)task.id);
	} else if (r == 0) {
		r = use_file(look, reference, target);
	}
	task_finish(&task);
	return r;
}

/* A file that is a request itself names itself, and by a name that it may only be about to get. */
static int find_file(struct look *look, const struct reference *reference, struct target *target)
{
	const struct asker *asker = look->asker;

	if (request_form(asker->name) != REQUEST_NONE || strcmp(reference->name, asker->name) != 0)
		return resolve(look->fs, asker->dir, reference->name, target);
	*target = (struct target){.kind = TARGET_FILE};
	return store_entry_get(look->fs->store, asker->entry, &target->entry);
}

static int find_media(struct look *look, const struct reference *reference)
{
	struct target target;
	char shown[SHOWN_SIZE];
	int r = find_file(look, reference, &target);

	if (r == -ENOENT && reference->implied)
		return wait_for_file(look, reference, false);
	if (r == -ENOENT)
		return refuse_absent(look, reference, &target);
	if (r < 0)
		return refuse_way(look, reference, r);
	switch (target.kind) {
	case TARGET_FILE:
	case TARGET_RESULT:
		return use_file(look, reference, &target);
	case TARGET_TASK:
		return use_task_result(look, reference, &target);
	case TARGET_FOLDER:
		return error_add(look->err, -EISDIR,
			"%s is \"%s\", which is a folder. Name one file.", reference->path,
			show_name(reference->name, shown));
	case TARGET_OTHER:
		break;
	}
	return error_add(look->err, -EMEDIUMTYPE,
		"%s is \"%s\", which is a text of this mount, but it must be %s.", reference->path,
		show_name(reference->name, shown), media_words(field_media(reference->field)));
}

/* ---- earlier tasks ---- */

/* An id of the service's has neither. */
static bool looks_like_name(const char *text)
{
	size_t len = strlen(text);

	return strchr(text, '/') || request_form(text) != REQUEST_NONE ||
	       media_of_name(text) != MEDIA_NONE ||
	       (len > 5 && strcmp(text + len - 5, ".task") == 0);
}

/* The field that says which tasks fit: its own, or of a track, the one beside it. */
static const struct field *task_field(const struct model *model, const struct reference *reference)
{
	if (reference->field->task)
		return reference->field;
	for (size_t i = 0; i < model->field_count; i++)
		if (model->fields[i].task)
			return &model->fields[i];
	return NULL;
}

static int check_parent(struct look *look, const struct reference *reference,
	const struct model *model, const struct task *task)
{
	const struct model *made_by = catalogue_find(fs_catalogue(look->fs), task->model);
	const struct field *field = task_field(model, reference);
	char shown[SHOWN_SIZE];

	show_name(reference->name, shown);
	if (field && (!made_by || !field_takes_task(field, made_by)))
		return error_add(look->err, -EOPNOTSUPP,
			"%s is \"%s\", a task of %s, but %s does not go on from tasks of that "
			"model. README.md here says from which.",
			reference->path, shown, task->model, model->id);
	if (task->state == TASK_FAILED || task->state == TASK_CANCELLED ||
		task->state == TASK_UNCERTAIN)
		return error_add(look->err, -ECANCELED,
			"%s is \"%s\", but its task (%lld) is %s, so there is nothing to go on "
			"from. Run it again first, or name another.",
			reference->path, shown, (long long)task->id, task_state_name(task->state));
	return 0;
}

static int take_result(struct input *row, const struct target *target)
{
	if (!row)
		return -ENOMEM;
	row->parent = target->task;
	row->result = target->result;
	return 0;
}

static int use_task(struct look *look, const struct reference *reference, const struct model *model,
	const struct target *target)
{
	struct task task = {0};
	struct input *row;
	int r = store_task_get(look->fs->store, target->task, &task);

	if (r == 0)
		r = check_parent(look, reference, model, &task);
	if (r < 0)
		goto out;
	row = add_row(look, reference);
	r = take_result(row, target);
	/* The first one is what a service takes when it is told nothing. */
	if (r == 0 && reference->index_place && target->result > 1)
		r = take_result(
			add_place(look, reference, INPUT_INDEX, reference->index_place), target);
	if (r < 0)
		goto out;
	buf_addf(&look->identity, "%s task %lld %d\n", reference->place, (long long)task.id,
		target->result);
	if (task.state != TASK_DONE && task.state != TASK_LOST && task.state != TASK_FETCHING)
		lack(look, "It waits for task %lld (%s).", (long long)task.id, task.name);
out:
	task_finish(&task);
	return r;
}

static int find_task(
	struct look *look, const struct reference *reference, const struct model *model)
{
	struct target target;
	char shown[SHOWN_SIZE];
	int r = resolve(look->fs, look->asker->dir, reference->name, &target);

	if (r == -ENOENT)
		r = resolve_stem(look->fs, &target);
	if (r == -ENOENT && !reference->derived && !looks_like_name(reference->name))
		return 0; /* an id of the service's own */
	if (r == -ENOENT)
		return refuse_absent(look, reference, &target);
	if (r < 0)
		return refuse_way(look, reference, r);
	if (target.kind == TARGET_FILE) {
		draft_settle(look->fs, target.entry.id);
		r = store_entry_get(look->fs->store, target.entry.id, &target.entry);
		target.task = r == 0 ? target.entry.task : 0;
	}
	if (target.kind != TARGET_FOLDER && target.task)
		return use_task(look, reference, model, &target);
	return error_add(look->err, -ENOENT,
		"%s is \"%s\", which has not become a task. Name a request that was taken, one of "
		"its results, or a path into tasks/.",
		reference->path, show_name(reference->name, shown));
}

/* ---- all of them ---- */

static int finish_look(struct look *look, int r)
{
	struct inputs *out = look->out;

	if (r == 0)
		r = look->identity.error ? look->identity.error
		    : look->lacks.error	 ? look->lacks.error
					 : look->warnings.error;
	if (r == 0 && look->lacks.len)
		out->lacks = buf_take(&look->lacks);
	if (r == 0 && look->unknown)
		strcpy(out->sha, INPUTS_UNKNOWN);
	else if (r == 0 && look->identity.len)
		digest_bytes(look->identity.data, look->identity.len, out->sha);
	if (r == 0 && look->warnings.len) {
		char *all = NULL;
		const char *have = look->request->warnings;
		if (asprintf(&all, "%s%s%s", have ? have : "", have ? "\n" : "",
			    look->warnings.data) < 0) {
			all = NULL;
			r = -ENOMEM;
		}
		free(look->request->warnings);
		look->request->warnings = all;
	}
	buf_finish(&look->identity);
	buf_finish(&look->lacks);
	buf_finish(&look->warnings);
	return r;
}

int inputs_find(struct fs *fs, const struct asker *asker, struct request *request,
	struct inputs *out, struct error *err)
{
	const struct references *references = &request->references;
	struct error faults = {0};
	struct look look = {
		.fs = fs, .asker = asker, .request = request, .out = out, .err = &faults};
	struct place place;
	int r = 0;

	*out = (struct inputs){0};
	if (references->count == 0)
		return 0;
	buf_init(&look.identity, TEXT_MAX);
	buf_init(&look.lacks, TEXT_MAX);
	buf_init(&look.warnings, TEXT_MAX);
	r = place_of(fs, asker->dir, &place);
	if (r == 0 && !asker->quick)
		r = store_wanted_clear(fs->store, asker->entry);
	for (size_t i = 0; i < references->count && r == 0; i++) {
		const struct reference *reference = &references->list[i];
		size_t told = faults.text ? strlen(faults.text) : 0;

		r = reference->kind == INPUT_MEDIA ? find_media(&look, reference)
						   : find_task(&look, reference, place.model);
		/* A fault is told together with all others. */
		if (r < 0 && faults.text && strlen(faults.text) > told)
			r = 0;
	}
	r = finish_look(&look, r);
	if (r == 0 && faults.text)
		r = error_add(err, faults.code, "%s", faults.text);
	error_finish(&faults);
	if (r < 0)
		inputs_finish(out);
	return r;
}
