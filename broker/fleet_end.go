package broker

import (
	"context"
	"errors"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// fleetPause is the pause before an operation is tried again that the authority has not carried out.
const fleetPause = 5 * time.Second

// endsFirst has the end of a shared callback that has no attempt in progress recorded in the fleet, which comes before
// the journal: another node may have the callback. The event then comes again. It returns false if that is not so.
func (b *Broker) endsFirst(ctx context.Context, w *work, e event) bool {
	if b.fleet == nil || !w.row.Shared || e.shared {
		return false
	}
	end, ok := callback.Ends(w.state, e.what)
	if !ok {
		return false
	}
	next, _, _ := callback.Step(w.state, e.what)
	record := fleet.End{Claim: fleet.Claim{ID: w.row.ID, Epoch: w.row.Epoch}, Time: time.Now(),
		Outcome: string(end.Outcome), Cause: end.Cause, Attempts: next.Attempt, Trace: w.trace.encode()}
	if next.Lease == 0 {
		record.Settle = w.settlement(next, record.Time)
	}
	w.ending.Add(1)
	b.running.Go(func() {
		defer w.ending.Add(-1)
		b.shareEnd(ctx, e, record)
	})
	return true
}

// shareEnd records an end in the fleet, for as long as that takes, and then lets the loop have the event. If a sender
// waits for the reply, it gets the error at once when the end cannot be recorded, and nothing has changed.
func (b *Broker) shareEnd(ctx context.Context, e event, end fleet.End) {
	for {
		err := error(fleet.ErrAway)
		if b.fleet.resumed.Load() {
			if c, known := b.claimOf(e.id); known {
				end.Claim = c
			}
			err = b.fleet.End(ctx, end)
		}
		switch {
		case err == nil:
			if e.shared = true; !b.send(ctx, e) {
				e.giveBack()
			}
			return
		case errors.Is(err, fleet.ErrFenced), errors.Is(err, fleet.ErrNotFound), errors.Is(err, fleet.ErrForged):
			e.giveBack()
			e.answer(errStale)
			b.fenced(ctx, e.id)
			return
		case e.reply != nil:
			e.giveBack()
			e.answer(err)
			return
		}
		if !pause(ctx, fleetPause) {
			e.giveBack()
			return
		}
	}
}

// held returns the event in place of one that lets a dial begin, while an end of the callback is being recorded.
func (w *work) held(e callback.Event) callback.Event {
	c, ok := e.(callback.DenialRechecked)
	if ok && c.Reason == "" && w.ending.Load() > 0 {
		return callback.NotNow{Gen: c.Gen, Cause: "its end is being recorded in the fleet"}
	}
	return e
}

// settlement is what a callback that has ended has used, for the accounts of the fleet.
func (w *work) settlement(s callback.State, now time.Time) *journal.Settle {
	for _, m := range w.settle(s, now) {
		if m, ok := m.(journal.Settle); ok {
			return &m
		}
	}
	return &journal.Settle{Callback: w.row.ID, Time: now}
}

// owes returns what a step owes the fleet, which the journal keeps until the fleet has it: the end of an attempt, the
// end of the callback, and what it has used.
func (b *Broker) owes(s step) []journal.Mutation {
	w, before, next, now := s.work, s.before, s.work.state, time.Now()
	if b.fleet == nil || next.Phase == callback.GivenUp {
		return nil
	}
	claim := fleet.Claim{ID: w.row.ID, Epoch: w.row.Epoch}
	attempted := before.Phase == callback.Dialing || before.Phase == callback.Answered
	switch {
	case next.Phase.Pending():
		going := next.Phase == callback.Dialing || next.Phase == callback.Answered
		if !attempted || going || next.Held || !w.row.Shared {
			return nil
		}
		return []journal.Mutation{owed(claim, oweContinue, continued{w.row.Epoch, before.Attempt, next.Cause})}
	case before.Phase.Pending() && (s.event.shared || w.shared) && !next.Done(): // what it uses follows
		return nil
	case before.Phase.Pending() && s.event.shared: // with what it has used
		return nil
	case before.Phase.Pending() && !before.Decided && !w.shared && !s.event.elsewhere():
		end := fleet.End{Claim: claim, Time: now, Outcome: string(next.Phase),
			Cause: next.Cause, Attempts: next.Attempt, Trace: w.trace.encode()}
		if next.Done() {
			end.Settle = w.settlement(next, now)
		}
		return []journal.Mutation{owed(claim, oweEnd, end)}
	case next.Done():
		return []journal.Mutation{owed(claim, oweSettle, settled{*w.settlement(next, now), w.trace.encode()})}
	}
	return nil
}

// elsewhere reports whether the fleet has the end of the callback, which another node or an operator has made.
func (e event) elsewhere() bool {
	_, is := e.what.(callback.EndedElsewhere)
	return is
}

// settled is what a callback has used, and the steps of this node.
type settled struct {
	journal.Settle
	Trace string
}

// continued is the end of an attempt after which its callback continues.
type continued struct {
	Epoch   int64
	Attempt int
	Outcome string
}
