/* Pictures that show their words on a coloured ground. */
#pragma once

#include "format.h"

#include <gd.h>
#include <gdfontl.h>

struct buf;
struct words;

/* The ground and the words; NULL when out of memory. The caller frees it with gdImageDestroy(). */
gdImagePtr picture_draw(const struct words *words, int width, int height);
/* Appends a whole PNG, JPEG or WebP file. 0 or -ENOMEM. */
int picture_make(
	const struct words *words, enum format_id format, const cJSON *input, struct buf *out);
