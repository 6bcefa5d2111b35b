package broker

import (
	"context"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// UsageView is what the calls and dials of a time have used, and what limits them.
type UsageView struct {
	Hours    []journal.Usage // oldest first, without those in which nothing happened
	First    time.Time       // beginning of the oldest hour that is recorded; zero: none
	Damaged  int             // hours that are left out because their rows are damaged
	Limits   []journal.Limit // of the site
	Currency string          // of money; "": there is no tariff, so money is unknown
}

// Usage returns what was used in the hours that begin at from or later and before to.
func (b *Broker) Usage(ctx context.Context, from, to time.Time) (v UsageView, err error) {
	c := b.config.Load()
	v.Limits, v.Currency = c.Ceilings, c.Tariff.Currency()
	var bad []journal.Damage
	v.Hours, v.First, bad, err = b.opt.Journal.Usage(ctx, from, to)
	v.Damaged = len(bad)
	return v, err
}
