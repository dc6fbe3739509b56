-- Version 3: the days (since 1970, UTC) on which tasks were made.

CREATE INDEX task_day ON task(created_ms / 86400000, id);
