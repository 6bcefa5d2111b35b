package sqlite

import (
	"context"
	"reflect"
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
