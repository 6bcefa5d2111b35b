package broker_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet/fleettest"
)

// A node that is drained offers a callback that has a line already and waits on it, and does not dial.
func TestFleetDrained(t *testing.T) {
	inFleet(t, 2, func(_ int, o *townOptions) { o.forcedWait = time.Minute }, func(fl *fleettest.Fleet, all []*town) {
		a, b := all[0], all[1]
		b.pc(b.home).typ("ats0=1")
		promised(a)
		for range 60 {
			if a.last().Phase == "waiting" {
				break
			}
			a.pass(time.Second)
		}
		if phase := a.last().Phase; phase != "waiting" {
			t.Fatalf("it is %s", phase)
		}
		if err := a.broker.Drain("new kernel", "uid 7", 0); err != nil {
			t.Fatal(err)
		}
		r := endsAs(t, fl, "completed", "")
		if r.Holder != "b" || len(a.dialed()) != 0 || len(b.dialed()) != 1 {
			t.Errorf("holder %s, %d and %d dials", r.Holder, len(a.dialed()), len(b.dialed()))
		}
		if v := a.last(); v.Outcome != "given up" {
			t.Errorf("%+v", v.Callback)
		}
		if v := a.broker.DrainState(); v.Pending != 0 || v.Dials != 0 {
			t.Errorf("%+v", v)
		}
	})
}
