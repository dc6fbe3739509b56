/* The worker: answers in text, whole and as they come. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

#include "fake_http.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/quota.h"
#include "kiefs/store.h"
#include "kiefs/worker.h"

#define START 1700000000000LL
#define DIR_INODE 4711
#define PATH "/chat/completions"
#define SAY(text) "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define STOP                                                                                       \
	"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"credits_consumed\":"     \
	"0.25}\n\ndata: [DONE]\n\n"

static struct {
	char dir[64];
	struct catalogue *catalogue;
	struct store *front, *store;
	struct files files;
	struct worker *worker;
	int64_t task;
} world;

static void notify(const struct changes *changes, void *context)
{
}

static int64_t clock_now(void *context)
{
	return fake_http_now_ms();
}

static char *key_now(void *context)
{
	return strdup("secret");
}

static bool quota_now(void *context, struct quota *out)
{
	*out = (struct quota){.per_task = -1, .per_day = -1};
	return true;
}

static void start_worker(void)
{
	const struct worker_options options = {
		.catalogue = world.catalogue,
		.store = world.store,
		.files = &world.files,
		.api_url = "https://api.test",
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
	struct error err = {0};

	worker_destroy(world.worker);
	world.worker = NULL;
	assert_int_equal(worker_create(&options, &world.worker, &err), 0);
}

/* One request to a model that chats, and what else the worker asks of its own. */
static int setup(void **state)
{
	static const char body[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":\"Hi.\"}],\"stream\":true}";
	struct changes changes = {0};
	struct error err = {0};
	struct entry entry;
	char path[128];
	bool fresh;

	memset(&world, 0, sizeof(world));
	fake_http_reset(START);
	strcpy(world.dir, "/tmp/kiefs-chat-XXXXXX");
	assert_non_null(mkdtemp(world.dir));
	assert_int_equal(catalogue_load(NULL, NULL, 0, &world.catalogue, &err), 0);
	snprintf(path, sizeof(path), "%s/index.sqlite", world.dir);
	assert_int_equal(store_open(path, false, &world.front, &err), 0);
	assert_int_equal(store_open_peer(world.front, false, &world.store, &err), 0);
	snprintf(path, sizeof(path), "%s/data", world.dir);
	assert_int_equal(files_open(path, &world.files, &err), 0);
	fake_http_reply(&(struct fake_reply){
		.url = "credit", .uses = -1, .body = "{\"code\":200,\"msg\":\"\",\"data\":100}"});
	start_worker();
	assert_int_equal(store_entry_create(
				 world.front, DIR_INODE, "a.txt", ENTRY_FILE, 0644, START, &entry),
		0);
	const struct stage stage = {
		.entry = entry.id,
		.model = "gpt-5-2",
		.source_sha = "sha",
		.body = body,
		.body_len = strlen(body),
		.estimate = -1,
	};
	assert_int_equal(store_stage(world.front, &stage), 0);
	assert_int_equal(
		store_commit(world.front, entry.id, START, &world.task, &fresh, &changes), 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	worker_destroy(world.worker);
	store_close(world.store);
	store_close(world.front);
	files_close(&world.files);
	catalogue_destroy(world.catalogue);
	fake_http_reset(0);
	nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static enum task_state state_now(void)
{
	struct task task;

	assert_int_equal(store_task_get(world.front, world.task, &task), 0);
	enum task_state state = task.state;
	task_finish(&task);
	return state;
}

static void until(enum task_state state, int64_t ms)
{
	int64_t end = fake_http_now_ms() + ms;

	while (state_now() != state && fake_http_now_ms() < end)
		assert_int_equal(worker_step(world.worker, 1000), 0);
	assert_string_equal(task_state_name(state_now()), task_state_name(state));
}

static void check_error(const char *words)
{
	struct task task;

	assert_int_equal(store_task_get(world.front, world.task, &task), 0);
	assert_non_null(task.error);
	if (!strstr(task.error, words))
		fail_msg("no \"%s\" in \"%s\"", words, task.error);
	task_finish(&task);
}

/* "": there is no answer. */
static void check_text(const char *text)
{
	char got[1024] = "";
	int fd = files_open_result(&world.files, world.task, 1, O_RDONLY);

	if (fd >= 0) {
		assert_true(read(fd, got, sizeof(got) - 1) >= 0);
		close(fd);
	}
	assert_string_equal(got, text);
}

static void reply(const char *const *pieces, int64_t piece_ms, enum http_outcome outcome)
{
	fake_http_reply(&(struct fake_reply){
		.url = PATH,
		.content_type = "text/event-stream",
		.pieces = pieces,
		.piece_ms = piece_ms,
		.outcome = outcome,
		.status = 200,
	});
}

static void test_slow_pieces_grow(void **state)
{
	/* Cut in the middle of a line, of a character and of the end. */
	static const char *const pieces[] = {SAY("One "), "data: {\"choices\":[{\"del",
		"ta\":{\"content\":\"tw\xc3", "\xb6 \"}}]}\n", "\n" SAY("three."), STOP, NULL};
	struct task task;

	reply(pieces, 60000, HTTP_ANSWERED);
	until(TASK_RUNNING, 5000);
	check_text("One ");
	until(TASK_DONE, 600000);
	check_text("One tw\xc3\xb6 three.");
	assert_int_equal(store_task_get(world.front, world.task, &task), 0);
	assert_true(task.credits == 0.25);
	assert_null(task.error);
	task_finish(&task);
	assert_int_equal(fake_http_count(PATH), 1);
}

static void test_a_cut_keeps_what_came(void **state)
{
	static const char *const pieces[] = {SAY("One "), SAY("two."), "data: {\"cho", NULL};

	reply(pieces, 10, HTTP_CUT);
	until(TASK_FAILED, 60000);
	check_text("One two.");
	check_error("broke off");
	for (int i = 0; i < 100; i++)
		assert_int_equal(worker_step(world.worker, 60000), 0);
	assert_int_equal(fake_http_count(PATH), 1);
}

static void test_no_word_of_an_end(void **state)
{
	static const char *const pieces[] = {SAY("One "), NULL};

	reply(pieces, 10, HTTP_ANSWERED);
	until(TASK_FAILED, 60000);
	check_text("One ");
	check_error("without the service's word");
}

static void test_an_error_in_between(void **state)
{
	static const char *const pieces[] = {
		SAY("One "), "data: {\"error\":{\"message\":\"too busy\"}}\n\n", NULL};

	reply(pieces, 10, HTTP_ANSWERED);
	until(TASK_FAILED, 60000);
	check_text("One ");
	check_error("\"too busy\"");
}

/* Nothing was said before: the rules of every submission hold. */
static void test_an_error_first(void **state)
{
	static const char *const pieces[] = {
		"data: {\"code\":422,\"msg\":\"no such voice\"}\n\n", NULL};

	reply(pieces, 10, HTTP_ANSWERED);
	until(TASK_FAILED, 60000);
	check_text("");
	check_error("no such voice");
}

static void test_an_envelope_with_200(void **state)
{
	fake_http_reply(&(struct fake_reply){
		.url = PATH, .body = "{\"code\":402,\"msg\":\"Credits insufficient\"}"});
	until(TASK_HELD, 60000);
	check_text("");
}

static void test_an_answer_in_one_piece(void **state)
{
	fake_http_reply(&(struct fake_reply){
		.url = PATH,
		.content_type = "text/plain",
		.body = "{\"choices\":[{\"message\":{\"content\":\"All.\"},\"finish_reason\":"
			"\"stop\"}],\"credits_consumed\":1}",
	});
	until(TASK_DONE, 60000);
	check_text("All.");
}

/* As after kill -9, while an answer comes in: it is ended with what came, and not asked again. */
static void test_a_restart_ends_the_stream(void **state)
{
	static const char *const pieces[] = {SAY("One "), SAY("two."), STOP, NULL};
	int64_t task;
	int index;

	reply(pieces, 60000, HTTP_ANSWERED);
	until(TASK_RUNNING, 5000);
	assert_int_equal(store_chat_next(world.front, &task, &index), 0);
	assert_int_equal(task, world.task);
	worker_destroy(world.worker);
	world.worker = NULL;
	assert_int_equal(store_recover(world.front, fake_http_now_ms()), 0);
	start_worker();
	until(TASK_FAILED, 60000);
	check_text("One ");
	check_error("kiefs ended");
	assert_int_equal(store_chat_next(world.front, &task, &index), -ENOENT);
	for (int i = 0; i < 100; i++)
		assert_int_equal(worker_step(world.worker, 60000), 0);
	assert_int_equal(fake_http_count(PATH), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_slow_pieces_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_cut_keeps_what_came, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_word_of_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_error_in_between, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_error_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_envelope_with_200, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_answer_in_one_piece, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_restart_ends_the_stream, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
