package broker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/ppp/ppptest"
)

// TestLockdownInAChatScript: a script that has not sent its dial command never sends it, whichever part of it runs; the
// line is on hook two seconds later.
func TestLockdownInAChatScript(t *testing.T) {
	inTown(t, townOptions{attempts: 2, dial: `ABORT ERROR ABORT BUSY "" "AT" OK "\d\d\d\d\d\d\d\dATDT \T" TIMEOUT 45 ` +
		`CONNECT \c`}, func(w *town) {
		p := promised(w)
		w.until("dialing", time.Minute)
		w.pass(3 * time.Second)
		w.lock(false)
		w.pass(2 * time.Second)
		if v := w.last(); v.Phase == "dialing" {
			t.Errorf("2 s after the lockdown the callback is %s", v.Phase)
		}
		w.pass(time.Minute)
		if n := len(w.dialed()); n != 0 {
			t.Errorf("%d dials", n)
		}
		w.unlock()
		p.see("maui-nas-04>", 5*time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// until waits until the last callback is in a phase.
func (w *town) until(phase string, within time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(within); w.last().Phase != phase; w.pass(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("the callback is %s after %v, not %s", w.last().Phase, within, phase)
		}
	}
}

// TestLockdownInTheRetryWait: a busy number is not dialed again before the end of the lockdown, and then the rest of
// the budget is used.
func TestLockdownInTheRetryWait(t *testing.T) {
	inTown(t, townOptions{attempts: 3}, func(w *town) {
		p := w.pc(w.home)
		p.login("busy-05")
		p.see("NO CARRIER", 10*time.Minute)
		for len(w.dialed()) == 0 {
			w.pass(time.Second)
		}
		w.pass(5 * time.Second)
		if v := w.last(); v.Attempts != 1 || v.Phase == "dialing" {
			t.Fatalf("%s after %d attempts: not the wait before the second", v.Phase, v.Attempts)
		}
		w.lock(false)
		w.pass(10 * time.Minute)
		if n := len(w.dialed()); n != 1 {
			t.Errorf("%d dials", n)
		}
		w.unlock()
		w.idle(5 * time.Minute)
		if v := w.last(); v.Phase != "failed" || len(w.dialed()) != 3 {
			t.Errorf("%s: %s, %d dials", v.Phase, v.Cause, len(w.dialed()))
		}
	})
}

// TestLockdownDuringALogin: a caller at any prompt gets no callback, and reads the sentence of any other refusal.
func TestLockdownDuringALogin(t *testing.T) {
	for _, prompt := range []string{"Username: ", "Password: ", "Callback Dialstring:"} {
		inTown(t, townOptions{}, func(w *town) {
			p := w.pc(w.home)
			p.typ("atdt55555")
			p.see("CONNECT", time.Minute)
			for _, step := range [][2]string{{"Username: ", "austin-02"}, {"Password: ", password},
				{"Callback Dialstring:", "84001"}} {
				if _, ok := p.await(step[0], time.Minute); !ok {
					break // the sentence came
				}
				if step[0] == prompt {
					w.lock(false)
				}
				p.typ(step[1])
				if prompt != "Callback Dialstring:" && step[0] == "Password: " {
					break // no number is asked for
				}
			}
			p.see("Callback not available", time.Minute)
			p.see("NO CARRIER", 10*time.Minute)
			w.idle(time.Minute)
			if n := w.promised(); n != 0 || len(w.dialed()) != 0 {
				t.Errorf("%s: %d callbacks, %d dials", prompt, n, len(w.dialed()))
			}
		})
	}
}

// TestLockdownOfPPP: with sessions, the link of a PPP client on leg two ends; without, it goes on.
func TestLockdownOfPPP(t *testing.T) {
	inTown(t, townOptions{frontEnds: withPPP}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.typ("atdt55555")
		p.see("CONNECT", time.Minute)
		one := &ppptest.Client{User: "kihei-03", Password: password, Callback: []byte{6},
			Response: func([]byte) []byte { return []byte{3, 3, 1} }}
		w.pass(2 * time.Second)
		if !p.frames(one, time.Minute, func() bool { return one.EndAck }, one.Start()...) {
			t.Fatalf("leg one: %+v", one)
		}
		p.see("CONNECT", 5*time.Minute)
		two := &ppptest.Client{User: "kihei-03", Password: password}
		w.pass(2 * time.Second)
		if !p.frames(two, time.Minute, func() bool { return two.IPUp }, two.Start()...) {
			t.Fatalf("leg two: %+v", two)
		}
		w.lock(false)
		if p.frames(two, 10*time.Second, func() bool { return two.Ended }) {
			t.Error("a lockdown of dialing has ended a session")
		}
		w.lock(true)
		if !p.frames(two, 2*time.Second, func() bool { return two.Ended }) {
			t.Errorf("2 s after a lockdown of sessions: %+v", two)
		}
		w.idle(time.Minute)
	})
}

// TestLockdownByManyOperators: orders and ends of several operators at once leave the same state in memory and on disk,
// and the last order counts.
func TestLockdownByManyOperators(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		var operators sync.WaitGroup
		for n := range 8 {
			operators.Go(func() {
				for i := range 20 {
					reason := fmt.Sprintf("operator %d, order %d", n, i)
					if err := w.broker.Lockdown(reason, n == i, "uid 0"); err != nil {
						t.Error(err)
					}
					if n%2 == 0 {
						_ = w.broker.LiftLockdown("", "uid 0") // another may have lifted it
					}
				}
			})
		}
		operators.Wait()
		w.pass(time.Minute)
		v := w.broker.LockdownState()
		row, err := w.journal.Lockdown(context.Background())
		if err != nil || row.Active != v.Active || v.Active && (row.Reason != v.Reason || row.Sessions != v.Sessions) {
			t.Errorf("in memory %+v, on disk %+v, %v", v, row, err)
		}
		w.lock(true)
		w.unlock()
	})
}

// TestLockdownLiftedAtOnce: an end during the hang-ups leaves no dial behind, and the callback is completed.
func TestLockdownLiftedAtOnce(t *testing.T) {
	inTown(t, townOptions{attempts: 3}, func(w *town) {
		p := promised(w)
		p.see("RING", time.Minute)
		for range 3 {
			w.lock(false)
			w.unlock()
		}
		p.see("maui-nas-04>", 5*time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "completed" || v.Attempts != len(w.dialed()) || v.Attempts > 2 {
			t.Errorf("%s: %s after %d attempts, %d dials", v.Phase, v.Cause, v.Attempts, len(w.dialed()))
		}
	})
}

// TestLockdownOfADeadPort: a line whose port stops responding during its dial delays neither the order nor the hang-up
// of another line; it is not idle before it is proven on hook.
func TestLockdownOfADeadPort(t *testing.T) {
	inTown(t, townOptions{lines: 3, attempts: 2}, func(w *town) {
		p := promised(w)
		p.see("RING", time.Minute)
		dialing := -1
		for i, l := range w.broker.Lines() {
			if l.State == "dialing" {
				dialing = i
			}
		}
		if dialing < 0 {
			t.Fatalf("no line is dialing: %+v", w.broker.Lines())
		}
		w.lines[dialing].SetFault(exchange.Fault{Hung: true, FalseHangUp: true})
		began := time.Now()
		w.lock(false)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the order took %v", took)
		}
		w.pass(2 * time.Second)
		w.pass(time.Minute)
		if l := w.broker.Lines()[dialing]; l.State == "idle" {
			t.Errorf("a dead line is %s", l.State)
		}
		w.lines[dialing].SetFault(exchange.Fault{})
		p.see("NO CARRIER", 10*time.Minute) // the dead modem had kept its call
		w.unlock()
		p.see("maui-nas-04>", 10*time.Minute)
		p.dte.SetDTR(false)
		w.idle(10 * time.Minute)
	})
}
