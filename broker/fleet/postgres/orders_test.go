package postgres

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// ordered looks for changes and returns the orders that the node received.
func (n *node) ordered() (all []fleet.Order) {
	n.t.Helper()
	if err := n.poll(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	for _, c := range n.received() {
		if c.Kind == fleet.Ordered {
			all = append(all, c.Order)
		}
	}
	return all
}

func (n *node) order(o fleet.Order) fleet.Order {
	n.t.Helper()
	o, err := n.Order(n.t.Context(), o)
	if err != nil {
		n.t.Fatal(err)
	}
	return o
}

func (n *node) confirmed(seq int64, done map[string]string, waiting ...string) {
	n.t.Helper()
	gotDone, gotWaiting, err := n.Confirmed(n.t.Context(), seq)
	if err != nil || !maps.Equal(gotDone, done) || !slices.Equal(gotWaiting, waiting) {
		n.t.Errorf("order %d: confirmed by %v, not by %v, error %v; want %v, %v", seq, gotDone, gotWaiting, err, done,
			waiting)
	}
}

// TestPeerDrainEndedAtNode has a drain that another node ordered, and that ends at the node itself.
func TestPeerDrainEndedAtNode(t *testing.T) {
	d := table.Shared(t)
	reason := ""
	a := newNode(t, d, "a")
	b := newNode(t, d, "b", func(o *Options) { o.Drained = func() string { return reason } })
	beats(1, a, b)
	o := a.order(fleet.Order{Node: "b", Verb: fleet.Drain, Who: "kim"})
	b.ordered()
	reason = "ordered by kim"
	if err := b.Confirm(t.Context(), o.Seq, ""); err != nil {
		t.Fatal(err)
	}
	beats(1, a, b)
	for _, want := range []string{"ordered by kim", ""} {
		reason = want
		b.ordered()
		if got := d.SQL(t, `SELECT drained FROM ringback.nodes WHERE name = 'b'`); got != want {
			t.Errorf("drained %q, want %q", got, want)
		}
	}
}

func TestPeerOrders(t *testing.T) {
	d, ctx := table.Shared(t), t.Context()
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	beats(1, a, b)
	for _, o := range []fleet.Order{
		{Node: "b", Verb: fleet.Cancel, ID: "x", Who: "ann", Text: "wrong number"},
		{Node: "b", Verb: fleet.CoA, Args: `{"session":"\u0000\xff"}`, Who: "ann"},
	} {
		sent := a.order(o)
		if o.Seq = sent.Seq; o.Seq == 0 || time.Since(sent.Made) > time.Minute {
			t.Errorf("sent as %+v, without a number and a time", sent)
		}
		if got := a.ordered(); len(got) > 0 {
			t.Errorf("the orders of another node: %+v", got)
		}
		got := b.ordered()
		if len(got) != 1 || !got[0].Made.Equal(sent.Made) {
			t.Fatalf("received %+v, want %+v", got, sent)
		}
		if got[0].Made = o.Made; got[0] != o {
			t.Errorf("received %+v, want %+v", got[0], o)
		}
		if got := b.ordered(); len(got) > 0 {
			t.Errorf("received again: %+v", got)
		}
		a.confirmed(o.Seq, map[string]string{}, "b")
		if err := b.Confirm(ctx, o.Seq, "done"); err != nil {
			t.Fatal(err)
		}
		if err := b.Confirm(ctx, o.Seq, "done again"); err != nil {
			t.Fatal(err)
		}
		a.confirmed(o.Seq, map[string]string{"b": "done"})
	}
	if _, err := a.Order(ctx, fleet.Order{Node: "nobody", Verb: fleet.Drain}); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("an order for a node that does not exist: %v", err)
	}
	if err := b.Confirm(ctx, 999, ""); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("a confirmation of nothing: %v", err)
	}
	if _, _, err := b.Confirmed(ctx, 999); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("the confirmations of nothing: %v", err)
	}
}

// TestPeerOrderForAbsent has an order for a node that does not run: its next process gets it, and after a restart
// without a confirmation it gets it again.
func TestPeerOrderForAbsent(t *testing.T) {
	d := table.Shared(t)
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	beats(1, a, b)
	b.leave(t.Context())
	o := a.order(fleet.Order{Node: "b", Verb: fleet.Drain, Who: "ann"})
	for range 2 {
		b = newNode(t, d, "b")
		beats(6, b)
		if got := b.ordered(); len(got) != 1 || got[0].Seq != o.Seq {
			t.Fatalf("received %+v, want %+v", got, o)
		}
	}
	if err := b.Confirm(t.Context(), o.Seq, ""); err != nil {
		t.Fatal(err)
	}
	b = newNode(t, d, "b")
	beats(6, b)
	if got := b.ordered(); len(got) > 0 {
		t.Errorf("received after it was confirmed: %+v", got)
	}
}

// TestPeerLockdownOrder has a lockdown of the fleet: a node that joins later gets it too, unless it was lifted.
func TestPeerLockdownOrder(t *testing.T) {
	d, ctx := table.Shared(t), t.Context()
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	beats(1, a, b)
	cancel := a.order(fleet.Order{Verb: fleet.Cancel, ID: "x"})
	o := a.order(fleet.Order{Verb: fleet.Lockdown, Who: "ann", Text: "fraud"})
	for _, n := range []*node{a, b} {
		if got := n.ordered(); len(got) != 2 {
			t.Fatalf("received %+v, want two orders", got)
		}
		if err := errors.Join(n.Confirm(ctx, o.Seq, "locked"), n.Confirm(ctx, cancel.Seq, "")); err != nil {
			t.Fatal(err)
		}
	}
	late := newNode(t, d, "late")
	beats(1, late)
	if got := late.ordered(); len(got) != 1 || got[0].Seq != o.Seq {
		t.Fatalf("a node that joins later received %+v, want the lockdown alone", got)
	}
	a.confirmed(o.Seq, map[string]string{"a": "locked", "b": "locked"}, "late")
	d.SQL(t, "UPDATE ringback.nodes SET state = 'removed' WHERE name = 'late'")
	a.confirmed(o.Seq, map[string]string{"a": "locked", "b": "locked"})
	d.SQL(t, "UPDATE ringback.nodes SET state = 'up' WHERE name = 'late'")
	a.order(fleet.Order{Verb: fleet.Unlock, Who: "ann"})
	later := newNode(t, d, "later")
	beats(1, later)
	if got := later.ordered(); len(got) > 0 {
		t.Errorf("a node that joins after the lockdown was lifted received %+v", got)
	}
	if got := late.ordered(); len(got) != 1 || got[0].Verb != fleet.Unlock {
		t.Errorf("received %+v, want the end of the lockdown", got)
	}
}

// TestPeerForgedOrders has what somebody can do who writes to the database, but has no key.
func TestPeerForgedOrders(t *testing.T) {
	const copied = "INSERT INTO ringback.orders SELECT 100, 'b', verb, callback, args, who, text, made, mac " +
		"FROM ringback.orders; INSERT INTO ringback.confirmations VALUES (100, 'b')"
	for _, test := range []struct{ name, sql string }{
		{"another verb", "UPDATE ringback.orders SET verb = 'unlock'"},
		{"another callback", "UPDATE ringback.orders SET callback = 'y'"},
		{"another operator", "UPDATE ringback.orders SET who = 'eve'"},
		{"another reason", "UPDATE ringback.orders SET text = 'eve'"},
		{"other arguments", "UPDATE ringback.orders SET args = 'eve'"},
		{"another time", "UPDATE ringback.orders SET made = made + 1"},
		{"for all", "UPDATE ringback.orders SET node = ''"},
		{"for another node", "UPDATE ringback.confirmations SET node = 'a'"},
		{"again under another number", "UPDATE ringback.confirmations SET result = ''; " + copied},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := table.Shared(t)
			a, b := newNode(t, d, "a"), newNode(t, d, "b")
			beats(1, a, b)
			o := a.order(fleet.Order{Node: "b", Verb: fleet.Cancel, ID: "x", Who: "ann"})
			d.SQL(t, test.sql)
			for _, n := range []*node{a, b} {
				if got := n.ordered(); len(got) > 0 {
					t.Errorf("received %+v", got)
				}
				n.ordered()
			}
			all := slices.Concat(a.alarms, b.alarms)
			if len(all) != 1 || !a.alarmed("does not verify") && !b.alarmed("does not verify") {
				t.Errorf("alarms %q, want one", all)
			}
			d.SQL(t, "UPDATE ringback.confirmations SET result = 'done'")
			if done, _, err := a.Confirmed(t.Context(), o.Seq); err != nil || len(done) > 0 {
				t.Errorf("a confirmation without a signature counts: %v, %v", done, err)
			}
		})
	}
}

// TestPeerConfirmAgain has a confirmation that could not be sent: it is sent with the next look for changes.
func TestPeerConfirmAgain(t *testing.T) {
	d := table.Shared(t)
	a := newNode(t, d, "a")
	beats(1, a)
	o := a.order(fleet.Order{Node: "a", Verb: fleet.Drain, Who: "ann", Text: "upgrade"})
	a.ordered()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Confirm(ctx, o.Seq, "drained"); err == nil {
		t.Fatal("a confirmation was sent on a context that has ended")
	}
	a.confirmed(o.Seq, map[string]string{}, "a")
	if got := a.ordered(); len(got) > 0 {
		t.Errorf("an order was received again: %+v", got)
	}
	a.confirmed(o.Seq, map[string]string{"a": "drained"})
	nodes, err := a.Nodes(t.Context())
	if err != nil || len(nodes) != 1 || nodes[0].State != "drained" || nodes[0].Drained != "upgrade" {
		t.Errorf("nodes %+v, error %v; want a node that is drained", nodes, err)
	}
	o = a.order(fleet.Order{Node: "a", Verb: fleet.Undrain})
	a.ordered()
	if err := a.Confirm(t.Context(), o.Seq, ""); err != nil {
		t.Fatal(err)
	}
	if nodes, _ = a.Nodes(t.Context()); nodes[0].State != "up" || nodes[0].Drained != "" {
		t.Errorf("nodes %+v, want a node that is no longer drained", nodes)
	}
}

// chain returns records of an audit chain, from 1 to n.
func chain(n int) (rows []journal.Audit) {
	before := make([]byte, journal.DigestSize)
	for i := range n {
		r := journal.Audit{Seq: int64(i + 1), Time: time.Unix(1_000_000_000+int64(i), 5), Kind: "callback ended",
			Who: "ann", Text: "text \x00\xff", PrevHash: before, Hash: before}
		r.Digest = r.DigestAfter(before)
		before = r.Digest
		rows = append(rows, r)
	}
	return rows
}

func TestPeerShipAudit(t *testing.T) {
	d, ctx := table.Shared(t), t.Context()
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	rows := chain(10)
	ship := func(n *node, want int64, rows ...journal.Audit) {
		t.Helper()
		if last, err := n.ShipAudit(ctx, rows); err != nil || last != want {
			t.Errorf("copied up to %d, error %v, want %d", last, err, want)
		}
	}
	ship(a, 0)
	ship(a, 3, rows[:3]...)
	ship(a, 5, rows[1:5]...) // again, as after an answer that was lost
	ship(a, 5)
	ship(b, 2, rows[:2]...)
	if _, err := a.ShipAudit(ctx, rows[6:]); err == nil {
		t.Error("a gap was accepted")
	}
	ship(a, 10, rows[5:]...)
	if len(a.alarms) > 0 {
		t.Errorf("alarms %q", a.alarms)
	}
	other := rows[9]
	other.Text = "changed"
	if _, err := a.ShipAudit(ctx, []journal.Audit{other}); !errors.Is(err, errAudit) || !a.alarmed("record 10") {
		t.Errorf("another content of a record: error %v, alarms %q", err, a.alarms)
	}
	a.ShipAudit(ctx, []journal.Audit{other})
	if len(a.alarms) != 1 {
		t.Errorf("alarms %q, want one", a.alarms)
	}
	d.SQL(t, "UPDATE ringback.audit SET text = 'changed' WHERE node = 'b' AND seq = 2")
	next := rows[2]
	next.Digest = next.DigestAfter(next.Digest)
	if _, err := b.ShipAudit(ctx, []journal.Audit{next}); !errors.Is(err, errAudit) {
		t.Errorf("a record that does not follow: %v", err)
	}
	moved := newNode(t, d, "a", func(o *Options) { o.JournalID = "a new journal" })
	ship(moved, 2, rows[:2]...)
}
