/* Text as part of an address. Pure. */
#pragma once

struct buf;

/* Letters, digits, "-._~" and what is in `keep` as they are, every other byte as %XX. 0 or the
 * buffer's error. */
int percent_add(struct buf *out, const char *text, const char *keep);
