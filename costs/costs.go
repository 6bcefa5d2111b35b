// Package costs sums what the calls of a month have cost, from the rows of the journal and the tariff. It is pure.
package costs

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/tariff"
)

// By is what a row of a report stands for.
type By string

const (
	User  By = "user"
	Group By = "group"
	Site  By = "site" // one row
)

// Row sums calls.
type Row struct {
	// Name of the user or group; "" for calls without one: nobody logged in on leg one, or for a group, no callback was
	// promised on the call or its row has been removed. Site has one row, whose name is "".
	Name   string `json:"name"`
	LegOne Calls  `json:"leg_one"` // incoming
	LegTwo Calls  `json:"leg_two"` // outgoing, connected
	Money
}

// Calls are calls and their connected time.
type Calls struct {
	Calls   int64 `json:"calls"`
	Seconds int64 `json:"seconds"` // of all together, each as tariff.Seconds
}

// Money is what calls of leg two cost. An amount that is known for none of the calls is nil.
type Money struct {
	Cost *tariff.Money `json:"cost,omitempty"` // of the calls with a price
	// CallersCost is what the callers would have paid to call the site for as long, and Saved that without what the
	// site has paid: of the calls for which both are known. Saved is negative if the callback cost more.
	CallersCost *tariff.Money `json:"callers_cost,omitempty"`
	Saved       *tariff.Money `json:"saved,omitempty"`

	Compared        int64 `json:"compared"`         // calls for which both are known
	Unpriced        int64 `json:"unpriced"`         // calls to numbers without a price
	CallersUnpriced int64 `json:"callers_unpriced"` // calls for which it is not known what the caller would have paid
	Estimated       int64 `json:"estimated"`        // calls of which only sums are left, so that their mean time was used
}

// Report collects the rows of the journal: all callbacks, then calls and sums.
type Report struct {
	by       By
	month    string // "2026-11"
	from, to time.Time
	tariff   *tariff.Table
	plan     numbers.Plan

	callbacks map[string]callback // by ID
	groups    map[string]string   // by the ID of leg one's call
	rows      map[string]*Row
	Open      int // calls of the month that have not ended: they are not counted
}

type callback struct {
	user, group, caller string
	number              string   // the first that it dials
	others              []string // of several numbers
}

// New returns a Report of a month in UTC. A nil tariff has no prices. The plan reads calling numbers.
func New(by By, month time.Time, t *tariff.Table, plan numbers.Plan) *Report {
	from := time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC)
	return &Report{by: by, month: from.Format("2006-01"), from: from, to: from.AddDate(0, 1, 0), tariff: t, plan: plan,
		callbacks: map[string]callback{}, groups: map[string]string{}, rows: map[string]*Row{}}
}

// Callback adds a callback. The month of its calls counts, not its own.
func (r *Report) Callback(c journal.Callback) {
	var d struct {
		Group string `json:"group"`
	}
	_ = json.Unmarshal([]byte(c.Decision), &d) // without a group, the calls are in the row ""
	var plan struct {
		Then []struct {
			Number string `json:"number"`
		} `json:"then"`
	}
	_ = json.Unmarshal([]byte(c.Plan), &plan) // "": there is only one number
	of := callback{c.User, d.Group, c.Caller, c.Number, nil}
	for _, s := range plan.Then {
		of.others = append(of.others, s.Number)
	}
	r.callbacks[c.ID] = of
	r.groups[c.CallID] = d.Group
}

// Call adds a call that started in the month.
func (r *Report) Call(c journal.Call) {
	switch {
	case c.Start.Before(r.from) || !c.Start.Before(r.to):
		return
	case c.End.IsZero():
		r.Open++
		return
	}
	byOrder := c.Leg == 0 && c.Direction == "outgoing" // a modem test, start-chat
	if byOrder && c.Connect == "" {                    // nobody answered
		return
	}
	connected := max(c.End.Sub(c.Start), 0)
	if c.Leg != 2 && !byOrder {
		r.row(c.User, r.groups[c.ID]).LegOne.add(1, connected)
		return
	}
	of := r.callbacks[c.CallbackID]
	// The callback's user, also if nobody logs in on leg two: it was made for them. A dial by order has none.
	row := r.row(cmp.Or(of.user, c.User), of.group)
	row.LegTwo.add(1, connected)
	dialed := cmp.Or(of.number, c.Called)
	if slices.Contains(of.others, c.Called) {
		dialed = c.Called
	}
	number, _ := numbers.Reread(dialed) // the zero Number has no price
	caller, _ := r.plan.Canonical(of.caller, numbers.OriginCallerID)
	row.pay(r.tariff, number, caller, connected, 1)
}

// Sum adds the sum of calls whose rows have been removed.
func (r *Report) Sum(s journal.Sum) {
	if s.Month != r.month || s.Calls == 0 {
		return
	}
	row := r.row(s.User, "")
	row.Estimated += s.Calls
	mean := s.Duration / time.Duration(s.Calls)
	if s.Direction != "outgoing" {
		row.LegOne.add(s.Calls, mean)
		return
	}
	row.LegTwo.add(s.Calls, mean)
	number, _ := numbers.Reread(s.Number) // the zero Number has no price
	row.pay(r.tariff, number, numbers.Number{}, mean, s.Calls)
}

// Rows returns the rows, most expensive first.
func (r *Report) Rows() []Row {
	out := []Row{}
	for _, name := range slices.Sorted(maps.Keys(r.rows)) {
		row := *r.rows[name]
		if r.tariff != nil && row.LegTwo.Calls == 0 { // no calls cost nothing
			row.Cost, row.CallersCost, row.Saved = new(tariff.Money), new(tariff.Money), new(tariff.Money)
		}
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b Row) int {
		return cmp.Or(cmp.Compare(value(b.Cost), value(a.Cost)), cmp.Compare(b.LegTwo.Seconds, a.LegTwo.Seconds))
	})
	return out
}

// row returns the row of a user and group.
func (r *Report) row(user, group string) *Row {
	name := map[By]string{User: user, Group: group, Site: ""}[r.by]
	if r.rows[name] == nil {
		r.rows[name] = &Row{Name: name}
	}
	return r.rows[name]
}

func (c *Calls) add(calls int64, connected time.Duration) {
	c.Calls += calls
	c.Seconds += calls * tariff.Seconds(connected)
}

// pay adds what calls of the same connected time cost.
func (m *Money) pay(t *tariff.Table, number, caller numbers.Number, connected time.Duration, calls int64) {
	rate, priced := t.Find(number)
	cost := rate.Cost(connected).Times(int(calls))
	if priced {
		m.Cost = new(value(m.Cost).Plus(cost))
	} else {
		m.Unpriced += calls
	}
	from, known := t.Find(caller)
	theirs, ok := from.CallerCost(connected)
	switch theirs = theirs.Times(int(calls)); {
	case !known || !ok:
		m.CallersUnpriced += calls
	case priced:
		m.Compared += calls
		m.CallersCost = new(value(m.CallersCost).Plus(theirs))
		m.Saved = new(value(m.Saved) + theirs - cost)
	}
}

// value returns an amount; 0 if it is not known.
func value(m *tariff.Money) tariff.Money {
	if m == nil {
		return 0
	}
	return *m
}
