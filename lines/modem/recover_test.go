package modem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// silences are the moments at which a modem falls silent, up to the state in which the line must be again.
var silences = map[string]func(b *bench, silent func()){
	"from the start": func(b *bench, _ func()) {},
	"idle": func(b *bench, silent func()) {
		b.until(lines.Idle)
		silent()
		b.pass(b.drv.t.Probe)
	},
	"leased": func(b *bench, silent func()) {
		b.until(lines.Idle)
		l := b.lease()
		silent()
		l.Command(b.t.Context(), dialScript("1"))
		l.Release()
	},
	"during a call": func(b *bench, silent func()) {
		b.until(lines.Idle)
		c := b.incoming()
		silent()
		c.Hangup(b.t.Context())
	},
}

// Each moment of silence, with each thing that makes the modem answer again: the ladder ends with that rung, says what
// was tried, and the line is in service again, with nothing left on display.
func TestRecoveryLadder(t *testing.T) {
	for when, fall := range silences {
		for _, tt := range []struct {
			cure  string
			rungs []string // in the log
		}{
			{"DTR low", []string{"DTR low"}},
			{"ATH", []string{"DTR low", "ATH"}},
			{"ATZ", []string{"DTR low", "ATH", "ATZ"}},
			{"open 2", []string{"DTR low", "ATH", "ATZ"}},
			{"open 9", []string{"DTR low", "ATH", "ATZ"}},
		} {
			t.Run(when+"/"+tt.cure, func(t *testing.T) {
				f := newFake(true)
				silent := func() { f.set(func() { f.mute, f.cure = true, tt.cure }) }
				if when == "from the start" {
					silent()
				}
				onBench(t, f, func(b *bench) {
					fall(b, silent)
					b.pass(30 * time.Minute)
					if s := b.until(lines.Idle); s.Notices != nil || s.Reason != "" {
						t.Errorf("left on display: %q %q", s.Notices, s.Reason)
					}
					if f.mute {
						t.Error("the cure was never applied")
					}
					rungs := rungsOf(when, tt.cure, tt.rungs)
					b.wantRungs(rungs)
					b.wantRecovery(rungs)
				})
			})
		}
	}
}

// rungsOf returns the rungs that the log has: all, or none if the cure is a part of each proof on hook, so that the
// modem answers again unnoticed.
func rungsOf(when, cure string, all []string) []string {
	switch {
	case when == "from the start" && cure == "DTR low":
		return []string{"DTR low", "ATH"} // ATH follows in any case
	case when == "during a call" && cure == "DTR low", (when == "idle" || when == "leased") && cure == "ATH":
		return nil
	}
	return all
}

// wantRungs compares the rungs in the log, in their order.
func (b *bench) wantRungs(want []string) {
	b.t.Helper()
	b.logMu.Lock()
	defer b.logMu.Unlock()
	var got []string
	for _, line := range b.log {
		_, rest, ok := strings.Cut(line, "recovery: ")
		rung, _, _ := strings.Cut(rest, ":")
		if ok && rung != "the modem answers again" && !slices.Contains(got, rung) {
			got = append(got, rung)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("rungs %q, want %q", got, want)
	}
}

// wantRecovery checks that the last failure of the line says how the modem was brought back, with cause and fix, and
// that it is counted once; without rungs nothing was noticed.
func (b *bench) wantRecovery(rungs []string) {
	b.t.Helper()
	s, _ := b.pool.Line(1)
	n := s.Counts[lines.Recoveries]
	if len(rungs) == 0 {
		if n != 0 || s.Failure != nil && s.Failure.Kind == lines.FailRecovered {
			b.t.Errorf("%d recoveries, %+v", n, s.Failure)
		}
		return
	}
	if n != 1 || s.Failure == nil || s.Failure.Kind != lines.FailRecovered ||
		!strings.Contains(s.Failure.Text, "the modem answers again: tried ") ||
		!strings.Contains(s.Failure.Text, "no OK to ") {
		b.t.Errorf("%d recoveries, %+v", n, s.Failure)
	}
}

// A modem that stays silent is tried at growing intervals, and the line says what was tried.
func TestSilentModemIsTriedLessOften(t *testing.T) {
	f := newFake(true)
	f.mute = true
	onBench(t, f, func(b *bench) {
		b.pass(time.Hour)
		s := b.until(lines.Down)
		for _, want := range []string{"no OK to ATE0Q0V1", "tried DTR low, ATH, ATZ, opening the port ",
			"the next attempt is within 5m0s"} {
			if !strings.Contains(s.Reason, want) {
				t.Errorf("reason %q, want …%s…", s.Reason, want)
			}
		}
		if n := f.opened.Load(); n < 12 || n > 25 {
			t.Errorf("opened %d times in an hour", n)
		}
		if s.Failure == nil || s.Failure.Kind != lines.FailNoOK { // it has never answered
			t.Errorf("failure %+v", s.Failure)
		}
		f.set(func() { f.mute = false })
		if err := b.pool.Clear(1); err != nil && !errors.Is(err, lines.ErrDown) {
			t.Error(err)
		}
		b.pass(5 * time.Second)
		b.until(lines.Idle)
		f.set(func() { f.mute = true })
		b.pass(time.Hour)
		if s := b.until(lines.Down); s.Failure == nil || s.Failure.Kind != lines.FailSilent ||
			s.Failure.Text != s.Reason {
			t.Errorf("a modem that has worked: failure %+v, reason %q", s.Failure, s.Reason)
		}
	})
}

// A modem that rejects its init command is down, and the failure is that of init.
func TestInitRejected(t *testing.T) {
	f := newFake(true)
	f.reply = func(cmd string) string {
		if cmd == "AT&FOO" {
			return "\r\nERROR\r\n"
		}
		return ""
	}
	onBench(t, f, func(b *bench) {
		b.pass(time.Minute)
		s := b.until(lines.Down)
		if s.Failure == nil || s.Failure.Kind != lines.FailInit ||
			!strings.Contains(s.Failure.Text, "the modem answered ERROR to AT&FOO") {
			t.Errorf("failure %+v", s.Failure)
		}
	}, func(o *Options) { o.Config.Init = "AT&FOO" })
}

// A modem with signals that loses its settings while its line is idle (S2 is the escape character again, S0 may answer)
// has them again after the next probe, which comes at once if DSR shows that it had no power, and after a call that it
// has answered by itself.
func TestSettingsAreLost(t *testing.T) {
	for name, found := range map[string]func(b *bench, f *fake){
		"by a probe": func(b *bench, _ *fake) { b.pass(b.drv.t.Probe) },
		"by DSR": func(b *bench, f *fake) {
			f.dsr(false)
			b.pass(time.Second)
			f.dsr(true)
			b.pass(5 * time.Second)
		},
		"by a CONNECT": func(b *bench, f *fake) { f.connect("CONNECT"); b.pass(10 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(true)
			f.sig = lines.DSR
			onBench(t, f, func(b *bench) {
				b.until(lines.Idle)
				b.pass(time.Second)
				f.set(func() { f.s, f.commands = factory(), nil })
				found(b, f)
				b.until(lines.Idle)
				if all := f.allCommands(); f.register(2) != 255 || !strings.Contains(all, defaultInit) {
					t.Errorf("S2 is %d after %q", f.register(2), all)
				}
			})
		})
	}
}

// A line whose DCD is on although no call is up is not dialed, and is in quarantine until DCD is off.
func TestDCDOnWhileIdle(t *testing.T) {
	for name, use := range map[string]func(b *bench, fault func()){
		"before the lease": func(b *bench, fault func()) {
			fault()
			if w, err := b.pool.Request(lines.Want{TTYs: []int{1}, Rotary: lines.NoRotary}); err == nil {
				b.pass(time.Minute)
				w.Cancel()
			}
		},
		"during the lease": func(b *bench, fault func()) {
			l := b.lease()
			fault()
			call, code, err := l.Dial(b.t.Context(), dialScript("5551"))
			if call != nil || code != lines.NoResult || !errors.Is(err, lines.ErrHeldBack) {
				b.t.Errorf("%v %q %v", call, code, err)
			}
			l.Release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(true)
			onBench(t, f, func(b *bench) {
				b.until(lines.Idle)
				b.pass(b.drv.t.Probe / 5)
				use(b, func() { f.set(func() { f.dcdHigh = true }); f.dcd(true) })
				if s := b.until(lines.Quarantined); !strings.Contains(s.Reason, "DCD stays on") {
					t.Errorf("reason %q", s.Reason)
				}
				if d := f.dialedCommands(); len(d) != 0 {
					t.Errorf("dialed %q", d)
				}
				f.set(func() { f.dcdHigh = false })
				f.dcd(false)
				b.until(lines.Idle)
			})
		})
	}
}

// A dial after which the line is not proven on hook says so, so that the next attempt is made on another line at once.
func TestDialLeavesLineUnproven(t *testing.T) {
	f := newFake(true)
	f.dials = func(string) string { f.set(func() { f.dcdHigh = true }); f.dcd(true); return "BUSY" }
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		l := b.lease()
		call, code, err := l.Dial(b.t.Context(), dialScript("5551"))
		var unproven lines.Unproven
		if call != nil || code != lines.Busy || !errors.As(err, &unproven) || unproven.Err != nil ||
			!strings.Contains(err.Error(), "DCD stays on") {
			t.Errorf("%v %q %v", call, code, err)
		}
		l.Release()
		b.until(lines.Quarantined)
		f.set(func() { f.dcdHigh = false })
		f.dcd(false)
		b.until(lines.Idle)
	})
}
