package modem

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

var errNotOurs = errors.New("the claim is not in force")

// lookTest is a dial with a last look.
type lookTest struct {
	name   string
	look   func(b *bench) lines.MayDial
	dialed bool
	code   lines.ResultCode
	want   string // part of the error; "": none
	asked  time.Duration
}

// lookTests are what a last look may do. claim is lost two seconds into the script, before its dial command.
func lookTests() []lookTest {
	return []lookTest{
		{name: "allowed", look: func(*bench) lines.MayDial {
			return func(context.Context) error { return nil }
		}, dialed: true, code: lines.Busy},
		{name: "forbidden", look: func(*bench) lines.MayDial {
			return func(context.Context) error { return errNotOurs }
		}, want: "not dialed: the claim is not in force"},
		{name: "the claim is lost while the script runs", look: func(*bench) lines.MayDial {
			lost := time.Now().Add(2 * time.Second)
			return func(context.Context) error {
				if time.Now().Before(lost) {
					return nil
				}
				return errNotOurs
			}
		}, want: "not dialed: the claim is not in force"},
		{name: "it blocks", look: func(*bench) lines.MayDial {
			return func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}
		}, want: "not dialed: context deadline exceeded", asked: lines.LookLimit},
		{name: "it is slow", look: func(b *bench) lines.MayDial {
			return func(context.Context) error {
				b.pass(lines.LookLimit - time.Millisecond)
				return nil
			}
		}, dialed: true, code: lines.Busy, asked: lines.LookLimit - time.Millisecond},
		{name: "its answer is too old once", look: func(b *bench) lines.MayDial {
			late := lines.LookLimit
			return func(context.Context) error {
				b.pass(late)
				late = 0
				return nil
			}
		}, dialed: true, code: lines.Busy, asked: lines.LookLimit},
		{name: "its answer is always too old", look: func(b *bench) lines.MayDial {
			return func(context.Context) error {
				b.pass(lines.LookLimit)
				return nil
			}
		}, want: "not dialed: each of 3 last looks took longer than 1s", asked: 3 * lines.LookLimit},
		{name: "a call comes in meanwhile", look: func(b *bench) lines.MayDial {
			return func(ctx context.Context) error {
				b.f.say("\r\nRING\r\n")
				<-ctx.Done()
				return ctx.Err()
			}
		}, code: lines.Ring, want: "not sent: the line rings: glare"},
	}
}

// atLeisure is a script that waits before its dial command.
func atLeisure(b *bench) lines.Script {
	return func(ctx context.Context, c lines.CommandConn) error {
		if err := expect(ctx, c, "AT\r", "OK"); err != nil {
			return err
		}
		b.pass(3 * time.Second)
		return expect(ctx, c, "ATDT5551\r", "")
	}
}

// check dials by a function and returns what is wrong.
func (tc lookTest) check(t *testing.T, signals bool, dial func(*lines.Lease, context.Context, lines.MayDial,
	lines.Script) (*lines.Call, lines.ResultCode, error)) (wrong []string) {
	f := newFake(signals)
	f.dials = func(string) string { return "BUSY" }
	onBench(t, f, func(b *bench) {
		fail := func(is bool, text string) {
			if is {
				wrong = append(wrong, text)
			}
		}
		l := b.lease()
		var asked time.Duration
		look := tc.look(b)
		_, code, err := dial(l, b.t.Context(), func(ctx context.Context) error {
			began := time.Now()
			defer func() { asked += time.Since(began) }()
			return look(ctx)
		}, atLeisure(b))
		n := len(f.dialedCommands())
		fail(n > 1 || (n == 1) != tc.dialed, "dialed")
		fail(l.Dialed().IsZero() == tc.dialed, "the lease's time of the dial")
		fail(errors.Is(err, lines.ErrHeldBack) == tc.dialed, "held back")
		fail(code != tc.code, "the code is "+string(code))
		fail((err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want),
			"the error is not "+tc.want)
		fail(errors.As(err, new(lines.LookFailed)) != strings.HasPrefix(tc.want, "not dialed"), "the kind of the error")
		fail(asked != tc.asked, "it took "+asked.String())
		fail(!f.isOnHook(), "off hook")
		l.Release()
		b.until(lines.Idle)
	})
	return wrong
}

// TestLastLook: the dial command is sent only if the last look allowed it, less than a second before.
func TestLastLook(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		for _, tc := range lookTests() {
			t.Run(tc.name, func(t *testing.T) {
				if wrong := tc.check(t, signals, func(l *lines.Lease, ctx context.Context, look lines.MayDial,
					fn lines.Script) (*lines.Call, lines.ResultCode, error) {
					return l.Looking(look).Dial(ctx, fn)
				}); len(wrong) > 0 {
					t.Error(wrong)
				}
			})
		}
	})
}

// TestLastLookCatchesMutants: the cases of TestLastLook fail for a driver that looks before the script, and for one
// that does not look.
func TestLastLookCatchesMutants(t *testing.T) {
	type dial = func(*lines.Lease, context.Context, lines.MayDial, lines.Script) (*lines.Call, lines.ResultCode, error)
	for name, mutant := range map[string]dial{
		"last look before the script": func(l *lines.Lease, ctx context.Context, look lines.MayDial,
			fn lines.Script) (*lines.Call, lines.ResultCode, error) {
			if err := look(ctx); err != nil {
				return nil, lines.NoResult, heldBack{lines.LookFailed{Err: err}}
			}
			return l.Dial(ctx, fn)
		},
		"no last look": func(l *lines.Lease, ctx context.Context, _ lines.MayDial, fn lines.Script) (*lines.Call,
			lines.ResultCode, error) {
			return l.Dial(ctx, fn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, tc := range lookTests() {
				if tc.name == "the claim is lost while the script runs" {
					if wrong := tc.check(t, true, mutant); len(wrong) == 0 {
						t.Error("not caught")
					}
				}
			}
		})
	}
}

// TestLastLookEnds: the end of the dial's context ends a last look. Without a dial command there is none, and a
// command of a script without a dial is not asked about.
func TestLastLookEnds(t *testing.T) {
	errStop := errors.New("stopped")
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		l := b.lease()
		ctx, cancel := context.WithCancelCause(b.t.Context())
		_, _, err := l.Looking(func(ctx context.Context) error {
			cancel(errStop)
			<-ctx.Done()
			return ctx.Err()
		}).Dial(ctx, dialScript("5551"))
		if !errors.Is(err, errStop) || !errors.Is(err, lines.ErrHeldBack) || errors.As(err, new(lines.LookFailed)) {
			t.Errorf("%v", err)
		}
		asked := 0
		never := l.Looking(func(context.Context) error { asked++; return errNotOurs })
		if code, err := never.Command(b.t.Context(), func(ctx context.Context, c lines.CommandConn) error {
			return expect(ctx, c, "AT\r", "OK")
		}); code != lines.OK || err != nil {
			t.Errorf("%s %v", code, err)
		}
		if asked > 0 || len(f.dialedCommands()) > 0 {
			t.Errorf("%d looks, dialed %q", asked, f.dialedCommands())
		}
		l.Release()
		b.until(lines.Idle)
	})
}

// stoppedHost is a process that is stopped for a while each time it is about to write a dial command.
type stoppedHost struct {
	lines.Host
	stop func()
}

func (h stoppedHost) Phase(s lines.State) {
	if h.Host.Phase(s); s == lines.Dialing {
		h.stop()
	}
}

// TestStoppedBeforeTheWrite: a process that is stopped after the last look, right before the write, looks again.
func TestStoppedBeforeTheWrite(t *testing.T) {
	for stops, want := range map[int]struct {
		looks  int
		dialed bool
	}{0: {1, true}, 1: {2, true}, 2: {3, true}, 3: {3, false}} {
		bothKinds(t, func(t *testing.T, signals bool) {
			f := newFake(signals)
			f.dials = func(string) string { return "BUSY" }
			onBench(t, f, func(b *bench) {
				l := b.lease()
				left, looks := stops, 0
				b.drv.host = stoppedHost{b.drv.host, func() {
					if left--; left >= 0 {
						b.pass(time.Hour)
					}
				}}
				_, code, err := l.Looking(func(context.Context) error { looks++; return nil }).
					Dial(b.t.Context(), dialScript("5551"))
				if n := len(f.dialedCommands()); looks != want.looks || (n == 1) != want.dialed || n > 1 ||
					(code == lines.Busy) != want.dialed || errors.Is(err, lines.ErrHeldBack) == want.dialed {
					t.Errorf("stopped %d times: %d looks, %d dials, %s %v", stops, looks, n, code, err)
				}
				l.Release()
				b.until(lines.Idle)
			})
		})
	}
}
