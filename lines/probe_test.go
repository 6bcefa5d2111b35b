package lines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProbeBeforeLease: a modem that hung while it was idle is not leased. Its line is quarantined with the cause,
// and the callback gets the next line.
func TestProbeBeforeLease(t *testing.T) {
	inTown(t, nil, rotary(1, 2, 3), func(t *testing.T, w *town) {
		w.stubs[2].probes(errors.New("no OK within 3s"), 3*time.Second)
		w.stubs[2].settles(errors.New("no OK"))
		x := Want{Rotary: NoRotary, Called: 1}
		w.stubs[3].host.Down(errors.New("unplugged"))
		first := w.want(t, "first", x)
		waits(t, first)
		if s, _ := w.Line(2); s.State != Idle || s.Owner != "" || w.Outstanding() != 0 {
			t.Errorf("while it is probed: %+v", s)
		}
		second := w.want(t, "second", x)
		<-time.After(4 * time.Second)
		if s, _ := w.Line(2); s.State != Quarantined || !strings.Contains(s.Reason, "no OK within 3s") {
			t.Errorf("%+v", s)
		}
		l := taken(t, first) // the called line: no other line is in service any more
		if l.TTY() != 1 {
			t.Errorf("tty %d", l.TTY())
		}
		w.stubs[3].host.Up(nil)
		other := taken(t, second)
		if other.TTY() != 3 {
			t.Errorf("tty %d", other.TTY())
		}
		l.Release()
		other.Release()
	})
}

// TestProbeKeepsThePlace: a request whose probe fails keeps its place in the queue.
func TestProbeKeepsThePlace(t *testing.T) {
	inTown(t, nil, rotary(1, 2, 3), func(t *testing.T, w *town) {
		x := Want{Rotary: NoRotary, Called: 1}
		busy := taken(t, w.want(t, "busy", Want{TTYs: []int{3}, Rotary: NoRotary}))
		w.stubs[2].probes(errors.New("no OK"), 10*time.Second)
		w.stubs[2].settles(errors.New("no OK"))
		first, second := w.want(t, "first", x), w.want(t, "second", x)
		<-time.After(11 * time.Second)
		waits(t, first)
		waits(t, second)
		busy.Release()
		l := taken(t, first)
		waits(t, second)
		l.Release()
		taken(t, second).Release()
	})
}

// TestAnsweredWhileProbed: a call that rings during a probe of its line is answered, and the callback continues to
// wait.
func TestAnsweredWhileProbed(t *testing.T) {
	for name, err := range map[string]error{"rings": fmt.Errorf("probe: %w", ErrRinging), "does not report it": nil,
		"fails": errors.New("no OK")} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(ctx context.Context, c *Call) { <-c.Done() }, rotary(1), func(t *testing.T, w *town) {
				w.stubs[1].probes(err, time.Second)
				q := w.want(t, "cb", Want{Rotary: NoRotary, Called: 1})
				waits(t, q)
				if !w.stubs[1].host.Answer("", "") {
					t.Fatal("a line that is probed cannot be answered")
				}
				data := newStubData(nil)
				w.stubs[1].host.Connected(&Call{Data: data, TTY: 1})
				<-time.After(time.Minute)
				waits(t, q)
				if s, _ := w.Line(1); s.State != InCall {
					t.Errorf("%+v", s)
				}
				_ = data.Hangup(t.Context())
				taken(t, q).Release() // no call could come in between, so no probe is needed
			})
		})
	}
}

// TestRingingIsNotLent: a ringing line is left to its caller. The pool waits for silence and does not probe the line
// in a loop.
func TestRingingIsNotLent(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		s := w.stubs[1]
		s.probes(ErrRinging, 0)
		q := w.want(t, "cb", Want{Rotary: NoRotary, Called: 1})
		<-time.After(time.Minute)
		waits(t, q)
		if n := s.probedTimes(); n < 2 || n > 10 {
			t.Errorf("probed %d times in a minute", n)
		}
		s.host.Phase(Ringing)
		s.probes(nil, 0)
		s.host.Phase(Idle)
		taken(t, q).Release()
	})
}

// TestCancelledWhileProbed: the line goes to the next request, once.
func TestCancelledWhileProbed(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		w.stubs[1].probes(nil, time.Second)
		x := Want{Rotary: NoRotary, Called: 1}
		first, second := w.want(t, "first", x), w.want(t, "second", x)
		waits(t, first)
		first.Cancel()
		first.Cancel()
		<-time.After(2 * time.Second)
		l := taken(t, second)
		if len(first.lease) != 0 || w.Outstanding() != 1 {
			t.Errorf("%d leases are outstanding", w.Outstanding())
		}
		l.Release()
		synctest.Wait()
		third := w.want(t, "third", x)
		third.Cancel()
		<-time.After(2 * time.Second)
		if w.state(1) != Idle || w.Outstanding() != 0 {
			t.Errorf("%s, %d leases are outstanding", w.state(1), w.Outstanding())
		}
	})
}

// TestClosedWhileProbed: the end of the pool ends a probe and quarantines no line because of that.
func TestClosedWhileProbed(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		w.stubs[1].probes(nil, time.Hour)
		q := w.want(t, "cb", Want{Rotary: NoRotary, Called: 1})
		waits(t, q)
		w.stop()
		if l, ok := <-q.Lease(); ok {
			t.Errorf("leased after the end: %+v", l)
		}
		if w.state(1) == Quarantined {
			t.Error("quarantined at the end")
		}
	})
}

// TestDownWhileProbed: a request that waits for the probe of a lost line gets another line immediately.
func TestDownWhileProbed(t *testing.T) {
	inTown(t, nil, rotary(1, 2, 3), func(t *testing.T, w *town) {
		w.stubs[2].probes(fmt.Errorf("probe: %w", ErrDown), time.Minute)
		q := w.want(t, "cb", Want{Rotary: NoRotary, Called: 1})
		waits(t, q)
		w.stubs[2].host.Down(errors.New("unplugged"))
		l := taken(t, q)
		if l.TTY() != 3 {
			t.Errorf("tty %d", l.TTY())
		}
		l.Release()
		<-time.After(2 * time.Minute)
		if s, _ := w.Line(2); s.State != Down || s.Reason != "unplugged" {
			t.Errorf("%+v", s)
		}
		w.stubs[2].probes(nil, 0)
		w.stubs[2].host.Up(nil)
	})
}

// TestLeaseLost: the owner of a lease learns that its line went out of service, however often it asks. After the
// release there is nothing to report.
func TestLeaseLost(t *testing.T) {
	inTown(t, nil, rotary(1, 2), func(t *testing.T, w *town) {
		l := taken(t, w.want(t, "a", Want{Rotary: NoRotary, Called: 2}))
		lost := make(chan error, 1)
		go func() { lost <- l.Lost(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-lost:
			t.Fatalf("lost: %v", err)
		default:
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Lost(ctx); err != nil {
			t.Errorf("cancelled: %v", err)
		}
		w.stubs[1].host.Down(errors.New("unplugged"))
		w.stubs[1].host.Down(errors.New("still unplugged"))
		for range 2 {
			if err := <-lost; err == nil || err.Error() != "tty 1: unplugged" {
				t.Errorf("lost: %v", err)
			}
			go func() { lost <- l.Lost(t.Context()) }()
		}
		<-lost
		l.Release()
		w.stubs[1].host.Up(nil)

		l = taken(t, w.want(t, "b", Want{TTYs: []int{2}, Rotary: NoRotary}))
		go func() { lost <- l.Lost(t.Context()) }()
		synctest.Wait()
		l.Release()
		if err := <-lost; err != nil {
			t.Errorf("released: %v", err)
		}
	})
}

func TestLeaseProbe(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		l := taken(t, w.want(t, "a", Want{Rotary: NoRotary, Called: 1}))
		if err := l.Probe(t.Context()); err != nil {
			t.Error(err)
		}
		w.stubs[1].probes(ErrRinging, 0)
		if err := l.Probe(t.Context()); !errors.Is(err, ErrRinging) {
			t.Error(err)
		}
		w.stubs[1].probes(nil, time.Minute)
		done := make(chan error)
		go func() { done <- l.Probe(t.Context()) }()
		synctest.Wait()
		l.Release()
		if err := <-done; !errors.Is(err, ErrReleased) {
			t.Error(err)
		}
		if err := l.Probe(t.Context()); !errors.Is(err, ErrReleased) {
			t.Error(err)
		}
	})
}

// TestNoVerifyLines: a callback without verification gets a line whose calls may omit the login while one is in
// service, and otherwise any line.
func TestNoVerifyLines(t *testing.T) {
	cfgs := []Config{{TTY: 1, Rotary: 1}, {TTY: 2, Rotary: 1, InBand: true}, {TTY: 3, Rotary: 1},
		{TTY: 4, Rotary: 1, InBand: true, InsecureSignals: true}}
	x := Want{Rotary: NoRotary, Called: 1, NoVerify: true}
	omits := func(l *Lease) bool { return x.MayOmitLogin(l.Config()) }
	inTown(t, nil, cfgs, func(t *testing.T, w *town) {
		a, b := taken(t, w.want(t, "a", x)), taken(t, w.want(t, "b", x))
		if a.TTY() != 3 || b.TTY() != 4 || !omits(a) || !omits(b) {
			t.Errorf("tty %d and %d", a.TTY(), b.TTY())
		}
		c := w.want(t, "c", x)
		waits(t, c) // 2 is idle, but the lines that may omit the login are only busy
		w.stubs[3].host.Down(errors.New("unplugged"))
		waits(t, c)
		w.stubs[4].host.Down(errors.New("unplugged"))
		l := taken(t, c)
		if l.TTY() != 2 || omits(l) {
			t.Errorf("tty %d, omits the login: %v", l.TTY(), omits(l))
		}
		d := w.want(t, "d", x)
		waits(t, d) // the called line is the last choice
		w.stubs[2].host.Down(errors.New("unplugged"))
		same := taken(t, d)
		if same.TTY() != 1 || omits(same) {
			t.Errorf("tty %d, omits the login: %v", same.TTY(), omits(same))
		}
		for _, l := range []*Lease{a, b, l, same} {
			l.Release()
		}
	})
	t.Run("the open port has no signals", func(t *testing.T) {
		inTown(t, nil, rotary(1, 2, 3), func(t *testing.T, w *town) {
			w.stubs[2].host.InBand(true)
			if s, _ := w.Line(2); !s.InBand || !s.Untrusted {
				t.Errorf("%+v", s)
			}
			l := taken(t, w.want(t, "a", x))
			if l.TTY() != 3 {
				t.Errorf("tty %d", l.TTY())
			}
			w.stubs[3].host.InBand(true)
			if omits(l) {
				t.Error("it lost its signals and may omit the login")
			}
			l.Release()
		})
	})
	t.Run("the same line, allowed by the operator", func(t *testing.T) {
		inTown(t, nil, []Config{{TTY: 1, Rotary: 1, SameLine: true}, {TTY: 2, Rotary: 1, InBand: true}},
			func(t *testing.T, w *town) {
				l := taken(t, w.want(t, "a", x))
				if l.TTY() != 1 || !omits(l) {
					t.Errorf("tty %d", l.TTY())
				}
				l.Release()
			})
	})
}

func TestChooseNoVerify(t *testing.T) {
	town := func(edit func(m map[int]*Config)) (all []Status) {
		m := map[int]*Config{}
		for tty := 1; tty <= 4; tty++ {
			m[tty] = &Config{TTY: tty, Rotary: 1, InBand: tty > 2}
		}
		edit(m)
		for tty := 1; tty <= 4; tty++ {
			all = append(all, m[tty].Idle())
		}
		return all
	}
	none := func(map[int]*Config) {}
	for _, tc := range []struct {
		name string
		want Want
		edit func(m map[int]*Config)
		ttys []int
	}{
		{"those with signals", Want{Rotary: 1, Called: 1, NoVerify: true}, none, []int{2}},
		{"with verification any other", Want{Rotary: 1, Called: 1}, none, []int{2, 3, 4}},
		{"none but the called one: the others, with a login", Want{Rotary: 1, Called: 2, NoVerify: true},
			func(m map[int]*Config) { m[1].InBand = true }, []int{1, 3, 4}},
		{"the called one, allowed by the operator", Want{Rotary: 1, Called: 2, NoVerify: true},
			func(m map[int]*Config) { m[1].InBand, m[2].SameLine = true, true }, []int{2}},
		{"insecure signals are signals", Want{Rotary: 1, Called: 1, NoVerify: true},
			func(m map[int]*Config) { m[4].InsecureSignals = true }, []int{2, 4}},
		{"explicit", Want{TTYs: []int{4, 2}, Rotary: NoRotary, Called: 1, NoVerify: true}, none, []int{2}},
		{"explicit, none can be trusted", Want{TTYs: []int{4, 3}, Rotary: NoRotary, Called: 1, NoVerify: true}, none,
			[]int{4, 3}},
		{"explicit, the called line among others", Want{TTYs: []int{1, 2}, Rotary: NoRotary, Called: 1, NoVerify: true},
			none, []int{2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Choose(tc.want, town(tc.edit))
			if err != nil || !slices.Equal(got, tc.ttys) {
				t.Errorf("%v (%v), want %v", got, err, tc.ttys)
			}
		})
	}
}
