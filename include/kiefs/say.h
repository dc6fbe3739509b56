/*
 * What the daemon says on standard error. People read "kiefs: text"; where standard error is the
 * journal ($JOURNAL_STREAM, systemd.exec(5)), each line has its priority in front, sd-daemon(3),
 * and the log goes there, too. From any thread, after say_start().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The numbers of syslog(3). */
enum say_level {
	SAY_ERROR = 3,
	SAY_WARNING = 4,
	SAY_INFO = 6,
};

/* Looks where standard error leads. Before any thread. */
void say_start(void);
bool say_is_journal(void);
/* One line or several. */
void say(enum say_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line of the log, for the journal alone. `task` 0: no task. */
void say_log(enum say_level level, int64_t task, const char *line);
