package broker

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

// parent is a context that counts the registered AfterFuncs.
type parent struct {
	context.Context
	done chan struct{}

	mu       sync.Mutex
	children int
}

func (p *parent) Done() <-chan struct{} { return p.done }

// AfterFunc is the method with which package context registers a child.
func (p *parent) AfterFunc(func()) (stop func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.children++
	return func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.children--
		return true
	}
}

func (p *parent) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.children
}

// TestDialsLeaveNothing: a hundred dials leave no context registered.
func TestDialsLeaveNothing(t *testing.T) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	pool := lines.NewPool(lines.PoolOptions{})
	if err := pool.Add(&lines.Config{TTY: 65, Rotary: lines.NoRotary}, idleModem{}); err != nil {
		t.Fatal(err)
	}
	runs, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(runs, func(context.Context, *lines.Call) {}) }()
	defer func() { end(); <-ended }()
	lease, err := pool.Acquire(ctx, lines.Want{TTYs: []int{65}, Rotary: lines.NoRotary})
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	p := &parent{Context: context.Background(), done: make(chan struct{})}
	b := New(Options{Pool: pool}, Config{Dialer: busy{}})
	for n := range 100 {
		w := newWork(journal.Callback{ID: "cb"}, trace{}, grant{})
		w.follow(callback.Plan{{Number: number("84001"), Times: 100}})
		w.lease = lease
		b.dial(p, w, callback.Dial{Attempt: n + 1})
		<-b.events
	}
	b.running.Wait()
	if n := p.count(); n != 0 {
		t.Errorf("100 dials left %d contexts", n)
	}
}

// busy is a dialer that finds all numbers busy.
type busy struct{}

func (busy) Check(...string) error                                   { return nil }
func (busy) CheckDial(numbers.Dialstring, ...string) (string, error) { return "", nil }
func (busy) Dial(context.Context, lines.Dialable, string, numbers.Dialstring, ...string) lines.Dialed {
	return lines.Dialed{Outcome: "busy"}
}
func (busy) Converse(context.Context, int, lines.TextConn, lines.LogonAs, string, ...string) (lines.Chatted, error) {
	return lines.Chatted{}, nil
}
func (busy) Command(context.Context, lines.Commander, string, string) (lines.Chatted, error) {
	return lines.Chatted{}, nil
}

// idleModem is a line that is up and on hook.
type idleModem struct{}

func (idleModem) Run(ctx context.Context, h lines.Host, ended func(error)) {
	go func() {
		h.Up(nil)
		<-ctx.Done()
		ended(nil)
	}()
}
func (idleModem) Command(context.Context, lines.Script) (lines.ResultCode, error) { return "", nil }
func (idleModem) Dial(context.Context, lines.MayDial, lines.Script) (*lines.Call, lines.ResultCode, error) {
	return nil, "", nil
}
func (idleModem) Settle(context.Context) error { return nil }
func (idleModem) Probe(context.Context) error  { return nil }
func (idleModem) Clear(context.Context) error  { return nil }
