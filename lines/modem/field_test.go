package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// TestProvableModems: the modem's capabilities decide whether a line without modem signals is in service.
func TestProvableModems(t *testing.T) {
	keeps := func(fixed ...int) exchange.Dialect {
		d := exchange.Dialect{Registers: map[int]exchange.Register{}}
		for _, n := range fixed {
			d.Registers[n] = exchange.Register{Fixed: true}
		}
		return d
	}
	for _, tc := range []struct {
		name     string
		d        exchange.Dialect
		own      []int // proof_registers
		insecure bool
		down     string // part of the reason; "" in service
		escape   byte   // the final S2; 0: one of escapeChars
	}{
		{name: "as in V.250"},
		{name: "numbers without leading zeros", d: exchange.Dialect{BareNumbers: true}},
		{name: "numbers in one line", d: exchange.Dialect{OneLine: " "}},
		{name: "numbers with commas", d: exchange.Dialect{OneLine: ","}},
		{name: "one register keeps nothing", d: keeps(25)},
		{name: "two keep nothing", d: keeps(25, 26),
			down: "S25, S26 do not keep written values (set proof_registers"},
		{name: "two keep nothing, others do", d: keeps(25, 26), own: []int{40, 41, 42}},
		{name: "two keep nothing, insecure", d: keeps(25, 26), insecure: true},
		{name: "no such register", d: exchange.Dialect{Registers: map[int]exchange.Register{18: {Missing: true},
			25: {Missing: true}}}, down: "S18, S25 do not keep"},
		{name: "at most 99", d: exchange.Dialect{Registers: map[int]exchange.Register{18: {Max: 99}, 26: {Max: 99}}},
			down: "S18, S26 do not keep"},
		{name: "keeps the plus", d: keeps(2), escape: '+'},
		{name: "another escape that cannot be set",
			d:    exchange.Dialect{Registers: map[int]exchange.Register{2: {Value: 126, Fixed: true}}},
			down: "its escape character is 126 and cannot be set"},
		{name: "no guard time", d: exchange.Dialect{Registers: map[int]exchange.Register{12: {Missing: true}}},
			down: "does not report its escape character and guard time"},
		{name: "no guard time, insecure",
			d: exchange.Dialect{Registers: map[int]exchange.Register{12: {Missing: true}}}, insecure: true},
		{name: "its own guard time",
			d: exchange.Dialect{Registers: map[int]exchange.Register{12: {Value: 100, Fixed: true}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			atTheEdge(t, tc.d, func(e *edge) {
				if tc.down != "" {
					<-time.After(time.Minute)
					s := e.until(lines.Down)
					if !strings.Contains(s.Reason, tc.down) || !strings.Contains(s.Reason, "insecure_signals: true") {
						t.Errorf("reason %q, want %q", s.Reason, tc.down)
					}
					return
				}
				s := e.until(lines.Idle)
				if told := strings.Contains(strings.Join(s.Notices, " "), "cannot prove"); told != tc.insecure {
					t.Errorf("notices %q", s.Notices)
				}
				if !s.InBand {
					t.Error("not marked in-band")
				}
				if got := e.line.Register(2); tc.escape != 0 && got != tc.escape || tc.escape == 0 && !tc.insecure &&
					!strings.ContainsRune(string(escapeChars), rune(got)) {
					t.Errorf("S2=%d", got)
				}
				thief := e.at(e.stranger, nil)
				defer thief.leave()
				call := thief.call()
				if err := call.Hangup(e.t.Context()); err != nil {
					t.Error(err)
				}
				if state := e.line.State(); state != exchange.OnHook {
					t.Errorf("hung up, and the modem is %v", state)
				}
				if c, _, err := e.dialHome(time.Minute); c == nil || err != nil {
					t.Errorf("dial: %v", err)
				}
			}, func(o *Options) { o.Config.ProofRegisters, o.Config.InsecureSignals = tc.own, tc.insecure })
		})
	}
}

// TestPortThatShouldHaveSignals: an RFC 2217 server without COM-PORT is not accepted as a port without signals,
// unless the operator allows it.
func TestPortThatShouldHaveSignals(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		atTheEdge(t, exchange.Dialect{}, func(e *edge) {
			if insecure {
				e.until(lines.Idle)
				return
			}
			<-time.After(time.Minute)
			if s := e.until(lines.Down); !strings.Contains(s.Reason, "no modem signals") {
				t.Errorf("reason %q", s.Reason)
			}
		}, func(o *Options) { o.Config.InBand, o.Config.InsecureSignals = false, insecure })
	}
}

// TestModemsOfTheField: properties of modems on which the driver used to fail. Each modem answers a call, dials, and
// is on hook at the end.
func TestModemsOfTheField(t *testing.T) {
	for _, tc := range []struct {
		name    string
		d       exchange.Dialect
		profile string
		fault   exchange.Fault
	}{
		{name: "deaf for 2 ms after a result code", d: exchange.Dialect{Deaf: 2 * time.Millisecond}}, // V.250 §5.7
		{name: "deaf for 90 ms after a result code", d: exchange.Dialect{Deaf: 90 * time.Millisecond}},
		{name: "Q1 stored", profile: "Q1"},
		{name: "V0 stored", profile: "V0"},
		{name: "Q1V0E1 stored", profile: "Q1V0E1"},
		{name: "lower-case result codes", d: exchange.Dialect{LowerCase: true}},
		{name: "S0 stored", profile: "S0=1"},
		{name: "loses an ATA", fault: exchange.Fault{LosesATA: 1}},
		{name: "loses two", fault: exchange.Fault{LosesATA: 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, signals := range []bool{false, true} {
				onTown(t, exchange.ModemConfig{Dialect: tc.d, Profile: tc.profile}, func(e *edge) {
					e.until(lines.Idle)
					e.line.SetFault(tc.fault)
					someone := e.at(e.stranger, nil)
					call := someone.call()
					_ = call.Hangup(e.t.Context())
					if c, _, err := e.dialHome(time.Minute); c == nil || err != nil {
						t.Errorf("signals %v: dial: %v", signals, err)
					}
					e.until(lines.Idle)
					if state := e.line.State(); state != exchange.OnHook {
						t.Errorf("signals %v: the modem is %v", signals, state)
					}
					someone.leave()
				}, withSignals(signals))
			}
		})
	}
}

// TestCallerIDAtAnyTime: the number arrives before the first ring, after it, or after the second.
func TestCallerIDAtAnyTime(t *testing.T) {
	for _, when := range []exchange.CallerIDTime{exchange.BeforeFirstRing, exchange.AfterFirstRing} {
		for _, check := range []bool{false, true} {
			onTown(t, exchange.ModemConfig{CallerID: true, Dialect: exchange.Dialect{CallerIDTime: when}},
				func(e *edge) {
					e.until(lines.Idle)
					someone := e.at(e.stranger, nil)
					call := someone.call()
					if call.Caller != "66666" {
						t.Errorf("%v: caller %q", when, call.Caller)
					}
					if check && (len(e.asked) != 1 || e.asked[0] != "66666") {
						t.Errorf("%v: asked about %q", when, e.asked)
					}
					_ = call.Hangup(e.t.Context())
					someone.leave()
				}, func(o *Options) { o.Config.CallerID, o.Config.CallCheck = true, check })
		}
	}
}

// TestCallerIDAfterTheSecondRing: the number arrives after AAA was asked about a call without one. AAA is asked
// again, about the number.
func TestCallerIDAfterTheSecondRing(t *testing.T) {
	onTown(t, exchange.ModemConfig{CallerID: true, Dialect: exchange.Dialect{CallerIDTime: exchange.AfterSecondRing}},
		func(e *edge) {
			e.grants = func(number string) bool { return number == "66666" }
			e.until(lines.Idle)
			someone := e.at(e.stranger, nil)
			call := someone.call()
			if call.Caller != "66666" || strings.Join(e.asked, " ") != " 66666" {
				t.Errorf("caller %q, asked about %q", call.Caller, e.asked)
			}
			_ = call.Hangup(e.t.Context())
			someone.leave()
		}, func(o *Options) { o.Config.CallCheck = true })
}

// TestCallerIDIsNotKept: a number without a ring after it does not belong to the next call.
func TestCallerIDIsNotKept(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		f.say("\r\nNMBR = 5550001\r\n")
		b.pass(9 * time.Second)
		if c := b.incoming(); c.Caller != "" {
			t.Errorf("caller %q", c.Caller)
		} else {
			_ = c.Hangup(b.t.Context())
		}
	}, func(o *Options) { o.Config.CallerID = true })
}

// TestHungModemIsFound: the probe finds a modem that hangs while idle; the line returns when the modem answers.
func TestHungModemIsFound(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		onTown(t, exchange.ModemConfig{}, func(e *edge) {
			e.until(lines.Idle)
			began := time.Now()
			e.line.SetFault(exchange.Fault{Hung: true})
			e.leaves(lines.Idle)
			if took := time.Since(began); took > 12*time.Minute {
				t.Errorf("found after %v", took)
			}
			e.line.SetFault(exchange.Fault{})
			e.until(lines.Idle)
		}, withSignals(signals))
	})
}

// TestProbeLeavesRingsAlone: no command is sent while the line rings.
func TestProbeLeavesRingsAlone(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		b.pass(2 * time.Hour)
		b.pool.Drain() // no call is answered
		f.code("RING")
		b.pass(time.Second)
		if err := b.drv.Probe(b.t.Context()); !errors.Is(err, lines.ErrRinging) {
			t.Errorf("probe of a line that rings: %v", err)
		}
		before := f.allCommands()
		for range 300 {
			f.code("RING")
			b.pass(6 * time.Second)
		}
		if after := f.allCommands(); after != before {
			t.Errorf("asked while it rang: %q", after[len(before):])
		}
	})
}

// TestProbe: a modem that answers is unchanged. For one that does not answer, every way of proof is tried, and the
// error says what failed.
func TestProbe(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		b.pass(5 * time.Minute)
		if err := b.drv.Probe(b.t.Context()); err != nil {
			t.Error(err)
		}
		f.set(func() { f.mute = true })
		if err := b.drv.Probe(b.t.Context()); err != nil {
			t.Errorf("probed again although it has just answered: %v", err)
		}
		b.pass(5 * time.Minute)
		if err := b.drv.Probe(b.t.Context()); err == nil || !errors.Is(err, lines.ErrDown) {
			t.Errorf("a modem that does not answer: %v", err)
		}
		f.set(func() { f.mute = false })
		b.until(lines.Idle)
	})
}

// TestCommandGap: no command is sent too soon after a result code, not even by a script that sees OK before its line
// end.
func TestCommandGap(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		onTown(t, exchange.ModemConfig{Dialect: exchange.Dialect{Deaf: 100*time.Millisecond - 1}}, func(e *edge) {
			e.until(lines.Idle)
			for range 3 {
				if c, _, err := e.dialHome(time.Minute); c == nil || err != nil {
					t.Errorf("dial: %v", err)
				}
			}
		}, withSignals(signals))
	})
}

// TestSettle: reading starts with CONNECT; our first text is sent 0.5 s later.
func TestSettle(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		began := time.Now()
		go f.say("early")
		buf := make([]byte, 5)
		if _, err := io.ReadFull(c, buf); err != nil || time.Since(began) > 10*time.Millisecond {
			t.Errorf("read %q after %v, %v", buf, time.Since(began), err)
		}
		if _, err := io.WriteString(c, "Username: "); err != nil || time.Since(began) != 500*time.Millisecond {
			t.Errorf("written %v after CONNECT, %v", time.Since(began), err)
		}
		if _, err := io.WriteString(c, "x"); err != nil || time.Since(began) != 500*time.Millisecond {
			t.Errorf("second write %v after CONNECT, %v", time.Since(began), err)
		}
		_ = c.Hangup(b.t.Context())
	})
}

// TestFramesDoNotSettle: frames are written at once.
func TestFramesDoNotSettle(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		began := time.Now()
		c.Data.(interface{ Frames() }).Frames()
		if _, err := io.WriteString(c, "~\xff}#"); err != nil || time.Since(began) > 10*time.Millisecond {
			t.Errorf("written %v after CONNECT, %v", time.Since(began), err)
		}
		_ = c.Hangup(b.t.Context())
	})
}

// TestNotices: a problem is shown even though the line works.
func TestNotices(t *testing.T) {
	onTown(t, exchange.ModemConfig{Dialect: exchange.Dialect{NoCallerID: true}}, func(e *edge) {
		e.until(lines.Idle)
		e.line.SetFault(exchange.Fault{DCDStuckOff: true})
		someone := e.at(e.stranger, nil)
		<-someone.call().Done()
		s := e.until(lines.Idle)
		all := fmt.Sprint(s.Notices)
		if !strings.Contains(all, "no caller ID: the modem answered ERROR to AT+VCID=1") ||
			!strings.Contains(all, "DCD stays off after CONNECT") {
			t.Errorf("notices %q", s.Notices)
		}
		e.line.SetFault(exchange.Fault{})
		someone.leave()
		someone = e.at(e.stranger, nil)
		call := someone.call()
		<-time.After(5 * time.Second)
		if s, _ := e.pool.Line(1); strings.Contains(fmt.Sprint(s.Notices), "DCD") {
			t.Errorf("notices %q, with a carrier", s.Notices)
		}
		_ = call.Hangup(e.t.Context())
		someone.leave()
	}, withSignals(true), func(o *Options) { o.Config.CallerID = true })
}

// TestHeldBack: an attempt whose dial command was never sent says so; one whose command was sent does not.
func TestHeldBack(t *testing.T) {
	for _, tc := range []struct {
		name   string
		script lines.Script
		held   bool
	}{
		{"no OK before it", func(ctx context.Context, c lines.CommandConn) error { return errTimeout }, true},
		{"no dial command", func(ctx context.Context, c lines.CommandConn) error { return nil }, true},
		{"busy", dialScript("5551"), false},
		{"given up", func(ctx context.Context, c lines.CommandConn) error {
			if err := expect(ctx, c, "ATDT5551\r", ""); err != nil {
				return err
			}
			return errTimeout
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(true)
			f.dials = func(string) string { return "BUSY" }
			onBench(t, f, func(b *bench) {
				l := b.lease()
				_, _, err := l.Dial(b.t.Context(), tc.script)
				if errors.Is(err, lines.ErrHeldBack) != tc.held || (len(f.dialedCommands()) == 0) != tc.held {
					t.Errorf("%v, dialed %q", err, f.dialedCommands())
				}
				l.Release()
				b.until(lines.Idle)
			})
		})
	}
}

// silentOnATA returns a modem that does not answer ATA.
func silentOnATA(signals bool) *fake {
	f := newFake(signals)
	f.reply = func(cmd string) string {
		if cmd == "ATA" {
			return " "
		}
		return ""
	}
	return f
}

// TestStopWhileAnswering: a modem that does not answer ATA does not delay the end of the process.
func TestStopWhileAnswering(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := silentOnATA(signals)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			f.code("RING")
			b.pass(10 * time.Second)
			began := time.Now()
			b.stop()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the end took %v", took)
			}
		})
	})
}

// TestRingBehindAnswer: a ring that is reported behind ATA does not mean that the modem has lost ATA, and a second one
// would end the call. Two rings mean it.
func TestRingBehindAnswer(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := silentOnATA(signals)
		answers := func() int { return strings.Count(f.allCommands(), "ATA") }
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			f.code("RING")
			b.pass(2500 * time.Millisecond)
			if n := answers(); n != 1 {
				t.Fatalf("ATA was sent %d times", n)
			}
			f.code("RING")
			b.pass(6 * time.Second)
			if n := answers(); n != 1 {
				t.Errorf("one ring behind ATA: it was sent %d times", n)
			}
			f.code("RING")
			b.pass(time.Second)
			if n := answers(); n != 2 {
				t.Errorf("two rings behind ATA: it was sent %d times", n)
			}
		})
	})
}

// TestRingBehindNoCarrier: the next call rings before the silence that confirms a NO CARRIER. The session still ends,
// and that call is answered.
func TestRingBehindNoCarrier(t *testing.T) {
	for _, behind := range []string{"\r\nRING\r\n", "\r\nNMBR = 5551234\r\n", "\r\nOK\r\n", "\r\n+CRING: SYNC\r\n"} {
		for _, chunk := range []int{0, 1, 7} {
			f := newFake(false)
			onBench(t, f, func(b *bench) {
				b.until(lines.Idle)
				c := b.incoming()
				f.set(func() { f.online, f.offHook = false, false; f.chunk = chunk })
				f.say("bye\r\nNO CARRIER\r\n" + behind)
				select {
				case <-c.Done():
				case <-time.After(time.Second):
					t.Errorf("%q: the session continues", behind)
				}
				if got, err := io.ReadAll(c); string(got) != "bye" || err != nil {
					t.Errorf("%q: data %q, %v", behind, got, err)
				}
				_ = c.Hangup(b.t.Context())
				b.until(lines.Idle)
				c = b.incoming()
				_ = c.Hangup(b.t.Context())
			})
		}
	}
}
