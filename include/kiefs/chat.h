/*
 * Models that answer in text while one waits, by the catalogue's entry: what a turn of a
 * conversation looks like in a request, and where the text stands in an answer, whole or streamed.
 * Pure: no file, socket or clock, and no service known by name.
 *
 * The service's "chat" is an object of the form that kiefs(5) describes under "Chat".
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "kiefs/buf.h"

struct model;

/* ---- what is said (chat_body.c) ---- */

/* One turn: what the user wrote and, once it is finished, the answer. Borrowed. */
struct chat_turn {
	const char *prompt;
	const char *const *images; /* addresses, data: URLs, or names of files */
	size_t image_count;
	const char *reply; /* NULL: not answered (yet) */
};

/* The field of a request that holds the turns. */
const char *chat_list_name(const struct model *model);
/* Whether a turn may hold pictures. */
bool chat_takes_images(const struct model *model);
/*
 * The members of a request's input that `turns` and the text of `system` (NULL or "": none) make:
 * the list of turns, and the field for the system's text where the service has one. Where it has
 * neither field nor turn for it, the text stands before the first prompt. The caller frees `*out`.
 * 0 or -ENOMEM.
 */
int chat_input(const struct model *model, const char *system, const struct chat_turn *turns,
	size_t count, cJSON **out);

/* ---- what is answered (chat_read.c) ---- */

#define CHAT_TEXT_MAX (64u << 20) /* bytes of an answer */
#define CHAT_RAW_MAX (1u << 20)	  /* bytes of a stream that are kept as they came */

/* What has been read of an answer. */
struct chat_answer {
	struct buf text; /* of the answer, since the caller last emptied it */
	bool any_text;	 /* there was text, whether or not it was taken */
	bool ended;	 /* the service said that this is all */
	char *stop;	 /* why it ends, the service's word; NULL: not told */
	char *error;	 /* the service's words when it failed in between, cleaned; or NULL */
	char *calls;	 /* JSON: what it wants to have called; of a whole answer; or NULL */
	double credits;	 /* negative: not told */
};

/* A stream on its way. Made by chat_reader_init(). */
struct chat_reader {
	const struct model *model;
	struct chat_answer answer;
	struct buf line;    /* begun, not yet ended */
	struct buf data;    /* of the event that is being read */
	struct buf raw;	    /* the stream as it came, up to CHAT_RAW_MAX */
	struct buf refusal; /* the first event, when it is an error and nothing was said before */
	bool after_return;  /* the last byte was a CR: an LF belongs to it */
	size_t events;	    /* that were understood and are no error */
	size_t garbage;	    /* that were not understood */
};

void chat_reader_init(struct chat_reader *reader, const struct model *model);
/* Accepts NULL and a zeroed struct. */
void chat_reader_finish(struct chat_reader *reader);
/* Takes bytes as they come, cut anywhere. 0, -EFBIG (an event or the text is too large) or
 * -ENOMEM. */
int chat_reader_feed(struct chat_reader *reader, const char *bytes, size_t len);
/* No more bytes come: an event whose empty line never came is read as well. */
int chat_reader_end(struct chat_reader *reader);

/* A whole answer as JSON. `*found` says whether it is one: text, calls or a word why it ends.
 * `*out` is to be finished in each case. 0 or -ENOMEM. */
int chat_read_whole(const struct model *model, const char *body, size_t len,
	struct chat_answer *out, bool *found);
void chat_answer_finish(struct chat_answer *answer);

/* The answer ends because all was said, not because of a limit or a filter. True when nothing was
 * told. */
bool chat_stop_is_natural(const struct model *model, const char *stop);
