package fleettest

import (
	"context"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/fleet"
)

// The time limits of the operations.
const (
	limit     = 2 * time.Second
	lookLimit = time.Second
)

var _ fleet.Authority = (*Node)(nil)

// Node is the Authority of one node, with switches for what may go wrong between it and the server.
type Node struct {
	f       *Fleet
	name    string
	changes chan fleet.Change

	// Guarded by the Fleet's mutex.
	cut      bool
	replaced bool
	removed  bool
	drained  string
	silent   time.Time // since when the others hear nothing of it; zero: they do
	since    time.Time
	resumed  int // the timeline on which it has told what its journal has; -1: none

	mu        sync.Mutex
	intercept func(ctx context.Context, op string, carry func() error) error
}

// Cut takes the server away from the node, or gives it back. Each operation is then refused with ErrAway.
func (n *Node) Cut(cut bool) {
	n.f.mu.Lock()
	defer n.f.mu.Unlock()
	if cut == n.cut {
		return
	}
	if cut {
		n.tell(fleet.Change{Kind: fleet.Gone})
		n.cut = true
		return
	}
	n.cut = false
	n.tell(fleet.Change{Kind: fleet.Back})
	n.sendOrders()
}

// Intercept lets fn do each operation of the node, named as its method; nil ends that. carry carries the operation out
// and returns its error, and may be left out, called late, or called although fn returns another error.
func (n *Node) Intercept(fn func(ctx context.Context, op string, carry func() error) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.intercept = fn
}

// LoseAnswers lets operations happen whose answers are lost: a fn for Intercept.
func LoseAnswers(_ context.Context, _ string, carry func() error) error {
	_ = carry()
	return fleet.ErrUnknown
}

// Hang lets each operation take as long as its time limit allows, and fail: a fn for Intercept.
func Hang(ctx context.Context, op string, _ func() error) error {
	d := limit
	if op == "Look" {
		d = lookLimit
	}
	wait(ctx, d)
	return fleet.ErrAway
}

// Delay lets each operation take a time before it happens: it returns a fn for Intercept.
func Delay(d time.Duration) func(context.Context, string, func() error) error {
	return func(ctx context.Context, _ string, carry func() error) error {
		if wait(ctx, d); ctx.Err() != nil {
			return fleet.ErrAway
		}
		return carry()
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// do carries out one operation.
func (n *Node) do(ctx context.Context, op string, fn func() error) error {
	n.mu.Lock()
	intercept := n.intercept
	n.mu.Unlock()
	carry := func() error {
		n.f.mu.Lock()
		defer n.f.mu.Unlock()
		switch {
		case n.cut:
			return fleet.ErrAway
		case n.replaced, n.removed:
			return fleet.ErrNotMember
		}
		n.f.expire()
		return fn()
	}
	if ctx.Err() != nil {
		return fleet.ErrAway
	}
	if intercept != nil {
		return intercept(ctx, op, carry)
	}
	return carry()
}

// tell passes a change on, unless the node is cut off.
func (n *Node) tell(c fleet.Change) {
	if n.cut || n.replaced {
		return
	}
	n.changes <- c
}

// sendOrders sends the orders that the node has not confirmed.
func (n *Node) sendOrders() {
	for _, o := range n.f.data.orders {
		if o.waiting[n.name] {
			n.tell(fleet.Change{Kind: fleet.Ordered, Order: o.Order})
		}
	}
}

// Run implements fleet.Authority.
func (n *Node) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Changes implements fleet.Authority.
func (n *Node) Changes() <-chan fleet.Change { return n.changes }

// Status implements fleet.Authority.
func (n *Node) Status() fleet.Status {
	n.f.mu.Lock()
	defer n.f.mu.Unlock()
	s := fleet.Status{Node: n.name, Connected: !n.cut, Member: !n.cut && !n.replaced && !n.removed, Since: n.since,
		Server: "memory", Durability: "server", Lost: n.f.lost}
	switch {
	case n.cut:
		s.Reason, s.Server = fleet.ErrAway.Error(), ""
	case !s.Member:
		s.Reason = fleet.ErrNotMember.Error()
	}
	return s
}
