package lines

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// rawPort is a port that notes how it is left.
type rawPort struct {
	Port
	b      *bank
	name   string
	signal bool
	log    *[]string
}

func (p rawPort) HasSignals() bool { return p.signal }
func (p rawPort) SetDTR(on bool) error {
	*p.log = append(*p.log, map[bool]string{true: "DTR on", false: "DTR off"}[on])
	return nil
}

func (p rawPort) Close() error {
	*p.log = append(*p.log, "closed")
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	delete(p.b.open, p.name)
	return nil
}

// OpenRaw implements RawDriver.
func (h holder) OpenRaw(context.Context) (Port, error) {
	h.b.mu.Lock()
	defer h.b.mu.Unlock()
	if h.port == "broken" {
		return nil, errors.New("no such device")
	}
	if _, ok := h.b.open[h.port]; ok {
		h.b.t.Errorf("%s is open twice", h.port)
	}
	h.b.open[h.port] = h.tty
	return rawPort{b: h.b, name: h.port, signal: true, log: &h.b.rawLog}, nil
}

// TestRaw: the port has one user at a time, the line is nobody else's meanwhile, and it begins anew afterwards.
func TestRaw(t *testing.T) {
	inBank(t, func(t *testing.T, b *bank) {
		b.slow = time.Second
		b.configure(at(1, "a"))
		l := taken(t, b.want(t, "kim", Want{Role: ForUser, Rotary: 1}))
		next := b.want(t, "cb", Want{Rotary: 1})
		err := l.Raw(context.Background(), func(ctx context.Context, _ Port) error {
			<-time.After(time.Hour)
			if b.host(1).Answer("", "") {
				t.Error("a call is answered")
			}
			if s, _ := b.Line(1); s.Owner != "kim" || s.State != Leased {
				t.Errorf("%+v", s)
			}
			return errors.New("gone")
		})
		if err == nil || err.Error() != "gone" || strings.Join(b.rawLog, ", ") != "DTR off, closed" || b.began[1] != 1 {
			t.Errorf("%v, %q, began %d times", err, b.rawLog, b.began[1])
		}
		l.Release()
		taken(t, next).Release()
		if b.began[1] != 2 {
			t.Errorf("began %d times", b.began[1])
		}
		if err := l.Raw(context.Background(), nil); !errors.Is(err, ErrReleased) {
			t.Error(err)
		}
	})
}

// TestRawReload: the line itself follows raw access, so nothing waits to be changed, and a reload with the same
// configuration changes nothing; one with another does, afterwards.
func TestRawReload(t *testing.T) {
	inBank(t, func(t *testing.T, b *bank) {
		b.configure(at(1, "a"))
		l := taken(t, b.want(t, "kim", Want{Role: ForUser, Rotary: 1}))
		_ = l.Raw(context.Background(), func(context.Context, Port) error {
			if s, _ := b.Line(1); s.Change != "" {
				t.Errorf("it %s", s.Change)
			}
			if r := b.configure(at(1, "a")); len(r.Changed) != 0 {
				t.Errorf("%+v", r)
			}
			if r := b.configure(at(1, "b")); len(r.Changed) != 1 || len(r.Waiting) != 1 {
				t.Errorf("%+v", r)
			}
			if s, _ := b.Line(1); s.Change != Changes {
				t.Errorf("change %q", s.Change)
			}
			return nil
		})
		l.Release()
		synctest.Wait()
		if s, _ := b.Line(1); s.Port != "b" || s.Change != "" {
			t.Errorf("%+v", s)
		}
	})
}

// TestRawEnds: everything that ends the right to use the line ends raw access.
func TestRawEnds(t *testing.T) {
	for name, end := range map[string]struct {
		by    func(b *bank, l *Lease, cancel context.CancelCauseFunc)
		cause error
	}{
		"user":    {func(_ *bank, _ *Lease, cancel context.CancelCauseFunc) { cancel(errMissed) }, errMissed},
		"clear":   {func(b *bank, _ *Lease, _ context.CancelCauseFunc) { _ = b.Clear(1) }, ErrCleared},
		"release": {func(_ *bank, l *Lease, _ context.CancelCauseFunc) { l.Release() }, ErrReleased},
		"stop":    {func(b *bank, _ *Lease, _ context.CancelCauseFunc) { go b.stop() }, ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			inBank(t, func(t *testing.T, b *bank) {
				b.configure(at(1, "a"))
				l := taken(t, b.want(t, "kim", Want{Role: ForUser, Rotary: 1}))
				ctx, cancel := context.WithCancelCause(context.Background())
				began, done := make(chan bool), make(chan error)
				go func() {
					done <- l.Raw(ctx, func(ctx context.Context, _ Port) error {
						close(began)
						<-ctx.Done()
						l.Release() // its owner may be faster
						return context.Cause(ctx)
					})
				}()
				<-began
				end.by(b, l, cancel)
				if err := <-done; !errors.Is(err, end.cause) {
					t.Errorf("%v, want %v", err, end.cause)
				}
				cancel(nil)
			})
		})
	}
}

// TestRawFails: a line whose port cannot be opened begins anew too.
func TestRawFails(t *testing.T) {
	inBank(t, func(t *testing.T, b *bank) {
		b.configure(at(1, "broken"), Config{TTY: 2, Rotary: NoRotary, Port: "b"})
		l := taken(t, b.want(t, "kim", Want{Rotary: 1}))
		err := l.Raw(context.Background(), nil)
		if err == nil || !strings.Contains(err.Error(), "tty 1: no raw access: no such device") {
			t.Error(err)
		}
		b.configure(at(1, "broken")) // the same, while it restarts
		l.Release()
		synctest.Wait()
		if b.began[1] != 2 || b.state(1) != Idle {
			t.Errorf("began %d times, %s", b.began[1], b.state(1))
		}
	})
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		l := taken(t, w.want(t, "kim", Want{Rotary: 1}))
		if err := l.Raw(context.Background(), nil); !errors.Is(err, errNoRaw) {
			t.Error(err)
		}
		l.Release()
	})
}
