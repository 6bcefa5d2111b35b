package broker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// TestStartupAndResetScripts: the modem has what the scripts set, and the lines answer calls, on ports with modem
// signals and without.
func TestStartupAndResetScripts(t *testing.T) {
	for name, noSignals := range map[string]bool{"signals": false, "no signals": true} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{
				noSignals: noSignals,
				scripts:   map[string]string{"started": `ABORT ERROR "" ATS7=33 OK`, "again": `"" ATS7=34 OK`},
				events:    func(l *broker.Line) { l.StartupScript, l.ResetScript = "start", "^again$" },
			}, func(w *town) {
				if n := w.lines[0].Register(7); n != 33 {
					t.Errorf("after the start S7 is %d", n)
				}
				for range 2 {
					p := w.pc(w.home)
					p.login("paia-04")
					p.see(">", time.Minute)
					p.typ("exit")
					p.see("NO CARRIER", time.Minute)
					w.idle(time.Minute)
					if n := w.lines[0].Register(7); n != 34 {
						t.Errorf("after a call S7 is %d", n)
					}
				}
				for _, s := range w.pool.Lines() {
					if len(s.Notices) > 0 || s.Failure != nil {
						t.Errorf("%+v", s)
					}
				}
			})
		})
	}
}

// TestStartupScriptMustNotDial attacks law 2: no startup or reset script dials, however it is written, also one that no
// check of the configuration has seen. The line takes calls all the same.
func TestStartupScriptMustNotDial(t *testing.T) {
	for _, text := range []string{
		`"" ATDT84001 OK`, `"" ATZDT84001 OK`, `"" AT\c "" DT84001 OK`, `"" A\c "" \124\p\104T84001 OK`,
		`"" AT&F+VCID=1;DT84001 OK`, `"" "ATDT \T" CONNECT`, `"" AT OK A/ OK`,
		`"" "\301\324\304\32484001" OK`, `"" "A T D T 84001" OK`, `"" AT+FCLASS=0DT84001 OK`, `"" AT:DT84001 OK`,
		`"" AT+CKPD=\"84001s\" OK`,
	} {
		t.Run(text, func(t *testing.T) {
			inTown(t, townOptions{
				scripts: map[string]string{"bad": text},
				events:  func(l *broker.Line) { l.StartupScript, l.ResetScript = "bad", "bad" },
			}, func(w *town) {
				p := w.pc(w.home)
				p.login("paia-04")
				p.see(">", time.Minute)
				p.typ("exit")
				p.see("NO CARRIER", time.Minute)
				w.idle(2 * time.Minute)
				if d := w.dialed(); len(d) > 0 {
					t.Errorf("dialed %+v", d)
				}
				s, _ := w.pool.Line(65)
				if len(s.Notices) != 2 || s.Failure == nil || s.Failure.Kind != lines.FailScript {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestResetScriptAfterImpostor attacks law 7: on a port without modem signals, a caller ends the session with NO
// CARRIER, stays, and answers like a modem. The reset script begins only when the modem is on hook.
func TestResetScriptAfterImpostor(t *testing.T) {
	inTown(t, townOptions{
		noSignals: true, lines: 1,
		scripts: map[string]string{"again": `ABORT ERROR TIMEOUT 20 "" ATS7=34 OK`},
		events:  func(l *broker.Line) { l.ResetScript = "again" },
	}, func(w *town) {
		began := make(chan exchange.ModemState, 100)
		w.lines[0].After("ATS7=34\r", 0, func() { began <- w.lines[0].State() })
		p := w.pc(w.home)
		p.typ("atdt55555")
		p.see("Username: ", time.Minute)
		for range 40 {
			if _, err := p.dte.Write([]byte("\r\nNO CARRIER\r\n\r\nOK\r\n")); err != nil {
				break
			}
			w.pass(100 * time.Millisecond)
		}
		w.idle(5 * time.Minute)
		select {
		case state := <-began:
			if state != exchange.OnHook {
				t.Errorf("the script began while the modem was %v", state)
			}
		default:
			t.Error("the script did not run")
		}
		got, _ := p.await("ATS7", time.Second)
		if strings.Contains(got, "ATS7") {
			t.Errorf("the caller read %q", got)
		}
		if n := w.lines[0].Register(7); n != 34 {
			t.Errorf("S7 is %d", n)
		}
	})
}

// TestCallDuringResetScript: a call that comes in while the script runs is answered when it has ended.
func TestCallDuringResetScript(t *testing.T) {
	inTown(t, townOptions{
		lines:   1,
		scripts: map[string]string{"slow": `TIMEOUT 20 "" AT\d\d\d\d OK`},
		events:  func(l *broker.Line) { l.ResetScript = "slow" },
	}, func(w *town) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see(">", time.Minute)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		for s, _ := w.pool.Line(65); s.State != lines.Preparing; s, _ = w.pool.Line(65) {
			w.pass(100 * time.Millisecond)
		}
		p.login("paia-04")
		p.see(">", time.Minute)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		if s, _ := w.pool.Line(65); len(s.Notices) > 0 {
			t.Errorf("%q", s.Notices)
		}
	})
}

// greeting asks a caller for a code before the session.
const greeting = `TIMEOUT 20 "" "CODE:\c" 4711 "\r\nwelcome"`

// TestActivationScript: the script talks to the caller before the session, which gets what the caller types behind it.
func TestActivationScript(t *testing.T) {
	for name, noSignals := range map[string]bool{"signals": false, "no signals": true} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{
				noSignals: noSignals, scripts: map[string]string{"greet": greeting},
				events: func(l *broker.Line) { l.ActivationScript = "greet" },
			}, func(w *town) {
				p := w.pc(w.home)
				p.typ("atdt55555")
				if got := p.see("CODE:", time.Minute); strings.Contains(got, "Username") {
					t.Errorf("the session came first: %q", got)
				}
				_, _ = p.dte.Write([]byte("4711paia-04\r"))
				p.see("welcome", time.Minute)
				p.see("Username: paia-04", time.Minute)
				p.see("Password: ", time.Minute)
				p.typ(password)
				p.see(">", time.Minute)
				p.typ("exit")
				p.see("NO CARRIER", time.Minute)
				w.idle(time.Minute)
			})
		})
	}
}

// TestActivationScriptFails attacks laws 2, 4 and 7: whatever a caller types instead of the code, the call ends without
// a session and nothing is dialed; so it does for a script that is missing, or that would dial.
func TestActivationScriptFails(t *testing.T) {
	for name, c := range map[string]struct{ script, types string }{
		"silent":     {greeting, ""},
		"impostor":   {greeting, "OK\r\nCONNECT 9600\r\nRING\r\nATDT84010\r\n"},
		"no carrier": {`ABORT "NO CARRIER" TIMEOUT 20 "" "CODE:\c" 4711 \c`, "\r\nNO CARRIER\r\n"},
		"dials":      {`"" "CODE:ATDT\T" 4711 \c`, ""},
	} {
		for _, noSignals := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, no signals %v", name, noSignals), func(t *testing.T) {
				inTown(t, townOptions{
					noSignals: noSignals, lines: 1, scripts: map[string]string{"greet": c.script},
					events: func(l *broker.Line) { l.ActivationScript = "greet" },
				}, func(w *town) {
					p := w.pc(w.home)
					p.typ("atdt55555")
					p.see("CONNECT", time.Minute)
					if name != "dials" {
						p.see("CODE:", time.Minute)
						_, _ = p.dte.Write([]byte(c.types))
					}
					if got := p.see("NO CARRIER", 2*time.Minute); strings.Contains(got, "Username") {
						t.Errorf("a session: %q", got)
					}
					w.idle(2 * time.Minute)
					if d := w.dialed(); len(d) > 0 {
						t.Errorf("dialed %+v", d)
					}
				})
			})
		}
	}
}

// TestClearLineDuringActivation: `clear line` ends the script and the call.
func TestClearLineDuringActivation(t *testing.T) {
	inTown(t, townOptions{
		lines: 1, scripts: map[string]string{"greet": `TIMEOUT 3600 "" "CODE:\c" 4711 \c`},
		events: func(l *broker.Line) { l.ActivationScript = "greet" },
	}, func(w *town) {
		p := w.pc(w.home)
		p.typ("atdt55555")
		p.see("CODE:", time.Minute)
		if err := w.broker.ClearLine(context.Background(), 65, "test"); err != nil {
			t.Error(err)
		}
		p.see("NO CARRIER", 20*time.Second)
		w.idle(time.Minute)
		p.typ("atdt55555") // and without an operator it does not last for ever
		p.see("CODE:", time.Minute)
		p.see("NO CARRIER", 2*time.Minute)
		w.idle(time.Minute)
	})
}

// calledBack logs a user in who is called back, and answers.
func calledBack(w *town) *pc {
	p := w.pc(w.home)
	p.login("kihei-03")
	p.see("NO CARRIER", time.Minute)
	p.see("RING", 2*time.Minute)
	p.typ("ata")
	p.see("CONNECT", time.Minute)
	return p
}

// TestSystemScript: when a callback is answered, the script of the group logs on to the called system, and then leg two
// begins. Its password is in no transcript.
func TestSystemScript(t *testing.T) {
	var debug strings.Builder
	inTown(t, townOptions{
		chatDebug: func(_ int, text string) { debug.WriteString(text + "\n") },
		scripts: map[string]string{"other-login": `"" wrong`,
			"acme-login": `TIMEOUT 20 ogin: ringback ssword: pa55 ready \c`},
		events: func(l *broker.Line) { l.SystemScript = "login" },
		policy: func(p *policies.Policy) { p.Dial.SystemScript = "^acme" },
	}, func(w *town) {
		p := calledBack(w)
		_, _ = p.dte.Write([]byte("login: "))
		p.see("ringback\r", time.Minute)
		_, _ = p.dte.Write([]byte("Password: "))
		p.see("pa55\r", time.Minute)
		_, _ = p.dte.Write([]byte("\r\nready"))
		p.see("Username: ", time.Minute)
		p.typ("kihei-03")
		p.see("Password: ", time.Minute)
		p.typ(password)
		p.see(">", time.Minute)
		if v := w.last(); v.Phase != "completed" {
			t.Errorf("%s %s", v.Phase, v.Cause)
		}
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		if got := debug.String(); strings.Contains(got, "pa55") || !strings.Contains(got, "Sending string: [secret]") {
			t.Errorf("debug chat:\n%s", got)
		}
	})
}

// TestSystemScriptFails: the called side does not log on: no session, and the callback has failed after its one dial.
func TestSystemScriptFails(t *testing.T) {
	inTown(t, townOptions{
		scripts: map[string]string{"acme-login": `ABORT ncorrect TIMEOUT 20 ogin: ringback ssword: pa55 ready \c`},
		events:  func(l *broker.Line) { l.SystemScript = "acme" },
	}, func(w *town) {
		p := calledBack(w)
		_, _ = p.dte.Write([]byte("login: Login incorrect\r\nOK\r\nCONNECT\r\n"))
		if got := p.see("NO CARRIER", time.Minute); strings.Contains(got, "Username") || strings.Contains(got, "pa55") {
			t.Errorf("after the failed logon: %q", got)
		}
		w.idle(5 * time.Minute)
		if v := w.last(); v.Phase != "failed" || !strings.Contains(fmt.Sprint(v.History), "ncorrect") {
			t.Errorf("%s: %v", v.Phase, v.History)
		}
		if d := w.dialed(); len(d) != 1 {
			t.Errorf("dialed %+v", d)
		}
	})
}

// TestModemScript: the script that dials matches the regular expressions of the line and of the group. If none does, or
// there is no system script, nothing is dialed or counted.
func TestModemScript(t *testing.T) {
	dials := func(speed int) string {
		return fmt.Sprintf(`"" ATS7=%d OK "ATDT \T" TIMEOUT 45 CONNECT \c`, speed)
	}
	for name, c := range map[string]struct {
		modem, system string
		s7            byte // that the script sets; 0: nothing is dialed
	}{
		"both":             {"v34$", "", 34},
		"first of several": {"v3", "", 32},
		"no modem script":  {"v90$", "", 0},
		"no system script": {"v34$", "acme", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{
				scripts: map[string]string{"b-v34": dials(35)},
				order:   []string{"a-v32", dials(32), "a-v34", dials(34)},
				events:  func(l *broker.Line) { l.CallbackScript, l.DialerScript = "", "^a-" },
				policy: func(p *policies.Policy) {
					p.Dial.ModemScript, p.Dial.SystemScript = c.modem, c.system
				},
			}, func(w *town) {
				if c.s7 > 0 {
					p := calledBack(w)
					p.see("Username: ", time.Minute)
					if n := w.lines[1].Register(7); n != c.s7 {
						t.Errorf("dialed with S7=%d, want %d", n, c.s7)
					}
					return
				}
				p := w.pc(w.home)
				p.login("kihei-03")
				p.see("NO CARRIER", time.Minute)
				w.pass(5 * time.Minute)
				v := w.last()
				if v.Phase != "failed" || len(v.Attempt) != 0 || len(w.dialed()) != 0 ||
					!strings.Contains(fmt.Sprint(v.History), "no matching chat script found") {
					t.Errorf("%s, %d attempts: %v", v.Phase, len(v.Attempt), v.History)
				}
			})
		})
	}
}
