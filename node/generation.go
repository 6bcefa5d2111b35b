package node

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/node/methods"
)

// generation says by which methods the sessions that began before its time, and after that of the generation before,
// are accounted.
type generation struct {
	*methods.Set
	replaced time.Time
}

// generationKept is how long the servers of a replaced configuration are given what began with them: one that was taken
// out because it is gone for good must not hold records for ever.
const generationKept = 24 * time.Hour

// generationSweep is how often it is looked whether a replaced configuration is still needed.
const generationSweep = time.Minute

// Send implements aaa.Accountant. A session is accounted to the end where its Start went, though a reload may have
// named other servers meanwhile: else the one would hold it for open for ever, and the other would hear of an end
// without a beginning.
func (d *daemon) Send(ctx context.Context, r aaa.Record) error {
	return d.generation(r, time.Now()).Send(ctx, r)
}

// generation is the methods by which the record's session is accounted.
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

// replace puts m in force, and keeps of the methods before what sessions that began with them need: nothing, where m
// accounts by the same servers. Conversations that began with them hold them by themselves.
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

// dropLocked forgets the generations that are done, and those that the next one, or the methods in force, stand for.
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

// sweep forgets, until ctx ends, the generations that no session and no unsent record needs any more.
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
