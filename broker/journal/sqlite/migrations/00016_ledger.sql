-- +goose Up
-- What is used and reserved of the ceilings of users, numbers, groups, lines and the site: times in nanoseconds, money in millionths.
-- The account '' has the latest windows, which no clock that is set back reopens.
CREATE TABLE accounts (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  reserved_calls INTEGER NOT NULL,
  reserved_time INTEGER NOT NULL,
  reserved_money INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  hour_calls INTEGER NOT NULL,
  hour_time INTEGER NOT NULL,
  hour_money INTEGER NOT NULL,
  day INTEGER NOT NULL,
  day_calls INTEGER NOT NULL,
  day_time INTEGER NOT NULL,
  day_money INTEGER NOT NULL,
  month INTEGER NOT NULL,
  month_calls INTEGER NOT NULL,
  month_time INTEGER NOT NULL,
  month_money INTEGER NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE reservations (
  callback TEXT NOT NULL PRIMARY KEY,
  accounts TEXT NOT NULL,
  calls INTEGER NOT NULL,
  time INTEGER NOT NULL,
  money INTEGER NOT NULL,
  created INTEGER NOT NULL,
  sum BLOB NOT NULL
) STRICT, WITHOUT ROWID;
