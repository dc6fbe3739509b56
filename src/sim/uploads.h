/*
 * Uploaded files: kept until they expire, the oldest dropped when there are too many, and served
 * under their addresses. Thread-safe.
 */
#pragma once

#include "reply.h"

#include "kiefs/digest.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct route;
struct sim;
struct upload_service;

#define UPLOADS_FILES 400 /* each is an open descriptor */
#define UPLOADS_BYTES ((uint64_t)16 << 30)
#define UPLOAD_LIFE_MS ((int64_t)3 * 24 * 3600 * 1000)
/* What every stored path begins with: it shows the account's number. */
#define UPLOAD_PREFIX "kieai/184320/"
#define UPLOAD_ADDRESS "/files/"

struct uploads {
	pthread_mutex_t lock;
	struct stored *first; /* stored::next, the newest first */
	unsigned count;
	uint64_t bytes;
};

void uploads_init(struct uploads *uploads);
void uploads_finish(struct sim *sim);
void uploads_clear(struct sim *sim);

/* A multipart body as it comes in: the file goes to the disk, not into memory. */
struct intake;
/* NULL: out of memory, or the request's Content-Type is another. */
struct intake *intake_create(
	const struct upload_service *service, const struct request *request, uint64_t max_bytes);
/* False: it is no multipart body. */
bool intake_feed(struct intake *intake, const char *data, size_t len);
/* Accepts NULL. */
void intake_destroy(struct intake *intake);

/* The handlers of the three forms, and of what was uploaded. */
int uploads_stream(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int uploads_base64(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int uploads_url(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);
int uploads_serve(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply);

/* What is at the address, in words for people: "image/png, 70 bytes, SHA-256 ..." of a file of ours;
 * "elsewhere", or "no file is there". */
int uploads_tell(struct sim *sim, const struct request *request, const char *url, struct buf *out);
/* Whether every address in `input` that is one of ours leads to a file. */
bool uploads_are_there(struct sim *sim, const struct request *request, const cJSON *input);
