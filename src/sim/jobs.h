/* The task API: handlers (see routes.h), and what every kind of submission shares. */
#pragma once

#include "routes.h"

#include <cjson/cJSON.h>
#include <stdint.h>

struct options;
struct task;

int jobs_submit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int jobs_record(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int jobs_credit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);

/* Counts the submission; answers when it is one too many. 0 or -ENOMEM. */
int jobs_admit(struct sim *sim, const struct request *request, struct reply *reply);
/* Splits what goes wrong: with this request, and with the task for as long as it lives. -ENOMEM. */
int jobs_collect_faults(struct sim *sim, const struct request *request, const cJSON *input,
	struct task *task, struct reply *reply);
/* Takes the task's credits. -EDQUOT when there are too few, -ENOMEM. */
int jobs_charge(struct sim *sim, const struct task *task);
int jobs_refuse_credits(struct reply *reply);
/* How long a task takes that takes `ms` when nothing else is said. */
int64_t jobs_duration(const struct options *options, int64_t ms);
/* Adds the faults of the task that meet this request. */
void jobs_meet_task_faults(const struct task *task, enum stage stage, struct reply *reply);
