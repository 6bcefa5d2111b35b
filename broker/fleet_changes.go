package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/fleet"
)

// runFleet keeps this node a member of its fleet: it resumes, acts on what others do, takes callbacks and pays what it
// owes, until ctx ends.
func (b *Broker) runFleet(ctx context.Context) {
	b.running.Go(func() { b.claimFree(ctx) })
	b.running.Go(func() { b.payOwed(ctx) })
	b.running.Go(func() { b.keepResumed(ctx) })
	for {
		select {
		case c := <-b.fleet.Changes():
			b.changed(ctx, c)
		case <-ctx.Done():
			return
		}
	}
}

// changed acts on one change. Orders are not for the Broker.
func (b *Broker) changed(ctx context.Context, c fleet.Change) {
	switch c.Kind {
	case fleet.Offered:
		wake(b.fleet.claim)
	case fleet.Taken, fleet.Ended: // it may be from before a newer claim of this node
		if _, known := b.claimOf(c.ID); known {
			b.running.Go(func() { b.fenced(ctx, c.ID) })
		}
	case fleet.Back:
		wake(b.fleet.resume)
	case fleet.Gone:
		b.fleet.gone.Store(true)
		b.log.Warn("fleet: the authority does not answer", zap.String("reason", b.fleet.Status().Reason))
	}
}

// orderWait is how long a cancellation waits for the node that alone can end a callback: it dials, or its lines may.
const orderWait = 5 * time.Second

// cancel cancels a callback: one that nodes share first in the fleet. The error is errStale if it is not pending.
func (b *Broker) cancel(ctx context.Context, id, by string) error {
	b.mu.Lock()
	w := b.works[id]
	own := b.fleet == nil || w != nil && !w.row.Shared
	b.mu.Unlock()
	if !own {
		return b.cancelShared(ctx, id, by)
	}
	return b.tell(ctx, event{id: id, what: callback.Cancel{By: by}, text: "by " + by})
}

// cancelShared cancels a callback in the fleet, wherever it is. It returns nil when that is recorded there: then no
// node dials for it anymore.
func (b *Broker) cancelShared(ctx context.Context, id, by string) error {
	m := b.fleet
	holder, ended, err := m.Cancel(ctx, id, by, "")
	switch {
	case errors.Is(err, fleet.ErrNotFound), errors.Is(err, fleet.ErrFenced):
		return errStale
	case err != nil:
		return fmt.Errorf("callback %s is not cancelled: %w", id, err)
	case ended:
		if _, known := b.claimOf(id); known {
			b.fenced(ctx, id)
		}
		return nil
	case holder == m.node:
		return b.tell(ctx, event{id: id, what: callback.Cancel{By: by}, text: "by " + by})
	}
	o, err := m.Order(ctx, fleet.Order{Node: holder, Verb: fleet.Cancel, ID: id, Who: by})
	if err != nil {
		return fmt.Errorf("callback %s is not cancelled: %w", id, err)
	}
	for range int(orderWait / (100 * time.Millisecond)) {
		done, _, err := m.Confirmed(ctx, o.Seq)
		if result, confirmed := done[holder]; err == nil && confirmed {
			return refusedBy(holder, id, result)
		}
		if !pause(ctx, 100*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("callback %s can be ended by node %s alone, which was told to cancel it and has not answered yet",
		id, holder)
}

// refusedBy returns why a node has not carried out an order about a callback; nil if it has.
func refusedBy(node, id, result string) error {
	var outcome struct{ Error string }
	if unmarshal(result, &outcome) == nil && outcome.Error == "" {
		return nil
	}
	return fmt.Errorf("callback %s is not cancelled: node %s: %s", id, node, cmp.Or(outcome.Error, result))
}
