/* What the simulator was sent: counters, and the last requests with their bodies. Thread-safe. */
#pragma once

#include "reply.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdint.h>

struct tasks;

/* How often each text was counted. */
struct tally {
	struct tally_entry *entries;
	size_t count;
	size_t size; /* slots, a power of two */
};

/* 0 or -ENOMEM. */
int tally_count(struct tally *tally, const char *text);
/* {text: count}; NULL when out of memory. */
cJSON *tally_json(const struct tally *tally);
void tally_finish(struct tally *tally);

#define LEDGER_LINES 20000
#define LEDGER_BYTES ((size_t)64 << 20)

struct ledger {
	pthread_mutex_t lock;
	uint64_t total;
	uint64_t created;
	uint64_t polls;
	uint64_t downloads;
	struct tally paths;
	struct tally codes;
	struct tally models;	   /* of created tasks */
	struct tally bodies;	   /* of created tasks, by SHA-256 */
	struct ledger_line *lines; /* a ring, LEDGER_LINES long */
	uint64_t added;
	uint64_t dropped;
	size_t bytes; /* of the bodies kept */
};

int ledger_init(struct ledger *ledger);
void ledger_finish(struct ledger *ledger);
void ledger_clear(struct ledger *ledger);
void ledger_add(struct ledger *ledger, enum stage stage, int64_t now_ms,
	const struct request *request, const struct reply *reply);
/* `full` adds the last requests with their bodies. NULL when out of memory. */
cJSON *ledger_json(struct ledger *ledger, bool full);
