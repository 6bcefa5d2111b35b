package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// TestDrain: no call is answered and no callback dialed while the broker is drained; what was in progress ends by
// itself, and what waits goes on afterwards.
func TestDrain(t *testing.T) {
	o := townOptions{attempts: 2, lifetime: 2 * time.Hour,
		policy: func(p *policies.Policy) { p.Attempts.RetryWait = 5 * time.Minute }}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84001", exchange.Busy)
		promised(w)
		w.pass(2 * time.Minute) // it waits for its second attempt
		if err := w.broker.BusyOutLine(66, "repair", "uid 7"); err != nil {
			t.Fatal(err)
		}
		if err := w.broker.Undrain("uid 7"); !errors.Is(err, broker.ErrNotDrained) {
			t.Errorf("undrain of nothing: %v", err)
		}
		if err := w.broker.Drain("two\nlines", "uid 7", 0); !errors.Is(err, broker.ErrReason) {
			t.Errorf("%v", err)
		}
		if err := w.broker.Drain("new kernel", "uid 7", 0); err != nil {
			t.Fatal(err)
		}
		if v := w.broker.DrainState(); v.Order == nil || v.Order.Reason != "new kernel" || v.Calls != 0 ||
			v.Dials != 0 || v.Pending != 1 {
			t.Errorf("%+v", v)
		}
		for _, s := range w.pool.Lines() {
			want := "drained by uid 7: new kernel"
			if s.TTY == 66 {
				want = "busied out by uid 7: repair"
			}
			if s.State != lines.BusiedOut || s.Reason != want {
				t.Errorf("tty %d is %s: %s", s.TTY, s.State, s.Reason)
			}
		}
		caller := w.pc(w.home)
		caller.typ("atdt55555")
		w.pass(20 * time.Minute)
		if n := len(w.dialed()); n != 1 {
			t.Errorf("%d dials while drained", n)
		}
		if n := len(w.broker.ActiveCalls(broker.CallQuery{})); n != 0 {
			t.Errorf("%d calls while drained", n)
		}
		if v := w.last(); v.Phase != "leasing" {
			t.Errorf("the callback is %s (%s)", v.Phase, v.Cause)
		}
		if err := w.broker.Undrain("uid 8"); err != nil {
			t.Error(err)
		}
		w.pass(10 * time.Minute)
		if n, v := len(w.dialed()), w.last(); n != 2 || v.Phase != "failed" || v.Cause != "busy" {
			t.Errorf("%d dials, %s (%s)", n, v.Phase, v.Cause)
		}
		if s, _ := w.pool.Line(66); s.State != lines.BusiedOut || s.Reason != "busied out by uid 7: repair" {
			t.Errorf("the own order of a line: %s, %s", s.State, s.Reason)
		}
	})
}

// TestDrainForATime: an order ends with its time, but not by the time of an earlier one, nor after a shutdown.
func TestDrainForATime(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		for _, length := range []time.Duration{10 * time.Minute, 30 * time.Minute} {
			if err := w.broker.Drain("", "uid 7", length); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(29 * time.Minute)
		v := w.broker.DrainState()
		if v.Order == nil || v.Order.Until.Sub(v.Order.Since) != 30*time.Minute {
			t.Errorf("before its end: %+v", v.Order)
		}
		w.pass(2 * time.Minute)
		if v := w.broker.DrainState(); v.Order != nil {
			t.Errorf("after its end: %v", v.Order)
		}
		if s, _ := w.pool.Line(66); s.State == lines.BusiedOut {
			t.Errorf("tty 66 is %s", s.State)
		}
		if err := w.broker.Drain("", "uid 7", time.Minute); err != nil {
			t.Fatal(err)
		}
		w.halt()
		w.start()
		w.pass(2 * time.Minute)
	})
}

// TestDrainWithCall: a call that is up goes on, and its caller is promised no callback.
func TestDrainWithCall(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		p := w.pc(w.home)
		p.typ("atdt55555")
		p.see("Username:", time.Minute)
		if err := w.broker.Drain("", "uid 7", 0); err != nil {
			t.Fatal(err)
		}
		if v := w.broker.DrainState(); v.Calls != 1 {
			t.Errorf("%+v", v)
		}
		p.typ("austin-01")
		p.see("Password:", time.Minute)
		p.typ(password)
		p.see("Callback not available", time.Minute)
		p.see("NO CARRIER", 5*time.Minute)
		all, _, err := w.broker.CallbackList(context.Background(), broker.CallbackQuery{All: true})
		if err != nil || len(all) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
		w.halt()
		w.start()
		w.pass(time.Minute)
		if v := w.broker.DrainState(); v.Order != nil {
			t.Error("a restart does not end it")
		}
		audit, _, err := w.journal.AuditTail(context.Background(), 100)
		if err != nil || len(audit) == 0 || !strings.Contains(fmt.Sprintf("%+v", audit), "drained Who:uid 7") {
			t.Errorf("%+v, %v", audit, err)
		}
	})
}
