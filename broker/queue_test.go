package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// TestNoQueueBehindALongWait: a callback that keeps no line during its wait is before nobody.
func TestNoQueueBehindALongWait(t *testing.T) {
	later := func(p *policies.Policy) { p.Attempts.RetryWait = 20 * time.Minute }
	o := townOptions{lines: 2, attempts: 2, policy: later}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84001", exchange.Busy)
		promised(w)
		w.pass(3 * time.Minute)
		if v := w.last(); v.Phase != "leasing" || len(w.broker.Queue()) != 0 {
			t.Fatalf("%s, %+v", v.Phase, w.broker.Queue())
		}
		second := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		second.typ("ats0=1")
		second.login("austin-02")
		second.see("Callback Dialstring: ", time.Minute)
		second.typ("84002")
		if got := second.see("Callback initiated", time.Minute); strings.Contains(got, "queue") {
			t.Errorf("the caller reads %q", got)
		}
		second.see("RING", time.Minute)
		second.dte.SetDTR(false)
		w.pass(30 * time.Minute)
		w.idle(time.Minute)
	})
}

// TestQueueIsTold: a caller whose callback must wait for a line is told its place before the line drops, and is called
// back when the callbacks before it are done. The first caller, who gets a line, is told nothing.
func TestQueueIsTold(t *testing.T) {
	inTown(t, townOptions{lines: 2, forcedWait: time.Minute}, func(w *town) {
		second := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		if got := p.see("Callback initiated", time.Minute); strings.Contains(got, "queue") {
			t.Errorf("a line is free, and the caller reads %q", got)
		}
		p.see("NO CARRIER", time.Minute)
		second.typ("ats0=1")
		second.login("austin-02")
		second.see("Callback Dialstring: ", time.Minute)
		second.typ("84002")
		got := second.see("Callback initiated", time.Minute)
		if !strings.Contains(got, "All lines are busy - your callback is number 1 in the queue") {
			t.Errorf("the caller reads %q", got)
		}
		second.see("NO CARRIER", time.Minute)
		q := w.broker.Queue()
		if len(q) != 1 || q[0].User != "austin-02" || q[0].Number != "84002" || q[0].Rotary != 1 {
			t.Errorf("%+v", q)
		}
		if v := w.last(); v.WaitsFor != "a line is free (`ringback show queue`)" || !v.WaitsUntil.IsZero() {
			t.Errorf("%s waits for %q until %v", v.Phase, v.WaitsFor, v.WaitsUntil)
		}
		p.see("maui-nas-04>", 10*time.Minute)
		p.dte.SetDTR(false)
		second.see("RING", 20*time.Minute)
		second.dte.SetDTR(false)
		w.idle(10 * time.Minute)
		if q := w.broker.Queue(); len(q) != 0 {
			t.Errorf("%+v", q)
		}
	})
}
