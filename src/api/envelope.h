/* What every answer of a service wears: a code and a message, and the sentences made of them. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "kiefs/protocol.h"

struct http_answer;
struct service;

/* Zeroed: nothing readable. */
struct envelope {
	cJSON *root;   /* the body as JSON, NULL when it is none */
	bool has_code; /* the service's own code stands where it belongs */
	int number;    /* that code, 0 when none */
	enum answer_class class;
	char *message; /* the service's own words, cleaned, heap or NULL */
};

/* 0 or -ENOMEM; a body that cannot be understood is no error. */
int envelope_read(
	const struct service *service, const struct http_answer *answer, struct envelope *out);
void envelope_finish(struct envelope *envelope);

/* By the catalogue's classes, else by what HTTP itself means by the status. */
enum answer_class class_of_status(const struct service *service, int status);

/* `lead`, then why: the service's words, its code, HTTP's status or the transfer's trouble. One
 * sentence, heap; NULL when out of memory. */
char *envelope_sentence(
	const struct envelope *envelope, const struct http_answer *answer, const char *lead);

/* Why a task failed. `reason` and `code` may be NULL. Heap; NULL when out of memory. */
char *reason_sentence(const char *reason, const char *code);

/* One line without control characters, valid UTF-8, about 300 characters at most; heap, NULL when
 * out of memory. */
char *text_clean(const char *text);

/* A string, number or boolean as text, heap; NULL for an empty string and everything else. */
char *json_scalar_text(const cJSON *item);

/* The first of a list of paths that leads to a non-empty string or a number; heap or NULL. */
char *json_first_string(const cJSON *root, const cJSON *paths);
