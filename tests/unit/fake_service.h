/*
 * The far side for the worker's tests: stands in for src/api/http at the link, keeps a clock of its
 * own, and plays a task service and a file server with faults. No sockets, no waiting: time jumps
 * to the next thing that happens.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAKE_TASKS 6000
#define FAKE_START 1700000000000LL

enum call_kind {
	CALL_SUBMIT,
	CALL_POLL,
	CALL_FETCH,
	CALL_UPLOAD,
	CALL_ACCOUNT,
	CALL_COUNT,
};

enum fault {
	FAULT_NONE,
	FAULT_NOT_SENT,
	FAULT_LOST,	  /* no answer, and the service did not take it */
	FAULT_LOST_TAKEN, /* no answer, and the service took it */
	FAULT_STATUS,	  /* HTTP status `number` with a page */
	FAULT_CODE,	  /* HTTP 200 with code `number` in the body */
	FAULT_BODY,	  /* HTTP 200 with `body` */
	FAULT_CUT,	  /* FETCH: ends after `number` more bytes */
	FAULT_VANISH,	  /* FETCH: `number` more bytes, and then neither more nor an end */
	FAULT_EMPTY,	  /* FETCH: nothing */
	FAULT_PAGE,	  /* FETCH: a page in place of the file, and HTTP 200 */
	FAULT_REFUSED,	  /* FETCH: the address is not allowed */
	FAULT_LOCAL,	  /* FETCH: the file cannot be written, errno `number` */
	FAULT_TOO_LARGE,
	FAULT_STALE, /* FETCH: the file has changed meanwhile: the whole of it */
};

struct fake_call {
	enum call_kind kind;
	int serial; /* of this kind, from 0 */
	int prompt; /* which request: "n17" is 17 */
	int result; /* FETCH: from 1 */
	int64_t offset;
	const char *if_range;
	const char *url;
};

struct fake_plan {
	enum fault fault;
	int number;
	const char *body;
	int64_t retry_after_ms; /* 0: not told */
};

typedef struct fake_plan fake_plan_fn(const struct fake_call *call);

struct fake {
	int64_t now; /* milliseconds since 1970 */
	int latency_ms;
	fake_plan_fn *plan;   /* NULL: no faults */
	int polls_until_done; /* answers "generating" before "success" */
	int result_count;
	int result_size; /* bytes of each */
	bool threaded;	 /* long waits are real ones, until http_wakeup() */
	double balance;
	double cost; /* of each task that is done */
	char key[64];
	/* What was seen. */
	int calls[CALL_COUNT];
	int64_t asked_at;	       /* for the balance, the last time */
	int taken[FAKE_TASKS];	       /* by prompt: how often the service took it */
	int posted[FAKE_TASKS];	       /* by prompt: how often a POST came */
	int polled[FAKE_TASKS];	       /* by prompt */
	int64_t polled_at[FAKE_TASKS]; /* by prompt: the last time */
	int64_t longest_gap;	       /* between two polls of one task */
	int posts;		       /* that left, answered or not */
	int64_t post_times[FAKE_TASKS];
	int64_t upload_life_ms; /* what the answer tells; 0: nothing */
	char uploaded[64];	/* the name of the last file that came */
	int64_t upload_bytes;	/* of all */
	char body[512];		/* of the last submission */
	int idle;		/* waits of no length in a row in which nothing happened */
};

extern struct fake fake;

void fake_reset(void);
