package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lab/exchange"
)

// promised logs austin-01 in and waits until a callback is promised and the line is down.
func promised(w *town) *pc {
	w.t.Helper()
	p := w.pc(w.home)
	p.typ("ats0=1")
	p.login("austin-01")
	p.see("Callback initiated", time.Minute)
	p.see("NO CARRIER", time.Minute)
	return p
}

// dialedAfter returns how long after a time the first dial command came.
func (w *town) dialedAfter(t time.Time) time.Duration {
	w.t.Helper()
	d := w.dialed()
	if len(d) != 1 {
		w.t.Fatalf("%d dials", len(d))
	}
	return d[0].Time.Sub(t)
}

func multiID(w *town) string { return w.last().MultiSessionID }

// A CoA delays the dial, each time counted from the request, and never makes it earlier (law 8).
func TestPutOff(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		p := promised(w)
		began := time.Now()
		ctx := context.Background()
		change := func(d time.Duration) error {
			f, err := w.broker.Change(ctx, broker.Selector{MultiSessionID: multiID(w), By: "CoA of 10.0.0.1"},
				broker.Change{DelayCallback: d})
			if (err == nil) != (f == broker.Found{Callbacks: 1}) {
				return fmt.Errorf("found %+v, %v", f, err)
			}
			return err
		}
		if err := change(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		for _, d := range []time.Duration{time.Second, 5 * time.Minute, -time.Hour, -1} {
			if err := change(d); !errors.Is(err, broker.ErrTooLate) {
				t.Errorf("a delay of %v after one of 10 min: %v", d, err)
			}
		}
		if err := change(2 * time.Hour); !errors.Is(err, broker.ErrTooLate) ||
			!strings.Contains(err.Error(), "expires") {
			t.Errorf("a delay beyond the lifetime: %v", err)
		}
		w.pass(9 * time.Minute)
		if err := change(5 * time.Minute); err != nil {
			t.Fatal(err)
		}
		p.see("RING", time.Hour)
		if d := w.dialedAfter(began); d < 14*time.Minute || d > 14*time.Minute+5*time.Second {
			t.Errorf("dialed after %v, delayed for 14 min", d)
		}
		if err := change(10 * time.Minute); err == nil {
			t.Error("delayed while it rings")
		}
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "completed" {
			t.Errorf("phase %s: %s", v.Phase, v.Cause)
		}
		if err := change(time.Minute); err == nil ||
			!strings.Contains(err.Error(), "found {Sessions:0 Callbacks:0}, <nil>") {
			t.Errorf("delayed after its end: %v", err)
		}
	})
}

// A delay survives a restart, and then runs again in full.
func TestPutOffSurvivesRestart(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		p := promised(w)
		if _, err := w.broker.Change(context.Background(), broker.Selector{User: "austin-01"},
			broker.Change{DelayCallback: 20 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.halt()
		began := time.Now()
		w.start()
		p.see("RING", time.Hour)
		if d := w.dialedAfter(began); d < 20*time.Minute || d > 20*time.Minute+10*time.Second {
			t.Errorf("dialed after %v, delayed for 20 min", d)
		}
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// A callback that was delayed after the check before the dial is checked again, and the budget is unchanged.
func TestPutOffAtEachMoment(t *testing.T) {
	for at := time.Duration(0); at < 9*time.Second; at += 700 * time.Millisecond {
		inTown(t, townOptions{}, func(w *town) {
			p := promised(w)
			w.pass(at)
			began := time.Now()
			_, err := w.broker.Change(context.Background(), broker.Selector{User: "austin-01"},
				broker.Change{DelayCallback: time.Minute})
			p.see("RING", 5*time.Minute)
			d := w.dialedAfter(began)
			if err == nil && d < time.Minute || err != nil && d > 0 {
				t.Errorf("%v after the hang-up: delayed: %v; dialed %v later", at, err, d)
			}
			p.see("maui-nas-04>", time.Minute)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
		})
	}
}

// Law 3: a Disconnect of the user, of leg one's session or of the Acct-Multi-Session-Id of both legs cancels the
// callback once, and nothing is dialed.
func TestDisconnectCancels(t *testing.T) {
	for name, of := range map[string]func(w *town) broker.Selector{
		"user":          func(*town) broker.Selector { return broker.Selector{User: "austin-01"} },
		"multi session": func(w *town) broker.Selector { return broker.Selector{MultiSessionID: multiID(w)} },
		"leg one": func(w *town) broker.Selector {
			return broker.Selector{SessionID: w.last().CallID,
				User: "austin-01"}
		},
		"line": func(w *town) broker.Selector { return broker.Selector{TTY: w.last().CalledTTY} },
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{}, func(w *town) {
				promised(w)
				s := of(w)
				s.By = "CoA of 10.0.0.1"
				if f, err := w.broker.Disconnect(context.Background(), s); err != nil ||
					f != (broker.Found{Callbacks: 1}) {
					t.Fatal(f, err)
				}
				w.pass(10 * time.Minute)
				w.idle(time.Minute)
				if v := w.last(); v.Phase != "cancelled" || v.Cause != "by CoA of 10.0.0.1" || len(w.dialed()) != 0 {
					t.Errorf("phase %s: %s, %d dials", v.Phase, v.Cause, len(w.dialed()))
				}
				if f, err := w.broker.Disconnect(context.Background(), s); f != (broker.Found{}) || err != nil {
					t.Errorf("a second time: %v, %v", f, err)
				}
			})
		})
	}
}

// A Disconnect ends the matching sessions and no others, with the cause Admin-Reset.
func TestDisconnectSessions(t *testing.T) {
	srv := &books{}
	inTown(t, townOptions{lines: 3, accountant: srv}, func(w *town) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		q := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "second", Number: "84002"}))
		q.login("paia-04")
		q.see("maui-nas-04>", time.Minute)
		users := w.broker.OnLines()
		ctx := context.Background()
		for _, s := range []broker.Selector{
			{}, {By: "nobody in particular"}, {User: "paia-05"}, {SessionID: "unheard-of"},
			{SessionID: users[0].Call, TTY: users[1].TTY}, {User: "paia-04", Caller: "1"},
		} {
			if f, err := w.broker.Disconnect(ctx, s); f != (broker.Found{}) || err != nil {
				t.Errorf("%+v: %v, %v", s, f, err)
			}
		}
		if f, err := w.broker.Disconnect(ctx, broker.Selector{User: "paia-04"}); !errors.Is(err, broker.ErrSeveral) ||
			f != (broker.Found{}) || len(w.broker.OnLines()) != 2 {
			t.Errorf("two sessions of one user: %v, %v, and %d are left", f, err, len(w.broker.OnLines()))
		}
		limit := time.Minute
		if _, err := w.broker.Change(ctx, broker.Selector{SessionID: users[0].Call},
			broker.Change{SessionTimeout: &limit, CancelCallback: true}); !errors.Is(err, broker.ErrNotSupported) {
			t.Errorf("a timeout changed: %v", err)
		}
		if _, err := w.broker.Disconnect(ctx, broker.Selector{SessionID: users[0].Call, User: "paia-04"}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		left := w.broker.OnLines()
		if len(left) != 1 || left[0].Call != users[1].Call {
			t.Errorf("on the lines: %+v", left)
		}
		if f, err := w.broker.Disconnect(ctx, broker.Selector{User: "paia-04"}); err != nil ||
			f != (broker.Found{Sessions: 1}) {
			t.Fatal(err)
		}
		w.idle(time.Minute)
		for _, r := range srv.all() {
			if r.Type == aaa.Stop && r.Command == "" && r.Cause != aaa.CauseAdminReset {
				t.Errorf("%s with cause %d", r.ID, r.Cause)
			}
		}
		p.dte.SetDTR(false)
		q.dte.SetDTR(false)
	})
}

// A Disconnect while leg two rings, and while it logs in: the line comes back and nothing is dialed again.
func TestDisconnectLegTwo(t *testing.T) {
	for _, text := range []string{"RING", "Username: "} {
		inTown(t, townOptions{attempts: 3}, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.login("kihei-03")
			p.see("NO CARRIER", time.Minute)
			p.see(text, time.Minute)
			if _, err := w.broker.Disconnect(context.Background(), broker.Selector{User: "kihei-03"}); err != nil {
				t.Fatal(err)
			}
			w.pass(10 * time.Minute)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			if v := w.last(); v.Phase != "cancelled" || len(w.dialed()) != 1 {
				t.Errorf("at %q: phase %s: %s, %d dials", text, v.Phase, v.Cause, len(w.dialed()))
			}
		})
	}
}
