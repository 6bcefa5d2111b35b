package sqlite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// TestUsage: each call and each dial counts once, in the hour in which it ended; a cost that is not known is no cost of
// zero.
func TestUsage(t *testing.T) {
	ctx := context.Background()
	j := open(t, newPath(t))
	zone := time.FixedZone("half", 90*60) // its hours begin at the half hours of UTC
	hour := time.Date(2026, 3, 4, 5, 0, 0, 0, zone)
	ended := func(id, direction, connect string, lasted time.Duration) journal.Call {
		c := call(id)
		c.Direction, c.Connect, c.Start, c.End = direction, connect, hour.Add(time.Minute-lasted), hour.Add(time.Minute)
		return c
	}
	open := call("open")
	commit(t, j, journal.PutCall{Call: open})
	if _, first, _, err := j.Usage(ctx, hour.Add(-time.Hour), hour.Add(time.Hour)); err != nil || !first.IsZero() {
		t.Fatalf("an open call counts: %v %v", first, err)
	}
	in := ended("in", "incoming", "CONNECT 9600", 2*time.Hour)
	commit(t, j, journal.PutCall{Call: in})
	if err := j.Commit(ctx, journal.PutCall{Call: in}); err == nil {
		t.Error("a call is closed twice")
	}
	commit(t, j, journal.PutCall{Call: ended("out", "outgoing", "CONNECT 9600", time.Minute), Cost: new(int64(70))},
		journal.PutCall{Call: ended("unpriced", "outgoing", "CONNECT 9600", time.Minute)},
		journal.PutCall{Call: ended("nobody", "outgoing", "", time.Minute)})
	commit(t, j, journal.PutCallback{Callback: dialing(callback("cb", "u"), 1)},
		journal.PutAttempt{Attempt: attempt("cb", 1)})
	end := func(outcome string) journal.EndAttempt {
		return journal.EndAttempt{CallbackID: "cb", N: 1, Ended: hour.Add(59 * time.Minute), Outcome: outcome}
	}
	commit(t, j, end(journal.HeldBack)) // it was not dialed
	commit(t, j, journal.ReopenAttempt{Attempt: attempt("cb", 1)}, end("busy"))
	commit(t, j, journal.EndCall{ID: "open", End: hour.Add(time.Hour), Cause: "interrupted by a crash"})
	want := []journal.Usage{
		{Begin: hour, Incoming: 1, IncomingTime: 2 * time.Hour, Outgoing: 2, OutgoingTime: 2 * time.Minute, Dials: 1,
			Failures: 1, Money: 70, Unpriced: 1},
		{Begin: hour.Add(time.Hour), Incoming: 1},
	}
	got, first, bad, err := j.Usage(ctx, hour, hour.Add(2*time.Hour))
	if err != nil || len(bad) > 0 || !first.Equal(hour) || len(got) != len(want) {
		t.Fatalf("%+v, first %v, %v, %v", got, first, bad, err)
	}
	for i, u := range got {
		if !u.Begin.Equal(want[i].Begin) {
			t.Errorf("hour %d begins at %v", i, u.Begin)
		}
		u.Begin = want[i].Begin
		if u != want[i] {
			t.Errorf("hour %d: %+v, want %+v", i, u, want[i])
		}
	}
	if got, _, _, _ := j.Usage(ctx, hour.Add(time.Minute), hour.Add(time.Hour)); len(got) != 0 {
		t.Errorf("hours outside of the time asked for: %+v", got)
	}
}

// TestUsageOfAnAttemptThatConnects: it is no failure.
func TestUsageOfAnAttemptThatConnects(t *testing.T) {
	j := open(t, newPath(t))
	commit(t, j, journal.PutCallback{Callback: dialing(callback("cb", "u"), 1)},
		journal.PutAttempt{Attempt: attempt("cb", 1)})
	commit(t, j, journal.EndAttempt{CallbackID: "cb", N: 1, Ended: at(2), Outcome: journal.ConnectedOutcome})
	got, _, _, err := j.Usage(context.Background(), at(-60*60), at(60*60))
	if err != nil || len(got) != 1 || got[0].Dials != 1 || got[0].Failures != 0 {
		t.Errorf("%+v %v", got, err)
	}
}

// TestDamagedUsage: a row that was changed by another program is reported, and the end of a call does not depend on it.
func TestDamagedUsage(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	c := call("a")
	c.End = c.Start.Add(time.Minute)
	commit(t, j, journal.PutCall{Call: c})
	edit(t, path, "UPDATE usage SET incoming = 7")
	c.ID = "b"
	commit(t, j, journal.PutCall{Call: c})
	got, _, bad, err := j.Usage(ctx, c.Start.Add(-time.Hour), c.Start.Add(time.Hour))
	if err != nil || len(got) != 0 || len(bad) != 1 || bad[0].Table != "usage" {
		t.Errorf("%+v %v %v", got, bad, err)
	}
	if bad, err := j.Verify(ctx); err != nil || len(bad) != 1 {
		t.Errorf("verify: %v %v", bad, err)
	}
}

// TestOldUsage: rows that are older than UsageKept are removed when an hour begins.
func TestOldUsage(t *testing.T) {
	j := open(t, newPath(t))
	now := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	for i, back := range []time.Duration{journal.UsageKept + time.Hour, journal.UsageKept, 0} {
		c := call(string(rune('a' + i)))
		c.Start, c.End = now.Add(-back), now.Add(-back)
		commit(t, j, journal.PutCall{Call: c})
	}
	got, first, _, err := j.Usage(context.Background(), time.Unix(0, 0), now.Add(1))
	if err != nil || len(got) != 2 || !first.Equal(now.Add(-journal.UsageKept)) {
		t.Errorf("%+v, first %v, %v", got, first, err)
	}
}

// BenchmarkUsage reads a month of hours: its time does not depend on the number of calls, which are not read.
func BenchmarkUsage(b *testing.B) {
	ctx := context.Background()
	j, err := Open(ctx, Options{Path: newPath(b), Reserve: testReserve})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const hours = 31 * 24
	var all []journal.Mutation
	for i := range hours {
		c := call(fmt.Sprint("c", i))
		c.Start, c.End = from.Add(time.Duration(i)*time.Hour), from.Add(time.Duration(i)*time.Hour+time.Minute)
		all = append(all, journal.PutCall{Call: c})
	}
	if err := j.Commit(ctx, all...); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got, _, _, err := j.Usage(ctx, from, from.AddDate(0, 1, 0)); err != nil || len(got) != hours {
			b.Fatalf("%d hours, %v", len(got), err)
		}
	}
}
