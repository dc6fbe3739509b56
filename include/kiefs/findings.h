/* What checking a request found: faults and warnings, gathered whole and told as sentences. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "kiefs/buf.h"
#include "kiefs/show.h"

/* Sentences of each kind that are kept; further ones are only counted. */
#define FINDINGS_MAX 50

/*
 * One sentence per line in each buffer. A lack of memory stays in the buffers and is returned by
 * findings_end().
 */
struct findings {
	struct buf faults;
	struct buf warnings;
	size_t fault_count;
	size_t warning_count;
	const char *reason; /* a sentence that follows each one of findings_value(); NULL: none. Not
			       owned: whoever sets it takes it away again */
	bool soft;	    /* what findings_value() is told is only a warning, while this is set */
	bool warn_only;	    /* what the catalogue does not allow is only a warning */
};

void findings_init(struct findings *findings, bool warn_only);
/* Accepts NULL and a zeroed struct. */
void findings_finish(struct findings *findings);

/* The form of the request is wrong: a fault whatever the rules are. Returns -EINVAL for a caller
 * that has to stop there. */
int findings_form(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The catalogue does not allow it: a fault, or a warning when `warn_only`. */
void findings_value(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void findings_warn(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Further sentences are only counted: worth knowing before one goes to the trouble of making them.
 */
bool findings_values_full(const struct findings *findings);
bool findings_warnings_full(const struct findings *findings);

/* Adds "and N more" where some were only counted. 0 or -ENOMEM. */
int findings_end(struct findings *findings);
