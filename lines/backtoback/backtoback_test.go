package backtoback

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lines"
)

// wire is one end of a call in memory. change, unless it is nil, changes what is written, or drops it.
type wire struct {
	mu       sync.Mutex
	in       []byte
	arrived  chan struct{}
	far      *wire
	change   func([]byte) []byte
	down     chan struct{} // shared by both ends
	once     *sync.Once
	stuck    bool // does not notice the end of the call
	unproven error
	until    time.Time
	hung     bool
}

func newCall() (a, b *wire) {
	down, once := make(chan struct{}), new(sync.Once)
	a = &wire{arrived: make(chan struct{}, 1), down: down, once: once}
	b = &wire{arrived: make(chan struct{}, 1), down: down, once: once}
	a.far, b.far = b, a
	return a, b
}

func (w *wire) Write(b []byte) (int, error) {
	select {
	case <-w.down:
		return 0, io.EOF
	default:
	}
	data := b
	if w.change != nil {
		data = w.change(append([]byte{}, b...))
	}
	w.far.mu.Lock()
	w.far.in = append(w.far.in, data...)
	w.far.mu.Unlock()
	select {
	case w.far.arrived <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (w *wire) Read(b []byte) (int, error) {
	for {
		w.mu.Lock()
		n := copy(b, w.in)
		w.in = w.in[n:]
		wait := time.Until(w.until)
		w.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if wait <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		t := time.NewTimer(wait)
		select {
		case <-w.arrived:
		case <-t.C:
		case <-w.down:
			return 0, io.EOF
		}
		t.Stop()
	}
}

func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	w.until = t
	w.mu.Unlock()
	select {
	case w.arrived <- struct{}{}:
	default:
	}
	return nil
}
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
func (w *wire) Drain(context.Context) error      { return nil }

func (w *wire) Done() <-chan struct{} {
	if w.stuck {
		return nil
	}
	return w.down
}

func (w *wire) Hangup(context.Context) error {
	w.hung = true
	w.once.Do(func() { close(w.down) })
	return w.unproven
}

// dropping removes what is not let through.
func dropping(passes func(byte) bool) func([]byte) []byte {
	return func(b []byte) []byte {
		out := b[:0]
		for _, c := range b {
			if passes(c) {
				out = append(out, c)
			}
		}
		return out
	}
}

// Each defect is found in its step, and the lines that may have it are named. Both ends are hung up in any case.
func TestRun(t *testing.T) {
	seven := func(b []byte) []byte {
		for i := range b {
			b[i] &= 0x7f
		}
		return b
	}
	noXON := dropping(func(c byte) bool { return c != 0x11 && c != 0x13 })
	escaped := false
	command := func(b []byte) []byte { // three + switch to command state
		if escaped = escaped || string(b) == "+++"; escaped {
			return nil
		}
		return b
	}
	two := func(b []byte) []byte { return []byte(strings.Replace(string(b), "+++", "++", 1)) }
	for name, tt := range map[string]struct {
		o      Options
		defect func(from, to *wire)
		want   string // "": passes
		blamed []int
	}{
		"good":               {},
		"a second + at most": {defect: func(a, _ *wire) { a.change = two }},
		"seven bits, as configured": {o: Options{SevenBits: true}, defect: func(a, b *wire) {
			a.change,
				b.change = seven, seven
		}},
		"XON/XOFF, as configured": {o: Options{XONXOFF: true}, defect: func(a, b *wire) {
			a.change,
				b.change = noXON, noXON
		}},
		"seven bits": {defect: func(a, _ *wire) { a.change = seven }, want: "data: octet 129 from " +
			"tty 1 to tty 2 is 0x00", blamed: []int{1, 2}},
		"XON/XOFF on the way back": {defect: func(_, b *wire) { b.change = noXON }, want: "data: octet 18 from " +
			"tty 2 to tty 1", blamed: []int{2, 1}},
		"nothing passes": {defect: func(a, _ *wire) { a.change = func([]byte) []byte { return nil } },
			want: "identification: what tty 1 sent did not arrive at tty 2", blamed: []int{1, 2}},
		"nothing passes back": {defect: func(_, b *wire) { b.change = func([]byte) []byte { return nil } },
			want: "identification: what tty 2 sent did not arrive at tty 1", blamed: []int{1, 2}},
		"the escape works": {defect: func(a, _ *wire) { a.change = command }, want: "escape: after +++",
			blamed: []int{1}},
		"the hang-up is not noticed": {defect: func(_, b *wire) { b.stuck = true }, want: "hang-up: tty 1 hung " +
			"up, and tty 2 did not notice it", blamed: []int{2}},
		"not on hook": {defect: func(a, _ *wire) { a.unproven = errors.New("DCD is on") },
			want: "hang-up: tty 1 is not proven on hook: DCD is on", blamed: []int{1}},
		"the called line not on hook": {defect: func(_, b *wire) { b.unproven = errors.New("DCD is on") },
			want: "hang-up: tty 2 is not proven on hook", blamed: []int{2}},
		"the call ends": {defect: func(a, _ *wire) { a.Hangup(context.Background()) },
			want: "identification: tty 1 cannot send: the call ended", blamed: []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				escaped = false
				a, b := newCall()
				if tt.defect != nil {
					tt.defect(a, b)
				}
				r, err := Run(t.Context(), &lines.Call{Data: a, TTY: 1}, &lines.Call{Data: b, TTY: 2}, tt.o)
				if !a.hung || !b.hung {
					t.Errorf("hung up: %v, %v", a.hung, b.hung)
				}
				var f *Failure
				switch {
				case tt.want == "" && (err != nil || r.Octets < 500):
					t.Errorf("%+v, %v", r, err)
				case tt.want == "":
				case !errors.As(err, &f) || !strings.HasPrefix(err.Error(), tt.want) || errors.Is(err, ErrOther):
					t.Errorf("%v\nmust say %s", err, tt.want)
				case len(f.Lines) != len(tt.blamed) || f.Lines[0] != tt.blamed[0]:
					t.Errorf("blamed %v, want %v", f.Lines, tt.blamed)
				}
			})
		})
	}
}

// A stranger at the called line, whatever they send, is told nothing and is not taken for the calling line.
func TestStranger(t *testing.T) {
	for name, says := range map[string]string{"nothing": "", "a token of their own": string(token()),
		"a modem's texts": "\r\nCONNECT\r\nOK\r\n+++", "a flood": strings.Repeat("x", 20000)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _ := newCall()
				stranger, b := newCall()
				_, _ = stranger.Write([]byte(says))
				_, err := Run(t.Context(), &lines.Call{Data: a, TTY: 1}, &lines.Call{Data: b, TTY: 2}, Options{})
				if !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), "Another call was answered") {
					t.Errorf("%v", err)
				}
				if len(stranger.in) > 0 {
					t.Errorf("the stranger was sent %q", stranger.in)
				}
				if !a.hung || !b.hung {
					t.Error("not hung up")
				}
			})
		})
	}
}

// A stranger who hangs up, while the calling line has a call elsewhere, is no defect of the lines. If both calls end,
// they may be one.
func TestStrangerHangsUp(t *testing.T) {
	for _, both := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a, elsewhere := newCall()
			stranger, b := newCall()
			time.AfterFunc(2*time.Second, func() {
				stranger.Hangup(context.Background())
				if both {
					elsewhere.Hangup(context.Background())
				}
			})
			_, err := Run(t.Context(), &lines.Call{Data: a, TTY: 1}, &lines.Call{Data: b, TTY: 2}, Options{})
			var f *Failure
			if !errors.As(err, &f) || f.Step != Identify || errors.Is(err, ErrOther) == both {
				t.Errorf("both end %v: %v", both, err)
			}
		})
	}
}

// The end of ctx ends a test at any moment, and both ends are hung up.
func TestCancelled(t *testing.T) {
	ended := errors.New("lockdown")
	for _, after := range []time.Duration{0, time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			a, b := newCall()
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(after, func() { cancel(ended) })
			began := time.Now()
			_, err := Run(ctx, &lines.Call{Data: a, TTY: 1}, &lines.Call{Data: b, TTY: 2}, Options{})
			if !errors.Is(err, ended) || !a.hung || !b.hung || time.Since(began) > after+20*time.Second {
				t.Errorf("after %v: %v, %v", after, err, time.Since(began))
			}
			synctest.Wait()
		})
	}
}
