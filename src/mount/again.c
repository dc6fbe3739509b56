/*
 * Requests that wait for a file are looked at again when it arrives.
 *
 * Only these: an incomplete task, and a request that was refused because a file was not there.
 * Other bytes under the name of an input make no request of themselves.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intake.h"
#include "kiefs/error.h"
#include "kiefs/media.h"

#define TASKS_AT_ONCE 128

/* Whether the entry's task waits; of these bytes unless NULL: what a writer or a daemon that was
 * killed left of another version is no request. */
static bool is_waiting(struct fs *fs, const struct entry *entry, const char *sha)
{
	struct task task = {0};
	bool waits = entry->task && store_task_get(fs->store, entry->task, &task) == 0 &&
		     task.state == TASK_INCOMPLETE && (!sha || strcmp(task.source_sha, sha) == 0);

	task_finish(&task);
	return waits;
}

/* Nobody may be writing the request: its own close looks at it. */
static void look(struct fs *fs, int64_t id, bool wanting)
{
	struct intake checked = {.nothing = true};
	struct error err = {0};
	struct entry entry;
	enum draft_use use;
	struct draft *draft = draft_hold(fs, id, &use);
	int r = use == DRAFT_UNUSED ? store_entry_get(fs->store, id, &entry) : -EBUSY;

	if (r == 0 && (wanting || is_waiting(fs, &entry, NULL))) {
		r = intake_check(fs, id, entry.dir, entry.name, false, &checked, &err);
		if (r == 0 && !wanting && !is_waiting(fs, &entry, checked.sha))
			checked.nothing = true;
		if (r == 0 && !checked.nothing)
			r = intake_stage(fs, id, &checked);
		if (r == 0 && !checked.nothing)
			draft_commit(fs, id);
		else if (r < 0 && err.text)
			intake_refuse(fs, id, entry.dir, entry.name, &err);
	}
	draft_let(fs, draft);
	intake_finish(&checked);
	error_finish(&err);
}

void again_look(struct fs *fs, int64_t entry)
{
	look(fs, entry, false);
}

/* `fox.png` and `fox-2.png` may be what `fox.txt` waits for. */
static void look_by_stem(struct fs *fs, const struct entry *arrived)
{
	char stem[ENTRY_NAME_MAX + 1];
	struct entry request;
	char *dash;

	if (media_of_name(arrived->name) == MEDIA_NONE)
		return;
	snprintf(stem, sizeof(stem), "%s", arrived->name);
	*strrchr(stem, '.') = '\0';
	dash = strrchr(stem, '-');
	if (store_entry_by_stem(fs->store, arrived->dir, stem, &request) == 0 &&
		request.id != arrived->id)
		again_look(fs, request.id);
	if (!dash || dash[1 + strspn(dash + 1, "0123456789")])
		return;
	*dash = '\0';
	if (store_entry_by_stem(fs->store, arrived->dir, stem, &request) == 0)
		again_look(fs, request.id);
}

void again_arrived(struct fs *fs, const struct entry *arrived)
{
	int64_t entry = 0;

	while (store_wanted_next(fs->store, arrived->dir, arrived->name, entry, &entry) == 0)
		look(fs, entry, true);
	look_by_stem(fs, arrived);
}

static void look_at_task(struct fs *fs, int64_t id)
{
	struct task task = {0};
	struct entry entry;

	if (store_task_get(fs->store, id, &task) == 0 && task.state == TASK_INCOMPLETE &&
		task.attached && store_entry_lookup(fs->store, task.dir, task.name, &entry) == 0)
		again_look(fs, entry.id);
	task_finish(&task);
}

void again_look_all(struct fs *fs)
{
	int64_t ids[TASKS_AT_ONCE], entry = 0;
	int n = TASKS_AT_ONCE;

	live_enter(fs);
	while (store_wanted_next(fs->store, 0, NULL, entry, &entry) == 0)
		look(fs, entry, true);
	for (int64_t after = 0; n == TASKS_AT_ONCE; after = n > 0 ? ids[n - 1] : after) {
		n = store_task_list(fs->store, GROUP_HELD, after, ids, TASKS_AT_ONCE);
		for (int i = 0; i < n; i++)
			look_at_task(fs, ids[i]);
	}
	live_leave();
}
