package modem

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// TestReceived: what a UART receives of RETURN at another speed. The values at half and at a quarter of the speed are
// those by which old terminal servers found the speed of a terminal: at 9600 bit/s, 4800 bit/s look like E6 hex and
// 2400 bit/s like 78 hex.
func TestReceived(t *testing.T) {
	for _, tt := range []struct {
		octet            byte
		sender, receiver int
		want             []byte
	}{
		{'\r', 9600, 9600, []byte{'\r'}},
		{'\r', 4800, 9600, []byte{0xe6}},
		{'\r', 2400, 9600, []byte{0x78}},
		{'\r', 1200, 9600, []byte{0x80}},
		{'U', 300, 300, []byte{'U'}},
	} {
		got := received(tt.octet, tt.sender, tt.receiver)
		if len(got) == 0 || got[0] != tt.want[0] {
			t.Errorf("%#x at %d, received at %d: % x, want % x", tt.octet, tt.sender, tt.receiver, got, tt.want)
		}
	}
}

// TestReturnAtEachSpeed: RETURN is recognized at its own speed and at no other, and the guess of the speed is right or
// there is none.
func TestReturnAtEachSpeed(t *testing.T) {
	guessed := 0
	for _, s := range callerSpeeds {
		for _, r := range callerSpeeds {
			for _, cr := range []byte{'\r', '\r' | 0x80} {
				got := received(cr, s, r)
				if isReturn(got) != (s == r) || isReturn(withoutNUL(got)) != (s == r) {
					t.Errorf("%#x at %d, received at %d: % x", cr, s, r, got)
				}
				switch guess := sender(got, r); {
				case s == r:
				case guess == s:
					guessed++
				case guess != 0:
					t.Errorf("%#x at %d, received at %d: % x: taken for %d", cr, s, r, got, guess)
				}
			}
		}
	}
	if guessed < 20 {
		t.Errorf("only %d were guessed", guessed)
	}
	for _, hostile := range []string{"", "\n", "a\r", "\rATH\r", "\x00\r", strings.Repeat("\x00", 99)} {
		if isReturn([]byte(hostile)) {
			t.Errorf("%q counts as RETURN", hostile)
		}
	}
}

func FuzzSender(f *testing.F) {
	f.Add([]byte{0xe6}, 9600)
	f.Fuzz(func(t *testing.T, got []byte, receiver int) {
		if s := sender(got, max(300, min(receiver, 115_200))); s != 0 && !slices.Contains(callerSpeeds, s) {
			t.Errorf("%d", s)
		}
	})
}

func followSpeed(o *Options) { o.Config.FollowSpeed, o.Config.Speed = true, 19200 }

// TestSpeedOfConnect: during a call, in both directions, the port has the speed that CONNECT names, and afterwards that
// of the commands.
func TestSpeedOfConnect(t *testing.T) {
	f := newFake(true)
	f.answers = "CONNECT 2400/NONE"
	f.dials = func(string) string { return "CONNECT 1200" }
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		c := b.incoming()
		if got := f.speed(); got != 2400 {
			t.Errorf("the port has %d bit/s", got)
		}
		_ = c.Hangup(b.t.Context())
		b.until(lines.Idle)
		if got := f.speed(); got != 19200 {
			t.Errorf("after the call: %d bit/s", got)
		}
		l := b.lease()
		out, code, err := l.Dial(b.t.Context(), dialScript("1"))
		if err != nil || code != lines.Connected || f.speed() != 1200 {
			t.Errorf("%v %v, %d bit/s", code, err, f.speed())
		}
		_ = out.Hangup(b.t.Context())
		l.Release()
		if got := f.speed(); got != 19200 {
			t.Errorf("after the dial: %d bit/s", got)
		}
	}, followSpeed)
}

// TestSpeedByReturn: callers of each speed, whose modem does not name it, press RETURN until ringback reads them. The
// octets before are not data, those after it are.
func TestSpeedByReturn(t *testing.T) {
	for _, speed := range callerSpeeds {
		for _, connect := range []string{"CONNECT", "CONNECT 33600/V34"} {
			f := newFake(true)
			f.answers = connect
			onBench(t, f, func(b *bench) {
				b.until(lines.Idle)
				f.code("RING")
				b.pass(time.Second)
				var c *lines.Call
				pressed := 0
				for ; c == nil && pressed < 60; pressed++ {
					now := f.speed()
					f.say(string(received('\r', speed, now)))
					select {
					case c = <-b.calls:
					case <-time.After(time.Second):
					}
				}
				if c == nil || f.speed() != speed || pressed > 40 {
					t.Fatalf("%d: RETURN pressed %d times, the port has %d bit/s, call %v", speed, pressed,
						f.speed(), c)
				}
				f.say("kim\r")
				got := make([]byte, 3)
				if _, err := io.ReadFull(c, got); err != nil || string(got) != "kim" {
					t.Errorf("%q, %v", got, err)
				}
				_ = c.Hangup(b.t.Context())
				b.until(lines.Idle)
				if got := f.speed(); got != 19200 {
					t.Errorf("after the call: %d bit/s", got)
				}
			}, followSpeed)
		}
	}
}

// TestNoReturn: a caller who sends nothing, or anything but RETURN, without end, is hung up after a minute, and one
// who leaves before is noticed at once. The line is then free, at the speed of its commands.
func TestNoReturn(t *testing.T) {
	for name, caller := range map[string]func(b *bench){
		"silent": func(b *bench) {},
		"flood": func(b *bench) {
			for range 700 {
				b.f.say("\xe6AT\r\nNO CARRIER\r\nx")
				b.pass(100 * time.Millisecond)
			}
		},
		"leaves": func(b *bench) {
			b.pass(5 * time.Second)
			b.f.carrierGone()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(true)
			onBench(t, f, func(b *bench) {
				b.until(lines.Idle)
				f.code("RING")
				began := time.Now()
				b.pass(time.Second)
				caller(b)
				s := b.until(lines.Idle)
				if took := time.Since(began); took > 80*time.Second || name == "leaves" && took > 15*time.Second {
					t.Errorf("free after %v", took)
				}
				if s.Counts[lines.CallsMissed] != 1 || s.Counts[lines.CallsIn] != 0 || f.speed() != 19200 ||
					len(b.calls) > 0 {
					t.Errorf("%+v, %d bit/s", s.Counts.ByName(), f.speed())
				}
			}, followSpeed)
		})
	}
}

// TestSpeedOfAServerWithout: on a port whose speed cannot be set, the caller has that of the port, and a notice says
// so.
func TestSpeedOfAServerWithout(t *testing.T) {
	for _, connect := range []string{"CONNECT", "CONNECT 2400"} {
		f := newFake(true)
		f.answers, f.noSpeed = connect, true
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			c := b.incoming()
			s := b.until(lines.InCall)
			if !strings.Contains(fmt.Sprint(s.Notices), "the speed of the port cannot be changed") {
				t.Errorf("notices %q", s.Notices)
			}
			if err := c.Hangup(b.t.Context()); err != nil && !errors.Is(err, lines.ErrDown) {
				t.Error(err)
			}
			b.until(lines.Idle)
		}, followSpeed)
	}
}
