package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/ringback/ringback/broker/journal"
)

// lockdownID is the key of the one row.
const lockdownID = int64(1)

var (
	lockdownTable = &table{"lockdown", 1, strings.Fields(`id active sessions reason who since`), 0}

	putLockdownSQL = insert(lockdownTable)
)

func lockdownValues(l journal.Lockdown) []any {
	return []any{lockdownID, boolean(l.Active), boolean(l.Sessions), l.Reason, l.Who, nanos(l.Since)}
}

func decodeLockdown(values []any) (journal.Lockdown, error) {
	v := &cols{values: values}
	if id := v.i64(); id != lockdownID {
		v.fail("the row has the number %d instead of %d", id, lockdownID)
	}
	l := journal.Lockdown{Active: v.boolean(), Sessions: v.boolean(), Reason: v.str(), Who: v.str(), Since: v.time()}
	return l, v.end()
}

func (w *writer) putLockdown(m journal.PutLockdown) error {
	if _, err := w.c.exec("DELETE FROM lockdown"); err != nil { // damage may have changed its key
		return fmt.Errorf("lockdown: %w", err)
	}
	if _, err := w.put(lockdownTable, putLockdownSQL, lockdownValues(m.Lockdown)); err != nil {
		return fmt.Errorf("lockdown: %w", err)
	}
	return nil
}

// Lockdown returns the row of the lockdown; the zero Lockdown if there is none. If the row does not verify, the error
// wraps journal.ErrDamaged.
func (r *Reader) Lockdown(ctx context.Context) (l journal.Lockdown, err error) {
	rows, bad, err := list(ctx, r, lockdownTable, decodeLockdown, "ORDER BY id")
	switch {
	case err != nil:
		return l, err
	case len(bad) > 0:
		return l, fmt.Errorf("%w: %v", journal.ErrDamaged, bad[0])
	case len(rows) > 0:
		return rows[0], nil
	}
	return l, nil
}
