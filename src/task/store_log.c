/* The log: who decided what, one line each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/clock.h"
#include "store_private.h"

/* Of one transaction; what is more stands in the index alone. */
#define TOLD_MAX (256u << 10)

int log_level_locked(
	struct store *store, enum say_level level, int64_t task, int64_t now_ms, const char *text)
{
	char *line = strdup(text);

	if (!line)
		return -ENOMEM;
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	int r = store_exec(store, SQL_LOG_INSERT, "iis", task, now_ms, line);
	if (r == 0 && say_is_journal()) {
		store->told.max = TOLD_MAX;
		buf_addf(&store->told, "%d %lld %s\n", (int)level, (long long)task, line);
	}
	free(line);
	return r;
}

int log_locked(struct store *store, int64_t task, int64_t now_ms, const char *text)
{
	return log_level_locked(store, SAY_INFO, task, now_ms, text);
}

char *log_take(struct store *store, int r)
{
	char *lines = r >= 0 && store->told.len > 0 ? buf_take(&store->told) : NULL;

	buf_clear(&store->told);
	return lines;
}

void log_tell(char *lines)
{
	for (char *next, *line = lines; line && *line; line = next) {
		char *end = strchr(line, '\n');
		next = end + 1;
		*end = '\0';
		long level = strtol(line, &line, 10);
		long long task = strtoll(line, &line, 10);
		say_log((enum say_level)level, task, line + 1);
	}
	free(lines);
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

int store_warn(struct store *store, int64_t now_ms, const char *text)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, log_level_locked(store, SAY_WARNING, 0, now_ms, text));
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

int store_log_last(struct store *store, int64_t task, int64_t *at_ms)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, task ? SQL_LOG_LAST : SQL_LOG_NEWEST);
	int r = store_bind(store, s, task ? "i" : "", task);
	if (r == 0)
		r = store_one_number(store, s, *at_ms, at_ms);
	store_unlock(store);
	return r;
}
