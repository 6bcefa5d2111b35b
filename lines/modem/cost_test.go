package modem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lines"
)

// instant is a port with a modem that answers immediately and uses no goroutine, so that only the driver is measured.
type instant struct {
	changes chan struct{}
	more    chan struct{} // capacity 1

	mu     sync.Mutex
	out    []byte
	sig    lines.Signals
	closed bool
	until  time.Time
}

func newInstant() *instant {
	return &instant{changes: make(chan struct{}, 1), more: make(chan struct{}, 1)}
}

func (p *instant) say(text string) {
	p.mu.Lock()
	p.out = append(p.out, text...)
	p.mu.Unlock()
	signal(p.more)
}

func (p *instant) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		n := copy(b, p.out)
		if n == len(p.out) {
			p.out = nil
		} else {
			p.out = p.out[n:]
		}
		closed, until := p.closed, p.until
		p.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case closed:
			return 0, io.EOF
		case !until.IsZero() && time.Now().After(until):
			return 0, os.ErrDeadlineExceeded
		}
		p.wait(until)
	}
}

// Await implements lines.Port.
func (p *instant) Await() {
	for {
		p.mu.Lock()
		ready := len(p.out) > 0 || p.closed || !p.until.IsZero() && !time.Now().Before(p.until)
		until := p.until
		p.mu.Unlock()
		if ready || len(p.changes) > 0 {
			return
		}
		p.wait(until)
	}
}

// wait blocks until something may have changed.
func (p *instant) wait(until time.Time) {
	var due <-chan time.Time
	if !until.IsZero() {
		due = time.After(time.Until(until))
	}
	select {
	case <-p.more:
	case <-due:
	}
}

func (p *instant) Write(b []byte) (int, error) {
	switch {
	case bytes.HasPrefix(b, []byte("ATD")), bytes.Equal(b, []byte("ATA\r")):
		p.signal(lines.DCD, true)
		p.say("\r\nCONNECT\r\n")
	case bytes.Equal(b, []byte("ATS2?\r")):
		p.say("\r\n255\r\n\r\nOK\r\n")
	case bytes.HasPrefix(b, []byte("AT")):
		p.say("\r\nOK\r\n")
	}
	return len(b), nil
}

func (p *instant) signal(bit lines.Signals, on bool) {
	p.mu.Lock()
	p.sig &^= bit
	if on {
		p.sig |= bit
	}
	p.mu.Unlock()
	signal(p.changes)
	signal(p.more)
}

func (p *instant) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	signal(p.more)
	return nil
}

func (p *instant) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	p.until = t
	p.mu.Unlock()
	signal(p.more)
	return nil
}

func (p *instant) SetWriteDeadline(time.Time) error { return nil }
func (p *instant) HasSignals() bool                 { return true }
func (p *instant) Changes() <-chan struct{}         { return p.changes }
func (p *instant) Break(time.Duration) error        { return nil }
func (p *instant) String() string                   { return "instant" }

func (p *instant) Signals() lines.Signals {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sig
}

func (p *instant) SetDTR(on bool) error {
	p.signal(lines.DTR, on)
	if !on {
		p.signal(lines.DCD, false)
	}
	return nil
}

// instantTown runs n lines and returns when all are idle.
func instantTown(tb testing.TB, n int, accept lines.Accept) (*lines.Pool, []*instant, func()) {
	tb.Helper()
	pool := lines.NewPool(lines.PoolOptions{})
	ports := make([]*instant, n)
	for i := range n {
		ports[i] = newInstant()
		cfg := &lines.Config{TTY: i, Port: "instant:" + strconv.Itoa(i), Rotary: lines.NoRotary,
			Timing: lines.Timing{DTRLow: 1, Drain: 1, CommandGap: 1, Settle: 1}}
		d := New(Options{Config: cfg, Open: func(context.Context) (lines.Port, error) { return ports[i], nil }})
		if err := pool.Add(cfg, d); err != nil {
			tb.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = pool.Run(ctx, accept) })
	for i := range n {
		await(pool, i, func(s lines.Status) bool { return s.State == lines.Idle })
	}
	return pool, ports, func() { cancel(); running.Wait() }
}

// await blocks until ok accepts the line's status.
func await(pool *lines.Pool, tty int, ok func(lines.Status) bool) lines.Status {
	for {
		changed := pool.Changed()
		if s, _ := pool.Line(tty); ok(s) {
			return s
		}
		<-changed
	}
}

// TestIdleLineIsCheap: a resting line costs at most 12 KiB and one goroutine.
func TestIdleLineIsCheap(t *testing.T) {
	const n = 400
	inUse := func() uint64 {
		var m runtime.MemStats
		for range 3 {
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	synctest.Test(t, func(t *testing.T) {
		before, routines := inUse(), runtime.NumGoroutine()
		_, _, stop := instantTown(t, n, nil)
		defer stop()
		<-time.After(2 * restAfter)
		synctest.Wait()
		per := (inUse() - before) / n
		t.Logf("%d bytes per line", per)
		if per > 12<<10 && !underRace {
			t.Errorf("%d bytes per idle line, want at most 12 KiB", per)
		}
		if got := runtime.NumGoroutine() - routines - 1; got > n { // one is the pool's
			t.Errorf("%d goroutines for %d lines", got, n)
		}
	})
}

// BenchmarkCycle is a callback without its waits: a call arrives and is hung up, the line is leased, dials, connects,
// is hung up and released. It runs in memory, with a modem that answers immediately.
func BenchmarkCycle(b *testing.B) {
	pool, ports, stop := instantTown(b, 1, func(ctx context.Context, c *lines.Call) { _ = c.Hangup(ctx) })
	defer stop()
	b.ReportAllocs()
	for b.Loop() {
		if err := cycle(pool, ports[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func cycle(pool *lines.Pool, port *instant) error {
	before := await(pool, 0, func(s lines.Status) bool { return s.State == lines.Idle })
	port.say("\r\nRING\r\n")
	await(pool, 0, func(s lines.Status) bool { return s.Counts[lines.CallsIn] > before.Counts[lines.CallsIn] })
	l, err := pool.Acquire(context.Background(), lines.Want{Owner: "cb", TTYs: []int{0}, Rotary: lines.NoRotary})
	if err != nil {
		return err
	}
	defer l.Release()
	c, code, err := l.Dial(context.Background(), dialScript("5551234"))
	if err != nil || code != lines.Connected {
		return fmt.Errorf("dial: %q %w", code, err)
	}
	return c.Hangup(context.Background())
}

func TestCycle(t *testing.T) {
	pool, ports, stop := instantTown(t, 1, func(ctx context.Context, c *lines.Call) { _ = c.Hangup(ctx) })
	for range 200 {
		if err := cycle(pool, ports[0]); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if n := pool.Outstanding(); n != 0 {
		t.Errorf("%d leases were not released", n)
	}
	if s, _ := pool.Line(0); s.Counts[lines.CallsIn] != 200 || s.Counts[lines.Dials] != 200 {
		t.Errorf("%+v", s)
	}
}
