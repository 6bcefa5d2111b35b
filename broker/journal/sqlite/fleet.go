package sqlite

import (
	"context"
	"strings"

	"github.com/ringback/ringback/broker/journal"
)

var (
	owedTable  = &table{"owed", 2, strings.Fields(`id kind epoch body created`), 0}
	putOwedSQL = upsert(owedTable, "true")
)

func owedValues(o journal.Owed) []any { return []any{o.ID, o.Kind, o.Epoch, o.Body, nanos(o.Created)} }

func decodeOwed(values []any) (journal.Owed, error) {
	v := &cols{values: values}
	o := journal.Owed{ID: v.str(), Kind: v.str(), Epoch: v.i64(), Body: v.str(), Created: v.time()}
	return o, v.end()
}

func (w *writer) putOwed(m journal.PutOwed) error {
	_, err := w.put(owedTable, putOwedSQL, owedValues(m.Owed))
	return about("report to the fleet of callback", m.Owed.ID, err)
}

func (w *writer) dropOwed(m journal.DropOwed) error {
	_, err := w.c.exec("DELETE FROM owed WHERE id = ? AND kind = ?", m.ID, m.Kind)
	return about("report to the fleet of callback", m.ID, err)
}

// Owed returns what the node owes its fleet, oldest first, and the rows that do not verify.
func (r *Reader) Owed(ctx context.Context) ([]journal.Owed, []journal.Damage, error) {
	return list(ctx, r, owedTable, decodeOwed, "NOT INDEXED ORDER BY rowid")
}
