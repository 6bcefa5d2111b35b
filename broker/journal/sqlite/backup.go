package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ringback/ringback/broker/journal"
)

// journalName is the journal's file in a state directory, and in a backup.
const journalName = "journal.db"

// keyNames are the key files of a state directory. names.key only makes hashes of names comparable.
var keyNames = []string{"journal.key", "names.key"}

// Backup copies the journal at path, with its keys, into the new directory dir, which it creates with mode 0700. The
// copy is consistent, even if a daemon writes the journal. It is verified and synced before the directory gets its
// name. Backup blocks until then; the writer is not blocked.
func Backup(ctx context.Context, path, dir string) (err error) {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s already exists: name a new directory", dir)
	}
	r, err := OpenReader(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close(), leaveToOwner(filepath.Dir(path))) }()
	made := dir + ".partial"
	if err := os.Mkdir(made, 0o700); err != nil {
		return fmt.Errorf("backup: %w (remove what an earlier backup left, or name another directory)", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(made)
		}
	}()
	to := filepath.Join(made, journalName)
	if err := r.copyTo(ctx, to); err != nil {
		return fmt.Errorf("backup: %w", explain(path, err))
	}
	for _, name := range keyNames {
		if err := copyFile(filepath.Join(filepath.Dir(path), name), filepath.Join(made, name)); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	if err := r.sameDamage(ctx, to); err != nil {
		return fmt.Errorf("verify the backup: %w", err)
	}
	if err := os.Rename(made, dir); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return syncDir(filepath.Dir(dir))
}

// sameDamage verifies a copy: it must not have more damage than its original.
func (r *Reader) sameDamage(ctx context.Context, path string) error {
	c, err := Check(ctx, path)
	if err != nil || len(c.Damaged) == 0 {
		return err
	}
	original, err := r.Verify(ctx)
	if err == nil && len(original) < len(c.Damaged) {
		err = errors.New(c.Damaged[0].String())
	}
	return err
}

// copyTo writes a copy of the current journal, without its free pages, and syncs it.
func (r *Reader) copyTo(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(r.path, "mode", "ro", "_busy_timeout", busyTimeout))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	return markBackup(path, true)
}

// markBackup sets or clears the mark that a journal is a backup, which no daemon opens, and syncs it.
func markBackup(path string, is bool) error {
	c, err := openConn(path, "rw")
	if err != nil {
		return err
	}
	statement := "DELETE FROM marks WHERE name = 'backup'"
	if is {
		statement = "INSERT INTO marks (name, n, hash) VALUES ('backup', 1, NULL) ON CONFLICT (name) DO NOTHING"
	}
	_, err = c.query("PRAGMA synchronous = FULL")
	if err == nil {
		_, err = c.exec(statement)
	}
	return errors.Join(err, c.close())
}

// copyFile copies a file with access for its owner only, and syncs it.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// Checked is the result of a check.
type Checked struct {
	Path      string           `json:"path"`
	Octets    int64            `json:"octets"`
	Free      int64            `json:"free_octets"` // inside the file
	GivesBack bool             `json:"gives_back"`  // free pages can be returned to the disk; false: run Vacuum once
	Commits   int64            `json:"commits"`
	Rows      map[string]int64 `json:"rows"` // by table
	Pending   int              `json:"pending"`
	Damaged   []journal.Damage `json:"damaged" nullable:"false"`
}

// Check verifies every row, the audit's chain, the file's structure and its identity, also while a daemon writes the
// journal, and changes nothing.
func Check(ctx context.Context, path string) (c Checked, err error) {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, r.Close(), leaveToOwner(filepath.Dir(path))) }()
	c = Checked{Path: path, Octets: sizeOf(path), Rows: map[string]int64{}, Damaged: []journal.Damage{}}
	for _, t := range signedTables {
		if c.Rows[t.name], err = r.number(ctx, "SELECT count(*) FROM "+t.name); err != nil {
			return c, explain(path, err)
		}
	}
	for _, n := range []struct {
		query string
		into  *int64
	}{{"PRAGMA freelist_count", &c.Free}, {"SELECT max(n) FROM marks WHERE name = 'commits'", &c.Commits}} {
		if *n.into, err = r.number(ctx, n.query); err != nil {
			return c, explain(path, err)
		}
	}
	size, err := r.number(ctx, "PRAGMA page_size")
	mode, err2 := r.number(ctx, "PRAGMA auto_vacuum")
	if err := errors.Join(err, err2); err != nil {
		return c, explain(path, err)
	}
	c.Free, c.GivesBack = c.Free*size, mode == incremental
	pending, _, err := r.Pending(ctx)
	if err != nil {
		return c, err
	}
	c.Pending = len(pending)
	bad, err := r.Verify(ctx)
	c.Damaged = append(c.Damaged, bad...)
	if err != nil {
		return c, err
	}
	want, err := expected(path)
	if err == nil && !want.none() && c.Commits > 0 && c.Commits < want.commits { // 0: its mark is missing
		err = fmt.Errorf("journal %s: has %d transactions, %s says %d: its write-ahead log is lost or damaged", path,
			c.Commits, identityName, want.commits)
	}
	return c, err
}

// incremental is SQLite's number of the mode in which free pages can be returned.
const incremental = 2
