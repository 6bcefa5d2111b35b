package modem

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// screener answers the question whether to answer a call.
type screener struct {
	takes  time.Duration
	grants func(lines.RingingCall) bool

	mu    sync.Mutex
	asked []string
	given int // calls that ended before the verdict
}

func (s *screener) screen(ctx context.Context, r lines.RingingCall) bool {
	s.mu.Lock()
	s.asked = append(s.asked, r.Caller)
	s.mu.Unlock()
	select {
	case <-time.After(s.takes):
		return s.grants(r)
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.given++
		return true // too late: this verdict must have no effect
	}
}

func (s *screener) questions() ([]string, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked), s.given
}

// onScreened is onBench with Call-Check.
func onScreened(t *testing.T, f *fake, s *screener, body func(b *bench), opts ...option) {
	onBenchOf(t, f, lines.PoolOptions{Screen: s.screen}, body,
		append(opts, func(o *Options) { o.Config.CallCheck = true })...)
}

func only(want string) func(lines.RingingCall) bool {
	return func(r lines.RingingCall) bool { return r.Caller == want && r.TTY == 1 }
}

// rings makes the line ring n times, with caller ID after the first ring, and reports whether the call was answered.
func (b *bench) rings(n int, from string) bool {
	b.t.Helper()
	for i := range n {
		b.f.code("RING")
		if i == 0 && from != "" {
			b.pass(time.Second)
			b.f.say("\r\nNMBR = " + from + "\r\n")
		}
		select {
		case c := <-b.calls:
			if from != "" && c.Caller != from {
				b.t.Errorf("the call is from %q, want %q", c.Caller, from)
			}
			if err := c.Hangup(b.t.Context()); err != nil {
				b.t.Error(err)
			}
			return true
		case <-time.After(5 * time.Second):
		}
	}
	return false
}

func TestCallCheck(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		for _, tt := range []struct {
			name  string
			s     *screener
			from  string
			want  bool
			asked []string
		}{
			{"granted", &screener{grants: only("84001")}, "84001", true, []string{"84001"}},
			{"granted late", &screener{takes: 12 * time.Second, grants: only("84001")}, "84001", true,
				[]string{"84001"}},
			{"refused", &screener{grants: only("84001")}, "84666", false, []string{"84666"}},
			{"number withheld", &screener{grants: only("84001")}, "", false, []string{""}},
			{"number withheld, and allowed", &screener{grants: only("")}, "", true, []string{""}},
			{"silent", &screener{takes: time.Hour, grants: only("84001")}, "84001", false, []string{"84001"}},
			{"panics", &screener{grants: func(lines.RingingCall) bool { panic("a bug") }}, "84001", false,
				[]string{"84001"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				f := newFake(signals)
				s := tt.s
				onScreened(t, f, s, func(b *bench) {
					b.until(lines.Idle)
					if got := b.rings(10, tt.from); got != tt.want {
						t.Errorf("answered: %v, want %v", got, tt.want)
					}
					if got, _ := s.questions(); !slices.Equal(got, tt.asked) {
						t.Errorf("asked about %q, want %q: once a call", got, tt.asked)
					}
					if !tt.want && strings.Contains(f.allCommands(), "ATA") {
						t.Error("the line went off hook")
					}
					b.pass(time.Minute)
					b.until(lines.Idle)
				})
			})
		}
	})
}

// A permission applies only to the call that it was requested for: not to the next caller, not after the caller gave
// up, not to a line that was busy at the time.
func TestCallCheckIsNotInherited(t *testing.T) {
	t.Run("the caller gave up", func(t *testing.T) {
		s := &screener{takes: 20 * time.Second, grants: only("84001")}
		onScreened(t, newFake(true), s, func(b *bench) {
			b.until(lines.Idle)
			b.rings(2, "84001")
			b.pass(10 * time.Second)
			if _, given := s.questions(); given != 1 {
				t.Error("the check continues although no call rings")
			}
			if b.rings(10, "84666") {
				t.Error("the next caller was answered")
			}
			if got, _ := s.questions(); !slices.Equal(got, []string{"84001", "84666"}) {
				t.Errorf("asked about %q", got)
			}
		})
	})
	t.Run("another call immediately", func(t *testing.T) {
		s := &screener{takes: 7 * time.Second, grants: only("84001")}
		onScreened(t, newFake(true), s, func(b *bench) {
			b.until(lines.Idle)
			b.rings(1, "84001")
			if b.rings(10, "84666") {
				t.Error("answered with the permission for the previous call")
			}
		})
	})
	t.Run("the line was leased", func(t *testing.T) {
		s := &screener{takes: 7 * time.Second, grants: only("84001")}
		onScreened(t, newFake(true), s, func(b *bench) {
			b.until(lines.Idle)
			l := b.lease()
			b.rings(2, "84001")
			l.Release()
			if b.rings(1, "") {
				t.Error("answered with a permission that could not be used when it came")
			}
		})
	})
}

// A modem that answers by itself cannot ask first: its call is hung up. On a line without Call-Check, no check is
// made.
func TestCallCheckElsewhere(t *testing.T) {
	s := &screener{grants: func(lines.RingingCall) bool { return true }}
	onScreened(t, newFake(true), s, func(b *bench) {
		b.until(lines.Idle)
		b.f.connect("CONNECT 9600")
		b.pass(time.Minute)
		if n := len(b.calls); n > 0 || !b.f.isOnHook() {
			t.Errorf("%d unchecked calls", n)
		}
	}, func(o *Options) { o.Config.Init = "ATE0Q0V1&C1&D2S0=1" })
	onBenchOf(t, newFake(true), lines.PoolOptions{Screen: s.screen}, func(b *bench) {
		b.until(lines.Idle)
		if !b.rings(2, "") {
			t.Error("not answered")
		}
		if got, _ := s.questions(); len(got) > 0 {
			t.Errorf("asked about %q", got)
		}
	})
	onBench(t, newFake(true), func(b *bench) {
		b.until(lines.Idle)
		if b.rings(5, "84001") {
			t.Error("answered without a call check")
		}
	}, func(o *Options) { o.Config.CallCheck = true })
}
