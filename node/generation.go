package node

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/node/methods"
)

// generation is the set of methods that account the sessions begun before it was replaced, and after the
// generation before it was.
type generation struct {
	*methods.Set
	replaced time.Time
}

// generationKept is how long the servers of a replaced configuration still receive the records of their
// sessions. A limit is needed because a server that was removed for good would hold records forever.
const generationKept = 24 * time.Hour

// generationSweep is the interval of the check whether a replaced configuration is still needed.
const generationSweep = time.Minute

// Send implements aaa.Accountant. All records of a session go to the servers that received its Start, even if a
// reload has configured others since. Otherwise the session would never end on the one server, and end without
// a beginning on the other.
func (d *daemon) Send(ctx context.Context, r aaa.Record) error {
	return d.generation(r, time.Now()).Send(ctx, r)
}

// generation returns the methods that account the record's session.
func (d *daemon) generation(r aaa.Record, now time.Time) *methods.Set {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Type == aaa.On || r.Type == aaa.Off {
		return d.methods
	}
	began := r.Time.Add(-r.SessionTime)
	for _, g := range d.old {
		if began.Before(g.replaced) && now.Sub(g.replaced) < generationKept {
			return g.Set
		}
	}
	return d.methods
}

// replace puts m in force and keeps the previous methods for the sessions that began with them, unless m
// accounts with the same servers. Conversations under way keep their methods by themselves.
func (d *daemon) replace(m *methods.Set, now time.Time) (old *methods.Set) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, d.methods = d.methods, m
	d.old = append(d.old, generation{old, now})
	for i, g := range d.old {
		if g.AccountsAs(m) {
			d.old[i].Set = m
		}
	}
	d.dropLocked(func(generation) bool { return false })
	return old
}

// dropLocked removes the generations that are done, and those equal to the next one or to the methods in force.
func (d *daemon) dropLocked(done func(generation) bool) {
	var kept []generation
	for i, g := range d.old {
		next := d.methods
		if i+1 < len(d.old) {
			next = d.old[i+1].Set
		}
		if g.Set != next && !done(g) {
			kept = append(kept, g)
		}
	}
	d.old = kept
}

// sweep removes, until ctx ends, the generations that no session and no unsent record needs any more.
func (d *daemon) sweep(ctx context.Context) {
	tick := time.NewTicker(generationSweep)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			d.sweepOnce(ctx, now)
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) sweepOnce(ctx context.Context, now time.Time) {
	d.mu.Lock()
	none := len(d.old) == 0
	d.mu.Unlock()
	if none {
		return
	}
	oldest, err := d.broker.OldestSession(ctx)
	if err != nil {
		d.log.Error("journal: read the accounting spool", zap.Error(err))
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropLocked(func(g generation) bool {
		return now.Sub(g.replaced) >= generationKept || oldest.IsZero() || !oldest.Before(g.replaced)
	})
}
