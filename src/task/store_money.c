/* What was spent, what waits for a limit, and what was last heard of the account. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/clock.h"
#include "store_private.h"

#define MICRO 1000000.0

/* Four columns from `first` on. */
static struct spend read_spend(sqlite3_stmt *s, int first)
{
	return (struct spend){
		.tasks = sqlite3_column_int64(s, first),
		.credits = sqlite3_column_double(s, first + 1) / MICRO,
		.estimated = sqlite3_column_int64(s, first + 2),
		.unknown = sqlite3_column_int64(s, first + 3),
	};
}

int store_spend_day(struct store *store, int64_t day, struct spend *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_SPEND_DAY);
	int r = store_bind(store, s, "i", day);

	if (r == 0)
		r = store_step(store, s);
	if (r == 1)
		*out = read_spend(s, 0);
	if (s)
		sqlite3_reset(s);
	store_unlock(store);
	return r < 0 ? r : 0;
}

int store_spend_days(struct store *store, int64_t first, struct spend_day *out, int max)
{
	int n = 0;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_SPEND_DAYS);
	int r = store_bind(store, s, "ii", first, (int64_t)max);
	while (r >= 0 && n < max && (r = store_step(store, s)) > 0)
		out[n++] = (struct spend_day){sqlite3_column_int64(s, 0), read_spend(s, 1)};
	if (s)
		sqlite3_reset(s);
	store_unlock(store);
	return r < 0 ? r : n;
}

int store_spend_models(struct store *store, char **out, int max)
{
	int n = 0;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_SPEND_MODELS);
	int r = store_bind(store, s, "i", (int64_t)max);
	while (r >= 0 && n < max && (r = store_step(store, s)) > 0) {
		out[n] = store_column(s, 0);
		r = out[n++] ? r : -ENOMEM;
	}
	if (s)
		sqlite3_reset(s);
	store_unlock(store);
	for (int i = 0; r < 0 && i < n; i++)
		free(out[i]);
	return r < 0 ? r : n;
}

/* RFC 4180: quoted where a comma, a quote or a line's end stands in it. */
static void add_quoted(struct buf *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		buf_adds(out, text);
		return;
	}
	buf_adds(out, "\"");
	for (; *text; text++)
		buf_add(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
	buf_adds(out, "\"");
}

static void add_row(sqlite3_stmt *s, struct buf *out)
{
	const char *model = (const char *)sqlite3_column_text(s, 1);
	char date[CLOCK_DAY_SIZE];

	clock_format_day(sqlite3_column_int64(s, 0), date);
	buf_addf(out, "%s,", date);
	add_quoted(out, model ? model : "");
	buf_addf(out, ",%lld,%.12g,%lld,%lld\n", (long long)sqlite3_column_int64(s, 2),
		(double)sqlite3_column_int64(s, 3) / MICRO, (long long)sqlite3_column_int64(s, 4),
		(long long)sqlite3_column_int64(s, 5));
}

int store_spend_csv(struct store *store, struct buf *out)
{
	int r;

	buf_adds(out, "date,model,tasks,credits,estimated,unknown\n");
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_SPEND_LIST);
	r = s ? 0 : -EIO;
	while (r >= 0 && (r = store_step(store, s)) > 0)
		add_row(s, out);
	if (s)
		sqlite3_reset(s);
	store_unlock(store);
	return r < 0 ? r : out->error;
}

/* The first column of the first row of a statement that is already bound. */
static int first_number(struct store *store, sqlite3_stmt *s, int64_t *out)
{
	int r = store_step(store, s);

	if (r == 1)
		*out = sqlite3_column_int64(s, 0);
	if (s)
		sqlite3_reset(s);
	return r < 0 ? r : r == 1 ? 0 : -ENOENT;
}

int store_task_within(struct store *store, int64_t after, double min, double max, int64_t *id)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_TASK_WITHIN);
	int r = store_bind(store, s, "idd", after, min, max);
	if (r == 0)
		r = first_number(store, s, id);
	store_unlock(store);
	return r;
}

int store_task_held_count(struct store *store, enum task_hold hold, int64_t *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_TASK_HELD_COUNT);
	int r = store_bind(store, s, "s", task_hold_name(hold));
	if (r == 0)
		r = first_number(store, s, out);
	store_unlock(store);
	return r;
}

int store_task_gated(struct store *store, int64_t now_ms, int64_t *ids, int max)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_TASK_GATED);
	int r = store_bind(store, s, "ii", now_ms, (int64_t)max);
	if (r == 0)
		r = store_read_ids(store, s, ids, max);
	store_unlock(store);
	return r;
}

int store_task_of_remote(struct store *store, const char *remote_id, int64_t *id)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_TASK_OF_REMOTE);
	int r = store_bind(store, s, "s", remote_id);
	if (r == 0)
		r = first_number(store, s, id);
	store_unlock(store);
	return r;
}

int store_fact_get(struct store *store, const char *name, struct buf *value, int64_t *at_ms)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_FACT_GET);
	int r = store_bind(store, s, "s", name);
	if (r == 0)
		r = store_step(store, s);
	if (r == 1) {
		buf_add(value, sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0));
		*at_ms = sqlite3_column_int64(s, 1);
	}
	if (s)
		sqlite3_reset(s);
	store_unlock(store);
	return r < 0 ? r : r == 1 ? value->error : -ENOENT;
}

int store_fact_put(struct store *store, const char *name, const char *value, int64_t at_ms)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	return store_end(store, store_exec(store, SQL_FACT_PUT, "ssi", name, value, at_ms));
}
