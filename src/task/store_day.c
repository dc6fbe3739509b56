/* Days on which tasks were made: since 1970, UTC. */
#include <errno.h>

#include "store_private.h"

/* -ENOENT for a negative number. */
static int day_number(struct store *store, enum statement which, int64_t day, int64_t *out)
{
	int64_t found = -1;

	store_lock(store);
	sqlite3_stmt *s = store_statement(store, which);
	int r = store_bind(store, s, "i", day);
	if (r == 0)
		r = store_one_number(store, s, -1, &found);
	store_unlock(store);
	if (r < 0)
		return r;
	if (found < 0)
		return -ENOENT;
	*out = found;
	return 0;
}

int store_day_next(struct store *store, int64_t from, int64_t *day)
{
	return day_number(store, SQL_DAY_NEXT, from, day);
}

int store_day_latest(struct store *store, int64_t day, int64_t *created_ms)
{
	return day_number(store, SQL_DAY_LATEST, day, created_ms);
}

int store_day_list(struct store *store, int64_t day, int64_t after, int64_t *ids, int max)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_DAY_LIST);
	int r = store_bind(store, s, "iii", day, after, (int64_t)max);
	if (r == 0)
		r = store_read_ids(store, s, ids, max);
	store_unlock(store);
	return r;
}
