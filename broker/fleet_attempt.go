package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
)

// rungFor is how long after the dial of its attempt a node may admit the user without the fleet: nobody else touches
// a callback whose attempt may be in progress.
func (l Limits) rungFor() time.Duration { return l.Dial + l.Login + l.Grace }

// attempted returns the row of an attempt that dials a step of the plan now.
func (b *Broker) attempted(w *work, n, dial int, now time.Time) journal.Attempt {
	i := w.plan.Step(dial)
	return journal.Attempt{CallbackID: w.row.ID, N: n, Step: i, TTY: w.state.TTY, Number: w.plan[i].Number.String(),
		Started: now, Script: joined(b.scripts(w, w.plan[i]))}
}

// attempting returns what records the next attempt of a shared callback in the fleet, outside the loop: only the
// process that has inserted the row may dial for it, once. If it cannot be recorded, it returns the event that follows
// instead of the dial. nil: the attempt needs the journal alone.
func (b *Broker) attempting(w *work, gen uint64) func(ctx context.Context) *event {
	if b.fleet == nil || !w.row.Shared {
		return nil
	}
	n := w.state.Attempt + 1
	if w.state.Held {
		n = w.state.Attempt
	}
	a, m := b.attempted(w, n, w.state.Next(), time.Now()), b.fleet
	notNow := func(why any) *event {
		return &event{id: w.row.ID, what: callback.NotNow{Gen: gen, Cause: fmt.Sprint(why)}}
	}
	return func(ctx context.Context) *event {
		claim, granted := b.granted(w)
		switch {
		case w.ending.Load() > 0:
			return notNow("its end is being recorded in the fleet")
		case !m.resumed.Load():
			return notNow(fleet.ErrAway)
		case granted == n:
			return nil // it was recorded for a dial that did not begin
		case b.drained.Load() != nil:
			return notNow(leftByDrain)
		}
		// The check may be cancelled at any time, and it must be known whether the row is there.
		err := m.Attempt(context.WithoutCancel(ctx), claim, a)
		switch {
		case err == nil:
			b.grant(w, n, true)
			return nil
		case errors.Is(err, fleet.ErrSpent):
			// An answer was lost: the row is there, and may not be durable. It counts, and is not dialed.
			b.grant(w, n, false)
			return nil
		case errors.Is(err, fleet.ErrFenced), errors.Is(err, fleet.ErrForged):
			b.fenced(ctx, w.row.ID)
		}
		return notNow(err)
	}
}

// granted returns the claim of a callback, and the attempt that this process may dial.
func (b *Broker) granted(w *work) (fleet.Claim, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fleet.Claim{ID: w.row.ID, Epoch: w.row.Epoch}, w.granted
}

// grant notes that an attempt is recorded in the fleet: ours to dial, or not.
func (b *Broker) grant(w *work, n int, ours bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.offered = false; ours {
		w.granted = n
	} else {
		w.spentUnrung = n
	}
}

// errUnrung is the outcome of an attempt that counts although it was not dialed.
const errUnrung = "not dialed: its record in the fleet was in doubt"

// unrung returns why an attempt must not be dialed, although it counts; "" if it may.
func (b *Broker) unrung(w *work, n int) string {
	if b.fleet == nil || !w.row.Shared {
		return ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.granted != n || w.spentUnrung == n {
		return errUnrung
	}
	return ""
}

// lookingAt returns the line with the last look of a shared callback right before its dial command: its claim is in
// force and its attempt is open. fenced gets an error that says that they are not.
func (b *Broker) lookingAt(w *work, lease *lines.Lease, n int) (line lines.Dialable, fenced func() bool) {
	if b.fleet == nil || !w.row.Shared {
		return lease, func() bool { return false }
	}
	var last error
	return lease.Looking(func(ctx context.Context) error {
		claim, _ := b.granted(w)
		last = b.fleet.Look(ctx, claim, n)
		return last
	}), func() bool { return errors.Is(last, fleet.ErrFenced) }
}

// fenced finds out what became of a callback whose claim is not in force anymore, and tells the loop.
func (b *Broker) fenced(ctx context.Context, id string) {
	m := b.fleet
	row, _, _, err := m.Callback(context.WithoutCancel(ctx), id)
	e := event{id: id}
	switch {
	case errors.Is(err, fleet.ErrNotFound): // the server that took over has not received it
		wake(m.resume)
		return
	case errors.Is(err, fleet.ErrForged): // nobody dials for it, and its user must not wait for its lifetime
		e.what = callback.EndedElsewhere{Outcome: callback.Failed,
			Cause: "its row in the fleet's database was changed: it does not verify with the fleet's key"}
	case err != nil:
		return // the next operation is fenced too
	case row.Holder != m.node: // it ends the callback, or has ended it
		e = event{do: func() { b.gaveUp(id, row) }}
	case !row.Pending():
		e.what = callback.EndedElsewhere{Outcome: callback.Phase(row.Outcome), Cause: row.Cause}
	default: // the claim is ours, and its epoch is newer
		e = event{do: func() { b.renew(id, row.Epoch) }}
	}
	b.send(ctx, e)
}

// gaveUp lets a callback go that another node has as a row says, unless this node has claimed it again since that row
// was read. The loop calls it.
func (b *Broker) gaveUp(id string, row fleet.Row) {
	if w := b.works[id]; w != nil && w.row.Epoch <= row.Epoch {
		b.backlog = append(b.backlog, event{id: id, what: callback.Taken{By: row.Holder}})
	}
}

// renew notes the epoch of a claim of this node. The loop calls it.
func (b *Broker) renew(id string, epoch int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.works[id]; w != nil {
		w.row.Epoch = max(w.row.Epoch, epoch)
	}
}

// completes records in the fleet that leg two is admitted, before it is. Without an answer, the node of the attempt may
// admit for as long as nobody else touches the callback; the end is then owed.
func (b *Broker) completes(ctx context.Context, c *call) error {
	b.mu.Lock()
	w := b.works[c.callbackID]
	if b.fleet == nil || w == nil || !w.row.Shared {
		b.mu.Unlock()
		return nil
	}
	end := fleet.End{Claim: fleet.Claim{ID: c.callbackID, Epoch: w.row.Epoch}, Time: time.Now(),
		Outcome: string(callback.Completed), Attempts: c.attempt}
	var began time.Time
	if w.dial != nil {
		began = w.dial.began
	}
	b.mu.Unlock()
	err := b.fleet.End(ctx, end)
	switch {
	case err == nil:
		b.mu.Lock()
		w.shared = true
		b.mu.Unlock()
		return nil
	case errors.Is(err, fleet.ErrFenced), errors.Is(err, fleet.ErrForged), errors.Is(err, fleet.ErrNotFound):
		b.running.Go(func() { b.fenced(context.WithoutCancel(ctx), c.callbackID) })
		return err
	case time.Since(began) >= b.opt.Limits.rungFor():
		return err
	}
	return nil
}
