package broker

import (
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/session"
)

// longestCall is how long a call of leg two may last under a ceiling if AAA sets no shorter Session-Timeout.
const longestCall = time.Hour

// reserve returns the reservation of a promise: each dial of its plan may connect a call of the longest duration. The
// time until the line is down is part of it. nil: there are no ceilings.
func (b *Broker) reserve(w *work, now time.Time) []journal.Mutation {
	limits := b.config.Load().Ceilings
	if len(limits) == 0 {
		return nil
	}
	longest := longestCall
	if d := w.auth.Auth.SessionTimeout; d > 0 {
		longest = min(longest, d)
	}
	w.slot = longest + b.opt.Limits.Grace
	return []journal.Mutation{journal.Reserve{
		Callback: w.row.ID, Charges: []journal.Charge{{Scope: "site", Limits: limits}},
		Amount: journal.Amount{Calls: int64(w.row.Max), Time: time.Duration(w.row.Max) * w.slot}, Time: now,
	}}
}

// settle returns what books the use of a callback that has ended and whose last call is over. An attempt that an
// earlier process made, and of whose call the end is unknown, has used all its time.
func (w *work) settle(s callback.State, now time.Time) []journal.Mutation {
	if w.slot == 0 || !s.Done() {
		return nil
	}
	used := journal.Amount{Calls: int64(s.Attempt), Time: time.Duration(w.unseen) * w.slot}
	for _, d := range w.connected {
		used.Time += min(d, w.slot)
	}
	used.Time = min(used.Time, time.Duration(s.Attempt)*w.slot) // a dial that was held back is counted twice
	return []journal.Mutation{journal.Settle{Callback: w.row.ID, Used: used, Time: now}, journal.UseReserve{}}
}

// hangUpInTime ends the call of leg two before it has used more than was reserved. The caller must call stop.
func (w *work) hangUpInTime(c *call, grace time.Duration) (stop func()) {
	if w.slot == 0 {
		return func() {}
	}
	t := time.AfterFunc(w.slot-grace-time.Since(c.Start), func() {
		c.cancel(session.End{Cause: aaa.CauseSessionTimeout, Text: "ceiling: the reserved time is used"})
	})
	return func() { t.Stop() }
}
