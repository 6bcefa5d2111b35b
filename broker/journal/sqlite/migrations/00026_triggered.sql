-- +goose Up
-- The last signed text by which each user has requested a callback. See journal.Triggered.
CREATE TABLE IF NOT EXISTS triggered (
  user TEXT NOT NULL PRIMARY KEY,
  signed INTEGER NOT NULL,
  sum BLOB NOT NULL
) STRICT;
