/* What has been uploaded and what is to be; see store_upload.h. */
#include "kiefs/store_upload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "store_private.h"

/* An address is not given away with less time left, and not sent with less; of short lives these
 * parts. */
#define TAKE_MS (4LL * 3600 * 1000)
#define SEND_MS (2LL * 3600 * 1000)
#define TAKE_PART 4
#define SEND_PART 8

/* A text from a statement that is already bound; -ENOENT: no row. */
static int one_text(struct store *store, sqlite3_stmt *s, char **out)
{
	int r = store_step(store, s);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*out = store_column(s, 0);
	return *out ? 0 : -ENOMEM;
}

int store_upload_get(struct store *store, const char *sha256, int64_t now_ms, char **address)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_UPLOAD_GET);
	int r = store_bind(store, s, "si", sha256, now_ms);
	if (r == 0)
		r = one_text(store, s, address);
	store_unlock(store);
	return r;
}

int store_upload_expires(struct store *store, int64_t entry, int64_t *expires_ms)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_UPLOAD_EXPIRES);
	int r = store_bind(store, s, "i", entry);
	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		*expires_ms = sqlite3_column_int64(s, 0);
	store_unlock(store);
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int store_upload_missing(struct store *store, int64_t task, int64_t now_ms)
{
	int missing = 0;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_UPLOAD_MISSING);
	int r = store_bind(store, s, "ii", task, now_ms);
	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		missing = sqlite3_column_int(s, 0);
	store_unlock(store);
	if (r < 0 || missing == 0)
		return r < 0 ? r : 0;
	r = store_begin(store);
	if (r == 0)
		r = store_end(store, store_exec(store, SQL_UPLOAD_FORGET, "ii", task, now_ms));
	return r < 0 ? r : missing;
}

int store_digest_get(
	struct store *store, int64_t entry, int64_t size, int64_t changed_ns, char sha256[65])
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_DIGEST_GET);
	int r = store_bind(store, s, "iii", entry, size, changed_ns);
	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		snprintf(sha256, 65, "%s", (const char *)sqlite3_column_text(s, 0));
	store_unlock(store);
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int store_digest_put(
	struct store *store, int64_t entry, int64_t size, int64_t changed_ns, const char *sha256)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(
		store, store_exec(store, SQL_DIGEST_PUT, "iiis", entry, size, changed_ns, sha256));
}

/* ---- files of uploads/ ---- */

void outgoing_finish(struct outgoing *outgoing)
{
	free(outgoing->source);
	free(outgoing->sha256);
	free(outgoing->error);
	*outgoing = (struct outgoing){0};
}

static int get_locked(struct store *store, int64_t entry, struct outgoing *out)
{
	sqlite3_stmt *s = store_statement(store, SQL_OUTGOING_GET);
	int r = store_bind(store, s, "i", entry);

	if (r == 0)
		r = store_step(store, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*out = (struct outgoing){
		.entry = entry,
		.due_ms = sqlite3_column_int64(s, 1),
		.attempts = sqlite3_column_int(s, 2),
		.progress = sqlite3_column_int(s, 3),
		.started_ms = sqlite3_column_int64(s, 4),
		.source = store_column(s, 5),
		.sha256 = store_column(s, 6),
		.error = store_column(s, 7),
	};
	sqlite3_reset(s);
	return 0;
}

int store_outgoing_get(struct store *store, int64_t entry, struct outgoing *out)
{
	store_lock(store);
	int r = get_locked(store, entry, out);
	store_unlock(store);
	return r;
}

int store_outgoing_due(struct store *store, int64_t now_ms, int64_t *entries, int max)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_OUTGOING_DUE);
	int r = store_bind(store, s, "ii", now_ms, (int64_t)max);
	if (r == 0)
		r = store_read_ids(store, s, entries, max);
	store_unlock(store);
	return r;
}

int store_outgoing_next_due(struct store *store, int64_t *due_ms)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_OUTGOING_NEXT_DUE);
	int r = s ? store_step(store, s) : -EIO;
	if (r >= 0)
		*due_ms = r == 1 && sqlite3_column_type(s, 0) != SQLITE_NULL
				  ? sqlite3_column_int64(s, 0)
				  : INT64_MAX;
	store_unlock(store);
	return r < 0 ? r : 0;
}

static int set_locked(struct store *store, const struct outgoing *outgoing)
{
	int r = store_exec(store, SQL_OUTGOING_SET, "iiiissi", outgoing->due_ms,
		(int64_t)outgoing->attempts, (int64_t)outgoing->progress, outgoing->started_ms,
		outgoing->sha256, outgoing->error, outgoing->entry);

	if (r < 0)
		return r;
	return store_changed(store) == 1 ? 0 : -ENOENT;
}

int store_outgoing_set(struct store *store, const struct outgoing *outgoing)
{
	int r = store_begin(store);

	return r < 0 ? r : store_end(store, set_locked(store, outgoing));
}

/* A name beside the file: its whole name, and the extension. */
static int add_name(struct store *store, const struct entry *file, const char *extension,
	enum entry_kind kind, const char *text, int64_t now_ms, struct changes *changes)
{
	const struct generated what = {
		.dir = file->dir,
		.stem = file->name,
		.stem_len = (int)strlen(file->name),
		.extension = extension,
		.kind = kind,
		.owner = file->id,
		.size = text ? (int64_t)strlen(text) : 0,
		.mtime_ms = now_ms,
		.text = text,
	};

	return entry_generate_locked(store, &what, changes, NULL);
}

/* `error` is NULL when all is well. */
static int end_locked(struct store *store, int64_t entry, const char *sha256, const char *text,
	bool refused, int64_t now_ms, struct changes *changes)
{
	struct outgoing end = {
		.entry = entry,
		.due_ms = INT64_MAX,
		.progress = -1,
		.sha256 = (char *)sha256,
		.error = refused ? (char *)text : NULL,
	};
	struct entry file;
	char *lines = NULL;
	int r = entry_get_locked(store, entry, &file);

	if (r == 0)
		r = set_locked(store, &end);
	if (r == 0)
		r = entry_delete_owned_locked(store, entry, changes);
	if (r == 0 && asprintf(&lines, "%s\n", text) < 0)
		return -ENOMEM;
	if (r == 0)
		r = add_name(store, &file, refused ? "error" : "url",
			refused ? ENTRY_ERROR : ENTRY_URL, lines, now_ms, changes);
	free(lines);
	return r;
}

int store_outgoing_done(struct store *store, int64_t entry, const char *sha256, const char *address,
	int64_t now_ms, struct changes *changes)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, end_locked(store, entry, sha256, address, false, now_ms, changes));
}

int store_outgoing_fail(struct store *store, int64_t entry, const char *text, int64_t now_ms,
	struct changes *changes)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, end_locked(store, entry, NULL, text, true, now_ms, changes));
}

/* The next file with this content; 0: none. */
static int next_with(struct store *store, const char *sha256, int64_t after, int64_t *entry)
{
	sqlite3_stmt *s = store_statement(store, SQL_OUTGOING_CONTENT);
	int r = store_bind(store, s, "si", sha256, after);

	if (r == 0)
		r = store_step(store, s);
	*entry = r == 1 ? sqlite3_column_int64(s, 0) : 0;
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : 0;
}

static int64_t earlier(int64_t life, int64_t margin, int64_t part)
{
	return life / part < margin ? life / part : margin;
}

static int put_locked(struct store *store, const char *sha256, const char *address, int64_t now_ms,
	int64_t expires_ms, struct changes *changes)
{
	int64_t life = expires_ms > now_ms ? expires_ms - now_ms : 0, entry = 0;
	int r = store_exec(store, SQL_UPLOAD_PUT, "ssiii", sha256, address, expires_ms,
		expires_ms - earlier(life, TAKE_MS, TAKE_PART),
		expires_ms - earlier(life, SEND_MS, SEND_PART));

	while (r == 0) {
		r = next_with(store, sha256, entry, &entry);
		if (r < 0 || entry == 0)
			break;
		r = end_locked(store, entry, sha256, address, false, now_ms, changes);
	}
	return r;
}

int store_upload_put(struct store *store, const char *sha256, const char *address, int64_t now_ms,
	int64_t expires_ms, struct changes *changes)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, put_locked(store, sha256, address, now_ms, expires_ms, changes));
}

int outgoing_forget_locked(struct store *store, int64_t entry, struct changes *changes)
{
	int r = store_exec(store, SQL_OUTGOING_DELETE, "i", entry);

	if (r < 0 || store_changed(store) == 0)
		return r;
	return entry_delete_owned_locked(store, entry, changes);
}

int store_outgoing_forget(struct store *store, int64_t entry, struct changes *changes)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, outgoing_forget_locked(store, entry, changes));
}

int outgoing_commit_locked(struct store *store, const struct entry *entry, const char *source,
	int64_t now_ms, struct changes *changes)
{
	int r = entry_delete_owned_locked(store, entry->id, changes);

	if (r == 0)
		r = store_exec(store, SQL_OUTGOING_PUT, "iis", entry->id, now_ms, source);
	if (r == 0)
		r = add_name(store, entry, "status", ENTRY_STATUS, NULL, now_ms, changes);
	return r;
}

int store_outgoing_status(struct store *store, int64_t entry, int64_t now_ms, struct buf *out)
{
	struct outgoing file = {0};
	int r = store_outgoing_get(store, entry, &file);
	long long s = (now_ms - file.started_ms) / 1000;
	long long wait = (file.due_ms - now_ms + 999) / 1000;

	if (r < 0)
		return r;
	if (file.progress >= 0)
		buf_addf(out, "uploading %d%% %02lld:%02lld\n", file.progress, s / 60, s % 60);
	else if (file.error && wait > 0)
		buf_addf(out, "waiting: next try in %02lld:%02lld: %.*s\n", wait / 60, wait % 60,
			(int)strcspn(file.error, "\n"), file.error);
	else
		buf_adds(out, "waiting\n");
	outgoing_finish(&file);
	return out->error;
}
