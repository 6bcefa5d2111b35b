package broker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet/fleettest"
)

// A node that is drained at any moment between the promise and the dial offers the callback and does not dial, also if
// the callback has a line already and waits on it, or gets one just then.
func TestFleetDrained(t *testing.T) {
	waited := false
	for after := 0 * time.Millisecond; after < 25*time.Second; after += 700 * time.Millisecond {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			inFleet(t, 2, func(_ int, o *townOptions) { o.forcedWait = 30 * time.Second },
				func(fl *fleettest.Fleet, all []*town) { waited = drainedAfter(all[0], all[1], fl, after) || waited })
		})
	}
	if !waited {
		t.Error("it never waited on a line when its node was drained")
	}
}

// drainedAfter reports whether the callback waited on a line when its node was drained.
func drainedAfter(a, b *town, fl *fleettest.Fleet, after time.Duration) (waited bool) {
	a.t.Helper()
	b.pc(b.home).typ("ats0=1")
	promised(a)
	a.pass(after)
	waited = a.last().Phase == "waiting"
	if err := a.broker.Drain("new kernel", "uid 7", 0); err != nil {
		a.t.Fatal(err)
	}
	r := endsAs(a.t, fl, "completed", "")
	if r.Holder != "b" || len(a.dialed()) != 0 || len(b.dialed()) != 1 {
		a.t.Errorf("holder %s, %d and %d dials", r.Holder, len(a.dialed()), len(b.dialed()))
	}
	if v := a.last(); v.Outcome != "given up" {
		a.t.Errorf("%+v", v.Callback)
	}
	if v := a.broker.DrainState(); v.Pending != 0 || v.Dials != 0 {
		a.t.Errorf("%+v", v)
	}
	return waited
}
