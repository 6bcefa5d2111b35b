-- +goose Up
-- In a fleet: the claim of this node on a callback, the node that promised it, and whether other nodes may dial it; and
-- what this node has not reported yet. See journal.Owed.
ALTER TABLE callbacks ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE callbacks ADD COLUMN home TEXT NOT NULL DEFAULT '';
ALTER TABLE callbacks ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;

CREATE TABLE owed (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  body TEXT NOT NULL,
  created INTEGER NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY (id, kind)
) STRICT;
