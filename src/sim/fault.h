/*
 * What may go wrong on request: by rules that a test sets through the control path, and by words in
 * a prompt ("sim:fail").
 */
#pragma once

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum fault_kind {
	FAULT_CODE,	  /* refused with `code` (0: 500), HTTP status `http` (0: 200) */
	FAULT_DROP,	  /* connection closed before anything was done */
	FAULT_LOST,	  /* done, but the connection is closed without an answer */
	FAULT_CUT,	  /* the answer ends after half of it, or `bytes` */
	FAULT_SLOW,	  /* the answer waits `ms` */
	FAULT_HTML,	  /* done, answered with a web page */
	FAULT_HALF,	  /* done, answered with half of the JSON text, as if that were all */
	FAULT_TYPES,	  /* done, answered with JSON of other types than documented */
	FAULT_NULL,	  /* done, answered with "data": null */
	FAULT_STATE,	  /* the record shows a state word that nobody knows */
	FAULT_EMPTY,	  /* success without any result */
	FAULT_FAIL,	  /* the task fails with `code` (0: 500); its credits come back */
	FAULT_MODERATION, /* the task fails as forbidden content; its credits do not come back */
	FAULT_STUCK,	  /* the task never ends */
	FAULT_LATE,	  /* the task takes `ms` */
	FAULT_THROTTLE,	  /* the download runs at `bytes` a second */
	FAULT_TRUNCATE,	  /* the download ends after half of it, or `bytes` */
	FAULT_EXPIRED,	  /* the download is refused with HTTP status `code` (0: 403) */
	FAULT_BIG,	  /* the result is padded to `bytes` */
	FAULT_CALLBACK_NEVER,  /* no callback comes */
	FAULT_CALLBACK_TWICE,  /* it comes twice */
	FAULT_CALLBACK_FORGED, /* before it comes one about a task that does not exist */
	FAULT_COUNT,
};

/* What a request is to the faults. */
enum stage {
	STAGE_SUBMIT = 1,
	STAGE_POLL = 2,
	STAGE_RESULT = 4,
	STAGE_OTHER = 8,
	STAGE_UPLOAD = 16,
};

struct fault {
	enum fault_kind kind;
	long code;
	long http;
	long ms;
	long retry_after_s; /* 0: no such header */
	uint64_t bytes;	    /* 0: not given */
};

/* The most faults that meet in one request or task; further ones are not looked at. */
#define FAULT_MAX 8

const char *fault_name(enum fault_kind kind);
/* Whether it belongs to a task from its submission on, instead of to one request. */
bool fault_is_of_task(enum fault_kind kind);
/* Whether a fault named in a prompt meets a request of this stage. */
bool fault_meets(enum fault_kind kind, enum stage stage);

/* Finds "sim:KIND", "sim:KIND=VALUE" and "sim:CODE" in every string of `input`. Returns how many
 * were stored. */
unsigned fault_read_words(const cJSON *input, struct fault out[FAULT_MAX]);

/* "2G", "512k", "100". False when it is no size. */
bool fault_parse_size(const char *text, uint64_t *bytes);

/* The rules, asked in the order of their arrival. Thread-safe. */
struct fault_rules {
	pthread_mutex_t lock;
	struct fault_rule *first; /* fault_rule::next */
	uint64_t seed;
};

void fault_rules_init(struct fault_rules *rules, uint64_t seed);
void fault_rules_finish(struct fault_rules *rules);
void fault_rules_clear(struct fault_rules *rules);
/* `json`: an object as kiefs-sim(1) describes. -EINVAL with `err`, -ENOMEM. */
int fault_rules_add(struct fault_rules *rules, const cJSON *json, struct error *err);
/* An array of what is set, with how often each was used; NULL when out of memory. */
cJSON *fault_rules_list(struct fault_rules *rules);
/* Adds the faults that meet this request to `out`, which holds `count`; returns the new count.
 * `model` and `task` may be NULL. Of several rules of one kind only the first strikes, so that
 * rules queue up. */
unsigned fault_rules_meet(struct fault_rules *rules, enum stage stage, const char *path,
	const char *model, const char *task, struct fault out[FAULT_MAX], unsigned count);
