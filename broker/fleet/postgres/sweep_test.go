package postgres

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/journal"
)

// joined lets nodes join and resume.
func joined(nodes ...*node) {
	for _, n := range nodes {
		n.t.Helper()
		beats(1, n)
		n.member(true, "")
		if _, err := n.Resume(n.t.Context(), nil); err != nil {
			n.t.Fatal(err)
		}
		beats(1, n)
	}
	looks(3, nodes...)
	for _, n := range nodes {
		n.received()
	}
}

// looks lets nodes look for changes in turn: after three rounds each has the roll of each other one.
func looks(count int, nodes ...*node) {
	for range count {
		for _, n := range nodes {
			n.t.Helper()
			if err := n.poll(n.t.Context()); err != nil {
				n.t.Fatal(err)
			}
		}
	}
}

// promised promises a callback of a node.
func (n *node) promised(id string, shared bool) fleet.Claim {
	n.t.Helper()
	rotary := fleet.NoRotary
	if shared {
		rotary = 7
	}
	p := fleet.Promise{Time: time.Now(), Row: fleet.Row{Rotary: rotary, Callback: journal.Callback{ID: id, User: id,
		Entry: "users", Max: 3, Created: time.Now(), Shared: shared}}}
	if err := n.Promise(n.t.Context(), p); err != nil {
		n.t.Fatal(err)
	}
	return fleet.Claim{ID: id, Epoch: 1}
}

func (n *node) attempt(c fleet.Claim, number int) {
	n.t.Helper()
	a := journal.Attempt{CallbackID: c.ID, N: number, Started: time.Now()}
	if err := n.Attempt(n.t.Context(), c, a); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) offer(id string) {
	n.t.Helper()
	row, _, _, err := n.Callback(n.t.Context(), id)
	if err == nil {
		err = n.Offer(n.t.Context(), row)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) take(id string) {
	n.t.Helper()
	row, _, _, err := n.Callback(n.t.Context(), id)
	if err == nil {
		_, err = n.Take(n.t.Context(), row)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// outcome returns how a callback has ended; "" while it is pending.
func (n *node) outcome(id string) string {
	n.t.Helper()
	row, _, _, err := n.Callback(n.t.Context(), id)
	if err != nil {
		n.t.Fatal(err)
	}
	return row.Outcome
}

// sweepFor lets time pass with beats and sweeps.
func (n *node) sweepFor(d time.Duration) {
	n.t.Helper()
	for end := n.now + d; n.now < end; {
		beats(1, n)
		if err := n.sweep(n.t.Context()); err != nil {
			n.t.Fatal(err)
		}
	}
}

// TestPeerSweep has what a dead node leaves: an attempt is left alone until it must be over, what waits for as long as
// its own node would let it wait.
func TestPeerSweep(t *testing.T) {
	d := table.Shared(t)
	a, dead := newNode(t, d, "a"), newNode(t, d, "dead")
	joined(a, dead)
	dead.attempt(dead.promised("dialed", true), 1)
	dead.promised("shared", true)
	dead.promised("own", false)
	a.attempt(a.promised("living", true), 1)
	outcomes := func(dialed, shared, own string) {
		t.Helper()
		got := []string{a.outcome("dialed"), a.outcome("shared"), a.outcome("own"), a.outcome("living")}
		if want := []string{dialed, shared, own, ""}; !slices.Equal(got, want) {
			t.Errorf("at %v: outcomes %q, want %q", a.now, got, want)
		}
	}
	a.sweepFor(10*time.Second + 28*time.Second) // silent after 10 s
	outcomes("", "", "")
	a.now += time.Hour // the server was away, or this node was paused
	a.sweepFor(time.Second)
	outcomes("", "", "")
	a.sweepFor(4 * time.Second)
	outcomes("failed", "", "")
	a.sweepFor(50 * time.Second)
	outcomes("failed", "", "")
	a.sweepFor(15 * time.Second)
	outcomes("failed", "expired", "expired")
	if row, _, _, _ := a.Callback(t.Context(), "dialed"); row.Cause != "its node was lost during an attempt" {
		t.Errorf("cause %q", row.Cause)
	}
}

// TestPeerSweepWoken has a node that wakes before its attempt was ended: its time begins again when it is silent again.
func TestPeerSweepWoken(t *testing.T) {
	d := table.Shared(t)
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	joined(a, b)
	c := b.promised("x", true)
	b.attempt(c, 1)
	a.sweepFor(38 * time.Second)
	beats(1, b)
	if err := a.sweep(t.Context()); err != nil { // a has not seen that b is awake, and would end the attempt
		t.Fatal(err)
	}
	a.sweepFor(9 * time.Second)
	if err := b.Look(t.Context(), c, 1); err != nil {
		t.Errorf("the last look of a node that woke in time: %v", err)
	}
	a.sweepFor(28 * time.Second)
	if got := a.outcome("x"); got != "" {
		t.Errorf("ended, %s, sooner than after the time of an attempt", got)
	}
	a.sweepFor(8 * time.Second)
	if got := a.outcome("x"); got != "failed" {
		t.Errorf("outcome %q, want failed", got)
	}
	beats(1, b)
	if err := b.Look(t.Context(), c, 1); err == nil {
		t.Error("the last look of a node that woke too late allows the dial")
	}
	if err := b.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.received(); len(got) == 0 || got[0].Kind != fleet.Ended || got[0].ID != "x" {
		t.Errorf("changes %v, want that x was ended", got)
	}
}

// TestPeerUnacknowledged has a node whose beats are not acknowledged: it does not dial, whatever the server answers.
func TestPeerUnacknowledged(t *testing.T) {
	d := table.Shared(t)
	a := newNode(t, d, "a")
	joined(a)
	c := a.promised("x", true)
	a.attempt(c, 1)
	if err := a.Look(t.Context(), c, 1); err != nil {
		t.Fatal(err)
	}
	a.now += 11 * time.Second
	if err := a.Look(t.Context(), c, 1); err == nil {
		t.Error("a node that others may deem lost dials")
	}
	beats(1, a)
	if err := a.Look(t.Context(), c, 1); err != nil {
		t.Error(err)
	}
}

// TestPeerNotices has callbacks that another node takes, or an operator ends: their node is told, once it is awake.
func TestPeerNotices(t *testing.T) {
	d := table.Shared(t)
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	joined(a, b)
	for i := range 4 {
		a.promised(fmt.Sprint("x", i), true)
	}
	a.offer("x0")
	b.take("x0")
	if _, ended, err := b.Cancel(t.Context(), "x1", "ann", ""); err != nil || !ended {
		t.Fatalf("cancelled %t, %v", ended, err)
	}
	for range 11 { // a is paused
		beats(1, b)
	}
	b.take("x2")
	beats(1, a, b)
	if err := a.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range a.received() {
		got = append(got, fmt.Sprint(c.Kind, " ", c.ID, " ", c.Holder, c.Outcome))
	}
	slices.Sort(got)
	if want := []string{"ended x1 cancelled", "taken x0 b", "taken x2 b"}; !slices.Equal(got, want) {
		t.Errorf("changes %q, want %q", got, want)
	}
	if err := a.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := a.received(); len(got) > 0 {
		t.Errorf("told again: %v", got)
	}
	if got := d.SQL(t, "SELECT count(*) FROM ringback.notices"); got != "0" {
		t.Errorf("%s notices are left", got)
	}
}

// TestPeerHistory removes what has ended long ago, in steps, by both clocks.
func TestPeerHistory(t *testing.T) {
	d := table.Shared(t)
	a := newNode(t, d, "a")
	joined(a)
	for i, id := range []string{"old", "unsettled", "recent", "pending"} {
		c := a.promised(id, true)
		if id == "pending" {
			continue
		}
		a.attempt(c, 1)
		e := fleet.End{Claim: c, Time: time.Now().Add(-2 * time.Hour), Outcome: "failed", Attempts: 1, Trace: "[]",
			Settle: &journal.Settle{Callback: id}}
		if id == "recent" {
			e.Time = time.Now()
		}
		if id == "unsettled" {
			e.Settle = nil
		}
		if err := a.End(t.Context(), e); err != nil {
			t.Fatal(i, err)
		}
	}
	old := a.order(fleet.Order{Verb: fleet.Cancel, ID: "x"})
	lock := a.order(fleet.Order{Verb: fleet.Lockdown})
	d.SQL(t, "UPDATE ringback.orders SET made = made - 7200000000000")
	d.SQL(t, "INSERT INTO ringback.notices (node, callback) VALUES ('off', 'old'), ('off', 'recent')")
	left := func(want string) {
		t.Helper()
		if got := d.SQL(t, "SELECT string_agg(id, ' ' ORDER BY id) FROM ringback.callbacks"); got != want {
			t.Errorf("callbacks %q, want %q", got, want)
		}
	}
	// A clock of this node that is 20 years behind removes nothing. That of the server is as important.
	if err := a.retainStep(t.Context(), time.Now().AddDate(-20, 0, 0)); err != nil {
		t.Fatal(err)
	}
	left("old pending recent unsettled")
	if err := a.retainStep(t.Context(), time.Now().AddDate(20, 0, 0)); err != nil {
		t.Fatal(err)
	}
	left("pending recent unsettled")
	if got := d.SQL(t, "SELECT count(*) FROM ringback.attempts"); got != "2" {
		t.Errorf("%s attempts, want 2", got)
	}
	if got := d.SQL(t, "SELECT string_agg(callback, ' ') FROM ringback.notices"); got != "recent" {
		t.Errorf("notices of %q, want recent", got)
	}
	if got := d.SQL(t, "SELECT string_agg(seq::text, ' ') FROM ringback.orders"); got != fmt.Sprint(lock.Seq) {
		t.Errorf("orders %s, want the lockdown %d alone, without %d", got, lock.Seq, old.Seq)
	}
}

// taken returns two nodes, of which b has taken the callback x that a has promised.
func taken(t *testing.T, d *pgtest.Database) (a, b *node) {
	t.Helper()
	a, b = newNode(t, d, "a"), newNode(t, d, "b")
	joined(a, b)
	a.promised("x", true)
	a.offer("x")
	b.take("x")
	return a, b
}

// TestPeerUnofferedClaim has a node that claims a callback, cannot record it, and cannot offer it again either: its
// next resumption offers it, as it does not report it.
func TestPeerUnofferedClaim(t *testing.T) {
	_, b := taken(t, table.Shared(t))
	row, _, _, err := b.Callback(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Offer(cut, row); err == nil {
		t.Fatal("the offer was recorded")
	}
	if _, err := b.Resume(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if row, _, _, err = b.Callback(t.Context(), "x"); err != nil || !row.Offered {
		t.Errorf("%v, offered %v: nobody dials for it", err, row.Offered)
	}
}

// TestPeerOrphan has a node that claims a callback and starts again without a record of it: nobody may be able to take
// it, and it ends when its time is over, so that its user may have another one.
func TestPeerOrphan(t *testing.T) {
	d := table.Shared(t)
	a, b := taken(t, d)
	b.leave(t.Context())
	again := newNode(t, d, "b", func(o *Options) { o.Incarnation = "later" })
	joined(again)
	for _, late := range []bool{false, true} {
		if late {
			again.now += again.opt.Lifetime
		}
		if err := again.expireOrphans(t.Context()); err != nil {
			t.Fatal(err)
		}
		row, _, _, err := a.Callback(t.Context(), "x")
		if err != nil || row.Pending() == late || late && (row.Outcome != "expired" || row.Cause != noRecord) {
			t.Fatalf("late: %t, the callback is %s (%s), %v", late, row.Outcome, row.Cause, err)
		}
	}
	if left := again.orphans.until(again.now); len(left) > 0 {
		t.Errorf("remembered for ever: %v", left)
	}
}
