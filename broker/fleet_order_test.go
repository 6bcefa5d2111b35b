package broker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/lines"
)

// A lockdown that the other nodes did not get is sent when the fleet answers again, also after a restart, unless it is
// lifted before. What is owed is counted.
func TestFleetLockdownIsSentLater(t *testing.T) {
	inFleet(t, 2, nil, func(_ *fleettest.Fleet, all []*town) {
		a, ctx := all[0], context.Background()
		owe := func(reason string) {
			t.Helper()
			if err := a.broker.Lockdown(reason, false, "kim"); err != nil {
				t.Fatal(err)
			}
			o := fleet.Order{Verb: fleet.Lockdown, Text: reason, Who: "kim"}
			if err := a.broker.OweLockdown(ctx, o); err != nil {
				t.Fatal(err)
			}
			a.pass(time.Minute)
		}
		a.node.Cut(true)
		owe("too early")
		if n := a.broker.Owed(); n != 1 {
			t.Errorf("%d reports are owed", n)
		}
		if err := a.broker.LiftLockdown("", "kim"); err != nil {
			t.Fatal(err)
		}
		a.node.Cut(false)
		a.pass(time.Minute)
		if _, _, err := a.node.Confirmed(ctx, 1); !errors.Is(err, fleet.ErrNotFound) || a.broker.Owed() != 0 {
			t.Errorf("a lockdown that was lifted: %v, %d reports", err, a.broker.Owed())
		}
		a.node.Cut(true)
		owe("fraud")
		a.halt()
		a.opt.cut = true
		a.start()
		a.pass(time.Minute)
		a.node.Cut(false)
		a.pass(time.Minute)
		_, waiting, err := a.node.Confirmed(ctx, 1)
		if err != nil || !slices.Equal(waiting, []string{"a", "b"}) || a.broker.Owed() != 0 {
			t.Errorf("ordered for %q, %v, %d reports", waiting, err, a.broker.Owed())
		}
	})
}

// The queue of the home has callbacks that are offered to other nodes, also if none of its lines may dial.
func TestFleetQueueHasOffers(t *testing.T) {
	inFleet(t, 1, func(_ int, o *townOptions) {
		o.lineConfig = func(c *lines.Config) { c.Modem = lines.CallIn }
	}, func(fl *fleettest.Fleet, all []*town) {
		a := all[0]
		promised(a)
		a.pass(time.Minute)
		q := a.broker.Queue()
		if len(q) != 1 || q[0].Owner != only(t, fl).ID || !q[0].Offered || q[0].Rotary != 1 ||
			q[0].User != "austin-01" || q[0].Since.IsZero() || !strings.HasPrefix(q[0].Number, "84") {
			t.Errorf("%+v", q)
		}
	})
}
