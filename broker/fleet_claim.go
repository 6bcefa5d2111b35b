package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

const (
	// claimPoll is how often this node looks for callbacks of others if nothing told it to.
	claimPoll = 5 * time.Second
	// claimSkip is for how long a callback is left to others that this node cannot take.
	claimSkip = time.Minute
	// claimLease is how long a free line may take to be leased for a callback.
	claimLease = 5 * time.Second
)

// claimer takes callbacks of other nodes that wait for a line, when one of this node is free.
type claimer struct {
	b    *Broker
	skip map[string]time.Time // until when
}

// claimFree looks for such callbacks when others offer some, when a line may have become free, and from time to time.
func (b *Broker) claimFree(ctx context.Context) {
	c := &claimer{b: b, skip: map[string]time.Time{}}
	poll := time.NewTicker(claimPoll)
	defer poll.Stop()
	for {
		changed := b.opt.Pool.Changed()
		for c.claim(ctx) {
		}
		select {
		case <-b.fleet.claim:
		case <-changed:
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}

// free returns the rotaries of the fleet in which this node has a free line, and how many lines these are.
func (c *claimer) free() (rotaries []int, n int) {
	b := c.b
	if b.draining.Load() || b.drainedBy() != "" || b.lock.deny() != "" || !b.fleet.resumed.Load() {
		return nil, 0
	}
	for s := range b.opt.Pool.Each() {
		if s.State != lines.Idle || s.Owner != "" || !slices.Contains(b.fleet.rules.Rotaries, s.Rotary) ||
			s.Modem == lines.CallIn {
			continue
		}
		if n++; !slices.Contains(rotaries, s.Rotary) {
			rotaries = append(rotaries, s.Rotary)
		}
	}
	return rotaries, n
}

// claim takes what waits for the lines that are free. It returns true if more may wait.
func (c *claimer) claim(ctx context.Context) (again bool) {
	rotaries, n := c.free()
	if n == 0 {
		return false
	}
	now := time.Now()
	var skip []string
	for id, until := range c.skip {
		if until.After(now) {
			skip = append(skip, id)
		} else {
			delete(c.skip, id)
		}
	}
	rows, err := c.b.fleet.Waiting(ctx, rotaries, skip, n)
	if err != nil {
		return false
	}
	for _, r := range rows {
		if !c.take(ctx, r) {
			c.skip[r.ID] = now.Add(claimSkip)
		}
	}
	return len(rows) == n && ctx.Err() == nil
}

// take takes one callback, with a line first. It returns false if this node leaves it to others for a while.
func (c *claimer) take(ctx context.Context, r fleet.Row) bool {
	b := c.b
	w, err := b.workOfRow(r)
	if err == nil {
		err = b.mayClaim(w, r)
	}
	if err != nil {
		b.log.Info("fleet: a callback is left to other nodes", zap.String("callback", r.ID),
			zap.String("holder", r.Holder), zap.Error(err))
		return false
	}
	waiting, stop := context.WithTimeout(ctx, claimLease)
	defer stop()
	lease, err := b.opt.Pool.Acquire(waiting, b.want(w))
	if err != nil {
		return false
	}
	m := b.fleet
	done, err := m.record(ctx, 1) // until the journal has it
	if err != nil {
		lease.Release()
		return false
	}
	defer done()
	taken, err := m.Take(ctx, r)
	if err != nil {
		lease.Release()
		if errors.Is(err, fleet.ErrUnknown) {
			wake(m.resume) // it says whether it is ours
		}
		return errors.Is(err, fleet.ErrFenced)
	}
	if w, err = b.workOfRow(taken); err == nil {
		left := w.state
		w.state = callback.State{}
		w.claimed.Store(lease)
		err = b.tell(ctx, event{id: r.ID, promise: w, what: callback.Claimed{Left: left},
			text: "node " + r.Holder + " had it"})
	}
	if w == nil || w.claimed.Swap(nil) != nil { // otherwise the callback has the lease
		lease.Release()
	}
	if err == nil {
		b.publish(events.Claimed{Callback: r.ID, User: r.User, From: r.Holder})
		return true
	}
	if err := m.Offer(context.WithoutCancel(ctx), taken); err != nil {
		wake(m.resume)
	}
	b.log.Warn("fleet: a callback of another node could not be recorded; it is offered again",
		zap.String("callback", r.ID), zap.Error(err))
	return false
}

// workOfRow returns the callback of a row of the fleet, for this node.
func (b *Broker) workOfRow(r fleet.Row) (*work, error) {
	if r.Format > fleet.Format {
		return nil, fmt.Errorf("its row has format %d, and this version reads %d (update ringback)", r.Format,
			fleet.Format)
	}
	row := r.Callback
	row.Epoch, row.Home, row.Shared = r.Epoch, b.homeOf(r.Home), true
	w, err := workOf(row)
	if err != nil {
		return nil, err
	}
	w.foreign, w.unstarted, w.barred = row.Home != "", false, nil
	w.expires = b.expiry(row.Created)
	w.keepDelay()
	w.state.Held = false // only the claim under which its attempt was recorded could use that again
	return w, nil
}

// mayClaim returns why this node cannot dial for a callback of another one.
func (b *Broker) mayClaim(w *work, r fleet.Row) error {
	cfg := b.config.Load()
	if cfg.Entries != nil && !cfg.Entries[w.row.Entry] {
		return fmt.Errorf("no method list of this node has the entry %q", w.row.Entry)
	}
	if _, known := cfg.Policies.Group(w.trace.Group); !known {
		return fmt.Errorf("this node has no policy for the group %q", w.trace.Group)
	}
	if err := b.opt.Pool.CanServe(b.want(w)); err != nil {
		return err
	}
	d, err := w.decision()
	if err != nil {
		return fmt.Errorf("its recorded decision: %w", err)
	}
	step := w.nextStep()
	if _, err := cfg.dialstring(step); err != nil {
		return err
	}
	c := check{decision: d, asked: w.question(), granted: w.grantedThen()}
	if now := b.evaluateAgain(c, c.granted, false); now.Outcome != policies.CallBack {
		return errors.New(now.Reason)
	}
	return nil
}
