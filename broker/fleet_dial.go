package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// sharedDial is a dial by order that charges accounts of the fleet: what the fleet must know of it, and, when it is
// over, what it has used. Its JSON is in the journal.
type sharedDial struct {
	ID      string           `json:"id"`
	Entry   string           `json:"entry,omitempty"`
	User    string           `json:"user"`
	Number  string           `json:"number"`
	Began   time.Time        `json:"began"`
	Charges []journal.Charge `json:"charges"`
	Amount  journal.Amount   `json:"amount"`
	Settle  journal.Settle   `json:"settle"`

	alone bool // it was permitted without the fleet, and is not in it yet; guarded by the mutex of member
}

// row is the dial as the fleet has it.
func (d *sharedDial) row(node string) fleet.Row {
	return fleet.Row{Holder: node, Rotary: fleet.NoRotary, Format: fleet.Format, Callback: journal.Callback{ID: d.ID,
		Entry: d.Entry, User: d.User, Number: d.Number, Home: node, Created: d.Began, Updated: d.Began, Ended: d.Began,
		Outcome: fleet.ByOrder, State: "{}", Plan: "[]", Decision: "{}", Authorization: "{}"}}
}

// epoch is that of the reports about the dial: 0 if the fleet does not have it yet.
func (d *sharedDial) epoch() int64 {
	if d.alone {
		return 0
	}
	return 1
}

// known is what this node tells the fleet of the dial when it resumes.
func (d *sharedDial) known(node string) known {
	k := known{Known: fleet.Known{Row: d.row(node), Charges: d.Charges, Amount: d.Amount, Ended: true}}
	k.Epoch = d.epoch()
	return k
}

// identity is that of its user, who has one call without the fleet.
func (d *sharedDial) identity() aaa.Identity {
	return aaa.Identity{Entry: d.Entry, User: aaa.FoldUser(d.User)}
}

// shareDial reserves in the fleet what a dial by order may use, which comes before the journal. The caller must call
// recorded with the result of the journal.
func (b *Broker) shareDial(ctx context.Context, d *countedDial, row journal.Call) (recorded func(error), err error) {
	m := b.fleet
	if m == nil || len(d.charges) == 0 {
		return func(error) {}, nil
	}
	done, err := m.record(ctx, 1) // until the journal has it
	if err != nil {
		return nil, err
	}
	s := &sharedDial{ID: row.ID, Entry: row.Entry, User: d.user, Number: d.number.String(), Began: row.Start,
		Charges: d.charges, Amount: d.reserved}
	if err := b.reserveDial(ctx, s); err != nil {
		done()
		return nil, err
	}
	d.shared = s
	m.mu.Lock()
	m.dials[s.ID] = s
	m.mu.Unlock()
	return func(err error) {
		defer done()
		if err == nil {
			return
		}
		m.dialOver(s)
		if s.alone {
			m.alone.putBack(s.identity(), s.Amount)
		} else {
			b.withdraw(s.ID, "the dial could not be recorded, and was not made")
		}
	}, nil
}

// reserveDial reserves in the accounts of the fleet or, if it does not answer and that is allowed, of what was counted
// ahead.
func (b *Broker) reserveDial(ctx context.Context, s *sharedDial) error {
	m := b.fleet
	err := error(fleet.ErrAway)
	if m.resumed.Load() {
		// The person's patience must not decide whether it is known what is recorded.
		err = m.Promise(context.WithoutCancel(ctx), fleet.Promise{Row: s.row(m.node), Charges: s.Charges,
			Amount: s.Amount, Time: s.Began})
	}
	var ceiling *journal.Ceiling
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ceiling):
		return ceiling
	case errors.Is(err, fleet.ErrUnknown):
		b.withdraw(s.ID, "it was not known whether the dial is recorded, and it was not made")
	case errors.Is(err, fleet.ErrAway) && m.rules.OnLoss == OnLossLocal:
		if why := m.alone.take(s.identity(), s.Amount); why != "" {
			err = fmt.Errorf("%w; %s", err, why)
			break
		}
		s.alone = true
		return nil
	}
	return fmt.Errorf("the dial cannot be counted in the fleet's ceilings, so it is not made: %w", err)
}

// owesDial returns the report of a dial that is over; none if the fleet does not count it.
func (b *Broker) owesDial(d *countedDial, used journal.Settle) []journal.Mutation {
	if d.shared == nil {
		return nil
	}
	b.fleet.mu.Lock()
	defer b.fleet.mu.Unlock()
	d.shared.Settle = used
	return []journal.Mutation{owed(fleet.Claim{ID: d.shared.ID, Epoch: d.shared.epoch()}, oweDial, d.shared)}
}

// leftDial is the report of a dial that a crash interrupted: all that was reserved counts as used. Whether the fleet
// has it is not known.
func leftDial(r journal.Reservation, settle journal.Settle) journal.Mutation {
	return owed(fleet.Claim{ID: r.Callback}, oweDial, &sharedDial{ID: r.Callback, Began: r.Created,
		Charges: r.Accounts, Amount: r.Amount, Settle: settle})
}

// dialOver forgets a dial that is over, and whose report is in the journal if one is owed.
func (m *member) dialOver(s *sharedDial) {
	if s == nil {
		return
	}
	m.mu.Lock()
	delete(m.dials, s.ID)
	m.mu.Unlock()
	wake(m.owing)
}

// knownDials returns what this node knows of dials by order: those in progress, and those whose use the fleet has not
// booked.
func (b *Broker) knownDials(ctx context.Context) (all []known, err error) {
	m := b.fleet
	m.mu.Lock()
	for _, s := range m.dials {
		all = append(all, s.known(m.node))
	}
	m.mu.Unlock()
	reports, _, err := b.opt.Journal.Owed(ctx)
	if err != nil {
		return nil, fmt.Errorf("journal: read what is owed to the fleet: %w", err)
	}
	for _, r := range reports {
		var s sharedDial
		if r.Kind != oweDial || unmarshal(r.Body, &s) != nil {
			continue // payOne says that it cannot be read
		}
		s.alone = r.Epoch == 0
		all = append(all, s.known(m.node))
	}
	return all, nil
}

// dialsShared notes that the authority has the dials that are in progress, however they were permitted.
func (m *member) dialsShared() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.dials {
		s.alone = false
	}
}

// payDial books what a dial has used, when the fleet has it.
func (b *Broker) payDial(ctx context.Context, r journal.Owed) error {
	var s sharedDial
	if err := unmarshal(r.Body, &s); err != nil {
		return fmt.Errorf("the report cannot be read: %w", err)
	}
	_, _, _, err := b.fleet.Callback(ctx, s.ID)
	if errors.Is(err, fleet.ErrNotFound) { // it was permitted without the fleet, or a fail-over lost it
		wake(b.fleet.resume) // which writes it there
		return errNotYet
	}
	if err != nil {
		return err
	}
	return b.fleet.Settle(ctx, fleet.Claim{ID: s.ID}, s.Settle, "")
}
