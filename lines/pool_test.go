package lines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stub is a Driver without a modem. It detects concurrent use.
type stub struct {
	tty int
	up  bool // report Up at the start

	mu     sync.Mutex
	host   Host
	settle error // the result of Settle
	used   int
	clash  bool
	proofs int
	probe  error // the result of Probe …
	takes  time.Duration
	probed int

	answers ResultCode // of the modem to a dial; "": CONNECT
}

func (s *stub) Run(ctx context.Context, h Host, ended func(error)) {
	s.mu.Lock()
	s.host = h
	s.mu.Unlock()
	go func() {
		if s.up {
			h.Up(nil)
		}
		<-ctx.Done()
		ended(nil)
	}()
}

func (s *stub) enter() func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used++
	s.clash = s.clash || s.used > 1
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.used--
	}
}

func (s *stub) Command(ctx context.Context, fn Script) (ResultCode, error) {
	defer s.enter()()
	return OK, fn(ctx, nil)
}

func (s *stub) Dial(ctx context.Context, _ MayDial, fn Script) (*Call, ResultCode, error) {
	defer s.enter()()
	if err := fn(ctx, nil); err != nil {
		return nil, NoResult, err
	}
	s.host.Phase(Dialing)
	if s.answers != "" {
		return nil, s.answers, nil
	}
	return &Call{Data: newStubData(nil), TTY: s.tty, Direction: Outgoing}, Connected, nil
}

func (s *stub) Probe(ctx context.Context) error {
	s.mu.Lock()
	s.probed++
	err, takes := s.probe, s.takes
	s.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// probes changes the result of Probe and its delay.
func (s *stub) probes(err error, takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probe, s.takes = err, takes
}

func (s *stub) probedTimes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probed
}

func (s *stub) Settle(ctx context.Context) error {
	defer s.enter()()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proofs++
	return s.settle
}

func (s *stub) Clear(ctx context.Context) error { return nil }

func (s *stub) clashed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clash
}

func (s *stub) settles(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle = err
}

// stubData is a call that can only be hung up.
type stubData struct {
	Data
	once sync.Once
	done chan struct{}
	err  error
}

func newStubData(err error) *stubData        { return &stubData{done: make(chan struct{}), err: err} }
func (d *stubData) Done() <-chan struct{}    { return d.done }
func (d *stubData) Read([]byte) (int, error) { <-d.done; return 0, io.EOF }
func (d *stubData) Hangup(ctx context.Context) error {
	d.once.Do(func() { close(d.done) })
	return d.err
}

type town struct {
	*Pool
	stubs map[int]*stub
	logMu sync.Mutex
	log   []string
	stop  func()
}

// inTown runs body in a bubble with the given lines, all up.
func inTown(t *testing.T, accept Accept, cfgs []Config, body func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, accept, cfgs, true)
		defer w.stop()
		body(t, w)
	})
}

func (w *town) debug(tty int, text string) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	w.log = append(w.log, fmt.Sprint(tty, " ", text))
}

type failer interface {
	Helper()
	Errorf(string, ...any)
	Fatal(...any)
}

func newTown(t failer, accept Accept, cfgs []Config, up bool) *town {
	return newTownOf(t, PoolOptions{}, accept, cfgs, up)
}

func newTownOf(t failer, o PoolOptions, accept Accept, cfgs []Config, up bool) *town {
	w := &town{stubs: map[int]*stub{}}
	o.Debug = w.debug
	w.Pool = NewPool(o)
	for _, c := range cfgs {
		s := &stub{tty: c.TTY, up: up}
		w.stubs[c.TTY] = s
		if err := w.Add(&c, s); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx, accept) }()
	synctest.Wait()
	once := false
	w.stop = func() {
		if once {
			return
		}
		once = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if n := w.Outstanding(); n != 0 {
			t.Errorf("%d leases are outstanding at the end", n)
		}
	}
	return w
}

func rotary(ttys ...int) []Config {
	var all []Config
	for _, tty := range ttys {
		all = append(all, Config{TTY: tty, Rotary: 1})
	}
	return all
}

func taken(t *testing.T, q *Waiting) *Lease {
	t.Helper()
	synctest.Wait()
	select {
	case l, ok := <-q.Lease():
		if !ok {
			t.Fatal("closed")
		}
		return l
	default:
		t.Fatal("no lease")
	}
	return nil
}

func waits(t *testing.T, q *Waiting) {
	t.Helper()
	synctest.Wait()
	select {
	case l := <-q.Lease():
		t.Fatalf("got a lease: %+v", l)
	default:
	}
}

func (w *town) want(t *testing.T, owner string, x Want) *Waiting {
	t.Helper()
	x.Owner = owner
	q, err := w.Request(x)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func (w *town) state(tty int) State {
	s, _ := w.Line(tty)
	return s.State
}

func TestFirstComeFirstServed(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		x := Want{Rotary: NoRotary, Called: 1}
		a, b, c := w.want(t, "a", x), w.want(t, "b", x), w.want(t, "c", x)
		l := taken(t, a)
		if s, _ := w.Line(1); s.Owner != "a" || s.State != Leased || l.TTY() != 1 || l.Owner() != "a" ||
			l.Config().Rotary != 1 {
			t.Errorf("%+v", s)
		}
		waits(t, b)
		b.Cancel()
		b.Cancel()
		l.Release()
		l.Release()
		l = taken(t, c)
		if w.Outstanding() != 1 {
			t.Errorf("%d outstanding", w.Outstanding())
		}
		l.Release()
		if w.Outstanding() != 0 {
			t.Errorf("%d outstanding", w.Outstanding())
		}
	})
}

func TestLeaseTooLateIsGivenBack(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		x := Want{Rotary: NoRotary, Called: 1}
		a := w.want(t, "a", x)
		synctest.Wait() // leased, but not received from the channel
		a.Cancel()
		l := taken(t, w.want(t, "b", x))
		a.Cancel()
		if w.Outstanding() != 1 {
			t.Errorf("%d outstanding", w.Outstanding())
		}
		l.Release()
	})
}

// TestPassedOnWithoutBeingAnswerable: between a call and the callback that waits for its line, no other call is
// answered.
func TestPassedOnWithoutBeingAnswerable(t *testing.T) {
	var w *town
	inTown(t, func(ctx context.Context, c *Call) { <-c.Done() }, rotary(1), func(t *testing.T, in *town) {
		w = in
		h := w.stubs[1].host
		if !h.Answer("", "") {
			t.Fatal("an idle line must be answerable")
		}
		if h.Answer("", "") {
			t.Fatal("answered twice")
		}
		data := newStubData(nil)
		h.Connected(&Call{Data: data, TTY: 1})
		synctest.Wait()
		s, _ := w.Line(1)
		if s.State != InCall || s.Owner == "" || s.Counts[CallsIn] != 1 {
			t.Errorf("%+v", s)
		}
		q := w.want(t, "cb", Want{Rotary: NoRotary, Called: 1})
		waits(t, q)
		_ = data.Hangup(t.Context())
		l := taken(t, q)
		if h.Answer("", "") {
			t.Error("a leased line was answered")
		}
		l.Release()
		synctest.Wait()
		if !h.Answer("", "") {
			t.Error("not answerable after the lease")
		}
		h.Missed(nil)
		if w.state(1) != Idle {
			t.Errorf("%v", w.state(1))
		}
	})
}

func TestAnotherLineCallsBack(t *testing.T) {
	inTown(t, nil, rotary(1, 2, 3), func(t *testing.T, w *town) {
		x := Want{Rotary: NoRotary, Called: 1}
		a, b := taken(t, w.want(t, "a", x)), taken(t, w.want(t, "b", x))
		if a.TTY() != 2 || b.TTY() != 3 {
			t.Errorf("lines %d and %d, want 2 and 3", a.TTY(), b.TTY())
		}
		c := w.want(t, "c", x)
		waits(t, c) // 1 is idle, but the others are in service and only busy
		w.stubs[2].host.Down(errors.New("unplugged"))
		waits(t, c)
		w.stubs[3].host.Down(errors.New("unplugged"))
		l := taken(t, c) // no other line is in service now
		if l.TTY() != 1 {
			t.Errorf("line %d, want 1", l.TTY())
		}
		for _, l := range []*Lease{a, b, l} {
			l.Release()
		}
	})
}

// TestStart: right after a start no line is up yet, and the called line must not be considered the only one.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, nil, rotary(1, 2), false)
		defer w.stop()
		q := w.want(t, "a", Want{Rotary: NoRotary, Called: 1})
		w.stubs[1].host.Up(nil)
		waits(t, q)
		w.stubs[2].host.Up(nil)
		l := taken(t, q)
		if l.TTY() != 2 {
			t.Errorf("line %d", l.TTY())
		}
		l.Release()
	})
}

func TestQuarantine(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		d := w.stubs[1]
		d.settles(errors.New("DCD stays on"))
		taken(t, w.want(t, "a", Want{Rotary: NoRotary, Called: 1})).Release()
		q := w.want(t, "b", Want{Rotary: NoRotary, Called: 1})
		<-time.After(time.Minute)
		waits(t, q)
		if s, _ := w.Line(1); s.State != Quarantined || s.Reason != "DCD stays on" {
			t.Errorf("%+v", s)
		}
		if d.host.Answer("", "") {
			t.Error("answered in quarantine")
		}
		if d.proofs != 3 { // immediately, after 10 s, after 30 s; then after 70 s
			t.Errorf("proven %d times in a minute", d.proofs)
		}
		d.settles(nil)
		if err := w.Clear(1); err != nil {
			t.Error(err)
		}
		taken(t, q).Release()
		synctest.Wait()
		if w.state(1) != Idle {
			t.Errorf("%v", w.state(1))
		}
		// A driver that reports Up after a loss has proven the line.
		d.settles(errors.New("DCD stays on"))
		taken(t, w.want(t, "c", Want{Rotary: NoRotary, Called: 1})).Release()
		synctest.Wait()
		d.host.Down(errors.New("unplugged"))
		d.host.Up(nil)
		d.settles(nil)
		if w.state(1) != Idle {
			t.Errorf("%v", w.state(1))
		}
	})
}

func TestDownIsNoQuarantine(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		d := w.stubs[1]
		l := taken(t, w.want(t, "a", Want{Rotary: NoRotary, Called: 1}))
		d.host.Down(errors.New("unplugged"))
		d.settles(fmt.Errorf("settle: %w", ErrDown))
		l.Release()
		synctest.Wait()
		if s, _ := w.Line(1); s.State != Down || s.Reason != "unplugged" {
			t.Errorf("%+v", s)
		}
		q := w.want(t, "b", Want{Rotary: NoRotary, Called: 1})
		waits(t, q)
		d.settles(nil)
		d.host.Up(nil)
		taken(t, q).Release()
	})
}

func TestReleaseCancelsWhatRuns(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		l := taken(t, w.want(t, "a", Want{Rotary: NoRotary, Called: 1}))
		done := make(chan error)
		go func() {
			_, err := l.Command(t.Context(), func(ctx context.Context, c CommandConn) error {
				<-ctx.Done()
				return context.Cause(ctx)
			})
			done <- err
		}()
		synctest.Wait()
		l.Release()
		if err := <-done; !errors.Is(err, ErrReleased) {
			t.Errorf("%v", err)
		}
		if _, err := l.Command(t.Context(), nil); !errors.Is(err, ErrReleased) {
			t.Errorf("%v", err)
		}
		if _, _, err := l.Dial(t.Context(), nil); !errors.Is(err, ErrReleased) {
			t.Errorf("%v", err)
		}
	})
}

func TestHandlerPanics(t *testing.T) {
	inTown(t, func(context.Context, *Call) { panic("oops") }, rotary(1), func(t *testing.T, w *town) {
		h := w.stubs[1].host
		h.Answer("", "")
		data := newStubData(nil)
		h.Connected(&Call{Data: data, TTY: 1})
		synctest.Wait()
		if w.state(1) != Idle || !isClosed(data.done) {
			t.Errorf("%v: the call must be hung up and the line go on", w.state(1))
		}
		if len(w.log) != 1 || !strings.Contains(w.log[0], "its handler panicked: oops") {
			t.Errorf("%q", w.log)
		}
	})
}

func TestDrainAndModes(t *testing.T) {
	cfgs := []Config{{TTY: 1, Rotary: NoRotary}, {TTY: 2, Rotary: NoRotary, Modem: CallOut},
		{TTY: 3, Rotary: NoRotary, Modem: CallIn}}
	inTown(t, nil, cfgs, func(t *testing.T, w *town) {
		if w.stubs[2].host.Answer("", "") {
			t.Error("a callout line answers")
		}
		if !w.stubs[3].host.Answer("", "") {
			t.Error("a callin line does not answer")
		}
		w.stubs[3].host.Missed(nil)
		if err := w.CanServe(Want{Rotary: NoRotary, Called: 3}); err == nil {
			t.Error("a callin line dials")
		}
		if _, err := w.Request(Want{Rotary: NoRotary, Called: 3}); err == nil {
			t.Error("a callin line dials")
		}
		w.Drain()
		if w.stubs[1].host.Answer("", "") {
			t.Error("answered while draining")
		}
		taken(t, w.want(t, "a", Want{Rotary: NoRotary, Called: 1})).Release() // pending callbacks are still placed
	})
}

func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := newTown(t, func(ctx context.Context, c *Call) { <-ctx.Done(); <-time.After(3 * time.Second) },
			rotary(1, 2), true)
		w.stubs[1].host.Answer("", "")
		w.stubs[1].host.Connected(&Call{Data: newStubData(nil), TTY: 1})
		l := taken(t, w.want(t, "a", Want{TTYs: []int{2}, Rotary: NoRotary}))
		q := w.want(t, "b", Want{TTYs: []int{2}, Rotary: NoRotary})
		go func() {
			if _, ok := <-q.Lease(); ok {
				t.Error("leased after the end")
			}
			<-time.After(time.Second)
			l.Release()
		}()
		w.stop()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want the time of the call", took)
		}
		if _, err := w.Request(Want{TTYs: []int{1}}); !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
		if _, err := w.Acquire(t.Context(), Want{TTYs: []int{1}}); !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
		q.Cancel()
	})
}

func TestAcquireIsCancelled(t *testing.T) {
	inTown(t, nil, rotary(1), func(t *testing.T, w *town) {
		x := Want{Rotary: NoRotary, Called: 1}
		l, err := w.Acquire(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.Acquire(ctx, x); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		l.Release()
	})
}

func TestStatusAndChanges(t *testing.T) {
	inTown(t, nil, []Config{{TTY: 9, Rotary: NoRotary}, {TTY: 2, Rotary: 4}}, func(t *testing.T, w *town) {
		all := w.Lines()
		if len(all) != 2 || all[0].TTY != 2 || all[0].Modem != InOut || all[1].TTY != 9 {
			t.Errorf("%+v", all)
		}
		if each := slices.Collect(w.Each()); !reflect.DeepEqual(each, all) {
			t.Errorf("%+v, want %+v", each, all)
		}
		for s := range w.Each() {
			if s.TTY == 9 {
				t.Error("the loop did not end after the first line")
			}
			break
		}
		changed := w.Changed()
		w.stubs[2].host.Signals(DTR | DCD)
		if !isClosed(changed) {
			t.Error("a change was not reported")
		}
		w.stubs[2].host.Count(Noise)
		l := taken(t, w.want(t, "a", Want{TTYs: []int{2}}))
		c, code, err := l.Dial(t.Context(), func(context.Context, CommandConn) error { return nil })
		if err != nil || code != Connected || c.ID == "" {
			t.Errorf("%+v %v %v", c, code, err)
		}
		if s, _ := w.Line(2); s.State != OutCall || s.Signals != "DTR DCD" || s.Counts[Noise] != 1 ||
			s.Counts[Dials] != 1 {
			t.Errorf("%+v", s)
		}
		l.Release()
		if _, ok := w.Line(77); ok {
			t.Error("line 77")
		}
		if c, ok := w.Config(2); !ok || c.Rotary != 4 {
			t.Errorf("%+v", c)
		}
		if err := w.Add(&Config{TTY: 2}, nil); err == nil {
			t.Error("tty 2 twice")
		}
		if err := w.Clear(77); err == nil {
			t.Error("line 77 cleared")
		}
		// A line that is added while the pool runs.
		s := &stub{tty: 5, up: true}
		if err := w.Add(&Config{TTY: 5, Rotary: NoRotary}, s); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if w.state(5) != Idle {
			t.Errorf("%v", w.state(5))
		}
	})
}
