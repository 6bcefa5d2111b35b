package broker_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// after changes what the group's policy says of one cause.
func after(c policies.Cause, r policies.Retry) func(*policies.Policy) {
	return func(p *policies.Policy) { p.Attempts.After[c] = r }
}

// waits returns the times between the dials, in whole steps of a duration.
func (w *town) waits(step time.Duration) (all []time.Duration) {
	d := w.dialed()
	for i := 1; i < len(d); i++ {
		all = append(all, d[i].Time.Sub(d[i-1].Time).Truncate(step))
	}
	return all
}

// TestLongWaitKeepsNoLine: during a wait of minutes the line serves others. The wait is not shorter for that, nor by a
// restart or an operator's delay.
func TestLongWaitKeepsNoLine(t *testing.T) {
	for name, tc := range map[string]struct {
		disturb func(*town)
		least   time.Duration // between the dials
		holdOff time.Duration // instead of the policy's wait
	}{
		"busy":     {func(*town) {}, 10 * time.Minute, 0},
		"hold_off": {func(*town) {}, 10 * time.Minute, 10 * time.Minute},
		"restart":  {func(w *town) { w.halt(); w.start() }, 12*time.Minute + 50*time.Second, 0},
		"delayed": {func(w *town) {
			if _, err := w.broker.Change(context.Background(), broker.Selector{User: "austin-01"},
				broker.Change{DelayCallback: 20 * time.Minute}); err != nil {
				t.Error(err)
			}
		}, 22*time.Minute + 50*time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			wait := 10 * time.Minute
			if tc.holdOff > 0 {
				wait = 5 * time.Second
			}
			o := townOptions{attempts: 2, lifetime: 2 * time.Hour, holdOff: tc.holdOff,
				policy: func(p *policies.Policy) { p.Attempts.RetryWait = wait }}
			inTown(t, o, func(w *town) {
				w.x.Reserve("84001", exchange.Busy)
				promised(w)
				w.pass(3 * time.Minute)
				if len(w.dialed()) != 1 {
					t.Fatalf("dialed %+v", w.dialed())
				}
				tc.disturb(w)
				w.pass(10 * time.Second)
				for _, l := range w.pool.Lines() {
					if l.State != lines.Idle {
						t.Errorf("tty %d is %s during the wait", l.TTY, l.State)
					}
				}
				w.pass(40 * time.Minute)
				if got := w.waits(time.Second); len(got) != 1 || got[0] < tc.least || got[0] > tc.least+30*time.Second {
					t.Errorf("waits %v, want %v\n%v", got, tc.least, w.last().History)
				}
				w.idle(time.Minute)
			})
		})
	}
}

func same[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// The policy decides by the cause whether a further attempt is made, and when. Without a word in it, all causes have
// the same wait.
func TestRetryByCause(t *testing.T) {
	const m = time.Minute
	for name, tc := range map[string]struct {
		number exchange.Behavior
		cause  policies.Cause
		retry  policies.Retry
		waits  []time.Duration
		end    string
	}{
		"as before": {exchange.Busy, policies.Voice, policies.Retry{Never: true}, []time.Duration{0, 0, 0, 0},
			"busy"},
		"its own wait": {exchange.Busy, policies.Busy, policies.Retry{Wait: 2 * m},
			[]time.Duration{2 * m, 2 * m, 2 * m, 2 * m}, "busy"},
		"with back-off": {exchange.Busy, policies.Busy, policies.Retry{Wait: m, Backoff: 3, MaxWait: 10 * m},
			[]time.Duration{m, 3 * m, 9 * m, 10 * m}, "busy"},
		"no back-off of retry_wait beyond an hour": {exchange.Busy, policies.Busy, policies.Retry{Backoff: 10},
			[]time.Duration{0, 5 * m, 50 * m, 60 * m}, "busy"},
		"never after a timeout": {exchange.Voice, policies.Timeout, policies.Retry{Never: true}, nil, "timed out"},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{attempts: 5, policy: after(tc.cause, tc.retry), lifetime: 2 * time.Hour}
			inTown(t, o, func(w *town) {
				w.x.Reserve("84001", tc.number)
				promised(w)
				w.pass(3 * time.Hour)
				if got := w.waits(time.Minute); !same(got, tc.waits) {
					t.Errorf("waits %v, want %v", got, tc.waits)
				}
				v := w.last()
				if v.Cause != tc.end || v.Attempts != len(tc.waits)+1 {
					t.Errorf("%s (%s) after %d attempts", v.Phase, v.Cause, v.Attempts)
				}
				if last := v.History[len(v.History)-1]; tc.cause == policies.Timeout &&
					!strings.Contains(last.Text, "no further attempt after this cause") {
					t.Errorf("the history ends with %+v", last)
				}
			})
		})
	}
}

// Chance adds to the wait, never more than the policy allows, and not always the same.
func TestJitter(t *testing.T) {
	retry := policies.Retry{Wait: time.Minute, Jitter: 40 * time.Second}
	inTown(t, townOptions{attempts: 10, policy: after(policies.Busy, retry)}, func(w *town) {
		w.x.Reserve("84001", exchange.Busy)
		promised(w)
		w.pass(time.Hour)
		different := map[time.Duration]bool{}
		for _, wait := range w.waits(time.Millisecond) {
			if different[wait] = true; wait < time.Minute || wait > 2*time.Minute {
				t.Errorf("a wait of %v", wait)
			}
		}
		if len(w.dialed()) != 10 || len(different) < 2 {
			t.Errorf("%d dials, waits %v", len(w.dialed()), different)
		}
	})
}

// The next attempt is made on another line if the policy says so and one is in service.
func TestOtherLine(t *testing.T) {
	for n, want := range map[int]string{1: "tty65 tty65 tty65", 2: "tty66 tty65 tty66", 3: "tty66 tty67 tty66"} {
		o := townOptions{lines: n, attempts: 3, policy: after(policies.Busy, policies.Retry{OtherLine: true})}
		inTown(t, o, func(w *town) {
			w.x.Reserve("84001", exchange.Busy)
			promised(w)
			w.pass(time.Hour)
			var dialed []string
			for _, d := range w.dialed() {
				dialed = append(dialed, d.Modem)
			}
			if got := strings.Join(dialed, " "); got != want {
				t.Errorf("%d lines: dialed from %s, want %s", n, got, want)
			}
		})
	}
}

// An attempt that a crash interrupts is followed by what the policy says, as it was when the callback was promised.
func TestInterrupted(t *testing.T) {
	for name, tc := range map[string]struct {
		retry policies.Retry
		dials int
		wait  time.Duration
	}{
		"as before": {policies.Retry{}, 2, 30 * time.Second}, "never": {policies.Retry{Never: true}, 1, 0},
		"later": {policies.Retry{Wait: 10 * time.Minute}, 2, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			now, m := tc.retry, &mortal{}
			policy := func(p *policies.Policy) { p.Attempts.After[policies.Interrupted] = now }
			o := townOptions{attempts: 2, policy: policy,
				store: func(s journal.Store) journal.Store { m = &mortal{Store: s}; return m }}
			inTown(t, o, func(w *town) {
				w.x.Reserve("84001", exchange.NoAnswer)
				promised(w)
				w.until("dialing", time.Minute)
				w.pass(10 * time.Second)
				m.mu.Lock()
				m.dead = true
				m.mu.Unlock()
				w.stop()
				<-w.ended
				if err := w.journal.Close(); err != nil {
					t.Fatal(err)
				}
				now = policies.Retry{Wait: time.Second}
				w.start()
				began := time.Now()
				w.pass(time.Hour)
				d := w.dialed()
				if len(d) != tc.dials {
					t.Fatalf("%d dials", len(d))
				}
				if tc.dials == 2 && (d[1].Time.Sub(began) < tc.wait || d[1].Time.Sub(began) > tc.wait+10*time.Second) {
					t.Errorf("dialed after %v, want %v", d[1].Time.Sub(began), tc.wait)
				}
			})
		})
	}
}

// bars says for how long the modem of a line will not dial, as with DELAYED 01:00:00, the first n times.
type bars struct {
	lines.Driver
	left *atomic.Int32
	time time.Duration
}

func (d bars) Dial(ctx context.Context, look lines.MayDial, fn lines.Script) (*lines.Call, lines.ResultCode,
	error) {
	if d.left.Add(-1) >= 0 {
		return nil, lines.Delayed, lines.Barred{For: d.time}
	}
	return d.Driver.Dial(ctx, look, fn)
}

// A modem's word that it will not dial a number for a while is kept: no earlier dial of that number on that line, also
// after a restart. Another line may dial.
func TestBarredLine(t *testing.T) {
	for name, tc := range map[string]struct {
		lines   int
		time    time.Duration
		restart bool
		modem   string
		from    time.Duration
		to      time.Duration
	}{
		"the same line later":       {1, 20 * time.Minute, false, "tty65", 20 * time.Minute, 21 * time.Minute},
		"after a restart":           {1, 20 * time.Minute, true, "tty65", 25 * time.Minute, 26 * time.Minute},
		"another line":              {2, 20 * time.Minute, false, "tty65", 30 * time.Second, time.Minute},
		"shorter than the wait":     {1, 10 * time.Second, false, "tty65", 30 * time.Second, time.Minute},
		"a modem that does not end": {1, 99 * time.Hour, false, "tty65", 24 * time.Hour, 25 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			var left atomic.Int32
			left.Store(1)
			o := townOptions{lines: tc.lines, attempts: 3, lifetime: 48 * time.Hour,
				driver: func(tty int, d lines.Driver) lines.Driver {
					if tty == 64+tc.lines {
						return bars{d, &left, tc.time}
					}
					return d
				}}
			inTown(t, o, func(w *town) {
				w.x.Reserve("84001", exchange.Busy)
				promised(w)
				for left.Load() > 0 {
					w.pass(time.Second)
				}
				began := time.Now()
				if tc.restart {
					w.pass(5 * time.Minute)
					w.halt()
					w.start()
				}
				for len(w.dialed()) == 0 && time.Since(began) < 40*time.Hour {
					w.pass(time.Second)
				}
				d := w.dialed()
				if len(d) != 1 || d[0].Modem != tc.modem || d[0].Time.Sub(began) < tc.from-time.Second ||
					d[0].Time.Sub(began) > tc.to {
					t.Fatalf("dialed %+v, %v after the modem's word", d, time.Since(began))
				}
				w.pass(3 * time.Hour)
				if a := w.last().Attempt; len(a) == 0 || a[0].Outcome != "delayed" {
					t.Errorf("%+v", a)
				}
			})
		})
	}
}
