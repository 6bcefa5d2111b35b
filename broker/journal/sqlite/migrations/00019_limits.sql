-- +goose Up
-- Failed attempts count, and the callbacks of an account that are pending or connected.
ALTER TABLE accounts ADD COLUMN reserved_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN hour_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN day_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN month_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reservations ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
