package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// history writes n callbacks, each with a failed and a connected attempt and the calls of both legs, that ended at a
// time.
func history(t testing.TB, j *Journal, from, n int, end time.Time) {
	t.Helper()
	var tx []journal.Mutation
	for i := from; i < from+n; i++ {
		id := fmt.Sprint("cb", i)
		c := callback(id, "austin-01")
		c.Created, c.Trace = end.Add(-time.Hour), strings.Repeat("x", 3000)
		over := c
		over.Phase, over.Outcome, over.Ended, over.Attempts = "completed", "completed", end, 2
		one, two := c, c
		one.Attempts, two.Attempts = 1, 2
		a, b := attempt(id, 1), attempt(id, 2)
		a.Started, b.Started = end.Add(-2*time.Minute), end.Add(-time.Minute)
		in, out := call(id+"-1"), call(id+"-2")
		in.Start, in.End, in.OctetsIn, in.OctetsOut = end.Add(-time.Hour), end.Add(-time.Hour+30*time.Second), 1, 2
		out.Direction, out.Called, out.Start, out.End, out.OctetsIn, out.OctetsOut = "outgoing", "84001",
			end.Add(-time.Minute), end, 10, 20
		tx = append(tx, journal.PutCallback{Callback: one}, journal.PutAttempt{Attempt: a},
			journal.PutCallback{Callback: two}, journal.PutAttempt{Attempt: b},
			journal.PutCallback{Callback: over}, journal.PutCall{Call: in}, journal.PutCall{Call: out},
			journal.AddAudit{Audit: record(id)})
	}
	commit(t, j, tx...)
}

// TestPrune: what ended before a time is removed and summed; what is younger, pending, open, spooled or audited stays,
// and so does what does not verify.
func TestPrune(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	october, november := time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	waits := callback("waits", "austin-01")
	waits.Created = october
	opened := call("open")
	opened.Start = october
	commit(t, j, journal.PutCallback{Callback: waits}, journal.PutCall{Call: opened},
		journal.Spool{Record: spooled("old")})
	// Allows further callbacks for the user of the pending one.
	edit(t, path, "DROP INDEX callbacks_pending")
	history(t, j, 0, 250, october)
	history(t, j, 250, 3, november)
	edit(t, path, "UPDATE callbacks SET number = '900' WHERE id = 'cb7'",
		"UPDATE attempts SET number = '900' WHERE callback_id = 'cb8' AND n = 1")

	got, err := j.Prune(ctx, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || got.Callbacks != 248 || got.Calls != 500 {
		t.Fatalf("%+v %v", got, err)
	}
	left, bad, err := j.Callbacks(ctx, journal.All, journal.Filter{})
	// cb8, three of November, and the pending one
	if err != nil || len(left) != 5 || len(bad) != 1 || left[len(left)-1].ID != "waits" {
		t.Errorf("left are %d, damaged %v, %v", len(left), bad, err)
	}
	if calls := rows(j.Calls(ctx, journal.All, journal.CallFilter{})); len(calls) != 7 {
		t.Errorf("%d calls are left", len(calls))
	}
	if n := len(rows(j.AuditTail(ctx, journal.All))); n != 253 {
		t.Errorf("%d audit records are left", n)
	}
	if n := len(rows(j.SpoolNext(ctx, 9))); n != 1 {
		t.Errorf("%d spooled records are left", n)
	}
	sum := journal.Sum{Month: "2026-10", Direction: "outgoing", User: "austin-01", Entry: "radius", Number: "84001",
		Callbacks: 248, Completed: 248,
		Attempts: 496, Calls: 250, Duration: 250 * time.Minute, OctetsIn: 2500, OctetsOut: 5000}
	in := journal.Sum{Month: "2026-10", Direction: "incoming", User: "austin-01", Entry: "radius", Calls: 250,
		Duration: 250 * 30 * time.Second, OctetsIn: 250, OctetsOut: 500}
	equal(t, rows(j.Sums(ctx)), []journal.Sum{in, sum})
	bad, err = j.Verify(ctx)
	if err != nil || len(bad) != 2 {
		t.Errorf("%v %v", bad, err)
	}
	// A later time adds to the sums; repeating it adds nothing.
	if got, err := j.Prune(ctx, november.Add(time.Hour)); err != nil || got.Callbacks != 3 || got.Calls != 6 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := j.Prune(ctx, november.Add(time.Hour)); err != nil || got != (journal.Pruned{}) {
		t.Errorf("%+v %v", got, err)
	}
	if sums := rows(j.Sums(ctx)); len(sums) != 4 {
		t.Errorf("%+v", sums)
	}
}

// TestPruneWithoutLogin: a leg two on which nobody logged in is summed with the calls of the callback's user. Without
// the callback's row nobody is known.
func TestPruneWithoutLogin(t *testing.T) {
	j := open(t, newPath(t))
	var tx []journal.Mutation
	for _, id := range []string{"cb1", "gone"} {
		c := call(id + "-2")
		c.Direction, c.Called, c.User, c.Entry, c.Leg, c.CallbackID = "outgoing", "84001", "", "", 2, id
		c.Start, c.End = at(1), at(2)
		tx = append(tx, journal.PutCall{Call: c})
	}
	one := callback("cb1", "austin-01")
	one.Created = at(1)
	over := one
	over.Phase, over.Outcome, over.Ended = "failed", "failed", at(2)
	commit(t, j, append(tx, journal.PutCallback{Callback: one}, journal.PutCallback{Callback: over})...)
	if p, err := j.Prune(t.Context(), at(9)); err != nil || p.Callbacks != 1 || p.Calls != 2 {
		t.Fatalf("%+v %v", p, err)
	}
	var got []string
	for _, s := range rows(j.Sums(t.Context())) {
		got = append(got, fmt.Sprintf("%s %s %d %d", s.User, s.Entry, s.Callbacks, s.Calls))
	}
	equal(t, got, []string{"  0 1", "austin-01 radius 1 1"})
}

// TestPruneKeepsWhatItCannotSum: a forged sum is not added to, and nothing is removed that would have to be added.
func TestPruneKeepsWhatItCannotSum(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	history(t, j, 0, 2, at(9))
	if _, err := j.Prune(ctx, at(10)); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "UPDATE sums SET duration = 0 WHERE direction = 'outgoing'")
	history(t, j, 2, 2, at(9))
	if got, err := j.Prune(ctx, at(10)); !errors.Is(err, journal.ErrDamaged) || got.Callbacks != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if left := rows(j.Callbacks(ctx, journal.All, journal.Filter{})); len(left) != 2 {
		t.Errorf("%d are left", len(left))
	}
}

// TestPrunedPagesAreGivenBack: afterwards the file is about as small as its content, with a small rest for new rows.
func TestPrunedPagesAreGivenBack(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	for i := range 10 {
		history(t, j, 100*i, 100, at(9))
	}
	size := func() int64 {
		edit(t, path, "PRAGMA wal_checkpoint(TRUNCATE)")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	got, err := j.Prune(context.Background(), at(10))
	if err != nil || got.Callbacks != 1000 {
		t.Fatalf("%+v %v", got, err)
	}
	after := size()
	if before < 4<<20 || after > before/3 || got.Pages == 0 {
		t.Errorf("%d octets before, %d after, %+v", before, after, got)
	}
	if bad, err := j.Verify(context.Background()); err != nil || len(bad) > 0 {
		t.Errorf("%v %v", bad, err)
	}
}

// TestPruneReadsLittle: only the beginning of a long young history is read.
func TestPruneReadsLittle(t *testing.T) {
	j := open(t, newPath(t))
	for i := range 10 {
		history(t, j, 100*i, 100, at(9).Add(2*time.Hour))
	}
	before := j.Commits()
	if got, err := j.Prune(context.Background(), at(9)); err != nil || got != (journal.Pruned{}) {
		t.Errorf("%+v %v", got, err)
	}
	if n := j.Commits() - before; n > 3 {
		t.Errorf("%d transactions for nothing", n)
	}
}
