package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringback/ringback/lines"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bothKinds runs a test on a port with and on one without modem signals.
func bothKinds(t *testing.T, test func(t *testing.T, signals bool)) {
	t.Run("signals", func(t *testing.T) { test(t, true) })
	t.Run("text only", func(t *testing.T) { test(t, false) })
}

func TestIncomingCall(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		f.answers, f.train = "CONNECT 33600/V34", 8*time.Second
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			f.say("\r\nRING;707070;999\r\n")
			b.until(lines.Ringing)
			c := <-b.calls
			if c.Connect != "CONNECT 33600/V34" || c.Speed != 33600 || c.Caller != "707070" || c.Called != "999" ||
				c.Direction != lines.Incoming || c.ID == "" {
				t.Errorf("call %+v", c)
			}
			if s := b.until(lines.InCall); s.Owner != c.ID || s.Counts[lines.CallsIn] != 1 {
				t.Errorf("status %+v", s)
			}
			f.say("hello")
			buf := make([]byte, 20)
			if n, err := c.Read(buf); string(buf[:n]) != "hello" || err != nil {
				t.Errorf("read %q, %v: not a byte of the CONNECT line may be in it", buf[:n], err)
			}
			if _, err := io.WriteString(c, "welcome"); err != nil {
				t.Error(err)
			}
			if err := c.Hangup(b.t.Context()); err != nil {
				t.Error(err)
			}
			if !f.isOnHook() {
				t.Error("hung up, but the modem is off hook")
			}
			if err := c.Hangup(b.t.Context()); err != nil {
				t.Errorf("second hang-up: %v", err)
			}
			if _, err := c.Read(buf); err != io.EOF {
				t.Errorf("read after the end: %v", err)
			}
			if _, err := c.Write(buf); err != io.EOF {
				t.Errorf("write after the end: %v", err)
			}
			if heard := f.heardText(); !strings.HasPrefix(heard, "welcome") {
				t.Errorf("the caller heard %q", heard)
			}
			b.until(lines.Idle)
		})
	})
}

func TestDialOutcomes(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		for _, tc := range []struct {
			says string
			want lines.ResultCode
		}{
			{"BUSY", lines.Busy}, {"NO ANSWER", lines.NoAnswer}, {"NO CARRIER", lines.NoCarrier},
			{"NO DIALTONE", lines.NoDialtone},
			{"NO DIAL TONE", lines.NoDialtone}, {"ERROR", lines.Error}, {"RING", lines.Ring}, {"VOICE", lines.Voice},
			{"BLACKLISTED", lines.Blacklisted}, {"DELAYED", lines.Delayed},
		} {
			t.Run(tc.says, func(t *testing.T) {
				f := newFake(signals)
				f.train, f.dials = 3*time.Second, func(string) string { return tc.says }
				onBench(t, f, func(b *bench) {
					l := b.lease()
					began := time.Now()
					call, code, err := l.Dial(b.t.Context(), dialScript("5551234"))
					if call != nil || code != tc.want || err != nil {
						t.Errorf("dial: %v %q %v, want %q", call, code, err, tc.want)
					}
					if took := time.Since(began); took > 10*time.Second {
						t.Errorf("took %v though the modem answered after 3 s", took)
					}
					l.Release()
					if s := b.until(lines.Idle); s.Counts[lines.Dials] != 1 {
						t.Errorf("%d dials counted", s.Counts[lines.Dials])
					}
					if got := f.dialedCommands(); len(got) != 1 || got[0] != "ATDT5551234" {
						t.Errorf("dialed %q", got)
					}
				})
			})
		}
	})
}

// TestDialBarred: the time for which the modem will not dial the number comes with the result code.
func TestDialBarred(t *testing.T) {
	for says, want := range map[string]time.Duration{"DELAYED 00:01:30": 90 * time.Second,
		"BLACKLISTED 00:05:00": 5 * time.Minute} {
		f := newFake(true)
		f.train, f.dials = time.Second, func(string) string { return says }
		onBench(t, f, func(b *bench) {
			l := b.lease()
			defer l.Release()
			call, code, err := l.Dial(b.t.Context(), dialScript("5551234"))
			if barred := (lines.Barred{}); call != nil || !strings.HasPrefix(says, string(code)) ||
				!errors.As(err, &barred) || barred.For != want {
				t.Errorf("%s: %v %q %v, want %v", says, call, code, err, want)
			}
		})
	}
}

func TestDialConnects(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		for _, chunk := range []int{0, 1, 3} {
			f := newFake(signals)
			f.chunk, f.gap, f.train = chunk, time.Millisecond, 9*time.Second
			f.dials = func(n string) string { return "CONNECT 9600" }
			onBench(t, f, func(b *bench) {
				l := b.lease()
				c, code, err := l.Dial(b.t.Context(), dialScript("5551234"))
				if err != nil || code != lines.Connected || c.Speed != 9600 || c.Direction != lines.Outgoing ||
					c.ID == "" {
					t.Fatalf("dial: %+v %q %v", c, code, err)
				}
				b.until(lines.OutCall)
				go f.say("login: ")
				buf := make([]byte, 7)
				if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "login: " {
					t.Errorf("read %q, %v", buf, err)
				}
				f.carrierGone()
				<-c.Done()
				began := time.Now()
				if err := c.Hangup(b.t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > time.Second { // a query, ATH, a new secret
					t.Errorf("hang-up with the carrier gone took %v", took)
				}
				l.Release()
				b.until(lines.Idle)
			})
		}
	})
}

func TestDialTimesOut(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		f.dials = func(string) string { return "" }
		onBench(t, f, func(b *bench) {
			l := b.lease()
			call, code, err := l.Dial(b.t.Context(), dialScript("5551234"))
			if call != nil || code != lines.NoResult || !errors.Is(err, errTimeout) {
				t.Errorf("dial: %v %q %v", call, code, err)
			}
			l.Release()
			b.until(lines.Idle)
			if !f.isOnHook() {
				t.Error("still off hook")
			}
		})
	})
}

// TestStoredNumber: with a profile whose N dials a stored number, no script sends N; with others it is a setting.
func TestStoredNumber(t *testing.T) {
	for _, stored := range []bool{true, false} {
		for _, text := range []string{"ATN0\r", "at&f n3\r"} {
			f := newFake(true)
			onBench(t, f, func(b *bench) {
				l := b.lease()
				defer l.Release()
				before := f.allCommands()
				_, err := l.Command(b.t.Context(), func(ctx context.Context, c lines.CommandConn) error {
					_, err := io.WriteString(c, text)
					return err
				})
				if rejected := errors.Is(err, errStored); rejected != stored {
					t.Errorf("stored %v: %q: %v", stored, text, err)
				}
				b.pass(time.Second)
				got := strings.TrimPrefix(f.allCommands(), before)
				if sent := strings.Contains(strings.ToUpper(got), "N"); sent == stored {
					t.Errorf("stored %v: the modem has got %q", stored, got)
				}
			}, func(o *Options) { o.Config.Profile.StoredNumbers = stored })
		}
	}
}

// TestOneDialAnAttempt has scripts that dial more than they may: no octet of an uncounted dial command reaches the
// modem.
func TestOneDialAnAttempt(t *testing.T) {
	for _, tc := range []struct {
		name  string
		dials int
		sends []string
	}{
		{"twice", 1, []string{"ATDT5551\r", "ATDT5552\r"}},
		{"twice in one write", 0, []string{"ATDT5551\rATDT5552\r"}},
		{"repeat", 1, []string{"ATDT5551\r", "A/"}},
		{"repeat ten times", 1, []string{"ATDT5551\r", "A>"}},
		{"repeat in two writes", 1, []string{"ATDT5551\r", "xa", ">"}},
		{"repeat with a colon", 1, []string{"ATDT5551\r", "A:"}},
		{"repeat itself", 0, []string{"ATDT5551>\r"}},
		{"hidden", 1, []string{"ATDT5551\r", "at&f ", "l1", "m1d", "t5552\r"}},
		{"garbage before", 1, []string{"ATDT5551\r", "xxAT", "DT5552\r"}},
		{"twice in one line", 0, []string{"ATDT5551;DT5552\r"}},
		{"unclear", 0, []string{"AT+FCLASS=0DT5551\r"}},
		{"unclear second", 1, []string{"ATDT5551\r", "AT+CKPD=5552\r"}},
		{"spaces", 1, []string{"ATDT5551\r", "A T D T 5552\r"}},
		{"eighth bit", 0, []string{"\301\324\304\3245551\r"}},
		{"eighth bit of one", 0, []string{"A\324DT5551\r"}},
		{"long", 0, []string{"AT" + strings.Repeat("L1", 200) + "DT5551\r"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(true)
			f.dials = func(string) string { return "" }
			onBench(t, f, func(b *bench) {
				l := b.lease()
				defer l.Release()
				_, code, err := l.Dial(b.t.Context(), func(ctx context.Context, c lines.CommandConn) error {
					var err error
					for _, s := range tc.sends {
						if _, err = io.WriteString(c, s); err != nil {
							return err
						}
					}
					return nil
				})
				if err == nil || code != lines.NoResult {
					t.Errorf("%q %v", code, err)
				}
				if got := f.dialedCommands(); len(got) != tc.dials {
					t.Errorf("dialed %q, want %d times", got, tc.dials)
				}
				if _, err := l.Command(b.t.Context(), func(ctx context.Context, c lines.CommandConn) error {
					_, err := io.WriteString(c, "ATDT5553\r")
					return err
				}); !errors.Is(err, errMayNotDial) {
					t.Errorf("a dial command through Command: %v", err)
				}
				if got := f.dialedCommands(); len(got) != tc.dials {
					t.Errorf("dialed %q, want %d times", got, tc.dials)
				}
			})
		})
	}
}

func TestOffHookScript(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		onBench(t, f, func(b *bench) {
			l := b.lease()
			code, err := l.Command(b.t.Context(),
				func(ctx context.Context, c lines.CommandConn) error { return expect(ctx, c, "ATH1\r", "OK") })
			if code != lines.OK || err != nil {
				t.Fatalf("%q %v", code, err)
			}
			b.pass(5 * time.Second)
			if f.isOnHook() {
				t.Error("the line must stay off hook during the wait")
			}
			l.Release()
			b.until(lines.Idle)
			if !f.isOnHook() {
				t.Error("released, but still off hook")
			}
		})
	})
}

// TestErrorBeforeDialing: an ERROR to a command other than the dial command is left to the script.
func TestErrorBeforeDialing(t *testing.T) {
	f := newFake(true)
	f.reply = func(cmd string) string {
		if cmd == "AT+X" {
			return "\r\nERROR\r\n"
		}
		return ""
	}
	onBench(t, f, func(b *bench) {
		l := b.lease()
		c, code, err := l.Dial(b.t.Context(), func(ctx context.Context, c lines.CommandConn) error {
			if err := expect(ctx, c, "AT+X\r", "ERROR"); err != nil {
				return err
			}
			return dialScript("5551")(ctx, c)
		})
		if err != nil || code != lines.Connected {
			t.Fatalf("%q %v", code, err)
		}
		_ = c.Hangup(b.t.Context())
		l.Release()
		b.until(lines.Idle)
	})
}

func TestGlare(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		// at: when the network rings, counted from the dial command; negative: before it.
		for at := -3 * time.Second; at <= 3*time.Second; at += 250 * time.Millisecond {
			f := newFake(signals)
			f.train = 4 * time.Second
			onBench(t, f, func(b *bench) {
				l := b.lease()
				go func() {
					b.pass(3*time.Second + at)
					f.say("\r\nRING\r\n")
				}()
				b.pass(3 * time.Second)
				synctest.Wait()
				call, code, err := l.Dial(b.t.Context(), dialScript("5551"))
				early := len(f.dialedCommands()) == 0
				if call != nil || code != lines.Ring || errors.Is(err, lines.ErrHeldBack) != early || !early &&
					err != nil {
					t.Errorf("RING %v from the dial: %v %q %v", at, call, code, err)
				}
				l.Release()
				b.until(lines.Idle)
				if !f.isOnHook() {
					t.Errorf("RING %v from the dial: off hook", at)
				}
			})
		}
	})
}

// TestRingOnLeasedLine: a ringing line is not answered during a lease, but after it.
func TestRingOnLeasedLine(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		l := b.lease()
		f.code("RING")
		b.pass(6 * time.Second)
		f.code("RING")
		synctest.Wait()
		if cmds := f.allCommands(); strings.Contains(cmds, "ATA") {
			t.Errorf("answered: %s", cmds)
		}
		l.Release()
		c := b.incoming()
		_ = c.Hangup(b.t.Context())
	})
}

func TestMissedCall(t *testing.T) {
	f := newFake(true)
	f.answers, f.train = "NO CARRIER", 20*time.Second
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		f.code("RING")
		b.pass(30 * time.Second)
		if s := b.until(lines.Idle); s.Counts[lines.CallsIn] != 0 {
			t.Errorf("%+v", s)
		}
		// ATA is not answered any more, either.
		f.answers = "VOICE"
		f.reply = func(cmd string) string {
			if cmd == "ATA" {
				return " "
			}
			return ""
		}
		f.code("RING")
		b.pass(50 * time.Second)
		b.until(lines.Ringing)
		b.pass(20 * time.Second)
		b.until(lines.Idle)
	})
}

// TestHoldIsData: texts about modem-on-hold during a call are the caller's data, on each kind of port. They are passed
// on, neither they nor a long silence change the state of the line, and a call on hold is hung up like any other.
func TestHoldIsData(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		const text = "\r\n+PMHR: 13\r\n\r\nON HOLD\r\n\r\n+PMH: 0\r\n"
		f := newFake(signals)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			c := b.incoming()
			f.say(text)
			got := make([]byte, len(text))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
				t.Errorf("%q, %v", got, err)
			}
			b.pass(time.Hour)
			if s := b.until(lines.InCall); s.Notices != nil {
				t.Errorf("notices %q", s.Notices)
			}
			if err := c.Hangup(b.t.Context()); err != nil {
				t.Error(err)
			}
			b.until(lines.Idle)
		})
	})
}

// TestSkipsPlus: a modem that takes AT+VCID=1 for a dial is not asked for caller ID if its line has no profile, on each
// kind of port; the line works, and a notice says why. Another modem is asked.
func TestSkipsPlus(t *testing.T) {
	for _, signals := range []bool{true, false} {
		for _, skips := range []bool{true, false} {
			for _, name := range []string{"", lines.GenericProfile, "own"} {
				f := newFake(signals)
				f.skipsPlus = skips && name != "own"
				onBench(t, f, func(b *bench) {
					s := b.until(lines.Idle)
					asked := strings.Contains(f.allCommands(), defaultCallerID)
					if want := !f.skipsPlus; asked != want || len(f.dialed) > 0 ||
						strings.Contains(fmt.Sprint(s.Notices), "skips the plus") == want {
						t.Errorf("signals %v, skips %v, profile %q: asked %v, dialed %q, notices %q", signals,
							skips, name, asked, f.dialed, s.Notices)
					}
				}, func(o *Options) { o.Config.CallerID, o.Config.Profile.Name = true, name })
			}
		}
	}
}

func TestCallerID(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		f.code("RING")
		synctest.Wait()
		if strings.Contains(f.allCommands(), "ATA") {
			t.Error("answered before the caller ID")
		}
		b.pass(time.Second)
		f.say("\r\nDATE = 1121\r\nTIME = 0355\r\nNMBR = 5551234\r\nNAME = WILE E\r\n")
		c := <-b.calls
		if c.Caller != "5551234" {
			t.Errorf("caller %q", c.Caller)
		}
		_ = c.Hangup(b.t.Context())
		b.until(lines.Idle)
		// Without a number: after the second ring.
		f.code("RING")
		b.pass(6 * time.Second)
		f.code("RING")
		c = <-b.calls
		if c.Caller != "" {
			t.Errorf("caller %q is of the call before", c.Caller)
		}
		_ = c.Hangup(b.t.Context())
	}, func(o *Options) { o.Config.CallerID = true })
}

func TestAutoAnswer(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		f.code("RING")
		b.pass(2 * time.Second)
		f.connect("CONNECT 2400")
		c := <-b.calls
		if c.Speed != 2400 || strings.Contains(f.allCommands(), "ATA ") {
			t.Errorf("%+v %s", c, f.allCommands())
		}
		_ = c.Hangup(b.t.Context())
		b.until(lines.Idle)
		l := b.lease()
		f.connect("CONNECT 2400") // during the lease: not our call
		b.pass(5 * time.Second)
		if !f.isOnHook() {
			t.Error("a call on a leased line was left up")
		}
		l.Release()
		b.until(lines.Idle)
	}, func(o *Options) { o.Config.Init = "&F S0=1" })
}

func TestDrainOfPool(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		b.pool.Drain()
		f.code("RING")
		b.pass(20 * time.Second)
		if strings.Contains(f.allCommands(), "ATA") {
			t.Error("a draining pool answered")
		}
	})
}

func TestClear(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			c := b.incoming()
			if err := b.pool.Clear(1); err != nil {
				t.Error(err)
			}
			<-c.Done()
			b.until(lines.Idle)

			f.dials = func(string) string { return "" }
			l := b.lease()
			go func() {
				b.pass(5 * time.Second)
				_ = b.pool.Clear(1)
			}()
			began := time.Now()
			_, code, err := l.Dial(b.t.Context(), dialScript("5551"))
			if !errors.Is(err, lines.ErrCleared) || code != lines.NoResult {
				t.Errorf("%q %v", code, err)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			l.Release()
			b.until(lines.Idle)
			if err := b.pool.Clear(7); err == nil {
				t.Error("cleared a line that does not exist")
			}
		})
	})
}

// TestConnectDuringAbort: the modem connects while the dial is being aborted. No user gets that call, and the line
// ends on hook.
func TestConnectDuringAbort(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		for at := 3 * time.Second; at <= 5*time.Second; at += 100 * time.Millisecond {
			f := newFake(signals)
			f.train = 4 * time.Second
			onBench(t, f, func(b *bench) {
				l := b.lease()
				ctx, cancel := context.WithTimeout(b.t.Context(), at)
				defer cancel()
				c, code, err := l.Dial(ctx, dialScript("5551"))
				switch {
				case c != nil:
					if code != lines.Connected || err != nil {
						t.Errorf("%q %v", code, err)
					}
					_ = c.Hangup(b.t.Context())
				case !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("%q %v", code, err)
				}
				l.Release()
				b.pass(time.Minute)
				b.until(lines.Idle)
				if !f.isOnHook() {
					t.Errorf("cancelled after %v: off hook", at)
				}
			})
		}
	})
}

func TestScriptPanics(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		l := b.lease()
		func() {
			defer func() { _ = recover() }()
			_, _, _ = l.Dial(b.t.Context(), func(ctx context.Context, c lines.CommandConn) error {
				_, _ = io.WriteString(c, "ATDT5551\r")
				panic("oops")
			})
		}()
		l.Release()
		b.until(lines.Idle)
		if !f.isOnHook() {
			t.Error("off hook")
		}
		c := b.incoming()
		_ = c.Hangup(b.t.Context())
	})
}

// TestDriverPanics: a driver that fails leaves its line down with a reason, and closes the port.
func TestDriverPanics(t *testing.T) {
	f := newFake(true)
	closed := make(chan struct{})
	onBench(t, f, func(b *bench) {
		<-closed
		synctest.Wait()
		s := b.until(lines.Down)
		if s.Reason != "the driver ended: panic: oops" {
			t.Errorf("reason %q", s.Reason)
		}
		if _, _, err := b.drv.Dial(b.t.Context(), nil, dialScript("5551")); !errors.Is(err, lines.ErrDown) {
			t.Errorf("dial: %v", err)
		}
	}, func(o *Options) {
		open := o.Open
		o.Open = func(ctx context.Context) (lines.Port, error) {
			p, err := open(ctx)
			return panicking{p, closed}, err
		}
	})
}

// panicking is a port that panics at the first DTR.
type panicking struct {
	lines.Port
	closed chan struct{}
}

func (panicking) SetDTR(bool) error { panic("oops") }
func (p panicking) Close() error {
	close(p.closed)
	return p.Port.Close()
}

// TestHangupAfterAProof: a call that the driver hangs up and proves by itself, before its owner's hang-up begins, is
// not proven again, and the call that the modem answers meanwhile is not hung up for it.
func TestHangupAfterAProof(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		for _, next := range []bool{false, true} {
			f := newFake(signals)
			f.answers = "CONNECT 9600"
			onBench(t, f, func(b *bench) {
				b.until(lines.Idle)
				c := b.incoming()
				stray := c.Data.(*conn)
				b.drv.drop(stray, onGiveUp)
				b.pass(time.Minute) // until it is hung up and proven
				if next {
					b.drv.mu.Lock()
					b.drv.autoAnswer = "1"
					b.drv.mu.Unlock()
					f.connect("CONNECT 2400")
					b.pass(time.Second)
				}
				sent := f.allCommands()
				if err := stray.hangup(b.t.Context()); err != nil { // as an owner's that waited for the token
					t.Error(err)
				}
				if now := f.allCommands(); now != sent {
					t.Errorf("after the proof the modem was sent %q", strings.TrimPrefix(now, sent))
				}
				if f.isOnHook() == next {
					t.Errorf("on hook %v, with a next call %v", next, next)
				}
			})
		}
	})
}
