package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/ringback/ringback/broker/journal"
)

// markID is the key of the one row of fleet_mark.
const markID = int64(1)

var (
	owedTable      = &table{"owed", 2, strings.Fields(`id kind epoch body created`), 0}
	fleetMarkTable = &table{"fleet_mark", 1, strings.Fields(`n server written audit ordered`), 0}

	putOwedSQL      = upsert(owedTable, "true")
	putFleetMarkSQL = insert(fleetMarkTable)
)

func owedValues(o journal.Owed) []any { return []any{o.ID, o.Kind, o.Epoch, o.Body, nanos(o.Created)} }

func decodeOwed(values []any) (journal.Owed, error) {
	v := &cols{values: values}
	o := journal.Owed{ID: v.str(), Kind: v.str(), Epoch: v.i64(), Body: v.str(), Created: v.time()}
	return o, v.end()
}

func fleetMarkValues(m journal.FleetMark) []any {
	return []any{markID, m.Server, m.Written, m.Audit, m.Order}
}

func decodeFleetMark(values []any) (journal.FleetMark, error) {
	v := &cols{values: values}
	if n := v.i64(); n != markID {
		v.fail("the row has the number %d instead of %d", n, markID)
	}
	m := journal.FleetMark{Server: v.str(), Written: v.i64(), Audit: v.i64(), Order: v.i64()}
	return m, v.end()
}

func (w *writer) putOwed(m journal.PutOwed) error {
	_, err := w.put(owedTable, putOwedSQL, owedValues(m.Owed))
	return about("report to the fleet of callback", m.Owed.ID, err)
}

func (w *writer) dropOwed(m journal.DropOwed) error {
	_, err := w.c.exec("DELETE FROM owed WHERE id = ? AND kind = ?", m.ID, m.Kind)
	return about("report to the fleet of callback", m.ID, err)
}

func (w *writer) putFleetMark(m journal.PutFleetMark) error {
	_, err := w.c.exec("DELETE FROM fleet_mark") // damage may have changed its key
	if err == nil {
		_, err = w.put(fleetMarkTable, putFleetMarkSQL, fleetMarkValues(m.Mark))
	}
	if err != nil {
		return fmt.Errorf("mark of the fleet: %w", err)
	}
	return nil
}

// Owed returns what the node owes its fleet, oldest first, and the rows that do not verify.
func (r *Reader) Owed(ctx context.Context) ([]journal.Owed, []journal.Damage, error) {
	return list(ctx, r, owedTable, decodeOwed, "NOT INDEXED ORDER BY rowid")
}

// FleetMark returns the node's mark; the zero FleetMark if it was never in a fleet. If the row does not verify, the
// error wraps journal.ErrDamaged.
func (r *Reader) FleetMark(ctx context.Context) (m journal.FleetMark, err error) {
	rows, bad, err := list(ctx, r, fleetMarkTable, decodeFleetMark, "ORDER BY n")
	switch {
	case err != nil:
		return m, err
	case len(bad) > 0:
		return m, fmt.Errorf("%w: %v", journal.ErrDamaged, bad[0])
	case len(rows) > 0:
		return rows[0], nil
	}
	return m, nil
}
