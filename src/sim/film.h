/* Short films that show their words, with something moving behind them. */
#pragma once

#include "format.h"

#include <stdint.h>

struct buf;
struct words;

/* Appends a whole MP4 or MOV file to an empty buffer; see mp4.h for `padded_to`. 0 or -ENOMEM. */
int film_make(const struct words *words, enum format_id format, const cJSON *input,
	uint64_t padded_to, struct buf *out);
