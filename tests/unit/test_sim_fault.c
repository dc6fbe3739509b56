#include "fault.h"

#include "kiefs/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		uint64_t bytes;
	} cases[] = {
		{"0", true, 0},
		{"100", true, 100},
		{"512k", true, 512 << 10},
		{"2G", true, (uint64_t)2 << 30},
		{"", false, 0},
		{"k", false, 0},
		{"-1", false, 0},
		{"2Gb", false, 0},
		{"2g", false, 0},
		{"99999999999999T", false, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 0;

		assert_int_equal(fault_parse_size(cases[i].text, &bytes), cases[i].valid);
		if (cases[i].valid)
			assert_true(bytes == cases[i].bytes);
	}
}

static void test_words(void **state)
{
	static const struct {
		const char *input;
		unsigned count;
		struct fault first;
	} cases[] = {
		{"{\"prompt\":\"a kite\"}", 0, {0}},
		{"{\"prompt\":\"sim:fail\"}", 1, {.kind = FAULT_FAIL}},
		{"{\"prompt\":\"a kite, sim:fail=422.\"}", 1, {.kind = FAULT_FAIL, .code = 422}},
		{"{\"prompt\":\"sim:429\"}", 1, {.kind = FAULT_CODE, .code = 429, .http = 429}},
		{"{\"a\":[{\"b\":\"sim:big=2k\"}]}", 1, {.kind = FAULT_BIG, .bytes = 2048}},
		{"{\"prompt\":\"sim:slow=20 sim:lost\"}", 2, {.kind = FAULT_SLOW, .ms = 20}},
		{"{\"prompt\":\"muslim:fail sim:failure sim: sim:lost=3\"}", 0, {0}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault found[FAULT_MAX];
		cJSON *input = cJSON_Parse(cases[i].input);

		assert_non_null(input);
		assert_int_equal(fault_read_words(input, found), cases[i].count);
		if (cases[i].count) {
			assert_int_equal(found[0].kind, cases[i].first.kind);
			assert_int_equal(found[0].code, cases[i].first.code);
			assert_int_equal(found[0].http, cases[i].first.http);
			assert_int_equal(found[0].ms, cases[i].first.ms);
			assert_true(found[0].bytes == cases[i].first.bytes);
		}
		cJSON_Delete(input);
	}
}

static int add(struct fault_rules *rules, const char *text)
{
	struct error err = {0};
	cJSON *json = cJSON_Parse(text);
	int r = fault_rules_add(rules, json, &err);

	assert_int_equal(err.code, r);
	error_finish(&err);
	cJSON_Delete(json);
	return r;
}

static unsigned meet(
	struct fault_rules *rules, enum stage stage, const char *path, const char *model)
{
	struct fault found[FAULT_MAX];

	return fault_rules_meet(rules, stage, path, model, NULL, found, 0);
}

static void test_rules(void **state)
{
	struct fault_rules rules;

	fault_rules_init(&rules, 1);
	assert_int_equal(add(&rules, "{\"kind\":\"magic\"}"), -EINVAL);
	assert_int_equal(add(&rules, "{\"path\":\"x\"}"), -EINVAL);
	assert_int_equal(add(&rules, "{\"kind\":\"code\",\"bytes\":\"lots\"}"), -EINVAL);
	assert_int_equal(add(&rules, "{\"kind\":\"code\",\"http\":99}"), -EINVAL);
	assert_int_equal(add(&rules, "[]"), -EINVAL);
	assert_int_equal(add(&rules, "{\"kind\":\"code\",\"path\":\"recordInfo\",\"after\":1}"), 0);
	assert_int_equal(meet(&rules, STAGE_SUBMIT, "/jobs/createTask", "a"), 0);
	assert_int_equal(meet(&rules, STAGE_POLL, "/jobs/recordInfo", "a"), 0);
	assert_int_equal(meet(&rules, STAGE_POLL, "/jobs/recordInfo", "a"), 1);
	assert_int_equal(meet(&rules, STAGE_POLL, "/jobs/recordInfo", "a"), 0);
	fault_rules_clear(&rules);
	assert_int_equal(add(&rules, "{\"kind\":\"fail\",\"model\":\"b\",\"count\":-1}"), 0);
	assert_int_equal(meet(&rules, STAGE_POLL, "/jobs/recordInfo", "b"), 0);
	assert_int_equal(meet(&rules, STAGE_SUBMIT, "/jobs/createTask", "a"), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(meet(&rules, STAGE_SUBMIT, "/jobs/createTask", "b"), 1);
	fault_rules_finish(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
