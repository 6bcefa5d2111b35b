package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ringback/ringback/broker/journal"
)

// digestVersion is the first schema whose audit has a chain without a key.
const digestVersion = 23

// fillDigests gives the rows of an older audit their digests, in the running transaction. It vouches for nothing: what
// the rows were before, the chain with the key says.
func (w *writer) fillDigests() error {
	digest, last := make([]byte, journal.DigestSize), int64(0)
	for {
		rows, err := w.c.query("SELECT seq, time, kind, who, text FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", last,
			int64(signPage))
		if err != nil {
			return err
		}
		for _, row := range rows {
			// A damaged column ends the row, and not the start of the daemon: the chain with the key reports it.
			v := &cols{values: row}
			a := journal.Audit{Seq: v.i64(), Time: v.time(), Kind: v.str(), Who: v.str(), Text: v.str()}
			last, digest = a.Seq, a.DigestAfter(digest)
			if _, err := w.c.exec("UPDATE audit SET digest = ? WHERE seq = ?", digest, last); err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			break
		}
	}
	_, err := w.c.exec("INSERT INTO marks (name, n, hash) VALUES ('digest', ?1, ?2) ON CONFLICT (name) DO UPDATE SET "+
		"n = ?1, hash = ?2", last, digest)
	return err
}

// showHead publishes the audit's end, which the last commit has put on disk.
func (w *writer) showHead() {
	h := &journal.AuditHead{Journal: w.identity.id, Seq: w.saved.seq}
	copy(h.Digest[:], w.saved.digest)
	if old := w.head.Swap(h); old != nil && *old != *h {
		select {
		case w.audited <- struct{}{}:
		default:
		}
	}
}

// AuditHead returns the end of the audit on disk, as the writer knows it: what another program writes into the file
// does not change it.
func (j *Journal) AuditHead() journal.AuditHead { return *j.head.Load() }

// Audited receives a value after the audit's end has changed. It is for one reader.
func (j *Journal) Audited() <-chan struct{} { return j.audited }

// verifyDigests follows the chain without a key from its first row to its mark.
func verifyDigests(ctx context.Context, tx *sql.Tx, broken func(seq int64, format string, args ...any)) error {
	before, last := make([]byte, journal.DigestSize), int64(0)
	err := eachAudit(ctx, tx, 0, func(a journal.Audit) error {
		if a.Seq == last+1 && !bytes.Equal(a.Digest, a.DigestAfter(before)) {
			broken(a.Seq, "its digest does not match its content and the digest before it")
		}
		before, last = a.Digest, a.Seq
		return nil
	})
	if err != nil {
		return err
	}
	var n sql.NullInt64
	var mark []byte
	err = tx.QueryRowContext(ctx, "SELECT max(n), max(hash) FROM marks WHERE name = 'digest'").Scan(&n, &mark)
	if err == nil && n.Int64 == last && !bytes.Equal(mark, before) {
		broken(last, "its digest is not that of the mark")
	}
	return err
}

// eachAudit passes the rows of the audit after number seq to f, oldest first, until f returns an error. It checks
// nothing. A row whose columns have wrong types has only its number.
func eachAudit(ctx context.Context, q querier, seq int64, f func(journal.Audit) error) error {
	rows, err := q.QueryContext(ctx, "SELECT seq, time, kind, who, text, digest FROM audit WHERE seq > ? ORDER BY seq",
		seq)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]any, 6)
		if err := rows.Scan(&row[0], &row[1], &row[2], &row[3], &row[4], &row[5]); err != nil {
			return err
		}
		v := &cols{values: row}
		a := journal.Audit{Seq: v.i64(), Time: v.time(), Kind: v.str(), Who: v.str(), Text: v.str(), Digest: v.blob()}
		if err := f(a); err != nil {
			return err
		}
	}
	return rows.Err()
}

// AuditDigest returns the digest of a row of the audit; nil if there is no such row.
func (r *Reader) AuditDigest(ctx context.Context, seq int64) ([]byte, error) {
	var digest []byte
	err := r.db.QueryRowContext(ctx, "SELECT digest FROM audit WHERE seq = ?", seq).Scan(&digest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return digest, explain(r.path, err)
}

// Audit reads the audit of a journal without its key, for auditors.
type Audit struct {
	db   *sql.DB
	path string
}

// OpenAudit opens the audit of the journal at path, which may be in use by a daemon, or be a copy on a read-only
// medium. It changes nothing. The caller must Close it.
func OpenAudit(ctx context.Context, path string) (*Audit, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	params := []string{"mode", "ro", "_busy_timeout", busyTimeout, "_query_only", "1"}
	if empty(path + "-wal") { // without a log nothing writes it; SQLite would create one
		params = append(params, "immutable", "1")
	}
	db, err := sql.Open("sqlite", dsn(path, params...))
	if err != nil {
		return nil, explain(path, err)
	}
	db.SetMaxOpenConns(1)
	var id, version int64
	err = db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id)
	if err == nil {
		err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	}
	switch {
	case err != nil:
	case id != applicationID:
		err = errors.New("is not a journal of ringback")
	case version > schemaVersion:
		err = newerSchema(version)
	case version < digestVersion:
		err = fmt.Errorf("has schema %d, whose audit has no digests: start the daemon once to migrate the file",
			version)
	}
	if err != nil {
		return nil, errors.Join(explain(path, err), db.Close())
	}
	return &Audit{db, path}, nil
}

// Identity returns the journal's identity, 32 hexadecimal digits; "" if its mark is missing.
func (a *Audit) Identity(ctx context.Context) (string, error) {
	var id []byte
	err := a.db.QueryRowContext(ctx, "SELECT max(hash) FROM marks WHERE name = 'identity'").Scan(&id)
	return hex.EncodeToString(id), explain(a.path, err)
}

// Each passes all rows to f, oldest first, as of one moment, until f returns an error, which it returns unchanged.
func (a *Audit) Each(ctx context.Context, f func(journal.Audit) error) error {
	var own error
	err := eachAudit(ctx, a.db, 0, func(row journal.Audit) error {
		own = f(row)
		return own
	})
	if own != nil {
		return own
	}
	return explain(a.path, err)
}

// Close closes the journal.
func (a *Audit) Close() error { return errors.Join(a.db.Close(), leaveToOwner(filepath.Dir(a.path))) }
