package broker_test

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp/ppptest"
)

// The line-hold attack (2600; Phrack 17): the caller never hangs up, the exchange keeps their call up, and they answer
// the callback with a CONNECT of their own. Law 5: without the second, fresh login there is no session.
func TestLineHold(t *testing.T) {
	hold := exchange.ModemConfig{HoldsLine: true}
	t.Run("another line calls back", func(t *testing.T) {
		inTown(t, townOptions{home: exchange.ModemConfig{}, lines: 2}, func(w *town) {
			attacker := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "attacker", Number: "84666", HoldsLine: true}))
			victim := w.pc(w.home)
			victim.typ("ats0=1")
			attacker.login("kihei-03")
			attacker.see("Callback initiated", time.Minute)
			victim.see("CONNECT", 2*time.Minute)
			victim.see("Username: ", time.Minute)
			for _, d := range w.dialed() {
				if d.Modem == "tty65" {
					t.Error("the called line dialed while its rotary had another")
				}
			}
			if got, ok := attacker.await("maui-nas-04>", time.Minute); ok {
				t.Errorf("the attacker has a session: %q", got)
			}
			attacker.dte.SetDTR(false)
			victim.dte.SetDTR(false)
			w.idle(10 * time.Minute)
		})
	})
	t.Run("the same line must call back", func(t *testing.T) {
		inTown(t, townOptions{home: hold, lines: 1}, func(w *town) {
			p := w.pc(w.home)
			p.login("kihei-03")
			p.see("Callback initiated", time.Minute)
			if got, ok := p.await("maui-nas-04>", 10*time.Minute); ok {
				t.Errorf("the attacker has a session without a login: %q", got)
			}
			p.dte.SetDTR(false)
			w.pass(30 * time.Minute)
			if v := w.last(); v.Phase == "completed" || v.Pending() {
				t.Errorf("phase %s", v.Phase)
			}
		})
	})
}

// The ring-in race: a caller calls the line just as it goes off hook to dial. An incoming call is never mistaken for
// the callback.
func TestGlare(t *testing.T) {
	for _, before := range []time.Duration{0, time.Second, 3 * time.Second, 4500 * time.Millisecond,
		4900 * time.Millisecond} {
		t.Run(before.String(), func(t *testing.T) {
			inTown(t, townOptions{lines: 1, sameLine: true, line: exchange.ModemConfig{SeizedBefore: 4 * time.Second}},
				func(w *town) {
					p := w.pc(w.home)
					p.typ("ats0=1")
					p.login("austin-01") // no-verify: the first to connect would get the prompt
					p.see("Callback initiated", time.Minute)
					p.see("NO CARRIER", time.Minute)
					w.pass(before)
					thief := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "thief", Number: "84002"}))
					thief.typ("atdt55555")
					if got, ok := thief.await("maui-nas-04>", 5*time.Minute); ok {
						t.Errorf("the attacker has a session: %q", got)
					}
					thief.dte.SetDTR(false)
					p.dte.SetDTR(false)
					w.idle(10 * time.Minute)
				})
		})
	}
}

// Law 5: only the same user of the same entry is admitted on leg two; anyone else is refused, and there is no further
// attempt.
func TestLegTwoWantsTheSameIdentity(t *testing.T) {
	for name, login := range map[string][2]string{
		"another user":   {"paia-04", password},
		"wrong password": {"kihei-03", "wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{attempts: 3}, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("kihei-03")
				p.see("CONNECT", 2*time.Minute)
				for range 3 {
					p.see("Username: ", time.Minute)
					p.typ(login[0])
					p.see("Password: ", time.Minute)
					p.typ(login[1])
				}
				if got, ok := p.await("maui-nas-04>", 10*time.Minute); ok {
					t.Errorf("a session for %s: %q", name, got)
				}
				w.idle(time.Minute)
				if v := w.last(); v.Phase != "failed" || len(w.dialed()) != 1 {
					t.Errorf("phase %s, %d dials", v.Phase, len(w.dialed()))
				}
			})
		})
	}
}

// Law 6: a callback never causes a callback: kihei-03's grant on leg two says Callback again, and the user gets the
// prompt.
func TestCallbackCausesNoCallback(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("kihei-03")
		p.see("CONNECT", 2*time.Minute)
		p.see("Username: ", time.Minute)
		p.typ("kihei-03")
		p.see("Password: ", time.Minute)
		p.typ(password)
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		w.pass(time.Hour)
		if n := len(w.dialed()); n != 1 {
			t.Errorf("%d dials", n)
		}
	})
}

// silent is an AAA server that never answers; refusing rejects and still grants a number.
type silent struct{ aaa.Login }

func (silent) Start(context.Context, aaa.Request) (aaa.Conversation, aaa.Result) {
	return nil, aaa.Result{Reason: "no answer"}
}

type refusing struct{ aaa.Login }

func (refusing) Start(context.Context, aaa.Request) (aaa.Conversation, aaa.Result) {
	return nil, aaa.Result{Kind: aaa.Refused,
		Auth: aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001")}}
}

type panicking struct{ aaa.Login }

func (panicking) Start(context.Context, aaa.Request) (aaa.Conversation, aaa.Result) {
	panic("a bug in a method")
}

// Laws 4 and 11: silence, a refusal with a number and a panic admit no one, dial no one, and end at most that call.
func TestFailClosed(t *testing.T) {
	for _, o := range []townOptions{{login: silent{}}, {login: refusing{}}, {login: panicking{}}} {
		inTown(t, o, func(w *town) {
			p := w.pc(w.home)
			p.login("austin-01")
			got, in := p.await("maui-nas-04>", 5*time.Minute)
			if in || strings.Contains(got, "Callback initiated") {
				t.Errorf("%T: the screen shows %q", o.login, got)
			}
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			if d := w.dialed(); len(d) != 0 {
				t.Errorf("%T: dialed %v", o.login, d)
			}
		})
	}
}

// A caller who types endlessly without a Return keeps their line at most until the login time limit.
func TestFlood(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		p := w.pc(w.home)
		p.typ("atdt55555")
		p.see("Username: ", time.Minute)
		done := make(chan struct{})
		go func() {
			defer close(done)
			chunk := []byte(strings.Repeat("x", 1024))
			for range 1024 {
				if _, err := p.dte.Write(chunk); err != nil {
					return
				}
			}
		}()
		other := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		other.typ("atdt55555")
		other.see("Username: ", time.Minute)
		other.dte.SetDTR(false)
		p.await("NO CARRIER", 3*time.Minute)
		<-done
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// Law 9: the leases that are out are those of the lines in use.
func TestQuarantine(t *testing.T) {
	inTown(t, townOptions{lines: 1, noRotary: true, sameLine: true}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		w.lines[0].SetFault(exchange.Fault{DCDStuckOn: true})
		p.see("Callback initiated", time.Minute)
		w.pass(5 * time.Minute)
		if s := w.pool.Lines()[0]; s.State != lines.Quarantined {
			t.Errorf("DCD is stuck on and the line is %s", s.State)
		}
		if d := w.dialed(); len(d) != 0 {
			t.Errorf("a line that could not be proven on hook dialed %v", d)
		}
		w.lines[0].SetFault(exchange.Fault{})
		p.see("RING", 30*time.Minute)
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// The in-band escape: the called user types +++ between the silences of the guard time, and our echo carries it to our
// own modem. The modem must stay in data state, even if the script began with ATZ, which loads the modem's own profile.
func TestEscapeOnLegTwo(t *testing.T) {
	for _, dial := range []string{"", `ABORT ERROR "" "ATZ" OK "ATDT \T" TIMEOUT 45 CONNECT \c`,
		`"" "AT&F" OK "ATDT \T" TIMEOUT 45 CONNECT \c`} {
		t.Run(dial, func(t *testing.T) {
			inTown(t, townOptions{dial: dial}, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1s2=255")
				p.login("kihei-03")
				p.see("CONNECT", 2*time.Minute)
				p.see("Username: ", time.Minute)
				w.pass(3 * time.Second)
				io.WriteString(p.dte, "+++")
				p.see("+++", time.Second)
				w.pass(3 * time.Second)
				for _, m := range w.lines {
					if s := m.State(); s == exchange.Escaped {
						t.Errorf("the modem of %s is in command state", m.Name())
					}
				}
				p.typ("\x15kihei-03")
				p.see("Password: ", time.Minute)
				p.typ(password)
				p.see("maui-nas-04>", time.Minute)
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}

// A user whose callback cannot be made is not admitted on the call that they made: without a number, with an unknown
// place, with a caller ID that was withheld, with a grant for another service. The user's password is right each time.
func TestNoNumberIsNoSession(t *testing.T) {
	for name, auth := range map[string]aaa.Authorization{
		"no number":       {Callback: true, PrivLevel: 1},
		"unknown place":   {Callback: true, CallbackID: "paris", PrivLevel: 1},
		"no caller ID":    {CallerID: true, PrivLevel: 1},
		"two numbers":     {Callback: true, CallbackID: "home", Dialstring: aaa.DialstringOf("84001"), PrivLevel: 1},
		"no valid number": {Dialstring: aaa.DialstringOf("84001;ATH"), PrivLevel: 1},
		"another service": {Refuse: "Service-Type: 5 (Outbound)", Dialstring: aaa.DialstringOf("84001"), PrivLevel: 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{frontEnds: withPPP, user: func(a *aaa.Authorization) { *a = auth }}
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("kihei-03")
				if got, ok := p.await("maui-nas-04>", 3*time.Minute); ok || strings.Contains(got, "initiated") {
					t.Errorf("EXEC: the screen shows %q", got)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				p.dte.SetDTR(true)
				p.typ("atdt55555")
				p.see("CONNECT", time.Minute)
				c := &ppptest.Client{User: "kihei-03", Password: password, Callback: []byte{6},
					Response: func([]byte) []byte { return []byte{1, 2} }}
				if p.linksUp(c); c.IPUp || c.CBCPAck != nil {
					t.Errorf("PPP: %+v", c)
				}
				p.dte.SetDTR(false)
				w.pass(10 * time.Minute)
				if n, d := w.promised(), w.dialed(); n != 0 || len(d) != 0 {
					t.Errorf("%d callbacks, dialed %v", n, d)
				}
				w.idle(time.Minute)
			})
		})
	}
}

// The line-hold attack many times: the attacker has stolen kihei-03's password, never hangs up, gets the call that the
// only line dials, and sends at random moments what a modem, another user or a PPP client might. Without the second
// login nobody gets the prompt.
func TestLineHoldManyTimes(t *testing.T) {
	tries := 40
	if os.Getenv("RINGBACK_LONG") != "" {
		tries = 10_000
	}
	random := rand.New(rand.NewPCG(1988, 17))
	says := []string{"OK", "CONNECT", "RING", "NO CARRIER", "\r\nOK\r\n\r\nCONNECT\r\n", "ATDT84001", "austin-01",
		"enable", "\x7e\xff\x7d\x23\xc0\x21\x7d\x21\x7e", "+++", "", "\x03", "\xff\xf4"}
	held := 0
	for done := 0; done < tries; {
		inTown(t, townOptions{home: exchange.ModemConfig{HoldsLine: true}, lines: 1, sameLine: true}, func(w *town) {
			for range min(20, tries-done) {
				done++
				p := w.pc(w.home)
				p.login("kihei-03")
				p.see("Callback initiated", time.Minute)
				if _, ok := p.await("CONNECT", 2*time.Minute); ok {
					held++
				}
				var screen strings.Builder
				for range 40 {
					p.typ(says[random.IntN(len(says))])
					got, _ := p.await("maui-nas-04>", time.Duration(random.IntN(2000))*time.Millisecond)
					screen.WriteString(got)
				}
				if strings.Contains(screen.String(), "maui-nas-04>") {
					t.Errorf("try %d: the attacker has a session: %q", done, screen.String())
				}
				p.dte.SetDTR(false)
				w.pass(30 * time.Minute)
				if v := w.last(); v.Phase == "completed" || v.Pending() {
					t.Errorf("try %d: phase %s", done, v.Phase)
				}
				w.idle(time.Minute)
				p.dte.Close()
			}
		})
	}
	if held < tries/2 {
		t.Errorf("the attacker held the line in %d of %d tries only", held, tries)
	}
}
