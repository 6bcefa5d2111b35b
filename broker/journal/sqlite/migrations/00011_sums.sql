-- +goose Up
-- What cost reports need of rows that retention has removed, by month (UTC), direction, user and number.
CREATE TABLE sums (
  month TEXT NOT NULL,
  direction TEXT NOT NULL,
  user TEXT NOT NULL,
  entry TEXT NOT NULL,
  number TEXT NOT NULL,
  callbacks INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  duration INTEGER NOT NULL,
  octets_in INTEGER NOT NULL,
  octets_out INTEGER NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY (month, direction, user, entry, number)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 11;
