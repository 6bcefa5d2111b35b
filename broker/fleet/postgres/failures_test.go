package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// has reports whether a row of mark is visible.
func has(t *testing.T, d *pgtest.Database, name string) bool {
	t.Helper()
	return d.SQL(t, "SELECT count(*) FROM ringback.marks WHERE name = '"+name+"'") == "1"
}

// marks are the ways to commit.
var marks = map[string]func(a *Authority, name string) error{
	"once": mark,
	"tx": func(a *Authority, name string) error {
		return a.tx(context.Background(), func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO ringback.marks (name, value) VALUES ($1, '')", name)
			return err
		})
	},
}

// The connection is cut at each message of a commit: what is reported is never more than what has happened, and what
// certainly has not is ErrAway.
func TestPeerCutAtEachMessage(t *testing.T) {
	for way, do := range marks {
		t.Run(way, func(t *testing.T) {
			d := migrated.Shared(t)
			p := pgtest.NewProxy(t, d)
			unknown := 0
			n := 1
			for ; n < 1000; n++ {
				a := open(t, options(d.Name, p.Address))
				if err := do(a, fmt.Sprintf("%s warm %d", way, n)); err != nil {
					t.Fatal(err)
				}
				reached := p.CutAt(n)
				name := fmt.Sprintf("%s %d", way, n)
				err := do(a, name)
				cut := reached()
				p.Rule(nil)
				visible := has(t, d, name)
				switch {
				case err == nil && !visible, errors.Is(err, fleet.ErrAway) && visible,
					err != nil && !errors.Is(err, fleet.ErrAway) && !errors.Is(err, fleet.ErrUnknown):
					t.Errorf("message %d is cut: visible %v, %v", n, visible, err)
				}
				if errors.Is(err, fleet.ErrUnknown) {
					unknown++
				}
				a.Close()
				if !cut {
					break
				}
			}
			if n < 8 || n == 1000 || unknown == 0 {
				t.Errorf("%d messages, %d unknown outcomes", n, unknown)
			}
		})
	}
}

// A commit that waits for a standby that is stopped is unknown after the time limit, also if somebody cancels the wait,
// for which the server reports success and a warning.
func TestPeerStoppedStandby(t *testing.T) {
	s := started(t, pgtest.Options{})
	standby := s.Standby(t)
	o := options(s.Name, s.Address)
	o.Durability = Replicated
	a := open(t, o)
	o.Timeout = time.Minute
	patient := open(t, o)
	for _, x := range []*Authority{a, patient} {
		if err := mark(x, fmt.Sprint("warm ", x.opt.Timeout)); err != nil {
			t.Fatal(err)
		}
	}
	standby.Pause()
	for way, do := range marks {
		err := do(a, "late "+way)
		if !errors.Is(err, fleet.ErrUnknown) || !strings.Contains(err.Error(), "the synchronous standby connected?") {
			t.Errorf("%s: %v", way, err)
		}
		result := make(chan error, 1)
		go func() { result <- do(patient, "canceled "+way) }()
		const cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
		err = until(t, result, func() { s.SQL(t, cancel) })
		if !errors.Is(err, fleet.ErrUnknown) || !strings.Contains(err.Error(), "not durable: canceling wait") {
			t.Errorf("%s, canceled: %v", way, err)
		}
		go func() { result <- do(patient, "ended "+way) }()
		const end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
		if err := until(t, result, func() { s.SQL(t, end) }); !errors.Is(err, fleet.ErrUnknown) {
			t.Errorf("%s, ended: %v", way, err)
		}
	}
	if err := a.read(t.Context(), func(ctx context.Context, tx pgx.Tx) error { return nil }); err != nil {
		t.Errorf("a reader: %v", err)
	}
	standby.Resume()
	if err := mark(a, "after"); err != nil {
		t.Errorf("with the standby: %v", err)
	}
}

// until does something again and again until there is a result.
func until(t *testing.T, result chan error, do func()) error {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case err := <-result:
			return err
		case <-time.After(20 * time.Millisecond):
			do()
		case <-late:
			t.Fatal("no result after a minute")
		}
	}
}

// A server that hangs costs each operation its time limit, and no more: no goroutine, no descriptor stays.
func TestPeerHungServer(t *testing.T) {
	s := started(t, pgtest.Options{})
	o := options(s.Name, s.Address)
	o.Timeout = 300 * time.Millisecond
	a := open(t, o)
	load := func(callers, each int) (failed int) {
		var mu sync.Mutex
		var wait sync.WaitGroup
		for i := range callers {
			wait.Go(func() {
				for j := range each {
					if err := mark(a, fmt.Sprintf("%p %d %d", &wait, i, j)); err != nil {
						mu.Lock()
						failed++
						mu.Unlock()
						if !errors.Is(err, fleet.ErrAway) && !errors.Is(err, fleet.ErrUnknown) {
							t.Errorf("%v", err)
						}
					}
				}
			})
		}
		wait.Wait()
		return failed
	}
	load(20, 5)
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	s.Pause()
	begun := time.Now()
	if failed := load(40, 5); failed != 200 {
		t.Errorf("%d of 200 operations failed at a server that hangs", failed)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("5 operations of 300 ms in sequence took %v", took)
	}
	err := mark(a, "reason")
	if !errors.Is(err, fleet.ErrAway) || !strings.Contains(err.Error(), "does not answer within 300ms") {
		t.Errorf("%v", err)
	}
	if n := runtime.NumGoroutine() - goroutines; n > 40 {
		t.Errorf("%d goroutines more", n)
	}
	s.Resume()
	within(t, "an operation works", func() bool { return mark(a, fmt.Sprint("back ", time.Now())) == nil })
	within(t, "goroutines and descriptors are as before", func() bool {
		return runtime.NumGoroutine() <= goroutines+2 && descriptors(t) <= files+2
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc")
	}
	return len(all)
}

// within waits up to a minute until f is true.
func within(t testing.TB, what string, f func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !f() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-late:
			t.Fatalf("not after a minute: %s", what)
		}
	}
}

// The primary is killed under load and its synchronous standby promoted: nothing acknowledged is lost, and writes go
// on.
func TestPeerFailOver(t *testing.T) {
	s := started(t, pgtest.Options{})
	standby := s.Standby(t)
	a := open(t, options(s.Name, s.Address, standby.Address))
	var mu sync.Mutex
	var known []string
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := 0; ; j++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("%d %d", i, j)
				if mark(a, name) == nil {
					mu.Lock()
					known = append(known, name)
					mu.Unlock()
				}
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(known) }
	within(t, "200 commits", func() bool { return count() > 200 })
	s.Kill()
	before := count()
	standby.Promote(t)
	within(t, "200 commits at the standby", func() bool { return count() > before+200 })
	close(stop)
	wait.Wait()
	missing := standby.SQL(t, "SELECT count(*) FROM unnest(ARRAY['"+strings.Join(known, "','")+
		"']) AS k WHERE k NOT IN (SELECT name FROM ringback.marks)")
	if missing != "0" {
		t.Errorf("%s of %d acknowledged commits are lost", missing, len(known))
	}
	if err := mark(a, "last"); err != nil {
		t.Error(err)
	}
	if got := a.link.pool.server.address; got != standby.Address {
		t.Errorf("the server is %q", got)
	}
}

// With standbys only, the reason says so, and names each.
func TestPeerStandbysOnly(t *testing.T) {
	s := started(t, pgtest.Options{})
	b, c := s.AsyncStandby(t), s.AsyncStandby(t)
	err := mark(open(t, options(s.Name, b.Address, c.Address)), "x")
	if !errors.Is(err, fleet.ErrAway) || !strings.Contains(err.Error(), "all addresses are standbys") ||
		!strings.Contains(err.Error(), b.Address) || !strings.Contains(err.Error(), c.Address) {
		t.Errorf("%v", err)
	}
	if err := mark(open(t, options(s.Name, b.Address, c.Address, s.Address)), "x"); err != nil {
		t.Errorf("the primary is last: %v", err)
	}
	// One that hangs costs a moment.
	b.Pause()
	if err := mark(open(t, options(s.Name, b.Address, s.Address)), "y"); err != nil {
		t.Errorf("the first address hangs: %v", err)
	}
}
