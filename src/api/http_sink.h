/* Where an answer's body goes: memory, or a file from an offset. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kiefs/buf.h"
#include "kiefs/http.h"

struct sink {
	int fd;		/* -1: memory */
	int64_t resume; /* where a resumed file starts */
	int64_t max_bytes;
	struct buf memory; /* the body, or that of an error that a file must not hold */
	bool begun;
	bool to_file;	  /* the body belongs in the file */
	int64_t received; /* bytes of the file that are good, from its start; or taken in pieces */
	int64_t length;	  /* of the whole content, -1: not told */
	bool stopped;	  /* `outcome` says why; the rest of the body is not wanted */
	enum http_outcome outcome;
	int local_errno;
	int status; /* what to report: a file found whole by 416 is a 206 */
};

void sink_init(struct sink *sink, const struct http_request *request);
void sink_finish(struct sink *sink);

/* With the answer's headers, before its body. `content_length` is -1 when absent, `content_range`
 * NULL. Returns false when the body is not wanted. */
bool sink_begin(struct sink *sink, int status, int64_t content_length, const char *content_range);
/* Returns false when no more is wanted. */
bool sink_write(struct sink *sink, const char *data, size_t len);
/* Offers the bytes to the request's `piece` first. 1: taken, 0: they go to sink_write(), -1: no
 * more is wanted. */
int sink_offer(struct sink *sink, const struct http_request *request, const char *data, size_t len,
	const char *content_type);
