-- +goose Up
-- The accounting method list that a record is for: servers that are silent hold up the records of their own list only.
ALTER TABLE spool ADD COLUMN list TEXT NOT NULL DEFAULT '';
CREATE INDEX spool_lists ON spool (list, seq);

PRAGMA user_version = 2;
