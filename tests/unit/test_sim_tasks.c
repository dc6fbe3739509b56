#include "account.h"
#include "tasks.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int add(struct tasks *tasks, char id[TASK_ID_SIZE])
{
	struct task task = {.created_ms = 1000,
		.duration_ms = 100,
		.model_id = strdup("acme/new"),
		.input = strdup("{}")};

	return tasks_add(tasks, &task, id);
}

static void test_ids_lead_back(void **state)
{
	struct tasks tasks;
	struct task task;
	char ids[100][TASK_ID_SIZE];

	assert_int_equal(tasks_init(&tasks, 1000, 42), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(add(&tasks, ids[i]), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(tasks_get(&tasks, ids[i], TASK_POLL, &task), 0);
		assert_int_equal(task.number, i + 1);
		assert_string_equal(task.model_id, "acme/new");
		task_finish(&task);
	}
	assert_int_equal(tasks_get(&tasks, ids[3], TASK_LOOK, &task), 0);
	assert_int_equal(task.polls, 1);
	task_finish(&task);
	tasks_finish(&tasks);
}

static void test_ids_never_given(void **state)
{
	static const char *const wrong[] = {"", "x", "00000000000000000000000000000000",
		"0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF",
		"0123456789abcdef0123456789abcdef0"};
	struct tasks tasks;
	struct task task;
	char id[TASK_ID_SIZE];

	assert_int_equal(tasks_init(&tasks, 10, 7), 0);
	assert_int_equal(add(&tasks, id), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(tasks_get(&tasks, wrong[i], TASK_LOOK, &task), -ENOENT);
	id[31] = id[31] == '0' ? '1' : '0';
	assert_int_equal(tasks_get(&tasks, id, TASK_LOOK, &task), -ENOENT);
	tasks_finish(&tasks);
}

static int count_one(const struct task *task, const char *id, void *user)
{
	(*(int *)user)++;
	return 0;
}

static void test_ring_forgets_the_oldest(void **state)
{
	struct tasks tasks;
	struct task task;
	char ids[25][TASK_ID_SIZE];
	int count = 0;

	assert_int_equal(tasks_init(&tasks, 10, 7), 0);
	for (int i = 0; i < 25; i++)
		assert_int_equal(add(&tasks, ids[i]), 0);
	assert_int_equal(tasks_get(&tasks, ids[14], TASK_LOOK, &task), -ENOENT);
	assert_int_equal(tasks_get(&tasks, ids[15], TASK_LOOK, &task), 0);
	task_finish(&task);
	assert_int_equal(tasks_each(&tasks, count_one, &count), 0);
	assert_int_equal(count, 10);
	tasks_clear(&tasks);
	assert_int_equal(tasks_get(&tasks, ids[24], TASK_LOOK, &task), -ENOENT);
	assert_int_equal(add(&tasks, ids[0]), 0);
	assert_string_not_equal(ids[0], ids[24]);
	tasks_finish(&tasks);
}

static void test_phases(void **state)
{
	struct fault fail = {.kind = FAULT_FAIL};
	struct fault stuck = {.kind = FAULT_STUCK};
	struct task task = {.created_ms = 1000, .duration_ms = 100};

	assert_int_equal(task_phase(&task, 900), PHASE_RUNNING);
	assert_int_equal(task_phase(&task, 1099), PHASE_RUNNING);
	assert_int_equal(task_phase(&task, 1100), PHASE_SUCCESS);
	assert_float_equal(task_fraction(&task, 1050), 0.5, 1e-9);
	task.fault_count = 1;
	task.faults = &fail;
	assert_int_equal(task_phase(&task, 1099), PHASE_RUNNING);
	assert_int_equal(task_phase(&task, 1100), PHASE_FAIL);
	task.faults = &stuck;
	assert_int_equal(task_phase(&task, 99999), PHASE_RUNNING);
}

static void test_rate_is_a_sliding_window(void **state)
{
	struct account account;
	int64_t wait_ms = 0;

	account_init(&account, 3, 10);
	assert_int_equal(account_admit(&account, "a", 1000, &wait_ms), 0);
	assert_int_equal(account_admit(&account, "a", 5000, &wait_ms), 0);
	assert_int_equal(account_admit(&account, "a", 5000, &wait_ms), 0);
	assert_int_equal(account_admit(&account, "a", 10999, &wait_ms), -EAGAIN);
	assert_int_equal(wait_ms, 1);
	assert_int_equal(account_admit(&account, "b", 10999, &wait_ms), 0);
	assert_int_equal(account_admit(&account, "a", 11000, &wait_ms), 0);
	assert_int_equal(account_admit(&account, "a", 14999, &wait_ms), -EAGAIN);
	assert_int_equal(account_admit(&account, "a", 15000, &wait_ms), 0);
	account_finish(&account);
}

static void test_credits(void **state)
{
	struct account account;

	account_init(&account, 0, 10);
	assert_int_equal(account_charge(&account, 4, 100, 0), 0);
	assert_int_equal(account_charge(&account, 5, 100, 200), 0);
	assert_int_equal(account_charge(&account, 2, 100, 0), -EDQUOT);
	assert_float_equal(account_balance(&account, 199), 1, 1e-9);
	assert_float_equal(account_balance(&account, 200), 6, 1e-9);
	assert_float_equal(account_balance(&account, 300), 6, 1e-9);
	account_set_balance(&account, 0.5);
	assert_int_equal(account_charge(&account, 0.5, 300, 0), 0);
	account_finish(&account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_lead_back),
		cmocka_unit_test(test_ids_never_given),
		cmocka_unit_test(test_ring_forgets_the_oldest),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_rate_is_a_sliding_window),
		cmocka_unit_test(test_credits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
