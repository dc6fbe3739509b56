/*
 * The index, continued: what has been uploaded and what is to be. Returns and errors as in store.h.
 *
 * An upload is known by its content: the SHA-256 of the bytes, or of the address from which the
 * service fetched it. Its address dies some days later (`expires_ms`). Earlier than that it is no
 * longer given to a task that may have to wait (`take_by_ms`), and no longer sent (`send_by_ms`).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kiefs/entry.h"

struct buf;
struct store;

/* Heap. -ENOENT: never uploaded, or it holds for too short a time. */
int store_upload_get(struct store *store, const char *sha256, int64_t now_ms, char **address);
/* Every file of uploads/ with this content gets its `<name>.url`. */
int store_upload_put(struct store *store, const char *sha256, const char *address, int64_t now_ms,
	int64_t expires_ms, struct changes *changes);
/* When the address of this file of uploads/ expires; -ENOENT: it has none. */
int store_upload_expires(struct store *store, int64_t entry, int64_t *expires_ms);
/* How many files of the task lack an address that may be sent; such as die too soon are forgotten
 * first. */
int store_upload_missing(struct store *store, int64_t task, int64_t now_ms);

/* What a user's file of this size and change time held. -ENOENT: not known. */
int store_digest_get(
	struct store *store, int64_t entry, int64_t size, int64_t changed_ns, char sha256[65]);
int store_digest_put(
	struct store *store, int64_t entry, int64_t size, int64_t changed_ns, const char *sha256);

/* A file of uploads/, from its close to its address. Strings are owned; outgoing_finish(). */
struct outgoing {
	int64_t entry;
	int64_t due_ms; /* INT64_MAX: nothing more is to be done */
	int attempts;
	int progress; /* percent, -1: none of it is gone */
	int64_t started_ms;
	char *source; /* the address the service is to fetch it from; NULL: its bytes go */
	char *sha256; /* of its content, once known */
	char *error;  /* why it waits or was refused */
};
void outgoing_finish(struct outgoing *outgoing);

int store_outgoing_get(struct store *store, int64_t entry, struct outgoing *out);
/* Up to `max` entries that are due, longest first. Returns how many. */
int store_outgoing_due(struct store *store, int64_t now_ms, int64_t *entries, int max);
/* INT64_MAX: none is. */
int store_outgoing_next_due(struct store *store, int64_t *due_ms);
/* Writes all but `entry` and `source`. -ENOENT: it is gone. */
int store_outgoing_set(struct store *store, const struct outgoing *outgoing);
/* It is no upload any more, or not yet again: its names go. 0 also when it was none. */
int store_outgoing_forget(struct store *store, int64_t entry, struct changes *changes);
/* It has an address already, by its content. */
int store_outgoing_done(struct store *store, int64_t entry, const char *sha256, const char *address,
	int64_t now_ms, struct changes *changes);
/* It will not be taken: `<name>.error` says `text`. */
int store_outgoing_fail(struct store *store, int64_t entry, const char *text, int64_t now_ms,
	struct changes *changes);
/* One line for `<name>.status`, with a newline. */
int store_outgoing_status(struct store *store, int64_t entry, int64_t now_ms, struct buf *out);
