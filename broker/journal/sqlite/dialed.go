package sqlite

import (
	"context"
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
