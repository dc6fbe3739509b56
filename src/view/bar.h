/* Text in columns of a terminal. The locale's character set counts; control characters of names
 * become "?". */
#pragma once

#include <stdbool.h>

struct buf;

enum column {
	COLUMN_LEFT,  /* filled up with blanks behind it */
	COLUMN_RIGHT, /* before it */
	COLUMN_LAST,  /* not filled up */
};

/* The text cut to `width` columns, or filled up to them. */
void column_add(struct buf *out, const char *text, int width, enum column column);
/* Its last `width` columns: of a path, where the names are. */
const char *column_tail(const char *text, int width);
/* `width` columns that show so many per cent; -1: not known. `blocks`: by block elements. */
void bar_add(struct buf *out, int percent, int width, bool blocks);
/* Whether the terminal shows UTF-8. */
bool bar_has_blocks(void);
