package sqlite

import (
	"context"
	"fmt"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// TestCalls: the newest calls first, by line, user, beginning and end; calls beyond the newest CallsSearched are not
// looked at.
func TestCalls(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	for i := range 6 {
		c := call(fmt.Sprint("c", i))
		c.Start, c.TTY, c.User = at(i), 65+i%2, fmt.Sprint("u", i%3)
		commit(t, j, journal.PutCall{Call: c})
		if i < 4 {
			c.End = at(9)
			commit(t, j, journal.PutCall{Call: c})
		}
	}
	check := func(limit int, f journal.CallFilter, want string) {
		t.Helper()
		got := ""
		for _, c := range rows(j.Calls(ctx, limit, f)) {
			got += c.ID
		}
		if got != want {
			t.Errorf("%d, %+v: %s, want %s", limit, f, got, want)
		}
	}
	check(0, journal.CallFilter{}, "c5c4c3c2c1c0")
	check(2, journal.CallFilter{}, "c5c4")
	check(0, journal.CallFilter{Ended: true}, "c3c2c1c0")
	check(0, journal.CallFilter{TTY: 66}, "c5c3c1")
	check(0, journal.CallFilter{User: "u1"}, "c4c1")
	check(0, journal.CallFilter{User: "u1' OR true --"}, "")
	check(0, journal.CallFilter{Since: at(3)}, "c5c4c3")
	check(1, journal.CallFilter{TTY: 65, User: "u2", Since: at(1), Ended: true}, "c2")
	edit(t, path, "UPDATE calls SET caller = 'x' WHERE id = 'c3'")
	good, bad, err := j.Calls(ctx, 2, journal.CallFilter{Ended: true})
	if err != nil || len(good) != 1 || good[0].ID != "c2" || len(bad) != 1 || bad[0].Key != `"c3"` {
		t.Errorf("%+v %v %v", good, bad, err)
	}
	edit(t, path, fmt.Sprintf("UPDATE calls SET rowid = rowid + %d WHERE id = 'c5'", journal.CallsSearched-4))
	check(0, journal.CallFilter{User: "u1"}, "c4")
}
