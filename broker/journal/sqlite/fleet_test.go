package sqlite

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// shared returns a callback of another node, with the claim of this one.
func shared(id, user string, epoch int64) journal.Callback {
	c := callback(id, user)
	c.Epoch, c.Home, c.Shared = epoch, "lyon-2", true
	return c
}

// TestGivenUp: a callback that was given up to another node frees its user, and comes back only with a later claim and
// no fewer attempts. No other end is ever revised.
func TestGivenUp(t *testing.T) {
	ctx := context.Background()
	given := ended(dialing(shared("a", "u", 3), 1), journal.GivenUp)
	with := func(change func(*journal.Callback)) journal.Callback {
		c := dialing(shared("a", "u", 4), 1)
		change(&c)
		return c
	}
	for name, tt := range map[string]struct {
		was  journal.Callback
		next journal.Callback
		want error
	}{
		"it comes back":          {given, with(func(c *journal.Callback) { c.Attempts = 2 }), nil},
		"it comes back and ends": {given, ended(with(func(*journal.Callback) {}), "failed"), nil},
		"it is given up again":   {given, ended(with(func(*journal.Callback) {}), journal.GivenUp), nil},
		"the same claim":         {given, with(func(c *journal.Callback) { c.Epoch = 3 }), journal.ErrEnded},
		"an older claim":         {given, with(func(c *journal.Callback) { c.Epoch = 2 }), journal.ErrEnded},
		"a forgotten attempt":    {given, with(func(c *journal.Callback) { c.Attempts = 0 }), journal.ErrBudget},
		"after another end": {ended(dialing(shared("a", "u", 3), 1), "failed"), with(func(*journal.Callback) {}),
			journal.ErrEnded},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, newPath(t))
			commit(t, j, journal.PutCallback{Callback: dialing(shared("a", "u", 3), 1)})
			commit(t, j, journal.PutCallback{Callback: tt.was})
			if err := j.Commit(ctx, journal.PutCallback{Callback: tt.next}); !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			want := tt.next
			if tt.want != nil {
				want = tt.was
			}
			c, _, err := j.Callback(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, c, want)
			if p := rows(j.Pending(ctx)); len(p) != 0 && !want.Pending() {
				t.Errorf("pending are %v", p)
			}
		})
	}
	j := open(t, newPath(t))
	commit(t, j, journal.PutCallback{Callback: dialing(shared("a", "u", 3), 1)})
	if err := j.Commit(ctx, journal.PutCallback{Callback: callback("b", "u")}); !errors.Is(err, journal.ErrPending) {
		t.Error(err)
	}
	commit(t, j, journal.PutCallback{Callback: given}, journal.PutCallback{Callback: callback("b", "u")})
	if err := j.Commit(ctx, journal.PutCallback{Callback: dialing(shared("a", "u", 4), 1)}); !errors.Is(err,
		journal.ErrPending) {
		t.Errorf("it came back beside another one of its user: %v", err)
	}
}

// TestAttemptsOfOtherNodes: the attempts of a callback begin on this node after those of others, here the first and the
// third.
func TestAttemptsOfOtherNodes(t *testing.T) {
	ctx := context.Background()
	j := open(t, newPath(t))
	c := shared("a", "u", 2)
	c.Max = 4
	put := func(n int) []journal.Mutation {
		return []journal.Mutation{journal.PutCallback{Callback: dialing(c, n)},
			journal.PutAttempt{Attempt: attempt("a", n)}}
	}
	commit(t, j, journal.PutCallback{Callback: dialing(c, 1)})
	if err := j.Commit(ctx, journal.PutAttempt{Attempt: attempt("a", 2)}); !errors.Is(err, journal.ErrBudget) {
		t.Errorf("an attempt that its callback does not count: %v", err)
	}
	commit(t, j, put(2)...)
	if err := j.Commit(ctx, put(2)...); !errors.Is(err, journal.ErrBudget) {
		t.Errorf("the second attempt, twice: %v", err)
	}
	commit(t, j, heldBack(2), journal.ReopenAttempt{Attempt: attempt("a", 2)})
	commit(t, j, journal.PutCallback{Callback: ended(dialing(c, 2), journal.GivenUp)})
	c.Epoch = 4
	commit(t, j, journal.PutCallback{Callback: dialing(c, 3)})
	if err := j.Commit(ctx, put(3)...); err != nil { // an attempt of another node is not in this journal
		t.Error(err)
	}
	commit(t, j, put(4)...)
	_, as, err := j.Callback(ctx, "a")
	if err != nil || len(as) != 3 || as[0].N != 2 || as[1].N != 3 || as[2].N != 4 {
		t.Errorf("%v %v", as, err)
	}
}

// TestOwed: what is owed stays until it is dropped, in the order in which it came to be; a changed row is reported, not
// returned, and is set aside.
func TestOwed(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	end := journal.Owed{ID: "b", Kind: "end", Epoch: 2, Body: `{"outcome":"failed"}`, Created: at(5)}
	settle := journal.Owed{ID: "b", Kind: "settle", Epoch: 2, Created: at(4)} // the clock was set back
	other := journal.Owed{ID: "a", Kind: "withdraw", Epoch: 1, Body: "{}", Created: at(6)}
	commit(t, j, journal.PutOwed{Owed: end}, journal.PutOwed{Owed: settle})
	commit(t, j, journal.PutOwed{Owed: other}, journal.DropOwed{ID: "a", Kind: "end"})
	all := []journal.Owed{end, settle, other}
	equal(t, rows(j.Owed(ctx)), all)
	end.Body = `{"outcome":"expired"}`
	commit(t, j, journal.PutOwed{Owed: end}) // keeps its place
	all[0] = end
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	equal(t, rows(j.Owed(ctx)), all)
	for _, change := range []string{"id = 'c'", "kind = 'attempt'", "epoch = 3", "body = ''", "created = created + 1",
		"sum = zeroblob(32)"} {
		edit(t, path, "UPDATE owed SET "+change+" WHERE kind = 'withdraw'")
		good, bad, err := j.Owed(ctx)
		if err != nil || !slices.Equal(good, all[:2]) || len(bad) != 1 || bad[0].Table != "owed" {
			t.Errorf("%s: %+v %v %v", change, good, bad, err)
		}
		commit(t, j, journal.SetAside{Time: at(7)})
		if bad, err := j.Verify(ctx); err != nil || len(bad) > 0 {
			t.Errorf("%s: verify: %v %v", change, bad, err)
		}
		commit(t, j, journal.PutOwed{Owed: other})
	}
	if kept := texts(t, path, "SELECT tbl FROM set_aside"); len(kept) != 6 || kept[0] != "owed" {
		t.Errorf("set aside are %v", kept)
	}
	commit(t, j, journal.DropOwed{ID: "b", Kind: "end"})
	equal(t, rows(j.Owed(ctx)), []journal.Owed{settle, other})
}

// TestSumsOfAFleet: what retention keeps of a callback that several nodes had counts once in the sum of their journals.
func TestSumsOfAFleet(t *testing.T) {
	ctx := context.Background()
	var callbacks, completed, attempts int64
	for _, mine := range [][]journal.Mutation{
		{ // promised here, one attempt, and given up
			journal.PutCallback{Callback: dialing(callback("a", "u"), 1)}, journal.PutAttempt{Attempt: attempt("a", 1)},
			journal.PutCallback{Callback: ended(dialing(callback("a", "u"), 1), journal.GivenUp)},
		},
		{ // had only in between
			journal.PutCallback{Callback: dialing(shared("a", "u", 2), 1)},
			journal.PutCallback{Callback: ended(dialing(shared("a", "u", 2), 1), journal.GivenUp)},
		},
		{ // completed
			journal.PutCallback{Callback: dialing(shared("a", "u", 3), 2)},
			journal.PutAttempt{Attempt: attempt("a", 2)},
			journal.PutCallback{Callback: ended(dialing(shared("a", "u", 3), 2), "completed")},
		},
	} {
		j := open(t, newPath(t))
		commit(t, j, mine...)
		if p, err := j.Prune(ctx, at(9).Add(time.Hour)); err != nil || p.Callbacks != 1 {
			t.Errorf("%+v %v", p, err)
		}
		for _, s := range rows(j.Sums(ctx)) {
			callbacks, completed, attempts = callbacks+s.Callbacks, completed+s.Completed, attempts+s.Attempts
		}
	}
	if callbacks != 1 || completed != 1 || attempts != 2 {
		t.Errorf("%d callbacks, %d completed, %d attempts", callbacks, completed, attempts)
	}
}
