-- +goose Up
-- Failures at the login prompts that still count, and the names that have logged in, by a keyed hash. Both are bounded by the broker.
CREATE TABLE login_limits (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  label TEXT NOT NULL,
  failures INTEGER NOT NULL,
  first INTEGER NOT NULL,
  locked_until INTEGER NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE login_names (
  key TEXT NOT NULL PRIMARY KEY,
  seen INTEGER NOT NULL,
  sum BLOB NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 10;
