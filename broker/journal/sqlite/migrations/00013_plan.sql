-- +goose Up
-- A callback's attempts follow a plan: what it has beside the columns of its first step, and which step an attempt was of.
ALTER TABLE callbacks ADD COLUMN plan TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN step INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 13;
