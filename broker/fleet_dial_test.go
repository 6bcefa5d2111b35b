package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/broker/journal"
)

// counting are nodes whose users and operators may dial, with a ceiling of the site for a month.
func counting(calls int64, more func(*townOptions)) func(int, *townOptions) {
	return func(_ int, o *townOptions) {
		*o = dialing(dialsOut(*o))
		o.ceilings = []journal.Limit{{Period: journal.Month, Amount: journal.Amount{Calls: calls}}}
		if more != nil {
			more(o)
		}
	}
}

// dialsBusy makes a dial-out to a busy number, and returns its error.
func (w *town) dialsBusy() error {
	_, err := w.broker.DialOut(context.Background(), out("84010"))
	w.pass(20 * time.Second) // for the report
	return err
}

// use checks what the site's account of the fleet has reserved and used.
func (w *town) use(reserved, used int64) {
	w.t.Helper()
	if r, u := w.siteUse(); r != reserved || u != used {
		w.t.Errorf("node %s: %d reserved and %d used, want %d and %d", w.opt.node, r, u, reserved, used)
	}
}

// Dial-outs and dials of start-chat count in the ceilings of all nodes, while they last and afterwards, and are no
// callbacks.
func TestFleetDialsCount(t *testing.T) {
	inFleet(t, 2, counting(2, nil), func(fl *fleettest.Fleet, all []*town) {
		a, b := all[0], all[1]
		a.pc(a.home).typ("ats0=1")
		c, err := a.broker.DialOut(context.Background(), out("84001"))
		if err != nil {
			t.Fatal(err)
		}
		a.use(1, 0)
		if _, err := b.chat(65, "84010"); err == nil || errors.Is(err, journal.ErrCeiling) {
			t.Errorf("start-chat: %v, want busy", err)
		}
		b.pass(20 * time.Second)
		b.use(1, 1)
		for _, w := range all {
			if err := w.dialsBusy(); !errors.Is(err, journal.ErrCeiling) {
				t.Errorf("node %s, beyond the ceiling: %v", w.opt.node, err)
			}
			if _, err := w.chat(66, "84010"); !errors.Is(err, journal.ErrCeiling) {
				t.Errorf("node %s, start-chat beyond the ceiling: %v", w.opt.node, err)
			}
		}
		if err := c.Hangup(context.Background()); err != nil {
			t.Error(err)
		}
		a.pass(20 * time.Second)
		a.use(0, 2)
		if n := len(a.dialed()) + len(b.dialed()); n != 2 {
			t.Errorf("%d dials", n)
		}
		if rows, err := b.node.Callbacks(context.Background(), 9, fleet.Filter{}); err != nil || len(rows) != 0 {
			t.Errorf("callbacks: %+v, %v", rows, err)
		}
	})
}

// Without the fleet nothing is dialed that a ceiling limits, and a dial whose record is in doubt is not made and uses
// nothing.
func TestFleetDialsInDoubt(t *testing.T) {
	inFleet(t, 1, counting(2, nil), func(_ *fleettest.Fleet, all []*town) {
		a := all[0]
		a.node.Cut(true)
		a.pass(time.Second)
		if err := a.dialsBusy(); !errors.Is(err, fleet.ErrAway) || !strings.Contains(err.Error(), "ceilings") {
			t.Errorf("without it: %v", err)
		}
		a.node.Cut(false)
		a.pass(time.Minute)
		a.node.Intercept(func(ctx context.Context, op string, carry func() error) error {
			if op == "Promise" {
				return fleettest.LoseAnswers(ctx, op, carry)
			}
			return carry()
		})
		if err := a.dialsBusy(); !errors.Is(err, fleet.ErrUnknown) {
			t.Errorf("in doubt: %v", err)
		}
		if n := len(a.dialed()); n != 0 {
			t.Errorf("%d dials", n)
		}
		a.use(0, 0)
		a.node.Intercept(nil)
		if err := a.dialsBusy(); err == nil || !strings.Contains(err.Error(), "BUSY") {
			t.Errorf("with it: %v", err)
		}
		a.use(0, 1)
	})
}

// With `on_loss: local` a node dials within what was counted ahead, one call of a user; it is booked once the fleet is
// back, although an answer is lost.
func TestFleetDialsAlone(t *testing.T) {
	local := func(o *townOptions) { o.rules.OnLoss, o.rules.LocalCalls = broker.OnLossLocal, 2 }
	inFleet(t, 1, counting(4, local), func(_ *fleettest.Fleet, all []*town) {
		a := all[0]
		a.use(2, 0)
		a.node.Cut(true)
		a.pass(time.Second)
		if err := a.dialsBusy(); err == nil || !strings.Contains(err.Error(), "BUSY") {
			t.Errorf("alone: %v", err)
		}
		if err := a.dialsBusy(); !errors.Is(err, fleet.ErrAway) || !strings.Contains(err.Error(), "has had it") {
			t.Errorf("a second one of the user: %v", err)
		}
		a.pass(time.Hour)
		lost := a.loseAnswer("Settle")
		a.node.Cut(false)
		a.pass(time.Minute)
		a.use(2, 1)
		if n := len(a.dialed()); n != 1 || !*lost {
			t.Errorf("%d dials, an answer was lost: %v", n, lost)
		}
		if err := a.dialsBusy(); err == nil || !strings.Contains(err.Error(), "BUSY") {
			t.Errorf("afterwards: %v", err)
		}
		a.use(2, 2)
	})
}

// A dial-out in progress when a fail-over loses its record stays reserved, and is booked.
func TestFleetDialsFailOver(t *testing.T) {
	inFleet(t, 1, counting(9, nil), func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		a.pc(a.home).typ("ats0=1")
		fl.Lag()
		c, err := a.broker.DialOut(context.Background(), out("84001"))
		if err != nil {
			t.Fatal(err)
		}
		fl.FailOver()
		a.pass(time.Minute)
		a.use(1, 0)
		if err := c.Hangup(context.Background()); err != nil {
			t.Error(err)
		}
		a.pass(time.Minute)
		a.use(0, 1)
	})
}

// noEnds is a journal that cannot record the end of a dial: as if the process had crashed before.
type noEnds struct{ journal.Store }

func (s noEnds) Commit(ctx context.Context, all ...journal.Mutation) error {
	for _, m := range all {
		if _, is := m.(journal.Settle); is {
			return errors.New("no end is recorded")
		}
	}
	return s.Store.Commit(ctx, all...)
}

// A dial that a crash interrupts has used all that was reserved, in the accounts of the fleet too. One that was
// recorded in the fleet alone was not made.
func TestFleetDialsAfterCrash(t *testing.T) {
	crashing := func(o *townOptions) {
		o.store = func(s journal.Store) journal.Store { return noEnds{s} }
	}
	inFleet(t, 1, counting(9, crashing), func(_ *fleettest.Fleet, all []*town) {
		a := all[0]
		if err := a.dialsBusy(); err == nil || !strings.Contains(err.Error(), "BUSY") {
			t.Errorf("%v", err)
		}
		p := fleet.Promise{Time: time.Now(), Amount: journal.Amount{Calls: 1},
			Charges: []journal.Charge{{Scope: "site"}}}
		p.ID, p.User, p.Outcome, p.Ended, p.Rotary = "out-lost", "kim", fleet.ByOrder, time.Now(), fleet.NoRotary
		if err := a.node.Promise(context.Background(), p); err != nil {
			t.Fatal(err)
		}
		a.use(2, 0)
		a.halt()
		a.opt.store = nil
		a.start()
		a.pass(time.Minute)
		a.use(0, 1)
	})
}
