package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// alone is what this node may promise while the authority does not answer: it was reserved ahead in the accounts of the
// site and of the groups, so that no ceiling of theirs is exceeded. A user has one such call.
type alone struct {
	mu    sync.Mutex
	calls int            // left
	left  journal.Amount // of what was reserved
	users map[aaa.Identity]bool
}

// take uses a part of what was reserved ahead for a call to a user, or returns why it is not permitted.
func (a *alone) take(id aaa.Identity, amount journal.Amount) (why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	over := journal.Amount{Calls: amount.Calls - a.left.Calls, Failures: amount.Failures - a.left.Failures,
		Time: amount.Time - a.left.Time, Money: amount.Money - a.left.Money}
	switch {
	case a.users[id]:
		return "without it a user has one call, and this one has had it"
	case a.calls <= 0, max(over.Calls, over.Failures, int64(over.Time), over.Money) > 0:
		return "all that was counted ahead for such a time is used (fleet.local_calls)"
	}
	a.calls--
	a.left = a.left.Minus(amount)
	a.users[id] = true
	return ""
}

// putBack undoes take.
func (a *alone) putBack(id aaa.Identity, amount journal.Amount) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	a.left = a.left.Plus(amount)
	delete(a.users, id)
}

// set replaces what may be promised without the authority.
func (a *alone) set(calls int, amount journal.Amount) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls, a.left, a.users = calls, amount, map[aaa.Identity]bool{}
}

// reserveAhead reserves what callbacks may use that are promised without the authority, in place of what was reserved
// before. That stays as it is while the authority has not booked all that was promised without it.
func (b *Broker) reserveAhead(ctx context.Context) error {
	m := b.fleet
	if m.rules.OnLoss != OnLossLocal {
		return nil
	}
	if open, err := b.localOpen(ctx); open || err != nil {
		return err
	}
	charges, each := b.longestCall()
	var all journal.Amount
	for range m.rules.LocalCalls {
		all = all.Plus(each)
	}
	calls := m.rules.LocalCalls
	if err := m.Reserve(ctx, charges, all, time.Now()); err != nil {
		b.log.Warn("fleet: nothing is counted ahead, so no callback is promised while it is away", zap.Error(err))
		calls, all = 0, journal.Amount{}
	}
	m.alone.set(calls, all)
	return nil
}

// localOpen reports whether the authority does not have what some callbacks use that were promised without it, or dials
// by order that were permitted without it.
func (b *Broker) localOpen(ctx context.Context) (open bool, err error) {
	err = b.inLoop(ctx, func() {
		for _, w := range b.works {
			open = open || w.row.Epoch == 0
		}
	})
	if open || err != nil {
		return open, err
	}
	rows, err := b.localOwed(ctx)
	if len(rows) > 0 || err != nil {
		return true, err
	}
	dials, err := b.knownDials(ctx)
	return slices.ContainsFunc(dials, func(k known) bool { return k.Epoch == 0 }), err
}

// localOwed returns the callbacks that were promised without the authority and of which it is owed a report.
func (b *Broker) localOwed(ctx context.Context) (all []journal.Callback, err error) {
	reports, _, err := b.opt.Journal.Owed(ctx)
	if err != nil {
		return nil, fmt.Errorf("journal: read what is owed to the fleet: %w", err)
	}
	for _, r := range reports {
		if !isLocal(r) || holds(all, r.ID) {
			continue
		}
		row, _, err := b.opt.Journal.Callback(ctx, r.ID)
		switch {
		case errors.Is(err, journal.ErrNotFound), errors.Is(err, journal.ErrDamaged):
			continue
		case err != nil:
			return nil, fmt.Errorf("journal: read callback %s: %w", r.ID, err)
		case !row.Pending():
			all = append(all, row)
		}
	}
	return all, nil
}

func holds(all []journal.Callback, id string) bool {
	return slices.ContainsFunc(all, func(row journal.Callback) bool { return row.ID == id })
}

// longestCall returns the accounts that callbacks share, and the most that one callback of any group may use of them.
func (b *Broker) longestCall() (charges []journal.Charge, most journal.Amount) {
	c := b.config.Load()
	if len(c.Ceilings) > 0 {
		charges = append(charges, journal.Charge{Scope: siteScope, Limits: c.Ceilings})
	}
	for _, name := range c.Policies.Groups() {
		p, _ := c.Policies.Group(name)
		if limits := limitsOf(p.Limits.Group); len(limits) > 0 {
			charges = append(charges, journal.Charge{Scope: groupScope, Key: name, Limits: limits})
		}
		dials := max(1, p.Attempts.Max)
		used := time.Duration(dials) * (p.Limits.LongestCall() + b.opt.Limits.overhead())
		most.Calls, most.Failures = max(most.Calls, int64(dials)), max(most.Failures, int64(dials))
		most.Time, most.Money = max(most.Time, used), max(most.Money, c.highest(used, dials))
	}
	return charges, most
}

// highest returns the most that calls to any number cost.
func (c *Config) highest(used time.Duration, dials int) (most int64) {
	for r := range c.Tariff.Rates() {
		most = max(most, int64(r.Worst(used, dials)))
	}
	for _, t := range c.Policies.Site().Trunks {
		for r := range t.Tariff.Rates() {
			most = max(most, int64(r.Worst(used, dials)))
		}
	}
	return most
}
