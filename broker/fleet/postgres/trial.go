package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// tables are those of the schema, by name.
var tables = []string{"accounts", "attempts", "audit", "callbacks", "confirmations", "marks", "nodes", "notices",
	"orders", "reserves", "rolls", "steps"}

// readOnly finds out whether the transactions of this user may write.
func (k *checker) readOnly(f facts) {
	if f.readOnly {
		k.add("writes", Fail, "transactions of user "+k.opt.User+" are read-only (default_transaction_read_only = on)",
			fmt.Sprintf("ALTER ROLE %s RESET default_transaction_read_only; look at the database and at "+
				"postgresql.conf too", k.opt.User))
		return
	}
	k.add("writes", OK, "transactions may write", "")
}

// trial takes the lock of a writer on each table, as a node does, and gives it back.
func (k *checker) trial() {
	missing, err := k.value(`SELECT coalesce(string_agg(t, ', '), '') FROM unnest('{` + strings.Join(tables, ",") +
		`}'::text[]) AS t WHERE to_regclass('ringback.' || t) IS NULL`)
	if err == nil && missing != "" {
		k.add("tables", Fail, "missing in the schema ringback: "+missing,
			"give the table its name back, or restore a backup of the database")
		return
	}
	if err == nil {
		err = k.lockAll()
	}
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && refused.Code == "55P03":
		k.add("tables", Fail, "locked by others: "+k.lockers(), endLock)
	case err != nil:
		k.add("tables", Fail, faultText(k.opt.explain("", err)), "see the message")
	default:
		k.add("tables", OK, "all are there, and none is locked", "")
	}
}

// lockAll waits for the locks of a writer for less than the time limit of an operation, which brief ones do not last.
func (k *checker) lockAll() error {
	ctx, cancel := context.WithTimeout(k.ctx, k.opt.Timeout)
	defer cancel()
	all := "ringback." + strings.Join(tables, ", ringback.")
	c := k.conn.PgConn()
	_, err := c.Exec(ctx, fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = %d; LOCK TABLE %s IN ROW EXCLUSIVE MODE",
		k.opt.Timeout.Milliseconds()*3/4, all)).ReadAll()
	_, end := c.Exec(ctx, "ROLLBACK").ReadAll()
	return errors.Join(err, end)
}

// endLock is what to do about a lock, and unlocked is for tables without one.
const (
	endLock  = "end that transaction (SELECT pg_terminate_backend(PID)), or wait for it"
	unlocked = "unknown"
)

// lockers returns which tables others have locked against writers, with their processes.
func (k *checker) lockers() string {
	text, err := k.value(`SELECT coalesce(string_agg(DISTINCT relname || ' (PID ' || pid || ')', ', '), '` + unlocked + `')
		FROM pg_locks JOIN pg_class ON pg_class.oid = relation
		WHERE relnamespace = to_regnamespace('ringback') AND relkind = 'r' AND granted AND pid <> pg_backend_pid()
		AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`)
	if err != nil {
		return faultText(err)
	}
	return text
}
