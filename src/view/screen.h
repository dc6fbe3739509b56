/* The terminal that a view is drawn on. */
#pragma once

#include <stdbool.h>

struct buf;

struct screen {
	bool is_terminal; /* standard output is one */
	int rows, columns;
	bool blocks; /* bars are drawn by block elements */
	bool raw;    /* keys come at once; screen_close() sets the terminal right */
};

/* Looks at standard output. `whole`: all of the terminal is drawn on, and keys are read. */
void screen_open(struct screen *screen, bool whole);
/* The terminal's size may have changed. */
void screen_measure(struct screen *screen);
void screen_close(struct screen *screen);

/* SIGINT, SIGTERM or SIGHUP came; its number, or 0. */
int screen_ended(void);
/* Descriptors beside the keyboard that can be waited for. */
#define SCREEN_FDS_MAX 64
/* Waits so long, for a key (a `raw` screen's), for one of the descriptors to be readable, or for
 * one of the signals, whichever is first. The key, or 0. */
int screen_wait(const struct screen *screen, const int *fds, int count, int ms);
/* Writes it all; false: nobody reads any more. */
bool screen_put(const struct buf *text);
