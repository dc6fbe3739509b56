/* The command line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct error;

struct options {
	const char *listen; /* an IPv4 or IPv6 address */
	unsigned port;	    /* 0: any; the server sets what it got */
	int ready_fd;	    /* -1: the address is printed instead */
	long task_ms;	    /* how long every task takes; -1: by its kind */
	double speed;	    /* the kind's times are divided by it */
	double credits;
	unsigned rate;	  /* submissions of a key in 10 s, 0: no limit */
	bool retry_after; /* refusals of the rate limit carry Retry-After */
	uint64_t seed;
	const char *catalog;	  /* NULL: the built-in one */
	const char *extra_model;  /* a file, or NULL */
	const char *callback_key; /* callbacks are signed with it; NULL: they are not */
	bool any_model;	     /* models that the catalogue does not know are taken as they come */
	uint64_t max_tasks;
	int64_t link_ms;       /* how long a result's address lives */
	bool upload_short;     /* uploads are answered in the form of the quick start */
	uint64_t upload_max;   /* bytes of an uploaded file, 0: any */
	uint64_t result_bytes; /* every result is padded to it, 0: not */
	bool die_with_parent;
	bool help;
	bool version;
};

/* 0, or -EINVAL with one sentence. The strings are `argv`'s. */
int options_parse(int argc, char **argv, struct options *out, struct error *err);
void options_help(FILE *file);
