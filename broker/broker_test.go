package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// Both scenarios of Cisco document 5732, on ports with and without modem signals, and on one line alone.
func TestScenarios(t *testing.T) {
	for name, o := range map[string]townOptions{
		"with signals":    {},
		"without signals": {noSignals: true, insecure: true},
		"same line":       {lines: 1, sameLine: true},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated - line is disconnected", time.Minute)
				p.see("NO CARRIER", time.Minute)
				p.see("RING", time.Minute)
				p.see("CONNECT", time.Minute)
				p.see("maui-nas-04>", time.Minute)
				p.typ("exit")
				p.see("NO CARRIER", time.Minute)
				w.idle(time.Minute)
				if v := w.last(); v.Phase != "completed" || v.Number != "84001" || !v.NoVerify {
					t.Errorf("callback %+v", v.Callback)
				}

				p.login("austin-02")
				p.see("Callback Dialstring: ", time.Minute)
				p.typ("84001")
				p.see("Callback initiated - line is disconnected", time.Minute)
				p.see("RING", time.Minute)
				p.see("CONNECT", time.Minute)
				p.see("Username: ", time.Minute)
				p.typ("austin-02")
				p.see("Password: ", time.Minute)
				p.typ(password)
				p.see("maui-nas-04>", time.Minute)
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				if v := w.last(); v.Phase != "completed" || v.NoVerify {
					t.Errorf("callback %+v", v.Callback)
				}
			})
		})
	}
}

// Law 8: the dial command comes no earlier than the wait after the hang-up, and hardly later.
func TestWaitIsNeverShortened(t *testing.T) {
	inTown(t, townOptions{forcedWait: 7 * time.Second}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		p.see("NO CARRIER", time.Minute)
		p.see("CONNECT", 2*time.Minute)
		var hung, dialed time.Time
		for _, h := range w.last().History {
			if h.What == "HungUp" {
				hung = h.Time
			}
		}
		for _, d := range w.dialed() {
			dialed = d.Time
		}
		if wait := dialed.Sub(hung); wait < 7*time.Second || wait > 7*time.Second+time.Second {
			t.Errorf("dialed %v after the hang-up, the forced wait is 7 s", wait)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// Law 8 across a restart: the wait runs again in full, and the callback is made.
func TestPromiseSurvivesRestart(t *testing.T) {
	inTown(t, townOptions{forcedWait: 20 * time.Second}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		p.see("NO CARRIER", time.Minute)
		w.pass(10 * time.Second)
		w.halt()
		if n := len(w.dialed()); n != 0 {
			t.Fatalf("%d dial commands before the wait was over", n)
		}
		again := time.Now()
		w.start()
		p.see("CONNECT", 2*time.Minute)
		if d := w.dialed()[0].Time.Sub(again); d < 20*time.Second {
			t.Errorf("dialed %v after the restart, the forced wait is 20 s", d)
		}
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// Law 2: a busy number uses up the budget, by default one attempt, and there are as many dials as attempts.
func TestBudget(t *testing.T) {
	for _, attempts := range []int{1, 3} {
		inTown(t, townOptions{attempts: attempts}, func(w *town) {
			p := w.pc(w.home)
			p.login("busy-05")
			p.see("Callback initiated", time.Minute)
			p.see("NO CARRIER", time.Minute)
			w.pass(10 * time.Minute)
			w.idle(time.Minute)
			v := w.last()
			if v.Phase != "failed" || v.Cause != "busy" || len(w.dialed()) != attempts || v.Attempts != attempts {
				t.Errorf("phase %s, cause %q, %d dials, %d attempts, budget %d", v.Phase, v.Cause, len(w.dialed()),
					v.Attempts, attempts)
			}
		})
	}
}

// Law 3: a second login while a callback is pending changes nothing, and the caller is told so.
func TestSecondLoginWhilePending(t *testing.T) {
	inTown(t, townOptions{forcedWait: 3 * time.Minute, lines: 4}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-02")
		p.see("Callback Dialstring: ", time.Minute)
		p.typ("84001")
		p.see("Callback initiated", time.Minute)
		p.see("NO CARRIER", time.Minute)
		thief := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "thief", Number: "84002"}))
		thief.login("austin-02")
		thief.see("Callback Dialstring: ", time.Minute)
		thief.typ("84002")
		thief.see("Callback already pending", time.Minute)
		thief.dte.SetDTR(false)
		p.see("RING", 10*time.Minute)
		for _, d := range w.dialed() {
			if d.Number != "84001" {
				t.Errorf("dialed %s", d.Number)
			}
		}
		p.dte.SetDTR(false)
		w.idle(5 * time.Minute)
	})
}

// Law 7 and bad input at the prompt: only digits are ever dialed; the line is back in service afterwards.
func TestBadDialstrings(t *testing.T) {
	bad := []string{"", "5551234;ATH", "84001,", "84001!", "84001W", "84001@", "84001&", "84\x00001", "８４００１", "84001^",
		strings.Repeat("8", 41), "84900", "911", "+84001", strings.Repeat("84", 3000),
		"84001\xb8", "84001\x1b[118", "84001\x00"}
	inTown(t, townOptions{}, func(w *town) {
		for i := 0; i < len(bad); i += 3 {
			p := w.pc(w.home)
			p.login("austin-02")
			for _, number := range bad[i : i+3] {
				p.see("Callback Dialstring: ", time.Minute)
				p.typ(number)
			}
			if got, ok := p.await("Callback initiated", 5*time.Second); ok {
				t.Errorf("numbers %q: the screen shows %q", bad[i:i+3], got)
			}
			p.dte.SetDTR(false)
			w.idle(2 * time.Minute)
			p.dte.Close()
		}
		if d := w.dialed(); len(d) != 0 {
			t.Errorf("dialed %v", d)
		}
	})
}

// A caller who hangs up at any prompt leaves a line in service and no promise.
func TestHangUpAtEachPrompt(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		for _, steps := range [][]string{
			{}, {"austin-02"}, {"austin-02", password}, {"austin-02", "wrong\r"}, {"paia-04", password},
		} {
			p := w.pc(w.home)
			p.typ("atdt55555")
			p.see("Username: ", time.Minute)
			for _, s := range steps {
				p.typ(s)
				p.see("\n", 5*time.Second)
			}
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			p.dte.Close()
		}
		if d := w.dialed(); len(d) != 0 {
			t.Errorf("dialed %v", d)
		}
	})
}

// Faults of our modem during the dial: the callback ends with its cause, and the line comes back when the modem does.
func TestModemFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault exchange.Fault
		cause string // "": the callback succeeds nevertheless
		phase string // "": completed or failed. leasing: no call was placed, and it waits for a modem to come back
	}{
		"split CONNECT": {fault: exchange.Fault{SplitConnect: 200 * time.Millisecond}},
		"no dialtone":   {fault: exchange.Fault{NoDialtone: true}, cause: "no dialtone"},
		"blacklisted":   {fault: exchange.Fault{Blacklisted: true}, cause: "blacklisted"},
		"delayed":       {fault: exchange.Fault{Delayed: true}, cause: "delayed"},
		"never OK":      {fault: exchange.Fault{NeverOK: true}, phase: "leasing"},
		"garbage":       {fault: exchange.Fault{Garbage: true}},
		"vanished":      {fault: exchange.Fault{Vanished: true}, phase: "leasing"},
		"hung":          {fault: exchange.Fault{Hung: true}, phase: "leasing"},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{forcedWait: 10 * time.Second}, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				p.see("NO CARRIER", time.Minute)
				w.pass(5 * time.Second)
				for _, m := range w.lines {
					m.SetFault(tc.fault)
				}
				w.pass(10 * time.Minute)
				v := w.last()
				want := map[bool]string{true: "completed", false: "failed"}[tc.cause == ""]
				if tc.phase != "" {
					want = tc.phase
				}
				if v.Phase != want || v.Cause != tc.cause && tc.phase == "" {
					t.Errorf("phase %s: %q; want %s: %q", v.Phase, v.Cause, want, tc.cause)
				}
				for _, m := range w.lines {
					m.SetFault(exchange.Fault{})
				}
				p.dte.SetDTR(false)
				w.pass(15 * time.Minute)
				w.idle(time.Minute)
				if v := w.last(); v.Pending() {
					t.Errorf("the callback is still pending: %s", v.Phase)
				}
			})
		})
	}
}

// TestRowSaysThingsOnce: values in the columns of a callback's row are not repeated in its JSON.
func TestRowSaysThingsOnce(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		p := w.pc(w.home)
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		pending, _, err := w.journal.Pending(w.t.Context())
		if err != nil || len(pending) != 1 || pending[0].Number != "84001" || pending[0].Phase == "" ||
			pending[0].Max != 1 {
			t.Fatalf("%+v %v", pending, err)
		}
		for json, keys := range map[string]string{
			pending[0].State:    "id phase attempt max cause",
			pending[0].Decision: "number no_verify callback_line callback_rotary digest",
		} {
			for key := range strings.FieldsSeq(keys) {
				if strings.Contains(json, `"`+key+`":`) {
					t.Errorf("%s is repeated in %s", key, json)
				}
			}
		}
		w.idle(10 * time.Minute)
	})
}
