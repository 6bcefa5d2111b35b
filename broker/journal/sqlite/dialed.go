package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/ringback/ringback/broker/journal"
)

var (
	dialedTable = &table{"dialed_numbers", 2, strings.Fields(`entry user dialed connected`), 0}

	putDialedSQL = replace(dialedTable)
)

func dialedValues(d journal.Dialed) []any { return []any{d.Entry, d.User, d.Number, d.Connected} }

func decodeDialed(values []any) (journal.Dialed, error) {
	v := &cols{values: values}
	d := journal.Dialed{Entry: v.str(), User: v.str(), Number: v.str(), Connected: v.str()}
	return d, v.end()
}

func (w *writer) putDialed(m journal.PutDialed) error {
	_, err := w.put(dialedTable, putDialedSQL, dialedValues(m.Dialed))
	return about("last number of user", m.Dialed.User, err)
}

// Dialed returns the last numbers of all users that have such a row, and the rows that do not verify.
func (r *Reader) Dialed(ctx context.Context) ([]journal.Dialed, []journal.Damage, error) {
	return list(ctx, r, dialedTable, decodeDialed, "ORDER BY entry, user")
}

// pruneDialed removes the last numbers of users who have no callback, and returns how many. Rows that do not verify
// stay.
func (j *Journal) pruneDialed(ctx context.Context) (n int, err error) {
	newest, err := j.number(ctx, "SELECT max(rowid) FROM callbacks")
	if err != nil {
		return 0, explain(j.path, err)
	}
	rows, _, err := list(ctx, j.Reader, dialedTable, decodeDialed,
		"WHERE (entry, user) NOT IN (SELECT entry, user FROM callbacks)")
	for batch := range slices.Chunk(rows, pruneBatch) {
		d := &forgetting{rows: batch, newest: newest}
		if err = j.Commit(ctx, d); err != nil {
			return n, err
		}
		n += d.removed
	}
	return n, err
}

// forgetting removes rows of users who had no callback up to a row number, and have none after it.
type forgetting struct {
	journal.Mutation
	rows   []journal.Dialed
	newest int64

	removed int
}

func (f *forgetting) apply(w *writer) error {
	f.removed = 0 // it may be the second run
	for _, d := range f.rows {
		n, err := w.c.number("SELECT count(*) FROM callbacks WHERE rowid > ? AND entry = ? AND user = ?", f.newest,
			d.Entry, d.User)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if _, err := w.c.exec("DELETE FROM dialed_numbers WHERE entry = ? AND user = ?", d.Entry, d.User); err != nil {
			return err
		}
		f.removed++
	}
	return nil
}
