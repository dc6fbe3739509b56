/* See services.h. */
#include "services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern const char services_records[];
extern const char services_operations[];
extern const char services_unified[];

static const char *text_of(const cJSON *json, const char *name, const char *missing)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text ? text : missing;
}

static double number_of(const cJSON *json, const char *name, double missing)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

static bool flag_of(const cJSON *json, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static int read_reports(struct services *services, const cJSON *table)
{
	const cJSON *json;

	services->reports = calloc((size_t)cJSON_GetArraySize(table) + 1, sizeof(struct report));
	if (!services->reports)
		return -ENOMEM;
	cJSON_ArrayForEach(json, table)
	{
		struct report *report = &services->reports[services->report_count++];

		*report = (struct report){.name = json->string,
			.path = text_of(json, "path", NULL),
			.query = text_of(json, "query", NULL),
			.state = text_of(json, "state", NULL),
			.early = number_of(json, "early", 1),
			.json = json};
		if (!report->path || !report->query || !report->state)
			return -EINVAL;
	}
	return 0;
}

static const struct report *find_report(const struct services *services, const char *name)
{
	for (size_t i = 0; name && i < services->report_count; i++) {
		if (strcmp(services->reports[i].name, name) == 0)
			return &services->reports[i];
	}
	return NULL;
}

static int read_operations(struct services *services, const cJSON *table)
{
	size_t count = services->operation_count + (size_t)cJSON_GetArraySize(table);
	struct operation *list = realloc(services->operations, (count + 1) * sizeof(*list));
	const cJSON *json;

	if (!list)
		return -ENOMEM;
	services->operations = list;
	cJSON_ArrayForEach(json, table)
	{
		const char *report = text_of(json, "record", NULL);
		struct operation *operation = &list[services->operation_count++];

		*operation = (struct operation){.name = json->string,
			.method = text_of(json, "method", NULL),
			.path = text_of(json, "path", NULL),
			.report = find_report(services, report),
			.makes = text_of(json, "makes", NULL),
			.once = text_of(json, "once", NULL),
			.callback = text_of(json, "callback", "callBackUrl"),
			.too_long = (int)number_of(json, "too_long", 422),
			.duration_ms = (int64_t)number_of(json, "ms", 3000),
			.ripens = flag_of(json, "ripens"),
			.taskless = flag_of(json, "taskless"),
			.sync = flag_of(json, "sync"),
			.json = json};
		if ((report && !operation->report) || !operation->method != !operation->path)
			return -EINVAL;
	}
	return 0;
}

int services_load(struct services *services)
{
	const char *const texts[] = {services_records, services_operations, services_unified};
	int r = 0;

	*services = (struct services){0};
	for (size_t i = 0; i < SERVICES_TEXTS && r == 0; i++) {
		services->texts[i] = cJSON_Parse(texts[i]);
		if (!services->texts[i])
			r = cJSON_GetErrorPtr() ? -EINVAL : -ENOMEM;
	}
	if (r == 0)
		r = read_reports(
			services, cJSON_GetObjectItemCaseSensitive(services->texts[0], "records"));
	if (r == 0)
		r = read_operations(services,
			cJSON_GetObjectItemCaseSensitive(services->texts[1], "operations"));
	if (r == 0)
		r = read_operations(
			services, cJSON_GetObjectItemCaseSensitive(services->texts[2], "models"));
	if (r < 0)
		services_finish(services);
	return r;
}

void services_finish(struct services *services)
{
	for (size_t i = 0; i < SERVICES_TEXTS; i++)
		cJSON_Delete(services->texts[i]);
	free(services->reports);
	free(services->operations);
	*services = (struct services){0};
}

const struct operation *services_model(const struct services *services, const char *name)
{
	for (size_t i = 0; i < services->operation_count; i++) {
		const struct operation *operation = &services->operations[i];

		if (!operation->path && strcmp(operation->name, name) == 0)
			return operation;
	}
	return NULL;
}
