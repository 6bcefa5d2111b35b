package postgres

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// node is one node of a test, whose beats and monotonic clock are the test's.
type node struct {
	*Authority
	t   testing.TB
	now time.Duration

	mu     sync.Mutex
	alarms []string
}

// table is the database of a test with the schema of a fleet.
var table = pgtest.Template{Fill: fill}

// newNode opens the authority of a node that is not a member yet.
func newNode(t testing.TB, d *pgtest.Database, name string, change ...func(*Options)) *node {
	t.Helper()
	n := &node{t: t}
	opt := Options{Addresses: []string{d.Address}, Database: d.Name, User: pgtest.User, Node: name,
		JournalID: "journal of " + name, Version: "1.0", Key: []byte("the fleet's key of the tests"),
		Durability: Server, Takeover: 10 * time.Second, History: time.Hour, Lifetime: time.Minute,
		Timeout: 20 * time.Second, AttemptLimit: 30 * time.Second, Alarm: n.alarm}
	for _, f := range change {
		f(&opt)
	}
	a, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	n.Authority = a
	a.clock = func() time.Duration { return n.now }
	return n
}

func (n *node) alarm(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alarms = append(n.alarms, text)
}

// alarmed returns whether operators were told something.
func (n *node) alarmed(text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.alarms, func(a string) bool { return strings.Contains(a, text) })
}

// beats lets nodes beat in turn, an interval apart.
func beats(count int, nodes ...*node) {
	for range count {
		for _, n := range nodes {
			n.now += n.interval()
			n.step(n.t.Context())
		}
	}
}

// received returns the changes that wait, in their order.
func (n *node) received() (all []fleet.Change) {
	for {
		c, ok := n.mail.next()
		if !ok {
			return all
		}
		all = append(all, c)
	}
}

func (n *node) kinds() (all []fleet.Kind) {
	for _, c := range n.received() {
		all = append(all, c.Kind)
	}
	return all
}

// member fails the test unless the node is a member, or is none for a reason.
func (n *node) member(want bool, reason string) {
	n.t.Helper()
	s := n.Status()
	if s.Member != want || !strings.Contains(s.Reason, reason) {
		n.t.Fatalf("%s: member %t (%s), want %t (%s)", n.opt.Node, s.Member, s.Reason, want, reason)
	}
}

func TestPeerJoin(t *testing.T) {
	d := table.Shared(t)
	a, b := newNode(t, d, "lyon-1"), newNode(t, d, "lyon-2")
	a.member(false, "not connected yet")
	beats(1, a, b)
	a.member(true, "")
	b.member(true, "")
	if got := a.kinds(); !slices.Equal(got, []fleet.Kind{fleet.Back}) {
		t.Errorf("changes %v, want back", got)
	}
	beats(20, a, b)
	if got := a.silentNodes(); len(got) > 0 {
		t.Errorf("silent: %v", got)
	}
	beats(9, a)
	if got := a.silentNodes(); len(got) > 0 {
		t.Errorf("silent too soon: %v", got)
	}
	beats(2, a)
	if got := a.silentNodes(); !slices.Equal(got, []string{"lyon-2"}) {
		t.Errorf("silent: %v, want lyon-2", got)
	}
	beats(1, b, a)
	if got := a.silentNodes(); len(got) > 0 {
		t.Errorf("silent after a beat: %v", got)
	}
	b.leave(t.Context())
	beats(1, a)
	if got := a.silentNodes(); !slices.Equal(got, []string{"lyon-2"}) {
		t.Errorf("silent: %v, want lyon-2, which has shut down", got)
	}
	again := newNode(t, d, "lyon-2")
	beats(1, again, a) // at once after a shutdown in order
	again.member(true, "")
	if got := a.silentNodes(); len(got) > 0 {
		t.Errorf("silent after the restart: %v", got)
	}
}

// TestPeerUncleanRestart has a node whose process was killed: its next process waits until it is sure that the old one
// is silent.
func TestPeerUncleanRestart(t *testing.T) {
	d := table.Shared(t)
	old, other := newNode(t, d, "lyon-1"), newNode(t, d, "lyon-2")
	beats(5, old, other)
	again := newNode(t, d, "lyon-1")
	beats(3, again)
	again.member(false, "waits for an earlier process")
	beats(1, again)
	again.member(true, "")
	if len(again.alarms) > 0 {
		t.Errorf("alarms of a restart: %v", again.alarms)
	}
	// The old process was only paused, and wakes.
	beats(1, old)
	if _, err := old.Authority.incarnation(); !errors.Is(err, fleet.ErrNotMember) {
		t.Errorf("the old process is a member: %v", err)
	}
	for range 10 {
		beats(1, again, old)
	}
	again.member(true, "")
	old.member(false, "another process runs with the name and the journal")
}

// TestPeerClone has two processes with one name and one journal, as from a copied disk: the first keeps the name. Once
// it is gone, the second joins.
func TestPeerClone(t *testing.T) {
	d := table.Shared(t)
	first, clone := newNode(t, d, "lyon-1"), newNode(t, d, "lyon-1")
	beats(1, first)
	for range 20 {
		beats(1, first, clone)
	}
	first.member(true, "")
	clone.member(false, "another process runs with the name and the journal")
	if !clone.alarmed("stop one of the two") || len(clone.alarms) != 1 {
		t.Errorf("alarms %q, want one that says how to mend it", clone.alarms)
	}
	beats(4, clone)
	clone.member(true, "")
}

// TestPeerSnapshot has a process that was copied with its memory, as by a snapshot of its machine: both have the same
// incarnation. Only one of them stays a member.
func TestPeerSnapshot(t *testing.T) {
	d := table.Shared(t)
	first, copied := newNode(t, d, "lyon-1"), newNode(t, d, "lyon-1")
	beats(3, first)
	copied.Authority.member.incarnation, copied.Authority.member.beat = first.Authority.member.incarnation,
		first.Authority.member.beat
	for range 10 {
		beats(1, first, copied)
	}
	first.member(true, "")
	copied.member(false, "another process runs")
}

// TestPeerOtherJournal has two nodes of one name.
func TestPeerOtherJournal(t *testing.T) {
	d := table.Shared(t)
	first := newNode(t, d, "lyon-1")
	second := newNode(t, d, "lyon-1", func(o *Options) { o.JournalID = "another" })
	for range 10 {
		beats(1, first, second)
	}
	beats(20, second) // even if the first is silent: it may be back with its callbacks
	second.member(false, `"ringback fleet remove lyon-1"`)
	if !second.alarmed("set fleet.node to another name") || len(second.alarms) != 1 {
		t.Errorf("alarms %q, want one that says how to mend it", second.alarms)
	}
	d.SQL(t, `UPDATE ringback.nodes SET state = 'removed'`)
	beats(1, second)
	second.member(true, "")
}

// TestPeerAnotherKey has a node with another key than the fleet's: it is no member until it has the right one.
func TestPeerAnotherKey(t *testing.T) {
	d := table.Shared(t)
	another := func(o *Options) { o.Key = []byte("a key that no other node of this fleet has") }
	first, stranger := newNode(t, d, "lyon-1"), newNode(t, d, "lyon-2", another)
	if level := levels(Check(t.Context(), stranger.opt))["key"]; level != OK {
		t.Errorf("no node has joined yet: %s", level)
	}
	beats(3, first, stranger)
	first.member(true, "")
	stranger.member(false, "another key than the fleet: copy fleet.key")
	if got := d.SQL(t, `SELECT string_agg(name, ' ') FROM ringback.nodes`); got != "lyon-1" {
		t.Errorf("nodes %s, want lyon-1 alone", got)
	}
	if len(stranger.alarms) != 1 || !stranger.alarmed("another key") || len(first.alarms) > 0 {
		t.Errorf("alarms %q and %q, want one of the stranger", stranger.alarms, first.alarms)
	}
	for n, want := range map[*node]Level{first: OK, stranger: Fail} {
		if level := levels(Check(t.Context(), n.opt))["key"]; level != want {
			t.Errorf("%s: %s, want %s", n.opt.Node, level, want)
		}
	}
	mended := newNode(t, d, "lyon-2")
	beats(1, mended)
	mended.member(true, "")
}

// TestPeerRemoveRunning has a node that is removed: that is refused until it is silent or has shut down.
func TestPeerRemoveRunning(t *testing.T) {
	d, ctx := table.Shared(t), t.Context()
	a, b, c := newNode(t, d, "lyon-1"), newNode(t, d, "lyon-2"), newNode(t, d, "lyon-3")
	state := func(name string) string {
		return d.SQL(t, `SELECT state FROM ringback.nodes WHERE name = '`+name+`'`)
	}
	beats(3, a, b, c)
	if err := a.Remove(ctx, "lyon-2", "kim"); !errors.Is(err, fleet.ErrUp) || !strings.Contains(err.Error(),
		"silent after 10s") || state("lyon-2") != "up" {
		t.Errorf("a node that runs: %v, and it is %s", err, state("lyon-2"))
	}
	c.leave(ctx)
	if err := a.Remove(ctx, "lyon-3", "kim"); err != nil || state("lyon-3") != "removed" {
		t.Errorf("a node that has shut down: %v, and it is %s", err, state("lyon-3"))
	}
	beats(11, a)
	if err := a.Remove(ctx, "lyon-2", "kim"); err != nil || state("lyon-2") != "removed" {
		t.Errorf("a silent node: %v, and it is %s", err, state("lyon-2"))
	}
	if err := a.Remove(ctx, "lyon-9", "kim"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("no node: %v", err)
	}
}

// TestPeerRemoved has a node that was removed although it runs.
func TestPeerRemoved(t *testing.T) {
	d := table.Shared(t)
	n := newNode(t, d, "lyon-1")
	beats(3, n)
	n.received()
	d.SQL(t, `UPDATE ringback.nodes SET state = 'removed'`)
	beats(1, n)
	if !n.alarmed("an operator has removed this node") {
		t.Errorf("alarms %q, want that it was removed", n.alarms)
	}
	n.member(true, "") // under a new incarnation
	if got := n.kinds(); !slices.Equal(got, []fleet.Kind{fleet.Back}) {
		t.Errorf("changes %v, want back", got)
	}
}

// TestPeerAnswerLost has beats and a join whose answers were lost: the node stays a member, or becomes one.
func TestPeerAnswerLost(t *testing.T) {
	d := table.Shared(t)
	n := newNode(t, d, "lyon-1")
	beats(3, n)
	lost := n.Authority.member.beat
	beats(2, n)
	n.Authority.member.beat, n.Authority.member.doubtful = lost, 2 // as if two answers had been lost
	beats(1, n)
	n.member(true, "")
	d.SQL(t, `UPDATE ringback.nodes SET beat = beat + 1`) // one of the two arrives late
	beats(2, n)
	n.member(true, "")

	m := &n.Authority.member
	n.received()
	m.server = "the one before" // and the new one lacks the last beats, which wait for no standby
	d.SQL(t, `UPDATE ringback.nodes SET beat = beat - 3`)
	beats(2, n)
	n.member(true, "")
	if got := n.kinds(); !slices.Equal(got, []fleet.Kind{fleet.Back}) {
		t.Errorf("changes %v, want back: the node must resume", got)
	}
	if len(n.alarms) > 0 {
		t.Errorf("alarms %q, want none", n.alarms)
	}
	m.tried, m.incarnation = m.incarnation, "" // as if the answer to the join had been lost
	beats(1, n)
	n.member(true, "")
}

// TestPeerAway has a server that is away for longer than the takeover: all nodes are gone and back, and nobody was
// silent.
func TestPeerAway(t *testing.T) {
	s := pgtest.Start(t)
	if err := fill(t.Context(), &s.Database); err != nil {
		t.Fatal(err)
	}
	quick := func(o *Options) { o.Timeout = 2 * time.Second }
	a, b := newNode(t, &s.Database, "lyon-1", quick), newNode(t, &s.Database, "lyon-2", quick)
	beats(3, a, b)
	a.received()
	s.Stop(t)
	beats(1, a, b)
	a.member(true, "") // one beat without an answer is nothing
	beats(1, a, b)
	a.member(false, "")
	for _, n := range []*node{a, b} {
		n.now += time.Hour
	}
	if _, err := a.Authority.incarnation(); !errors.Is(err, fleet.ErrAway) {
		t.Errorf("the incarnation of a node that is cut off: %v", err)
	}
	s.Restart(t)
	untilMember(a)
	if got := a.silentNodes(); len(got) > 0 {
		t.Errorf("silent after the server was away: %v", got)
	}
	if got := a.kinds(); !slices.Equal(got, []fleet.Kind{fleet.Gone, fleet.Back}) {
		t.Errorf("changes %v, want gone and back", got)
	}
	untilMember(b)
	beats(3, a, b)
	if got := a.silentNodes(); len(got) > 0 {
		t.Errorf("silent after the server was away: %v", got)
	}
}

// untilMember beats until the node is a member. Its clock stands meanwhile.
func untilMember(n *node) {
	n.t.Helper()
	for range 3000 {
		if n.step(n.t.Context()); n.Status().Member {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	n.t.Fatalf("no member: %s", n.Status().Reason)
}

// TestPeerServerClock has the server's clock stepping by an hour and by 20 years.
func TestPeerServerClock(t *testing.T) {
	s := pgtest.Start(t, pgtest.Options{Clock: true})
	if err := fill(t.Context(), &s.Database); err != nil {
		t.Fatal(err)
	}
	a, b, dead := newNode(t, &s.Database, "a"), newNode(t, &s.Database, "b"), newNode(t, &s.Database, "dead")
	beats(3, a, b, dead)
	a.received()
	for _, offset := range []string{"+1h", "-1h", "-20y"} {
		s.SetClock(t, offset)
		beats(2, a, b)
		if got := a.silentNodes(); len(got) > 0 {
			t.Errorf("clock of the server %s: silent %v", offset, got)
		}
	}
	beats(10, a, b)
	if got := a.silentNodes(); !slices.Equal(got, []string{"dead"}) {
		t.Errorf("silent %v, want the one that is dead", got)
	}
	a.member(true, "")
	if got := a.kinds(); len(got) > 0 {
		t.Errorf("changes %v, want none", got)
	}
}

// TestPeerBusyConnections has operations that use all connections of a node: it goes on beating.
func TestPeerBusyConnections(t *testing.T) {
	d := table.Shared(t)
	n := newNode(t, d, "a", func(o *Options) { o.Connections, o.Timeout = 1, 5*time.Second })
	beats(2, n)
	c, err := n.link.pool.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer n.link.pool.release(c)
	before := n.Authority.member.beat
	beats(3, n)
	n.member(true, "")
	if got := n.Authority.member.beat; got != before+3 {
		t.Errorf("beat %d after %d and 3 beats", got, before)
	}
}

// TestPeerStandbyAway has a synchronous standby that is away: no commit is durable, and nobody is silent.
func TestPeerStandbyAway(t *testing.T) {
	s := pgtest.Start(t)
	if err := fill(t.Context(), &s.Database); err != nil {
		t.Fatal(err)
	}
	standby := s.Standby(t)
	a, b := newNode(t, &s.Database, "a"), newNode(t, &s.Database, "b")
	beats(3, a, b)
	standby.Kill()
	beats(15, a, b)
	a.member(true, "")
	b.member(true, "")
	if got := a.silentNodes(); len(got) > 0 {
		t.Errorf("silent while the standby is away: %v", got)
	}
	b.leave(t.Context())
	beats(1, a)
	if got := a.silentNodes(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("silent %v, want b, which has shut down", got)
	}
}
