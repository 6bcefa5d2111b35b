package lines

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// bank is a pool whose lines change, and the ports that its drivers have open.
type bank struct {
	*town
	t     failer
	mu    sync.Mutex
	open  map[string]int // port → TTY
	slow  time.Duration  // how long a driver needs to close its port
	began map[int]int    // drivers begun, by TTY

	rawLog []string // what was done to ports in raw access
}

// holder is a stub that holds its port from Run to its end.
type holder struct {
	*stub
	b    *bank
	port string
}

func (h holder) Run(ctx context.Context, host Host, ended func(error)) {
	h.b.mu.Lock()
	if other, ok := h.b.open[h.port]; ok {
		h.b.t.Errorf("tty %d opens %s, which tty %d has open", h.tty, h.port, other)
	}
	h.b.open[h.port] = h.tty
	h.b.began[h.tty]++
	slow := h.b.slow
	h.b.mu.Unlock()
	h.stub.Run(ctx, host, func(err error) {
		<-time.After(slow)
		h.b.mu.Lock()
		delete(h.b.open, h.port)
		h.b.mu.Unlock()
		ended(err)
	})
}

func (b *bank) configure(all ...Config) Reconfigured {
	var planned []Planned
	for _, c := range all {
		planned = append(planned, Planned{Config: &c, Driver: func() Driver {
			s := &stub{tty: c.TTY, up: true}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.stubs[c.TTY] = s
			return holder{s, b, c.Port}
		}})
	}
	r := b.Reconfigure(planned)
	synctest.Wait()
	return r
}

func newBank(t failer) *bank {
	b := &bank{t: t, open: map[string]int{}, began: map[int]int{}}
	b.town = newTown(t, func(_ context.Context, c *Call) { <-c.Done() }, nil, true)
	return b
}

func inBank(t *testing.T, body func(t *testing.T, b *bank)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t)
		defer b.stop()
		body(t, b)
	})
}

// host returns the place in the pool of the latest driver of a line.
func (b *bank) host(tty int) Host {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stubs[tty].mu.Lock()
	defer b.stubs[tty].mu.Unlock()
	return b.stubs[tty].host
}

// call answers a call on a line.
func (b *bank) call(tty int) *stubData {
	if !b.host(tty).Answer("", "") {
		return nil
	}
	c := newStubData(nil)
	b.host(tty).Connected(&Call{Data: c, TTY: tty})
	synctest.Wait()
	return c
}

func at(tty int, port string) Config { return Config{TTY: tty, Port: port, Rotary: 1} }

// TestReconfigure: lines are added, changed and removed without touching the others, and a call ends first.
func TestReconfigure(t *testing.T) {
	inBank(t, func(t *testing.T, b *bank) {
		r := b.configure(at(1, "a"), at(2, "b"), at(3, "c"))
		if !slices.Equal(r.Added, []int{1, 2, 3}) {
			t.Errorf("%+v", r)
		}
		first, second := b.call(1), b.call(2)
		changed := at(2, "b")
		changed.Init = "ATX3"
		r = b.configure(changed, at(3, "c"), at(4, "d"))
		want := Reconfigured{Added: []int{4}, Changed: []int{2}, Removed: []int{1}, Waiting: []int{1, 2}}
		if !reflect.DeepEqual(r, want) {
			t.Errorf("%+v", r)
		}
		if b.began[3] != 1 || b.state(4) != Idle {
			t.Errorf("tty 3 began %d times, tty 4 is %s", b.began[3], b.state(4))
		}
		one, _ := b.Line(1)
		two, _ := b.Line(2)
		if one.State != InCall || one.Change != Leaves || two.State != InCall || two.Change != Changes {
			t.Errorf("%+v, %+v", one, two)
		}
		_ = first.Hangup(context.Background())
		_ = second.Hangup(context.Background())
		synctest.Wait()
		if s, ok := b.Line(1); ok {
			t.Errorf("%+v", s)
		}
		two, _ = b.Line(2)
		cfg, _ := b.Config(2)
		if two.State != Idle || two.Change != "" || two.Counts[CallsIn] != 1 || cfg.Init != "ATX3" || b.began[2] != 2 {
			t.Errorf("%+v %+v, began %d times", two, cfg, b.began[2])
		}
	})
}

// TestReconfigureTakenBack: a line whose change waits continues if the next configuration has it as it was.
func TestReconfigureTakenBack(t *testing.T) {
	inBank(t, func(t *testing.T, b *bank) {
		b.configure(at(1, "a"))
		call := b.call(1)
		b.configure()
		q, err := b.Request(Want{Rotary: 1, Called: 1})
		if err == nil || !strings.Contains(err.Error(), "rotary 1 has no lines") {
			t.Errorf("a request for a line that leaves: %v, %v", q, err)
		}
		b.configure(at(1, "a"))
		q = b.want(t, "cb", Want{Rotary: 1, Called: 1})
		_ = call.Hangup(context.Background())
		l := taken(t, q)
		if s, _ := b.Line(1); s.Change != "" || b.began[1] != 1 {
			t.Errorf("%+v, began %d times", s, b.began[1])
		}
		l.Release()
	})
}

// TestPortIsHandedOver: a line gets the port of another one only when that has closed it.
func TestPortIsHandedOver(t *testing.T) {
	inBank(t, func(t *testing.T, b *bank) {
		b.slow = 10 * time.Second
		b.configure(at(1, "a"), at(2, "b"))
		call := b.call(1)
		b.configure(at(1, "b"), at(2, "a"))
		<-time.After(time.Minute)
		if s, _ := b.Line(2); s.State != Down || s.Reason != "waits until tty 1 has released the port" {
			t.Errorf("%+v", s)
		}
		_ = call.Hangup(context.Background())
		<-time.After(time.Minute)
		for tty, port := range map[int]string{1: "b", 2: "a"} {
			if s, _ := b.Line(tty); s.State != Idle || s.Port != port {
				t.Errorf("%+v", s)
			}
		}
	})
}

// TestRequestsOfRemovedLines: a request that no line can serve any more ends with the reason, and others wait.
func TestRequestsOfRemovedLines(t *testing.T) {
	inBank(t, func(t *testing.T, b *bank) {
		b.configure(at(1, "a"), at(2, "b"), Config{TTY: 3, Port: "c", Rotary: 2})
		held := []*Lease{taken(t, b.want(t, "a", Want{Rotary: 1})), taken(t, b.want(t, "b", Want{Rotary: 1}))}
		only, any1 := b.want(t, "c", Want{TTYs: []int{2}}), b.want(t, "d", Want{Rotary: 1, Called: 2})
		b.configure(at(1, "a"), Config{TTY: 3, Port: "c", Rotary: 2})
		synctest.Wait()
		if l, ok := <-only.Lease(); l != nil || ok || !strings.Contains(only.Err().Error(), "tty 2: no such line") {
			t.Errorf("%v, %v, %v", l, ok, only.Err())
		}
		waits(t, any1)
		held[1].Release()
		waits(t, any1)
		held[0].Release()
		l := taken(t, any1)
		if l.TTY() != 1 {
			t.Errorf("tty %d", l.TTY())
		}
		l.Release()
	})
}

// TestChangesInAnyOrder attacks the law that a line has one owner and a port one driver, with configurations that
// follow each other at any moment of calls, leases, failures and slow drivers. At the end, the lines are those of the
// last configuration, and idle.
func TestChangesInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(struct{ rapid.TB }{t}, changes) })
}

func changes(t *rapid.T) {
	b := newBank(t)
	defer b.stop()
	b.slow = time.Duration(rapid.IntRange(0, 5).Draw(t, "slow")) * time.Second
	var now []Config
	calls, leases := map[*stubData]bool{}, []*Lease{}
	var queue []*Waiting
	t.Repeat(map[string]func(*rapid.T){
		"configure": func(t *rapid.T) {
			now = nil
			ports := rapid.Permutation([]string{"a", "b", "c", "d"}).Draw(t, "ports")
			for i, port := range ports[:rapid.IntRange(0, 4).Draw(t, "lines")] {
				c := at(i+1, port)
				c.Rotary = rapid.IntRange(0, 1).Draw(t, "rotary")
				now = append(now, c)
			}
			b.configure(now...)
		},
		"call": func(t *rapid.T) {
			tty := rapid.IntRange(1, 4).Draw(t, "tty")
			if s, ok := b.Line(tty); ok && s.State == Idle {
				if c := b.call(tty); c != nil {
					calls[c] = true
				}
			}
		},
		"hang up": func(*rapid.T) {
			for c := range calls {
				delete(calls, c)
				_ = c.Hangup(context.Background())
				return
			}
		},
		"request": func(t *rapid.T) {
			q, err := b.Request(Want{Owner: "cb", Rotary: rapid.IntRange(0, 1).Draw(t, "rotary"), Called: 1})
			if err == nil {
				queue = append(queue, q)
			}
		},
		"release": func(*rapid.T) {
			if len(leases) > 0 {
				leases[0].Release()
				leases = leases[1:]
			}
		},
		"port": func(t *rapid.T) {
			tty := rapid.IntRange(1, 4).Draw(t, "tty")
			if s, ok := b.Line(tty); ok && s.State != Down {
				b.host(tty).Down(errors.New("unplugged"))
			} else if ok && s.Reason == "unplugged" {
				b.host(tty).Up(nil)
			}
		},
		"time": func(t *rapid.T) { <-time.After(time.Duration(rapid.IntRange(1, 9).Draw(t, "s")) * time.Second) },
		"": func(t *rapid.T) {
			synctest.Wait()
			for i := 0; i < len(queue); i++ {
				select {
				case l, ok := <-queue[i].Lease():
					if ok {
						leases = append(leases, l)
					} else if queue[i].Err() == nil {
						t.Fatal("a request ends without a reason")
					}
					queue = slices.Delete(queue, i, i+1)
					i--
				default:
				}
			}
			if out := b.Outstanding(); out != len(calls)+len(leases) {
				t.Fatalf("%d leases are outstanding, there are %d calls and %d leases", out, len(calls), len(leases))
			}
			b.recount(t)
		},
	})
	for c := range calls {
		_ = c.Hangup(context.Background())
	}
	for _, q := range queue {
		q.Cancel()
	}
	for _, l := range leases {
		l.Release()
	}
	<-time.After(time.Minute)
	for _, c := range now {
		b.host(c.TTY).Up(nil)
	}
	<-time.After(time.Minute)
	all := b.Lines()
	for i, s := range all {
		if len(all) != len(now) || s.TTY != now[i].TTY || s.Port != now[i].Port || s.State != Idle || s.Change != "" {
			t.Fatalf("the lines are %+v, and the configuration has %+v", all, now)
		}
	}
	if len(all) != len(now) {
		t.Fatalf("%d lines, want %d", len(all), len(now))
	}
}

// recount counts the lines in service.
func (b *bank) recount(t *rapid.T) {
	want := map[int]int{}
	for _, s := range b.Lines() {
		if s.inService() || s.Change != Leaves && s.State == Down && s.Reason != "unplugged" {
			want[s.Rotary]++
		}
	}
	b.town.Pool.mu.Lock()
	defer b.town.Pool.mu.Unlock()
	for _, r := range []int{0, 1} {
		if got := b.usable[r].all; got != want[r] {
			t.Fatalf("rotary %d: %d lines are counted, want %d", r, got, want[r])
		}
	}
}

// BenchmarkReconfigure changes one line among 2,000.
func BenchmarkReconfigure(b *testing.B) {
	var cfgs []Config
	for tty := range 2000 {
		cfgs = append(cfgs, Config{TTY: tty + 1, Port: fmt.Sprint("tcp://127.0.0.1:", 10000+tty), Rotary: 1,
			ProofRegisters: []int{18, 25, 26}, ResultCodes: map[string]ResultCode{"LINE BLOCKED*": Blacklisted}})
	}
	p := NewPool(PoolOptions{})
	plan := func() (all []Planned) {
		for _, c := range cfgs {
			all = append(all, Planned{Config: &c, Driver: func() Driver { return &stub{tty: c.TTY, up: true} }})
		}
		return all
	}
	p.Reconfigure(plan())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx, nil) }()
	for p.Starting() > 0 {
		<-p.Changed()
	}
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		cfgs[1000].Init = fmt.Sprint("ATX", i%4)
		all := plan()
		b.StartTimer()
		p.Reconfigure(all)
	}
	cancel()
	<-ended
}
