package modem

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// impostors are callers that answer like a modem to all they receive.
var impostors = map[string]func(c *person, text string){
	"silent": nil,
	"OK":     func(c *person, text string) { c.keys("\r\nOK\r\n") },
	"zeros": func(c *person, text string) {
		if strings.Contains(text, "?") {
			c.keys("\r\n000\r\n\r\n000\r\n\r\n000\r\n")
		}
		c.keys("\r\nOK\r\n")
	},
	"echo": func(c *person, text string) { c.keys(text + "\r\nOK\r\n") },
	"NO CARRIER, RING, CONNECT": func(c *person, text string) {
		c.keys("\r\nOK\r\n\r\nNO CARRIER\r\n\r\nRING\r\n\r\nNMBR = 5550001\r\n\r\nCONNECT 33600\r\n")
	},
	"many numbers": func(c *person, text string) {
		var b strings.Builder
		for n := range 256 {
			fmt.Fprintf(&b, "\r\n%03d\r\n", n)
		}
		c.keys(b.String() + "\r\nOK\r\n")
	},
}

// TestTypedNoCarrier: a caller types NO CARRIER and then imitates the modem. The session ends. Until the modem is
// really on hook, the line is not leased, does not ring, and shows the caller no dial command.
func TestTypedNoCarrier(t *testing.T) {
	for name, says := range impostors {
		t.Run(name, func(t *testing.T) {
			atTheEdge(t, exchange.Dialect{}, func(e *edge) {
				e.until(lines.Idle)
				thief := e.at(e.stranger, nil)
				defer thief.leave()
				call := thief.call()
				<-time.After(time.Second)
				thief.plays(says)
				thief.keys("\r\nNO CARRIER\r\n")
				<-call.Done()
				if s, _ := e.pool.Line(1); s.State != lines.HangingUp {
					t.Errorf("the line is %q", s.State)
				}
				lease, err := e.pool.Acquire(e.t.Context(),
					lines.Want{Owner: "cb", TTYs: []int{1}, Rotary: lines.NoRotary})
				if err != nil {
					t.Fatal(err)
				}
				if state := e.line.State(); state != exchange.OnHook {
					t.Errorf("leased while the modem is %v", state)
				}
				lease.Release()
				e.until(lines.Idle)
				if s, _ := e.pool.Line(1); s.Counts[lines.CallsIn] != 1 || len(e.calls) != 0 {
					t.Errorf("%d calls, though one came in", s.Counts[lines.CallsIn])
				}
				if strings.Contains(thief.screen(), "ATD") {
					t.Errorf("the thief read %q", thief.screen())
				}
			})
		})
	}
}

// TestAnswersAtEachMoment: an impostor sends the OK, the numbers or the CONNECT at each 10 ms of the hang-up.
func TestAnswersAtEachMoment(t *testing.T) {
	const steps, step = 500, 10 * time.Millisecond
	for _, text := range []string{"\r\nOK\r\n", "\r\n000\r\n\r\n000\r\n\r\n000\r\n\r\nOK\r\n",
		"\r\nNO CARRIER\r\n\r\nRING\r\n", "\r\nCONNECT\r\n"} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			for i := range steps {
				atTheEdge(t, exchange.Dialect{}, func(e *edge) {
					e.until(lines.Idle)
					thief := e.at(e.stranger, nil)
					defer thief.leave()
					call := thief.call()
					<-time.After(time.Second)
					thief.keys("\r\nNO CARRIER\r\n")
					<-call.Done()
					go func() {
						<-time.After(time.Duration(i) * step)
						thief.keys(text)
					}()
					if c, _, err := e.dialHome(time.Minute); err != nil || c == nil {
						t.Errorf("%v after the session's end: the dial: %v", time.Duration(i)*step, err)
					}
					<-time.After(steps * step)
					if strings.Contains(thief.screen(), "ATD") {
						t.Errorf("%v: the thief read %q", time.Duration(i)*step, thief.screen())
					}
				})
			}
		})
	}
}

// TestCallerOnTheLineAtStart: a process died, or the port was lost, while a call was up. Its caller answers like the
// modem. The line does not come into service before that call has ended.
func TestCallerOnTheLineAtStart(t *testing.T) {
	for name, says := range impostors {
		for _, kept := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, state kept %v", name, kept), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					e := newEdge(t, exchange.ModemConfig{})
					e.run()
					e.until(lines.Idle)
					thief := e.at(e.stranger, nil)
					thief.call()
					thief.plays(says)
					killed := e.proofs // the state on disk
					e.line.Disconnect()
					e.endAsIfKilled()
					if !kept {
						killed = &Proofs{} // and with another key
					}
					if state := e.line.State(); state != exchange.Connected {
						t.Fatalf("the modem is %v: there is no call to attack with", state)
					}
					e.proofs = killed
					e.run()
					e.until(lines.Idle)
					if state := e.line.State(); state != exchange.OnHook {
						t.Errorf("in service, and the modem is %v", state)
					}
					if strings.Contains(thief.screen(), "ATD") {
						t.Errorf("the thief read %q", thief.screen())
					}
					thief.leave()
					e.close()
				})
			})
		}
	}
}

// endAsIfKilled ends a process whose port is lost, so that it can do nothing more to the modem.
func (e *edge) endAsIfKilled() { e.end() }

// TestRingAtEachMoment: a stranger's call arrives at each 10 ms of a dial. A reported connection is always to the
// subscriber.
func TestRingAtEachMoment(t *testing.T) {
	const steps, step = 120, 10 * time.Millisecond
	for _, trigger := range []string{"AT\r", "S0=0S18?S25?S26?\r", "ATDT" + homeNumber + "\r"} {
		t.Run(trigger, func(t *testing.T) {
			for i := range steps {
				atTheEdge(t, exchange.Dialect{}, func(e *edge) {
					e.until(lines.Idle)
					thief := e.at(e.stranger, impostors["NO CARRIER, RING, CONNECT"])
					defer thief.leave()
					e.line.After(trigger, time.Duration(i)*step, func() { e.x.Ring(e.stranger, e.line) })
					_, code, err := e.dialHome(5 * time.Minute)
					if code == lines.NoResult && err != nil {
						t.Errorf("%v after %q: %v", time.Duration(i)*step, trigger, err)
					}
					if strings.Contains(thief.screen(), "ATD") {
						t.Errorf("the thief read %q", thief.screen())
					}
				})
			}
		})
	}
}

// TestPowerCycle: a modem that was switched off and on knows no secret. It does not dial until the operator confirms
// that no call is up.
func TestPowerCycle(t *testing.T) {
	atTheEdge(t, exchange.Dialect{}, func(e *edge) {
		e.until(lines.Idle)
		e.line.PowerCycle()
		before := len(e.x.Dials())
		if c, _, err := e.dialHome(2 * time.Minute); c != nil || err == nil {
			t.Error("dialed with an unproven modem")
		}
		s := e.until(lines.Quarantined)
		if !strings.Contains(s.Reason, "clear line") {
			t.Errorf("reason %q", s.Reason)
		}
		<-time.After(time.Hour)
		e.until(lines.Quarantined)
		if n := len(e.x.Dials()); n != before {
			t.Errorf("%d dials", n-before)
		}
		if err := e.pool.Clear(1); err != nil {
			t.Error(err)
		}
		e.until(lines.Idle)
		if c, _, err := e.dialHome(2 * time.Minute); c == nil || err != nil {
			t.Errorf("after clear line: %v", err)
		}
	})
}

// TestSecretIsRenewed: the registers have other values after each call and each dial, and debug output never contains
// them.
func TestSecretIsRenewed(t *testing.T) {
	atTheEdge(t, exchange.Dialect{}, func(e *edge) {
		e.until(lines.Idle)
		told := func() string {
			return fmt.Sprintf("%03d %03d %03d", e.line.Register(18), e.line.Register(25), e.line.Register(26))
		}
		seen := map[string]bool{told(): true}
		for range 3 {
			thief := e.at(e.stranger, nil)
			call := thief.call()
			if !seen[told()] {
				t.Error("written while a call is up")
			}
			_ = call.Hangup(e.t.Context())
			e.until(lines.Idle)
			if seen[told()] {
				t.Error("the same after a call")
			}
			seen[told()] = true
			thief.leave()
			if _, _, err := e.dialHome(time.Minute); err != nil {
				t.Error(err)
			}
			e.until(lines.Idle)
			if seen[told()] {
				t.Error("the same after a dial")
			}
			seen[told()] = true
		}
		all := strings.Join(e.debugLines(), "\n")
		if written := strings.Count(all, "S18="); written != strings.Count(all, "S18=255") ||
			!strings.Contains(all, "[secret]") {
			t.Error("debug shows the secret") // 255 is the value that tests the registers
		}
		for secret := range seen {
			for _, n := range strings.Fields(secret) {
				if strings.Contains(all, `"`+n+`"`) {
					t.Errorf("debug shows %s", n)
				}
			}
		}
	})
}

// TestScriptThatResets: a script's ATZ or AT&F removes the secret and the settings from the modem. They are restored
// before the script's next line.
func TestScriptThatResets(t *testing.T) {
	for _, reset := range []string{"ATZ", "AT&F", "AT&F1E0V1", "ATS0=1", "ATS2=43", "ATS18=5", "ATQ1"} {
		t.Run(reset, func(t *testing.T) {
			atTheEdge(t, exchange.Dialect{}, func(e *edge) {
				lease, err := e.pool.Acquire(e.t.Context(),
					lines.Want{Owner: "cb", TTYs: []int{1}, Rotary: lines.NoRotary})
				if err != nil {
					t.Fatal(err)
				}
				before := e.line.Register(25)
				c, code, err := lease.Dial(e.t.Context(), func(ctx context.Context, c lines.CommandConn) error {
					want := "OK"
					if reset == "ATQ1" || reset == "AT&F1E0V1" { // the modem knows only &F0; Q1 has no answer
						want = ""
					}
					if err := expect(ctx, c, reset+"\r", want); err != nil {
						return err
					}
					if err := expect(ctx, c, "AT\r", "OK"); err != nil {
						return err
					}
					if e.line.Register(2) == '+' || e.line.Register(0) != 0 || e.line.Register(25) == before &&
						e.line.Register(18) == 0 {
						t.Errorf("S0=%d S2=%d S25=%d", e.line.Register(0), e.line.Register(2), e.line.Register(25))
					}
					return dialScript(homeNumber)(ctx, c)
				})
				if err != nil || code != lines.Connected {
					t.Errorf("%q %v", code, err)
				}
				if c != nil {
					thief := e.at(e.home, impostors["echo"])
					if err := c.Hangup(e.t.Context()); err != nil {
						t.Error(err)
					}
					thief.leave()
				}
				lease.Release()
				e.until(lines.Idle)
				if state := e.line.State(); state != exchange.OnHook {
					t.Errorf("the modem is %v", state)
				}
			})
		})
	}
}

// TestResetInTheDialLine: such a line is rejected, because it would remove the proof after the query for it.
func TestResetInTheDialLine(t *testing.T) {
	atTheEdge(t, exchange.Dialect{}, func(e *edge) {
		lease, err := e.pool.Acquire(e.t.Context(), lines.Want{Owner: "cb", TTYs: []int{1}, Rotary: lines.NoRotary})
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release()
		_, _, err = lease.Dial(e.t.Context(), func(ctx context.Context, c lines.CommandConn) error {
			return expect(ctx, c, "AT&FDT"+homeNumber+"\r", "CONNECT")
		})
		if err == nil || !strings.Contains(err.Error(), "on a line of its own") || len(e.x.Dials()) != 0 {
			t.Errorf("%v, %d dials", err, len(e.x.Dials()))
		}
	})
}

// TestKilledWhileResetting: a process that is killed, or a port that is lost, at any moment of the start does not put
// a line out of service.
func TestKilledWhileResetting(t *testing.T) {
	for _, trigger := range []string{"\b", "S26?", "ATH", speak, "ATZ", "S12?S0=0", "&C1", "S12=50", "S18=255",
		"S26?\r"} {
		for _, wait := range []time.Duration{0, time.Millisecond, 60 * time.Millisecond, 120 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, exchange.ModemConfig{})
				e.run()
				e.until(lines.Idle)
				e.end()
				e.line.After(trigger, wait, e.line.Disconnect)
				e.run()
				<-time.After(time.Minute)
				e.until(lines.Idle)
				if c, _, err := e.dialHome(time.Minute); c == nil || err != nil {
					t.Errorf("cut %v after %q: %v", wait, trigger, err)
				}
				e.close()
			})
		}
	}
}

// TestRingWhileResetting: a stranger's call arrives while the modem, whose stored profile answers by itself, is being
// reset, at the start or by a script. The stranger sees no dial command. The line does not count as idle while the
// call is up, and returns to service at the end.
func TestRingWhileResetting(t *testing.T) {
	for _, trigger := range []string{"ATZ", "S12?S0=0", "&C1", "S12=50", "S18=255", "ATZ\rx"} {
		for i := range 20 {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, exchange.ModemConfig{Profile: "S0=1"})
				thief := e.at(e.stranger, nil)
				script := trigger == "ATZ\rx"
				text := strings.TrimSuffix(trigger, "\rx")
				ring := func() {
					e.line.After(text, time.Duration(i)*20*time.Millisecond, func() { e.x.Ring(e.stranger, e.line) })
				}
				thief.plays(impostors["echo"])
				if !script {
					ring()
				}
				e.run()
				watched := e.watchIdle()
				var taken sync.WaitGroup
				over := make(chan struct{})
				taken.Go(func() { // a regular call is hung up
					for {
						select {
						case c := <-e.calls:
							<-time.After(time.Second)
							_ = c.Hangup(context.Background())
						case <-over:
							return
						}
					}
				})
				e.until(lines.Idle)
				if script {
					ring()
					lease, err := e.pool.Acquire(t.Context(),
						lines.Want{Owner: "cb", TTYs: []int{1}, Rotary: lines.NoRotary})
					if err != nil {
						t.Fatal(err)
					}
					c, _, _ := lease.Dial(t.Context(), func(ctx context.Context, c lines.CommandConn) error {
						if err := expect(ctx, c, "ATZ\r", "OK"); err != nil {
							return err
						}
						return dialScript(homeNumber)(ctx, c)
					})
					if c != nil {
						if state := e.home.State(); state != exchange.Connected {
							t.Errorf("%v after %q: a call from a modem that has not dialed", i, trigger)
						}
						_ = c.Hangup(t.Context())
					}
					lease.Release()
				}
				<-time.After(2 * time.Minute)
				e.until(lines.Idle)
				watched()
				close(over)
				taken.Wait()
				if c, _, err := e.dialHome(time.Minute); c == nil || err != nil {
					t.Errorf("%v after %q: %v", i, trigger, err)
				}
				if strings.Contains(thief.screen(), "ATD") {
					t.Errorf("%v after %q: the stranger read %q", i, trigger, thief.screen())
				}
				thief.leave()
				e.close()
			})
		}
	}
}

// TestRingWhileEscaping: a stranger's call arrives at each moment of the escapes that bring a modem without a known
// secret on hook, and the modem answers it by itself.
func TestRingWhileEscaping(t *testing.T) {
	for i := range 70 {
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t, exchange.ModemConfig{Profile: "S0=1"})
			thief := e.at(e.stranger, impostors["echo"])
			go func() {
				<-time.After(time.Duration(i) * 200 * time.Millisecond)
				e.x.Ring(e.stranger, e.line)
			}()
			e.run()
			watched := e.watchIdle()
			e.until(lines.Idle)
			<-time.After(time.Second)
			watched()
			if s, _ := e.pool.Line(1); s.State == lines.Idle && e.line.State() != exchange.OnHook {
				t.Errorf("%v: idle, and the modem is %v", i, e.line.State())
			}
			if strings.Contains(thief.screen(), "ATD") {
				t.Errorf("%v: the stranger read %q", i, thief.screen())
			}
			thief.leave()
			e.close()
		})
	}
}
