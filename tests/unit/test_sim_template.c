/* The language of the simulator's answers, and the ids of parts. */
#include "demand.h"
#include "part_id.h"
#include "services.h"
#include "template.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TASK "00112233445566778899aabbccddeeff"

static char *address(void *user, unsigned number, const char *extension)
{
	char *text = NULL;

	return asprintf(&text, "f/%u.%s", number, extension) < 0 ? NULL : text;
}

/* What comes out, as JSON text; NULL when nothing does. */
static char *fill(const char *template, int *r)
{
	cJSON *input = cJSON_Parse("{\"prompt\":\"a kite\",\"n\":2,\"empty\":\"\",\"on\":true}");
	cJSON *facts = cJSON_Parse("{\"taskId\":\"T\",\"none\":null}");
	cJSON *set = cJSON_Parse("{\"inner\":[\"$taskId\"],\"again\":\"$again\",\"taskId\":\"S\"}");
	cJSON *json = cJSON_Parse(template);
	cJSON *out = NULL;
	struct scope scope = {
		.input = input, .sets = {set}, .facts = facts, .id = TASK, .address = address};

	assert_non_null(json);
	*r = template_fill(json, &scope, &out);
	char *text = out ? cJSON_PrintUnformatted(out) : NULL;
	cJSON_Delete(out);
	cJSON_Delete(json);
	cJSON_Delete(set);
	cJSON_Delete(facts);
	cJSON_Delete(input);
	return text;
}

static void test_templates(void **state)
{
	static const struct {
		const char *template;
		const char *out;
	} cases[] = {
		{"{\"a\":[1,true,null,\"x\"]}", "{\"a\":[1,true,null,\"x\"]}"},
		{"\"$taskId\"", "\"S\""},
		{"\"$inner\"", "[\"S\"]"},
		{"\"$nothing\"", "null"},
		{"\"$nothing|x\"", "\"x\""},
		{"\"$none|x\"", "\"x\""},
		{"\"$nothing|\"", "\"\""},
		{"\"$input.empty|$input.prompt|x\"", "\"a kite\""},
		{"\"$input.n\"", "2"},
		{"\"<${input.prompt}> ${input.n} ${nothing}\"", "\"<a kite> 2 \""},
		{"\"$file.mp3.3\"", "\"f/3.mp3\""},
		{"{\"$each\":\"$input.n\",\"$of\":[\"$index\",\"$file.png.1\"]}",
			"[[0,\"f/1.png\"],[1,\"f/11.png\"]]"},
		{"{\"$each\":0,\"$of\":1}", "[]"},
		{"{\"$each\":\"$nothing|1\",\"$of\":1}", "[1]"},
		{"{\"$when\":{\"on\":[true]},\"$then\":1,\"$else\":2}", "1"},
		{"{\"$when\":{\"on\":[false,null]},\"$then\":1,\"$else\":2}", "2"},
		{"{\"$when\":{\"off\":[null],\"n\":[1,2]},\"$then\":1}", "1"},
		{"{\"$when\":{\"$taskId\":[\"S\"]},\"$then\":1}", "1"},
		{"{\"a\":{\"$when\":{\"n\":[9]},\"$then\":1},\"b\":2}", "{\"b\":2}"},
		{"{\"$text\":{\"a\":\"$input.n\"}}", "\"{\\\"a\\\":2}\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r;
		char *text = fill(cases[i].template, &r);

		assert_int_equal(r, 0);
		assert_string_equal(text, cases[i].out);
		cJSON_free(text);
	}
}

static void test_template_without_end(void **state)
{
	int r;
	char *text = fill("\"$again\"", &r);

	assert_int_equal(r, -EINVAL);
	assert_null(text);
}

static void test_parts(void **state)
{
	char part[PART_ID_SIZE];
	char task[33];

	for (unsigned number = 0; number < 300; number++) {
		part_id_make(TASK, number, part);
		assert_int_equal(strlen(part), 36);
		part_id_task(part, number, task);
		assert_string_equal(task, TASK);
		part_id_task(part, number + 1, task);
		assert_string_not_equal(task, TASK);
	}
	part_id_task("", 0, task);
	assert_string_equal(task, "");
	part_id_task("not-an-id-of-a-part-but-of-the-length", 0, task);
	assert_string_equal(task, "");
}

/* The built-in data, by its own names and not by those of the other half. */
static void test_services(void **state)
{
	struct services services;

	assert_int_equal(services_load(&services), 0);
	assert_true(services.operation_count > 60);
	assert_non_null(services_model(&services, "veo/extend"));
	assert_null(services_model(&services, "suno/generate"));
	services_finish(&services);
	services_finish(&services);
}

static void test_demands(void **state)
{
	static const struct {
		const char *input;
		int code;
		const char *message;
	} cases[] = {
		{"{\"a\":\"x\"}", 0, ""},
		{"{}", 422, "Please enter a."},
		{"{\"a\":\"\"}", 422, "Please enter a."},
		{"{\"a\":7}", 422, "a has an invalid type"},
		{"{\"a\":\"\xc3\xa9\xc3\xa9\xc3\xa9\"}", 0, ""},
		{"{\"a\":\"xxxx\"}", 413, "a exceeds the maximum length"},
		{"{\"a\":\"x\",\"n\":5}", 422, "n is not within the range of allowed options"},
		{"{\"a\":\"x\",\"n\":2}", 422, "Please enter list."},
		{"{\"a\":\"x\",\"n\":2,\"list\":[]}", 422, "list has too few items"},
		{"{\"a\":\"x\",\"n\":2,\"list\":[1,2,3]}", 422, "list has too many items"},
		{"{\"a\":\"x\",\"list\":[1]}", 0, ""},
		{"{\"a\":\"x\",\"p\":\"1\",\"q\":\"1\"}", 422, "p excludes other fields"},
	};
	cJSON *json =
		cJSON_Parse("{\"fields\":{\"a\":{\"type\":\"string\",\"required\":true,\"max\":3},"
			    "\"n\":{\"type\":\"number\",\"range\":[1,4]},"
			    "\"list\":[{\"required\":{\"n\":[2]},\"min\":1,\"max\":2}]}}");
	cJSON *sets = cJSON_Parse("[[\"p\"],[\"q\"]]");
	struct operation operation = {.too_long = 413, .json = json};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char message[DEMAND_MESSAGE_SIZE] = "";
		cJSON *input = cJSON_Parse(cases[i].input);

		if (cJSON_HasObjectItem(input, "p"))
			cJSON_AddItemToObject(json, "one_of", sets);
		assert_int_equal(demand_check(&operation, input, message), cases[i].code);
		assert_string_equal(message, cases[i].message);
		cJSON_Delete(input);
	}
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_template_without_end),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_demands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
