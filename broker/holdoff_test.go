package broker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// Between two dials of a number lies the hold-off, whichever callbacks make them, also after a restart. Other numbers
// do not wait.
func TestHoldOff(t *testing.T) {
	for name, restart := range map[string]bool{"one process": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{lines: 3, holdOff: 10 * time.Minute, attempts: 1}, func(w *town) {
				other := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
				w.x.Reserve("84001", exchange.Busy)
				promised(w)
				w.pass(time.Minute)
				first := w.dialed()
				if len(first) != 1 || w.last().Phase != "failed" {
					t.Fatalf("dialed %+v", first)
				}
				if restart {
					w.halt()
					w.start()
					w.idle(time.Minute)
				}
				promised(w)
				other.typ("ats0=1")
				other.asksFor("55555", "84002")
				other.see("Callback initiated", time.Minute)
				w.pass(20 * time.Minute)
				d := w.dialed()
				if len(d) != 3 || d[1].Number != "84002" || d[2].Number != "84001" {
					t.Fatalf("dialed %+v", d)
				}
				if wait := d[2].Time.Sub(first[0].Time); wait < 10*time.Minute || wait > 11*time.Minute {
					t.Errorf("%v between two dials of a number", wait)
				}
			})
		})
	}
}

// The attempts of one callback keep the hold-off too, if it is longer than retry_wait.
func TestHoldOffOfRetries(t *testing.T) {
	inTown(t, townOptions{holdOff: 3 * time.Minute, attempts: 3}, func(w *town) {
		w.x.Reserve("84001", exchange.Busy)
		promised(w)
		w.pass(30 * time.Minute)
		for _, wait := range w.waits(time.Millisecond) {
			if wait < 3*time.Minute || wait > 4*time.Minute {
				t.Errorf("a wait of %v", wait)
			}
		}
		if len(w.dialed()) != 3 {
			t.Errorf("%d dials", len(w.dialed()))
		}
	})
}

// A number is dialed by one line at a time: not while a callback to it is connected.
func TestOneDialToANumber(t *testing.T) {
	inTown(t, townOptions{lines: 4}, func(w *town) {
		p := promised(w)
		p.see("maui-nas-04>", 3*time.Minute)
		other := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		other.asksFor("55555", "84001")
		other.see("Callback initiated", time.Minute)
		w.pass(20 * time.Second)
		if d := w.dialed(); len(d) != 1 {
			t.Errorf("dialed %+v while 84001 was connected", d)
		}
		if v := w.last(); !strings.Contains(fmt.Sprint(v.History), "dials 84001 or has it on the line (tty 6") {
			t.Errorf("%+v", v.History)
		}
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		p.see("Username: ", 3*time.Minute)
		if d := w.dialed(); len(d) != 2 || d[1].Number != "84001" {
			t.Errorf("dialed %+v", d)
		}
	})
}

// A group can reject a callback to a number that is in use; the caller does not hear why.
func TestNumberInUse(t *testing.T) {
	reject := func(p *policies.Policy) { p.Dial.RejectInUse = true }
	inTown(t, townOptions{lines: 4, policy: reject}, func(w *town) {
		p := promised(w)
		p.see("maui-nas-04>", 3*time.Minute)
		other := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		other.asksFor("55555", "84001")
		if got := other.see("Callback not available", time.Minute); strings.Contains(got, "use") {
			t.Errorf("the second caller reads %q", got)
		}
		other.dte.SetDTR(false)
		other.see("NO CARRIER", time.Minute)
		other.dte.SetDTR(true)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		other.asksFor("55555", "84001")
		other.see("Callback initiated", time.Minute)
	})
}

// Chance adds to the wait before the first dial of each callback, and a restart changes nothing of that.
func TestRandomWait(t *testing.T) {
	waits := map[time.Duration]bool{}
	for range 5 {
		inTown(t, townOptions{random: 2 * time.Minute, forcedWait: 10 * time.Second}, func(w *town) {
			promised(w)
			if w.last().Phase == string(callback.Promised) {
				w.until("waiting", time.Minute)
			}
			began := time.Now()
			w.pass(5 * time.Minute)
			wait := w.dialedAfter(began)
			if waits[wait.Truncate(time.Second)] = true; wait < 5*time.Second || wait > 3*time.Minute {
				t.Errorf("dialed after %v", wait)
			}
		})
	}
	if len(waits) < 2 {
		t.Errorf("always the same wait: %v", waits)
	}
}
