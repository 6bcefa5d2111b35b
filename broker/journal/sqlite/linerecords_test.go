package sqlite

import (
	"context"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// TestLineRecords: a line has one row, the latest; a row that was changed by another program is reported, not returned,
// and is set aside; the others stay.
func TestLineRecords(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	first := journal.LineRecord{TTY: 65, Since: at(1), Counts: `{"dials":1}`}
	second := journal.LineRecord{TTY: 65, Since: at(1), Counts: `{"dials":2}`, FailureKind: "no OK",
		Failure: "no OK to ATZ", Failed: at(2)}
	other := journal.LineRecord{TTY: 7, Since: at(3), Counts: `{}`}
	commit(t, j, journal.PutLineRecord{Record: first}, journal.PutLineRecord{Record: other})
	commit(t, j, journal.PutLineRecord{Record: second}, journal.DropLineRecord{TTY: 99})
	if got := rows(j.LineRecords(ctx)); len(got) != 2 || got[0] != other || got[1] != second {
		t.Errorf("%+v", got)
	}
	for _, change := range []string{"tty = 66", "since = since + 1", `counts = '{"dials":9}'`, "failure_kind = ''",
		"failure = ''", "failed = 0", "sum = zeroblob(32)"} {
		edit(t, path, "UPDATE line_records SET "+change+" WHERE tty = 65")
		good, bad, err := j.LineRecords(ctx)
		if err != nil || len(good) != 1 || len(bad) != 1 || bad[0].Table != "line_records" {
			t.Errorf("%s: %+v %v %v", change, good, bad, err)
		}
		commit(t, j, journal.SetAside{Time: at(4)})
		if got := rows(j.LineRecords(ctx)); len(got) != 1 || got[0] != other {
			t.Errorf("%s: after SetAside: %+v", change, got)
		}
		if bad, err := j.Verify(ctx); err != nil || len(bad) > 0 {
			t.Errorf("%s: verify: %v %v", change, bad, err)
		}
		commit(t, j, journal.PutLineRecord{Record: second})
	}
	if kept := texts(t, path, "SELECT tbl FROM set_aside"); len(kept) != 7 || kept[0] != "line_records" {
		t.Errorf("set aside are %v", kept)
	}
	commit(t, j, journal.DropLineRecord{TTY: 65})
	if got := rows(j.LineRecords(ctx)); len(got) != 1 || got[0] != other {
		t.Errorf("dropped: %+v", got)
	}
}
