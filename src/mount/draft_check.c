/* Drafts on their way to a task: checked and staged at flush, committed at the last release. */
#include <errno.h>
#include <string.h>

#include "draft.h"
#include "intake.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/digest.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/json.h"
#include "kiefs/request.h"
#include "kiefs/worker.h"

/* A document larger than this is checked at flush only. */
#define WRITE_CHECK_MAX (256u << 10)

/* What an earlier name had staged is void under this one. */
static void set_refused(struct fs *fs, struct draft *draft, int verdict)
{
	pthread_mutex_lock(&fs->drafts.lock);
	bool staged = draft->staged;
	draft->staged = false;
	if (!draft->dirty)
		draft->verdict = verdict;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (staged)
		store_unstage(fs->store, draft->entry);
}

static void set_dirty(struct fs *fs, struct draft *draft)
{
	pthread_mutex_lock(&fs->drafts.lock);
	draft->dirty = true;
	pthread_mutex_unlock(&fs->drafts.lock);
}

/* What a failed write leaves is half a request, whatever the writer makes of the error. */
static int refuse_broken(struct fs *fs, struct draft *draft, const struct entry *entry, int error)
{
	struct error err = {0};

	pthread_mutex_lock(&fs->drafts.lock);
	draft->dirty = false;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (error == EFBIG)
		error_set(&err, -error,
			"%s was not sent: a request may have %u MiB at most, and more was "
			"written.\n"
			"Write a smaller one.",
			entry->name, REQUEST_MAX_BYTES >> 20);
	else
		error_set(&err, -error,
			"%s was not sent: writing it failed (%s), so only a part of it is here.\n"
			"Write it again when that is mended.",
			entry->name, strerror(error));
	intake_refuse(fs, draft->entry, entry->dir, entry->name, &err);
	error_finish(&err);
	set_refused(fs, draft, -error);
	return -error;
}

/* Under draft->step. */
static int stage_held(struct fs *fs, struct draft *draft)
{
	struct intake checked;
	struct error err = {0};
	struct entry entry;
	int r;

	pthread_mutex_lock(&fs->drafts.lock);
	draft->closed = draft->dirty;
	bool idle = !draft->dirty || draft->gone;
	int verdict = draft->gone ? 0 : draft->verdict;
	int broken = draft->broken;
	pthread_mutex_unlock(&fs->drafts.lock);
	/* Bytes that fsync() or another close() had checked are refused at every close(). */
	if (idle && verdict < 0)
		return verdict;
	if (idle)
		return 0;
	r = store_entry_get(fs->store, draft->entry, &entry);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* Under a scratch name the bytes stay changed: a rename may yet make them a request. */
	if (!intake_is_request(fs, entry.id, entry.dir, entry.name))
		return 0;
	if (broken)
		return refuse_broken(fs, draft, &entry, broken);
	/* Cleared first: a write that comes while the bytes are read makes it dirty again. */
	pthread_mutex_lock(&fs->drafts.lock);
	draft->dirty = false;
	pthread_mutex_unlock(&fs->drafts.lock);
	r = intake_check(fs, draft->entry, entry.dir, entry.name, false, &checked, &err);
	if (r == 0 && !checked.nothing)
		r = intake_stage(fs, draft->entry, &checked);
	if (r == 0 && !checked.nothing) {
		pthread_mutex_lock(&fs->drafts.lock);
		draft->staged = true;
		bool changed = draft->dirty;
		if (changed)
			draft->staged = false;
		pthread_mutex_unlock(&fs->drafts.lock);
		if (changed)
			r = store_unstage(fs->store, draft->entry);
	}
	if (r < 0 && err.text) {
		intake_refuse(fs, draft->entry, entry.dir, entry.name, &err);
		set_refused(fs, draft, r);
	} else if (r < 0) {
		/* The index could not be written or read: nothing is settled. */
		errors_add(fs, entry.name, strerror(-r));
		set_dirty(fs, draft);
	}
	intake_finish(&checked);
	error_finish(&err);
	return r;
}

/* While bytes are checked and committed they are neither dirty nor staged, nor a task yet: whoever
 * looks meanwhile must find that something is to come. */
static void set_busy(struct fs *fs, struct draft *draft, bool busy)
{
	pthread_mutex_lock(&fs->drafts.lock);
	draft->busy = busy && (draft->dirty || draft->staged);
	if (!busy)
		pthread_cond_broadcast(&fs->drafts.settled);
	pthread_mutex_unlock(&fs->drafts.lock);
}

int draft_stage(struct fs *fs, struct draft *draft)
{
	pthread_mutex_lock(&draft->step);
	set_busy(fs, draft, true);
	int r = stage_held(fs, draft);
	set_busy(fs, draft, false);
	pthread_mutex_unlock(&draft->step);
	return r;
}

/* The file is whole: what waits for it may use it. */
static void end_mark(struct fs *fs, struct draft *draft, struct entry *arrived)
{
	if (store_entry_get(fs->store, draft->entry, arrived) < 0)
		arrived->id = 0;
	else if (arrived->index && store_entry_mark(fs->store, arrived->id, false) < 0)
		errors_add(fs, arrived->name, "the index could not be written");
}

/* The last writer's bytes are staged and committed in one step: a rename comes before it and is
 * seen, or comes after it. Returns whether it was the last; `*arrived` is a file that is now whole,
 * or has id 0. */
static bool end_writer(struct fs *fs, struct draft *draft, struct entry *arrived)
{
	arrived->id = 0;
	pthread_mutex_lock(&draft->step);
	set_busy(fs, draft, true);
	pthread_mutex_lock(&fs->drafts.lock);
	bool last = draft->writers == 1;
	bool look = last && !draft->gone;
	bool whole = look && draft->written && !draft->broken;
	if (last)
		draft->written = false;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (whole)
		end_mark(fs, draft, arrived);
	if (look)
		stage_held(fs, draft);
	pthread_mutex_lock(&fs->drafts.lock);
	draft->writers--;
	bool commit = draft->writers == 0 && draft->staged && !draft->dirty && !draft->gone;
	if (commit)
		draft->staged = false;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (commit)
		draft_commit(fs, draft->entry);
	set_busy(fs, draft, false);
	pthread_mutex_unlock(&draft->step);
	return last;
}

void draft_close(struct fs *fs, struct draft *draft, bool writer)
{
	struct entry arrived = {0};
	int64_t entry = draft->entry;
	bool last = writer && end_writer(fs, draft, &arrived);

	draft_drop(fs, draft);
	if (!last)
		return;
	if (arrived.id)
		again_arrived(fs, &arrived);
	again_look(fs, entry);
	wait_check(fs);
}

void draft_abandon(struct fs *fs, struct draft *draft, int killed_by)
{
	struct error err = {0};
	struct entry entry;

	pthread_mutex_lock(&draft->step);
	pthread_mutex_lock(&fs->drafts.lock);
	draft->dirty = false;
	draft->written = false;
	draft->verdict = 0;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (store_entry_get(fs->store, draft->entry, &entry) == 0 &&
		intake_is_request(fs, entry.id, entry.dir, entry.name)) {
		error_set(&err, -EINTR,
			"%s was not sent: the program that wrote it was ended by signal %d (%s) "
			"before "
			"it had closed the file.\nWrite it again, or copy it to another name to "
			"send it "
			"as it is.",
			entry.name, killed_by, strsignal(killed_by));
		intake_refuse(fs, draft->entry, entry.dir, entry.name, &err);
	}
	error_finish(&err);
	pthread_mutex_unlock(&draft->step);
}

/* Whose error a refused rename leaves: it outlives the file that was to be renamed, which rsync and
 * others remove. */
static int64_t owner_of_name(struct fs *fs, uint64_t dir, const char *name)
{
	struct entry entry;

	return store_entry_lookup(fs->store, dir, name, &entry) == 0 ? entry.id : 0;
}

int draft_check_for(struct fs *fs, const struct entry *entry, uint64_t dir, const char *name,
	struct intake *checked)
{
	struct error err = {0};
	struct task task = {0};
	int r = intake_check(fs, entry->id, dir, name, false, checked, &err);
	bool same = false;

	if (r < 0 && err.text && entry->task &&
		store_task_get(fs->store, entry->task, &task) == 0) {
		/* It was taken once: renaming it must not fail, whatever the rules are now. */
		struct place place;
		struct buf bytes;
		char sha[DIGEST_HEX_SIZE];
		buf_init(&bytes, REQUEST_MAX_BYTES);
		if (intake_read(fs, entry->id, &bytes) == 0 && place_of(fs, dir, &place) == 0 &&
			place.model) {
			digest_bytes(bytes.data, bytes.len, sha);
			same = strcmp(sha, task.source_sha) == 0 &&
			       strcmp(task.model, place.model->id) == 0;
		}
		buf_finish(&bytes);
	}
	if (same)
		r = 0;
	else if (r < 0 && err.text)
		intake_refuse(fs, owner_of_name(fs, dir, name), dir, name, &err);
	error_finish(&err);
	task_finish(&task);
	return r;
}

int draft_commit(struct fs *fs, int64_t entry)
{
	struct changes changes = {0};
	int64_t task;
	bool fresh;
	int r = store_commit(fs->store, entry, clock_now_ms(), &task, &fresh, &changes);

	if (r < 0 && r != -ENOENT) {
		errors_add(fs, "an accepted request", strerror(-r));
		notifier_sweep_later(fs);
	}
	if (r < 0)
		return r;
	notifier_queue(fs, &changes);
	if (fresh && fs->worker)
		worker_wake(fs->worker);
	return 0;
}

bool draft_sweep(struct fs *fs)
{
	int64_t entry = 0;
	int r;

	while ((r = store_stage_next(fs->store, entry, &entry)) == 0) {
		pthread_mutex_lock(&fs->drafts.lock);
		bool open = draft_find(fs, entry) != NULL;
		pthread_mutex_unlock(&fs->drafts.lock);
		if (open)
			continue;
		r = draft_commit(fs, entry);
		if (r < 0 && r != -ENOENT)
			return false;
	}
	return r == -ENOENT;
}

int draft_check_write(struct fs *fs, const struct entry *entry)
{
	struct place place;
	struct intake checked;
	struct error err = {0};
	struct stat st;
	struct buf bytes;
	int r = 0;

	if (request_form(entry->name) != REQUEST_JSON || place_of(fs, entry->dir, &place) < 0 ||
		!place.model || files_stat_entry(fs->files, entry->id, &st) < 0 ||
		st.st_size > WRITE_CHECK_MAX)
		return 0;
	buf_init(&bytes, WRITE_CHECK_MAX);
	bool complete = intake_read(fs, entry->id, &bytes) == 0 && bytes.data &&
			json_is_complete(bytes.data, bytes.len);
	buf_finish(&bytes);
	if (!complete)
		return 0;
	r = intake_check(fs, entry->id, entry->dir, entry->name, true, &checked, &err);
	bool refused = r < 0 && err.text;
	if (refused)
		intake_refuse(fs, entry->id, entry->dir, entry->name, &err);
	intake_finish(&checked);
	error_finish(&err);
	return refused ? r : 0;
}
