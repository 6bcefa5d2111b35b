package lines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// preparesFor returns a Prepare whose preparations take a time, and of which every other fails.
func preparesFor(d time.Duration) func(int, Occasion) Preparation {
	var mu sync.Mutex
	n := 0
	return func(tty int, o Occasion) Preparation {
		mu.Lock()
		defer mu.Unlock()
		n++
		fails := n%2 == 0
		return func(ctx context.Context, m Commander) error {
			_, err := m.Command(ctx, func(ctx context.Context, _ CommandConn) error {
				select {
				case <-time.After(d):
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
			if fails {
				err = errors.Join(err, errors.New("the modem said ERROR"))
			}
			return err
		}
	}
}

// preparing has the preparations of a town that were asked for, and what they do.
type preparing struct {
	mu    sync.Mutex
	asked []string
	takes time.Duration
	fails error
	none  bool // there is none
}

func (p *preparing) prepare(tty int, o Occasion) Preparation {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, fmt.Sprintf("%d %s", tty, o))
	takes, fails := p.takes, p.fails
	if p.none {
		return nil
	}
	return func(ctx context.Context, m Commander) error {
		if m.TTY() != tty {
			return fmt.Errorf("tty %d", m.TTY())
		}
		_, err := m.Command(ctx, func(ctx context.Context, _ CommandConn) error {
			select {
			case <-time.After(takes):
				return fails
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		return err
	}
}

func (p *preparing) since() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.asked
	p.asked = nil
	return was
}

func (s *stub) proofsMade() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proofs
}

func onPrepared(t *testing.T, p *preparing, body func(w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newTownOf(t, PoolOptions{Prepare: p.prepare}, func(_ context.Context, c *Call) { <-c.Done() }, rotary(1),
			true)
		defer w.stop()
		body(w)
	})
}

// TestProofAfterPreparation: a line that is quarantined while it is being prepared is not proven on hook in the middle
// of the script, also if an operator clears it, and at once when the script has ended.
func TestProofAfterPreparation(t *testing.T) {
	p := &preparing{takes: 5 * time.Second}
	onPrepared(t, p, func(w *town) {
		port := w.stubs[1].host
		port.Down(errors.New("unplugged"))
		port.Up(errors.New("DCD stays on"))
		if err := w.Clear(1); err != nil {
			t.Fatal(err)
		}
		<-time.After(6 * time.Second)
		synctest.Wait()
		if w.stubs[1].clashed() {
			t.Error("proven on hook during the script")
		}
		if s := w.state(1); s != Preparing { // the startup after the port was opened again
			t.Errorf("after the script: %s", s)
		}
		<-time.After(6 * time.Second)
		if s := w.state(1); s != Idle {
			t.Errorf("in the end: %s", s)
		}
	})
}

// TestPreparations: a line is prepared when it comes into service, and after each call and lease. Meanwhile it neither
// answers nor is leased.
func TestPreparations(t *testing.T) {
	p := &preparing{takes: 5 * time.Second}
	onPrepared(t, p, func(w *town) {
		port := w.stubs[1].host
		is := func(want ...string) {
			t.Helper()
			if got := p.since(); !slices.Equal(got, want) {
				t.Errorf("prepared %q, want %q", got, want)
			}
		}
		is("1 startup")
		if port.Phase(Ringing); w.state(1) != Preparing || port.Answer("", "") {
			t.Errorf("%s, or it answers", w.state(1))
		}
		q := w.want(t, "cb", Want{Rotary: NoRotary, Called: 1})
		waits(t, q)
		<-time.After(6 * time.Second)
		l := taken(t, q)
		if w.stubs[1].proofsMade() == 0 {
			t.Error("not proven on hook after the script")
		}
		l.Release()
		synctest.Wait()
		is("1 reset")
		<-time.After(6 * time.Second)
		if !port.Answer("", "") {
			t.Error("it does not answer after its reset")
		}
		call := newStubData(nil)
		port.Connected(&Call{Data: call, TTY: 1})
		_ = call.Hangup(t.Context())
		synctest.Wait()
		is("1 reset")
		port.Down(errors.New("unplugged")) // in the middle of it
		port.Up(nil)
		<-time.After(6 * time.Second)
		synctest.Wait()
		is("1 startup")
		<-time.After(6 * time.Second)
		if w.state(1) != Idle {
			t.Errorf("in the end %s", w.state(1))
		}
		is()
	})
}

// TestPreparationFails: a line whose script fails takes calls all the same; what went wrong is shown until the script
// succeeds, or there is none any more. A script that does not end is ended.
func TestPreparationFails(t *testing.T) {
	p := &preparing{fails: errors.New("chat script setup: the modem said ERROR")}
	onPrepared(t, p, func(w *town) {
		next := func(takes time.Duration, fails error, none bool) Status {
			t.Helper()
			p.mu.Lock()
			p.takes, p.fails, p.none = takes, fails, none
			p.mu.Unlock()
			l := taken(t, w.want(t, "cb", Want{Rotary: NoRotary, Called: 1}))
			l.Release()
			<-time.After(2 * prepareTime)
			synctest.Wait()
			s, _ := w.Line(1)
			if s.State != Idle {
				t.Errorf("%s", s.State)
			}
			return s
		}
		synctest.Wait()
		s, _ := w.Line(1)
		if s.State != Idle || !slices.Equal(s.Notices, []string{p.fails.Error()}) ||
			s.Failure == nil || s.Failure.Kind != FailScript {
			t.Errorf("%+v", s)
		}
		s = next(0, p.fails, false)
		if len(s.Notices) != 2 { // startup and reset
			t.Errorf("%q", s.Notices)
		}
		if s = next(0, nil, false); len(s.Notices) != 1 {
			t.Errorf("%q", s.Notices)
		}
		s = next(time.Hour, nil, false)
		if len(s.Notices) != 2 || !strings.Contains(s.Notices[0], "did not end within") {
			t.Errorf("%q", s.Notices)
		}
		if s = next(0, nil, true); len(s.Notices) != 1 {
			t.Errorf("%q", s.Notices)
		}
	})
}

// TestPreparationWaitsForProof: a line in quarantine is prepared when it has left that.
func TestPreparationWaitsForProof(t *testing.T) {
	p := &preparing{}
	onPrepared(t, p, func(w *town) {
		l := taken(t, w.want(t, "cb", Want{Rotary: NoRotary, Called: 1}))
		p.since()
		w.stubs[1].settles(errors.New("off hook"))
		l.Release()
		synctest.Wait()
		if got := p.since(); w.state(1) != Quarantined || len(got) > 0 {
			t.Errorf("%s, prepared %q", w.state(1), got)
		}
		w.stubs[1].settles(nil)
		<-time.After(time.Minute)
		if got := p.since(); w.state(1) != Idle || !slices.Equal(got, []string{"1 reset"}) {
			t.Errorf("%s, prepared %q", w.state(1), got)
		}
	})
}
