-- The schema of the index, version 1. States are spelled as in task_state_name().

CREATE TABLE entry (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	dir INTEGER NOT NULL,
	name TEXT NOT NULL COLLATE BINARY,
	kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 15),
	task INTEGER NOT NULL DEFAULT 0,
	idx INTEGER NOT NULL DEFAULT 0,
	owner INTEGER NOT NULL DEFAULT 0,
	mode INTEGER NOT NULL,
	size INTEGER NOT NULL DEFAULT 0,
	mtime_ns INTEGER NOT NULL,
	text TEXT);
CREATE UNIQUE INDEX entry_name ON entry(dir, name);
CREATE INDEX entry_order ON entry(dir, id);
CREATE INDEX entry_owner ON entry(owner) WHERE owner != 0;
CREATE INDEX entry_task ON entry(task, kind) WHERE task != 0;

CREATE TABLE dirtime (dir INTEGER PRIMARY KEY, mtime_ms INTEGER NOT NULL);
-- When names last came or went: the directory's mtime.
CREATE TRIGGER entry_came AFTER INSERT ON entry BEGIN
	INSERT OR REPLACE INTO dirtime VALUES (NEW.dir, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));
END;
CREATE TRIGGER entry_went AFTER DELETE ON entry BEGIN
	INSERT OR REPLACE INTO dirtime VALUES (OLD.dir, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));
END;
CREATE TRIGGER entry_moved AFTER UPDATE OF dir, name ON entry BEGIN
	INSERT OR REPLACE INTO dirtime VALUES (OLD.dir, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));
	INSERT OR REPLACE INTO dirtime VALUES (NEW.dir, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));
END;

CREATE TABLE stage (
	entry INTEGER PRIMARY KEY,
	model TEXT NOT NULL,
	source_sha TEXT NOT NULL,
	estimate REAL NOT NULL,
	warnings TEXT,
	body BLOB NOT NULL,
	inputs_sha TEXT NOT NULL,
	lacks TEXT,
	dropped INTEGER NOT NULL,
	turn TEXT, -- of a conversation: what was written
	images TEXT); -- ... and the pictures that go with it: [{"name", "sha256"}]

CREATE TABLE task (
	id INTEGER PRIMARY KEY,
	state TEXT NOT NULL CHECK (state IN ('staged', 'incomplete', 'held', 'queued',
		'uploading', 'submitting', 'uncertain', 'running', 'fetching', 'done', 'failed', 'lost',
		'cancelled')),
	hold TEXT NOT NULL DEFAULT 'none',
	model TEXT NOT NULL,
	dir INTEGER NOT NULL,
	name TEXT NOT NULL,
	attached INTEGER NOT NULL,
	source_sha TEXT NOT NULL,
	remote_id TEXT,
	remote_state TEXT,
	progress INTEGER NOT NULL DEFAULT -1,
	attempts INTEGER NOT NULL DEFAULT 0,
	due_ms INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	submitted_ms INTEGER NOT NULL DEFAULT 0,
	ended_ms INTEGER NOT NULL DEFAULT 0,
	estimate REAL NOT NULL DEFAULT -1,
	base INTEGER NOT NULL DEFAULT 0, -- results of earlier runs of this task
	credits REAL NOT NULL DEFAULT -1,
	error TEXT,
	body BLOB NOT NULL,
	record BLOB,
	inputs_sha TEXT NOT NULL DEFAULT '',
	CHECK ((state = 'held') = (hold != 'none')));
CREATE INDEX task_due ON task(state, due_ms, id);
CREATE INDEX task_state ON task(state, id);
CREATE INDEX task_home ON task(dir, name, id);
CREATE INDEX task_remote ON task(remote_id) WHERE remote_id IS NOT NULL;

CREATE TABLE tally (state TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO tally VALUES ('staged', 0), ('incomplete', 0), ('held', 0), ('queued', 0),
	('uploading', 0), ('submitting', 0), ('uncertain', 0), ('running', 0), ('fetching', 0),
	('done', 0), ('failed', 0), ('lost', 0), ('cancelled', 0);
CREATE TRIGGER task_came AFTER INSERT ON task BEGIN
	UPDATE tally SET count = count + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER task_moved AFTER UPDATE OF state ON task WHEN OLD.state != NEW.state BEGIN
	UPDATE tally SET count = count - 1 WHERE state = OLD.state;
	UPDATE tally SET count = count + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER task_went AFTER DELETE ON task BEGIN
	UPDATE tally SET count = count - 1 WHERE state = OLD.state;
END;

-- Money: a row for each time a request left and may have been taken. The day (since 1970, UTC) is
-- that on which it left. Sums by day and model are kept in millionths of a credit, which add up
-- exactly; a charge counts with its true cost where that was told, else with the estimate.
CREATE TABLE charge (
	id INTEGER PRIMARY KEY,
	task INTEGER NOT NULL,
	day INTEGER NOT NULL,
	model TEXT NOT NULL,
	estimate REAL NOT NULL,
	credits REAL NOT NULL DEFAULT -1,
	micro INTEGER GENERATED ALWAYS AS (CAST(round(1000000 * CASE WHEN credits >= 0 THEN credits
		WHEN estimate >= 0 THEN estimate ELSE 0 END) AS INTEGER)) VIRTUAL,
	guessed INTEGER GENERATED ALWAYS AS (credits < 0 AND estimate >= 0) VIRTUAL,
	untold INTEGER GENERATED ALWAYS AS (credits < 0 AND estimate < 0) VIRTUAL);
CREATE INDEX charge_task ON charge(task, id);

CREATE TABLE spend (
	day INTEGER NOT NULL,
	model TEXT NOT NULL,
	tasks INTEGER NOT NULL,
	micro INTEGER NOT NULL,
	estimated INTEGER NOT NULL,
	unknown INTEGER NOT NULL,
	PRIMARY KEY (day, model)) WITHOUT ROWID;
CREATE TRIGGER charge_came AFTER INSERT ON charge BEGIN
	INSERT INTO spend VALUES (NEW.day, NEW.model, 1, NEW.micro, NEW.guessed, NEW.untold)
		ON CONFLICT (day, model) DO UPDATE SET tasks = tasks + 1, micro = micro + NEW.micro,
		estimated = estimated + NEW.guessed, unknown = unknown + NEW.untold;
END;
CREATE TRIGGER charge_told AFTER UPDATE OF credits ON charge BEGIN
	UPDATE spend SET micro = micro + NEW.micro - OLD.micro,
		estimated = estimated + NEW.guessed - OLD.guessed,
		unknown = unknown + NEW.untold - OLD.untold
		WHERE day = NEW.day AND model = NEW.model;
END;
CREATE TRIGGER charge_went AFTER DELETE ON charge BEGIN
	UPDATE spend SET tasks = tasks - 1, micro = micro - OLD.micro,
		estimated = estimated - OLD.guessed, unknown = unknown - OLD.untold
		WHERE day = OLD.day AND model = OLD.model;
	DELETE FROM spend WHERE day = OLD.day AND model = OLD.model AND tasks = 0;
END;
CREATE TRIGGER task_sent AFTER UPDATE OF state ON task
	WHEN NEW.state = 'submitting' AND OLD.state != 'submitting' BEGIN
	INSERT INTO charge (task, day, model, estimate)
		VALUES (NEW.id, NEW.submitted_ms / 86400000, NEW.model, NEW.estimate);
END;
-- It was certainly not taken.
CREATE TRIGGER task_untaken AFTER UPDATE OF state ON task WHEN OLD.state = 'submitting'
	AND NEW.state IN ('queued', 'held', 'failed') AND NEW.credits < 0 BEGIN
	DELETE FROM charge WHERE id = (SELECT max(id) FROM charge WHERE task = NEW.id);
END;
CREATE TRIGGER task_told AFTER UPDATE OF credits ON task
	WHEN NEW.credits >= 0 AND NEW.credits != OLD.credits BEGIN
	UPDATE charge SET credits = NEW.credits
		WHERE id = (SELECT max(id) FROM charge WHERE task = NEW.id);
END;

-- What was heard from the service, and when.
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE result (
	task INTEGER NOT NULL,
	idx INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	value TEXT NOT NULL,
	label TEXT,
	whole INTEGER NOT NULL DEFAULT 0,
	removed INTEGER NOT NULL DEFAULT 0,
	attempts INTEGER NOT NULL DEFAULT 0,
	due_ms INTEGER NOT NULL,
	etag TEXT,
	extension TEXT NOT NULL DEFAULT '',
	mime TEXT NOT NULL DEFAULT '',
	size INTEGER NOT NULL DEFAULT 0,
	sha256 TEXT NOT NULL DEFAULT '',
	mtime_ms INTEGER NOT NULL DEFAULT 0,
	entry INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (task, idx)) WITHOUT ROWID;
CREATE INDEX result_due ON result(due_ms) WHERE whole = 0;
CREATE INDEX result_content ON result(sha256) WHERE whole = 1;

CREATE TABLE input (
	task INTEGER NOT NULL,
	idx INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	place TEXT NOT NULL,
	name TEXT NOT NULL,
	entry INTEGER NOT NULL DEFAULT 0,
	parent INTEGER NOT NULL DEFAULT 0,
	result INTEGER NOT NULL DEFAULT 0,
	value TEXT,
	PRIMARY KEY (task, idx)) WITHOUT ROWID;

-- Addresses, by content; the times are those of store_upload.h.
CREATE TABLE upload (
	sha256 TEXT PRIMARY KEY,
	address TEXT NOT NULL,
	expires_ms INTEGER NOT NULL,
	take_by_ms INTEGER NOT NULL,
	send_by_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX upload_address ON upload(address);

-- Of a user's file as it was when it was last read through.
CREATE TABLE digest (
	entry INTEGER PRIMARY KEY,
	size INTEGER NOT NULL,
	changed_ns INTEGER NOT NULL,
	sha256 TEXT NOT NULL
);

-- Files of uploads/.
CREATE TABLE outgoing (
	entry INTEGER PRIMARY KEY,
	due_ms INTEGER NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	progress INTEGER NOT NULL DEFAULT -1,
	started_ms INTEGER NOT NULL DEFAULT 0,
	source TEXT,
	sha256 TEXT,
	error TEXT
);
CREATE INDEX outgoing_due ON outgoing(due_ms);
CREATE INDEX outgoing_content ON outgoing(sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE stage_input (
	entry INTEGER NOT NULL,
	idx INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	place TEXT NOT NULL,
	name TEXT NOT NULL,
	file INTEGER NOT NULL,
	parent INTEGER NOT NULL,
	result INTEGER NOT NULL,
	value TEXT,
	PRIMARY KEY (entry, idx)) WITHOUT ROWID;
CREATE TRIGGER stage_went AFTER DELETE ON stage BEGIN
	DELETE FROM stage_input WHERE entry = OLD.entry;
END;
CREATE INDEX input_parent ON input(parent, task) WHERE parent != 0;
CREATE INDEX input_entry ON input(entry) WHERE entry != 0;

-- Requests that were refused because a file of this name is not there.
CREATE TABLE wanted (
	dir INTEGER NOT NULL,
	name TEXT NOT NULL,
	entry INTEGER NOT NULL,
	PRIMARY KEY (dir, name, entry)) WITHOUT ROWID;
CREATE INDEX wanted_entry ON wanted(entry);

-- Answers that come in bit by bit now, and the result that holds them.
CREATE TABLE stream (task INTEGER PRIMARY KEY, idx INTEGER NOT NULL);

CREATE TABLE turn (
	task INTEGER PRIMARY KEY,
	dir INTEGER NOT NULL, -- the conversation's folder
	prompt TEXT NOT NULL,
	reply TEXT, -- once it is whole
	images TEXT);
CREATE INDEX turn_dir ON turn(dir, task);

CREATE TABLE log (
	id INTEGER PRIMARY KEY,
	task INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	text TEXT NOT NULL);
CREATE INDEX log_task ON log(task, id) WHERE task != 0;

CREATE TABLE sync (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL);
INSERT INTO sync VALUES (1, 0);
