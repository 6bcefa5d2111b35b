package broker_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// A promise counts once in the sums of all nodes, and a node has its own name in the accounts alone.
func TestFleetSums(t *testing.T) {
	inFleet(t, 2, func(i int, o *townOptions) {
		if i == 0 {
			o.lineConfig = func(c *lines.Config) { c.Modem = lines.CallIn }
			o.policy = func(p *policies.Policy) { p.Limits.Line.Day.Calls = 9 }
		}
	}, func(fl *fleettest.Fleet, all []*town) {
		a, b := all[0], all[1]
		b.pc(b.home).typ("ats0=1")
		promised(a)
		endsAs(t, fl, "completed", "")
		a.pass(time.Hour)
		if accounts, err := a.node.Accounts(context.Background(), "line"); err != nil || len(accounts) != 1 ||
			accounts[0].Key != "a/65" {
			t.Errorf("%+v, %v", accounts, err)
		}
		var counted []int64
		for _, w := range all {
			if _, err := w.journal.Prune(context.Background(), time.Now()); err != nil {
				t.Error(err)
			}
			sums, damaged, err := w.journal.Sums(context.Background())
			if err != nil || len(damaged) > 0 {
				t.Errorf("%v, %v", damaged, err)
			}
			var n int64
			for _, s := range sums {
				n += s.Callbacks
			}
			counted = append(counted, n)
		}
		if !slices.Equal(counted, []int64{1, 0}) {
			t.Errorf("promises counted: %v", counted)
		}
	})
}

// The ceilings that every node shows are those of the fleet; without it, those of the node's own journal.
func TestFleetCeilingsShown(t *testing.T) {
	inFleet(t, 2, func(_ int, o *townOptions) {
		o.ceilings = []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Calls: 9}}}
	}, func(fl *fleettest.Fleet, all []*town) {
		promised(all[0])
		endsAs(t, fl, "completed", "")
		all[0].pass(time.Hour)
		ctx := context.Background()
		for _, w := range all {
			shared, err := w.broker.SharedCeilings(ctx)
			if err != nil || len(shared) != 1 || shared[0].Scope != "site" || shared[0].Windows[1].Used.Calls != 1 {
				t.Errorf("node %s: shared %+v, %v", w.opt.node, shared, err)
			}
			seen, err := w.broker.Ceilings(ctx)
			if err != nil || len(seen) != 1 || seen[0].Scope != "site" || seen[0].Windows[1].Used.Calls != 1 ||
				len(seen[0].Limits) != 1 {
				t.Errorf("node %s: %+v, %v", w.opt.node, seen, err)
			}
		}
		all[1].node.Cut(true)
		if seen, err := all[1].broker.Ceilings(ctx); err != nil || len(seen) != 0 {
			t.Errorf("without the fleet: %+v, %v", seen, err)
		}
		if seen, err := all[1].broker.SharedCeilings(ctx); !errors.Is(err, fleet.ErrAway) {
			t.Errorf("without the fleet: shared %+v, %v", seen, err)
		}
	})
}

// siteUse is what the site's account of the fleet has reserved, and has used in this month.
func (w *town) siteUse() (reserved, used int64) {
	w.t.Helper()
	accounts, err := w.node.Accounts(context.Background(), "site")
	if err != nil || len(accounts) > 1 {
		w.t.Fatalf("%+v, %v", accounts, err)
	}
	for _, a := range accounts {
		reserved, used = a.Reserved.Calls, a.Windows[2].Used.Calls
	}
	return reserved, used
}

// locals lets towns promise without the fleet, as many callbacks as n, with a ceiling of the site.
func locals(n int, site int64) func(int, *townOptions) {
	return func(_ int, o *townOptions) {
		o.rules.OnLoss, o.rules.LocalCalls = broker.OnLossLocal, n
		o.forcedWait = 10 * time.Minute
		o.ceilings = []journal.Limit{{Period: journal.Month, Amount: journal.Amount{Calls: site}}}
	}
}

// A callback that was promised without the fleet, and that the fleet cannot take because its user has another one
// there, stays within what the node keeps of the site's ceiling until what it has used is booked.
func TestFleetLocalStaysCounted(t *testing.T) {
	inFleet(t, 2, locals(1, 3), func(fl *fleettest.Fleet, all []*town) {
		a, b := all[0], all[1]
		for _, w := range all {
			w.x.Reserve("84001", exchange.Busy)
		}
		a.node.Cut(true)
		a.pass(time.Second)
		order := broker.UserOrder{User: "austin-01"}
		a.order(order, "")
		b.order(order, "")
		a.node.Cut(false)
		a.pass(time.Minute)
		if reserved, used := a.siteUse(); reserved != 3 || used != 0 { // one of each node, and what b keeps
			t.Errorf("while it waits: %d reserved, %d used", reserved, used)
		}
		a.order(broker.UserOrder{User: "busy-05"}, "ceiling")
		a.node.Cut(true)
		a.pass(time.Second)
		a.order(broker.UserOrder{User: "busy-05"}, "counted ahead")
		a.node.Cut(false)
		a.pass(time.Hour)
		if reserved, used := a.siteUse(); reserved != 1 || used != 2 {
			t.Errorf("afterwards: %d reserved, %d used", reserved, used)
		}
		if rows := fl.Rows(); len(rows) != 2 || !rows[0].Settled || !rows[1].Settled {
			t.Errorf("%+v", rows)
		}
	})
}

// What was promised without the fleet is booked once, however long it was away, after a restart, and although an answer
// is lost. A node that starts without the fleet has nothing counted ahead.
func TestFleetLocalIsBookedOnce(t *testing.T) {
	inFleet(t, 1, locals(2, 4), func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		a.x.Reserve("84001", exchange.Busy)
		a.node.Cut(true)
		a.pass(time.Second)
		a.order(broker.UserOrder{User: "austin-01"}, "")
		a.pass(9 * time.Hour)
		if n := len(a.dialed()); n != 1 {
			t.Errorf("%d dials", n)
		}
		a.halt()
		a.opt.cut = true
		a.start()
		a.pass(time.Minute)
		a.order(broker.UserOrder{User: "busy-05"}, "counted ahead")
		lost := a.loseAnswer("Settle")
		a.node.Cut(false)
		a.pass(time.Minute)
		if reserved, used := a.siteUse(); reserved != 2 || used != 1 || !*lost {
			t.Errorf("%d reserved, %d used, an answer was lost: %v", reserved, used, *lost)
		}
		if r := only(t, fl); r.Outcome != "failed" || !r.Settled {
			t.Errorf("%+v", r)
		}
	})
}

// A fail-over that loses a callback which has ended restores what it has used, and reserves nothing for it.
func TestFleetFailOverBooksAgain(t *testing.T) {
	inFleet(t, 1, func(_ int, o *townOptions) {
		o.ceilings = []journal.Limit{{Period: journal.Month, Amount: journal.Amount{Calls: 9}}}
	}, func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		a.x.Reserve("84001", exchange.Busy)
		fl.Lag()
		promised(a)
		endsAs(t, fl, "failed", "busy")
		a.pass(time.Minute)
		fl.FailOver()
		a.pass(time.Minute)
		if reserved, used := a.siteUse(); reserved != 0 || used != 1 {
			t.Errorf("%d reserved, %d used", reserved, used)
		}
		if r := only(t, fl); r.Outcome != "failed" || !r.Settled {
			t.Errorf("%+v", r)
		}
	})
}
