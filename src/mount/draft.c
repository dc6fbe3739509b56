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
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "draft.h"
#include "kiefs/files.h"
#include "kiefs/media.h"
#include "uploads.h"

/* How long a lookup waits for a release that the kernel has already queued. */
#define SETTLE_MS 100

struct draft *draft_find(struct fs *fs, int64_t entry)
{
	struct draft *draft = fs->drafts.first;

	while (draft && draft->entry != entry)
		draft = draft->next;
	return draft;
}

struct draft *draft_open(struct fs *fs, int64_t entry, bool writer)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = draft_find(fs, entry);
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

void draft_drop(struct fs *fs, struct draft *draft)
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
	struct draft *draft = draft_find(fs, entry);
	if (draft)
		draft->refs++;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (!draft)
		return 0;
	int r = draft_changed(fs, draft);
	draft_drop(fs, draft);
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
	struct draft *draft = draft_find(fs, entry);
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
	struct draft *draft = draft_find(fs, entry);
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
	struct draft *draft = draft_find(fs, entry->id);
	bool unfinished = draft && draft->writers > 0 && draft->written;
	pthread_mutex_unlock(&fs->drafts.lock);
	if (!unfinished && store_entry_get(fs->store, entry->id, &now) < 0)
		return true;
	return unfinished || now.index;
}

struct draft *draft_hold(struct fs *fs, int64_t entry, enum draft_use *use)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = draft_find(fs, entry);
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
	draft_drop(fs, draft);
}

void draft_gone(struct fs *fs, const struct entry *entry)
{
	pthread_mutex_lock(&fs->drafts.lock);
	struct draft *draft = draft_find(fs, entry->id);
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
	struct draft *draft = draft_find(fs, entry);
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
		struct draft *draft = draft_find(fs, entry);
		if (!draft ||
			!(draft->busy || (draft->writers > 0 && (draft->staged || draft->dirty))))
			break;
		if (pthread_cond_timedwait(&fs->drafts.settled, &fs->drafts.lock, &until))
			break;
	}
	pthread_mutex_unlock(&fs->drafts.lock);
}
