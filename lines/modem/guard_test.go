package modem

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// hangUpAfter sends a caller's last words and the loss of the carrier in one piece, as a modem does after an orderly
// disconnect.
func (f *fake) hangUpAfter(words string) {
	f.set(func() { f.online, f.offHook = false, false })
	f.say(words + "\r\nNO CARRIER\r\n")
	f.dcd(false)
}

// repeat is a session that echoes its input until the call ends or, like a login, until its time limit: a modem that
// answers the echo right after its NO CARRIER makes that line look like data.
func repeat(c *lines.Call) {
	_ = c.Data.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 16)
	for {
		n, err := c.Data.Read(buf)
		if err != nil {
			return
		}
		for i := range n {
			if _, err := c.Data.Write(buf[i : i+1]); err != nil {
				return
			}
		}
	}
}

// A caller types a dial command and hangs up, so that its echo reaches a modem in command state.
func TestEchoOfACommandDialsNobody(t *testing.T) {
	for _, words := range []string{
		"ATDT0900123", "ATDT0900123\r", "atdt0900123\r", "x ATDT0900123\rATDT0900123\r", "\r\rATDT0900123\r",
		"A\x00TDT0900123\r", "\xc1\xd4DT0900123\r",
		strings.Repeat("ATDT0900123\r", 1000), strings.Repeat("x", 20000), strings.Repeat("x", 10000) +
			strings.Repeat("ATDT0900123\r", 1000),
	} {
		t.Run(fmt.Sprintf("%.20q", words), func(t *testing.T) {
			bothKinds(t, func(t *testing.T, signals bool) {
				f := newFake(signals)
				onBench(t, f, func(b *bench) {
					b.until(lines.Idle)
					c := b.incoming()
					go f.hangUpAfter(words)
					repeat(c)
					_ = c.Hangup(b.t.Context())
					b.until(lines.Idle)
					if d := f.dialedCommands(); len(d) > 0 {
						t.Errorf("the modem dialed: %q", d)
					}
				})
			})
		})
	}
}

// The same, but the carrier is lost some time after the text: the rest in the modem's buffer must not become part of
// our command.
func TestUnfinishedEchoIsDeleted(t *testing.T) {
	f := newFake(false)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		f.set(func() { f.online, f.offHook = false, false }) // before the echo arrives, after the text was sent
		go func() {
			f.say("ATDT0900123")
			<-time.After(time.Second)
			f.say("\r\nNO CARRIER\r\n")
		}()
		repeat(c)
		if err := c.Hangup(b.t.Context()); err != nil {
			t.Error(err)
		}
		b.until(lines.Idle)
		if d := f.dialedCommands(); len(d) > 0 {
			t.Errorf("the modem dialed: %q", d)
		}
	})
}

func TestNoCarrierInPieces(t *testing.T) {
	f := newFake(false)
	f.chunk, f.gap = 1, 60*time.Millisecond
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		f.set(func() { f.chunk, f.gap = 1, 100*time.Millisecond })
		f.carrierGone()
		select {
		case <-c.Done():
		case <-time.After(time.Minute):
			t.Error("the call continues")
		}
		_ = c.Hangup(b.t.Context())
	})
}

func TestEchoIsNotLost(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			c := b.incoming()
			go repeat(c)
			f.say("attach at 0900\r")
			b.pass(time.Second)
			if got := f.heardText(); got != "attach at 0900\r" {
				t.Errorf("heard %q", got)
			}
			_ = c.Hangup(b.t.Context())
		})
	})
}

func TestSuspect(t *testing.T) {
	for text, left := range map[string]int{
		"": 0, "Username: ": 0, "AT": 2, "at": 2, "xAT": 2, "AAT": 2, "A": 0, "A\x00T": 2, "\xc1\xd4": 2, "A/": 2,
		"ATDT5": 5, "ATDT5\r": 0, "ATDT5\rx": 0,
		"initiated - line": 11, "AxT": 0, "A\rT": 0, strings.Repeat("AT", 500): maxLeft,
	} {
		var s suspect
		s.add([]byte(text))
		if s.left() != left {
			t.Errorf("%q: %d octets left, want %d", text, s.left(), left)
		}
	}
}
