package orders

import (
	"context"
	"errors"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// Observer gets each operation of this node on a callback that a commit of the authority must carry out, and each last
// look before a dial.
type Observer func(operation string, took time.Duration, err error)

// observed carries out an operation and reports it.
func (n *Node) observed(operation string, do func() error) error {
	began := time.Now()
	err := do()
	if n.Observe != nil {
		n.Observe(operation, time.Since(began), err)
	}
	return err
}

// Promise implements fleet.Claims.
func (n *Node) Promise(ctx context.Context, p fleet.Promise) error {
	return n.observed("promise", func() error { return n.Authority.Promise(ctx, p) })
}

// Take implements fleet.Claims.
func (n *Node) Take(ctx context.Context, r fleet.Row) (taken fleet.Row, err error) {
	err = n.observed("take", func() error {
		taken, err = n.Authority.Take(ctx, r)
		return err
	})
	return taken, err
}

// Attempt implements fleet.Claims.
func (n *Node) Attempt(ctx context.Context, c fleet.Claim, a journal.Attempt) error {
	return n.observed("attempt", func() error { return n.Authority.Attempt(ctx, c, a) })
}

// Look implements fleet.Claims.
func (n *Node) Look(ctx context.Context, c fleet.Claim, attempt int) error {
	return n.observed("look", func() error { return n.Authority.Look(ctx, c, attempt) })
}

// Offer implements fleet.Claims.
func (n *Node) Offer(ctx context.Context, r fleet.Row) error {
	return n.observed("offer", func() error { return n.Authority.Offer(ctx, r) })
}

// End implements fleet.Claims.
func (n *Node) End(ctx context.Context, e fleet.End) error {
	return n.observed("end", func() error { return n.Authority.End(ctx, e) })
}

// Status implements fleet.Authority.
func (n *Node) Status() fleet.Status {
	s := n.Authority.Status()
	if n.Owed != nil {
		s.Owed = n.Owed()
	}
	return s
}

// ResultOf says in one word what became of an operation: "ok", "ceiling", "pending", "fenced", "spent", "forged",
// "away", "unknown", "no_member" or "other".
func ResultOf(err error) string {
	if err == nil {
		return "ok"
	}
	for _, r := range []struct {
		err  error
		word string
	}{{journal.ErrCeiling, "ceiling"}, {journal.ErrPending, "pending"}, {fleet.ErrFenced, "fenced"},
		{fleet.ErrSpent, "spent"}, {fleet.ErrForged, "forged"}, {fleet.ErrUnknown, "unknown"}, {fleet.ErrAway, "away"},
		{fleet.ErrNotMember, "no_member"}} {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "other"
}
