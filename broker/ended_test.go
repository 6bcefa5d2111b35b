package broker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// The user hears at the next login, once, what became of a callback that was not completed, also after a restart.
func TestLastCallback(t *testing.T) {
	for name, tc := range map[string]struct {
		number exchange.Behavior
		cancel bool
		want   string // "": nothing
	}{
		"completed":  {exchange.Subscriber, false, ""},
		"busy":       {exchange.Busy, false, ") failed: the number was busy"},
		"no modem":   {exchange.Voice, false, ") failed: no modem answered"},
		"in no time": {exchange.NoAnswer, false, ") failed: it could not be completed in time"},
		"cancelled":  {exchange.Busy, true, ") was cancelled"},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				o := townOptions{lines: 3}
				if tc.number == exchange.NoAnswer {
					o.attempts, o.lifetime = 5, time.Minute
				}
				inTown(t, o, func(w *town) {
					w.x.Reserve("84001", tc.number)
					p := promised(w)
					if tc.cancel {
						if err := w.broker.CancelCallback(context.Background(), w.last().ID, "kim"); err != nil {
							t.Fatal(err)
						}
					}
					if tc.number == exchange.Subscriber {
						p.see("maui-nas-04>", 3*time.Minute)
						p.typ("exit")
						p.see("NO CARRIER", time.Minute)
					}
					w.pass(3 * time.Minute)
					if restart {
						w.halt()
						w.start()
						w.idle(time.Minute)
					}
					w.x.Reserve("84001", exchange.Busy)
					p.typ("ats0=1")
					p.login("austin-01")
					text := p.see("Callback initiated", time.Minute)
					says := strings.Contains(text, "\nYour last callback (") && strings.Contains(text, tc.want+"\r\n")
					if tc.want != "" && !says || tc.want == "" && strings.Contains(text, "last callback") {
						t.Errorf("restart %v: %q, want %q", restart, text, tc.want)
					}
					if strings.Contains(text, "84001") || strings.Contains(text, "kim") {
						t.Errorf("it says too much: %q", text)
					}
				})
			})
		}
	}
}

// A user who may not learn whether a callback follows learns nothing of the last one, and it is not said before the
// password.
func TestLastCallbackIsNotForAll(t *testing.T) {
	secure := false
	o := townOptions{lines: 3, policy: func(p *policies.Policy) {
		if secure {
			p.Callback, p.NoVerify = policies.Secure, false
		}
	}}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84001", exchange.Busy)
		p := promised(w)
		w.pass(2 * time.Minute)
		secure = true
		w.broker.Reload(w.config())
		p.typ("atdt55555")
		text := p.see("Username: ", 2*time.Minute)
		p.typ("austin-01")
		text += p.see("Password: ", time.Minute)
		p.typ(password)
		text += p.see("NO CARRIER", time.Minute)
		if strings.Contains(text, "last callback") || !strings.Contains(text, "Line is disconnected") {
			t.Errorf("%q", text)
		}
	})
}

// A number at which a callback has failed is not called for a while, for any user, also after a restart.
func TestDisable(t *testing.T) {
	for _, restart := range []bool{false, true} {
		disable := func(p *policies.Policy) { p.Attempts.Disable = 10 * time.Minute }
		inTown(t, townOptions{lines: 3, policy: disable}, func(w *town) {
			w.x.Reserve("84001", exchange.Busy)
			p := promised(w)
			w.pass(2 * time.Minute)
			if restart {
				w.halt()
				w.start()
				w.idle(time.Minute)
			}
			other := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
			other.asksFor("55555", "84001")
			other.see("Callback not available", time.Minute)
			other.dte.SetDTR(false)
			w.pass(8 * time.Minute)
			w.x.Reserve("84001", exchange.Subscriber)
			p.typ("ats0=1")
			p.login("austin-01")
			p.see("maui-nas-04>", 5*time.Minute)
			if n := len(w.dialed()); n != 2 {
				t.Errorf("restart %v: %d dials", restart, n)
			}
		})
	}
}
