package node

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// retainEvery is the interval of removals. The first one is startTime after the start.
const retainEvery = time.Hour

// retain removes from the journal, at intervals until ctx ends, what ended longer ago than keep returns. If
// keep returns 0, nothing is removed.
func retain(ctx context.Context, log *zap.Logger, keep func() time.Duration,
	prune func(context.Context, time.Time) (journal.Pruned, error)) {
	for next := startTime; ; next = retainEvery {
		select {
		case <-time.After(next):
		case <-ctx.Done():
			return
		}
		k := keep()
		if k == 0 {
			continue
		}
		before := time.Now().Add(-k)
		removed, err := prune(ctx, before)
		if err != nil && ctx.Err() == nil {
			log.Error("journal: old history not removed", zap.Error(err))
		}
		if removed != (journal.Pruned{}) {
			log.Info("journal: old history removed", zap.Time("ended_before", before),
				zap.Int("callbacks", removed.Callbacks),
				zap.Int("calls", removed.Calls), zap.Int("last_numbers", removed.Dialed),
				zap.Int("pages_given_back", removed.Pages))
		}
	}
}

// backedUp records a backup of this daemon's journal.
func (d *daemon) backedUp(path, dir, by string) error {
	if own := d.journal.Health().Path; path != own {
		return fmt.Errorf("this daemon's journal is %s, not %s", own, path)
	}
	d.broker.Happened(events.BackedUp{Journal: path, Dir: dir, By: by})
	return nil
}
