#include "worker_world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/error.h"

#define DIR_INODE 4711

struct world world;

static void notify(const struct changes *changes, void *context)
{
	world.notified++;
	if (world.on_notify)
		world.on_notify(changes);
}

static int64_t clock_now(void *context)
{
	return fake.now;
}

static char *key_now(void *context)
{
	world.key_asked++;
	return world.key ? strdup(world.key) : NULL;
}

static bool quota_now(void *context, struct quota *out)
{
	*out = world.quota;
	return true;
}

static void defaults(void)
{
	world.options = (struct worker_options){
		.catalogue = world.catalogue,
		.store = world.store,
		.files = &world.files,
		.api_url = "https://api.test/",
		.upload_url = "https://upload.test",
		.submit_count = 20,
		.submit_window_ms = 10000,
		.max_running = 100,
		.polls_per_s = 10,
		.max_downloads = 8,
		.max_result_bytes = 1 << 20,
		.notify = notify,
		.clock = clock_now,
		.key = key_now,
		.quota = quota_now,
		.seed = 7,
	};
}

int world_setup(void **state)
{
	struct error err = {0};
	char path[128];

	memset(&world, 0, sizeof(world));
	fake_reset();
	/* Thousands of commits: in memory where there is such a place. */
	snprintf(world.dir, sizeof(world.dir), "%s/kiefs-worker-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(world.dir));
	assert_int_equal(catalogue_load(NULL, NULL, 0, &world.catalogue, &err), 0);
	snprintf(path, sizeof(path), "%s/index.sqlite", world.dir);
	assert_int_equal(store_open(path, false, &world.front, &err), 0);
	assert_int_equal(store_open_peer(world.front, false, &world.store, &err), 0);
	snprintf(path, sizeof(path), "%s/data", world.dir);
	assert_int_equal(files_open(path, &world.files, &err), 0);
	world.key = "secret";
	world.quota = (struct quota){.per_task = -1, .per_day = -1};
	defaults();
	world_start_worker();
	return 0;
}

void world_start_worker(void)
{
	struct error err = {0};

	worker_destroy(world.worker);
	world.worker = NULL;
	assert_int_equal(worker_create(&world.options, &world.worker, &err), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int world_teardown(void **state)
{
	worker_destroy(world.worker);
	store_close(world.store);
	store_close(world.front);
	files_close(&world.files);
	catalogue_destroy(world.catalogue);
	nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

void world_restart(void)
{
	worker_destroy(world.worker);
	world.worker = NULL;
	assert_int_equal(store_recover(world.front, fake.now), 0);
	world_start_worker();
}

int64_t world_add_to(const char *model, int prompt)
{
	char name[32], body[160], sha[32];
	struct changes changes = {0};
	struct entry entry;
	int64_t task = 0;
	bool fresh = false;

	snprintf(name, sizeof(name), "n%d.txt", prompt);
	snprintf(sha, sizeof(sha), "sha%d", prompt);
	snprintf(body, sizeof(body),
		"{\"model\":\"z-image\",\"input\":{\"prompt\":\"n%d\",\"aspect_ratio\":\"1:1\"}}",
		prompt);
	assert_int_equal(store_entry_create(
				 world.front, DIR_INODE, name, ENTRY_FILE, 0644, fake.now, &entry),
		0);
	const struct stage stage = {
		.entry = entry.id,
		.model = model,
		.source_sha = sha,
		.body = body,
		.body_len = strlen(body),
		.estimate = prompt % 2 ? 18 : -1,
	};
	assert_int_equal(store_stage(world.front, &stage), 0);
	assert_int_equal(store_commit(world.front, entry.id, fake.now, &task, &fresh, &changes), 0);
	assert_true(fresh);
	return task;
}

int64_t world_add(int prompt)
{
	return world_add_to("z-image", prompt);
}

void world_round(int ms)
{
	assert_int_equal(worker_step(world.worker, ms), 0);
}

void world_run(int64_t ms)
{
	int64_t end = fake.now + ms;

	while (fake.now < end)
		world_round((int)(end - fake.now));
}

enum task_state world_state(int64_t id)
{
	struct task task;

	assert_int_equal(store_task_get(world.front, id, &task), 0);
	task_check(&task);
	enum task_state state = task.state;
	task_finish(&task);
	return state;
}

void world_until(int64_t task, enum task_state state, int64_t ms)
{
	int64_t end = fake.now + ms;

	while (world_state(task) != state && fake.now < end)
		world_round((int)(end - fake.now));
	assert_string_equal(task_state_name(world_state(task)), task_state_name(state));
}

void world_event(int64_t id, enum task_event_kind kind)
{
	const struct task_event event = {
		.kind = kind, .progress = -1, .credits = -1, .wait_ms = -1};
	struct changes changes = {0};
	struct task task, next;

	assert_int_equal(store_task_get(world.front, id, &task), 0);
	assert_int_equal(task_step(&task, &event, fake.now, &next), 0);
	assert_int_equal(store_task_apply(world.front, &task, &next, NULL, fake.now, &changes), 0);
	task_finish(&task);
	worker_wake(world.worker);
}

int world_log_count(int64_t task, const char *text)
{
	struct buf log;
	int n = 0;

	buf_init(&log, 1 << 20);
	assert_int_equal(store_log_task(world.front, task, &log), 0);
	for (const char *at = log.data; at && (at = strstr(at, text)); at++)
		n++;
	buf_finish(&log);
	return n;
}

bool world_log_has(int64_t task, const char *text)
{
	return world_log_count(task, text) > 0;
}

bool world_error_has(int64_t id, const char *text)
{
	struct task task;

	assert_int_equal(store_task_get(world.front, id, &task), 0);
	bool has = task.error && strstr(task.error, text);
	task_finish(&task);
	return has;
}

void world_check_result(int64_t task, int index)
{
	struct result result;
	struct stat st;

	assert_int_equal(store_result_get(world.front, task, index, &result), 0);
	assert_true(result.whole);
	assert_string_equal(result.extension, "png");
	assert_string_equal(result.mime, "image/png");
	assert_int_equal(result.size, fake.result_size);
	assert_int_equal(strlen(result.sha256), 64);
	result_finish(&result);
	int fd = files_open_result(&world.files, task, index, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, fake.result_size);
	for (int64_t i = 8; i < st.st_size; i++) {
		unsigned char byte;
		assert_int_equal(pread(fd, &byte, 1, i), 1);
		assert_int_equal(byte, (unsigned char)(i * 31));
	}
	close(fd);
	assert_int_equal(files_open_part(&world.files, task, index, O_RDONLY), -ENOENT);
}

int64_t world_count(enum task_state state)
{
	int64_t n = 0;

	assert_int_equal(store_task_count(world.front, state, &n), 0);
	return n;
}
