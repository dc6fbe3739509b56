/*
 * Upload services: how a file's bytes get an address that the API can read. Data of the catalogue
 * ("uploads" in kiefs(5)), and what an answer means. Pure: no sockets, no clock.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "kiefs/catalogue.h"

struct http_answer;

/* What the file is given as. */
enum upload_form {
	UPLOAD_STREAM, /* its bytes, as a part of a multipart body */
	UPLOAD_BASE64, /* its bytes as text in a JSON body */
	UPLOAD_URL,    /* an address from which the service fetches it */
};

struct upload_service {
	const char *name;
	const cJSON *entry; /* as it stands in the file */
	enum upload_form form;
	struct service call; /* host, submit_path and what every answer wears; nothing else */
	const cJSON *parts;  /* STREAM: texts by name, in this order; "$file", "$folder", "$name" */
	const cJSON *body;   /* the others: template; "$base64", "$url", "$folder", "$name" */
	const char *done;    /* path of a flag that must not be false, or NULL */
	const cJSON *address; /* array of paths, first hit wins */
	const cJSON *expires; /* array of paths of a time, first hit wins; or NULL */
	int64_t life_ms;      /* how long an address holds when the answer does not tell */
	int64_t max_bytes;    /* of a file, 0: not known */
};

/* NULL when the catalogue has none of this form. */
const struct upload_service *catalogue_upload(
	const struct catalogue *catalogue, enum upload_form form);
size_t catalogue_upload_count(const struct catalogue *catalogue);
const struct upload_service *catalogue_upload_at(const struct catalogue *catalogue, size_t index);

enum upload_verdict {
	UPLOAD_DONE,	/* address, expires_ms */
	UPLOAD_LATER,	/* worth another try: message, retry_after_ms */
	UPLOAD_KEY,	/* the key was refused */
	UPLOAD_REFUSED, /* this file will not be taken: message */
};

struct upload_answer {
	enum upload_verdict verdict;
	char *address; /* heap; https, or http */
	char *message; /* one sentence for a person, heap; NULL when DONE */
	int64_t expires_ms;
	int64_t retry_after_ms; /* -1: not told */
	bool told; /* LATER: the service failed by its own word, and not for being busy */
};

/* `started_ms` is when the upload began: the address holds at least `life_ms` from then. 0 or
 * -ENOMEM; the caller finishes `out`. */
int upload_read(const struct upload_service *service, const struct http_answer *answer,
	int64_t started_ms, struct upload_answer *out);
void upload_answer_finish(struct upload_answer *answer);

/*
 * The JSON body of a call that takes no parts; heap, NULL when out of memory. `value` stands in the
 * place of "$base64" or "$url", `name` in that of "$name",
 * UPLOAD_FOLDER in that of "$folder".
 */
char *upload_body(const struct upload_service *service, const char *value, const char *name);

/* The name under which a file is kept: it becomes a part of a public address, so it says nothing of
 * the user's own name for it but the extension. `random` is any 128 bits. */
#define UPLOAD_FOLDER "kiefs"
#define UPLOAD_NAME_SIZE 48
void upload_name(const uint32_t random[4], const char *extension, char out[UPLOAD_NAME_SIZE]);
