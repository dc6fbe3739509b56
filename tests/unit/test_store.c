/* The index on a real database in a temporary directory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/protocol.h"
#include "kiefs/store.h"

#include "../../src/task/store_private.h"

#define DIR_A UINT64_C(0x1000000000000001)
#define DIR_B UINT64_C(0x1000000000000002)
#define SHA_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define SHA_2 "2222222222222222222222222222222222222222222222222222222222222222"

struct fixture {
	char folder[64], path[96];
	struct store *store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = {0};

	strcpy(f->folder, "/tmp/kiefs-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/index.sqlite", f->folder);
	assert_int_equal(store_open(f->path, true, &f->store, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[160];

	store_close(f->store);
	snprintf(command, sizeof(command), "rm -r '%s'", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static struct entry make(struct store *store, uint64_t dir, const char *name, enum entry_kind kind)
{
	struct entry entry;

	assert_int_equal(store_entry_create(store, dir, name, kind, 0644, 1000, &entry), 0);
	return entry;
}

static int64_t commit_at(
	struct store *store, const struct entry *entry, const char *sha, bool fresh, int64_t now_ms)
{
	const struct stage stage = {.entry = entry->id,
		.model = "z-image",
		.source_sha = sha,
		.body = "{}",
		.body_len = 2,
		.estimate = 0.8};
	struct changes changes = {0};
	int64_t task = 0;
	bool was_fresh = !fresh;

	assert_int_equal(store_stage(store, &stage), 0);
	assert_int_equal(store_commit(store, entry->id, now_ms, &task, &was_fresh, &changes), 0);
	assert_int_equal(was_fresh, fresh);
	return task;
}

static int64_t commit(struct store *store, const struct entry *entry, const char *sha, bool fresh)
{
	return commit_at(store, entry, sha, fresh, 2000);
}

static bool exists(struct store *store, uint64_t dir, const char *name)
{
	struct entry entry;

	return store_entry_lookup(store, dir, name, &entry) == 0;
}

static enum task_state state_of(struct store *store, int64_t id)
{
	struct task task = {0};

	assert_int_equal(store_task_get(store, id, &task), 0);
	enum task_state state = task.state;
	task_finish(&task);
	return state;
}

static void event(struct store *store, int64_t id, enum task_event_kind kind,
	const struct poll_result *results, size_t count)
{
	const struct task_event event = {.kind = kind,
		.remote_id = "r1",
		.progress = -1,
		.credits = -1,
		.wait_ms = -1,
		.text = "because",
		.category = "image"};
	const struct task_update update = {.results = results, .result_count = count};
	struct changes changes = {0};
	struct task task = {0}, next;

	assert_int_equal(store_task_get(store, id, &task), 0);
	assert_int_equal(task_step(&task, &event, 3000, &next), 0);
	assert_int_equal(store_task_apply(store, &task, &next, &update, 3000, &changes), 0);
	assert_int_equal(changes.task, id);
	task_finish(&task);
}

static void finish(struct store *store, int64_t id, int count)
{
	struct poll_result results[4];
	struct changes changes = {0};

	for (int i = 0; i < count; i++)
		results[i] =
			(struct poll_result){.kind = RESULT_IMAGE, .value = (char *)"https://x/y"};
	event(store, id, EVENT_SEND, NULL, 0);
	event(store, id, EVENT_ACCEPTED, NULL, 0);
	event(store, id, EVENT_SUCCEEDED, results, (size_t)count);
	for (int i = 1; i <= count; i++) {
		struct result done = {.task = id, .index = i, .size = 5, .mtime_ms = 4000};
		strcpy(done.extension, "png");
		strcpy(done.mime, "image/png");
		assert_int_equal(store_result_done(store, &done, 4000, &changes), 0);
		assert_int_equal(store_result_done(store, &done, 4000, &changes), -ESTALE);
	}
	assert_int_equal(state_of(store, id), TASK_DONE);
}

static void test_names(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE), found, list[4];
	int64_t mtime = 0;

	assert_int_equal(
		store_entry_create(store, DIR_A, "a.txt", ENTRY_FILE, 0644, 1, &found), -EEXIST);
	make(store, DIR_A, "b.txt", ENTRY_FILE);
	make(store, DIR_B, "a.txt", ENTRY_FILE);
	assert_int_equal(store_entry_lookup(store, DIR_A, "a.txt", &found), 0);
	assert_int_equal(found.id, a.id);
	assert_int_equal(store_entry_lookup(store, DIR_A, "A.TXT", &found), -ENOENT);
	assert_int_equal(store_entry_list(store, DIR_A, false, 0, list, 4), 2);
	assert_int_equal(store_entry_list(store, DIR_A, false, a.id, list, 4), 1);
	assert_string_equal(list[0].name, "b.txt");
	assert_int_equal(store_dir_mtime(store, DIR_A, &mtime), 0);
	assert_true(mtime > 0);
	assert_int_equal(store_dir_mtime(store, 77, &mtime), -ENOENT);
}

static void test_same_bytes_are_no_new_task(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE), copy;
	struct changes changes = {0};
	struct entry replaced;
	int64_t first = commit(store, &a, SHA_1, true);

	assert_int_equal(commit(store, &a, SHA_1, false), first);
	int64_t second = commit(store, &a, SHA_2, true);
	assert_int_not_equal(first, second);
	/* An editor moves the old file away and writes a new one of the same name. */
	assert_int_equal(store_entry_rename(store, a.id, DIR_A, "a.txt~", false, NULL, 3000,
				 &replaced, &changes),
		0);
	copy = make(store, DIR_A, "a.txt", ENTRY_FILE);
	assert_int_equal(commit(store, &copy, SHA_2, false), second);
	/* The same bytes elsewhere are another request. */
	struct entry other = make(store, DIR_A, "b.txt", ENTRY_FILE);
	assert_int_not_equal(commit(store, &other, SHA_2, true), second);
}

static void test_removal_cancels_what_was_not_sent(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE);
	struct entry b = make(store, DIR_A, "b.txt", ENTRY_FILE);
	struct changes changes = {0};
	int64_t one = commit(store, &a, SHA_1, true), two = commit(store, &b, SHA_1, true);

	assert_true(exists(store, DIR_A, "a.status"));
	event(store, two, EVENT_SEND, NULL, 0);
	assert_int_equal(store_entry_remove(store, a.id, 3000, &changes), 0);
	assert_int_equal(store_entry_remove(store, b.id, 3000, &changes), 0);
	assert_int_equal(state_of(store, one), TASK_CANCELLED);
	assert_int_equal(state_of(store, two), TASK_SUBMITTING);
	assert_false(exists(store, DIR_A, "a.status"));
	assert_false(exists(store, DIR_A, "b.status"));
	/* A cancelled request cost nothing: the same bytes go out again. */
	a = make(store, DIR_A, "a.txt", ENTRY_FILE);
	assert_int_not_equal(commit(store, &a, SHA_1, true), one);
	/* Sent ones do not. */
	b = make(store, DIR_A, "b.txt", ENTRY_FILE);
	assert_int_equal(commit(store, &b, SHA_1, false), two);
	assert_true(exists(store, DIR_A, "b.status"));
}

static void hold(struct store *store, int64_t id)
{
	const struct task_event hold = {.kind = EVENT_HOLD,
		.hold = HOLD_KEY,
		.progress = -1,
		.credits = -1,
		.wait_ms = -1,
		.text = "no key"};
	struct changes changes = {0};
	struct task task = {0}, next;

	assert_int_equal(store_task_get(store, id, &task), 0);
	assert_int_equal(task_step(&task, &hold, 3000, &next), 0);
	assert_int_equal(store_task_apply(store, &task, &next, NULL, 3000, &changes), 0);
	task_finish(&task);
}

/* Edited while it waits for a key, a request is still one request. */
static void test_a_waiting_version_is_replaced(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE);
	struct changes changes = {0};
	int64_t first = commit(store, &a, SHA_1, true);

	hold(store, first);
	int64_t second = commit(store, &a, SHA_2, true);
	assert_int_equal(state_of(store, first), TASK_CANCELLED);
	assert_true(exists(store, DIR_A, "a.status"));
	/* A queued one goes out, and a removal takes back all versions. */
	int64_t third = commit(store, &a, SHA_1, true);
	assert_int_equal(state_of(store, second), TASK_QUEUED);
	assert_int_equal(store_entry_remove(store, a.id, 3000, &changes), 0);
	assert_int_equal(state_of(store, second), TASK_CANCELLED);
	assert_int_equal(state_of(store, third), TASK_CANCELLED);
}

static void test_results_get_names(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE);

	finish(store, commit(store, &a, SHA_1, true), 1);
	assert_true(exists(store, DIR_A, "a.png"));
	assert_false(exists(store, DIR_A, "a.status"));
	finish(store, commit(store, &a, SHA_2, true), 1);
	assert_true(exists(store, DIR_A, "a-2.png"));

	/* Two versions on their way at once: both were paid for, both get a name. */
	struct entry twice = make(store, DIR_A, "t.txt", ENTRY_FILE);
	int64_t early = commit(store, &twice, SHA_1, true),
		late = commit(store, &twice, SHA_2, true);
	finish(store, early, 1);
	finish(store, late, 1);
	assert_true(exists(store, DIR_A, "t.png") && exists(store, DIR_A, "t-2.png"));

	struct entry many = make(store, DIR_A, "many.json", ENTRY_FILE);
	finish(store, commit(store, &many, SHA_1, true), 3);
	assert_true(exists(store, DIR_A, "many-1.png") && exists(store, DIR_A, "many-3.png"));
	assert_false(exists(store, DIR_A, "many.png"));

	struct entry mine = make(store, DIR_A, "c.png", ENTRY_FILE);
	struct entry c = make(store, DIR_A, "c.txt", ENTRY_FILE);
	finish(store, commit(store, &c, SHA_1, true), 1);
	assert_true(exists(store, DIR_A, "c-1.png"));
	assert_int_equal(store_entry_get(store, mine.id, &mine), 0);

	/* A name as long as a name may be. */
	char name[ENTRY_NAME_MAX + 1];
	memset(name, 'n', sizeof(name) - 5);
	strcpy(name + sizeof(name) - 5, ".txt");
	struct entry longest = make(store, DIR_A, name, ENTRY_FILE);
	finish(store, commit(store, &longest, SHA_1, true), 2);
}

static void test_results_follow_their_request(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE), replaced;
	struct changes changes = {0};
	int64_t task = commit(store, &a, SHA_1, true);

	assert_int_equal(store_entry_rename(store, a.id, DIR_B, "b.txt", true, NULL, 3000,
				 &replaced, &changes),
		0);
	assert_false(exists(store, DIR_A, "a.status"));
	assert_true(exists(store, DIR_B, "b.status"));
	finish(store, task, 1);
	assert_true(exists(store, DIR_B, "b.png"));
	assert_false(exists(store, DIR_A, "a.png"));
}

static void test_a_task_without_a_place_still_ends(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE);
	struct changes changes = {0};
	struct result result = {0};
	int64_t task = commit(store, &a, SHA_1, true);

	event(store, task, EVENT_SEND, NULL, 0);
	event(store, task, EVENT_ACCEPTED, NULL, 0);
	assert_int_equal(store_entry_remove(store, a.id, 3000, &changes), 0);
	const struct poll_result one = {.kind = RESULT_IMAGE, .value = (char *)"https://x/y"};
	event(store, task, EVENT_SUCCEEDED, &one, 1);
	struct result done = {.task = task, .index = 1, .extension = "png", .size = 1};
	assert_int_equal(store_result_done(store, &done, 4000, &changes), 0);
	assert_int_equal(state_of(store, task), TASK_DONE);
	assert_false(exists(store, DIR_A, "a.png"));
	assert_int_equal(store_result_get(store, task, 1, &result), 0);
	assert_true(result.whole);
	assert_int_equal(result.entry, 0);
	result_finish(&result);
}

static void test_a_retry_keeps_what_was_paid_for(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE);
	const struct poll_result two[2] = {{.kind = RESULT_IMAGE, .value = (char *)"https://x/1"},
		{.kind = RESULT_IMAGE, .value = (char *)"https://x/2"}};
	struct changes changes = {0};
	struct result rows[8], done = {.index = 1, .size = 1, .extension = "png"};
	int64_t task = done.task = commit(store, &a, SHA_1, true);

	event(store, task, EVENT_SEND, NULL, 0);
	event(store, task, EVENT_ACCEPTED, NULL, 0);
	event(store, task, EVENT_SUCCEEDED, two, 2);
	assert_int_equal(store_result_done(store, &done, 4000, &changes), 0);
	event(store, task, EVENT_GONE, NULL, 0);
	assert_int_equal(state_of(store, task), TASK_LOST);
	event(store, task, EVENT_RETRY, NULL, 0);
	event(store, task, EVENT_SEND, NULL, 0);
	event(store, task, EVENT_ACCEPTED, NULL, 0);
	event(store, task, EVENT_SUCCEEDED, two, 2);
	assert_int_equal(store_result_list(store, task, rows, 8), 3);
	assert_true(rows[0].whole && !rows[1].whole && !rows[2].whole);
	for (int i = 0; i < 3; i++)
		result_finish(&rows[i]);
	/* The number of what was lost is not used again. */
	for (done.index = 3; done.index <= 4; done.index++)
		assert_int_equal(store_result_done(store, &done, 5000, &changes), 0);
	assert_int_equal(state_of(store, task), TASK_DONE);
	assert_true(exists(store, DIR_A, "a-1.png") && exists(store, DIR_A, "a-4.png"));
}

/* What is final while the task runs is fetched then, once, and keeps its number and its name. */
static void test_early_results(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE);
	const struct poll_result whole[2] = {{.kind = RESULT_AUDIO,
						     .value = (char *)"https://x/1",
						     .label = (char *)"1",
						     .number = 1},
		{.kind = RESULT_AUDIO,
			.value = (char *)"https://x/2",
			.label = (char *)"2",
			.number = 4}};
	struct changes changes = {0};
	struct result rows[8], done = {.index = 4, .size = 1, .extension = "mp3"};
	int64_t task = done.task = commit(store, &a, SHA_1, true);

	event(store, task, EVENT_SEND, NULL, 0);
	event(store, task, EVENT_ACCEPTED, NULL, 0);
	event(store, task, EVENT_POLLED, &whole[1], 1);
	assert_int_equal(store_result_due(store, INT64_MAX, rows, 8), 1);
	assert_int_equal(rows[0].index, 4);
	result_finish(&rows[0]);
	assert_int_equal(store_result_done(store, &done, 4000, &changes), 0);
	assert_int_equal(state_of(store, task), TASK_RUNNING);
	assert_true(exists(store, DIR_A, "a-2.mp3"));
	event(store, task, EVENT_POLLED, &whole[1], 1);
	assert_int_equal(store_result_due(store, INT64_MAX, rows, 8), 0);
	event(store, task, EVENT_SUCCEEDED, whole, 2);
	assert_int_equal(store_result_due(store, INT64_MAX, rows, 8), 1);
	assert_int_equal(rows[0].index, 1);
	result_finish(&rows[0]);
	done.index = 1;
	assert_int_equal(store_result_done(store, &done, 5000, &changes), 0);
	assert_int_equal(state_of(store, task), TASK_DONE);
	assert_true(exists(store, DIR_A, "a-1.mp3") && exists(store, DIR_A, "a-2.mp3"));
	assert_false(exists(store, DIR_A, "a-2-2.mp3"));
}

static void test_stale_writes_are_refused(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE);
	int64_t id = commit(store, &a, SHA_1, true);
	const struct task_event send = {
		.kind = EVENT_SEND, .progress = -1, .credits = -1, .wait_ms = -1};
	struct changes changes = {0};
	struct task task = {0}, next;

	assert_int_equal(store_task_get(store, id, &task), 0);
	assert_int_equal(task_step(&task, &send, 3000, &next), 0);
	event(store, id, EVENT_CANCEL, NULL, 0);
	assert_int_equal(store_task_apply(store, &task, &next, NULL, 3000, &changes), -ESTALE);
	assert_int_equal(state_of(store, id), TASK_CANCELLED);
	task_finish(&task);
}

static void test_recovery(void **state)
{
	struct fixture *f = *state;
	struct entry sent = make(f->store, DIR_A, "sent.txt", ENTRY_FILE);
	struct entry closed = make(f->store, DIR_A, "closed.txt", ENTRY_FILE);
	struct entry scratch = make(f->store, DIR_A, "scratch.tmp", ENTRY_FILE);
	const struct stage staged = {.entry = closed.id,
		.model = "z-image",
		.source_sha = SHA_1,
		.body = "{}",
		.body_len = 2,
		.estimate = -1};
	const struct stage renamed = {.entry = scratch.id,
		.model = "z-image",
		.source_sha = SHA_1,
		.body = "{}",
		.body_len = 2,
		.estimate = -1};
	struct error err = {0};
	int64_t id = commit(f->store, &sent, SHA_1, true), latest = 0;

	event(f->store, id, EVENT_SEND, NULL, 0);
	assert_int_equal(store_stage(f->store, &staged), 0);
	assert_int_equal(store_stage(f->store, &renamed), 0);
	store_close(f->store);
	assert_int_equal(store_open(f->path, true, &f->store, &err), 0);
	assert_int_equal(store_recover(f->store, 9000), 0);
	assert_int_equal(state_of(f->store, id), TASK_UNCERTAIN);
	assert_int_equal(store_task_latest(f->store, &latest), 0);
	assert_int_equal(latest, id + 1);
	assert_int_equal(state_of(f->store, latest), TASK_QUEUED);
	assert_true(exists(f->store, DIR_A, "closed.status"));
	/* Twice is once. */
	assert_int_equal(store_recover(f->store, 9000), 0);
	assert_int_equal(store_task_latest(f->store, &latest), 0);
	assert_int_equal(latest, id + 1);
}

static void test_refusals(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry a = make(store, DIR_A, "a.json", ENTRY_FILE), error;
	struct changes changes = {0};
	struct buf text;

	buf_init(&text, 1000);
	assert_int_equal(store_reject(store, a.id, DIR_A, "a.json", 1, "one\n", 1000, &changes), 0);
	assert_int_equal(store_reject(store, a.id, DIR_A, "a.json", 1, "two\n", 1000, &changes), 0);
	assert_int_equal(store_entry_lookup(store, DIR_A, "a.error", &error), 0);
	assert_int_equal(error.size, 4);
	assert_int_equal(store_entry_text(store, error.id, &text), 0);
	assert_string_equal(text.data, "two\n");
	commit(store, &a, SHA_1, true);
	assert_false(exists(store, DIR_A, "a.error"));
	buf_finish(&text);
}

static void test_groups_and_lists(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	int64_t ids[8], counts[TASK_STATE_COUNT], due = 0;
	char name[16];

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%d.txt", i);
		struct entry entry = make(store, DIR_A, name, ENTRY_FILE);
		int64_t id = commit(store, &entry, SHA_1, true);
		if (i % 2)
			event(store, id, EVENT_SEND, NULL, 0);
		if (i == 5)
			event(store, id, EVENT_NO_ANSWER, NULL, 0);
	}
	assert_int_equal(store_task_list(store, GROUP_ACTIVE, 0, ids, 8), 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ids[i], i + 1);
	assert_int_equal(store_task_list(store, GROUP_ACTIVE, 2, ids, 2), 2);
	assert_int_equal(ids[0], 3);
	assert_int_equal(ids[1], 4);
	assert_int_equal(store_task_list(store, GROUP_HELD, 0, ids, 8), 1);
	assert_int_equal(ids[0], 6);
	assert_int_equal(store_task_list(store, GROUP_ALL, 4, ids, 8), 2);
	assert_int_equal(store_task_counts(store, counts), 0);
	assert_int_equal(counts[TASK_QUEUED], 3);
	assert_int_equal(counts[TASK_UNCERTAIN], 1);
	assert_int_equal(store_task_due(store, TASK_QUEUED, 5000, ids, 8), 3);
	assert_int_equal(store_task_next_due(store, TASK_QUEUED, &due), 0);
	assert_true(due <= 5000);
	assert_int_equal(store_task_next_due(store, TASK_DONE, &due), 0);
	assert_int_equal(due, INT64_MAX);
	assert_int_equal(store_due_by(store, 1000), 0);
	assert_int_equal(store_task_next_due(store, TASK_QUEUED, &due), 0);
	assert_int_equal(due, 1000);
	assert_int_equal(store_task_count(store, TASK_QUEUED, &due), 0);
	assert_int_equal(due, 3);
}

static void test_days(void **state)
{
	static const int64_t made_ms[] = {
		DAY_MS - 1, DAY_MS, 4 * DAY_MS + 7, 2 * DAY_MS - 1, 4 * DAY_MS + 9};
	struct store *store = ((struct fixture *)*state)->store;
	int64_t ids[8], day = 0, ms = 0;
	char name[16];

	assert_int_equal(store_day_next(store, 0, &day), -ENOENT);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%d.txt", i);
		struct entry entry = make(store, DIR_A, name, ENTRY_FILE);
		assert_int_equal(commit_at(store, &entry, SHA_1, true, made_ms[i]), i + 1);
	}
	assert_int_equal(store_day_next(store, 0, &day), 0);
	assert_int_equal(day, 0);
	assert_int_equal(store_day_next(store, 2, &day), 0);
	assert_int_equal(day, 4);
	assert_int_equal(store_day_next(store, 5, &day), -ENOENT);
	assert_int_equal(store_day_latest(store, 4, &ms), 0);
	assert_int_equal(ms, made_ms[4]);
	assert_int_equal(store_day_latest(store, 3, &ms), -ENOENT);
	assert_int_equal(store_day_list(store, 1, 0, ids, 8), 2);
	assert_int_equal(ids[0], 2);
	assert_int_equal(ids[1], 4);
	assert_int_equal(store_day_list(store, 1, 2, ids, 8), 1);
	assert_int_equal(store_day_list(store, 1, 0, ids, 1), 1);
	assert_int_equal(store_day_list(store, 2, 0, ids, 8), 0);
}

static void test_folders(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	struct entry folder = make(store, DIR_A, "folder", ENTRY_DIR);
	struct entry inside = make(store, entry_dir_inode(folder.id), "a.txt", ENTRY_FILE);
	struct entry file = make(store, DIR_A, "file", ENTRY_FILE), replaced;
	const struct stage stage = {.entry = file.id,
		.model = "z-image",
		.source_sha = SHA_1,
		.body = "{}",
		.body_len = 2};
	struct changes changes = {0};
	int64_t task;
	bool fresh;

	assert_int_equal(store_entry_remove(store, folder.id, 1, &changes), -ENOTEMPTY);
	assert_int_equal(store_entry_rename(store, file.id, DIR_A, "folder", false, &stage, 1,
				 &replaced, &changes),
		-EISDIR);
	/* Staged with the move or not at all. */
	assert_int_equal(store_commit(store, file.id, 1, &task, &fresh, &changes), -ENOENT);
	assert_int_equal(store_entry_rename(store, file.id, DIR_A, "file.txt", true, &stage, 1,
				 &replaced, &changes),
		0);
	assert_int_equal(store_commit(store, file.id, 1, &task, &fresh, &changes), 0);
	assert_int_equal(store_entry_rename(store, file.id, DIR_A, "file", false, NULL, 1,
				 &replaced, &changes),
		0);
	assert_int_equal(store_entry_rename(store, folder.id, DIR_A, "file", false, NULL, 1,
				 &replaced, &changes),
		-ENOTDIR);
	assert_int_equal(store_entry_remove(store, inside.id, 1, &changes), 0);
	assert_int_equal(store_entry_remove(store, folder.id, 1, &changes), 0);
}

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static void test_damaged_indexes_are_left_alone(void **state)
{
	struct fixture *f = *state;
	char path[160], before[200], after[200];
	struct store *store = NULL;
	struct error err = {0};

	snprintf(path, sizeof(path), "%s/garbage.sqlite", f->folder);
	memset(before, 'x', sizeof(before));
	write_file(path, before, sizeof(before));
	assert_int_equal(store_open(path, true, &store, &err), -EUCLEAN);
	assert_non_null(strstr(error_text(&err), path));
	assert_null(store);
	int fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, after, sizeof(after)), sizeof(after));
	assert_memory_equal(before, after, sizeof(after));
	close(fd);
	error_finish(&err);

	snprintf(path, sizeof(path), "%s/half.sqlite", f->folder);
	write_file(path, "SQLite format 3", 16);
	assert_int_equal(store_open(path, true, &store, &err), -EUCLEAN);
	error_finish(&err);
}

static void test_an_older_index_is_brought_up(void **state)
{
	struct fixture *f = *state;
	char path[160];
	struct store *store = NULL;
	struct error err = {0};
	struct entry entry;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/older.sqlite", f->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, store_schema[0], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "PRAGMA user_version = 1; INSERT INTO entry (dir, name, kind, "
				 "mode, mtime_ns) VALUES (4711, 'a.txt', 1, 420, 1)",
				 NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(path, true, &store, &err), 0);
	assert_int_equal(store_entry_lookup(store, 4711, "a.txt", &entry), 0);
	assert_int_equal(entry.uid, -1);
	assert_int_equal(entry.mode, 0644);
	assert_int_equal(store_entry_set_maker(store, entry.id, 1000, 100), 0);
	assert_int_equal(store_entry_get(store, entry.id, &entry), 0);
	assert_int_equal(entry.uid, 1000);
	assert_int_equal(entry.gid, 100);
	store_close(store);
}

static void test_two_connections(void **state)
{
	struct store *store = ((struct fixture *)*state)->store, *peer = NULL;
	struct error err = {0};
	struct entry a = make(store, DIR_A, "a.txt", ENTRY_FILE);

	assert_int_equal(store_open_peer(store, false, &peer, &err), 0);
	int64_t id = commit(store, &a, SHA_1, true);
	event(peer, id, EVENT_SEND, NULL, 0);
	assert_int_equal(state_of(store, id), TASK_SUBMITTING);
	assert_int_equal(store_sync(peer), 0);
	assert_int_equal(store_log(peer, 0, 1000, "a\nb"), 0);
	struct buf text;
	buf_init(&text, 10000);
	assert_int_equal(store_log_tail(store, 1, &text), 0);
	assert_string_equal(text.data, "1970-01-01T00:00:01Z a b\n");
	buf_finish(&text);
	store_close(peer);
}

static void test_log_last(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	int64_t at_ms = 7;

	assert_int_equal(store_log_last(store, 0, &at_ms), 0);
	assert_int_equal(at_ms, 7);
	assert_int_equal(store_log(store, 1, 1000, "one"), 0);
	assert_int_equal(store_log(store, 2, 3000, "two"), 0);
	assert_int_equal(store_log(store, 1, 2000, "three"), 0);
	assert_int_equal(store_log_last(store, 2, &at_ms), 0);
	assert_int_equal(at_ms, 3000);
	assert_int_equal(store_log_last(store, 0, &at_ms), 0);
	assert_int_equal(at_ms, 2000);
	assert_int_equal(store_log_last(store, 3, &at_ms), 0);
	assert_int_equal(at_ms, 2000);
}

static void test_resume(void **state)
{
	struct store *store = ((struct fixture *)*state)->store;
	const struct task_event hold = {.kind = EVENT_HOLD,
		.hold = HOLD_KEY,
		.progress = -1,
		.credits = -1,
		.wait_ms = -1,
		.text = "no key"};
	struct changes changes = {0};
	char name[16];

	for (int i = 0; i < 5; i++) {
		struct task task = {0}, next;
		snprintf(name, sizeof(name), "%d.txt", i);
		struct entry entry = make(store, DIR_A, name, ENTRY_FILE);
		int64_t id = commit(store, &entry, SHA_1, true);
		assert_int_equal(store_task_get(store, id, &task), 0);
		assert_int_equal(task_step(&task, &hold, 3000, &next), 0);
		assert_int_equal(store_task_apply(store, &task, &next, NULL, 3000, &changes), 0);
		task_finish(&task);
	}
	assert_true(exists(store, DIR_A, "0.error"));
	assert_int_equal(store_task_resume(store, HOLD_CREDITS, 4000), 0);
	assert_int_equal(store_task_resume(store, HOLD_KEY, 4000), 5);
	assert_false(exists(store, DIR_A, "0.error"));
	assert_int_equal(store_task_resume(store, HOLD_KEY, 4000), 0);
}

static void test_numbers_go_on_after_others(void **state)
{
	struct fixture *f = *state;
	bool moved = false;

	assert_int_equal(store_number_after(f->store, 70, 40, &moved), 0);
	assert_true(moved);
	struct entry entry = make(f->store, DIR_A, "a.txt", ENTRY_FILE);
	assert_int_equal(entry.id, 71);
	assert_int_equal(commit(f->store, &entry, SHA_1, true), 41);
	/* As at every other start. */
	assert_int_equal(store_number_after(f->store, 71, 40, &moved), 0);
	assert_false(moved);
	assert_int_equal(store_number_after(f->store, 90, 41, &moved), 0);
	assert_true(moved);
	entry = make(f->store, DIR_A, "b.txt", ENTRY_FILE);
	assert_int_equal(entry.id, 91);
	assert_int_equal(commit(f->store, &entry, SHA_1, true), 42);
}

static void test_files(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct files files;
	struct error err = {0};
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b/data", f->folder);
	assert_int_equal(files_open(path, &files, &err), 0);
	assert_int_equal(files_stat_entry(&files, 7, &st), -ENOENT);
	int fd = files_open_entry(&files, 123456, O_RDWR | O_CREAT);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	close(fd);
	assert_int_equal(files_stat_entry(&files, 123456, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(files_remove_entry(&files, 123456), 0);
	fd = files_open_part(&files, 5, 1, O_RDWR | O_CREAT);
	assert_int_equal(write(fd, "whole", 5), 5);
	assert_int_equal(files_open_result(&files, 5, 1, O_RDONLY), -ENOENT);
	assert_int_equal(files_commit_part(&files, 5, 1, fd), 0);
	close(fd);
	fd = files_open_result(&files, 5, 1, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(files_open_part(&files, 5, 1, O_RDONLY), -ENOENT);
	int64_t entry, task;
	assert_int_equal(files_last(&files, &entry, &task), 0);
	assert_int_equal(entry, 123000); /* by its folder, which is empty now */
	assert_int_equal(task, 5);
	close(files_open_part(&files, 12, 3, O_RDWR | O_CREAT));
	close(files_open_entry(&files, 123457, O_RDWR | O_CREAT));
	assert_int_equal(files_last(&files, &entry, &task), 0);
	assert_int_equal(entry, 123457);
	assert_int_equal(task, 12);
	files_close(&files);
}

/* With a million tasks a statement that looks at every row stops everything. */
static void test_statements_use_their_indexes(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	for (int i = 0; i < SQL_COUNT; i++) {
		sqlite3_stmt *plan;
		char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", store_sql[i]);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);
			bool whole = strncmp(step, "SCAN ", 5) == 0 &&
				     strncmp(step, "SCAN CONSTANT", 13) != 0;
			/* What sorts has read all that it might have to give; of what was spent
			 * there is one row a day and model. */
			bool sorts = strncmp(step, "USE TEMP B-TREE", 15) == 0 &&
				     i != SQL_ENTRY_REQUESTS && i != SQL_LOG_TAIL &&
				     i != SQL_SPEND_MODELS;
			/* Statistics count; lists and the log's tail read from one end. */
			bool meant = i == SQL_TASK_COUNTS || i == SQL_LOG_TAIL ||
				     i == SQL_TASK_EARLIER || i == SQL_RESULT_EARLIER ||
				     i == SQL_STAGE_LIST || i == SQL_STREAM_LIST ||
				     strstr(step, "USING INDEX result_due") ||
				     strcmp(step, "SCAN sqlite_sequence") == 0 ||
				     strstr(step, "SCAN (subquery");
			if ((whole && !meant) || sorts)
				fail_msg("statement %d: %s\n%s", i, step, store_sql[i]);
		}
		sqlite3_finalize(plan);
		sqlite3_free(sql);
	}
	sqlite3_close(db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_names),
		CASE(test_same_bytes_are_no_new_task),
		CASE(test_removal_cancels_what_was_not_sent),
		CASE(test_a_waiting_version_is_replaced),
		CASE(test_results_get_names),
		CASE(test_results_follow_their_request),
		CASE(test_a_task_without_a_place_still_ends),
		CASE(test_a_retry_keeps_what_was_paid_for),
		CASE(test_early_results),
		CASE(test_stale_writes_are_refused),
		CASE(test_recovery),
		CASE(test_refusals),
		CASE(test_groups_and_lists),
		CASE(test_days),
		CASE(test_folders),
		CASE(test_damaged_indexes_are_left_alone),
		CASE(test_an_older_index_is_brought_up),
		CASE(test_two_connections),
		CASE(test_log_last),
		CASE(test_resume),
		CASE(test_statements_use_their_indexes),
		CASE(test_numbers_go_on_after_others),
		CASE(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
