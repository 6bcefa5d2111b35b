-- +goose Up
-- The numbers that were dialed last for users with several, and that connected last.
CREATE TABLE dialed_numbers (
  entry TEXT NOT NULL,
  user TEXT NOT NULL,
  dialed TEXT NOT NULL,
  connected TEXT NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY (entry, user)
) STRICT, WITHOUT ROWID;
