/* What is new in a text that shows the last lines of a log. Pure. */
#pragma once

#include <stdbool.h>

/* Where in `is` the lines begin that `was`, an earlier look at the same log, does not have.
 * `*missed`: the two share nothing, so that lines between them may have come and gone. */
const char *follow_new(const char *was, const char *is, bool *missed);
