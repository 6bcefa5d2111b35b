package fleettest

import (
	"context"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// Promise implements fleet.Claims.
func (n *Node) Promise(ctx context.Context, p fleet.Promise) error {
	return n.do(ctx, "Promise", func() error {
		d := &n.f.data
		if p.Pending() && d.pending(p.Callback) != nil || d.rows[p.ID] != nil {
			return about("promise", p.ID, journal.ErrPending)
		}
		r := &row{Row: p.Row, reservation: reservation{p.Charges, p.Amount}}
		if err := d.reserve(r.reservation, p.Time); err != nil {
			return about("promise", p.ID, err)
		}
		r.Epoch, r.Home, r.Holder, r.Format = 1, n.name, n.name, fleet.Format
		d.add(r)
		return nil
	})
}

// Withdraw implements fleet.Claims.
func (n *Node) Withdraw(ctx context.Context, id, cause string) error {
	return n.do(ctx, "Withdraw", func() error {
		r := n.f.data.rows[id]
		switch {
		case r == nil || r.Home != n.name || r.Holder != n.name:
		case r.Pending():
			n.withdraw(r, cause)
		case r.Outcome == fleet.ByOrder:
			n.f.settle(r, journal.Settle{Callback: id, Time: time.Now()})
		}
		return nil
	})
}

func (n *Node) withdraw(r *row, cause string) {
	now := time.Now()
	n.f.end(r, fleet.End{Claim: r.Claim(), Time: now, Outcome: "cancelled", Cause: cause,
		Settle: &journal.Settle{Callback: r.ID, Time: now}})
}

// mayTake reports whether the node may take a callback now.
func (n *Node) mayTake(r *row) bool {
	f := n.f
	return r.Pending() && r.Shared && r.Holder != n.name && r.Open == 0 && n.resumed == f.timeline &&
		(r.Offered || f.gone(r.Holder)) && f.known(r.Holder) && n.drained == ""
}

// Waiting implements fleet.Claims.
func (n *Node) Waiting(ctx context.Context, rotaries []int, skip []string, most int) (all []fleet.Row, err error) {
	err = n.do(ctx, "Waiting", func() error {
		for _, r := range n.f.data.sorted() {
			if len(all) < most && n.mayTake(r) && slices.Contains(rotaries, r.Rotary) && !slices.Contains(skip, r.ID) {
				all = append(all, r.Row)
			}
		}
		return nil
	})
	return all, err
}

// Take implements fleet.Claims.
func (n *Node) Take(ctx context.Context, want fleet.Row) (taken fleet.Row, err error) {
	err = n.do(ctx, "Take", func() error {
		r := n.f.data.rows[want.ID]
		if r == nil || r.Epoch != want.Epoch || !n.mayTake(r) {
			return about("claim", want.ID, fleet.ErrFenced)
		}
		was := r.Holder
		r.Holder, r.Offered = n.name, false
		r.Epoch++
		if other := n.f.nodes[was]; other != nil {
			other.tell(fleet.Change{Kind: fleet.Taken, ID: r.ID, Holder: n.name})
		}
		taken = r.Row
		return nil
	})
	return taken, err
}

// claimed returns the row of a claim that is in force.
func (n *Node) claimed(c fleet.Claim) *row {
	if r := n.f.data.rows[c.ID]; r != nil && r.Pending() && r.Holder == n.name && r.Epoch == c.Epoch {
		return r
	}
	return nil
}

// Attempt implements fleet.Claims.
func (n *Node) Attempt(ctx context.Context, c fleet.Claim, a journal.Attempt) error {
	return n.do(ctx, "Attempt", func() error {
		r := n.claimed(c)
		switch {
		case !n.f.agreed():
			return about("attempt", c.ID, fleet.ErrAway)
		case r == nil:
			return about("attempt", c.ID, fleet.ErrFenced)
		case a.N != r.Attempts+1, a.N > r.Max:
			return about("attempt", c.ID, fleet.ErrSpent)
		}
		r.close(n.f.now(), "")
		r.Attempts, r.Open, r.Offered = a.N, a.N, false
		r.attempts = append(r.attempts, fleet.Attempt{Attempt: a, Node: n.name, Epoch: c.Epoch})
		return nil
	})
}

// close ends the open attempt.
func (r *row) close(now time.Time, outcome string) {
	if len(r.attempts) == 0 {
		r.Open = 0 // its record was lost
	}
	if r.Open > 0 {
		last := &r.attempts[len(r.attempts)-1]
		last.Ended, last.Outcome = now, outcome
		r.Open = 0
	}
}

// Look implements fleet.Claims.
func (n *Node) Look(ctx context.Context, c fleet.Claim, attempt int) error {
	return n.do(ctx, "Look", func() error {
		if !n.f.agreed() {
			return about("last look", c.ID, fleet.ErrAway)
		}
		if r := n.claimed(c); r == nil || r.Open != attempt {
			return about("last look", c.ID, fleet.ErrFenced)
		}
		return nil
	})
}

// Continue implements fleet.Claims.
func (n *Node) Continue(ctx context.Context, c fleet.Claim, attempt int, outcome string) error {
	return n.do(ctx, "Continue", func() error {
		r := n.claimed(c)
		if r == nil {
			return about("end of an attempt", c.ID, fleet.ErrFenced)
		}
		if r.Open == attempt {
			r.close(n.f.now(), outcome)
		}
		return nil
	})
}

// Offer implements fleet.Claims.
func (n *Node) Offer(ctx context.Context, offered fleet.Row) error {
	return n.do(ctx, "Offer", func() error {
		r := n.claimed(offered.Claim())
		if r == nil {
			return about("offer", offered.ID, fleet.ErrFenced)
		}
		r.close(n.f.now(), "")
		was := r.Row
		r.Row = offered
		r.Holder, r.Home, r.Shared, r.Format, r.Offered, r.Open = was.Holder, was.Home, was.Shared, was.Format, true, 0
		r.Attempts = max(was.Attempts, offered.Attempts)
		n.f.tellOthers(n.name, fleet.Change{Kind: fleet.Offered})
		return nil
	})
}

// End implements fleet.Claims.
func (n *Node) End(ctx context.Context, e fleet.End) error {
	return n.do(ctx, "End", func() error {
		if r := n.claimed(e.Claim); r != nil {
			n.f.end(r, e)
			return nil
		}
		r := n.f.data.rows[e.ID]
		if r != nil && r.Outcome == e.Outcome && r.Holder == n.name && r.Epoch == e.Epoch {
			if e.Settle != nil {
				n.f.settle(r, *e.Settle)
			}
			return nil
		}
		return about("end", e.ID, fleet.ErrFenced)
	})
}

// Settle implements fleet.Claims.
func (n *Node) Settle(ctx context.Context, c fleet.Claim, s journal.Settle, trace string) error {
	return n.do(ctx, "Settle", func() error {
		if r := n.f.data.rows[c.ID]; r != nil && !r.Pending() && !r.Settled {
			n.f.settle(r, s)
			r.note(fleet.Step{Node: n.name, Epoch: c.Epoch, Trace: trace})
		}
		return nil
	})
}

// Reserve implements fleet.Claims.
func (n *Node) Reserve(ctx context.Context, charges []journal.Charge, amount journal.Amount, now time.Time) error {
	return n.do(ctx, "Reserve", func() error {
		d := &n.f.data
		was := d.kept[n.name]
		d.release(was)
		r := reservation{charges, amount}
		if err := d.reserve(r, now); err != nil {
			delete(d.kept, n.name)
			return err
		}
		d.kept[n.name] = r
		return nil
	})
}

// Accounts implements fleet.Claims.
func (n *Node) Accounts(ctx context.Context, scopes ...string) (all []journal.Account, err error) {
	err = n.do(ctx, "Accounts", func() error {
		for _, a := range n.f.data.accounts {
			if len(scopes) == 0 || slices.Contains(scopes, a.Scope) {
				all = append(all, a)
			}
		}
		slices.SortFunc(all, func(a, b journal.Account) int { return compareAccounts(a, b) })
		return nil
	})
	return all, err
}
