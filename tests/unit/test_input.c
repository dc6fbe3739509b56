/* Inputs of a task on a real database: staged, committed, given their values, put into the body. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/error.h"
#include "kiefs/input.h"
#include "kiefs/store.h"

#define DIR_A UINT64_C(0x1000000000000001)
#define SHA_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define BODY                                                                                       \
	"{\"model\":\"m\",\"input\":{\"big\":9007199254740991,\"small\":0.1,\"urls\":"             \
	"[\"a.png\",\"https://h/b.png\"],\"task/id~\":\"../song\"}}"

struct fixture {
	char folder[64];
	struct store *store;
	int64_t entry;
};

static const struct input inputs[] = {
	{.kind = INPUT_MEDIA,
		.place = (char *)"/input/urls/0",
		.name = (char *)"a.png",
		.entry = 7},
	{.kind = INPUT_TASK,
		.place = (char *)"/input/task~1id~0",
		.name = (char *)"../song",
		.parent = 3},
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[96];
	struct entry entry;

	strcpy(f->folder, "/tmp/kiefs-input-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(path, sizeof(path), "%s/index.sqlite", f->folder);
	assert_int_equal(store_open(path, true, &f->store, NULL), 0);
	assert_int_equal(
		store_entry_create(f->store, DIR_A, "fox.json", ENTRY_FILE, 0644, 1, &entry), 0);
	f->entry = entry.id;
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

static void stage(struct fixture *f, const char *sha, size_t count)
{
	const struct stage row = {.entry = f->entry,
		.model = "m",
		.source_sha = sha,
		.body = BODY,
		.body_len = strlen(BODY),
		.inputs = inputs,
		.input_count = count};

	assert_int_equal(store_stage(f->store, &row), 0);
}

static int64_t commit(struct fixture *f)
{
	struct changes changes = {0};
	int64_t task = 0;
	bool fresh;

	assert_int_equal(store_commit(f->store, f->entry, 1000, &task, &fresh, &changes), 0);
	return task;
}

static void commit_writes_them_with_the_task(void **state)
{
	struct fixture *f = *state;
	struct input out[INPUTS_MAX];

	stage(f, SHA_1, 1); /* replaced, with its inputs */
	stage(f, SHA_1, 2);
	int64_t task = commit(f);
	assert_int_equal(store_input_list(f->store, task, out, INPUTS_MAX), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(out[i].task, task);
		assert_int_equal(out[i].index, i + 1);
		assert_int_equal(out[i].kind, inputs[i].kind);
		assert_string_equal(out[i].place, inputs[i].place);
		assert_string_equal(out[i].name, inputs[i].name);
		assert_int_equal(out[i].entry, inputs[i].entry);
		assert_int_equal(out[i].parent, inputs[i].parent);
		assert_null(out[i].value);
		input_finish(&out[i]);
	}
	assert_int_equal(store_input_list(f->store, task + 1, out, INPUTS_MAX), 0);
}

static void unstage_forgets_them(void **state)
{
	struct fixture *f = *state;
	struct input out[1];

	stage(f, SHA_1, 2);
	assert_int_equal(store_unstage(f->store, f->entry), 0);
	stage(f, SHA_1, 0);
	assert_int_equal(store_input_list(f->store, commit(f), out, 1), 0);
}

static void a_recovered_stage_has_them(void **state)
{
	struct fixture *f = *state;
	struct input out[INPUTS_MAX];

	stage(f, SHA_1, 2);
	assert_int_equal(store_recover(f->store, 1000), 0);
	assert_int_equal(store_input_list(f->store, 1, out, INPUTS_MAX), 2);
	input_finish(&out[0]);
	input_finish(&out[1]);
}

static void body_has_the_values_in_place(void **state)
{
	struct fixture *f = *state;
	struct buf body;

	buf_init(&body, 4096);
	stage(f, SHA_1, 2);
	int64_t task = commit(f);
	assert_int_equal(store_input_body(f->store, task, &body), -ENODATA);
	assert_int_equal(store_input_set(f->store, task, 1, "https://h/\"a\".png"), 0);
	assert_int_equal(store_input_body(f->store, task, &body), -ENODATA);
	assert_int_equal(store_input_set(f->store, task, 2, "id-3"), 0);
	assert_int_equal(store_input_set(f->store, task, 3, "no such place"), -ENOENT);
	assert_int_equal(store_input_body(f->store, task, &body), 0);
	assert_string_equal(body.data,
		"{\"model\":\"m\",\"input\":{\"big\":9007199254740991,\"small\":0.1,\"urls\":"
		"[\"https://h/\\\"a\\\".png\",\"https://h/b.png\"],\"task/id~\":\"id-3\"}}");
	buf_finish(&body);
}

static void body_without_inputs_is_the_stored_one(void **state)
{
	struct fixture *f = *state;
	struct buf body;

	buf_init(&body, 4096);
	stage(f, SHA_1, 0);
	assert_int_equal(store_input_body(f->store, commit(f), &body), 0);
	assert_string_equal(body.data, BODY);
	buf_finish(&body);
	assert_int_equal(store_input_body(f->store, 99, &body), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commit_writes_them_with_the_task, setup, teardown),
		cmocka_unit_test_setup_teardown(unstage_forgets_them, setup, teardown),
		cmocka_unit_test_setup_teardown(a_recovered_stage_has_them, setup, teardown),
		cmocka_unit_test_setup_teardown(body_has_the_values_in_place, setup, teardown),
		cmocka_unit_test_setup_teardown(
			body_without_inputs_is_the_stored_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
