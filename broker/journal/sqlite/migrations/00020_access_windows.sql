-- +goose Up
-- The latest access window of each policy group; length in nanoseconds.
CREATE TABLE access_windows (
  policy TEXT NOT NULL PRIMARY KEY,
  reason TEXT NOT NULL,
  length INTEGER NOT NULL,
  opened_by TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  requested INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  until INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  closed INTEGER NOT NULL,
  closed_by TEXT NOT NULL,
  sum BLOB NOT NULL
) STRICT, WITHOUT ROWID;
