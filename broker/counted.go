package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tariff"
)

// The IDs of counted dials begin with these.
const (
	chatID = "chat-"
	outID  = "out-"
)

// countedDial is a dial by order that a policy permits and limits: that of start-chat, and that of a person who dials
// out. It is in the journal, with what it reserves of the ceilings, before its first octet, and is never repeated.
type countedDial struct {
	orderedDial
	user     string
	dials    numbers.Dialstring
	charges  []journal.Charge
	reserved journal.Amount
	rate     tariff.Rate
	priced   bool
	held     bool          // the dial command was provably not sent
	used     time.Duration // on the telephone network; 0: nobody answered
	shared   *sharedDial   // nil: no fleet counts it
}

// prepare finds what is dialed on a line for a number that the policy permits to a user, and reserves a call that uses
// the telephone network for at most this time.
func (d *countedDial) prepare(cfg *Config, allowed policies.Decision, user, home string, tty int,
	most time.Duration) error {
	n := allowed.Number
	trunk, err := cfg.trunkOf(n, tty)
	if err != nil {
		return err
	}
	d.user, d.number, d.ttys = user, n, []int{tty}
	step := callback.PlanStep{Number: n, Trunk: trunk}
	if d.dials, err = cfg.dialstring(step); err != nil {
		return err
	}
	d.charges = chargesOf(allowed.Limits, user, []numbers.Number{n}, allowed.Group, lineKey(home, tty), cfg.Ceilings)
	rate, priced := cfg.prices(step).Find(n)
	if !priced && limitsMoney(d.charges) {
		return fmt.Errorf("%w: the tariff has no rate for %s, and money is limited (add a rate)", errNoPrice, n)
	}
	d.rate, d.priced = rate, priced
	d.reserved = journal.Amount{Calls: 1, Failures: 1, Time: most, Money: int64(rate.Worst(most, 1))}
	return nil
}

// recordDial counts a dial in the fleet, if this node is in one, and in the journal, as the row of a call that is open.
// Only then may it be made. A ceiling that would be exceeded is a *journal.Ceiling.
func (b *Broker) recordDial(ctx context.Context, d *countedDial, row journal.Call, began events.Event) error {
	rows := append(audit(row.Start, began), journal.PutCall{Call: row})
	if len(d.charges) > 0 {
		rows = append(rows, journal.Reserve{Callback: row.ID, Charges: d.charges, Amount: d.reserved, Time: row.Start})
	}
	recorded, err := b.shareDial(ctx, d, row)
	if err != nil {
		return err
	}
	// The person's patience must not decide whether it is known what is on disk.
	err = b.opt.Journal.Commit(context.WithoutCancel(ctx), rows...)
	recorded(err)
	var ceiling *journal.Ceiling
	switch {
	case errors.As(err, &ceiling):
		return ceiling
	case err != nil:
		return fmt.Errorf("the dial cannot be recorded, so it is not made: %w", err)
	}
	b.publish(began)
	return nil
}

// settleDial records how a dial has ended, with its row, and what it has used. failed: nobody had the call.
func (b *Broker) settleDial(d *countedDial, row journal.Call, failed bool, ended events.Event,
	also ...journal.Mutation) {
	if !d.held {
		b.dialedAt.note(d.number, row.End)
	}
	rows := append(audit(row.End, ended), also...)
	if len(d.charges) > 0 {
		used := journal.Amount{Calls: 1, Time: d.used, Money: int64(d.rate.Cost(d.used))}
		if failed {
			used.Failures = 1
		}
		settle := journal.Settle{Callback: row.ID, Used: used, Time: row.End}
		rows = append(append(rows, settle), b.owesDial(d, settle)...)
	}
	err := b.opt.Journal.Commit(context.Background(), append(rows, journal.UseReserve{})...)
	if err == nil && d.shared != nil {
		b.fleet.dialOver(d.shared)
	}
	if err != nil {
		b.log.Error("journal: the end of a dial by order is not on disk: until a restart all that it could use stays "+
			"reserved, and then counts as used", zap.String("id", row.ID), zap.Error(err))
	}
	b.publish(ended)
}

// cost is what the dial has cost; nil if its number has no price.
func (d *countedDial) cost() *int64 { return costOf(d.rate, d.priced, d.used) }

// loadOrdered reads when numbers were dialed by order before this process, for callback.hold_off.
func (b *Broker) loadOrdered(ctx context.Context) error {
	now := time.Now()
	for _, service := range []string{journal.StartChat, journal.DialOut} {
		rows, _, err := b.opt.Journal.Calls(ctx, journal.All, journal.CallFilter{Service: service,
			Since: now.Add(-longestLifetime)})
		if err != nil {
			return fmt.Errorf("journal: read the dials by order: %w", err)
		}
		for _, row := range rows {
			b.noteDial(row, now)
		}
	}
	return nil
}

// byOrder reports whether a reservation of the journal is that of a counted dial.
func byOrder(id string) bool { return strings.HasPrefix(id, chatID) || strings.HasPrefix(id, outID) }
