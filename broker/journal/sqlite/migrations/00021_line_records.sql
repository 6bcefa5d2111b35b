-- +goose Up
-- What each line has counted, by the names of its counters (JSON), and its last failure.
CREATE TABLE line_records (
  tty INTEGER NOT NULL PRIMARY KEY,
  since INTEGER NOT NULL,
  counts TEXT NOT NULL,
  failure_kind TEXT NOT NULL,
  failure TEXT NOT NULL,
  failed INTEGER NOT NULL,
  sum BLOB NOT NULL
) STRICT;
