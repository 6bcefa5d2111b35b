-- +goose Up
-- Which journal this is, and how many transactions it holds: a file beside it (journal.id) says the same, so that another, an older or a shortened one is
-- noticed.
INSERT INTO marks (name, n, hash) VALUES ('identity', 0, randomblob(16)), ('commits', 0, NULL);

PRAGMA user_version = 3;
