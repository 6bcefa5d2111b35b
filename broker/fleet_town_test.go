package broker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// inFleet runs f with towns that are nodes of one fleet: each has lines of the fleet's rotary 1 and a subscriber at
// 84001 of its own. set may change the options of each.
func inFleet(t *testing.T, n int, set func(i int, o *townOptions), f func(fl *fleettest.Fleet, all []*town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fl := fleettest.New()
		var all []*town
		for i := range n {
			o := townOptions{fleet: fl, node: string(rune('a' + i)), rules: broker.FleetRules{Rotaries: []int{1}}}
			if set != nil {
				set(i, &o)
			}
			w := newTown(t, o)
			defer w.close()
			w.idle(time.Minute)
			all = append(all, w)
		}
		f(fl, all)
	})
}

// linesOff takes the lines of a town out of service, so that others must dial.
func (w *town) linesOff() {
	w.t.Helper()
	for _, tty := range w.ttys() {
		if err := w.broker.BusyOutLine(tty, "repair", "test"); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *town) linesOn() {
	w.t.Helper()
	for _, tty := range w.ttys() {
		if err := w.broker.RestoreLine(tty, "test"); err != nil {
			w.t.Fatal(err)
		}
	}
}

// loseAnswer lets the answer to the next operation of a name be lost, and returns whether that has happened.
func (w *town) loseAnswer(name string) *bool {
	lost := false
	w.node.Intercept(func(ctx context.Context, op string, carry func() error) error {
		if op == name && !lost {
			lost = true
			return fleettest.LoseAnswers(ctx, op, carry)
		}
		return carry()
	})
	return &lost
}

// only returns the one callback of a fleet.
func only(t *testing.T, fl *fleettest.Fleet) fleet.Row {
	t.Helper()
	all := fl.Rows()
	if len(all) != 1 {
		t.Fatalf("%d callbacks in the fleet", len(all))
	}
	return all[0]
}

// endsAs waits until the one callback of the fleet has ended, and checks how.
func endsAs(t *testing.T, fl *fleettest.Fleet, outcome, cause string) fleet.Row {
	t.Helper()
	for range 7200 {
		if r := only(t, fl); !r.Pending() {
			if r.Outcome != outcome || !strings.Contains(r.Cause, cause) {
				t.Errorf("ended as %s: %q", r.Outcome, r.Cause)
			}
			return r
		}
		<-time.After(time.Second)
	}
	t.Fatalf("still pending: %+v", only(t, fl))
	return fleet.Row{}
}

// A callback that this node dials by itself: promise, attempt, admission and use are in the fleet and in the journal.
func TestFleetOwnLine(t *testing.T) {
	inFleet(t, 2, nil, func(fl *fleettest.Fleet, all []*town) {
		a, b := all[0], all[1]
		p := promised(a)
		if r := only(t, fl); r.Holder != "a" || r.Home != "a" || !r.Shared || r.Rotary != 1 || !r.Pending() {
			t.Errorf("%+v", r)
		}
		p.see("CONNECT", time.Minute)
		p.see("maui-nas-04>", time.Minute)
		r := endsAs(t, fl, "completed", "")
		if r.Attempts != 1 || r.Epoch < 1 || len(a.dialed()) != 1 || len(b.dialed()) != 0 {
			t.Errorf("%+v, %d and %d dials", r, len(a.dialed()), len(b.dialed()))
		}
		if v := a.last(); v.Outcome != "completed" || len(v.Attempt) != 1 {
			t.Errorf("%+v", v.Callback)
		}
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		a.pass(time.Minute)
		if r := only(t, fl); !r.Settled {
			t.Errorf("what it used is not booked: %+v", r)
		}
	})
}

// One node promises, and another one, which has a free line, dials.
func TestFleetDialedByAnother(t *testing.T) {
	inFleet(t, 3, func(i int, o *townOptions) {
		if i == 0 {
			o.lineConfig = func(c *lines.Config) { c.Modem = lines.CallIn }
		}
	}, func(fl *fleettest.Fleet, all []*town) {
		a, b, c := all[0], all[1], all[2]
		c.linesOff()
		for _, w := range []*town{b, c} {
			w.pc(w.home).typ("ats0=1")
		}
		promised(a)
		r := endsAs(t, fl, "completed", "")
		if r.Holder != "b" || r.Home != "a" || r.Epoch < 2 {
			t.Errorf("%+v", r)
		}
		if n := []int{len(a.dialed()), len(b.dialed()), len(c.dialed())}; !slices.Equal(n, []int{0, 1, 0}) {
			t.Errorf("dials %v", n)
		}
		if v := a.last(); v.Outcome != "given up" || v.ID != b.last().ID {
			t.Errorf("%+v", v.Callback)
		}
		if v := b.last(); v.Outcome != "completed" || len(v.Attempt) != 1 {
			t.Errorf("%+v", v.Callback)
		}
	})
}

// A callback that only other nodes could dial waits for them without a word, and its own node dials as soon as one of
// its lines may.
func TestFleetNoLineHere(t *testing.T) {
	inFleet(t, 1, func(_ int, o *townOptions) {
		o.lineConfig = func(c *lines.Config) { c.Modem = lines.CallIn }
	}, func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		promised(a)
		a.pass(10 * time.Minute)
		if v := a.last(); v.Phase != "leasing" || len(v.History) > 5 || len(a.dialed()) != 0 {
			t.Errorf("phase %s, %d dials, history %+v", v.Phase, len(a.dialed()), v.History)
		}
		a.pool.Reconfigure(a.planned(func(c *lines.Config) { c.Modem = lines.InOut }, a.ttys()...))
		if r := endsAs(t, fl, "completed", ""); r.Holder != "a" || len(a.dialed()) != 1 {
			t.Errorf("%+v, %d dials", r, len(a.dialed()))
		}
	})
}

// One user has one callback pending, whichever node they call.
func TestFleetOnePending(t *testing.T) {
	inFleet(t, 2, func(_ int, o *townOptions) { o.forcedWait = time.Minute }, func(fl *fleettest.Fleet, all []*town) {
		promised(all[0])
		p := all[1].pc(all[1].home)
		p.login("austin-01")
		p.see("already pending", time.Minute)
		only(t, fl)
	})
}

// A promise whose record is not certain is refused and taken back.
func TestFleetUnknownPromise(t *testing.T) {
	inFleet(t, 1, nil, func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		a.node.Intercept(func(ctx context.Context, op string, carry func() error) error {
			if op == "Promise" {
				return fleettest.LoseAnswers(ctx, op, carry)
			}
			return carry()
		})
		p := a.pc(a.home)
		p.login("austin-01")
		p.see("Callback not available", time.Minute)
		a.pass(time.Minute)
		endsAs(t, fl, "cancelled", "not told")
		if n := len(a.dialed()); n != 0 {
			t.Errorf("%d dials", n)
		}
	})
}

// A node that was paused after its line was ready, and wakes when another one has its callback, does not dial.
func TestFleetPausedNodeIsFenced(t *testing.T) {
	for _, at := range []string{"Attempt", "Look"} {
		t.Run(at, func(t *testing.T) {
			inFleet(t, 2, func(_ int, o *townOptions) { o.attempts = 2 }, func(fl *fleettest.Fleet, all []*town) {
				a, b := all[0], all[1]
				b.pc(b.home).typ("ats0=1")
				b.linesOff() // until a sleeps
				var asleep atomic.Bool
				wake := make(chan struct{})
				a.node.Intercept(func(_ context.Context, op string, carry func() error) error {
					if op == at {
						asleep.Store(true)
					}
					if asleep.Load() {
						<-wake
					}
					return carry()
				})
				promised(a)
				a.sees("paused", asleep.Load)
				fl.Silent("a", true)
				b.linesOn()
				b.pass(30 * time.Second)
				if open := at == "Look"; open == (len(b.dialed()) > 0) {
					t.Errorf("%d dials of the other node", len(b.dialed()))
				}
				if at == "Look" { // its attempt is left alone until it cannot be in progress, and then ended
					b.pass(fleettest.LeftAlone)
					endsAs(t, fl, "failed", "lost during an attempt")
				}
				a.node.Intercept(nil)
				close(wake)
				a.pass(time.Minute)
				if n := len(a.dialed()); n != 0 {
					t.Errorf("the paused node has dialed %d times", n)
				}
				if v := a.last(); v.Pending() {
					t.Errorf("%+v", v.Callback)
				}
				fl.Silent("a", false)
			})
		})
	}
}

// A cancellation at any node reaches the holder, before and during the dial.
func TestFleetCancel(t *testing.T) {
	inFleet(t, 2, func(_ int, o *townOptions) { o.forcedWait = time.Minute }, func(fl *fleettest.Fleet, all []*town) {
		a, b := all[0], all[1]
		promised(a)
		id := a.last().ID
		if err := b.broker.CancelCallback(context.Background(), id, "uid 7"); err != nil {
			t.Error(err)
		}
		endsAs(t, fl, "cancelled", "by uid 7")
		a.pass(5 * time.Minute)
		if v := a.last(); v.Outcome != "cancelled" || len(a.dialed()) != 0 {
			t.Errorf("%+v", v.Callback)
		}
		if err := b.broker.CancelCallback(context.Background(), id, "uid 7"); err == nil {
			t.Error("cancelled twice")
		}
	})
}

// Without the authority: what is shared waits, and is neither cancelled nor ended alone.
func TestFleetAway(t *testing.T) {
	inFleet(t, 1, nil, func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		promised(a)
		a.node.Cut(true)
		if err := a.broker.CancelCallback(context.Background(), a.last().ID, "uid 7"); !errors.Is(err, fleet.ErrAway) {
			t.Errorf("cancelled: %v", err)
		}
		a.pass(5 * time.Minute)
		if n := len(a.dialed()); n != 0 || !a.last().Pending() {
			t.Errorf("%d dials, %+v", n, a.last().Callback)
		}
		p := a.pc(a.home)
		p.typ("ats0=1")
		a.node.Cut(false)
		p.see("CONNECT", time.Minute)
		endsAs(t, fl, "completed", "")
	})
}

// Once the attempt is on record, its node admits the user although the authority does not answer; the end is owed.
func TestFleetAdmissionWithoutAuthority(t *testing.T) {
	inFleet(t, 1, nil, func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		p := promised(a)
		p.see("CONNECT", time.Minute)
		a.node.Cut(true)
		p.see("maui-nas-04>", time.Minute)
		if r := only(t, fl); !r.Pending() {
			t.Errorf("%+v", r)
		}
		a.pass(time.Minute)
		a.node.Cut(false)
		endsAs(t, fl, "completed", "")
	})
}

// An authority that hangs does not change when a node dials for the callbacks that only its lines may dial, and calls
// are answered as before.
func TestFleetHangingAuthority(t *testing.T) {
	inFleet(t, 1, func(_ int, o *townOptions) { o.rules.Rotaries = []int{7} }, func(_ *fleettest.Fleet, all []*town) {
		a := all[0]
		a.x.Reserve("84001", exchange.Busy)
		promised(a)
		began := time.Now()
		a.node.Intercept(fleettest.Hang)
		a.pass(time.Minute)
		d := a.dialed()
		if len(d) != 1 || d[0].Time.Sub(began) > 6*time.Second {
			t.Errorf("dials %v after %v", d, began)
		}
		if v := a.last(); v.Outcome != "failed" {
			t.Errorf("%+v", v.Callback)
		}
		p := a.pc(a.home)
		p.login("paia-04")
		p.see("maui-nas-04>", 5*time.Second)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
	})
}

// What became of the callbacks of a node while it was down: taken, ended, unchanged, lost by the server.
func TestFleetRestart(t *testing.T) {
	for name, tc := range map[string]struct {
		while   func(fl *fleettest.Fleet, b *town)
		outcome string
		dials   int
	}{
		"unchanged": {func(*fleettest.Fleet, *town) {}, "failed", 1},
		"cancelled": {func(fl *fleettest.Fleet, b *town) {
			if err := b.broker.CancelCallback(context.Background(), fl.Rows()[0].ID, "uid 7"); err != nil {
				b.t.Error(err)
			}
		}, "cancelled", 0},
		"taken": {func(fl *fleettest.Fleet, b *town) {
			fl.Silent("a", true)
			b.linesOn()
			b.pass(20 * time.Second)
		}, "given up", 0},
		"lost": {func(fl *fleettest.Fleet, _ *town) { fl.FailOver() }, "failed", 1},
	} {
		wait := func(_ int, o *townOptions) { o.forcedWait = time.Minute }
		restarted := func(fl *fleettest.Fleet, all []*town) {
			a, b := all[0], all[1]
			b.linesOff()
			a.x.Reserve("84001", exchange.Busy)
			b.x.Reserve("84001", exchange.Busy)
			fl.Lag()
			promised(a)
			a.halt()
			tc.while(fl, b)
			a.start()
			fl.Silent("a", false)
			a.pass(10 * time.Minute)
			if v := a.last(); v.Outcome != tc.outcome || len(a.dialed()) != tc.dials {
				t.Errorf("%s: %d dials, %+v", name, len(a.dialed()), v.Callback)
			}
			if r := only(t, fl); r.Pending() || !r.Settled {
				t.Errorf("%s: %+v", name, r)
			}
		}
		t.Run(name, func(t *testing.T) { inFleet(t, 2, wait, restarted) })
	}
}

// A fail-over that lost acknowledged commits is noticed: the callback is written back, and dialed as often as it may.
func TestFleetFailOver(t *testing.T) {
	wait := func(_ int, o *townOptions) { o.forcedWait = time.Minute }
	inFleet(t, 2, wait, func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		a.x.Reserve("84001", exchange.Busy)
		fl.Lag()
		promised(a)
		fl.FailOver()
		a.pass(5 * time.Second)
		if r := only(t, fl); r.Holder != "a" || !r.Pending() {
			t.Errorf("%+v", r)
		}
		endsAs(t, fl, "failed", "busy")
		if n := len(a.dialed()); n != 1 {
			t.Errorf("%d dials", n)
		}
	})
}

// Without the authority, on_loss: local lets lines of this node call back, one callback of a user, and no more than
// were counted ahead: the site's ceiling is not exceeded.
func TestFleetOnLossLocal(t *testing.T) {
	inFleet(t, 1, func(_ int, o *townOptions) {
		o.rules.OnLoss, o.rules.LocalCalls = broker.OnLossLocal, 1
		o.ceilings = []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Calls: 2}}}
	}, func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		a.x.Reserve("84001", exchange.Busy)
		a.node.Cut(true)
		a.pass(time.Second)
		a.order(broker.UserOrder{User: "austin-01", Service: aaa.EXEC, By: "test"}, "")
		a.pass(5 * time.Minute)
		if n := len(a.dialed()); n != 1 {
			t.Errorf("%d dials", n)
		}
		a.order(broker.UserOrder{User: "austin-01", Service: aaa.EXEC, By: "test"}, "has had it")
		a.order(broker.UserOrder{User: "busy-05", Service: aaa.EXEC, By: "test"}, "counted ahead")
		a.node.Cut(false)
		a.pass(30 * time.Second)
		if r := only(t, fl); r.Pending() || !r.Settled {
			t.Errorf("%+v", r)
		}
		accounts, err := a.node.Accounts(context.Background(), "site")
		if err != nil || len(accounts) != 1 || accounts[0].Windows[1].Used.Calls != 1 {
			t.Errorf("%+v, %v", accounts, err)
		}
	})
}

// A callback whose row somebody has changed in the fleet's database is not dialed, and ends here too.
func TestFleetForgedRow(t *testing.T) {
	inFleet(t, 1, nil, func(_ *fleettest.Fleet, all []*town) {
		a := all[0]
		a.pc(a.home).typ("ats0=1")
		promised(a)
		a.node.Intercept(func(_ context.Context, op string, carry func() error) error {
			switch op {
			case "Attempt", "Callback", "End", "Settle", "Offer", "Continue":
				return fleet.ErrForged
			}
			return carry()
		})
		a.pass(2 * time.Minute)
		if v := a.last(); v.Outcome != "failed" || !strings.Contains(v.Cause, "was changed") {
			t.Errorf("%+v", v.Callback)
		}
		if n := len(a.dialed()); n != 0 {
			t.Errorf("%d dials", n)
		}
	})
}
