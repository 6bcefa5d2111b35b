package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ringback/ringback/broker/journal"
)

// Reader reads the journal. It changes nothing; several processes may read while one writes.
type Reader struct {
	db    *sql.DB
	stmts sync.Map // by text, *sql.Stmt: preparing one takes longer than reading a few rows with it
	path  string
	key   rowKey
}

// QueryContext implements querier.
func (r *Reader) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	st, err := r.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// prepared returns a prepared statement, which the database closes. It holds no lock while it waits for a connection:
// others may have less time.
func (r *Reader) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if st, ok := r.stmts.Load(text); ok {
		return st.(*sql.Stmt), nil
	}
	st, err := r.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if first, ok := r.stmts.LoadOrStore(text, st); ok {
		return first.(*sql.Stmt), st.Close()
	}
	return st, nil
}

// OpenReader opens the journal at path read-only, for tools. The caller must Close it.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	if err := regular(path); err != nil {
		return nil, fmt.Errorf("%w (name its directory with --state-dir, or the configuration with -c)", err)
	}
	r, err := openPool(ctx, path, "ro")
	if err != nil {
		return nil, err
	}
	version, err := r.number(ctx, "PRAGMA user_version")
	id, err2 := r.number(ctx, "PRAGMA application_id")
	switch err := errors.Join(err, err2); {
	case err != nil:
		return nil, errors.Join(explain(path, err), r.Close())
	case id != applicationID:
		return nil, errors.Join(explain(path, errors.New("is not a journal of ringback")), r.Close())
	case version > schemaVersion:
		return nil, errors.Join(explain(path, newerSchema(version)), r.Close())
	case version < schemaVersion:
		return nil, errors.Join(explain(path,
			fmt.Errorf("has schema %d, this ringback reads %d: start the daemon once to migrate the file",
				version, schemaVersion)), r.Close())
	}
	if err := r.complete(ctx); err != nil {
		return nil, errors.Join(explain(path, err), r.Close())
	}
	if r.key, err = readKey(keyPath(path)); err != nil {
		return nil, errors.Join(explain(path, fmt.Errorf("its rows are signed: %w", err)), r.Close())
	}
	return r, nil
}

func (r *Reader) complete(ctx context.Context) error {
	rows, err := r.db.QueryContext(ctx, tablesQuery)
	if err != nil {
		return err
	}
	defer rows.Close()
	names := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names[name] = true
	}
	return errors.Join(rows.Err(), complete(names))
}

// openPool opens a pool of connections that cannot write rows. mode is SQLite's: "ro" never creates a file, "rw" can
// update the shared memory of the write-ahead log.
func openPool(ctx context.Context, path, mode string) (*Reader, error) {
	db, err := sql.Open("sqlite", dsn(path, "mode", mode, "_busy_timeout", busyTimeout, "_query_only", "1"))
	if err != nil {
		return nil, explain(path, err)
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers) // they stay open: there may be no descriptors for new ones
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(explain(path, err), db.Close())
	}
	r := &Reader{db: db, path: path}
	if err := r.warm(ctx); err != nil {
		return nil, errors.Join(explain(path, err), db.Close())
	}
	return r, nil
}

// readers is the number of connections that read concurrently.
const readers = 4

// warm opens all connections, while there are descriptors for them.
func (r *Reader) warm(ctx context.Context) error {
	var conns []*sql.Conn
	defer func() {
		for _, c := range conns {
			c.Close() // back to the pool
		}
	}()
	for range readers {
		c, err := r.db.Conn(ctx)
		if err != nil {
			return err
		}
		conns = append(conns, c)
		var n int
		if err := c.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&n); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the reader. It may be called twice.
func (r *Reader) Close() error { return r.db.Close() }

// Pending returns all callbacks that have not ended, oldest first, and the damaged rows that may be pending: these must
// never be dialed.
func (r *Reader) Pending(ctx context.Context) ([]journal.Callback, []journal.Damage, error) {
	// Either column keeps a callback on the list, so that damage to one of them cannot hide it.
	where := "NOT INDEXED WHERE ended = 0 OR outcome = ''"
	if n, err := r.number(ctx, "SELECT max(rowid) FROM callbacks"); err != nil {
		return nil, nil, explain(r.path, err)
	} else if n > fullScan {
		where = "INDEXED BY callbacks_pending WHERE ended = 0"
	}
	cs, bad, err := list(ctx, r, callbacksTable, decodeCallback, where)
	pending := cs[:0]
	for _, c := range cs {
		if c.Pending() {
			pending = append(pending, c)
		}
	}
	// Not by SQLite, which copies whole rows to sort them.
	slices.SortFunc(pending, func(a, b journal.Callback) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	return pending, bad, err
}

// fullScan is the number of callbacks up to which Pending reads every row instead of trusting an index.
const fullScan = 20_000

// Callbacks returns up to limit callbacks, last recorded first; limit 0 means 100. If a filter selects more of the
// ended ones than limit, those that were created last are returned.
func (r *Reader) Callbacks(ctx context.Context, limit int, f journal.Filter) ([]journal.Callback, []journal.Damage,
	error) {
	ended, pending, args := selected(f)
	n := limitOr(limit)
	where := "WHERE " + pending
	switch {
	case f.Pending:
	case f.Ended && ended == "":
		where, args = "WHERE ended <> 0", nil
	case f.Ended:
		where = ended
	case ended == "":
		where, args = "", nil
	default:
		where = "WHERE rowid IN (SELECT rowid FROM (SELECT rowid FROM callbacks " + ended +
			" ORDER BY created DESC LIMIT ?) UNION ALL SELECT rowid FROM callbacks WHERE " + pending + ")"
		args = slices.Concat(args, []any{n}, args)
	}
	return list(ctx, r, callbacksTable, decodeCallback, where+" ORDER BY rowid DESC LIMIT ?", append(args, n)...)
}

// CountCallbacks returns how many callbacks there are, damaged ones included.
func (r *Reader) CountCallbacks(ctx context.Context, f journal.Filter) (int, error) {
	ended, pending, args := selected(f)
	query := "SELECT count(*) FROM callbacks WHERE " + pending
	switch {
	case f.Pending:
	case f.Ended:
		query = "SELECT count(*) FROM callbacks " + cmp.Or(ended, "WHERE ended <> 0")
	case ended == "":
		query, args = "SELECT count(*) FROM callbacks", nil
	default:
		query = "SELECT (" + query + ") + (SELECT count(*) FROM callbacks " + ended + ")"
		args = append(args, args...)
	}
	n, err := r.number(ctx, query, args...)
	return int(n), explain(r.path, err)
}

// selected returns the conditions of a filter: those of the ended callbacks, which may be a million, with the index
// for them, and those of the pending ones, which are few. Both have the same args. Without an index, ended is "".
func selected(f journal.Filter) (ended, pending string, args []any) {
	conditions, index := "", ""
	if f.User != "" {
		conditions, index = " AND user = ?", "callbacks_user"
		args = append(args, f.User)
	}
	if !f.Since.IsZero() {
		conditions += " AND created >= ?"
		index = cmp.Or(index, "callbacks_created")
		args = append(args, nanos(f.Since))
	}
	if index != "" {
		ended = "INDEXED BY " + index + " WHERE ended <> 0" + conditions
	}
	return ended, "ended = 0" + conditions, args
}

// Callback returns one callback and its attempts in order. Errors: ErrNotFound if there is none; a damaged row is an
// error that wraps ErrDamaged.
func (r *Reader) Callback(ctx context.Context, id string) (journal.Callback, []journal.Attempt, error) {
	c, err := one(ctx, r, callbacksTable, decodeCallback, "callback", id)
	if err != nil {
		return c, nil, err
	}
	as, bad, err := list(ctx, r, attemptsTable, decodeAttempt, "WHERE callback_id = ? ORDER BY n", id)
	if err == nil && len(bad) > 0 {
		err = fmt.Errorf("%w: %v", journal.ErrDamaged, bad[0])
	}
	return c, as, err
}

// Call returns one call. Errors: ErrNotFound if there is none; a damaged row is an error that wraps ErrDamaged.
func (r *Reader) Call(ctx context.Context, id string) (journal.Call, error) {
	return one(ctx, r, callsTable, decodeCall, "call", id)
}

// OpenCalls returns the calls that have no end, oldest first: after a crash, those that it interrupted.
func (r *Reader) OpenCalls(ctx context.Context) ([]journal.Call, []journal.Damage, error) {
	return list(ctx, r, callsTable, decodeCall, "WHERE ended = 0 ORDER BY started, rowid")
}

// Calls returns up to limit calls of the newest journal.CallsSearched, last recorded first; limit 0 means 100.
func (r *Reader) Calls(ctx context.Context, limit int, f journal.CallFilter) ([]journal.Call, []journal.Damage, error) {
	where, args := "WHERE rowid > (SELECT max(rowid) FROM calls) - ?", []any{int64(journal.CallsSearched)}
	and := func(condition string, arg ...any) {
		where += " AND " + condition
		args = append(args, arg...)
	}
	if f.TTY != 0 {
		and("tty = ?", int64(f.TTY))
	}
	if f.User != "" {
		and("user = ?", f.User)
	}
	if f.Service != "" {
		and("service = ?", f.Service)
	}
	if !f.Since.IsZero() {
		and("started >= ?", nanos(f.Since))
	}
	if f.Ended {
		and("ended <> 0")
	}
	return list(ctx, r, callsTable, decodeCall, where+" ORDER BY rowid DESC LIMIT ?", append(args, limitOr(limit))...)
}

// EachCall passes all calls to f, first recorded first, and returns the rows that do not verify.
func (r *Reader) EachCall(ctx context.Context, f func(journal.Call)) (bad []journal.Damage, err error) {
	err = each(ctx, r, r.key, callsTable, decodeCall, f, func(d journal.Damage) { bad = append(bad, d) },
		"ORDER BY rowid")
	return bad, explain(r.path, err)
}

// EachCallback passes all callbacks to f, first recorded first, and returns the rows that do not verify.
func (r *Reader) EachCallback(ctx context.Context, f func(journal.Callback)) (bad []journal.Damage, err error) {
	err = each(ctx, r, r.key, callbacksTable, decodeCallback, f, func(d journal.Damage) { bad = append(bad, d) },
		"ORDER BY rowid")
	return bad, explain(r.path, err)
}

// SpoolNext returns up to n records of the spool, oldest first; n 0 means 100.
func (r *Reader) SpoolNext(ctx context.Context, n int) ([]journal.Spooled, []journal.Damage, error) {
	return list(ctx, r, spoolTable, decodeSpooled, "ORDER BY seq LIMIT ?", limitOr(n))
}

// SpoolAfter returns up to n records of one accounting list that were spooled after number seq, oldest first; n 0 means
// 100.
func (r *Reader) SpoolAfter(ctx context.Context, accounting string, seq int64, n int) ([]journal.Spooled,
	[]journal.Damage, error) {
	return list(ctx, r, spoolTable, decodeSpooled,
		// A limit that is a parameter would be compiled into the statement again for each value.
		fmt.Sprintf("INDEXED BY spool_lists WHERE list = ? AND seq > ? ORDER BY seq LIMIT %d", limitOr(n)),
		accounting, seq)
}

// SpoolLists returns the accounting lists of the records in the spool.
func (r *Reader) SpoolLists(ctx context.Context) ([]string, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT DISTINCT list FROM spool INDEXED BY spool_lists ORDER BY list")
	if err != nil {
		return nil, explain(r.path, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, explain(r.path, err)
		}
		out = append(out, name)
	}
	return out, explain(r.path, rows.Err())
}

// AuditTail returns the last n records of the audit, oldest first; n 0 means 100.
func (r *Reader) AuditTail(ctx context.Context, n int) ([]journal.Audit, []journal.Damage, error) {
	return list(ctx, r, auditTable, r.key.decodeAudit, "WHERE seq > (SELECT max(seq) FROM audit) - ? ORDER BY seq",
		limitOr(n))
}

// AuditAfter returns up to n records of the audit after number seq, oldest first; n 0 means 100.
func (r *Reader) AuditAfter(ctx context.Context, seq int64, n int) ([]journal.Audit, []journal.Damage, error) {
	return list(ctx, r, auditTable, r.key.decodeAudit, "WHERE seq > ? ORDER BY seq LIMIT ?", seq, limitOr(n))
}

func limitOr(n int) int64 {
	if n <= 0 {
		return 100
	}
	return int64(n)
}

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each reads the rows of a table; it passes rows that verify to good and returns the others in bad.
func each[T any](ctx context.Context, q querier, k rowKey, t *table, decode func([]any) (T, error), good func(T),
	bad func(journal.Damage), tail string, args ...any) error {
	rows, err := q.QueryContext(ctx, "SELECT "+t.columns()+" FROM "+t.name+" "+tail, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]any, len(t.cols)+1)
	ptrs := make([]any, len(row))
	for i := range row {
		ptrs[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(ptrs...); err != nil {
			return err
		}
		values, d := t.check(k, row)
		if d == nil {
			v, err := decode(values)
			if err == nil {
				good(v)
				continue
			}
			d = t.damage(values, err.Error())
		}
		bad(*d)
	}
	return rows.Err()
}

func list[T any](ctx context.Context, r *Reader, t *table, decode func([]any) (T, error), tail string,
	args ...any) (out []T, bad []journal.Damage, err error) {
	err = each(ctx, r, r.key, t, decode, func(v T) { out = append(out, v) },
		func(d journal.Damage) { bad = append(bad, d) }, tail, args...)
	return out, bad, explain(r.path, err)
}

func one[T any](ctx context.Context, r *Reader, t *table, decode func([]any) (T, error), what, id string) (v T,
	err error) {
	vs, bad, err := list(ctx, r, t, decode, "WHERE id = ?", id)
	switch {
	case err != nil:
		return v, err
	case len(bad) > 0:
		return v, fmt.Errorf("%w: %v", journal.ErrDamaged, bad[0])
	case len(vs) == 0:
		return v, about(what, id, journal.ErrNotFound)
	}
	return vs[0], nil
}

func (r *Reader) number(ctx context.Context, query string, args ...any) (int64, error) {
	var n sql.NullInt64
	err := r.db.QueryRowContext(ctx, query, args...).Scan(&n)
	return n.Int64, err
}
