/* The log: who decided what, one line each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/clock.h"
#include "store_private.h"

int log_locked(struct store *store, int64_t task, int64_t now_ms, const char *text)
{
	char *line = strdup(text);

	if (!line)
		return -ENOMEM;
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	int r = store_exec(store, SQL_LOG_INSERT, "iis", task, now_ms, line);
	free(line);
	return r;
}

int store_log(struct store *store, int64_t task, int64_t now_ms, const char *text)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, log_locked(store, task, now_ms, text));
}

static int read_log(struct store *store, sqlite3_stmt *s, bool numbers, struct buf *out)
{
	char when[32];
	int r = 0;

	while (out->error == 0 && (r = store_step(store, s)) > 0) {
		int64_t task = sqlite3_column_int64(s, 0);
		clock_format(sqlite3_column_int64(s, 1), when, sizeof(when));
		if (numbers && task)
			buf_addf(out, "%s task %lld: %s\n", when, (long long)task,
				sqlite3_column_text(s, 2));
		else
			buf_addf(out, "%s %s\n", when, sqlite3_column_text(s, 2));
	}
	return r < 0 ? r : out->error;
}

int store_log_task(struct store *store, int64_t task, struct buf *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_LOG_TASK);
	int r = store_bind(store, s, "i", task);
	if (r == 0)
		r = read_log(store, s, false, out);
	store_unlock(store);
	return r;
}

int store_log_tail(struct store *store, int lines, struct buf *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_LOG_TAIL);
	int r = store_bind(store, s, "i", (int64_t)lines);
	if (r == 0)
		r = read_log(store, s, true, out);
	store_unlock(store);
	return r;
}
