/*
 * Commands that show what goes on in a mount. They read files of the mount and nothing else, as
 * any program could: no index, no network, no key.
 */
#pragma once

/* Exit status: the command line is wrong, or names what is not there. */
#define VIEW_USAGE 2

typedef int view_fn(int argc, char **argv);

/* What `kiefs NAME` runs, with NAME as argv[0]; NULL: it is no such command. */
view_fn *view_find(const char *name);

/* `kiefs top [PATH]`: the tasks of a mount, on a terminal in place, else a line an event. Returns
 * the exit status: 0 when it was ended, 1 when the mount went. */
int view_top(int argc, char **argv);
/* `kiefs wait PATH...`: until all these requests have ended. Returns the exit status: 0 when all
 * are done, 1 when one is not. */
int view_wait(int argc, char **argv);
