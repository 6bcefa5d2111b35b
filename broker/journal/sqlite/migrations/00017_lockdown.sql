-- +goose Up
-- The operators' lockdown: one row at most, kept after the lockdown was lifted.
CREATE TABLE lockdown (
  id INTEGER PRIMARY KEY,
  active INTEGER NOT NULL,
  sessions INTEGER NOT NULL,
  reason TEXT NOT NULL,
  who TEXT NOT NULL,
  since INTEGER NOT NULL,
  sum BLOB NOT NULL
) STRICT;
