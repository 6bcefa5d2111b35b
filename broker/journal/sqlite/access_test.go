package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// TestAccessWindows: a group has one row, the latest; a row that was changed by another program opens nothing; a
// restored journal has no open window.
func TestAccessWindows(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	vendor := journal.AccessWindow{Group: "vendor", Reason: "ticket 7", Length: time.Hour, OpenedBy: "uid 0",
		ApprovedBy: "uid 7", Requested: at(1), Opened: at(2), Until: at(2).Add(time.Hour), Seen: at(3)}
	waiting := journal.AccessWindow{Group: "field", Length: time.Minute, OpenedBy: "uid 0", Requested: at(1)}
	earlier := vendor
	earlier.Closed, earlier.ClosedBy = at(1), "uid 7"
	commit(t, j, journal.PutAccessWindow{Window: earlier})
	commit(t, j, journal.PutAccessWindow{Window: vendor}, journal.PutAccessWindow{Window: waiting})
	if got := rows(j.AccessWindows(ctx)); len(got) != 2 || got[0] != waiting || got[1] != vendor {
		t.Errorf("%+v", got)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	if err := Backup(ctx, path, backup); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "UPDATE access_windows SET until = until + 1 WHERE policy = 'vendor'")
	j = open(t, path)
	if good, bad, err := j.AccessWindows(ctx); err != nil || len(good) != 1 || len(bad) != 1 ||
		bad[0].Key != `"vendor"` {
		t.Errorf("changed: %+v %v %v", good, bad, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(ctx, path, backup, "uid 7", true); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	for _, w := range rows(j.AccessWindows(ctx)) {
		if w.Closed.IsZero() || w.ClosedBy != "uid 7" {
			t.Errorf("restored: %+v", w)
		}
	}
}
