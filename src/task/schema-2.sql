-- Version 2: who made a file or folder, where it was not the user who mounts.

ALTER TABLE entry ADD COLUMN uid INTEGER NOT NULL DEFAULT -1;
ALTER TABLE entry ADD COLUMN gid INTEGER NOT NULL DEFAULT -1;
