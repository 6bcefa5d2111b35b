package broker_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

func granted(auth aaa.Authorization) aaa.Result {
	return aaa.Result{Kind: aaa.Granted, Auth: auth}
}

// TestReauthorizeBeforeDial: AAA is asked again right before the dial and can only deny (law 4): if it answers anything
// else, or nothing, nothing is dialed.
func TestReauthorizeBeforeDial(t *testing.T) {
	for name, tt := range map[string]struct {
		again  func(aaa.Request, aaa.Authorization) aaa.Result
		phase  string
		cause  string
		prompt string // of leg two
		asked  int32
	}{
		"the same": {func(_ aaa.Request, a aaa.Authorization) aaa.Result { return granted(a) }, "completed", "",
			"maui-nas-04>", 2},
		"refused": {func(aaa.Request, aaa.Authorization) aaa.Result {
			return aaa.Result{Kind: aaa.Refused, Reason: "locked"}
		}, "failed", "refused: locked", "", 1},
		"silent": {func(aaa.Request, aaa.Authorization) aaa.Result { return aaa.Result{Reason: "no answer"} },
			"failed", "silent: no answer", "", 3},
		"panics": {func(aaa.Request, aaa.Authorization) aaa.Result { panic("a bug") }, "failed", "panicked", "", 3},
		"prompts": {func(aaa.Request, aaa.Authorization) aaa.Result { return aaa.Result{Kind: aaa.Prompt} }, "failed",
			"prompt", "", 1},
		"another number": {func(_ aaa.Request, a aaa.Authorization) aaa.Result {
			a.Dialstring = aaa.DialstringOf("84002")
			return granted(a)
		}, "failed", "the number changed", "", 1},
		"another line": {func(_ aaa.Request, a aaa.Authorization) aaa.Result {
			a.Lines = []int{66}
			return granted(a)
		}, "failed", "the line", "", 1},
		"no callback": {func(aaa.Request,
			aaa.Authorization) aaa.Result {
			return granted(aaa.Authorization{PrivLevel: 15})
		}, "failed", "no longer requires", "", 1},
		"a login after all": {func(_ aaa.Request, a aaa.Authorization) aaa.Result {
			a.NoVerify = false
			return granted(a)
		}, "", "", "Username: ", 1},
		"silent once": {onceSilent(), "completed", "", "maui-nas-04>", 3},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			o := townOptions{policy: func(p *policies.Policy) { p.Reauthorize = true }, attempts: 3}
			o.again = func(r aaa.Request, a aaa.Authorization) aaa.Result {
				asked.Add(1)
				if r.User != "austin-01" || r.Leg != 2 || r.Entry != "local" || r.Password != "" {
					t.Errorf("asked %+v", r)
				}
				return tt.again(r, a)
			}
			inTown(t, o, func(w *town) {
				p := promised(w)
				if tt.prompt != "" {
					p.see(tt.prompt, 5*time.Minute)
					p.dte.SetDTR(false)
				}
				w.pass(10 * time.Minute)
				w.idle(time.Minute)
				v := w.last()
				if tt.phase != "" && v.Phase != tt.phase || !strings.Contains(v.Cause, tt.cause) ||
					(tt.prompt == "") != (len(w.dialed()) == 0) {
					t.Errorf("phase %s: %s, %d dials", v.Phase, v.Cause, len(w.dialed()))
				}
				if n := asked.Load(); tt.phase != "" && n != tt.asked {
					t.Errorf("asked %d times, want %d", n, tt.asked)
				}
			})
		})
	}
}

func onceSilent() func(aaa.Request, aaa.Authorization) aaa.Result {
	var n atomic.Int32
	return func(_ aaa.Request, a aaa.Authorization) aaa.Result {
		if n.Add(1) == 1 {
			return aaa.Result{Reason: "no answer"}
		}
		return granted(a)
	}
}

// TestNeverReauthorize: if the policy does not require it, AAA is not asked before the dial.
func TestNeverReauthorize(t *testing.T) {
	inTown(t, townOptions{again: func(_ aaa.Request, a aaa.Authorization) aaa.Result {
		return aaa.Result{Kind: aaa.Refused, Reason: "locked"}
	}}, func(w *town) {
		p := promised(w)
		p.see("RING", time.Minute) // but it is asked for leg two, which has no verification: no one is admitted
		if got, ok := p.await("maui-nas-04>", time.Minute); ok {
			t.Errorf("a session that AAA refused: %q", got)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "failed" ||
			!strings.Contains(v.Cause, "authorization for leg two: refused: locked") {
			t.Errorf("phase %s: %s", v.Phase, v.Cause)
		}
	})
}

// TestLegTwoIsAuthorizedAnew: the session of a leg two without verification gets what AAA grants then, not what it
// granted at the promise.
func TestLegTwoIsAuthorizedAnew(t *testing.T) {
	inTown(t, townOptions{again: func(_ aaa.Request, a aaa.Authorization) aaa.Result {
		a.PrivLevel = 15
		return granted(a)
	}}, func(w *town) {
		p := promised(w)
		p.see("maui-nas-04#", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// TestCallbackDelay: AAA's delay counts from the hang-up and extends the wait like a forced wait; it never shortens
// one.
func TestCallbackDelay(t *testing.T) {
	for delay, want := range map[time.Duration]time.Duration{time.Second: 5 * time.Second, time.Minute: time.Minute} {
		inTown(t, townOptions{user: func(a *aaa.Authorization) { a.CallbackDelay = delay }}, func(w *town) {
			p := promised(w)
			began := time.Now()
			p.see("RING", 5*time.Minute)
			if d := w.dialedAfter(began); d < want-time.Second || d > want+2*time.Second {
				t.Errorf("delay %v: dialed %v after the hang-up, want %v", delay, d, want)
			}
			p.see("maui-nas-04>", time.Minute)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
		})
	}
}

// TestCallbackToCallerID: the caller's number is dialed if the policy allows it; a caller who withholds it is not
// called back.
func TestCallbackToCallerID(t *testing.T) {
	for _, shows := range []bool{true, false} {
		o := townOptions{callerID: true, line: exchange.ModemConfig{CallerID: shows}}
		o.user = func(a *aaa.Authorization) { *a = aaa.Authorization{CallerID: true, PrivLevel: 1} }
		inTown(t, o, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.login("kihei-03")
			if !shows {
				p.see("Callback not available", time.Minute)
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				return
			}
			p.see("Callback initiated", time.Minute)
			p.see("RING", 2*time.Minute)
			if d := w.dialed(); len(d) != 1 || d[0].Number != "84001" {
				t.Errorf("dialed %+v", d)
			}
			p.see("Username: ", time.Minute)
			p.dte.SetDTR(false)
			w.idle(2 * time.Minute)
		})
	}
}
