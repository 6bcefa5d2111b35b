package fleettest

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// ordered receives changes until the order comes.
func (c *contract) ordered(a fleet.Authority, seq int64) fleet.Order {
	c.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case change := <-a.Changes():
			if change.Kind == fleet.Ordered && change.Order.Seq == seq {
				return change.Order
			}
		case <-limit:
			c.Fatalf("order %d did not come within a minute", seq)
		}
	}
}

// confirmed checks which nodes have confirmed an order.
func (c *contract) confirmed(a fleet.Authority, seq int64, done map[string]string, waiting ...string) {
	c.Helper()
	gotDone, gotWaiting, err := a.Confirmed(c.ctx, seq)
	slices.Sort(gotWaiting)
	if err != nil || !maps.Equal(gotDone, done) || !slices.Equal(gotWaiting, waiting) {
		c.Errorf("confirmed by %v, not by %v, error %v; want %v and %v", gotDone, gotWaiting, err, done, waiting)
	}
}

func (c *contract) orders() {
	a, b := c.two()
	sent, err := a.Order(c.ctx, fleet.Order{Node: "lyon-2", Verb: fleet.CoA, ID: "x", Args: `{"session":"1"}`, Who: "ann",
		Text: "moved"})
	c.ok("order", err)
	if got := c.ordered(b, sent.Seq); got.Node != sent.Node || got.Verb != sent.Verb || got.ID != sent.ID ||
		got.Args != sent.Args || got.Who != sent.Who || got.Text != sent.Text || !got.Made.Equal(sent.Made) {
		c.Errorf("received %+v, want %+v", got, sent)
	}
	c.confirmed(a, sent.Seq, map[string]string{}, "lyon-2")
	c.ok("confirm", b.Confirm(c.ctx, sent.Seq, "done"))
	c.ok("confirm again", b.Confirm(c.ctx, sent.Seq, "done"))
	c.confirmed(a, sent.Seq, map[string]string{"lyon-2": "done"})
	if _, err := a.Order(c.ctx, fleet.Order{Node: "nobody", Verb: fleet.Drain}); !errors.Is(err, fleet.ErrNotFound) {
		c.Errorf("an order for a node that does not exist: %v", err)
	}
	if _, _, err := a.Confirmed(c.ctx, sent.Seq+1000); !errors.Is(err, fleet.ErrNotFound) {
		c.Errorf("the confirmations of an order that does not exist: %v", err)
	}

	all, err := b.Order(c.ctx, fleet.Order{Verb: fleet.Lockdown, Who: "ann"})
	c.ok("order for all", err)
	c.ordered(a, all.Seq)
	c.ordered(b, all.Seq)
	c.ok("confirm", a.Confirm(c.ctx, all.Seq, ""))
	c.confirmed(b, all.Seq, map[string]string{"lyon-1": ""}, "lyon-2")

	late, _ := c.member("lyon-3") // it was no node yet, but the lockdown is in force
	if got := c.ordered(late, all.Seq); got.Verb != fleet.Lockdown {
		c.Errorf("a node that joins during a lockdown received %+v", got)
	}
}

func (c *contract) drains() {
	a, b := c.two()
	c.drain(a, b, fleet.Drain, "drained")
	c.drain(a, b, fleet.Undrain, "up")
}

// drain orders one node to drain, or not to, and checks its state.
func (c *contract) drain(a, b fleet.Authority, verb fleet.Verb, want string) {
	c.Helper()
	o, err := a.Order(c.ctx, fleet.Order{Node: "lyon-2", Verb: verb, Who: "ann", Text: "upgrade"})
	c.ok("order", err)
	c.ordered(b, o.Seq)
	c.ok("confirm", b.Confirm(c.ctx, o.Seq, ""))
	nodes, err := a.Nodes(c.ctx)
	c.ok("nodes", err)
	for _, n := range nodes {
		if n.Name == "lyon-2" && n.State != want {
			c.Errorf("after %s the node is %s, want %s", verb, n.State, want)
		}
	}
}

func (c *contract) audit() {
	a, b := c.two()
	rows := chain(6)
	ship := func(n fleet.Authority, want int64, rows ...journal.Audit) {
		c.Helper()
		if last, err := n.ShipAudit(c.ctx, rows); err != nil || last != want {
			c.Errorf("copied up to %d, error %v, want %d", last, err, want)
		}
	}
	ship(a, 0)
	ship(a, 3, rows[:3]...)
	ship(b, 1, rows[:1]...)
	ship(a, 5, rows[1:5]...) // again, as after an answer that was lost
	if _, err := b.ShipAudit(c.ctx, rows[3:]); err == nil {
		c.Error("a gap was accepted")
	}
	changed := rows[2]
	changed.Text = "changed"
	if _, err := a.ShipAudit(c.ctx, []journal.Audit{changed}); err == nil {
		c.Error("another content of a record was accepted")
	}
	ship(a, 5)
}

// chain returns the first n records of an audit.
func chain(n int) (rows []journal.Audit) {
	before := make([]byte, journal.DigestSize)
	for i := range n {
		r := journal.Audit{Seq: int64(i + 1), Time: time.Unix(1_000_000_000+int64(i), 5), Kind: "callback ended",
			Who: "ann", Text: "text", PrevHash: before, Hash: before}
		r.Digest = r.DigestAfter(before)
		before = r.Digest
		rows = append(rows, r)
	}
	return rows
}
