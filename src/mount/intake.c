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

void intake_finish(struct intake *intake)
{
	request_finish(&intake->request);
	free(intake->source);
	intake->source = NULL;
}

bool intake_wants(struct fs *fs, uint64_t dir, const char *name)
{
	struct place place;

	if (request_form(name) == REQUEST_NONE && !uploads_name_counts(name))
		return false;
	if (place_of(fs, dir, &place) < 0)
		return false;
	return place.model ? request_form(name) != REQUEST_NONE : uploads_name_counts(name);
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

bool intake_is_refusal(int error)
{
	return error == -EINVAL || error == -EFBIG || error == -EBUSY ||
	       error == -EDQUOT;
}

/* Reads and checks the entry's bytes as a request `name` in `dir`. */
int intake_check(struct fs *fs, int64_t entry, uint64_t dir, const char *name, struct intake *out,
	struct error *err)
{
	const struct request_rules rules = {
		.warn_only = fs->warn_only, .callback = fs->callback_url};
	enum request_form form = request_form(name);
	struct place place;
	struct buf bytes, defaults;
	int r;

	*out = (struct intake){.nothing = true};
	r = place_of(fs, dir, &place);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!place.model)
		return uploads_check(fs, entry, name, out, err);
	if (form == REQUEST_NONE || (form == REQUEST_TURN && !talk_is_place(fs, dir)))
		return 0;
	buf_init(&bytes, REQUEST_MAX_BYTES);
	buf_init(&defaults, REQUEST_MAX_BYTES);
	r = intake_read(fs, entry, &bytes);
	if (r == -EFBIG)
		error_set(err, r, "%s is larger than %u MiB, the most a request may have.", name,
			REQUEST_MAX_BYTES >> 20);
	if (r < 0 || request_is_blank(bytes.data ? bytes.data : "", bytes.len))
		goto out;
	r = read_defaults(fs, dir, &defaults);
	if (r < 0)
		goto out;
	if (form == REQUEST_TURN) {
		r = talk_build(fs, dir, place.model, &bytes, &defaults, &out->request, err);
		goto check_size;
	}
	bool has_defaults = !request_is_blank(defaults.data ? defaults.data : "", defaults.len);
	r = request_build(place.model, form, bytes.data, bytes.len,
		has_defaults ? defaults.data : NULL, has_defaults ? defaults.len : 0, &rules,
		&out->request, err);
check_size:
	if (r == 0 && out->request.body_len > BODY_MAX)
		r = error_set(err, -EFBIG,
			"%s becomes %zu MiB as it is sent, and %u MiB is the most that is sent.",
			name, out->request.body_len >> 20, BODY_MAX >> 20);
	if (r == 0)
		r = check_quota(fs, name, out->request.credits, err);
	if (r == 0) {
		digest_bytes(bytes.data, bytes.len, out->sha);
		out->model = place.model;
		out->nothing = false;
	}
out:
	buf_finish(&bytes);
	buf_finish(&defaults);
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
	char *text = NULL;

	errors_add(fs, name, error_text(err));
	if (asprintf(&text, "%s\n", error_text(err)) < 0)
		return;
	if (store_reject(fs->store, entry, dir, name, text, clock_now_ms(), &changes) == 0)
		notifier_queue(fs, &changes);
	free(text);
}
