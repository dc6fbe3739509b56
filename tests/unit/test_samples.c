/*
 * The documented and recorded requests against the catalogue: each is accepted silently, accepted
 * with a warning, or refused for a reason, as the table says. What the table does not name must be
 * accepted silently. See tests/data/samples.
 */
#include <dirent.h>
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
#include "kiefs/error.h"
#include "kiefs/json.h"
#include "kiefs/request.h"

#define TEXT_MAX (1u << 20)

enum outcome {
	SILENT,
	WARNED,
	REFUSED,
};

struct sample {
	const char *name; /* of the file, without "market-" and ".json" */
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

static char *read_file(const char *name)
{
	char path[4096];
	char block[4096];
	struct buf text;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", SAMPLES, name);
	FILE *file = fopen(path, "re");
	if (!file)
		fail_msg("%s cannot be read", path);
	buf_init(&text, TEXT_MAX);
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		buf_add(&text, block, n);
	fclose(file);
	assert_int_equal(text.error, 0);
	char *out = buf_take(&text);
	buf_finish(&text);
	return out;
}

static const struct sample *find(const char *file)
{
	size_t prefix = strlen("market-"), length = strlen(file) - strlen(".json") - prefix;

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (strlen(samples[i].name) == length &&
			strncmp(samples[i].name, file + prefix, length) == 0)
			return &samples[i];
	return NULL;
}

/* The model's id; a request without one is told apart by its file's name alone. */
static const struct model *model_of(const struct catalogue *catalogue, const char *text)
{
	cJSON *json = cJSON_Parse(text);
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "model");
	const struct model *model =
		cJSON_IsString(id) ? catalogue_find(catalogue, id->valuestring) : NULL;

	cJSON_Delete(json);
	return model;
}

static void check(const struct catalogue *catalogue, const char *file)
{
	const struct sample *sample = find(file);
	char *text = read_file(file);
	const struct model *model = model_of(catalogue, text);
	struct request request = {0};
	struct error err = {0};

	if (!sample)
		fail_msg("%s is in no row of the table", file);
	if (!model)
		fail_msg("%s: no such model", file);
	int r = request_build(
		model, REQUEST_JSON, text, strlen(text), NULL, 0, NULL, &request, &err);
	enum outcome outcome = r < 0 ? REFUSED : request.warnings ? WARNED : SILENT;
	const char *said = r < 0 ? error_text(&err) : request.warnings ? request.warnings : "";
	if (outcome != sample->outcome || !strstr(said, sample->text ? sample->text : ""))
		fail_msg("%s: outcome %d: %s", file, outcome, said);
	request_finish(&request);
	error_finish(&err);
	free(text);
}

static void test_market_requests(void **state)
{
	const struct dirent *entry;
	size_t count = 0;
	DIR *dir = opendir(SAMPLES);

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, "market-", 7) == 0 &&
			strstr(entry->d_name, "-request")) {
			check(*state, entry->d_name);
			count++;
		}
	closedir(dir);
	assert_int_equal(count, sizeof(samples) / sizeof(samples[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_market_requests),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
