package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// notTold is the cause of a callback that was withdrawn because its promise was not recorded everywhere.
const notTold = "the promise could not be recorded, and the caller was not told of it"

// share records the promise of a callback in the fleet, which comes before the journal. Its reservation is then there.
func (b *Broker) share(ctx context.Context, w *work) error {
	m := b.fleet
	w.row.Epoch, w.row.Shared = 1, b.sharable(w.plan)
	err := fleet.ErrAway
	if m.resumed.Load() {
		err = m.Promise(ctx, b.promised(w))
	}
	switch {
	case err == nil:
		w.reservation = nil
	case errors.Is(err, journal.ErrPending):
		return errAlready
	case errors.Is(err, fleet.ErrUnknown):
		b.withdraw(w.row.ID, notTold)
	case errors.Is(err, fleet.ErrAway) && m.rules.OnLoss == OnLossLocal:
		return b.promiseAlone(w, err)
	}
	return err
}

// promised is the row of a callback as it will be when it is promised.
func (b *Broker) promised(w *work) fleet.Promise {
	charges, amount := w.reserves()
	p := fleet.Promise{Row: b.fleetRow(w.row, b.fleetRotary(w.nextStep())), Charges: charges, Amount: amount,
		Time: time.Now()}
	next, _, _ := callback.Step(w.state, callback.Promise{ID: w.row.ID, Max: w.row.Max})
	p.Phase, p.State = string(next.Phase), mustJSON(next)
	p.Trace, p.Updated = w.trace.encode(), p.Time
	return p
}

// folded is the identity of the user, in the spelling that all spellings of it have.
func (w *work) folded() aaa.Identity {
	return aaa.Identity{Entry: w.row.Entry, User: aaa.FoldUser(w.row.User)}
}

// reserves returns what the reservation of a promise has.
func (w *work) reserves() ([]journal.Charge, journal.Amount) {
	if w.reservation == nil {
		return nil, journal.Amount{}
	}
	return w.reservation.Charges, w.reservation.Amount
}

// withdraw takes a promise back of which nobody was told. It does not block. The journal keeps that it is owed; if it
// cannot, this process does.
func (b *Broker) withdraw(id, cause string) {
	m := b.fleet
	m.mu.Lock()
	m.withdraw[id] = cause
	m.mu.Unlock()
	b.turns.Go(func() {
		report := owed(fleet.Claim{ID: id}, oweWithdraw, cause)
		if err := b.opt.Journal.Commit(context.Background(), report); err != nil {
			b.log.Warn("journal: a withdrawal that is owed to the fleet is only in memory", zap.String("callback", id),
				zap.Error(err))
		} else {
			m.mu.Lock()
			delete(m.withdraw, id)
			m.mu.Unlock()
		}
		wake(m.owing)
	})
}

// unshare withdraws a promise that the journal has refused.
func (b *Broker) unshare(w *work) func(error) {
	if b.fleet == nil {
		return nil
	}
	id, alone := w.row.ID, w.row.Epoch == 0
	return func(err error) {
		switch {
		case errors.Is(err, errShutdown): // it may be on disk; the next start resumes or withdraws it
		case alone:
			_, amount := w.reserves()
			b.fleet.alone.putBack(w.folded(), amount)
		default:
			b.withdraw(id, notTold)
		}
	}
}

// mayServe returns nil if a line of this node may dial a step now or later, or if one of another node may.
func (b *Broker) mayServe(service aaa.Service, s callback.PlanStep, called int) error {
	err := b.opt.Pool.CanServe(b.wanted(service, s, called))
	if b.fleetRotary(b.named(s, called)) != fleet.NoRotary {
		return nil
	}
	return err
}

// promiseAlone promises a callback without the fleet, if lines of this node may dial it.
func (b *Broker) promiseAlone(w *work, away error) error {
	for _, s := range w.plan {
		if err := b.opt.Pool.CanServe(b.wanted(aaa.Service(w.row.Service), s, w.calledHere())); err != nil {
			return fmt.Errorf("%w; without it only lines of this node dial: %w", away, err)
		}
	}
	_, amount := w.reserves()
	if why := b.fleet.alone.take(w.folded(), amount); why != "" {
		return fmt.Errorf("%w; %s", away, why)
	}
	w.row.Epoch, w.row.Shared = 0, false
	return nil
}
