package sqlite

import (
	"context"
	"strconv"
	"strings"

	"github.com/ringback/ringback/broker/journal"
)

var (
	lineRecordsTable = &table{"line_records", 1, strings.Fields(`tty since counts failure_kind failure failed`), 0}

	putLineRecordSQL = upsert(lineRecordsTable, "true")
)

func lineRecordValues(r journal.LineRecord) []any {
	return []any{int64(r.TTY), nanos(r.Since), r.Counts, r.FailureKind, r.Failure, nanos(r.Failed)}
}

func decodeLineRecord(values []any) (journal.LineRecord, error) {
	v := &cols{values: values}
	r := journal.LineRecord{TTY: v.int(), Since: v.time(), Counts: v.str(), FailureKind: v.str(), Failure: v.str(),
		Failed: v.time()}
	return r, v.end()
}

func (w *writer) putLineRecord(m journal.PutLineRecord) error {
	_, err := w.put(lineRecordsTable, putLineRecordSQL, lineRecordValues(m.Record))
	return about("record of line", strconv.Itoa(m.Record.TTY), err)
}

func (w *writer) dropLineRecord(m journal.DropLineRecord) error {
	_, err := w.c.exec("DELETE FROM line_records WHERE tty = ?", int64(m.TTY))
	return about("record of line", strconv.Itoa(m.TTY), err)
}

// LineRecords returns the records of the lines, by TTY, and the rows that do not verify.
func (r *Reader) LineRecords(ctx context.Context) ([]journal.LineRecord, []journal.Damage, error) {
	return list(ctx, r, lineRecordsTable, decodeLineRecord, "ORDER BY tty")
}
