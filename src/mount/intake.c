#include "intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/media.h"
#include "kiefs/quota.h"
#include "kiefs/worker.h"
#include "uploads.h"

/* Of the body that is sent: control characters grow when they are written as JSON. */
#define BODY_MAX (32u << 20)

/* A file's content up to `max` bytes; -EFBIG when it is longer. */
int intake_read(struct fs *fs, int64_t entry, struct buf *out)
{
	char block[16384];
	int fd = files_open_entry(fs->files, entry, O_RDONLY);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			buf_clear(out), out->error = -errno;
		if (n <= 0 || buf_add(out, block, (size_t)n) < 0)
			break;
	}
	close(fd);
	return out->error;
}

/* The nearest defaults.json: the folder's own, else the one above it, up to the model's. */
static int read_defaults(struct fs *fs, uint64_t dir, struct buf *out)
{
	struct entry entry;

	for (;;) {
		int r = store_entry_lookup(fs->store, dir, "defaults.json", &entry);
		if (r == 0)
			return intake_read(fs, entry.id, out);
		if (r != -ENOENT)
			return r;
		if (inode_kind(dir) != INODE_ENTRY)
			return 0;
		r = store_entry_get(fs->store, inode_entry_id(dir), &entry);
		if (r < 0)
			return r;
		dir = entry.dir;
	}
}

/* What can never go out under the limits is refused; what may go another day is accepted, and the
 * worker holds it. */
static int check_quota(struct fs *fs, const char *name, double price, struct error *err)
{
	struct quota quota;
	char lead[ENTRY_NAME_MAX + 32], text[TASK_TEXT_SIZE];

	if (!fs->worker)
		return 0;
	worker_quota_get(fs->worker, &quota);
	enum quota_verdict verdict = quota_check_alone(&quota, price);
	if (verdict == QUOTA_FITS)
		return 0;
	snprintf(lead, sizeof(lead), "%s was not sent", name);
	quota_text(&quota, verdict, lead, price, 0, text, sizeof(text));
	return error_set(err, -EDQUOT, "%s", text);
}

void intake_finish(struct intake *intake)
{
	request_finish(&intake->request);
	inputs_finish(&intake->inputs);
	free(intake->source);
	intake->source = NULL;
}

/* A file that a request here stands for, by its name or because it names the file, is that
 * request's. */
static bool is_used(struct fs *fs, int64_t entry, uint64_t dir, const char *name)
{
	char stem[ENTRY_NAME_MAX + 1];
	struct entry request;
	int64_t wanting;

	snprintf(stem, sizeof(stem), "%.*s", (int)request_stem_length(name), name);
	if (store_entry_by_stem(fs->store, dir, stem, &request) == 0 &&
		request_form(request.name) != REQUEST_NONE)
		return true;
	if (store_wanted_next(fs->store, dir, name, 0, &wanting) == 0)
		return true;
	return store_input_uses(fs->store, entry) == 1;
}

static enum request_form form_of(
	struct fs *fs, const struct model *model, int64_t entry, uint64_t dir, const char *name)
{
	enum request_form form = request_form(name);
	enum media_kind kind = media_of_name(name);
	const struct field *single;

	if (form != REQUEST_NONE || kind == MEDIA_NONE)
		return form;
	single = model_single(model);
	if (!single || (field_media(single) != kind && field_media(single) != MEDIA_FILE) ||
		is_used(fs, entry, dir, name))
		return REQUEST_NONE;
	return REQUEST_FILE;
}

bool intake_is_request(struct fs *fs, int64_t entry, uint64_t dir, const char *name)
{
	struct place place;

	if (request_form(name) == REQUEST_NONE && media_of_name(name) == MEDIA_NONE &&
		!uploads_name_counts(name))
		return false;
	if (place_of(fs, dir, &place) < 0)
		return false;
	return place.model ? form_of(fs, place.model, entry, dir, name) != REQUEST_NONE
			   : uploads_name_counts(name);
}

int intake_check_name(struct fs *fs, uint64_t dir, const char *name, struct error *err)
{
	enum media_kind kind = media_of_name(name);
	struct place place;

	if (kind == MEDIA_NONE || place_of(fs, dir, &place) < 0 || !place.model ||
		model_takes(place.model, kind))
		return 0;
	return error_set(err, -EINVAL,
		"%s cannot be put here: %s takes %s nowhere. README.md says what it takes; "
		"uploads/ takes any file.",
		name, place.model->id, media_words(kind));
}

/* The request's bytes as request_build() wants them; of a dropped file, its name. */
static int read_source(struct fs *fs, int64_t entry, const char *name, enum request_form form,
	struct buf *out, struct error *err)
{
	struct stat st;
	int r;

	if (form == REQUEST_FILE && files_stat_entry(fs->files, entry, &st) == 0 && st.st_size == 0)
		return 0;
	if (form == REQUEST_FILE)
		return buf_adds(out, name);
	r = intake_read(fs, entry, out);
	if (r == -EFBIG)
		error_set(err, r, "%s is larger than %u MiB, the most a request may have.", name,
			REQUEST_MAX_BYTES >> 20);
	return r;
}

/* What a request is told by: its bytes, and of a dropped file the file's. */
static int digest_source(struct fs *fs, int64_t entry, enum request_form form,
	const struct buf *bytes, char sha[DIGEST_HEX_SIZE])
{
	int fd, r;

	if (form != REQUEST_FILE) {
		digest_bytes(bytes->data, bytes->len, sha);
		return 0;
	}
	fd = files_open_entry(fs->files, entry, O_RDONLY);
	if (fd < 0)
		return fd;
	r = digest_file(fd, sha);
	close(fd);
	return r;
}

static int build(struct fs *fs, const struct model *model, enum request_form form,
	const struct asker *asker, const struct buf *bytes, struct request *out, struct error *err)
{
	struct request_rules rules = {.warn_only = fs->warn_only, .callback = fs->callback_url};
	char stem[ENTRY_NAME_MAX + 1], **siblings = NULL;
	struct buf defaults;
	int r = 0;

	buf_init(&defaults, REQUEST_MAX_BYTES);
	snprintf(stem, sizeof(stem), "%.*s", (int)request_stem_length(asker->name), asker->name);
	if (form != REQUEST_FILE) {
		rules.stem = stem;
		r = inputs_siblings(fs, asker, &siblings, &rules.sibling_count);
		rules.siblings = (const char *const *)siblings;
	}
	if (r == 0)
		r = read_defaults(fs, asker->dir, &defaults);
	if (r == 0 && form == REQUEST_TURN) {
		r = talk_build(fs, asker->dir, model, bytes, &defaults, out, err);
	} else if (r == 0) {
		bool blank = request_is_blank(defaults.data ? defaults.data : "", defaults.len);
		r = request_build(model, form, bytes->data, bytes->len,
			blank ? NULL : defaults.data, blank ? 0 : defaults.len, &rules, out, err);
	}
	if (r == 0 && out->body_len > BODY_MAX)
		r = error_set(err, -EFBIG,
			"%s becomes %zu MiB as it is sent, and %u MiB is the most that is sent.",
			asker->name, out->body_len >> 20, BODY_MAX >> 20);
	inputs_free_names(siblings, rules.sibling_count);
	buf_finish(&defaults);
	return r;
}

int intake_check(struct fs *fs, int64_t entry, uint64_t dir, const char *name, bool quick,
	struct intake *out, struct error *err)
{
	const struct asker asker = {.entry = entry, .dir = dir, .name = name, .quick = quick};
	enum request_form form;
	struct place place;
	struct buf bytes;
	int r;

	*out = (struct intake){.nothing = true};
	if (request_form(name) == REQUEST_NONE && media_of_name(name) == MEDIA_NONE &&
		!uploads_name_counts(name))
		return 0;
	r = place_of(fs, dir, &place);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!place.model)
		return uploads_check(fs, entry, name, out, err);
	form = form_of(fs, place.model, entry, dir, name);
	if (form == REQUEST_NONE || (form == REQUEST_TURN && !talk_is_place(fs, dir)))
		return 0;
	buf_init(&bytes, REQUEST_MAX_BYTES);
	r = read_source(fs, entry, name, form, &bytes, err);
	if (r < 0 || request_is_blank(bytes.data ? bytes.data : "", bytes.len))
		goto out;
	r = digest_source(fs, entry, form, &bytes, out->sha);
	/* A copied folder holds answers beside requests; they are not sent. */
	if (r == 0 && form != REQUEST_TURN)
		r = store_result_copied(fs->store, place.model->id, name, out->sha);
	if (r != 0) {
		r = r < 0 ? r : 0;
		goto out;
	}
	r = build(fs, place.model, form, &asker, &bytes, &out->request, err);
	if (r == 0)
		r = inputs_find(fs, &asker, &out->request, &out->inputs, err);
	if (r == 0)
		r = check_quota(fs, name, out->request.credits, err);
	if (r == 0) {
		out->model = place.model;
		out->dropped = form == REQUEST_FILE;
		out->nothing = false;
	}
out:
	buf_finish(&bytes);
	return r;
}

struct stage intake_row(int64_t entry, const struct intake *intake)
{
	return (struct stage){
		.entry = entry,
		.model = intake->model ? intake->model->id : "",
		.source_sha = intake->model    ? intake->sha
			      : intake->source ? intake->source
					       : "",
		.body = intake->model ? intake->request.body : "",
		.body_len = intake->request.body_len,
		.estimate = intake->request.credits,
		.warnings = intake->request.warnings,
		.prompt = intake->request.prompt,
		.images = intake->request.images,
		.inputs = intake->inputs.list,
		.input_count = intake->inputs.count,
		.inputs_sha = intake->inputs.sha,
		.lacks = intake->inputs.lacks,
		.dropped = intake->dropped,
	};
}

int intake_stage(struct fs *fs, int64_t entry, const struct intake *intake)
{
	const struct stage row = intake_row(entry, intake);

	return store_stage(fs->store, &row);
}

void intake_refuse(
	struct fs *fs, int64_t entry, uint64_t dir, const char *name, const struct error *err)
{
	struct changes changes = {0};
	struct place place;
	char *text = NULL;

	errors_add(fs, name, error_text(err));
	if (asprintf(&text, "%s\n", error_text(err)) < 0)
		return;
	/* In uploads/ a file's whole name is told. */
	bool upload = place_of(fs, dir, &place) == 0 && !place.model;
	size_t stem = upload ? strlen(name) : request_stem_length(name);
	if (store_reject(fs->store, entry, dir, name, (int)stem, text, clock_now_ms(), &changes) ==
		0)
		notifier_queue(fs, &changes);
	free(text);
}
