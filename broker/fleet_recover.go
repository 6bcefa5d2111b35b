package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// ownWait is how long callbacks of this node alone wait at a start for what the fleet knows of them.
const ownWait = 3 * time.Second

// joinFleet works with the fleet until work ends. leave then sends what is still owed, once.
func (b *Broker) joinFleet(base, work context.Context, parts *sync.WaitGroup) (leave func()) {
	if b.fleet == nil {
		return func() {}
	}
	parts.Go(func() { b.runFleet(work) })
	return func() {
		if b.fleet.resumed.Load() {
			b.pay(base)
		}
	}
}

// keepResumed tells the authority what the journal has, at the start and whenever it answers again.
func (b *Broker) keepResumed(ctx context.Context) {
	own := time.AfterFunc(ownWait, func() { b.later(ctx, event{do: func() { b.startAgain(ctx, false) }}) })
	defer own.Stop()
	for {
		err := b.resumeFleet(ctx)
		var later <-chan time.Time
		if err != nil {
			later = time.After(fleetPause)
			if !errors.Is(err, fleet.ErrAway) {
				b.log.Warn("fleet: the callbacks of this node are not resumed yet", zap.Error(err))
			}
		}
		select {
		case <-b.fleet.resume:
		case <-later:
		case <-ctx.Done():
			return
		}
	}
}

// resumeFleet tells the authority what the journal has, and acts on what became of it.
func (b *Broker) resumeFleet(ctx context.Context) error {
	m := b.fleet
	done, err := m.record(ctx, maxRecording)
	if err != nil {
		return err
	}
	defer done()
	m.resumed.Store(false)
	mine, err := b.known(ctx)
	if err != nil {
		return err
	}
	byID, report := make(map[string]known, len(mine)), make([]fleet.Known, len(mine))
	for i, k := range mine {
		byID[k.ID], report[i] = k, k.Known
	}
	all, err := m.Resume(ctx, report)
	if err != nil {
		return err
	}
	if err := b.inLoop(ctx, func() { b.stand(ctx, all, byID) }); err != nil {
		return err
	}
	m.dialsShared()
	m.resumed.Store(true)
	if m.gone.Swap(false) {
		b.log.Info("fleet: joined again", zap.Int("callbacks", len(mine)))
	}
	if err := b.reserveAhead(ctx); err != nil {
		return err
	}
	wake(m.owing)
	wake(m.claim)
	return nil
}

// known is what this node knows of a callback.
type known struct {
	fleet.Known
	used *journal.Settle // nil: it is not over
}

// known returns what the journal has of callbacks: those that the loop works on, and those that ended lately.
func (b *Broker) known(ctx context.Context) (all []known, err error) {
	working := map[string]bool{}
	err = b.inLoop(ctx, func() {
		for id, w := range b.works {
			working[id] = true
			w.record(w.row.Updated)
			all = append(all, known{Known: b.knownOf(w)})
		}
	})
	if err != nil {
		return nil, err
	}
	rows, _, err := b.opt.Journal.Callbacks(ctx, journal.All, journal.Filter{Ended: true,
		Since: time.Now().Add(-2 * b.lifetime())})
	if err != nil {
		return nil, fmt.Errorf("journal: read the callbacks that ended lately: %w", err)
	}
	local, err := b.localOwed(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range append(rows, local...) {
		if working[row.ID] || row.Epoch == 0 && !holds(local, row.ID) {
			continue
		}
		working[row.ID] = true
		k := known{Known: fleet.Known{Row: b.fleetRow(row, fleet.NoRotary), Ended: true},
			used: &journal.Settle{Callback: row.ID, Time: row.Ended}}
		if w, err := endedWork(row); err == nil {
			k.Charges, k.Amount = b.reservationOf(w)
			k.used = w.settlement(w.state, row.Ended)
		}
		all = append(all, k)
	}
	dials, err := b.knownDials(ctx)
	return append(all, dials...), err
}

// knownOf is what this node knows of a callback. The loop calls it.
func (b *Broker) knownOf(w *work) fleet.Known {
	k := fleet.Known{Row: b.fleetRow(w.row, b.fleetRotary(w.nextStep())), Ended: !w.row.Ended.IsZero()}
	k.Charges, k.Amount = b.reservationOf(w)
	if w.state.Phase == callback.Dialing || w.state.Phase == callback.Answered {
		k.Open = w.state.Attempt
	}
	return k
}

// reservationOf returns what was reserved for a callback, with the limits of now.
func (b *Broker) reservationOf(w *work) ([]journal.Charge, journal.Amount) {
	if w.slot == 0 {
		return nil, journal.Amount{} // nothing was
	}
	again := newWork(w.row, trace{Group: w.trace.Group}, w.auth)
	again.plan, again.limits = w.plan, w.limits
	if b.reserve(again) != nil {
		return nil, journal.Amount{}
	}
	return again.reserves()
}

// endedWork returns a callback that has ended, as far as its reservation and what it used need it.
func endedWork(row journal.Callback) (*work, error) {
	g, err := decodeGrant(row.Authorization)
	if err != nil {
		return nil, err
	}
	w := newWork(row, trace{}, g)
	var d decided
	if err := unmarshal(row.Decision, &d); err != nil {
		return nil, err
	}
	w.trace.Group, w.limits = d.Group, d.Limits
	if err := w.readState(); err != nil {
		return nil, err
	}
	w.state.Lease = 0 // its line was returned
	return w, w.readPlan()
}

// stand acts on what became of the callbacks of the journal. The loop calls it.
func (b *Broker) stand(ctx context.Context, all []fleet.Standing, of map[string]known) {
	lost := 0
	for _, s := range all {
		k, w := of[s.ID], b.works[s.ID]
		if s.Missing && k.Epoch > 0 && k.Outcome != string(callback.GivenUp) {
			lost++
		}
		switch {
		case k.Ended && s.Mine && s.Ended.IsZero():
			b.oweAgain(s.Claim, oweEnd, fleet.End{Claim: s.Claim, Time: k.Callback.Ended, Outcome: k.Outcome,
				Cause: k.Cause, Attempts: k.Attempts, Trace: k.Trace, Settle: k.used})
		case k.used != nil && s.Missing && k.Outcome != string(callback.GivenUp):
			b.oweAgain(s.Claim, oweSettle, k.used)
		}
		if w != nil && w.state.Phase.Pending() {
			b.standOne(ctx, w, s)
		}
	}
	if lost > 0 {
		b.Happened(events.Alarm{Text: fmt.Sprintf("fleet: the server has lost %d callbacks that it had acknowledged; "+
			"they were written back from the journal of this node", lost)})
	}
	b.startAgain(ctx, true)
}

// oweAgain sends a report again that the fleet has lost.
func (b *Broker) oweAgain(c fleet.Claim, kind string, what any) {
	b.turns.Go(func() {
		if err := b.opt.Journal.Commit(context.Background(), owed(c, kind, what)); err != nil {
			b.log.Warn("journal: a report that the fleet has lost is not on disk", zap.String("callback", c.ID),
				zap.Error(err))
		}
		wake(b.fleet.owing)
	})
}

// standOne acts on what became of one callback.
func (b *Broker) standOne(ctx context.Context, w *work, s fleet.Standing) {
	id := w.row.ID
	switch {
	case !s.Ended.IsZero() && s.Holder == b.fleet.node:
		b.startOne(w)
		b.backlog = append(b.backlog, event{id: id, what: callback.EndedElsewhere{Outcome: callback.Phase(s.Outcome),
			Cause: s.Cause}})
	case s.Missing && !s.Mine && !w.row.Shared: // its user has another one, and this one needs the journal alone
		b.startOne(w)
	case !s.Mine: // its holder ends it, or has ended it
		b.startOne(w)
		b.backlog = append(b.backlog, event{id: id, what: callback.Taken{By: s.Holder}})
	default:
		b.mu.Lock()
		w.row.Epoch = s.Epoch
		if w.granted != s.Open {
			w.granted = 0
		}
		b.mu.Unlock()
		b.catchUp(w, s)
	}
}

// catchUp counts the attempts that the fleet has and that an earlier process did not record in its journal.
func (b *Broker) catchUp(w *work, s fleet.Standing) {
	if !w.unstarted || !w.row.Shared {
		return
	}
	w.state.Held = false // only the process that recorded it could use it again
	w.state.Attempt = min(max(w.state.Attempt, s.Attempts), w.state.Max)
	b.startOne(w)
	if w.state.Phase != callback.Dialing && w.state.Phase != callback.Answered && w.state.Next() >= w.state.Max {
		b.backlog = append(b.backlog, event{id: w.row.ID, what: callback.DenialRechecked{
			Reason: "no dial is left: one was interrupted by a restart"}})
	}
}

// startAgain begins with the callbacks of an earlier process: those of this node alone, or all.
func (b *Broker) startAgain(_ context.Context, all bool) {
	for _, w := range b.works {
		if all || !w.row.Shared {
			b.startOne(w)
		}
	}
}

// startOne begins with a callback of an earlier process, once.
func (b *Broker) startOne(w *work) {
	if w.again != nil {
		b.backlog = append(b.backlog, *w.again)
		w.again = nil
	}
}
