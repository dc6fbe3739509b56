/*
 * How answers in text are spelled. There are a few forms in the world; which one a service has is
 * found by reading: its entry in the catalogue finds the text in one of them only. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kiefs/buf.h"

struct model;

enum chat_stop {
	CHAT_ALL_SAID,
	CHAT_TOO_LONG,
	CHAT_FILTERED,
	CHAT_STOP_COUNT,
};

/* What is to be said. */
struct chat_words {
	const char *id;
	const char *model; /* the service's word for it */
	const char *text;
	enum chat_stop stop;
	long asked, answered; /* tokens */
	double credits;
	long time_s;
};

struct chat_form;

/* NULL: no form fits the model's service. */
const struct chat_form *chat_form_of(const struct model *model);
/* 0 or -ENOMEM. */
int chat_form_whole(const struct chat_form *form, const struct chat_words *words, struct buf *out);
/*
 * A stream, one word of the text in each event. `garbage`: an event in its middle is no JSON;
 * `error`: not NULL, it ends in its middle with an event that says so.
 */
int chat_form_stream(const struct chat_form *form, const struct chat_words *words, bool garbage,
	const char *error, struct buf *out);
