package sqlite

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// The last numbers of a user are replaced, survive a restart, and are not returned once somebody has changed them.
func TestDialed(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	kim := journal.Dialed{Entry: "radius", User: "kim", Number: "84002", Connected: "84001"}
	lee := journal.Dialed{Entry: "radius", User: "lee", Number: "84001"}
	commit(t, j, journal.PutDialed{Dialed: journal.Dialed{Entry: "radius", User: "kim", Number: "84001"}},
		journal.PutDialed{Dialed: kim}, journal.PutDialed{Dialed: lee})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "UPDATE dialed_numbers SET dialed = '84009' WHERE user = 'lee'")
	j = open(t, path)
	all, bad, err := j.Dialed(context.Background())
	if err != nil || !reflect.DeepEqual(all, []journal.Dialed{kim}) || len(bad) != 1 ||
		bad[0].Table != "dialed_numbers" {
		t.Errorf("%+v %v %v", all, bad, err)
	}
	commit(t, j, journal.PutDialed{Dialed: lee}) // a damaged row is replaced
	if all, bad, err = j.Dialed(context.Background()); err != nil || len(all) != 2 || len(bad) != 0 {
		t.Errorf("%+v %v %v", all, bad, err)
	}
}

// The last numbers of a user are kept as long as one of the user's callbacks; rows that do not verify stay.
func TestPruneDialed(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	var rows []journal.Mutation
	ended := func(id, user string, hour int) {
		c := callback(id, user)
		c.Created = at(hour)
		over := c
		over.Phase, over.Outcome, over.Ended = "failed", "failed", at(hour+1)
		rows = append(rows, journal.PutCallback{Callback: c}, journal.PutCallback{Callback: over})
	}
	ended("old", "kim", 1)
	ended("new", "lee", 50)
	pending := callback("pending", "max")
	pending.Created = at(1)
	rows = append(rows, journal.PutCallback{Callback: pending})
	var want []string
	for _, user := range []string{"kim", "lee", "max", "gone", "bad"} {
		rows = append(rows, journal.PutDialed{Dialed: journal.Dialed{Entry: "radius", User: user, Number: "84001"}})
	}
	rows = append(rows, journal.PutDialed{Dialed: journal.Dialed{Entry: "tacacs", User: "lee", Number: "84001"}})
	for i := range 450 { // more than one transaction
		rows = append(rows, journal.PutDialed{Dialed: journal.Dialed{Entry: "radius", User: fmt.Sprint("u", i)}})
	}
	commit(t, j, rows...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "UPDATE dialed_numbers SET dialed = '84009' WHERE user = 'bad'")
	j = open(t, path)
	// kim, gone, lee of tacacs
	if p, err := j.Prune(t.Context(), at(40)); err != nil || p.Callbacks != 1 || p.Dialed != 453 {
		t.Errorf("%+v %v", p, err)
	}
	all, bad, err := j.Dialed(t.Context())
	for _, d := range all {
		want = append(want, d.Entry+" "+d.User)
	}
	if !slices.Equal(want, []string{"radius lee", "radius max"}) || len(bad) != 1 || err != nil {
		t.Errorf("%q %v %v", want, bad, err)
	}
	if p, err := j.Prune(t.Context(), at(40)); err != nil || p != (journal.Pruned{}) {
		t.Errorf("again: %+v %v", p, err)
	}
}

// A callback that is recorded while its user's numbers are about to be removed keeps them.
func TestPruneDialedMeanwhile(t *testing.T) {
	j := open(t, newPath(t))
	kim := journal.Dialed{Entry: "radius", User: "kim", Number: "84002"}
	commit(t, j, journal.PutCallback{Callback: callback("other", "lee")}, journal.PutDialed{Dialed: kim})
	f := &forgetting{rows: []journal.Dialed{kim}, newest: 1}
	commit(t, j, journal.PutCallback{Callback: callback("cb", "kim")}, f)
	if all, _, err := j.Dialed(t.Context()); err != nil || len(all) != 1 || f.removed != 0 {
		t.Errorf("%+v %v", all, err)
	}
}
