package sqlite

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// TestLockdown: the row is replaced, survives, and is never read with another content; a new
// row replaces a damaged one.
func TestLockdown(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	if l, err := j.Lockdown(ctx); l != (journal.Lockdown{}) || err != nil {
		t.Errorf("of a new journal: %+v %v", l, err)
	}
	first := journal.Lockdown{Active: true, Sessions: true, Reason: "toll fraud", Who: "uid 0", Since: at(1)}
	commit(t, j, journal.PutLockdown{Lockdown: first})
	lifted := journal.Lockdown{Reason: "over", Who: "uid 7", Since: at(2)}
	for _, want := range []journal.Lockdown{first, lifted, first} {
		commit(t, j, journal.PutLockdown{Lockdown: want})
		if l, err := j.Lockdown(ctx); l != want || err != nil {
			t.Errorf("%+v %v, want %+v", l, err, want)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	if l, err := j.Lockdown(ctx); l != first || err != nil {
		t.Errorf("after a restart: %+v %v", l, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	for _, change := range []string{"active = 0", "sessions = 0", "reason = ''", "id = 7", "sum = zeroblob(32)"} {
		edit(t, path, "UPDATE lockdown SET "+change)
		j = open(t, path)
		if l, err := j.Lockdown(ctx); !errors.Is(err, journal.ErrDamaged) || l.Active {
			t.Errorf("%s: %+v %v", change, l, err)
		}
		if bad, err := j.Verify(ctx); err != nil || len(bad) != 1 ||
			!strings.HasPrefix(bad[0].String(), "lockdown row") {
			t.Errorf("%s: Verify: %v %v", change, bad, err)
		}
		commit(t, j, journal.PutLockdown{Lockdown: first})
		if l, err := j.Lockdown(ctx); l != first || err != nil {
			t.Errorf("%s: replaced by %+v %v", change, l, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLockdownOnABadPage: whether dialing was stopped or not, a page that cannot be read counts as a lockdown in the
// rebuilt journal, until it is lifted.
func TestLockdownOnABadPage(t *testing.T) {
	ctx := context.Background()
	for _, active := range []bool{true, false} {
		path := newPath(t)
		j := open(t, path)
		commit(t, j, journal.PutCallback{Callback: callback("cb", "austin-01")},
			journal.PutLockdown{Lockdown: journal.Lockdown{Active: active, Reason: "toll fraud", Since: at(1)}})
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		spoil(t, path, "toll fraud")
		j = open(t, path)
		if w := strings.Join(j.Warnings(), "\n"); !strings.Contains(w, "was rebuilt") ||
			!strings.Contains(w, "lost: the row of the lockdown: all dialing is stopped until") {
			t.Errorf("active %v: warnings: %s", active, w)
		}
		if l, err := j.Lockdown(ctx); !errors.Is(err, journal.ErrDamaged) {
			t.Errorf("active %v: %+v %v", active, l, err)
		}
		commit(t, j, journal.PutLockdown{})
		if l, err := j.Lockdown(ctx); l.Active || err != nil {
			t.Errorf("active %v: lifted: %+v %v", active, l, err)
		}
		if p, bad, err := j.Pending(ctx); len(p) != 1 || len(bad) > 0 || err != nil {
			t.Errorf("active %v: pending: %v %v %v", active, p, bad, err)
		}
	}
}
