/* A request as the routes see it, and the answer they make. */
#pragma once

#include "fault.h"

#include "kiefs/buf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct sim;
struct product;
struct intake;
struct fetch;
struct MHD_Connection;

#define BODY_MAX ((size_t)16 << 20)

struct request {
	struct MHD_Connection *connection;
	const char *method;
	const char *path; /* without the query */
	const char *key;  /* the bearer key, NULL when there is none */
	const char *body; /* NUL-terminated */
	size_t body_len;
	bool loopback;
	struct fetch **fetch;  /* where the connection keeps one; never NULL */
	struct intake *intake; /* a multipart body, in place of `body`; NULL: none */
};

struct reply {
	unsigned status; /* HTTP status, 0 while nothing was answered */
	struct buf body;
	const char *type; /* static; NULL: JSON */
	long retry_after_s;
	/* For the log of requests. */
	int code;	   /* the envelope's code */
	char task[33];	   /* the task it was about, "" when none */
	const char *model; /* lives as long as the catalogue; NULL when none or unknown */
	bool created;
	char upload_sha[65]; /* of an uploaded file; "" when none */
	uint64_t upload_bytes;
	char mime[64]; /* room for `type` */
	/* A file in place of the body; the reply holds a reference. */
	struct product *file;
	/* What goes wrong with it. */
	struct fault faults[FAULT_MAX];
	unsigned fault_count;
};

/* NULL when there is no such parameter. */
const char *request_query(const struct request *request, const char *name);
const char *request_header(const struct request *request, const char *name);

void reply_init(struct reply *reply);
void reply_finish(struct reply *reply);

/* Each replaces what was answered; all return 0 or -ENOMEM. */
/* {"code":..., "msg":..., "data":...}; takes ownership of `data`, NULL means null. HTTP 200, or 429
 * for the code 429. */
int reply_envelope(struct reply *reply, int code, const char *msg, cJSON *data);
/* Takes ownership of `json`; NULL is out of memory. */
int reply_json(struct reply *reply, unsigned status, cJSON *json);

const struct fault *reply_fault(const struct reply *reply, enum fault_kind kind);
/* The refusal that a fault asked for; false when none did. */
bool reply_refused(struct reply *reply);
/* Damages the finished JSON text as its faults say. 0 or -ENOMEM. */
int reply_spoil(struct reply *reply);
