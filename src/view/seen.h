/* A task as its directory in the mount tells of it. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

struct seen {
	int64_t task;
	char *name;   /* of the request */
	char *model;  /* its id */
	char *line;   /* the status */
	char *word;   /* the state */
	int progress; /* per cent; -1: not known */
	double price; /* credits, what it cost or else may cost; -1: not known */
	bool over;    /* nothing more comes of it by itself */
	bool done;    /* ... and the results are here */
};

/* `folder` is .../tasks/all/N. 0, or -errno of reading it. The caller finishes `*out`. */
int seen_read(const char *folder, struct seen *out);
/* Frees and zeroes; accepts a zeroed struct. */
void seen_finish(struct seen *seen);

/* Why there is no result: the first sentence of the task's error, or "" . The caller frees; NULL:
 * out of memory. */
char *seen_reason(const char *folder);

/* A small text of the mount, without the newline at its end; the caller frees. */
int seen_text(const char *folder, const char *name, char **out);
