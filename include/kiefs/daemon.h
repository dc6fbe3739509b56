/* Going to the background, and telling whoever started us how it went. */
#pragma once

#include <stdbool.h>

struct error;

/* Descriptor that the starter reads from; -1 in the foreground. */
struct daemon_link {
	int fd;
};

/*
 * Forks unless `foreground`. The caller goes on in the child; the parent waits, prints nothing
 * more, and exits 0 after daemon_ready(), 1 when the child ends before. Before any thread, curl or
 * database handle. 0 or -errno.
 */
int daemon_start(bool foreground, struct daemon_link *out);
/* The mount is up: releases the parent, closes the terminal; a journal stays. */
void daemon_ready(struct daemon_link *link);

/*
 * Takes the lock `name` of a directory (made 0700 when missing): one daemon at a time. Descriptor
 * to keep open, or -errno with `err`: -EBUSY when another daemon has it and goes on having it for
 * some seconds.
 */
int daemon_lock(const char *directory, const char *name, struct error *err);
