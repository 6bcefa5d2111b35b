package fleettest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// GivenUp is the Outcome that a journal has of a callback that another node has taken.
const GivenUp = "given up"

func compareAccounts(a, b journal.Account) int {
	return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
}

// Resume implements fleet.Claims.
func (n *Node) Resume(ctx context.Context, all []fleet.Known) (out []fleet.Standing, err error) {
	err = n.do(ctx, "Resume", func() error {
		asked := map[string]bool{}
		for _, k := range all {
			asked[k.ID] = true
			out = append(out, n.resume(k))
		}
		for _, r := range n.f.data.sorted() {
			if r.Holder != n.name || asked[r.ID] {
				continue
			}
			if r.Outcome == fleet.ByOrder {
				n.f.settle(r, journal.Settle{Callback: r.ID, Time: n.f.now()})
			}
			if !r.Pending() {
				continue
			}
			if r.Home == n.name && r.Attempts == 0 && r.Epoch == 1 {
				n.withdraw(r, "its node has no record of it")
				continue
			}
			r.close(n.f.now(), "")
			r.Offered = true
			r.Epoch++
			n.f.tellOthers(n.name, fleet.Change{Kind: fleet.Offered})
		}
		n.resumed = n.f.timeline
		return nil
	})
	return out, err
}

// resume tells what became of one callback, and writes back what was lost of it.
func (n *Node) resume(k fleet.Known) (s fleet.Standing) {
	r := n.f.data.rows[k.ID]
	if r == nil && !k.Ended && n.f.data.pending(k.Callback) != nil { // the user has another one, elsewhere
		return fleet.Standing{Claim: fleet.Claim{ID: k.ID}, Missing: true}
	}
	if r == nil && k.Outcome != GivenUp {
		r = &row{Row: k.Row, reservation: left(k)}
		r.Holder, r.Home, r.Format = n.name, cmp.Or(k.Home, n.name), fleet.Format
		r.Epoch = max(1, k.Epoch)
		n.f.data.reserveAnyway(r.reservation, n.f.now())
		n.f.data.add(r)
		s.Missing = true
	}
	if r == nil {
		return fleet.Standing{Claim: fleet.Claim{ID: k.ID}, Missing: true}
	}
	if r.Pending() && k.Epoch > r.Epoch && k.Outcome != GivenUp { // the commit that took it was lost
		r.Holder, r.Epoch, r.Offered = n.name, k.Epoch, false
	}
	if r.Pending() && r.Holder == n.name && k.Attempts > r.Attempts { // their commits were lost
		r.Open = k.Open
	}
	r.Attempts = max(r.Attempts, k.Attempts)
	if r.Pending() && r.Holder == n.name && k.Outcome != GivenUp {
		s.Mine = true
		if !k.Ended {
			r.Epoch++
		}
	}
	s.Claim, s.Holder, s.Attempts, s.Open = r.Claim(), r.Holder, r.Attempts, r.Open
	s.Ended, s.Outcome, s.Cause = r.Ended, r.Outcome, r.Cause
	return s
}

// Order implements fleet.Orders.
func (n *Node) Order(ctx context.Context, o fleet.Order) (fleet.Order, error) {
	err := n.do(ctx, "Order", func() error {
		f := n.f
		f.data.seq++
		o.Seq, o.Made = f.data.seq, f.now()
		stored := &order{o, map[string]bool{}, map[string]string{}}
		for name, m := range f.nodes {
			if (o.Node == "" || o.Node == name) && !m.removed {
				stored.waiting[name] = true
			}
		}
		if len(stored.waiting) == 0 {
			return fleet.ErrNotFound
		}
		f.data.orders = append(f.data.orders, stored)
		f.drain(o, stored)
		for _, name := range slices.Sorted(maps.Keys(stored.waiting)) {
			f.nodes[name].tell(fleet.Change{Kind: fleet.Ordered, Order: o})
		}
		return nil
	})
	return o, err
}

// drain lets nodes take nothing more, or something again.
func (f *Fleet) drain(o fleet.Order, to *order) {
	for name := range to.waiting {
		switch o.Verb {
		case fleet.Drain:
			f.nodes[name].drained = cmp.Or(o.Text, "drained by "+o.Who)
		case fleet.Undrain:
			f.nodes[name].drained = ""
		}
	}
}

// Confirm implements fleet.Orders.
func (n *Node) Confirm(ctx context.Context, seq int64, result string) error {
	return n.do(ctx, "Confirm", func() error {
		for _, o := range n.f.data.orders {
			if o.Seq == seq && o.waiting[n.name] {
				delete(o.waiting, n.name)
				o.done[n.name] = result
			}
		}
		return nil
	})
}

// Confirmed implements fleet.Orders.
func (n *Node) Confirmed(ctx context.Context, seq int64) (done map[string]string, waiting []string, err error) {
	err = n.do(ctx, "Confirmed", func() error {
		for _, o := range n.f.data.orders {
			if o.Seq == seq {
				done, waiting = maps.Clone(o.done), slices.Sorted(maps.Keys(o.waiting))
				return nil
			}
		}
		return fleet.ErrNotFound
	})
	return done, waiting, err
}

// Cancel implements fleet.Orders.
func (n *Node) Cancel(ctx context.Context, id, who, text string) (holder string, ended bool, err error) {
	err = n.do(ctx, "Cancel", func() error {
		r := n.f.data.rows[id]
		switch {
		case r == nil:
			return fleet.ErrNotFound
		case !r.Pending():
			return about("cancellation", id, fleet.ErrFenced)
		}
		holder = r.Holder
		if r.Open > 0 || !r.Shared {
			return nil
		}
		now := time.Now()
		ended = true
		n.f.end(r, fleet.End{Claim: r.Claim(), Time: now, Outcome: "cancelled", Cause: "by " + who,
			Attempts: r.Attempts})
		if h := n.f.nodes[holder]; h != nil {
			h.tell(fleet.Change{Kind: fleet.Ended, ID: id, Outcome: "cancelled", Cause: "by " + who})
		}
		return nil
	})
	return holder, ended, err
}

// Remove implements fleet.Orders.
func (n *Node) Remove(ctx context.Context, name, who string) error {
	return n.do(ctx, "Remove", func() error {
		m := n.f.nodes[name]
		if m == nil {
			return fleet.ErrNotFound
		}
		if m.silent.IsZero() && !m.removed {
			return fleet.ErrUp
		}
		m.removed = true
		now := time.Now()
		for _, r := range n.f.data.sorted() {
			if r.Pending() && r.Holder == name && (r.Open > 0 || !r.Shared) {
				n.f.end(r, fleet.End{Claim: r.Claim(), Time: now, Outcome: "failed", Attempts: r.Attempts,
					Cause:  "its node was removed by " + who,
					Settle: &journal.Settle{Callback: r.ID, Worst: true, Time: now}})
			}
		}
		n.f.tellOthers(name, fleet.Change{Kind: fleet.Offered})
		return nil
	})
}

// ShipAudit implements fleet.Orders.
func (n *Node) ShipAudit(ctx context.Context, rows []journal.Audit) (last int64, err error) {
	err = n.do(ctx, "ShipAudit", func() error {
		copied := slices.Clone(n.f.data.audit[n.name])
		for _, r := range rows {
			switch at := int(r.Seq) - 1; {
			case at > len(copied):
				return fmt.Errorf("audit record %d cannot follow %d", r.Seq, len(copied))
			case at == len(copied):
				copied = append(copied, r)
			case !bytes.Equal(copied[at].Digest, r.Digest) || copied[at].RowDigest() != r.RowDigest():
				return fmt.Errorf("audit record %d differs from its copy", r.Seq)
			}
		}
		n.f.data.audit[n.name], last = copied, int64(len(copied))
		return nil
	})
	return last, err
}
