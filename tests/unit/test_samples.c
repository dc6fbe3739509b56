/*
 * The documented and recorded requests against the catalogue: each is accepted silently, accepted
 * with a warning, or refused for a reason, as the table says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/request.h"
#include "sample.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum outcome {
	SILENT,
	WARNED,
	REFUSED,
};

struct sample {
	const char *name; /* of the file, without ".json" */
	enum outcome outcome;
	const char *text; /* a part of what is said */
};

#include "samples.h"

static int setup(void **state)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, NULL, 0, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	*state = catalogue;
	return 0;
}

static int teardown(void **state)
{
	catalogue_destroy(*state);
	return 0;
}

static const struct model *model_of(const struct catalogue *catalogue, const char *text)
{
	cJSON *json = cJSON_Parse(text);
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "model");
	const struct model *model =
		cJSON_IsString(id) ? catalogue_find(catalogue, id->valuestring) : NULL;

	cJSON_Delete(json);
	return model;
}

static void check(const struct catalogue *catalogue, const struct sample *sample)
{
	char *text = sample_read(sample->name);
	const struct model *model = model_of(catalogue, text);
	struct request request = {0};
	struct error err = {0};

	if (!model)
		fail_msg("%s: no such model", sample->name);
	int r = request_build(
		model, REQUEST_JSON, text, strlen(text), NULL, 0, NULL, &request, &err);
	enum outcome outcome = r < 0 ? REFUSED : request.warnings ? WARNED : SILENT;
	const char *said = r < 0 ? error_text(&err) : request.warnings ? request.warnings : "";
	if (outcome != sample->outcome || !strstr(said, sample->text ? sample->text : ""))
		fail_msg("%s: outcome %d: %s", sample->name, outcome, said);
	request_finish(&request);
	error_finish(&err);
	free(text);
}

static void test_market_requests(void **state)
{
	for (size_t i = 0; i < COUNT(samples); i++)
		check(*state, &samples[i]);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_market_requests),
	};

	if (sample_names_wanted(argc, argv)) {
		sample_names(&samples[0].name, COUNT(samples), sizeof(samples[0]));
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
