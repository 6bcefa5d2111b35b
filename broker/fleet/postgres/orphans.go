package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/fleet"
)

// noRecord is the cause of the end of a callback whose holder's journal lacks it.
const noRecord = "its node has no record of it"

// orphans are callbacks that this node holds by their rows, and that its journal lacks. It has offered them, but cannot
// vouch for their rows, so that perhaps nobody may take them. Their node is present, so that nobody else ends them.
type orphans struct {
	mu    sync.Mutex
	found map[string]time.Duration // when, by the node's own clock
}

// add notes a callback that was found at a time, unless it is known.
func (o *orphans) add(id string, at time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.found == nil {
		o.found = map[string]time.Duration{}
	}
	if _, known := o.found[id]; !known {
		o.found[id] = at
	}
}

// until returns the callbacks that were found until a time.
func (o *orphans) until(at time.Duration) (ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, found := range o.found {
		if found <= at {
			ids = append(ids, id)
		}
	}
	return ids
}

func (o *orphans) forget(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.found, id)
}

// expireOrphans ends the orphans that nobody has taken for a lifetime. No attempt of them is in progress: their holder,
// which is present, has none, and that of another node would have made it the holder.
func (a *Authority) expireOrphans(ctx context.Context) error {
	for _, id := range a.orphans.until(a.clock() - a.opt.Lifetime) {
		err := a.change(ctx, "expiry", id, func(e *edit) error {
			if e.ended != 0 || e.holder != a.opt.Node || a.known.holds(id) {
				return errSame
			}
			e.lost("expired", noRecord)
			return nil
		})
		if err != nil && !errors.Is(err, fleet.ErrForged) && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
		a.orphans.forget(id)
	}
	return nil
}
