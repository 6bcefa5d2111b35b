package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/journal"
)

// town is a database with the nodes that run on it.
type town struct {
	testing.TB
	d     *pgtest.Database
	stops map[string]func()
}

func newTown(t testing.TB) *town {
	return &town{TB: t, d: table.Shared(t), stops: map[string]func(){}}
}

// open runs a new process of a node. The process before it has shut down.
func (t *town) open(name string) fleet.Authority { return t.authority(name) }

func (t *town) authority(name string, change ...func(*Options)) *Authority {
	t.Helper()
	if stop := t.stops[name]; stop != nil {
		stop()
	}
	o := Options{Addresses: []string{t.d.Address}, Database: t.d.Name, User: pgtest.User, Node: name,
		Incarnation: time.Now().String(), JournalID: "journal of " + name, Version: "1.0", Key: []byte("fleet's key"),
		Durability: Server, Takeover: time.Minute, Lifetime: time.Hour, History: 48 * time.Hour,
		Timeout: 20 * time.Second}
	for _, f := range change {
		f(&o)
	}
	a, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	a.pollEach = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stopped := false
	stop := func() {
		if !stopped {
			cancel()
			<-ended
			a.Close()
			stopped = true
		}
	}
	t.stops[name] = stop
	t.Cleanup(stop)
	return a
}

// member runs a node until it is a member that has resumed.
func (t *town) member(name string, change ...func(*Options)) *Authority {
	t.Helper()
	a := t.authority(name, change...)
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if _, err = a.Resume(context.Background(), nil); err == nil {
			return a
		}
	}
	t.Fatalf("node %s is not a member: %v", name, err)
	return nil
}

// noon is today: a history of days keeps what ended then.
var noon = time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)

// promiseOf returns a promise for rotary 7 with a budget of two attempts.
func promiseOf(id, user string) fleet.Promise {
	return fleet.Promise{Time: noon, Row: fleet.Row{Rotary: 7, Callback: journal.Callback{ID: id, User: user,
		Entry: "radius", Service: "exec", Number: "33478000000", Max: 2, Shared: true, Created: noon}}}
}

func attemptOf(id string, n int) journal.Attempt {
	return journal.Attempt{CallbackID: id, N: n, TTY: 66, Number: "33478000000", Started: noon}
}

func endOf(r fleet.Row, outcome string) fleet.End {
	return fleet.End{Claim: r.Claim(), Time: noon, Outcome: outcome, Attempts: r.Attempts, Trace: "[]",
		Settle: &journal.Settle{Callback: r.ID, Time: noon}}
}
