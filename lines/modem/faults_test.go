package modem

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

func TestModemNeverSaysOK(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		f.mute = true
		onBench(t, f, func(b *bench) {
			b.pass(2 * time.Minute)
			s := b.until(lines.Down)
			if !strings.Contains(s.Reason,
				"no OK to ATE0Q0V1 within 3s, asked three times (is it a modem? check its speed and power)") {
				t.Errorf("reason %q", s.Reason)
			}
			if n := f.opened.Load(); n < 3 {
				t.Errorf("opened %d times in two minutes", n)
			}
			f.set(func() { f.mute = false })
			b.until(lines.Idle)
		})
	})
}

func TestModemRefusesInit(t *testing.T) {
	for cmd, want := range map[string]string{
		"ATE0Q0V1&C1&D2S0=0": "the modem answered ERROR to ATE0Q0V1&C1&D2S0=0",
		"ATS2=255":           "the modem answered ERROR to ATS2=255 (a caller could reach the command line",
		"ATS2?":              `the modem answered "" ERROR to ATS2? after ATS2=255`,
	} {
		f := newFake(true)
		f.reply = func(c string) string {
			if c == cmd {
				return "\r\nERROR\r\n"
			}
			return ""
		}
		onBench(t, f, func(b *bench) {
			b.pass(time.Second)
			if s := b.until(lines.Down); !strings.Contains(s.Reason, want) {
				t.Errorf("reason %q, want %q", s.Reason, want)
			}
		})
	}
}

func TestPortVanishesAndReturns(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			f.set(func() { f.refuse = errors.New("no such device (is the modem plugged in?)") })
			f.unplug()
			if s := b.until(lines.Down); !strings.Contains(s.Reason, "port") {
				t.Errorf("reason %q", s.Reason)
			}
			b.pass(10 * time.Second)
			// the port's own error, which names the port
			if s := b.until(lines.Down); s.Reason != "no such device (is the modem plugged in?)" {
				t.Errorf("reason %q", s.Reason)
			}
			f.set(func() { f.refuse = nil })
			b.until(lines.Idle)

			c := b.incoming()
			f.unplug()
			<-c.Done()
			if err := c.Hangup(b.t.Context()); err != nil && !errors.Is(err, lines.ErrDown) {
				t.Errorf("hang-up of a call whose port is lost: %v", err)
			}
			b.until(lines.Idle)

			f.dials = func(string) string { f.unplug(); return "" }
			l := b.lease()
			_, code, err := l.Dial(b.t.Context(), dialScript("5551"))
			if code != lines.NoResult || !errors.Is(err, lines.ErrDown) {
				t.Errorf("%q %v", code, err)
			}
			l.Release()
			b.until(lines.Idle)
		})
	})
}

func TestReopenBacksOff(t *testing.T) {
	f := newFake(true)
	f.refuse = errors.New("no such device")
	onBench(t, f, func(b *bench) {
		b.pass(30*time.Second + time.Millisecond) // 0, 1, 3, 7, 15 s; then 31 s, and every 30 s
		if n := f.opened.Load(); n != 5 {
			t.Errorf("opened %d times in 30 s, want 5", n)
		}
		b.pass(5 * time.Minute)
		if n := f.opened.Load(); n != 15 {
			t.Errorf("opened %d times in 5.5 min, want 15", n)
		}
	})
}

func TestDCDStuckHigh(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		f.set(func() { f.dcdHigh = true })
		err := c.Hangup(b.t.Context())
		if err == nil || !strings.Contains(err.Error(), "DCD stays on with DTR low") {
			t.Errorf("hang-up: %v", err)
		}
		if s := b.until(lines.Quarantined); !strings.Contains(s.Reason, "DCD stays on") {
			t.Errorf("reason %q", s.Reason)
		}
		w, err := b.pool.Request(lines.Want{TTYs: []int{1}, Rotary: lines.NoRotary})
		if err != nil {
			t.Fatal(err)
		}
		f.code("RING")
		b.pass(10 * time.Minute)
		select {
		case <-w.Lease():
			t.Error("a quarantined line was leased")
		default:
		}
		if strings.Count(f.allCommands(), "ATA") != 1 {
			t.Error("a quarantined line was answered")
		}
		f.set(func() { f.dcdHigh = false })
		f.dcd(false)
		l := <-w.Lease()
		l.Release()
		b.until(lines.Idle)
	})
}

func TestDCDStuckHighFromTheStart(t *testing.T) {
	f := newFake(true)
	f.dcdHigh = true
	onBench(t, f, func(b *bench) {
		b.until(lines.Quarantined)
		f.set(func() { f.dcdHigh = false })
		f.dcd(false)
		if err := b.pool.Clear(1); err != nil {
			t.Error(err)
		}
		b.pass(3 * time.Second)
		b.until(lines.Idle)
	})
}

func TestDCDStuckLow(t *testing.T) {
	f := newFake(true)
	f.dcdLow = true
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		began := time.Now()
		<-c.Done()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		b.until(lines.Idle)
		if !f.isOnHook() {
			t.Error("off hook")
		}
	})
}

// TestCallLeftByACrash: a call is up when the port is opened. It is hung up before the line comes into service.
func TestCallLeftByACrash(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		f.online = true
		if signals {
			f.sig = lines.DCD
		}
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			if !f.isOnHook() {
				t.Error("in service, but off hook")
			}
		})
	})
}

func TestGarbage(t *testing.T) {
	f := newFake(true)
	f.echo, f.chunk = true, 1
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		f.say("\x80\xff\x01~~{{garbage\xfe\r\x07\x00\r\n")
		f.say(strings.Repeat("x", 5000))
		synctest.Wait()
		b.drv.mu.Lock()
		n := len(b.drv.split.line)
		b.drv.mu.Unlock()
		if n == 0 || n > maxLine {
			t.Errorf("%d bytes held of one line", n)
		}
		f.say("\r\nRI\xc3NG\r\n")
		b.pass(time.Minute)
		if s := b.until(lines.Idle); s.Counts[lines.Noise] == 0 {
			t.Errorf("%+v: garbage is counted", s)
		}
		c := b.incoming()
		_ = c.Hangup(b.t.Context())
		b.until(lines.Idle)
	})
}

// TestFlood: 1 MiB without CR arrives at a call that is not read at first. No byte is lost, and memory stays bounded.
func TestFlood(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			c := b.incoming()
			const size = 1 << 20
			var sender sync.WaitGroup
			sender.Go(func() { f.say(strings.Repeat("0123456789abcdef", size/16)) })
			synctest.Wait()
			got, err := io.ReadAll(io.LimitReader(c, size))
			if err != nil || len(got) != size || string(got[:16]) != "0123456789abcdef" ||
				string(got[size-16:]) != "0123456789abcdef" {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
			sender.Go(func() { f.say(strings.Repeat("x", 100000)) }) // and the hang-up comes in the middle of more data
			synctest.Wait()
			if err := c.Hangup(b.t.Context()); err != nil {
				t.Error(err)
			}
			sender.Wait()
			b.until(lines.Idle)
		})
	})
}

// TestOverrun: on a port without signals, octets that nobody reads in time are dropped and counted.
func TestOverrun(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			c := b.incoming()
			const size = 3 * queueSize
			var sender sync.WaitGroup
			sender.Go(func() { f.say(strings.Repeat("x", size)) })
			b.pass(10 * time.Second)
			want := uint64(0)
			if !signals {
				want = size - queueSize
			}
			if got := c.Data.(interface{ Overrun() uint64 }).Overrun(); got != want {
				t.Errorf("%d octets dropped, want %d", got, want)
			}
			if n, err := io.CopyN(io.Discard, c, int64(size-want)); err != nil {
				t.Errorf("read %d octets: %v", n, err)
			}
			_ = c.Hangup(b.t.Context())
			sender.Wait()
			b.until(lines.Idle)
		})
	})
}

func TestNoCarrierToldFromData(t *testing.T) {
	for _, tc := range []struct {
		name  string
		sends []string // with a second between two
		data  string
		lost  bool // on a port without signals
	}{
		{"alone", []string{"bye\r\nNO CARRIER\r\n"}, "bye", true},
		{"in flowing data", []string{"see \r\nNO CARRIER\r\n in the manual"}, "see \r\nNO CARRIER\r\n in the manual",
			false},
		{"twice", []string{"\r\nNO CARRIER\r\nNO CARRIER\r\n"}, "\r\nNO CARRIER", true},
		{"without CR LF before", []string{"NO CARRIER\r\n"}, "NO CARRIER\r\n", false},
		{"unfinished", []string{"\r\nNO CARR"}, "\r\nNO CARR", false},
		{"later more", []string{"\r\nNO CAR", "RIER\r\n"}, "\r\nNO CARRIER\r\n", false},
		{"a typed line", []string{"root\r"}, "root\r", false},
		{"lines", []string{"a\r\nNOW\r\n\r\r\nNO\r\n"}, "a\r\nNOW\r\n\r\r\nNO\r\n", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bothKinds(t, func(t *testing.T, signals bool) {
				for _, chunk := range []int{0, 1, 5} {
					f := newFake(signals)
					f.chunk = chunk
					onBench(t, f, func(b *bench) {
						b.until(lines.Idle)
						c := b.incoming()
						for _, s := range tc.sends {
							f.say(s)
							b.pass(time.Second)
						}
						_ = c.SetReadDeadline(time.Now().Add(time.Second))
						got, _ := io.ReadAll(c)
						want := tc.data
						if tc.lost && signals {
							want = strings.Join(tc.sends, "") // DCD shows that the call is up, so this is data
						}
						if string(got) != want {
							t.Errorf("data %q, want %q", got, want)
						}
						select {
						case <-c.Done():
							if !tc.lost || signals {
								t.Error("the call was considered lost")
							}
						default:
							if tc.lost && !signals {
								t.Error("the loss of the carrier was not detected")
							}
						}
						_ = c.Hangup(b.t.Context())
						b.until(lines.Idle)
						if !f.isOnHook() { // even if the caller had only typed it
							t.Error("off hook")
						}
					})
				}
			})
		})
	}
}

// TestHalfTypedLine: text that a caller typed before the hang-up does not get a line end from the modem's NO CARRIER.
func TestHalfTypedLine(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			c := b.incoming()
			f.say("840")
			b.pass(time.Second)
			f.carrierGone()
			got, err := io.ReadAll(c)
			if string(got) != "840" || err != nil {
				t.Errorf("%q %v", got, err)
			}
			b.until(lines.Idle)
		})
	})
}

func TestDeadlines(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
		began := time.Now()
		if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		_ = c.SetReadDeadline(time.Time{})
		go func() {
			b.pass(time.Second)
			_ = c.SetReadDeadline(time.Unix(1, 0))
		}()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a deadline set during Read does not end it")
		}
		_ = c.Hangup(b.t.Context())
	})
}

// TestWriteBlocked: the modem accepts no more bytes. The call can still be hung up.
func TestWriteBlocked(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		_ = f.wire.SetReadDeadline(time.Unix(1, 0)) // the fake stops reading
		f.running.Wait()
		done := make(chan error)
		go func() { _, err := c.Write(make([]byte, 100)); done <- err }()
		synctest.Wait()
		err := c.Hangup(b.t.Context())
		if werr := <-done; werr != io.EOF {
			t.Errorf("the write that blocked: %v", werr)
		}
		if !errors.Is(err, lines.ErrDown) {
			t.Errorf("hang-up with a modem that accepts nothing: %v", err)
		}
		b.until(lines.Down)
		b.until(lines.Idle) // works after reopening
	})
}

func TestDrain(t *testing.T) {
	f := newFake(true)
	f.answers = "CONNECT 300"
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		began := time.Now()
		if _, err := io.WriteString(c, strings.Repeat("x", 30)); err != nil {
			t.Error(err)
		}
		if err := c.Drain(b.t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 500*time.Millisecond+time.Second+200*time.Millisecond {
			t.Errorf("settled for 0.5 s, 30 characters at 300 bit/s and 0.2 s: took %v", took)
		}
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Millisecond)
		defer cancel()
		if err := c.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain after its deadline: %v", err)
		}
		_ = c.Hangup(b.t.Context())
		if err := c.Drain(b.t.Context()); err != io.EOF {
			t.Errorf("drain after the end: %v", err)
		}
	})
}

func TestNumericModem(t *testing.T) {
	f := newFake(true)
	f.numeric = true
	f.dials = func(string) string { return "BUSY" }
	onBench(t, f, func(b *bench) {
		l := b.lease()
		_, code, err := l.Dial(b.t.Context(),
			func(ctx context.Context, c lines.CommandConn) error { return expect(ctx, c, "ATDT5551\r", "\n") })
		if code != lines.Busy || err != nil {
			t.Errorf("%q %v", code, err)
		}
		l.Release()
		b.until(lines.Idle)
		f.say("2\r")
		c := <-b.calls
		go f.say("\nx") // a numeric result code has no LF
		buf := make([]byte, 2)
		if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "\nx" {
			t.Errorf("%q %v", buf, err)
		}
		_ = c.Hangup(b.t.Context())
	}, func(o *Options) { o.Config.Init = "ATE0V0" })
}

// TestEscapeIsOff: with DTR the driver never sends +++, and text that a caller makes us echo cannot reach the command
// line.
func TestEscapeIsOff(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		if n := f.register(2); n != 255 {
			t.Errorf("S2=%d", n)
		}
		c := b.incoming()
		_ = c.Hangup(b.t.Context())
		if strings.Contains(f.heardText(), "+++") {
			t.Error("+++ was sent on a port with DTR")
		}
	})
}

// A modem whose OK comes later than the driver asks again: the answer to ATS2? is told from a late OK.
func TestSlowOK(t *testing.T) {
	for _, delay := range []time.Duration{600 * time.Millisecond, 700 * time.Millisecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t, exchange.ModemConfig{})
			defer e.close()
			e.line.SetFault(exchange.Fault{DelayOK: delay})
			e.run(withSignals(true))
			e.until(lines.Idle)
			if got := e.line.Register(2); got != 255 {
				t.Errorf("OK after %v: S2 is %d", delay, got)
			}
		})
	}
}
