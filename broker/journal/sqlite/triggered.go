package sqlite

import (
	"context"
	"strings"

	"github.com/ringback/ringback/broker/journal"
)

var (
	triggeredTable = &table{"triggered", 1, strings.Fields(`user signed`), 0}

	putTriggeredSQL = replace(triggeredTable)
)

func triggeredValues(t journal.Triggered) []any { return []any{t.User, nanos(t.Signed)} }

func decodeTriggered(values []any) (journal.Triggered, error) {
	v := &cols{values: values}
	t := journal.Triggered{User: v.str(), Signed: v.time()}
	return t, v.end()
}

func (w *writer) putTriggered(m journal.PutTriggered) error {
	_, err := w.put(triggeredTable, putTriggeredSQL, triggeredValues(m.Triggered))
	return about("last signed text of user", m.Triggered.User, err)
}

// Triggered returns the last signed text of each user, and the rows that do not verify.
func (r *Reader) Triggered(ctx context.Context) ([]journal.Triggered, []journal.Damage, error) {
	return list(ctx, r, triggeredTable, decodeTriggered, "ORDER BY user")
}
