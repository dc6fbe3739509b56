/* The connection: opening, migrating, statements, the transaction frame. */
#include "kiefs/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kiefs/error.h"
#include "store_private.h"

#define BUSY_MS 10000
#define CHECK_MAX_BYTES (64 << 20) /* some 150,000 tasks; about a second */

static int fail(struct store *store)
{
	snprintf(store->message, sizeof(store->message), "%s: %s", store->path,
		sqlite3_errmsg(store->db));
	return sqlite3_errcode(store->db) == SQLITE_FULL ? -ENOSPC : -EIO;
}

static int pragma_int(sqlite3 *db, const char *sql, int *out)
{
	sqlite3_stmt *statement;
	int r = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (r == SQLITE_OK) {
		r = sqlite3_step(statement);
		if (r == SQLITE_ROW)
			*out = sqlite3_column_int(statement, 0);
	}
	sqlite3_finalize(statement);
	return r == SQLITE_ROW ? 0 : -EIO;
}

static int migrate(struct store *store, struct error *err)
{
	char sql[64];
	int version = 0;

	if (pragma_int(store->db, "PRAGMA user_version", &version) < 0)
		return error_set(err, -EUCLEAN,
			"The index %s cannot be read (%s). It was left as it is: move it aside, or "
			"restore it from a backup; kiefs makes a new one where there is none.",
			store->path, sqlite3_errmsg(store->db));
	if (version > store_schema_version)
		return error_set(err, -EPROTO,
			"The index %s was written by a newer kiefs (version %d; this one knows "
			"%d). "
			"Use that version.",
			store->path, version, store_schema_version);
	while (version < store_schema_version) {
		snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version + 1);
		if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
			sqlite3_exec(store->db, store_schema[version], NULL, NULL, NULL) !=
				SQLITE_OK ||
			sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK ||
			sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
			int r = error_set(err, -EUCLEAN,
				"The index %s cannot be brought to version %d: %s.", store->path,
				version + 1, sqlite3_errmsg(store->db));
			sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
			return r;
		}
		version++;
	}
	return 0;
}

/* NULL, or what is wrong. Valid until the connection closes. */
static const char *check_pages(sqlite3 *db, sqlite3_stmt *statement)
{
	if (sqlite3_step(statement) != SQLITE_ROW)
		return sqlite3_errmsg(db);
	const char *verdict = (const char *)sqlite3_column_text(statement, 0);
	return verdict && strcmp(verdict, "ok") == 0 ? NULL : verdict ? verdict : "no verdict";
}

/* The way to both ends of every large table; a table that is not there is for migrate() to find. */
static const char *probe_tables(sqlite3 *db)
{
	static const char *const probes[] = {
		"SELECT (SELECT min(id) FROM task), (SELECT max(id) FROM task)",
		"SELECT (SELECT min(id) FROM log), (SELECT max(id) FROM log)",
		"SELECT (SELECT min(id) FROM entry), (SELECT max(id) FROM entry)",
		"SELECT (SELECT min(task) FROM result), (SELECT max(task) FROM result)",
	};

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		int r = sqlite3_exec(db, probes[i], NULL, NULL, NULL);
		if (r != SQLITE_OK && r != SQLITE_ERROR)
			return sqlite3_errmsg(db);
	}
	return NULL;
}

/*
 * Refuses before SQLite opens for writing: it would recover, truncate or replace what it does not
 * understand. The header is looked at by hand, the rest by a read-only quick_check. That reads
 * every page, so of an index larger than CHECK_MAX_BYTES only samples are looked at; damage
 * elsewhere shows when it is met (-EIO).
 */
static int check_file(const char *path, struct error *err)
{
	char head[16], log[4096];
	struct stat st;
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	int r = 0;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set(
			err, -errno, "The index %s cannot be opened: %s.", path, strerror(errno));
	ssize_t n = read(fd, head, sizeof(head));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		r = -EUCLEAN;
	close(fd);
	if (r == 0 && st.st_size == 0)
		return 0;
	if (r < 0 || n != sizeof(head) || memcmp(head, "SQLite format 3", 16) != 0)
		return error_set(err, -EUCLEAN,
			"The index %s is not a SQLite database. It was left as it is: move it "
			"aside "
			"(its tasks are then unknown to kiefs), or restore it from a backup.",
			path);
	const char *verdict = NULL;
	bool has_log = (size_t)snprintf(log, sizeof(log), "%s-wal", path) < sizeof(log) &&
		       stat(log, &st) == 0 && st.st_size > 0;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(db, BUSY_MS) != SQLITE_OK ||
		sqlite3_exec(db, "PRAGMA query_only = 1", NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK)
		verdict = sqlite3_errmsg(db);
	else
		verdict = st.st_size > CHECK_MAX_BYTES ? probe_tables(db)
						       : check_pages(db, statement);
	/* A first line of several only names the database. */
	if (verdict && strchr(verdict, '\n'))
		verdict = strchr(verdict, '\n') + 1;
	if (verdict)
		r = error_set(err, -EUCLEAN,
			"The index %s is damaged (%.*s). It was left as it is: restore it from a "
			"backup, or repair it with `sqlite3 %s .recover`.",
			path, (int)strcspn(verdict, "\n"), verdict, path);
	sqlite3_finalize(statement);
	/* What is only looked at is not to be written to: a log that was there stays. */
	if (r < 0 && has_log)
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(db);
	return r;
}

static int open_connection(struct store *store, bool full, struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	mode_t mask = umask(077);
	int r = sqlite3_open_v2(store->path, &store->db, flags, NULL);

	umask(mask);
	if (r == SQLITE_OK)
		sqlite3_busy_timeout(store->db, BUSY_MS);
	if (r != SQLITE_OK ||
		sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) !=
			SQLITE_OK ||
		sqlite3_exec(store->db,
			full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL,
			NULL, NULL) != SQLITE_OK ||
		sqlite3_exec(store->db, "PRAGMA cache_size = -1024", NULL, NULL, NULL) != SQLITE_OK)
		return error_set(err, -EUCLEAN, "The index %s cannot be opened: %s.", store->path,
			store->db ? sqlite3_errmsg(store->db) : "out of memory");
	return 0;
}

static struct store *store_new(const char *path)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->path = strdup(path);
	if (!store->path) {
		free(store);
		return NULL;
	}
	pthread_mutex_init(&store->lock, NULL);
	pthread_mutex_init(&store->writers_own, NULL);
	store->writers = &store->writers_own;
	return store;
}

int store_open(const char *path, bool full, struct store **out, struct error *err)
{
	int r = check_file(path, err);

	if (r < 0)
		return r;
	struct store *store = store_new(path);
	if (!store)
		return -ENOMEM;
	r = open_connection(store, full, err);
	if (r == 0)
		r = migrate(store, err);
	if (r < 0) {
		store_close(store);
		return r;
	}
	store->full = full;
	*out = store;
	return 0;
}

int store_open_peer(struct store *store, bool full, struct store **out, struct error *err)
{
	struct store *peer = store_new(store->path);

	if (!peer)
		return -ENOMEM;
	peer->writers = store->writers;
	int r = open_connection(peer, full, err);
	if (r < 0) {
		store_close(peer);
		return r;
	}
	peer->full = full;
	*out = peer;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	pthread_mutex_destroy(&store->lock);
	pthread_mutex_destroy(&store->writers_own);
	buf_finish(&store->told);
	free(store->path);
	free(store);
}

const char *store_message(struct store *store)
{
	return store->message;
}

void store_lock(struct store *store)
{
	pthread_mutex_lock(&store->lock);
}

/* A statement that is not reset holds a snapshot open: old reads, no checkpoint. */
static void reset_statements(struct store *store)
{
	for (int i = 0; i < SQL_COUNT; i++)
		if (store->statements[i] && sqlite3_stmt_busy(store->statements[i]))
			sqlite3_reset(store->statements[i]);
}

void store_unlock(struct store *store)
{
	reset_statements(store);
	pthread_mutex_unlock(&store->lock);
}

/* The writers' turn first: who waits for it must not keep readers of the connection waiting. */
int store_begin(struct store *store)
{
	pthread_mutex_lock(store->writers);
	pthread_mutex_lock(&store->lock);
	int r = store_exec(store, SQL_BEGIN, "");
	if (r < 0) {
		pthread_mutex_unlock(&store->lock);
		pthread_mutex_unlock(store->writers);
	}
	return r;
}

int store_end(struct store *store, int r)
{
	reset_statements(store);
	if (r >= 0) {
		int committed = store_exec(store, SQL_COMMIT, "");
		if (committed < 0)
			r = committed;
	}
	if (r < 0 && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	char *lines = log_take(store, r);
	pthread_mutex_unlock(&store->lock);
	pthread_mutex_unlock(store->writers);
	log_tell(lines);
	return r;
}

/* The level may not change inside a transaction, so it changes around one. A commit at FULL syncs
 * the whole WAL, with everything committed before. */
int store_sync(struct store *store)
{
	pthread_mutex_lock(store->writers);
	pthread_mutex_lock(&store->lock);
	sqlite3_exec(store->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	int r = store_exec(store, SQL_BEGIN, "");
	if (r == 0)
		r = store_exec(store, SQL_TOUCH, "");
	if (r == 0)
		r = store_exec(store, SQL_COMMIT, "");
	if (r < 0 && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	if (!store->full)
		sqlite3_exec(store->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	pthread_mutex_unlock(&store->lock);
	pthread_mutex_unlock(store->writers);
	return r;
}

sqlite3_stmt *store_statement(struct store *store, enum statement which)
{
	sqlite3_stmt **statement = &store->statements[which];

	if (!*statement && sqlite3_prepare_v3(store->db, store_sql[which], -1,
				   SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK) {
		fail(store);
		return NULL;
	}
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
	return *statement;
}

static int bind_list(struct store *store, sqlite3_stmt *statement, const char *format, va_list args)
{
	int r = SQLITE_OK;

	for (int i = 1; *format && r == SQLITE_OK; format++, i++) {
		if (*format == 'i') {
			r = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
		} else if (*format == 'd') {
			r = sqlite3_bind_double(statement, i, va_arg(args, double));
		} else if (*format == 's') {
			r = sqlite3_bind_text(
				statement, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
		} else {
			const void *data = va_arg(args, const void *);
			size_t len = va_arg(args, size_t);
			r = sqlite3_bind_blob64(
				statement, i, data ? data : "", len, SQLITE_TRANSIENT);
		}
	}
	return r == SQLITE_OK ? 0 : fail(store);
}

int store_bind(struct store *store, sqlite3_stmt *statement, const char *format, ...)
{
	va_list args;

	if (!statement)
		return -EIO;
	va_start(args, format);
	int r = bind_list(store, statement, format, args);
	va_end(args);
	return r;
}

int store_step(struct store *store, sqlite3_stmt *statement)
{
	int r = sqlite3_step(statement);

	if (r == SQLITE_ROW)
		return 1;
	if (r != SQLITE_DONE)
		r = (r & 0xff) == SQLITE_CONSTRAINT ? (fail(store), -EEXIST) : fail(store);
	else
		r = 0;
	sqlite3_reset(statement);
	return r;
}

int store_exec(struct store *store, enum statement which, const char *format, ...)
{
	va_list args;
	sqlite3_stmt *statement = store_statement(store, which);

	if (!statement)
		return -EIO;
	va_start(args, format);
	int r = bind_list(store, statement, format, args);
	va_end(args);
	if (r == 0)
		r = store_step(store, statement);
	return r;
}

int store_stamp(struct store *store, int64_t *out)
{
	store_lock(store);
	sqlite3_stmt *s = store_statement(store, SQL_VERSION);
	int r = s ? store_step(store, s) : -EIO;
	if (r == 1)
		*out = sqlite3_column_int64(s, 0) << 32 | sqlite3_total_changes(store->db);
	if (s)
		sqlite3_reset(s);
	store_unlock(store);
	return r < 0 ? r : r == 1 ? 0 : -EIO;
}

int store_changed(struct store *store)
{
	return sqlite3_changes(store->db);
}

char *store_column(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? strdup(text) : NULL;
}
