package broker_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// caller84001 is AAA's answer about a ringing call: kihei-03 calls from 84001 and must be called back there.
func caller84001(_ context.Context, r aaa.Request) aaa.Result {
	if r.Caller != "84001" {
		return aaa.Result{Kind: aaa.Refused, Reason: "unknown number"}
	}
	return aaa.Result{Kind: aaa.Granted, Server: "main", Identity: aaa.Identity{Entry: "local", User: "kihei-03"},
		Auth: aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001"), NoVerify: true}}
}

// onRing is a town whose calls are not answered.
func onRing(check func(context.Context, aaa.Request) aaa.Result) townOptions {
	return townOptions{callerID: true, line: exchange.ModemConfig{CallerID: true}, callCheck: check,
		policy: func(p *policies.Policy) {
			p.OnRing, p.Limits.User.Day.Calls = true, 3
		}}
}

// answered returns how many calls to the lines were answered.
func (w *town) answered() (n int) {
	for _, s := range w.pool.Lines() {
		n += int(s.Counts[lines.CallsIn])
	}
	return n
}

// ring lets 84001 call for a while and then give up.
func (p *pc) ring(d time.Duration) {
	p.t.Helper()
	p.typ("atdt55555")
	<-time.After(d)
	p.typ("") // any key ends the dial
	p.see("NO CARRIER", time.Minute)
}

// The call is never answered, the user is called back after the ringing has ended and the forced wait is over, and must
// log in although AAA grants no_verify.
func TestCallbackOnRing(t *testing.T) {
	o := onRing(caller84001)
	o.forcedWait = 20 * time.Second
	core, logged := observer.New(zapcore.InfoLevel)
	o.log = zap.New(core)
	inTown(t, o, func(w *town) {
		home := w.pc(w.home)
		home.typ("ats0=1")
		home.ring(30 * time.Second)
		gaveUp := time.Now()
		if d := w.dialed(); len(d) > 0 {
			t.Errorf("dialed while the call rang: %+v", d)
		}
		home.see("Username: ", 2*time.Minute)
		if n := w.answered(); n > 0 {
			t.Errorf("%d calls were answered", n)
		}
		if d := w.dialed(); len(d) != 1 || d[0].Number != "84001" || d[0].Time.Sub(gaveUp) < o.forcedWait {
			t.Errorf("dialed %+v; the caller gave up at %v", d, gaveUp)
		}
		home.typ("kihei-03")
		home.see("Password: ", time.Minute)
		home.typ(password)
		home.see("maui-nas-04>", time.Minute)
		home.typ("exit")
		home.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "completed" || v.Attempts != 1 || v.User != "kihei-03" {
			t.Errorf("%+v", v)
		}
		if e := logged.FilterMessage("call not answered").All(); len(e) != 1 ||
			!strings.Contains(fmt.Sprint(e[0].ContextMap()["reason"]), "no_verify is ignored") {
			t.Errorf("%+v", e)
		}
	})
}

// An answer of AAA that comes after the caller has given up promises nothing: the promise would be news to everybody.
// Silence and a rejection leave the call ringing.
func TestOnRingAnswers(t *testing.T) {
	late := func(ctx context.Context, r aaa.Request) aaa.Result {
		<-ctx.Done()
		return caller84001(ctx, r)
	}
	silent := func(context.Context, aaa.Request) aaa.Result { return aaa.Result{Reason: "no answer"} }
	rejects := func(context.Context, aaa.Request) aaa.Result { return aaa.Result{Kind: aaa.Refused} }
	nobody := func(ctx context.Context, r aaa.Request) aaa.Result {
		res := caller84001(ctx, r)
		res.Identity.User = ""
		return res
	}
	for name, check := range map[string]func(context.Context, aaa.Request) aaa.Result{
		"late": late, "silent": silent, "rejects": rejects, "names nobody": nobody,
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, onRing(check), func(w *town) {
				w.pc(w.home).ring(14 * time.Second)
				w.pass(10 * time.Minute)
				w.idle(time.Second)
				if n, d := w.answered(), w.dialed(); n > 0 || len(d) > 0 {
					t.Errorf("%d calls answered, dialed %+v", n, d)
				}
			})
		})
	}
}

// A thousand rings with a forged number reach one number only, and no more often than the ceiling of the user allows.
// Nobody is called while another call from that number rings.
func TestForgedRings(t *testing.T) {
	var asked atomic.Int64
	o := onRing(func(ctx context.Context, r aaa.Request) aaa.Result {
		asked.Add(1)
		return caller84001(ctx, r)
	})
	inTown(t, o, func(w *town) {
		victim := w.pc(w.home)
		victim.typ("ats0=0")
		forger := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "forger", Number: "84001"}))
		for range 1000 {
			forger.ring(12 * time.Second)
			w.pass(10 * time.Second)
		}
		w.pass(20 * time.Minute)
		w.idle(time.Second)
		d := w.dialed()
		if len(d) == 0 || len(d) > 3 || asked.Load() < 900 || w.answered() > 0 {
			t.Errorf("asked %d times, answered %d, dialed %d times", asked.Load(), w.answered(), len(d))
		}
		for _, d := range d {
			if d.Number != "84001" {
				t.Errorf("dialed %+v", d)
			}
		}
	})
}

// A caller who never stops ringing gets no callback: it is cancelled, and its line is free for the next call.
func TestRingsOn(t *testing.T) {
	o := onRing(caller84001)
	inTown(t, o, func(w *town) {
		home := w.pc(w.home)
		home.typ("ats7=255")
		home.typ("atdt55555")
		w.pass(4 * time.Minute)
		if v := w.last(); v.Phase != "cancelled" || !strings.Contains(v.Cause, "ringback") || len(w.dialed()) > 0 {
			t.Errorf("%+v, dialed %+v", v, w.dialed())
		}
		home.typ("")
		w.pass(time.Minute)
		w.idle(time.Second)
	})
}

// A restart while the call rings keeps the callback. The restarted process does not know which number rings, because
// the exchange has told it already: the first dial finds the number busy, the next reaches the user.
func TestOnRingRestart(t *testing.T) {
	o := onRing(caller84001)
	o.attempts = 2
	inTown(t, o, func(w *town) {
		home := w.pc(w.home)
		home.typ("ats0=1s7=255")
		home.typ("atdt55555")
		w.pass(15 * time.Second)
		w.halt()
		w.start()
		w.pass(20 * time.Second)
		home.typ("")
		home.see("Username: ", 3*time.Minute)
		home.dte.SetDTR(false)
		w.idle(time.Minute)
		if v := w.last(); v.Attempts != 2 || v.Attempt[0].Outcome != "busy" {
			t.Errorf("%+v", v)
		}
	})
}

// During a lockdown nothing is promised, and without the policy's key the call is answered as before.
func TestOnRingDenied(t *testing.T) {
	inTown(t, onRing(caller84001), func(w *town) {
		if err := w.broker.Lockdown("drill", false, "kim"); err != nil {
			t.Fatal(err)
		}
		w.pc(w.home).ring(20 * time.Second)
		w.pass(time.Minute)
		if n := w.answered(); n > 0 || len(w.dialed()) > 0 {
			t.Errorf("%d calls answered, dialed %+v", n, w.dialed())
		}
	})
	o := onRing(caller84001)
	o.policy = func(*policies.Policy) {}
	inTown(t, o, func(w *town) {
		home := w.pc(w.home)
		home.login("kihei-03")
		home.see("Callback initiated", time.Minute)
		w.idle(time.Minute)
	})
}
