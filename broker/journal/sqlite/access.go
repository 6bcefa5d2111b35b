package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

var (
	accessWindowsTable = &table{"access_windows", 1, strings.Fields(`policy reason length opened_by approved_by requested
		opened until seen closed closed_by`), 0}

	putAccessWindowSQL = replace(accessWindowsTable)
)

func accessWindowValues(w journal.AccessWindow) []any {
	return []any{w.Group, w.Reason, int64(w.Length), w.OpenedBy, w.ApprovedBy, nanos(w.Requested), nanos(w.Opened),
		nanos(w.Until), nanos(w.Seen), nanos(w.Closed), w.ClosedBy}
}

func decodeAccessWindow(values []any) (journal.AccessWindow, error) {
	v := &cols{values: values}
	w := journal.AccessWindow{Group: v.str(), Reason: v.str(), Length: time.Duration(v.i64()), OpenedBy: v.str(),
		ApprovedBy: v.str(), Requested: v.time(), Opened: v.time(), Until: v.time(), Seen: v.time(), Closed: v.time(),
		ClosedBy: v.str()}
	return w, v.end()
}

func (w *writer) putAccessWindow(m journal.PutAccessWindow) error {
	_, err := w.put(accessWindowsTable, putAccessWindowSQL, accessWindowValues(m.Window))
	return about("access window of group", m.Window.Group, err)
}

// AccessWindows returns the latest access window of each group, and the rows that do not verify.
func (r *Reader) AccessWindows(ctx context.Context) ([]journal.AccessWindow, []journal.Damage, error) {
	return list(ctx, r, accessWindowsTable, decodeAccessWindow, "ORDER BY policy")
}
