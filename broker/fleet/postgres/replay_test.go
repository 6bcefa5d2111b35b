package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ringback/ringback/broker/fleet"
)

// offered makes callbacks of a node that it offers.
func (t *town) offered(a *Authority, ids ...string) {
	t.Helper()
	for _, id := range ids {
		p := promiseOf(id, id)
		err := a.Promise(context.Background(), p)
		if err == nil {
			p.Row.Epoch, p.Row.Holder, p.Row.Home = 1, a.opt.Node, a.opt.Node
			err = a.Offer(context.Background(), p.Row)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// keep copies the rows of now, and putBack makes some of them those of the fleet again.
func (t *town) keep() {
	t.Helper()
	t.sql(`DROP TABLE IF EXISTS old; CREATE TABLE old AS SELECT * FROM ringback.callbacks`)
}

func (t *town) putBack(ids ...string) {
	t.Helper()
	t.sql(`DELETE FROM ringback.callbacks WHERE id = ANY ($1)`, ids)
	t.sql(`DELETE FROM ringback.attempts WHERE callback = ANY ($1)`, ids)
	t.sql(`DELETE FROM ringback.notices WHERE callback = ANY ($1)`, ids)
	t.sql(`INSERT INTO ringback.callbacks SELECT * FROM old WHERE id = ANY ($1)`, ids)
}

// waits waits until a node may take some callbacks at the same time, and returns all that it may take: what another
// node has waiting is not taken for a moment when that node writes it anew with its next roll.
func (t *town) waits(a *Authority, some ...string) (ids []string) {
	t.Helper()
	within(t, strings.Join(some, ", ")+" waits for node "+a.opt.Node, func() bool {
		all, err := a.Waiting(context.Background(), []int{7}, nil, 2000)
		if err != nil {
			t.Fatal(err)
		}
		ids = nil
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		slices.Sort(ids)
		return !slices.ContainsFunc(some, func(id string) bool { return !slices.Contains(ids, id) })
	})
	return ids
}

// lived takes a callback, dials once for it and ends it.
func (t *town) lived(a *Authority, id string) {
	t.Helper()
	ctx := context.Background()
	t.waits(a, id)
	row, _, _, err := a.Callback(ctx, id)
	if err == nil {
		row, err = a.Take(ctx, row)
	}
	if err == nil {
		err = a.Attempt(ctx, row.Claim(), attemptOf(id, 1))
	}
	if err == nil {
		err = a.End(ctx, endOf(row, "completed"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// refuses checks that a node does not take callbacks, also if Waiting did not return them.
func (t *town) refuses(a *Authority, ids ...string) {
	t.Helper()
	for _, id := range ids {
		_, err := a.Take(context.Background(), fleet.Row{Rotary: 7, Holder: "lyon-1", Offered: true,
			Callback: promiseOf(id, id).Callback})
		if !errors.Is(err, fleet.ErrFenced) && !errors.Is(err, fleet.ErrForged) {
			t.Errorf("node %s takes %s: %v", a.opt.Node, id, err)
		}
	}
}

// TestPeerPutBackForNewProcess: a callback that was dialed is put back as it waited. A node that has started since, and
// has seen nothing of it, does not take it; what truly waits since before its start, it does.
func TestPeerPutBackForNewProcess(t *testing.T) {
	w := newTown(t)
	a, b := w.member("lyon-1"), w.member("lyon-2")
	w.offered(a, "dialed", "honest")
	w.keep()
	w.lived(b, "dialed")
	within(t, "its home knows that another node has it", func() bool { return !a.known.holds("dialed") })
	b = w.member("lyon-2")
	w.putBack("dialed")
	if got := w.waits(b, "honest"); !slices.Equal(got, []string{"honest"}) {
		t.Errorf("it may take %q", got)
	}
	w.refuses(b, "dialed")
	w.stops["lyon-1"]()
	if got := w.waits(b, "honest"); !slices.Equal(got, []string{"honest"}) {
		t.Errorf("when the home is down, it may take %q", got)
	}
	w.refuses(b, "dialed")
}

// TestPeerNobodyVouches: what a node had waiting when it was lost waits for it, if all others have started since.
func TestPeerNobodyVouches(t *testing.T) {
	w := newTown(t)
	a, b := w.member("lyon-1"), w.member("lyon-2")
	w.offered(a, "old")
	w.waits(b, "old")
	w.stops["lyon-1"]()
	w.waits(b, "old")
	b = w.member("lyon-2")
	c := w.member("lyon-3")
	w.offered(c, "new")
	if got := w.waits(b, "new"); !slices.Equal(got, []string{"new"}) {
		t.Errorf("it may take %q", got)
	}
	w.refuses(b, "old")
	a = w.authority("lyon-1")
	within(t, "its node has resumed", func() bool {
		p := promiseOf("old", "old")
		p.Row.Epoch, p.Row.Home = 1, "lyon-1"
		_, err := a.Resume(context.Background(), []fleet.Known{{Row: p.Row}})
		return err == nil
	})
	if got := w.waits(b, "new", "old"); !slices.Equal(got, []string{"new", "old"}) {
		t.Errorf("after the start of its node, it may take %q", got)
	}
}

// TestPeerFeed: a node learns of attempts and ends of callbacks that it has never seen, and takes no earlier row of
// them when their node is lost. It says so.
func TestPeerFeed(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	alarms := &alarmed{}
	a, b := w.member("lyon-1"), w.member("lyon-2", alarms.option)
	w.offered(a, "first")
	w.waits(b, "first") // each knows the other
	for _, id := range []string{"honest", "dialed", "ended", "cancelled", "withdrawn"} {
		if err := a.Promise(ctx, promiseOf(id, id)); err != nil {
			t.Fatal(err)
		}
	}
	w.keep()
	claim := func(id string) fleet.Claim { return fleet.Claim{ID: id, Epoch: 1} }
	err := a.Attempt(ctx, claim("dialed"), attemptOf("dialed", 1))
	if err == nil {
		err = a.Continue(ctx, claim("dialed"), 1, "busy")
	}
	if err == nil {
		err = a.End(ctx, fleet.End{Claim: claim("ended"), Time: noon, Outcome: "expired"})
	}
	if err == nil {
		_, _, err = b.Cancel(ctx, "cancelled", "ann", "")
	}
	if err == nil {
		err = a.Withdraw(ctx, "withdrawn", "it was not told")
	}
	if err != nil {
		t.Fatal(err)
	}
	old := []string{"dialed", "ended", "cancelled", "withdrawn"}
	within(t, "the other node has read the feed", func() bool {
		b.known.mu.Lock()
		defer b.known.mu.Unlock()
		return !slices.ContainsFunc(old, func(id string) bool { return b.known.floors[id].count == 0 })
	})
	w.stops["lyon-1"]()
	w.putBack(old...)
	if got := w.waits(b, "first", "honest"); !slices.Equal(got, []string{"first", "honest"}) {
		t.Errorf("it may take %q", got)
	}
	w.refuses(b, old...)
	for _, id := range old {
		if alarms.count(id+" ") != 1 {
			t.Errorf("%s: told %d times", id, alarms.count(id+" "))
		}
	}
}

// TestPeerGap: a node that was paused for longer than the feed may be unread takes nothing that was written before,
// until its holder has written it anew.
func TestPeerGap(t *testing.T) {
	d := table.Shared(t)
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	joined(a, b)
	for _, id := range []string{"ended", "honest"} {
		a.promised(id, true)
		a.offer(id)
	}
	may := func() (ids []string) {
		t.Helper()
		all, err := b.Waiting(t.Context(), []int{7}, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return ids
	}
	if got := may(); len(got) != 2 {
		t.Fatalf("it may take %q", got)
	}
	d.SQL(t, `CREATE TABLE old AS SELECT * FROM ringback.callbacks`)
	b.now += b.longestGap() - 2*b.interval()
	beats(1, b)
	looks(1, b)
	if got := may(); len(got) != 2 {
		t.Errorf("after a short pause it may take %q", got)
	}
	b.now += b.longestGap() + 1
	beats(1, b)
	if err := a.End(t.Context(), fleet.End{Claim: fleet.Claim{ID: "ended", Epoch: 1}, Outcome: "expired"}); err != nil {
		t.Fatal(err)
	}
	d.SQL(t, `DELETE FROM ringback.callbacks; INSERT INTO ringback.callbacks SELECT * FROM old`)
	if got := may(); len(got) != 0 {
		t.Errorf("after a pause it may take %q", got)
	}
	looks(3, b)
	if got := may(); len(got) != 0 {
		t.Errorf("after a pause and a look it may take %q", got)
	}
	looks(1, a)
	if err := a.renewRows(t.Context()); err != nil {
		t.Fatal(err)
	}
	looks(1, b)
	if got := may(); !slices.Equal(got, []string{"honest"}) {
		t.Errorf("after its holder has written it anew it may take %q", got)
	}
}

// TestPeerAnotherServer: with another server nothing is vouched for that was written before.
func TestPeerAnotherServer(t *testing.T) {
	d := table.Shared(t)
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	joined(a, b)
	a.promised("cb", true)
	a.offer("cb")
	may := func() int {
		t.Helper()
		all, err := b.Waiting(t.Context(), []int{7}, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if may() != 1 {
		t.Fatal("it may not be taken")
	}
	b.Authority.member.server = "another server, that has answered before"
	beats(1, b)
	looks(2, b)
	if may() != 0 {
		t.Error("it may be taken from another server")
	}
	looks(1, a)
	if err := a.renewRows(t.Context()); err != nil {
		t.Fatal(err)
	}
	looks(1, b)
	if may() != 1 {
		t.Error("it may not be taken after its holder has written it anew")
	}
}

// TestPeerManyRenewed: a node has many callbacks waiting when another one starts, which may take all of them soon. The
// holder goes on with each meanwhile.
func TestPeerManyRenewed(t *testing.T) {
	ctx := context.Background()
	const n = 1000
	w := newTown(t)
	a, b := w.member("lyon-1"), w.member("lyon-2")
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("cb%04d", i))
	}
	var all sync.WaitGroup
	for some := range slices.Chunk(ids, n/8) {
		all.Go(func() { w.offered(a, some...) })
	}
	all.Wait()
	b = w.member("lyon-2")
	for i := range 20 { // while they are written anew
		if err := a.Attempt(ctx, fleet.Claim{ID: ids[50*i], Epoch: 1}, attemptOf(ids[50*i], 1)); err != nil {
			t.Error(err)
		}
	}
	within(t, "all others wait for it", func() bool { return len(w.waits(b, ids[n-1])) == n-20 })
}

// TestPeerRollsChanged: somebody changes the watches and rolls of nodes: nothing is taken for it, and the nodes show
// the true ones again.
func TestPeerRollsChanged(t *testing.T) {
	d := table.Shared(t)
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	joined(a, b)
	d.SQL(t, `CREATE TABLE old AS SELECT * FROM ringback.rolls`)
	roll := a.Authority.watch.present()
	b.Authority.watch.anew()
	looks(1, b)
	accepted := func() bool { return slices.Contains(b.rolls(), a.Authority.watch.present()) }
	for _, change := range []string{
		`watches = (SELECT int8send(watch) FROM ringback.nodes WHERE name = 'b')`,
		`node = 'c' WHERE node = 'a'`, `node = 'a' WHERE node = 'c'`,
		`mac = ''`, `roll = roll + 1`, `watches = watches || repeat('x', 100000)::bytea`,
		`(roll, watches, mac) = (SELECT roll, watches, mac FROM old WHERE old.node = rolls.node)`,
	} {
		d.SQL(t, `UPDATE ringback.rolls SET `+change)
		looks(1, b)
		if accepted() || len(b.rolls()) > 0 {
			t.Errorf("%s: the roll of the other node vouches", change)
		}
	}
	d.SQL(t, `UPDATE ringback.nodes SET watch = 5`)
	looks(2, a, b)
	if !accepted() || a.Authority.watch.present() == roll {
		t.Error("the nodes do not know each other again")
	}
}
