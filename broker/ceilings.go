package broker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/tariff"
	"github.com/ringback/ringback/texts"
)

// scopeNumber is the scope of the accounts of numbers in the ledger.
const scopeNumber = "number"

// errNoPrice is wrapped by the error of a promise whose cost is unknown and limited.
var errNoPrice = errors.New("no price")

// spent is what one attempt has used. The carrier's clock runs from the answer, of which only the modem's CONNECT is
// known; so the time of the dial counts too.
type spent struct {
	Step int           `json:"step,omitempty"` // of the plan
	Time time.Duration `json:"time"`           // from the dial until the line was down; 0: nobody answered
}

// overhead is the longest time that an attempt may take in addition to its call: the dial and the hang-up.
func (l Limits) overhead() time.Duration { return l.Dial + l.Grace }

// reserve prepares the reservation of a promise: each dial of its plan may connect a call of the longest duration, to
// the number and through the trunk where it costs the most. The error wraps errNoPrice.
func (b *Broker) reserve(w *work) error {
	c := b.config.Load()
	charges := w.charges(b.home(), c.Ceilings)
	if len(charges) == 0 {
		return nil
	}
	longest := w.auth.Auth.Limited(w.limits.LongestCall(), 0).SessionTimeout
	w.slot = longest + b.opt.Limits.overhead()
	r := journal.Reserve{Callback: w.row.ID, Charges: charges}
	dials := w.plan.Dials()
	r.Amount = journal.Amount{Calls: int64(dials), Failures: int64(dials), Time: time.Duration(dials) * w.slot}
	for _, s := range w.plan {
		rate, ok := c.prices(s).Find(s.Number)
		if !ok && limitsMoney(charges) {
			return fmt.Errorf("%w: the tariff has no rate for %s, and money is limited (add a rate)", errNoPrice,
				s.Number)
		}
		if c.Tariff != nil || s.Trunk != "" {
			w.rates = append(w.rates, rate)
		}
		r.Amount.Money = max(r.Amount.Money, int64(rate.Worst(r.Amount.Time, dials)))
	}
	w.reservation = &r
	w.savePlan()
	return nil
}

// leaveOut makes the plan of a callback that was not recorded again, without a number that has reached its ceiling, and
// adds that to the trace. It returns false if that is not so, or no other number can be dialed.
func (b *Broker) leaveOut(w *work, d *policies.Decision, full *journal.Ceiling) bool {
	if full.Scope != scopeNumber {
		return false
	}
	all := b.arranged(*d, w.identity())
	left := slices.DeleteFunc(slices.Clone(all), func(n numbers.Number) bool { return n.String() == full.Key })
	if len(left) == 0 || len(left) == len(all) {
		return false
	}
	d.Number, d.Further, d.Attempts.Order = left[0], left[1:], "" // in this order from now on
	service, called := aaa.Service(w.row.Service), w.row.CalledTTY
	p := b.planOf(*d, w.identity(), service, called)
	if !b.dialable(p[0], service, called, d.Limits) {
		return false
	}
	w.row.ID = newID() // the other one was reported as not recorded
	w.slot, w.rates, w.reservation = 0, nil, nil
	w.follow(p)
	t := w.trace.Decision // its last step stays the one that decided
	w.trace.Decision = slices.Insert(slices.Clone(t), max(0, len(t)-1), policies.Step{Rule: "limits", Input: full.Key,
		Result: "left out: " + full.Error()})
	w.trace.head = nil
	return true
}

// charges returns the accounts that a callback uses, which here has promised if no other node has.
func (w *work) charges(here string, site []journal.Limit) []journal.Charge {
	return chargesOf(w.limits, w.row.User, w.plan.Numbers(), w.trace.Group,
		lineKey(cmp.Or(w.row.Home, here), w.row.CalledTTY), site)
}

// chargesOf returns the accounts that a callback or a dial by order uses: those that its group limits, and the site's
// if it has ceilings.
func chargesOf(l policies.Limits, user string, dialed []numbers.Number, group, line string,
	site []journal.Limit) (all []journal.Charge) {
	add := func(scope, key string, c policies.Ceilings) {
		if c != (policies.Ceilings{}) {
			all = append(all, journal.Charge{Scope: scope, Key: key, Limits: limitsOf(c), AtOnce: int64(c.Concurrent)})
		}
	}
	add("user", aaa.FoldUser(user), l.User)
	for _, n := range dialed {
		add(scopeNumber, n.String(), l.Number)
	}
	add(groupScope, group, l.Group)
	add("line", line, l.Line)
	if len(site) > 0 {
		all = append(all, journal.Charge{Scope: siteScope, Limits: site})
	}
	return all
}

// limitsOf returns the ceilings as the ledger has them.
func limitsOf(c policies.Ceilings) (all []journal.Limit) {
	for i, p := range []policies.Ceiling{c.Hour, c.Day, c.Month} {
		if p != (policies.Ceiling{}) {
			all = append(all, journal.Limit{Period: journal.Periods[i], Amount: journal.Amount{
				Calls: int64(p.Calls), Failures: int64(p.Failures), Time: time.Duration(p.Minutes) * time.Minute,
				Money: int64(p.Money)}})
		}
	}
	return all
}

// prices returns the price list of a step: that of its trunk, or else the site's.
func (c *Config) prices(s callback.PlanStep) *tariff.Table {
	if t, _ := c.Policies.Site().Trunks.Named(s.Trunk); t.Tariff != nil {
		return t.Tariff
	}
	return c.Tariff
}

// costOf returns what a call has cost that lasted so long from its dial, as the ledger counts it; nil if it has no
// price.
func costOf(r tariff.Rate, priced bool, lasted time.Duration) *int64 {
	if !priced {
		return nil
	}
	return new(int64(r.Cost(lasted)))
}

func limitsMoney(charges []journal.Charge) bool {
	for _, c := range charges {
		if slices.ContainsFunc(c.Limits, func(l journal.Limit) bool { return l.Money > 0 }) {
			return true
		}
	}
	return false
}

// settle returns what books the use of a callback that has ended and whose last call is over.
func (w *work) settle(s callback.State, now time.Time) []journal.Mutation {
	if w.slot == 0 || !s.Done() {
		return nil
	}
	var used journal.Amount
	byNumber := map[string]journal.Amount{}
	for n := range s.Attempt {
		u := w.use(n + 1)
		if u.Failures = 1; n+1 == s.Attempt && s.Phase == callback.Completed { // the last attempt did not fail
			u.Failures = 0
		}
		used = used.Plus(u)
		for _, number := range w.dialedBy(n + 1) {
			byNumber[number] = byNumber[number].Plus(u)
		}
	}
	return []journal.Mutation{journal.Settle{Callback: w.row.ID, Used: used, Numbers: byNumber, Time: now},
		journal.UseReserve{}}
}

// dialedBy returns the number that an attempt has dialed; all numbers of the plan if a crash interrupted it, because it
// may be any of them.
func (w *work) dialedBy(attempt int) (all []string) {
	if u, known := w.spent[attempt]; known && u.Step < len(w.plan) {
		return []string{w.plan[u.Step].Number.String()}
	}
	for _, n := range w.plan.Numbers() {
		all = append(all, n.String())
	}
	return all
}

// use returns what an attempt has used: no time if its dial command was held back. If a crash interrupted it, the end
// of its call is unknown: it has used all that was reserved for an attempt, at the highest rate.
func (w *work) use(attempt int) journal.Amount {
	if w.state.Held && attempt == w.state.Attempt {
		return journal.Amount{Calls: 1}
	}
	if u, known := w.spent[attempt]; known {
		a := journal.Amount{Calls: 1, Time: u.Time}
		if u.Time > 0 && u.Step < len(w.rates) {
			a.Money = int64(w.rates[u.Step].Cost(u.Time))
		}
		return a
	}
	var worst tariff.Money
	for _, r := range w.rates {
		worst = max(worst, r.Cost(w.slot))
	}
	return journal.Amount{Calls: 1, Time: w.slot, Money: int64(worst)}
}

// spend records what an attempt has used, unless its dial command was held back: then it is made again. The loop calls
// it when it has stepped the machine.
func (w *work) spend(attempt int, u spent) {
	if w.slot == 0 || w.state.Held && attempt == w.state.Attempt {
		return
	}
	if w.spent == nil {
		w.spent = map[int]spent{}
	}
	w.spent[attempt] = u
	w.savePlan()
}

// hangUpInTime ends the call of leg two before it has used more than was reserved. The caller must call stop.
func (w *work) hangUpInTime(c *call, l Limits) (stop func()) {
	if w.slot == 0 {
		return func() {}
	}
	t := time.AfterFunc(time.Until(c.Start.Add(w.slot-l.overhead())), func() {
		c.cancel(session.End{Cause: aaa.CauseSessionTimeout, Text: texts.EndCeiling})
	})
	return func() { t.Stop() }
}
