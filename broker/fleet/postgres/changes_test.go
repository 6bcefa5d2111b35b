package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// run runs a node in real time until the test ends.
func run(t *testing.T, d *pgtest.Database, name string, pollEach time.Duration) *node {
	t.Helper()
	n := newNode(t, d, name, func(o *Options) { o.Takeover = 20 * time.Second })
	began := time.Now()
	n.Authority.clock = func() time.Duration { return time.Since(began) }
	n.Authority.pollEach = pollEach
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("node %s: %v", name, err)
		}
	})
	n.await(fleet.Back)
	return n
}

// await receives changes until one is of a kind.
func (n *node) await(kind fleet.Kind) fleet.Change {
	n.t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case c := <-n.Changes():
			if c.Kind == kind {
				return c
			}
		case <-limit:
			n.t.Fatalf("node %s received no change %q for a minute", n.opt.Node, kind)
		}
	}
}

// TestPeerNotify has nodes that look for changes each hour only: notifications bring the orders.
func TestPeerNotify(t *testing.T) {
	d := table.Shared(t)
	a, b := run(t, d, "a", time.Hour), run(t, d, "b", time.Hour)
	for heard := false; !heard; { // a node listens soon after it has joined
		a.order(fleet.Order{Node: "b", Verb: fleet.Drain, Who: "ann"})
		select {
		case c := <-b.Changes():
			heard = c.Kind == fleet.Ordered
		case <-time.After(100 * time.Millisecond):
		}
	}
	for range 10 {
		o := a.order(fleet.Order{Node: "b", Verb: fleet.Drain, Who: "ann"})
		for b.await(fleet.Ordered).Order.Seq < o.Seq {
		}
	}
}

// TestPeerNotificationLost has the connection of notifications killed each time: polls are enough.
func TestPeerNotificationLost(t *testing.T) {
	d := table.Shared(t)
	a, b := run(t, d, "a", 20*time.Millisecond), run(t, d, "b", 20*time.Millisecond)
	for range 5 {
		d.SQL(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
		o := a.order(fleet.Order{Node: "b", Verb: fleet.Drain, Who: "ann"})
		if got := b.await(fleet.Ordered); got.Order.Seq != o.Seq {
			t.Errorf("received %+v, want %+v", got.Order, o)
		}
	}
}
