/* The worker: files of requests and of uploads/ on their way to an address. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/input.h"
#include "kiefs/store_upload.h"
#include "worker_world.h"

#define MINUTE 60000
#define HOUR (60LL * MINUTE)
#define DIR_INODE 4711
#define UPLOADS_INODE 4712

static struct {
	int from, to; /* calls */
	struct fake_plan plan;
} fault;

static struct fake_plan some_uploads(const struct fake_call *call)
{
	if (call->kind == CALL_UPLOAD && call->serial >= fault.from && call->serial < fault.to)
		return fault.plan;
	return (struct fake_plan){0};
}

static void plan_uploads(int from, int to, struct fake_plan plan)
{
	fault.from = from;
	fault.to = to;
	fault.plan = plan;
	fake.plan = some_uploads;
}

static void put(int64_t entry, const char *text)
{
	int fd = files_open_entry(&world.files, entry, O_RDWR | O_CREAT | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int64_t add_file(uint64_t dir, const char *name, const char *text)
{
	struct entry entry;

	assert_int_equal(
		store_entry_create(world.front, dir, name, ENTRY_FILE, 0644, fake.now, &entry), 0);
	put(entry.id, text);
	return entry.id;
}

/* A request that names these files. */
static int64_t add_task(int prompt, const int64_t *files, size_t count)
{
	struct input inputs[4] = {0};
	char name[32], body[300], sha[32], places[4][40];
	struct changes changes = {0};
	struct entry entry;
	int64_t task = 0;
	bool fresh = false;
	size_t len;

	snprintf(name, sizeof(name), "n%d.txt", prompt);
	snprintf(sha, sizeof(sha), "sha%d", prompt);
	len = (size_t)snprintf(body, sizeof(body),
		"{\"model\":\"z-image\",\"input\":{\"prompt\":\"n%d\",\"urls\":[", prompt);
	for (size_t i = 0; i < count; i++) {
		snprintf(places[i], sizeof(places[i]), "/input/urls/%zu", i);
		inputs[i] = (struct input){.kind = INPUT_MEDIA,
			.place = places[i],
			.name = (char *)"me.png",
			.entry = files[i]};
		len += (size_t)snprintf(
			body + len, sizeof(body) - len, "%s\"me.png\"", i ? "," : "");
	}
	snprintf(body + len, sizeof(body) - len, "]}}");
	assert_int_equal(store_entry_create(
				 world.front, DIR_INODE, name, ENTRY_FILE, 0644, fake.now, &entry),
		0);
	const struct stage stage = {
		.entry = entry.id,
		.model = "z-image",
		.source_sha = sha,
		.body = body,
		.body_len = strlen(body),
		.estimate = -1,
		.inputs = inputs,
		.input_count = count,
	};
	assert_int_equal(store_stage(world.front, &stage), 0);
	assert_int_equal(store_commit(world.front, entry.id, fake.now, &task, &fresh, &changes), 0);
	return task;
}

/* A file of uploads/ that was closed. */
static int64_t add_upload(const char *name, const char *text, const char *source)
{
	int64_t entry = add_file(UPLOADS_INODE, name, text), task = -1;
	struct changes changes = {0};
	bool fresh = false;
	const struct stage stage = {.entry = entry,
		.model = "",
		.source_sha = source ? source : "",
		.body = "",
		.estimate = -1};

	assert_int_equal(store_stage(world.front, &stage), 0);
	assert_int_equal(store_commit(world.front, entry, fake.now, &task, &fresh, &changes), 0);
	assert_int_equal(task, 0);
	return entry;
}

static bool has_name(const char *name, struct entry *out)
{
	return store_entry_lookup(world.front, UPLOADS_INODE, name, out) == 0;
}

static void check_text(const char *name, const char *text)
{
	struct entry entry;
	struct buf got;

	assert_true(has_name(name, &entry));
	buf_init(&got, 4096);
	assert_int_equal(store_entry_text(world.front, entry.id, &got), 0);
	assert_string_equal(got.data, text);
	assert_int_equal(entry.size, strlen(text));
	buf_finish(&got);
}

static void test_from_file_to_address(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "the bytes");
	int64_t task = add_task(1, &file, 1);

	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 1);
	assert_int_equal(fake.upload_bytes, 9);
	assert_non_null(strstr(fake.body, "\"urls\":[\"https://up.test/0\"]"));
	/* Nothing of the user's name but the extension. */
	assert_int_equal(strlen(fake.uploaded), 36);
	assert_string_equal(fake.uploaded + 32, ".png");
	assert_null(strstr(fake.uploaded, "me"));
	assert_true(world_log_has(task, "uploaded 9 bytes"));
}

static void test_once_per_content(void **state)
{
	int64_t files[3] = {
		add_file(DIR_INODE, "a.png", "same"),
		add_file(DIR_INODE, "b.png", "same"),
		add_file(DIR_INODE, "c.png", "other"),
	};
	int64_t one = add_task(1, files, 3), two = add_task(2, files + 1, 2), three;

	world_until(one, TASK_DONE, MINUTE);
	world_until(two, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 2);
	three = add_task(3, files, 2);
	world_until(three, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 2);
	assert_non_null(strstr(fake.body, "[\"https://up.test/0\",\"https://up.test/0\"]"));
}

static void test_again_when_changed(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "first");
	int64_t one = add_task(1, &file, 1), two;

	world_until(one, TASK_DONE, MINUTE);
	put(file, "second");
	two = add_task(2, &file, 1);
	world_until(two, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 2);
	assert_non_null(strstr(fake.body, "https://up.test/1"));
}

static void test_again_after_its_life(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "bytes");
	int64_t task = add_task(1, &file, 1);

	world_until(task, TASK_DONE, MINUTE);
	fake.now += 67 * HOUR;
	task = add_task(2, &file, 1);
	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 1);
	/* It would hold for three hours more, and the task may have to wait. */
	fake.now += 2 * HOUR;
	task = add_task(3, &file, 1);
	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 2);
	assert_non_null(strstr(fake.body, "https://up.test/1"));
}

static void test_an_address_that_dies_while_the_task_waits(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "bytes"), task;

	/* Room for none: the task waits behind its upload. */
	world.options.max_running = 0;
	world_start_worker();
	task = add_task(1, &file, 1);
	world_run(MINUTE);
	assert_int_equal(world_state(task), TASK_QUEUED);
	world.options.max_running = 10;
	world_start_worker();
	plan_uploads(0, 0, (struct fake_plan){0});
	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 1);
}

static void test_a_short_life_is_no_endless_loop(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "bytes"), task;

	fake.upload_life_ms = 5000;
	task = add_task(1, &file, 1);
	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 1);
}

static void test_failures_are_tried_again(void **state)
{
	static const struct fake_plan plans[] = {
		{.fault = FAULT_NOT_SENT},
		{.fault = FAULT_LOST_TAKEN},
		{.fault = FAULT_STATUS, .number = 502},
		{.fault = FAULT_STATUS, .number = 429, .retry_after_ms = 20000},
		{.fault = FAULT_CODE, .number = 500},
		{.fault = FAULT_CODE, .number = 455},
		{.fault = FAULT_BODY, .body = "{\"success\":true,\"code\":200,\"data\":{}}"},
		{.fault = FAULT_BODY, .body = "[]"},
		{.fault = FAULT_TOO_LARGE},
	};

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		char text[32];
		snprintf(text, sizeof(text), "bytes %zu", i);
		snprintf(text + 16, 16, "f%zu.png", i);
		int64_t file = add_file(DIR_INODE, text + 16, text);
		int64_t task = add_task((int)i + 1, &file, 1);
		int begin = fake.calls[CALL_UPLOAD];

		plan_uploads(begin, begin + 2, plans[i]);
		while (fake.calls[CALL_UPLOAD] == begin || world_state(task) == TASK_UPLOADING)
			world_round(1000);
		assert_int_equal(world_state(task), TASK_QUEUED);
		assert_true(world_error_has(task, "could not be uploaded"));
		world_until(task, TASK_DONE, 10 * MINUTE);
		assert_int_equal(fake.calls[CALL_UPLOAD], begin + 3);
	}
}

static void test_refusals_are_final(void **state)
{
	static const struct fake_plan plans[] = {
		{.fault = FAULT_STATUS, .number = 413},
		{.fault = FAULT_CODE, .number = 400},
		{.fault = FAULT_BODY, .body = "{\"success\":false,\"code\":415,\"msg\":\"no\"}"},
	};

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%zu.png", i);
		int64_t file = add_file(DIR_INODE, name, name);
		int64_t task = add_task((int)i + 1, &file, 1);

		plan_uploads(fake.calls[CALL_UPLOAD], 1000, plans[i]);
		world_until(task, TASK_FAILED, MINUTE);
		assert_true(world_error_has(task, "does not take the file"));
	}
	assert_int_equal(fake.calls[CALL_UPLOAD], 3);
	assert_int_equal(fake.posts, 0);
}

static void test_files_that_cannot_go(void **state)
{
	int64_t gone = add_file(DIR_INODE, "gone.png", "x");
	int64_t empty = add_file(DIR_INODE, "empty.png", "");
	int64_t one = add_task(1, &gone, 1), two = add_task(2, &empty, 1);

	assert_int_equal(files_remove_entry(&world.files, gone), 0);
	world_until(one, TASK_FAILED, MINUTE);
	world_until(two, TASK_FAILED, MINUTE);
	assert_true(world_error_has(one, "me.png is not there any more"));
	assert_true(world_error_has(two, "is empty"));
	assert_int_equal(fake.calls[CALL_UPLOAD], 0);
}

static void test_without_a_key_nothing_goes_up(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "bytes"), up, task;
	struct entry entry;

	world.key = NULL;
	world_start_worker();
	task = add_task(1, &file, 1);
	up = add_upload("you.png", "others", NULL);
	world_until(task, TASK_HELD, MINUTE);
	world_run(MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 0);
	assert_true(has_name("you.png.status", &entry));
	world.key = "secret";
	worker_reload(world.worker);
	world_until(task, TASK_DONE, MINUTE);
	world_run(MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 2);
	assert_true(has_name("you.png.url", &entry));
	assert_int_equal(entry.owner, up);
}

static void test_a_refused_key(void **state)
{
	int64_t files[2] = {
		add_file(DIR_INODE, "a.png", "one"), add_file(DIR_INODE, "b.png", "two")};
	int64_t one, two;

	plan_uploads(0, 2, (struct fake_plan){.fault = FAULT_CODE, .number = 401});
	one = add_task(1, files, 1);
	two = add_task(2, files + 1, 1);
	world_until(one, TASK_HELD, MINUTE);
	world_until(two, TASK_HELD, MINUTE);
	/* From time to time one of them is let through; its upload is what tells. */
	world_until(one, TASK_DONE, 30 * MINUTE);
	world_until(two, TASK_DONE, 30 * MINUTE);
	assert_in_range(fake.calls[CALL_UPLOAD], 3, 5);
}

static void test_a_restart_begins_anew(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "bytes");
	int64_t task = add_task(1, &file, 1);

	while (fake.calls[CALL_UPLOAD] == 0 && world_state(task) != TASK_UPLOADING)
		world_round(1);
	world_restart();
	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.posts, 1);
}

static void test_a_cancelled_task_uploads_for_others(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "bytes");
	int64_t task = add_task(1, &file, 1), other;

	world_until(task, TASK_UPLOADING, MINUTE);
	world_event(task, EVENT_CANCEL);
	world_run(MINUTE);
	assert_int_equal(world_state(task), TASK_CANCELLED);
	other = add_task(2, &file, 1);
	world_until(other, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 1);
}

static void test_progress(void **state)
{
	int64_t file = add_file(DIR_INODE, "me.png", "bytes"), task;
	struct task row;
	char line[128];

	fake.latency_ms = 3000;
	plan_uploads(0, 1, (struct fake_plan){.fault = FAULT_VANISH});
	task = add_task(1, &file, 1);
	world_run(10000);
	assert_int_equal(store_task_get(world.front, task, &row), 0);
	assert_int_equal(row.state, TASK_UPLOADING);
	task_status_line(&row, row.due_ms + 3000, line, sizeof(line));
	assert_string_equal(line, "uploading 40% 00:03");
	task_finish(&row);
}

static void test_a_file_of_uploads(void **state)
{
	struct entry entry;
	int64_t file = add_upload("photo.jpg", "picture", NULL), task, expires;
	struct changes changes = {0};

	assert_true(has_name("photo.jpg.status", &entry));
	world_run(1000);
	check_text("photo.jpg.url", "https://up.test/0\n");
	assert_false(has_name("photo.jpg.status", &entry));
	assert_int_equal(store_upload_expires(world.front, file, &expires), 0);
	assert_in_range(expires - fake.now, 71 * HOUR, 72 * HOUR);
	/* A request that names it takes the address that is there. */
	task = add_task(1, &file, 1);
	world_until(task, TASK_DONE, MINUTE);
	assert_int_equal(fake.calls[CALL_UPLOAD], 1);
	/* Used again when it has expired, it gets a new one. */
	fake.now += 80 * HOUR;
	task = add_task(2, &file, 1);
	world_until(task, TASK_DONE, MINUTE);
	check_text("photo.jpg.url", "https://up.test/1\n");
	assert_int_equal(store_entry_remove(world.front, file, fake.now, &changes), 0);
	assert_false(has_name("photo.jpg.url", &entry));
}

static void test_files_of_uploads_with_the_same_content(void **state)
{
	add_upload("a.png", "same", NULL);
	add_upload("b.png", "same", NULL);
	world_run(1000);
	add_upload("c.png", "same", NULL);
	world_run(1000);
	check_text("a.png.url", "https://up.test/0\n");
	check_text("b.png.url", "https://up.test/0\n");
	check_text("c.png.url", "https://up.test/0\n");
	assert_int_equal(fake.calls[CALL_UPLOAD], 1);
}

static void test_a_file_of_uploads_that_is_refused(void **state)
{
	struct entry entry;

	plan_uploads(0, 1, (struct fake_plan){.fault = FAULT_STATUS, .number = 413});
	add_upload("a.png", "bytes", NULL);
	world_run(1000);
	assert_true(has_name("a.png.error", &entry));
	assert_false(has_name("a.png.status", &entry));
	world_run(HOUR);
	assert_int_equal(fake.calls[CALL_UPLOAD], 1);
}

static void test_an_address_in_uploads(void **state)
{
	add_upload("b.url", "https://pictures.test/b.png\n", "https://pictures.test/b.png");
	world_run(1000);
	check_text("b.url.url", "https://up.test/0\n");
	assert_int_equal(fake.upload_bytes, 0);
}

static void test_a_closed_file_survives_the_daemon(void **state)
{
	int64_t entry = add_file(UPLOADS_INODE, "a.png", "bytes");
	const struct stage stage = {
		.entry = entry, .model = "", .source_sha = "", .body = "", .estimate = -1};

	assert_int_equal(store_stage(world.front, &stage), 0);
	world_restart();
	world_run(1000);
	check_text("a.png.url", "https://up.test/0\n");
}

static void test_few_at_a_time(void **state)
{
	char name[16];

	fake.latency_ms = 1000;
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "f%d.png", i);
		add_upload(name, name, NULL);
	}
	world_round(1);
	world_run(1500);
	assert_in_range(fake.calls[CALL_UPLOAD], 1, 3);
	world_run(5000);
	assert_int_equal(fake.calls[CALL_UPLOAD], 10);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_from_file_to_address),
		CASE(test_once_per_content),
		CASE(test_again_when_changed),
		CASE(test_again_after_its_life),
		CASE(test_an_address_that_dies_while_the_task_waits),
		CASE(test_a_short_life_is_no_endless_loop),
		CASE(test_failures_are_tried_again),
		CASE(test_refusals_are_final),
		CASE(test_files_that_cannot_go),
		CASE(test_without_a_key_nothing_goes_up),
		CASE(test_a_refused_key),
		CASE(test_a_restart_begins_anew),
		CASE(test_a_cancelled_task_uploads_for_others),
		CASE(test_progress),
		CASE(test_a_file_of_uploads),
		CASE(test_files_of_uploads_with_the_same_content),
		CASE(test_a_file_of_uploads_that_is_refused),
		CASE(test_an_address_in_uploads),
		CASE(test_a_closed_file_survives_the_daemon),
		CASE(test_few_at_a_time),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
