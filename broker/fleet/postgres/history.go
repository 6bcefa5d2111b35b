package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// retainEach is the time between two removals, and retainStep the most that one removes: a long history goes in small
// steps that hold no lock for long.
const (
	retainEach = time.Minute
	retainStep = 500
)

// retainSQL removes callbacks that ended before $1 ($2 at most) with what belongs to them, by both clocks: a clock that
// is wrong removes nothing. What has not been settled stays.
const retainSQL = `
WITH old AS (
	SELECT id FROM ringback.callbacks
	WHERE ended < least($1, (extract(epoch FROM clock_timestamp()) * 1e9)::bigint - $3) AND settled
	ORDER BY ended LIMIT $2 FOR UPDATE SKIP LOCKED),
attempts AS (DELETE FROM ringback.attempts WHERE callback IN (SELECT id FROM old)),
steps AS (DELETE FROM ringback.steps WHERE callback IN (SELECT id FROM old)),
notices AS (DELETE FROM ringback.notices WHERE callback IN (SELECT id FROM old))
DELETE FROM ringback.callbacks WHERE id IN (SELECT id FROM old)`

// oldOrdersSQL removes orders made before $1, except the last word on the lockdown.
const oldOrdersSQL = `
DELETE FROM ringback.orders WHERE made < $1 AND seq NOT IN (
	SELECT seq FROM ringback.orders WHERE node = '' AND verb IN ('lockdown', 'unlock') ORDER BY seq DESC LIMIT 1)`

// retain removes a step of what is older than the history, at most each minute.
func (a *Authority) retain(ctx context.Context) {
	if now := a.clock(); a.opt.History > 0 && now-a.retained >= retainEach {
		a.retained = now
		if err := a.retainStep(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Debug("old callbacks of the fleet were not removed")
		}
		if a.pruned == 0 || now-a.pruned >= pruneEach {
			a.pruned = now
			if err := a.pruneAccounts(ctx, time.Now()); err != nil && ctx.Err() == nil {
				a.log.Debug("old accounts of the fleet were not removed")
			}
		}
	}
}

func (a *Authority) retainStep(ctx context.Context, now time.Time) error {
	before := now.Add(-a.opt.History).UnixNano()
	return a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, retainSQL, before, retainStep, int64(a.opt.History)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, oldOrdersSQL, before)
		return err
	})
}
