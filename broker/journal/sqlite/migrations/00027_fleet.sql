-- +goose Up
-- In a fleet: the claim of this node on a callback, who promised it, and whether other nodes may dial it; what the node has not
-- reported yet; and how far it has reported. See journal.Owed and journal.FleetMark.
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

CREATE TABLE fleet_mark (
  n INTEGER PRIMARY KEY,
  server TEXT NOT NULL,
  written INTEGER NOT NULL,
  audit INTEGER NOT NULL,
  ordered INTEGER NOT NULL,
  sum BLOB NOT NULL
) STRICT;
