package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/ringback/ringback/broker/journal"
)

// TestSpoolLists: each accounting list has its own queue, and reading continues after the last number read.
func TestSpoolLists(t *testing.T) {
	ctx := context.Background()
	j := open(t, newPath(t))
	defer j.Close()
	for i := range 6 {
		r := spooled(fmt.Sprint("r", i))
		r.List = []string{"", "b", "a"}[i%3]
		commit(t, j, journal.Spool{Record: r})
	}
	names, err := j.SpoolLists(ctx)
	equal(t, names, []string{"", "a", "b"})
	if err != nil {
		t.Error(err)
	}
	ids := func(list string, seq int64, n int) (out []string) {
		for _, r := range rows(j.SpoolAfter(ctx, list, seq, n)) {
			out = append(out, r.ID)
		}
		return out
	}
	equal(t, ids("", 0, 9), []string{"r0", "r3"})
	equal(t, ids("b", 2, 9), []string{"r4"})
	equal(t, ids("a", 0, 1), []string{"r2"})
	equal(t, ids("none", 0, 9), nil)
	commit(t, j, journal.UnspoolAll{Seqs: []int64{1, 2, 3, 4, 6}})
	equal(t, ids("b", 0, 9), []string{"r4"})
	equal(t, ids("a", 0, 9), nil)
	if bad, err := j.Verify(ctx); len(bad) > 0 || err != nil {
		t.Error(bad, err)
	}
}

// TestMigrate: records spooled with schema 1 verify after the migration, and belong to the default list.
func TestMigrate(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	j.Close()
	first, err := migrations.ReadFile("migrations/00001_first.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{path, path + "-wal", path + "-shm", keyPath(path),
		filepath.Join(filepath.Dir(path), identityName)} {
		os.Remove(f)
	}
	old := filepath.Join(t.TempDir(), "old")
	os.MkdirAll(old, 0o700)
	os.WriteFile(filepath.Join(old, "00001_first.sql"), first, 0o600)
	db, err := sql.Open("sqlite", dsn(path, "mode", "rwc"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS(old))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(ctx); err != nil {
		t.Fatal(err)
	}
	// The row and its checksum as schema 1 wrote them.
	for _, q := range []string{
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		"INSERT INTO spool (seq, id, session_id, body, created, tries, last_error, sum) VALUES (7, 'c1-stop', 'c1', " +
			"'{}', 1, 2, 'no answer', x'" + sumOfSchema1 + "')",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	os.Chmod(path, 0o600)
	j = open(t, path)
	defer j.Close()
	got := rows(j.SpoolAfter(ctx, "", 0, 9))
	if len(got) != 1 || got[0].ID != "c1-stop" || got[0].Tries != 2 || got[0].List != "" {
		t.Fatalf("after the migration: %+v", got)
	}
	commit(t, j, journal.SpoolTried{ID: "c1-stop", Err: "again"})
	if bad, err := j.Verify(ctx); len(bad) > 0 || err != nil {
		t.Error(bad, err)
	}
}

// sumOfSchema1 is SHA-256 over "spool", 'i' 7, 's' "c1-stop", 's' "c1", 's' "{}", 'i' 1, 'i' 2, 's' "no answer"
// (lengths and integers as 8 octets), computed with Python's hashlib.
const sumOfSchema1 = "96b63e50106ff208ab1e5040c7959666d6d929648d0f105f66fa49dc0493ea8e"
