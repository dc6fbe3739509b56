/* Rules between fields, on the invented models of data/rules.json: what passes and what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/condition.h"
#include "kiefs/error.h"
#include "kiefs/request.h"

struct row {
	const char *input;
	const char *said;   /* the fault, or NULL: accepted */
	const char *warned; /* the whole warning, or NULL */
};

static const struct row whens[] = {
	/* Required. */
	{"{\"mode\": \"a\"}"},
	{"{\"seconds\": \"10\", \"text\": \"hi\"}"},
	{"{\"seconds\": \"10\"}",
		"text is missing. It is required when seconds is \"10\": give a string of at most "
		"20 characters."},
	{"{\"seconds\": 10, \"text\": \"\"}", "text is missing. It is required when"},
	/* Only there. */
	{"{\"mask\": \"m\", \"size\": \"1K\"}"},
	{"{\"mask\": \"m\"}"},
	{"{\"mask\": \"m\", \"size\": \"2K\"}",
		"mask is only allowed when size is \"1K\", but size is \"2K\". Leave mask out, or "
		"change size."},
	{"{\"loud\": true}",
		"loud is only allowed when mode is \"b\", but mode is not given and counts as "
		"\"a\". Leave loud out, or change mode."},
	{"{\"loud\": false}"},
	{"{\"loud\": true, \"mode\": \"b\"}"},
	{"{\"tail\": \"t\"}", "tail is only allowed when n is at least 2, but n is not given"},
	{"{\"tail\": \"t\", \"n\": 2}"},
	{"{\"tail\": \"t\", \"n\": \"2\"}"},
	{"{\"pair\": \"p\", \"pics\": [\"1\", \"2\"]}"},
	{"{\"pair\": \"p\", \"pics\": [\"1\"]}",
		"pair is only allowed when pics has 2 elements, but pics has 1 element."},
	{"{\"pair\": \"p\"}", "but pics is not given."},
	{"{\"other\": \"o\"}"},
	{"{\"other\": \"o\", \"mode\": \"b\"}", "other is only allowed when mode is not \"b\""},
	/* Not used. */
	{"{\"idle\": \"i\"}"},
	{"{\"idle\": \"i\", \"pics\": [\"1\"]}", NULL,
		"idle is not used when pics is given. It was sent as it is."},
	/* Narrower limits. */
	{"{\"n\": 4, \"mode\": \"b\"}"},
	{"{\"n\": 5}"},
	{"{\"n\": 5, \"mode\": \"b\"}",
		"n is 5, but it must be a whole number of at most 4. That is so when mode is "
		"\"b\"."},
	{"{\"n\": 50, \"mode\": \"b\"}", "n is 50, but it must be a whole number from 1 to 9."},
	{"{\"n\": 1, \"size\": \"2K\"}", NULL,
		"n is 1, but it must be a whole number of at least 2. That is so when size is "
		"\"2K\"."},
	{"{\"text\": \"abcdef\", \"mode\": \"b\"}",
		"text has 6 characters, but at most 5 are allowed. Shorten it by 1. That is so "
		"when mode is \"b\"."},
	{"{\"pics\": [\"1\", \"2\"], \"seconds\": \"10\", \"text\": \"t\"}",
		"pics has 2 elements, but at most 1 is allowed. Remove 1. That is so when seconds "
		"is \"10\"."},
	{"{\"size\": \"4K\"}"},
	{"{\"size\": \"4K\", \"pics\": [\"1\"]}",
		"size is \"4K\", but it must be one of \"1K\" or \"2K\". That is so when pics is "
		"given."},
	/* Inside objects: beside it, and further out. */
	{"{\"shots\": [{\"kind\": \"y\", \"extra\": \"e\", \"need\": \"n\"}, {}]}"},
	{"{\"shots\": [{}, {\"extra\": \"e\"}]}",
		"shots[1].extra is only allowed when kind is \"y\", but kind is not given and "
		"counts as \"x\"."},
	{"{\"shots\": [{\"kind\": \"y\"}]}", "shots[0].need is missing."},
	{"{\"shots\": [{\"deep\": 4}]}"},
	{"{\"mode\": \"b\", \"shots\": [{\"deep\": 4}]}",
		"shots[0].deep is 4, but it must be a whole number of at most 3."},
};

static const struct row checks[] = {
	{"{}"},
	{"{\"last\": \"l\", \"url\": \"u\"}"},
	{"{\"last\": \"l\"}",
		"Something is missing: give exactly one of these: task + track, or url. That is so "
		"when last is given."},
	{"{\"last\": \"l\", \"url\": \"u\", \"task\": \"t\", \"track\": \"k\"}",
		"Only one of these may be given: task + track, or url. Keep one."},
	{"{\"last\": \"l\", \"task\": \"t\", \"track\": \"k\"}", NULL,
		"Something is missing: give at least one of these: first, or url. That is so when "
		"last is given."},
	{"{\"first\": \"f\", \"films\": [\"1\"]}",
		"first and films do not go together. Give only one of these: first + last, or refs "
		"+ films."},
	{"{\"first\": \"f\", \"films\": []}"},
	{"{\"task\": \"t\"}",
		"task is given without track, but they go together only. Add what is missing, or "
		"leave it out."},
	{"{\"task\": \"t\", \"track\": \"k\"}"},
	{"{\"start\": 5, \"end\": 15}"},
	{"{\"start\": 5, \"end\": \"14\"}",
		"end (14) minus start (5) makes 9, but at least 10 is needed."},
	{"{\"start\": 5, \"end\": 36}", "makes 31, but at most 30 is allowed."},
	{"{\"end\": 99}"},
	{"{\"shots\": [{\"to\": 5}, {\"to\": 5}]}"},
	{"{\"shots\": [{\"to\": 5}, {\"to\": 6}]}",
		"shots[].to (11) makes 11, but at most 10 (length) is allowed. Shorten a shot."},
	{"{\"shots\": [{\"to\": 5}, {\"to\": 6}], \"length\": \"15\"}"},
	{"{\"shots\": [{\"from\": 0, \"to\": 2}, {\"from\": 2, \"to\": 2}]}",
		"shots[1].to (2) minus shots[1].from (2) makes 0, but at least 1 is needed."},
	{"{\"refs\": [\"1\", \"2\"], \"films\": [\"1\"]}"},
	{"{\"refs\": [\"1\", \"2\"], \"films\": [\"1\", \"2\"]}",
		"refs (2) plus 2 times films (2) makes 6 elements, but at most 4 is allowed."},
	{"{\"refs\": [\"1\", \"2\"], \"boxes\": [1, 2]}"},
	{"{\"refs\": [\"1\", \"2\"], \"boxes\": [1]}",
		"refs has 2 elements and boxes has 1 element, but they need equally many"},
	{"{\"refs\": [\"1\", \"2\"]}"},
	{"{\"shots\": [{\"name\": \"A\"}], \"turns\": [{\"who\": \"A\"}]}"},
	{"{\"shots\": [{\"name\": \"A\"}], \"turns\": [{\"who\": \"B\"}]}",
		"turns[].who holds \"B\", but shots[].name has only \"A\". Use one of these, or "
		"add "
		"it there."},
	{"{\"turns\": [{\"who\": \"B\"}]}", "shots[].name has nothing"},
	{"{\"shots\": [{\"name\": \"A\"}, {\"name\": \"B\"}, {\"name\": \"A\"}]}",
		"shots[].name holds \"A\" more than once, but every value may stand there only "
		"once."},
	/* All that is wrong is said. */
	{"{\"task\": \"t\", \"first\": \"f\", \"refs\": [\"1\"], \"boxes\": [1, 2]}",
		"Give only one of these: first + last, or refs + films.\ntask is given without "
		"track, but they go together only. Add what is missing, or leave it out.\nrefs has "
		"1 "
		"element and boxes has 2 elements"},
};

static int setup(void **state)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(TEST_DATA "/rules.json", NULL, 0, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	*state = catalogue;
	return 0;
}

static int teardown(void **state)
{
	catalogue_destroy(*state);
	return 0;
}

static void check_row(const struct model *model, const struct row *row)
{
	struct request request = {0};
	struct error err = {0};
	int r = request_build(
		model, REQUEST_JSON, row->input, strlen(row->input), NULL, 0, NULL, &request, &err);

	if (r == 0 && row->said)
		fail_msg("%s: accepted", row->input);
	if (r < 0 && (!row->said || !strstr(error_text(&err), row->said)))
		fail_msg("%s: refused: %s", row->input, error_text(&err));
	if (r == 0 && strcmp(request.warnings ? request.warnings : "",
			      row->warned ? row->warned : "") != 0)
		fail_msg("%s: warned: %s", row->input, request.warnings);
	request_finish(&request);
	error_finish(&err);
}

static void test_conditions_of_fields(void **state)
{
	for (size_t i = 0; i < sizeof(whens) / sizeof(whens[0]); i++)
		check_row(catalogue_find(*state, "acme/when"), &whens[i]);
}

static void test_checks_of_models(void **state)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		check_row(catalogue_find(*state, "acme/checks"), &checks[i]);
}

/* What is filled in is what counts where the request stands. */
static void test_defaults(void **state)
{
	static const struct {
		const char *input, *body;
	} rows[] = {
		{"{\"mode\": \"b\"}", "{\"mode\":\"b\",\"n\":2}"},
		{"{\"mode\": \"b\", \"n\": 3}", "{\"mode\":\"b\",\"n\":3}"},
		{"{\"mode\": \"a\"}", "{\"mode\":\"a\"}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct request request = {0};
		struct error err = {0};

		if (request_build(catalogue_find(*state, "acme/when"), REQUEST_JSON, rows[i].input,
			    strlen(rows[i].input), NULL, 0, NULL, &request, &err) < 0)
			fail_msg("%s: %s", rows[i].input, error_text(&err));
		if (!strstr(request.body, rows[i].body))
			fail_msg("%s: %s", rows[i].input, request.body);
		request_finish(&request);
	}
}

/* Nobody knows what a field without a default counts as. */
static void test_verdicts(void **state)
{
	const struct model *model = catalogue_find(*state, "acme/when");
	static const struct {
		const char *condition, *input;
		enum verdict verdict;
	} rows[] = {
		{"{\"mode\": \"a\"}", "{}", VERDICT_YES},
		{"{\"mode\": \"b\"}", "{}", VERDICT_NO},
		{"{\"size\": \"1K\"}", "{}", VERDICT_UNKNOWN},
		{"{\"size\": {\"not\": \"1K\"}}", "{}", VERDICT_UNKNOWN},
		{"{\"size\": \"1K\", \"mode\": \"b\"}", "{}", VERDICT_NO},
		{"[{\"size\": \"1K\"}, {\"mode\": \"a\"}]", "{}", VERDICT_YES},
		{"[{\"size\": \"1K\"}, {\"mode\": \"b\"}]", "{}", VERDICT_UNKNOWN},
		{"{\"size\": {\"given\": false}}", "{\"size\": \"\"}", VERDICT_YES},
		{"{\"mode\": {\"given\": true}}", "{}", VERDICT_NO},
		{"{\"n\": {\"min\": 2, \"max\": 3}}", "{\"n\": \"3\"}", VERDICT_YES},
		{"{\"n\": [1, 2]}", "{\"n\": \"2\"}", VERDICT_YES},
		{"{\"pics\": {\"max_items\": 1}}", "{}", VERDICT_YES},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *condition = cJSON_Parse(rows[i].condition);
		cJSON *input = cJSON_Parse(rows[i].input);
		struct level level = {model->fields, model->field_count, input, NULL};

		if (condition_test(condition, &level) != rows[i].verdict)
			fail_msg("%s of %s", rows[i].condition, rows[i].input);
		cJSON_Delete(condition);
		cJSON_Delete(input);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions_of_fields),
		cmocka_unit_test(test_checks_of_models),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
