/*
 * From writes to a task: what handles on a user's file hold back.
 *
 * flush stages, the last release commits, and a rename of a closed file onto a request's name
 * does both. A draft exists while its entry has open handles. One lock guards all drafts' flags;
 * it is never held over a query, except where a stage and its flag must change together, for
 * which each draft has a lock of its own (taken first).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "intake.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/digest.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/json.h"
#include "kiefs/media.h"
#include "kiefs/request.h"
#include "kiefs/worker.h"
#include "uploads.h"

/* How long a lookup waits for a release that the kernel has already queued. */
#define SETTLE_MS 100
/* A document larger than this is checked at flush only. */
#define WRITE_CHECK_MAX (256u << 10)

struct draft {
	struct draft *next;
	int64_t entry;
	int refs, writers;    /* drafts.lock */
	bool dirty;	      /* changed since it was last checked; drafts.lock */
	bool staged;	      /* the store holds checked bytes; drafts.lock */
	bool closed;	      /* a close() has seen what is dirty; drafts.lock */
	bool busy;	      /* changed or staged bytes are on their way to a task; drafts.lock */
	bool written;	      /* changed since it was opened, by nobody who was killed;
				 drafts.lock */
	bool gone;	      /* the name is removed or replaced; drafts.lock */
	int verdict;	      /* of the last check of bytes that are not dirty; drafts.lock */
	int broken;	      /* errno of a write that failed; 0 once the file is begun anew;
				 drafts.lock */
	int fd;		      /* the removed file, once gone; -1; drafts.lock */
	pthread_mutex_t step; /* one check, stage or commit at a time */
};

static struct draft *find(struct fs *fs, int64_t entry)
{
	struct draft *draft = fs->drafts.first;

	while (draft && draft->entry != entry)
		draft = draft->next;
	return draft;
}

struct draft *draft_open(struct fs *fs, int64_t entry, bool writer)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = find(fs, entry);
	if (!draft) {
		draft = calloc(1, sizeof(*draft));
		if (draft) {
			draft->entry = entry;
			draft->fd = -1;
			pthread_mutex_init(&draft->step, NULL);
			draft->next = fs->drafts.first;
			fs->drafts.first = draft;
		}
	}
	if (draft) {
		draft->refs++;
		draft->writers += writer;
	}
	pthread_mutex_unlock(&fs->drafts.lock);
	return draft;
}

static void unlink_draft(struct fs *fs, struct draft *draft)
{
	struct draft **link = &fs->drafts.first;

	while (*link != draft)
		link = &(*link)->next;
	*link = draft->next;
}

static void free_draft(struct draft *draft)
{
	pthread_mutex_destroy(&draft->step);
	if (draft->fd >= 0)
		close(draft->fd);
	free(draft);
}

void drafts_finish(struct fs *fs)
{
	while (fs->drafts.first) {
		struct draft *draft = fs->drafts.first;
		fs->drafts.first = draft->next;
		free_draft(draft);
	}
}

static void drop_reference(struct fs *fs, struct draft *draft)
{
	pthread_mutex_lock(&fs->drafts.lock);
	bool unused = --draft->refs == 0;
	if (unused)
		unlink_draft(fs, draft);
	pthread_cond_broadcast(&fs->drafts.settled);
	pthread_mutex_unlock(&fs->drafts.lock);
	if (unused)
		free_draft(draft);
}

/* A media file is marked in the index from its first byte to its last close: what a daemon or a
 * writer that died leaves of it is no input. */
static int mark_begun(struct fs *fs, struct draft *draft)
{
	struct entry entry;
	int r = store_entry_get(fs->store, draft->entry, &entry);

	if (r == 0 && !entry.index && media_of_name(entry.name) != MEDIA_NONE)
		r = store_entry_mark(fs->store, draft->entry, true);
	return r == -ENOENT ? 0 : r;
}

/* The flag and the index change together: a close() in between would stage what is then void. */
int draft_changed(struct fs *fs, struct draft *draft)
{
	int r = 0;

	pthread_mutex_lock(&draft->step);
	pthread_mutex_lock(&fs->drafts.lock);
	bool first = !draft->written;
	draft->written = true;
	draft->dirty = true;
	draft->closed = false;
	draft->verdict = 0;
	bool staged = draft->staged;
	draft->staged = false;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (staged)
		r = store_unstage(fs->store, draft->entry);
	/* A file that arrives amid the writing, or after its writer was killed, sends nothing. */
	if (r == 0 && first)
		r = store_wanted_clear(fs->store, draft->entry);
	if (r == 0 && first)
		r = mark_begun(fs, draft);
	if (r == 0 && first)
		r = uploads_changed(fs, draft->entry);
	pthread_mutex_unlock(&draft->step);
	return r;
}

int draft_touched(struct fs *fs, int64_t entry)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = find(fs, entry);
	if (draft)
		draft->refs++;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (!draft)
		return 0;
	int r = draft_changed(fs, draft);
	drop_reference(fs, draft);
	return r;
}

void draft_set_broken(struct fs *fs, struct draft *draft, int error)
{
	pthread_mutex_lock(&fs->drafts.lock);
	draft->broken = error;
	pthread_mutex_unlock(&fs->drafts.lock);
}

void draft_renamed(struct fs *fs, int64_t entry, bool staged)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = find(fs, entry);
	if (draft && staged)
		draft->staged = true;
	/* What is staged stays until then: a crash must not lose what a close() has accepted. */
	if (draft && (draft->staged || draft->verdict < 0)) {
		draft->dirty = true;
		draft->verdict = 0;
	}
	pthread_mutex_unlock(&fs->drafts.lock);
}

bool draft_is_clean(struct fs *fs, struct draft *draft)
{
	pthread_mutex_lock(&fs->drafts.lock);
	bool clean = !draft->dirty && draft->verdict == 0;
	pthread_mutex_unlock(&fs->drafts.lock);
	return clean;
}

bool draft_is_pending(struct fs *fs, int64_t entry)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = find(fs, entry);
	bool pending = draft && (draft->dirty || draft->staged || draft->busy) && !draft->gone;
	pthread_mutex_unlock(&fs->drafts.lock);
	return pending;
}

bool draft_is_unfinished(struct fs *fs, const struct entry *entry)
{
	struct entry now = *entry;

	/* A close() that has returned: its release is on its way. */
	draft_settle(fs, entry->id);
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = find(fs, entry->id);
	bool unfinished = draft && draft->writers > 0 && draft->written;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (!unfinished && store_entry_get(fs->store, entry->id, &now) < 0)
		return true;
	return unfinished || now.index;
}

struct draft *draft_hold(struct fs *fs, int64_t entry, enum draft_use *use)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = find(fs, entry);
	if (draft)
		draft->refs++;
	pthread_mutex_unlock(&fs->drafts.lock);
	*use = DRAFT_UNUSED;
	if (!draft)
		return NULL;
	pthread_mutex_lock(&draft->step);
	pthread_mutex_lock(&fs->drafts.lock);
	if (draft->writers > 0)
		*use = draft->dirty && draft->closed ? DRAFT_CLOSED : DRAFT_WRITTEN;
	pthread_mutex_unlock(&fs->drafts.lock);
	return draft;
}

void draft_let(struct fs *fs, struct draft *draft)
{
	if (!draft)
		return;
	pthread_mutex_unlock(&draft->step);
	drop_reference(fs, draft);
}

void draft_gone(struct fs *fs, const struct entry *entry)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = find(fs, entry->id);
	if (draft) {
		draft->gone = true;
		if (draft->fd < 0)
			draft->fd = files_open_entry(fs->files, entry->id, O_RDWR);
		/* The only place left to keep it. */
		if (draft->fd >= 0 && fchmod(draft->fd, (mode_t)entry->mode) < 0)
			errors_add(fs, entry->name, strerror(errno));
	}
	pthread_mutex_unlock(&fs->drafts.lock);
}

int draft_gone_fd(struct fs *fs, int64_t entry)
{
	int fd = -ENOENT;

	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = find(fs, entry);
	if (draft && draft->gone && draft->fd >= 0) {
		fd = fcntl(draft->fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			fd = -errno;
	}
	pthread_mutex_unlock(&fs->drafts.lock);
	return fd;
}

void draft_settle(struct fs *fs, int64_t entry)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += SETTLE_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&fs->drafts.lock);
	for (;;) {
		struct draft *draft = find(fs, entry);
		if (!draft ||
			!(draft->busy || (draft->writers > 0 && (draft->staged || draft->dirty))))
			break;
		if (pthread_cond_timedwait(&fs->drafts.settled, &fs->drafts.lock, &until))
			break;
	}
	pthread_mutex_unlock(&fs->drafts.lock);
}

/* ---- checking ---- */

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

	drop_reference(fs, draft);
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
		bool open = find(fs, entry) != NULL;
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
