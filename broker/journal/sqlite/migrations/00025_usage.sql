-- +goose Up
-- What the calls and dials of each hour have used: times in nanoseconds, money in millionths. See journal.Usage.
CREATE TABLE IF NOT EXISTS usage (
  begin INTEGER NOT NULL PRIMARY KEY,
  incoming INTEGER NOT NULL,
  incoming_time INTEGER NOT NULL,
  outgoing INTEGER NOT NULL,
  outgoing_time INTEGER NOT NULL,
  dials INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  money INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  sum BLOB NOT NULL
) STRICT;
