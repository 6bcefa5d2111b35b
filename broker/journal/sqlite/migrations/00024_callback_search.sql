-- +goose Up
-- For lists of callbacks. Only ended ones are in these indexes, so a promise does not write to them.
CREATE INDEX IF NOT EXISTS callbacks_user ON callbacks (user, created) WHERE ended <> 0;
CREATE INDEX IF NOT EXISTS callbacks_created ON callbacks (created) WHERE ended <> 0;
