-- +goose Up
CREATE TABLE calls (
  id TEXT NOT NULL PRIMARY KEY,
  tty INTEGER NOT NULL,
  direction TEXT NOT NULL,
  caller TEXT NOT NULL,
  called TEXT NOT NULL,
  connect TEXT NOT NULL,
  user TEXT NOT NULL,
  entry TEXT NOT NULL,
  service TEXT NOT NULL,
  leg INTEGER NOT NULL,
  callback_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  multi_session_id TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  cause TEXT NOT NULL,
  terminate_cause INTEGER NOT NULL,
  octets_in INTEGER NOT NULL,
  octets_out INTEGER NOT NULL,
  data TEXT NOT NULL,
  sum BLOB NOT NULL
) STRICT;
CREATE INDEX calls_open ON calls (started) WHERE ended = 0;

CREATE TABLE callbacks (
  id TEXT NOT NULL PRIMARY KEY,
  phase TEXT NOT NULL,
  state TEXT NOT NULL,
  user TEXT NOT NULL,
  entry TEXT NOT NULL,
  service TEXT NOT NULL,
  caller TEXT NOT NULL,
  number TEXT NOT NULL,
  no_verify INTEGER NOT NULL,
  call_id TEXT NOT NULL,
  called_tty INTEGER NOT NULL,
  lines TEXT NOT NULL,
  rotary INTEGER,
  forced_wait INTEGER NOT NULL,
  retry_wait INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  max INTEGER NOT NULL,
  decision TEXT NOT NULL,
  trace TEXT NOT NULL,
  policy_digest TEXT NOT NULL,
  authorization TEXT NOT NULL,
  multi_session_id TEXT NOT NULL,
  held_by TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  cause TEXT NOT NULL,
  sum BLOB NOT NULL,
  CHECK (attempts BETWEEN 0 AND max),
  CHECK ((ended = 0) = (outcome = ''))
) STRICT;
-- Law: one pending callback for an identity. A second promise cannot be written.
CREATE UNIQUE INDEX callbacks_pending ON callbacks (entry, user) WHERE ended = 0;
-- No more indexes: each is a page more in every promise's sync. Newest first is the order of rowid.

CREATE TABLE attempts (
  callback_id TEXT NOT NULL REFERENCES callbacks (id),
  n INTEGER NOT NULL CHECK (n > 0),
  tty INTEGER NOT NULL,
  script TEXT NOT NULL,
  number TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT NOT NULL,
  transcript TEXT NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY (callback_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE spool (
  seq INTEGER NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session_id TEXT NOT NULL,
  body TEXT NOT NULL,
  created INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  last_error TEXT NOT NULL,
  sum BLOB NOT NULL
) STRICT;

CREATE TABLE audit (
  seq INTEGER NOT NULL PRIMARY KEY,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  who TEXT NOT NULL,
  text TEXT NOT NULL,
  prev BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;

-- The audit's last record, so that a tail cut off is noticed; and how often the file was opened anew after an error of the disk.
CREATE TABLE marks (
  name TEXT NOT NULL PRIMARY KEY,
  n INTEGER NOT NULL,
  hash BLOB
) STRICT, WITHOUT ROWID;
INSERT INTO marks (name, n, hash) VALUES ('audit', 0, zeroblob(32)), ('reopened', 0, NULL);

-- Damaged rows that an operator or the daemon took out of the way, as they were found.
CREATE TABLE set_aside (
  n INTEGER NOT NULL PRIMARY KEY,
  time INTEGER NOT NULL,
  tbl TEXT NOT NULL,
  key TEXT NOT NULL,
  reason TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT;

PRAGMA user_version = 1;
