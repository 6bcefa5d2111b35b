package sqlite

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// rowKey signs rows and the audit. nil means the plain SHA-256 checksums of journals without a key.
type rowKey []byte

func (k rowKey) sign(b []byte) []byte {
	if k == nil {
		h := sha256.Sum256(b)
		return h[:]
	}
	m := hmac.New(sha256.New, k)
	m.Write(b)
	return m.Sum(nil)
}

// print returns a fingerprint of the key, which the journal keeps to detect another key. That of a journal with a seal
// differs: without the key, nobody can make a journal look older than it is, to have its audit sealed again.
func (k rowKey) print(version int64) []byte {
	if version < sealVersion {
		return k.sign([]byte("the key of this journal"))
	}
	return k.sign([]byte("the key of this sealed journal"))
}

// sealVersion is the first schema that has a seal.
const sealVersion = 15

// sealed is signed at each commit: the identity, the number of transactions, and the end of the audit. An end of an
// older copy does not fit the present number of transactions.
var sealed = &table{"seal", 0, strings.Fields("identity commits seq hash"), 0}

// sealQuery reads what is signed, and the signature. A value is NULL if its mark is missing.
const sealQuery = `SELECT
	(SELECT hash FROM marks WHERE name = 'identity'), (SELECT n FROM marks WHERE name = 'commits'),
	(SELECT n FROM marks WHERE name = 'audit'), (SELECT hash FROM marks WHERE name = 'audit'),
	(SELECT hash FROM marks WHERE name = 'seal')`

// fits reports whether the signature in a row of sealQuery is right.
func (k rowKey) fits(row []any) bool {
	seal, ok := row[len(row)-1].([]byte)
	return ok && hmac.Equal(seal, sealed.sum(k, row[:len(row)-1]))
}

// writeSeal signs the marks of the running transaction.
func (w *writer) writeSeal() error {
	rows, err := w.c.query(sealQuery)
	if err != nil {
		return err
	}
	marks := rows[0][:len(rows[0])-1]
	_, err = w.c.exec("INSERT INTO marks (name, n, hash) VALUES ('seal', 1, ?) ON CONFLICT (name) DO UPDATE SET "+
		"hash = excluded.hash", sealed.sum(w.key, marks))
	return err
}

// keyPath returns the path of the key of a journal. While rows are signed for the first time, the key has another name:
// only a key in force has this one. A journal beside it is never signed again, because otherwise anyone able to write
// only the journal file could have their rows signed.
func keyPath(journal string) string { return filepath.Join(filepath.Dir(journal), "journal.key") }

// signed returns the key of the journal's rows. The first time, it creates the key and signs the rows that verify
// without one.
func (w *writer) signed() (rowKey, error) {
	path := keyPath(w.path)
	fresh := path + ".new"
	key, from, err := keyOf(w.c, w.path)
	switch {
	case err != nil || from == path:
		return key, err
	case from == fresh: // signed, but the process ended before the key was renamed
	default:
		if key, err = readKey(path); err == nil {
			return key, w.adopt(key, path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if key, err = stateKey(fresh); err != nil {
			return nil, err
		}
		if err := w.signAll(key); err != nil {
			return nil, fmt.Errorf("sign the rows: %w", err)
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return nil, err
	}
	return key, syncDir(filepath.Dir(path))
}

// keyOf reads the key that signs the rows of the journal at path, and returns its file; "" if they are not signed. c
// reads the journal.
func keyOf(c *conn, path string) (key rowKey, from string, err error) {
	print, err := c.scalar("SELECT hash FROM marks WHERE name = 'key'")
	if err != nil || print == nil {
		return nil, "", err
	}
	from = keyPath(path)
	if key, err = readKey(from); errors.Is(err, fs.ErrNotExist) {
		from += ".new"
		key, err = readKey(from)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("the key of its rows, %s, is missing (restore a backup)", keyPath(path))
	}
	version, err2 := c.number("PRAGMA user_version")
	if err = errors.Join(err, err2); err == nil {
		err = key.proves(print, version, from)
	}
	return key, from, err
}

func (k rowKey) proves(print any, version int64, path string) error {
	p, ok := print.([]byte)
	switch {
	case ok && bytes.Equal(p, k.print(version)):
		return nil
	case ok && bytes.Equal(p, k.print(sealVersion)):
		return fmt.Errorf("has been changed by another program: its header says schema %d, its marks are those of a "+
			"newer one (restore a backup)", version)
	default:
		return fmt.Errorf("is signed with a key other than %s (restore journal and key from the same backup)", path)
	}
}

// adopt uses a key that existed before the journal: its predecessor was moved aside. Rows without a key are never
// signed with it.
func (w *writer) adopt(k rowKey, path string) error {
	for _, t := range signedTables {
		n, err := w.c.number("SELECT count(*) FROM " + t.name)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("has rows that are not signed, but %s exists (restore journal and key from the "+
				"same backup; if you trust these rows, "+
				"move the key aside: they are then signed with a new key)", path)
		}
	}
	return w.keepPrint(k)
}

// keepPrint records the fingerprint of the key.
func (w *writer) keepPrint(k rowKey) error {
	version, err := w.c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	_, err = w.c.exec("INSERT INTO marks (name, n, hash) VALUES ('key', 1, ?) ON CONFLICT (name) DO UPDATE SET "+
		"hash = excluded.hash", k.print(version))
	return err
}

// signedTables are all tables whose rows have a checksum.
var signedTables = []*table{callsTable, callbacksTable, attemptsTable, spoolTable, loginLimitsTable, loginNamesTable,
	sumsTable, accountsTable, reservationsTable, lockdownTable, accessWindowsTable, lineRecordsTable, dialedTable,
	triggeredTable, usageTable, owedTable, auditTable}

// signAll verifies each row without a key and signs it, all in one transaction. A row that does not verify is left
// unchanged, so it will never verify.
func (w *writer) signAll(k rowKey) (err error) {
	if _, err := w.c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.rollback())
		}
	}()
	chain := rechain{key: k, before: make([]byte, sha256.Size), after: make([]byte, sha256.Size)}
	for _, t := range signedTables {
		resign := func(values []any) []any { return values }
		if t == auditTable {
			resign = chain.link
		}
		if err := w.signTable(k, t, resign); err != nil {
			return err
		}
	}
	// If the mark did not match the chain's end, it still does not.
	if _, err := w.c.exec("UPDATE marks SET hash = ? WHERE name = 'audit' AND hash = ?", chain.after,
		chain.before); err != nil {
		return err
	}
	if err := w.keepPrint(k); err != nil {
		return err
	}
	_, err = w.c.exec("COMMIT")
	return err
}

// signPage is the number of rows per read.
const signPage = 500

// signTable signs a table's rows in the order of their keys. resign may change values first.
func (w *writer) signTable(k rowKey, t *table, resign func([]any) []any) error {
	keys := strings.Join(t.cols[:t.key], ", ")
	marks := strings.TrimSuffix(strings.Repeat("?, ", t.key), ", ")
	first := "SELECT " + t.columns() + " FROM " + t.name
	order := fmt.Sprintf(" ORDER BY %s LIMIT %d", keys, signPage)
	next := first + " WHERE (" + keys + ") > (" + marks + ")" + order
	update := "UPDATE " + t.name + " SET (" + t.columns() + ") = (?" + strings.Repeat(", ?", len(t.cols)) +
		") WHERE (" + keys + ") = (" + marks + ")"
	rows, err := w.c.query(first + order)
	for ; err == nil && len(rows) > 0; rows, err = w.c.query(next, rows[len(rows)-1][:t.key]...) {
		for _, row := range rows {
			values, bad := t.check(nil, row)
			if bad != nil {
				continue
			}
			values = resign(values)
			args := append(append(values[:len(values):len(values)], t.sum(k, values)), values[:t.key]...)
			if _, err := w.c.exec(update, args...); err != nil {
				return err
			}
		}
	}
	return err
}

// rechain links audit records again, in their order.
type rechain struct {
	key           rowKey
	before, after []byte // hash of the last record, without the key and with it
}

// link links a record to the signed one before it, if it was linked to the unsigned one; a broken link stays broken.
func (c *rechain) link(values []any) []any {
	plain := auditTable.sum(nil, values)
	if prev, ok := values[len(values)-1].([]byte); ok && bytes.Equal(prev, c.before) {
		values = append(values[:len(values)-1:len(values)-1], c.after)
	}
	c.before, c.after = plain, auditTable.sum(c.key, values)
	return values
}
