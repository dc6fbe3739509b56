/* Who may spend, by user, groups and options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kiefs/users.h"

#define MOUNTER 1000
#define GROUP 100
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_who_may_spend(void **state)
{
	static struct spender list[] = {{false, 7}, {true, 70}};
	static const struct {
		mode_t umask;
		bool listed;
		uid_t uid;
		gid_t groups[2];
		bool may;
	} cases[] = {
		{022, false, MOUNTER, {1, 2}, true},
		{077, false, MOUNTER, {1, 2}, true},
		{022, true, MOUNTER, {1, 2}, true},
		{022, false, 0, {0, 0}, false},
		{022, false, 7, {7, GROUP}, false},
		{002, false, 7, {7, GROUP}, true},
		{002, false, 7, {GROUP, 7}, true},
		{002, false, 7, {7, 8}, false},
		{002, false, 0, {0, 0}, false},
		{002, false, 0, {0, GROUP}, true},
		{000, false, 7, {7, 8}, true},
		{000, false, 0, {0, 0}, true},
		/* As for any file, the group's rights are the group's, though others have more. */
		{020, false, 7, {7, GROUP}, false},
		{020, false, 7, {7, 8}, true},
		{000, true, 7, {1, 2}, true},
		{000, true, 8, {1, 70}, true},
		{000, true, 8, {1, 7}, false},
		{000, true, 70, {1, 2}, false},
		{002, true, 8, {1, GROUP}, false},
		{000, true, 0, {0, 0}, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct users users = {
			.mounter = MOUNTER,
			.uid = MOUNTER,
			.gid = GROUP,
			.umask = cases[i].umask,
			.has_list = cases[i].listed,
			.spenders = list,
			.count = COUNT(list),
		};
		if (users_may_spend(&users, cases[i].uid, cases[i].groups, 2) != cases[i].may)
			fail_msg("case %zu", i);
	}
}

static void test_who_is_shown_as_owner_may_spend(void **state)
{
	const struct users users = {.mounter = 0, .uid = MOUNTER, .umask = 022};
	const gid_t none = 5;

	assert_true(users_may_spend(&users, MOUNTER, &none, 1));
	assert_true(users_may_spend(&users, 0, &none, 1));
	assert_false(users_may_spend(&users, 7, &none, 1));
}

static void test_rights_of_control_files(void **state)
{
	static const struct {
		mode_t umask, mode;
	} cases[] = {{022, 0600}, {077, 0600}, {002, 0660}, {007, 0660}, {000, 0666}, {020, 0606}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct users users = {.umask = cases[i].umask};
		assert_int_equal(users_control_mode(&users), cases[i].mode);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_may_spend),
		cmocka_unit_test(test_who_is_shown_as_owner_may_spend),
		cmocka_unit_test(test_rights_of_control_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
