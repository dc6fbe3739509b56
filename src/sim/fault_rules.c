/* The queue of rules that say which requests go wrong, and how. See fault.h. */
#include "fault.h"

#include "kiefs/error.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fault_rule {
	struct fault fault;
	char *path;  /* part of the request's path; NULL: wherever the kind applies */
	char *model; /* NULL: every model */
	char *task;  /* NULL: every task */
	long count;  /* how often it may still strike, negative: for ever */
	long after;  /* how many requests it still lets pass */
	double probability;
	unsigned long used;
	struct fault_rule *next;
};

void fault_rules_init(struct fault_rules *rules, uint64_t seed)
{
	*rules = (struct fault_rules){.seed = seed | 1};
	pthread_mutex_init(&rules->lock, NULL);
}

static void free_rule(struct fault_rule *rule)
{
	if (!rule)
		return;
	free(rule->path);
	free(rule->model);
	free(rule->task);
	free(rule);
}

void fault_rules_clear(struct fault_rules *rules)
{
	pthread_mutex_lock(&rules->lock);
	while (rules->first) {
		struct fault_rule *rule = rules->first;

		rules->first = rule->next;
		free_rule(rule);
	}
	pthread_mutex_unlock(&rules->lock);
}

void fault_rules_finish(struct fault_rules *rules)
{
	fault_rules_clear(rules);
	pthread_mutex_destroy(&rules->lock);
}

static int read_text(const cJSON *json, const char *name, char **out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	if (!cJSON_IsString(item))
		return 0;
	*out = strdup(item->valuestring);
	return *out ? 0 : -ENOMEM;
}

static double read_number(const cJSON *json, const char *name, double missing)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

static int read_kind(const cJSON *json, enum fault_kind *out, struct error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "kind");

	for (unsigned kind = 0; cJSON_IsString(item) && kind < FAULT_COUNT; kind++) {
		if (strcmp(item->valuestring, fault_name(kind)) == 0) {
			*out = kind;
			return 0;
		}
	}
	return error_set(err, -EINVAL, "kind: %s is no kind of fault; see kiefs-sim(1)",
		cJSON_IsString(item) ? item->valuestring : "nothing");
}

/* Names that nobody reads are mistakes of the test's author: refuse them. */
static int check_names(const cJSON *json, struct error *err)
{
	static const char *const names[] = {"kind", "path", "model", "task", "count", "after",
		"probability", "code", "http", "ms", "retry_after", "bytes"};
	const cJSON *item;

	if (!cJSON_IsObject(json))
		return error_set(err, -EINVAL, "A rule is a JSON object");
	cJSON_ArrayForEach(item, json)
	{
		bool known = false;

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			known = known || strcmp(item->string, names[i]) == 0;
		if (!known)
			return error_set(
				err, -EINVAL, "%s: a rule has no such member", item->string);
	}
	return 0;
}

static int read_rule(const cJSON *json, struct fault_rule *rule, struct error *err)
{
	const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(json, "bytes");
	int r = read_kind(json, &rule->fault.kind, err);

	if (r < 0)
		return r;
	rule->fault.code = (long)read_number(json, "code", 0);
	rule->fault.http = (long)read_number(json, "http", 0);
	if (rule->fault.http && (rule->fault.http < 200 || rule->fault.http > 599))
		return error_set(err, -EINVAL, "http: %ld is no status", rule->fault.http);
	rule->fault.ms = (long)read_number(json, "ms", 0);
	rule->fault.retry_after_s = (long)read_number(json, "retry_after", 0);
	rule->fault.bytes = (uint64_t)fmax(0, read_number(json, "bytes", 0));
	if (cJSON_IsString(bytes) && !fault_parse_size(bytes->valuestring, &rule->fault.bytes))
		return error_set(err, -EINVAL, "bytes: %s is no size", bytes->valuestring);
	rule->count = (long)read_number(json, "count", 1);
	rule->after = (long)read_number(json, "after", 0);
	rule->probability = read_number(json, "probability", 1);
	r = read_text(json, "path", &rule->path);
	if (r == 0)
		r = read_text(json, "model", &rule->model);
	if (r == 0)
		r = read_text(json, "task", &rule->task);
	return r;
}

int fault_rules_add(struct fault_rules *rules, const cJSON *json, struct error *err)
{
	int r = check_names(json, err);

	if (r < 0)
		return r;
	struct fault_rule *rule = calloc(1, sizeof(*rule));
	r = rule ? read_rule(json, rule, err) : -ENOMEM;
	if (r < 0) {
		free_rule(rule);
		return r;
	}
	pthread_mutex_lock(&rules->lock);
	struct fault_rule **end = &rules->first;
	while (*end)
		end = &(*end)->next;
	*end = rule;
	pthread_mutex_unlock(&rules->lock);
	return 0;
}

static void describe(cJSON *list, const struct fault_rule *rule)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddItemToArray(list, item);
	cJSON_AddStringToObject(item, "kind", fault_name(rule->fault.kind));
	if (rule->path)
		cJSON_AddStringToObject(item, "path", rule->path);
	if (rule->model)
		cJSON_AddStringToObject(item, "model", rule->model);
	if (rule->task)
		cJSON_AddStringToObject(item, "task", rule->task);
	cJSON_AddNumberToObject(item, "code", (double)rule->fault.code);
	cJSON_AddNumberToObject(item, "count", (double)rule->count);
	cJSON_AddNumberToObject(item, "after", (double)rule->after);
	cJSON_AddNumberToObject(item, "probability", rule->probability);
	cJSON_AddNumberToObject(item, "used", (double)rule->used);
}

cJSON *fault_rules_list(struct fault_rules *rules)
{
	cJSON *list = cJSON_CreateArray();

	pthread_mutex_lock(&rules->lock);
	for (const struct fault_rule *rule = rules->first; list && rule; rule = rule->next)
		describe(list, rule);
	pthread_mutex_unlock(&rules->lock);
	return list;
}

static bool text_matches(const char *wanted, const char *given)
{
	return !wanted || (given && strcmp(wanted, given) == 0);
}

/* A fault of the task is caught when the task is made, whatever the path of the rule. */
static bool rule_matches(const struct fault_rule *rule, enum stage stage, const char *path,
	const char *model, const char *task)
{
	if (rule->count == 0 || !text_matches(rule->model, model))
		return false;
	if (fault_is_of_task(rule->fault.kind))
		return stage == STAGE_SUBMIT;
	if (!text_matches(rule->task, task))
		return false;
	if (rule->path)
		return strcmp(rule->path, "*") == 0 || strstr(path, rule->path) != NULL;
	return fault_meets(rule->fault.kind, stage);
}

static bool has_kind(const struct fault *faults, unsigned count, enum fault_kind kind)
{
	for (unsigned i = 0; i < count; i++) {
		if (faults[i].kind == kind)
			return true;
	}
	return false;
}

static double random_fraction(struct fault_rules *rules)
{
	rules->seed ^= rules->seed << 13;
	rules->seed ^= rules->seed >> 7;
	rules->seed ^= rules->seed << 17;
	return (double)(rules->seed >> 11) / 9007199254740992.0;
}

unsigned fault_rules_meet(struct fault_rules *rules, enum stage stage, const char *path,
	const char *model, const char *task, struct fault out[FAULT_MAX], unsigned count)
{
	pthread_mutex_lock(&rules->lock);
	for (struct fault_rule *rule = rules->first; rule && count < FAULT_MAX; rule = rule->next) {
		if (!rule_matches(rule, stage, path, model, task) ||
			has_kind(out, count, rule->fault.kind))
			continue;
		if (rule->after > 0) {
			rule->after--;
			continue;
		}
		if (rule->probability < 1 && random_fraction(rules) >= rule->probability)
			continue;
		if (rule->count > 0)
			rule->count--;
		rule->used++;
		out[count++] = rule->fault;
	}
	pthread_mutex_unlock(&rules->lock);
	return count;
}
