/* Every statement of the index. States are spelled as in task_state_name(). */
#include "store_private.h"

#define ENTRY_COLUMNS "id, dir, name, kind, task, idx, owner, mode, size, mtime_ns, uid, gid"
#define TASK_COLUMNS                                                                               \
	"id, state, hold, model, dir, name, attached, source_sha, remote_id, remote_state, "       \
	"progress, attempts, due_ms, created_ms, submitted_ms, ended_ms, estimate, credits, error"
/* The last number that was given, or is taken. */
#define TASK_LAST                                                                                  \
	"max(coalesce((SELECT max(id) FROM task), 0), coalesce((SELECT CAST(value AS INTEGER)"     \
	" FROM fact WHERE name = 'task.last'), 0))"
#define RESULT_COLUMNS                                                                             \
	"result.task, result.idx, result.kind, value, label, whole, removed, result.attempts, "    \
	"result.due_ms, etag, extension, mime, result.size, sha256, mtime_ms, entry"
#define INPUT_COLUMNS "task, idx, kind, place, name, entry, parent, result, value"

const char *const store_sql[] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	/* Other connections' changes count here. */
	[SQL_VERSION] = "PRAGMA data_version",
	[SQL_TOUCH] = "UPDATE sync SET count = count + 1 WHERE id = 1",

	[SQL_ENTRY_LOOKUP] = "SELECT " ENTRY_COLUMNS " FROM entry WHERE dir = ? AND name = ?",
	[SQL_ENTRY_GET] = "SELECT " ENTRY_COLUMNS " FROM entry WHERE id = ?",
	[SQL_ENTRY_LIST] = "SELECT " ENTRY_COLUMNS " FROM entry WHERE dir = ? AND id > ?"
			   " AND (kind IN (3, 4, 5)) = ? ORDER BY id LIMIT ?",
	[SQL_ENTRY_INSERT] = "INSERT INTO entry (dir, name, kind, task, idx, owner, mode, size,"
			     " mtime_ns, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	/* AUTOINCREMENT goes on from there. */
	[SQL_ENTRY_LAST] = "SELECT seq FROM sqlite_sequence WHERE name = 'entry'",
	[SQL_ENTRY_LAST_IS] = "INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', ?)",
	[SQL_ENTRY_SET_LAST] = "UPDATE sqlite_sequence SET seq = ? WHERE name = 'entry'",
	[SQL_ENTRY_ENSURE] = "INSERT OR IGNORE INTO entry (dir, name, kind, mode, mtime_ns)"
			     " VALUES (?, ?, 1, ?, ?)",
	[SQL_ENTRY_DELETE] = "DELETE FROM entry WHERE id = ?",
	[SQL_ENTRY_MODE] = "UPDATE entry SET mode = ? WHERE id = ?",
	[SQL_ENTRY_MAKER] = "UPDATE entry SET uid = ?, gid = ? WHERE id = ?",
	[SQL_ENTRY_MOVE] = "UPDATE entry SET dir = ?, name = ? WHERE id = ?",
	[SQL_ENTRY_CHILD] = "SELECT 1 FROM entry WHERE dir = ? LIMIT 1",
	[SQL_ENTRY_OWNED] = "SELECT " ENTRY_COLUMNS " FROM entry WHERE owner = ? AND owner != 0"
			    " AND kind IN (3, 4, 5)"
			    " ORDER BY id",
	[SQL_ENTRY_ORPHAN] = "UPDATE entry SET owner = 0 WHERE owner = ? AND owner != 0",
	[SQL_ENTRY_KEEP_ERROR] =
		"UPDATE entry SET owner = 0 WHERE owner = ? AND owner != 0 AND kind = 4"
		" AND task = 0",
	[SQL_ENTRY_SET_TASK] = "UPDATE entry SET task = ? WHERE id = ?",
	/* The stem is compared in C: it may hold any character. */
	[SQL_ENTRY_REQUESTS] = "SELECT " ENTRY_COLUMNS " FROM entry WHERE dir = ?1 AND kind = 1"
			       " AND name >= ?2 || '.' AND name < ?2 || '/'"
			       " ORDER BY task DESC",
	[SQL_ENTRY_OF_TASK] =
		"SELECT id FROM entry WHERE task = ? AND task != 0 AND kind = 1 AND dir = ?"
		" AND name = ?",
	[SQL_ENTRY_STATUS_OF] =
		"SELECT " ENTRY_COLUMNS " FROM entry WHERE task = ? AND task != 0 AND kind = ?",
	[SQL_ENTRY_ERROR_TEXT] = "UPDATE entry SET text = ?, size = ?, mtime_ns = ?, owner = ?,"
				 " task = ? WHERE id = ?",
	[SQL_DIR_MTIME] = "SELECT mtime_ms FROM dirtime WHERE dir = ?",
	[SQL_ENTRY_TEXT] = "SELECT text FROM entry WHERE id = ?",

	[SQL_ENTRY_MARK] = "UPDATE entry SET idx = ? WHERE id = ? AND kind = 1",
	/* "fox.png", "fox-1.png" and so on: '-' and '.' come right before '/'. */
	[SQL_ENTRY_SIBLINGS] = "SELECT " ENTRY_COLUMNS " FROM entry WHERE dir = ?1"
			       " AND name >= ?2 || '-' AND name < ?2 || '/' AND name > ?3"
			       " ORDER BY name LIMIT ?4",

	[SQL_STAGE_INSERT] = "INSERT INTO stage (entry, model, source_sha, estimate,"
			     " warnings, body, inputs_sha, lacks, dropped, turn, images)"
			     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_STAGE_DELETE] = "DELETE FROM stage WHERE entry = ?",
	[SQL_STAGE_GET] = "SELECT model, source_sha, estimate, warnings, inputs_sha, lacks, "
			  "dropped, turn, images FROM stage"
			  " WHERE entry = ?",
	[SQL_STAGE_LIST] = "SELECT entry FROM stage WHERE entry > ? ORDER BY entry LIMIT 1",
	[SQL_TASK_INSERT] =
		"INSERT INTO task (id, state, model, dir, name, attached, source_sha, due_ms,"
		" created_ms, estimate, body, inputs_sha) SELECT " TASK_LAST " + 1, 'staged',"
		" model, ?1, ?2, 1, source_sha, ?3, ?3, estimate, body, inputs_sha FROM stage"
		" WHERE entry = ?4",
	[SQL_TASK_LAST] = "SELECT " TASK_LAST,
	[SQL_TASK_SET_LAST] = "INSERT OR REPLACE INTO fact (name, value, at_ms)"
			      " VALUES ('task.last', ?, 0)",
	[SQL_TASK_COMPLETE] = "UPDATE task SET (estimate, body, inputs_sha) = (SELECT estimate,"
			      " body, inputs_sha FROM stage WHERE entry = ?2) WHERE id = ?1",
	[SQL_TASK_INPUTS_SHA] = "SELECT inputs_sha FROM task WHERE id = ?",
	[SQL_TASK_PREVIOUS] = "SELECT id, source_sha, model, state, attached FROM task"
			      " WHERE dir = ? AND name = ? ORDER BY id DESC LIMIT 1",
	[SQL_TASK_AT_NAME] = "SELECT id FROM task WHERE dir = ? AND name = ? AND id > ? ORDER BY id"
			     " LIMIT 1",
	[SQL_TASK_GET] = "SELECT " TASK_COLUMNS " FROM task WHERE id = ?",
	[SQL_TASK_BODY] = "SELECT body FROM task WHERE id = ?",
	[SQL_TASK_RECORD] = "SELECT record FROM task WHERE id = ?",
	[SQL_TASK_LATEST] = "SELECT max(id) FROM task",
	[SQL_TASK_LIST_ALL] = "SELECT id FROM task WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_TASK_LIST_STATE] =
		"SELECT id FROM task WHERE state = ? AND id > ? ORDER BY id LIMIT ?",
	[SQL_TASK_COUNTS] = "SELECT state, count FROM tally",
	[SQL_TASK_COUNT] = "SELECT count FROM tally WHERE state = ?",
	[SQL_TASK_DUE] = "SELECT id FROM task WHERE state = ? AND due_ms <= ? ORDER BY due_ms, id"
			 " LIMIT ?",
	[SQL_TASK_NEXT_DUE] = "SELECT min(due_ms) FROM task WHERE state = ?",
	[SQL_TASK_UPDATE] =
		"UPDATE task SET state = ?, hold = ?, remote_id = ?, remote_state = ?,"
		" progress = ?, attempts = ?, due_ms = ?, submitted_ms = ?, ended_ms = ?,"
		" credits = ?, error = ? WHERE id = ? AND state = ?",
	[SQL_TASK_EARLIER] = "UPDATE task SET due_ms = ?1 WHERE due_ms > ?1"
			     " AND due_ms < 9223372036854775807 AND state IN"
			     " ('queued', 'held', 'running', 'fetching', 'uploading')",
	[SQL_TASK_EARLIER_MODEL] = "UPDATE task SET due_ms = ?1 WHERE due_ms > ?1 AND model = ?2"
				   " AND state IN ('queued', 'running')",
	[SQL_RESULT_EARLIER] = "UPDATE result SET due_ms = ?1 WHERE whole = 0 AND due_ms > ?1"
			       " AND due_ms < 9223372036854775807",
	[SQL_TASK_BASE] = "SELECT base FROM task WHERE id = ?",
	[SQL_TASK_SET_BASE] = "UPDATE task SET base = (SELECT coalesce(max(idx), 0) FROM result"
			      " WHERE result.task = ?1) WHERE id = ?1",
	[SQL_TASK_SET_RECORD] = "UPDATE task SET record = ? WHERE id = ?",
	[SQL_TASK_HOME] = "UPDATE task SET dir = ?, name = ? WHERE id = ?",
	[SQL_TASK_DETACH] = "UPDATE task SET attached = 0 WHERE id = ?",
	[SQL_TASK_ATTACH] = "UPDATE task SET attached = 1 WHERE id = ?",
	[SQL_TASK_HELD] = "SELECT id FROM task WHERE state = 'held' AND hold = ? AND id > ?"
			  " ORDER BY id LIMIT 1",
	[SQL_TASK_IN_STATE] = "SELECT id FROM task WHERE state = ? AND id > ? ORDER BY id LIMIT 1",

	/* As the index task_day has it. */
	[SQL_DAY_NEXT] = "SELECT min(created_ms / 86400000) FROM task"
			 " WHERE created_ms / 86400000 >= ?",
	[SQL_DAY_LIST] = "SELECT id FROM task WHERE created_ms / 86400000 = ? AND id > ?"
			 " ORDER BY id LIMIT ?",
	[SQL_DAY_LATEST] = "SELECT created_ms FROM task WHERE created_ms / 86400000 = ?"
			   " ORDER BY id DESC LIMIT 1",

	/* A fresh record gives a result that is not whole its new address and nothing else; one
	 * that says the same leaves its next try where it is. */
	[SQL_RESULT_PUT] = "INSERT INTO result (task, idx, kind, value, label, due_ms)"
			   " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (task, idx) DO UPDATE"
			   " SET value = excluded.value, due_ms = excluded.due_ms WHERE whole = 0"
			   " AND (value != excluded.value OR due_ms = 9223372036854775807)",
	[SQL_RESULT_FORGET] = "DELETE FROM result WHERE task = ? AND whole = 0",
	[SQL_RESULT_PARK] = "UPDATE result SET due_ms = 9223372036854775807"
			    " WHERE task = ? AND whole = 0",
	[SQL_RESULT_RESET] =
		"UPDATE result SET attempts = 0, etag = NULL WHERE task = ? AND whole = 0",
	/* CROSS: the few results that are missing first, not the many tasks that run. */
	[SQL_RESULT_DUE] =
		"SELECT " RESULT_COLUMNS " FROM result CROSS JOIN task ON task.id = result.task"
		" WHERE whole = 0 AND result.due_ms <= ?"
		" AND result.due_ms < 9223372036854775807"
		" AND task.state IN ('fetching', 'running')"
		" ORDER BY result.due_ms LIMIT ?",
	[SQL_RESULT_GET] = "SELECT " RESULT_COLUMNS " FROM result WHERE task = ? AND idx = ?",
	[SQL_RESULT_LIST] =
		"SELECT " RESULT_COLUMNS " FROM result WHERE task = ? ORDER BY idx LIMIT ?",
	[SQL_RESULT_RETRY] = "UPDATE result SET due_ms = ?, attempts = ?, etag = ?"
			     " WHERE task = ? AND idx = ?",
	[SQL_RESULT_WHOLE] = "UPDATE result SET whole = 1, extension = ?, mime = ?, size = ?,"
			     " sha256 = ?, mtime_ms = ? WHERE task = ? AND idx = ? AND whole = 0",
	[SQL_RESULT_MISSING] = "SELECT count(*) FROM result WHERE task = ? AND whole = 0",
	[SQL_RESULT_COUNT] = "SELECT count(*) FROM result WHERE task = ? AND label IS NULL",
	[SQL_RESULT_ENTRY] = "UPDATE result SET entry = ? WHERE task = ? AND idx = ?",
	/* Kind 2 is ENTRY_RESULT. */
	[SQL_RESULT_COPIED] =
		"SELECT 1 FROM result JOIN task ON task.id = result.task"
		" JOIN entry ON entry.id = result.entry WHERE sha256 = ? AND whole = 1"
		" AND task.model = ? AND entry.name = ? AND entry.kind = 2 LIMIT 1",
	[SQL_RESULT_REMOVED] =
		"UPDATE result SET removed = 1, entry = 0 WHERE task = ? AND idx = ?",

	[SQL_UPLOAD_GET] = "SELECT address FROM upload WHERE sha256 = ? AND take_by_ms >= ?",
	[SQL_UPLOAD_PUT] = "INSERT OR REPLACE INTO upload (sha256, address, expires_ms, take_by_ms,"
			   " send_by_ms) VALUES (?, ?, ?, ?, ?)",
	[SQL_UPLOAD_EXPIRES] = "SELECT expires_ms FROM outgoing JOIN upload USING (sha256)"
			       " WHERE entry = ?",
	[SQL_UPLOAD_MISSING] = "SELECT count(*) FROM input WHERE task = ?1 AND kind = 0"
			       " AND NOT EXISTS (SELECT 1 FROM upload WHERE address = input.value"
			       " AND send_by_ms >= ?2)",
	[SQL_UPLOAD_FORGET] = "UPDATE input SET value = NULL WHERE task = ?1 AND kind = 0"
			      " AND NOT EXISTS (SELECT 1 FROM upload WHERE address = input.value"
			      " AND send_by_ms >= ?2)",
	[SQL_DIGEST_GET] = "SELECT sha256 FROM digest WHERE entry = ? AND size = ?"
			   " AND changed_ns = ?",
	[SQL_DIGEST_PUT] = "INSERT OR REPLACE INTO digest (entry, size, changed_ns, sha256)"
			   " VALUES (?, ?, ?, ?)",
	[SQL_DIGEST_DELETE] = "DELETE FROM digest WHERE entry = ?",
	[SQL_OUTGOING_PUT] = "INSERT OR REPLACE INTO outgoing (entry, due_ms, source)"
			     " VALUES (?, ?, ?)",
	[SQL_OUTGOING_GET] = "SELECT entry, due_ms, attempts, progress, started_ms, source, sha256,"
			     " error FROM outgoing WHERE entry = ?",
	[SQL_OUTGOING_DUE] = "SELECT entry FROM outgoing WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
	[SQL_OUTGOING_NEXT_DUE] = "SELECT min(due_ms) FROM outgoing",
	[SQL_OUTGOING_CONTENT] = "SELECT entry FROM outgoing WHERE sha256 = ? AND entry > ?"
				 " ORDER BY entry LIMIT 1",
	[SQL_OUTGOING_SET] = "UPDATE outgoing SET due_ms = ?, attempts = ?, progress = ?,"
			     " started_ms = ?, sha256 = ?, error = ? WHERE entry = ?",
	[SQL_OUTGOING_DELETE] = "DELETE FROM outgoing WHERE entry = ?",
	[SQL_OUTGOING_EARLIER] = "UPDATE outgoing SET due_ms = ?1 WHERE due_ms > ?1"
				 " AND due_ms < 9223372036854775807",
	[SQL_OUTGOING_RESTART] = "UPDATE outgoing SET progress = -1"
				 " WHERE due_ms < 9223372036854775807",

	[SQL_STREAM_INSERT] = "INSERT OR REPLACE INTO stream (task, idx) VALUES (?, ?)",
	[SQL_STREAM_DELETE] = "DELETE FROM stream WHERE task = ?",
	[SQL_STREAM_LIST] = "SELECT task, idx FROM stream ORDER BY task LIMIT 1",
	[SQL_STREAM_GET] = "SELECT idx FROM stream WHERE task = ?",
	[SQL_RESULT_DELETE] = "DELETE FROM result WHERE task = ? AND idx = ?",
	[SQL_ENTRY_GROW] = "UPDATE entry SET size = ?, mtime_ns = ? WHERE id = ?",
	[SQL_ENTRY_TALK] = "SELECT id FROM entry WHERE dir = ? AND kind = 6 AND idx = ?",
	[SQL_TURN_INSERT] = "INSERT INTO turn (task, dir, prompt, images) VALUES (?, ?, ?, ?)",
	[SQL_TURN_LIST] =
		"SELECT turn.task, prompt, reply, task.state, (SELECT max(idx) FROM result"
		" WHERE result.task = turn.task), images FROM turn JOIN task ON task.id = turn.task"
		" WHERE turn.dir = ? AND turn.task > ? AND state != 'cancelled'"
		" ORDER BY turn.task LIMIT ?",
	[SQL_TURN_ACTIVE] =
		"SELECT turn.task FROM turn JOIN task ON task.id = turn.task WHERE turn.dir = ?"
		" AND turn.task != ? AND state IN ('staged', 'incomplete', 'held', 'queued',"
		" 'uploading', 'submitting', 'running', 'fetching') LIMIT 1",
	[SQL_ENTRY_SHOWING] =
		"SELECT id FROM entry WHERE task = ?1 AND task != 0 AND (kind = 3 OR (kind = 2 AND"
		" size = -1)) UNION ALL SELECT entry.id FROM turn JOIN entry ON entry.dir = "
		"turn.dir"
		" WHERE turn.task = ?1 AND entry.kind = 6 UNION ALL SELECT id FROM entry WHERE"
		" owner = ?2 AND owner != 0 AND task = 0 AND kind = 3",
	[SQL_TURN_OF_TASK] = "SELECT dir FROM turn WHERE task = ?",
	[SQL_TURN_REPLY] = "UPDATE turn SET reply = ? WHERE task = ?",
	[SQL_INPUT_LIST] =
		"SELECT " INPUT_COLUMNS " FROM input WHERE task = ? ORDER BY idx LIMIT ?",
	[SQL_INPUT_STAGE] = "INSERT INTO stage_input (entry, idx, kind, place, name, file, parent,"
			    " result, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_INPUT_COMMIT] = "INSERT INTO input (" INPUT_COLUMNS ") SELECT ?1, idx, kind, place,"
			     " name, file, parent, result, value FROM stage_input WHERE entry = ?2",
	[SQL_INPUT_SET] = "UPDATE input SET value = ? WHERE task = ? AND idx = ?",
	[SQL_INPUT_DELETE] = "DELETE FROM input WHERE task = ?",
	/* A dropped file's own tasks do not count. */
	[SQL_INPUT_USES] =
		"SELECT 1 FROM input JOIN task ON task.id = input.task"
		" JOIN entry ON entry.id = input.entry WHERE input.entry = ? AND input.entry != 0"
		" AND task.attached = 1 AND NOT (task.dir = entry.dir AND task.name = entry.name)"
		" LIMIT 1",
	/* Kind 0 is INPUT_MEDIA: it needs the file, the others only what the service said. */
	[SQL_LACK_FAILED] = "SELECT input.parent FROM input JOIN task ON task.id = input.parent"
			    " WHERE input.task = ? AND (task.state IN ('failed', 'cancelled')"
			    " OR (task.state = 'lost' AND input.kind = 0)) LIMIT 1",
	[SQL_LACK_COUNT] =
		"SELECT count(*) FROM input LEFT JOIN task ON task.id = input.parent"
		" WHERE input.task = ? AND ((input.kind = 0 AND entry = 0 AND parent = 0)"
		" OR (parent != 0 AND task.state NOT IN ('done', 'lost')"
		" AND (input.kind = 0 OR task.state != 'fetching')))",
	[SQL_LACK_CHILD] = "SELECT input.task FROM input JOIN task ON task.id = input.task"
			   " WHERE input.parent = ? AND input.parent != 0 AND input.task > ?"
			   " AND task.state = 'incomplete' ORDER BY input.task LIMIT 1",
	[SQL_WANTED_ADD] = "INSERT OR IGNORE INTO wanted (dir, name, entry) VALUES (?, ?, ?)",
	[SQL_WANTED_CLEAR] = "DELETE FROM wanted WHERE entry = ?",
	[SQL_WANTED_OF] = "SELECT entry FROM wanted WHERE entry = ? LIMIT 1",
	[SQL_WANTED_NEXT] = "SELECT entry FROM wanted WHERE dir = ? AND name = ? AND entry > ?"
			    " ORDER BY entry LIMIT 1",
	[SQL_WANTED_ANY] = "SELECT entry FROM wanted WHERE entry > ? ORDER BY entry LIMIT 1",
	[SQL_INPUT_FORGET] = "UPDATE input SET value = NULL WHERE task = ?",
	[SQL_SPEND_DAY] = "SELECT total(tasks), total(micro), total(estimated), total(unknown)"
			  " FROM spend WHERE day = ?",
	[SQL_SPEND_LIST] = "SELECT day, model, tasks, micro, estimated, unknown FROM spend"
			   " WHERE day >= 0 ORDER BY day, model",
	[SQL_SPEND_DAYS] = "SELECT day, sum(tasks), sum(micro), sum(estimated), sum(unknown)"
			   " FROM spend WHERE day >= ? GROUP BY day ORDER BY day LIMIT ?",
	[SQL_SPEND_MODELS] = "SELECT DISTINCT model FROM spend WHERE day >= 0 ORDER BY model"
			     " LIMIT ?",
	[SQL_TASK_GATED] = "SELECT id FROM task WHERE state = 'held' AND due_ms <= ?"
			   " AND hold IN ('key', 'credits', 'quota') ORDER BY due_ms, id LIMIT ?",
	[SQL_TASK_WITHIN] = "SELECT id FROM task WHERE state = 'held' AND hold = 'limit'"
			    " AND id > ? AND estimate BETWEEN ? AND ? ORDER BY id LIMIT 1",
	[SQL_TASK_HELD_COUNT] = "SELECT count(*) FROM task WHERE state = 'held' AND hold = ?",
	[SQL_TASK_OF_REMOTE] = "SELECT id FROM task WHERE remote_id = ? AND remote_id IS NOT NULL"
			       " ORDER BY id DESC LIMIT 1",
	[SQL_FACT_GET] = "SELECT value, at_ms FROM fact WHERE name = ?",
	[SQL_FACT_PUT] = "INSERT OR REPLACE INTO fact (name, value, at_ms) VALUES (?, ?, ?)",

	[SQL_LOG_INSERT] = "INSERT INTO log (task, at_ms, text) VALUES (?, ?, ?)",
	[SQL_LOG_TASK] =
		"SELECT task, at_ms, text FROM log WHERE task = ? AND task != 0 ORDER BY id",
	[SQL_LOG_LAST] = "SELECT at_ms FROM log WHERE task = ? AND task != 0"
			 " ORDER BY id DESC LIMIT 1",
	[SQL_LOG_NEWEST] = "SELECT at_ms FROM log WHERE id = (SELECT max(id) FROM log)",
	[SQL_LOG_TAIL] = "SELECT task, at_ms, text FROM (SELECT id, task, at_ms, text FROM log"
			 " ORDER BY id DESC LIMIT ?) ORDER BY id",
};

_Static_assert(sizeof(store_sql) / sizeof(store_sql[0]) == SQL_COUNT, "every statement has text");
