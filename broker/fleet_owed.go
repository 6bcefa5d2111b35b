package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// The kinds of what this node owes the fleet.
const (
	oweEnd      = "end"      // a fleet.End
	oweSettle   = "settle"   // settled
	oweContinue = "continue" // continued
	oweWithdraw = "withdraw" // the cause
	oweDial     = "dial"     // a sharedDial
	oweOrder    = "order"    // a fleet.Order for all nodes
)

// owed is the mutation that keeps a report about a claim for the fleet in the journal. Epoch 0: the callback was
// promised without the fleet, or was not promised.
func owed(c fleet.Claim, kind string, what any) journal.Mutation {
	return journal.PutOwed{Owed: journal.Owed{ID: c.ID, Epoch: c.Epoch, Kind: kind, Body: mustJSON(what),
		Created: time.Now()}}
}

// errNotYet: a callback that was promised without the fleet is not in it yet.
var errNotYet = errors.New("the fleet does not have the callback yet")

// isLocal reports whether a report is about a call that was promised or permitted without the fleet.
func isLocal(r journal.Owed) bool { return r.Epoch == 0 && r.Kind != oweWithdraw && r.Kind != oweOrder }

// payOwed sends the authority what this node owes it, in order for each callback, whenever there is something, and
// again after a pause while it does not answer.
func (b *Broker) payOwed(ctx context.Context) {
	m := b.fleet
	for {
		var later <-chan time.Time
		if m.resumed.Load() {
			b.pay(ctx)
		}
		if m.owed.Store(b.countOwed(ctx)); m.owed.Load() > 0 {
			later = time.After(fleetPause)
		}
		select {
		case <-m.owing:
		case <-later:
		case <-ctx.Done():
			return
		}
	}
}

// Owed returns how many reports of this node the fleet has not recorded yet. It never blocks.
func (b *Broker) Owed() int { return int(b.fleet.owed.Load()) }

// countOwed counts what is owed now; what cannot be read counts as one report.
func (b *Broker) countOwed(ctx context.Context) int64 {
	rows, _, err := b.opt.Journal.Owed(ctx)
	if err != nil {
		return 1
	}
	b.fleet.mu.Lock()
	defer b.fleet.mu.Unlock()
	return int64(len(rows) + len(b.fleet.withdraw))
}

// pay sends what is owed now.
func (b *Broker) pay(ctx context.Context) {
	b.payWithdrawals(ctx)
	rows, damaged, err := b.opt.Journal.Owed(ctx)
	if err != nil || len(damaged) > 0 {
		b.log.Error("journal: read what is owed to the fleet", zap.Any("damaged", damaged), zap.Error(err))
	}
	local := false
	stuck := map[string]bool{} // callbacks whose later reports wait
	for _, r := range rows {
		if ctx.Err() != nil {
			return
		}
		if stuck[r.ID] {
			continue
		}
		err := stillOwed(b.payOne(ctx, r))
		if err != nil {
			stuck[r.ID] = true
			if errors.Is(err, fleet.ErrAway) || errors.Is(err, fleet.ErrUnknown) || errors.Is(err, fleet.ErrNotMember) {
				return
			}
			b.log.Warn("fleet: a report is not recorded; it is sent again", zap.String("callback", r.ID),
				zap.String("report", r.Kind), zap.Error(err))
			continue
		}
		// If it stays in the journal, it is sent again, which changes nothing.
		_ = b.opt.Journal.Commit(ctx, journal.DropOwed{ID: r.ID, Kind: r.Kind})
		local = local || isLocal(r)
	}
	if local && b.fleet.rules.OnLoss == OnLossLocal {
		wake(b.fleet.resume) // what is reserved ahead may be renewed
	}
}

// stillOwed returns the error of a report that must be sent again: what the fleet does not have, or what somebody has
// changed there, takes none.
func stillOwed(err error) error {
	if errors.Is(err, fleet.ErrNotFound) || errors.Is(err, fleet.ErrForged) {
		return nil
	}
	return err
}

// payWithdrawals sends the withdrawals that the journal could not record.
func (b *Broker) payWithdrawals(ctx context.Context) {
	m := b.fleet
	m.mu.Lock()
	left := map[string]string{}
	for id, cause := range m.withdraw {
		left[id] = cause
	}
	m.mu.Unlock()
	for id, cause := range left {
		if stillOwed(m.Withdraw(ctx, id, cause)) != nil {
			continue
		}
		m.mu.Lock()
		delete(m.withdraw, id)
		m.mu.Unlock()
	}
}

// payOne sends one report. It returns nil if it is recorded, or is not needed anymore.
func (b *Broker) payOne(ctx context.Context, r journal.Owed) error {
	m, id := b.fleet, r.ID
	read := func(into any) error {
		if err := json.Unmarshal([]byte(r.Body), into); err != nil {
			return fmt.Errorf("the report cannot be read: %w", err)
		}
		return nil
	}
	switch r.Kind {
	case oweEnd:
		var end fleet.End
		if err := read(&end); err != nil {
			return err
		}
		return b.payEnd(ctx, end)
	case oweSettle:
		var s settled
		if err := read(&s); err != nil {
			return err
		}
		return m.Settle(ctx, fleet.Claim{ID: id, Epoch: r.Epoch}, s.Settle, s.Trace)
	case oweContinue:
		var c continued
		if err := read(&c); err != nil {
			return err
		}
		claim := fleet.Claim{ID: id, Epoch: c.Epoch}
		if now, known := b.claimOf(id); known {
			claim = now
		}
		if err := m.Continue(ctx, claim, c.Attempt, c.Outcome); !errors.Is(err, fleet.ErrFenced) &&
			!errors.Is(err, fleet.ErrNotFound) {
			return err
		}
		return nil // another node has the callback by now, and knows more
	case oweDial:
		return b.payDial(ctx, r)
	case oweOrder:
		return b.payOrder(ctx, r)
	case oweWithdraw:
		var cause string
		if err := read(&cause); err != nil {
			return err
		}
		return m.Withdraw(ctx, id, cause)
	}
	return fmt.Errorf("reports of kind %q are not known to this version", r.Kind)
}

// payEnd records an end. The claim may have a newer epoch by now; if another node has the callback, or it was ended
// otherwise, the fleet keeps that, and gets what this node has used.
func (b *Broker) payEnd(ctx context.Context, end fleet.End) error {
	m := b.fleet
	err := m.End(ctx, end)
	if !errors.Is(err, fleet.ErrFenced) {
		return err
	}
	row, _, _, err := m.Callback(ctx, end.ID)
	switch {
	case errors.Is(err, fleet.ErrNotFound) && end.Epoch == 0: // promised without the fleet
		wake(m.resume) // which writes it there
		return errNotYet
	case errors.Is(err, fleet.ErrNotFound):
		return nil
	case err != nil:
		return err
	case row.Pending() && row.Holder == m.node:
		end.Epoch = row.Epoch
		return m.End(ctx, end)
	case !row.Pending() && row.Holder == m.node && end.Settle != nil:
		return m.Settle(ctx, end.Claim, *end.Settle, end.Trace)
	}
	return nil
}
