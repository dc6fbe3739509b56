/*
 * The services that have paths of their own, and the same under a model's name in the task API: as
 * data, in services/. It says what the API does and is written from its documentation, apart from
 * the program's catalogue, so that the two can be held against each other. Read only after loading.
 *
 * records.json: how tasks are asked after, by name of the report
 *   path, query   where, and the parameter that holds the task's id
 *   missing       the whole answer when there is no such task
 *   answer        the whole answer else; its names come from the set of the moment, then from the
 *                 operation's "set", then from the report's
 *   steps         [{"below": share of the time, "set": ...}] while it runs
 *   success, exception, fail, moderation
 *                 the sets at the end; the last two are {"code", "message", "set"}
 *   state, empty  what the faults of these names change: a path, and values by path
 *   early         the share of the time after which files can be fetched
 *   callback      {"stages": [{"at", "body"}], "success", "fail"}: what is posted to the caller
 *
 * operations.json, and unified.json with the models of the task API
 *   method, path  where it is asked for (not in unified.json)
 *   record        the report; without it nothing is to be asked after
 *   submit        the whole answer; without it the id of the task
 *   fields        see demand.h; "one_of": of these sets of fields exactly one
 *   too_long      the code for a text that is too long, 422 when not given
 *   makes         a word for its tasks, for those that need one of them as "parent":
 *                 {"task" and "audio": fields, "of": the word, "missing": the answer when there is
 *                 none; or "late": {"code", "message"}, then the task is taken and fails;
 *                 "optional": the fields may be left out}
 *   once          a word: of one parent (and track) there is only one such; a second is answered
 *                 with "unripe" while the first runs, and "again"
 *   ripens        answered with "unripe" for as long after the parent's end as its own time is
 *   taskless      makes no task: the templates speak of the parent
 *   sync          its task is finished at once
 *   credits, ms   what it costs (a template) and takes (3000 when not given)
 *   callback      the field with the caller's address, "callBackUrl" when not given
 *   set           templates for its report
 *
 * What is a template is described in template.h.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report {
	const char *name;
	const char *path;
	const char *query;
	const char *state;
	double early;
	const cJSON *json;
};

struct operation {
	const char *name;   /* "suno/generate", or the model's id */
	const char *method; /* NULL: a model of the task API */
	const char *path;
	const struct report *report; /* NULL: nothing is to be asked after */
	const char *makes;	     /* NULL: nobody's parent */
	const char *once;
	const char *callback;
	int too_long;
	int64_t duration_ms;
	bool ripens;
	bool taskless;
	bool sync;
	const cJSON *json;
};

#define SERVICES_TEXTS 3

struct services {
	cJSON *texts[SERVICES_TEXTS];
	struct report *reports;
	size_t report_count;
	struct operation *operations;
	size_t operation_count;
};

/* 0, -ENOMEM, or -EINVAL when the built-in data is wrong. */
int services_load(struct services *services);
void services_finish(struct services *services);
/* The operation that createTask knows by this name; NULL when there is none. */
const struct operation *services_model(const struct services *services, const char *name);
