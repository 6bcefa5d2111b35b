package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// TestAuditRolledBack: the newest records of the audit are removed, and marks of an older copy are put back. A check
// finds it, also after later commits; a restore of the marks alone is found as well.
func TestAuditRolledBack(t *testing.T) {
	const tail = "ATTACH 'OLD' AS old; DELETE FROM audit WHERE seq > (SELECT n FROM old.marks WHERE name = 'audit'); " +
		"UPDATE marks SET (n, hash) = (SELECT n, hash FROM old.marks o WHERE o.name = marks.name) WHERE name IN "
	for name, tt := range map[string]struct{ statement, refused string }{
		"the mark":         {tail + "('audit')", ""},
		"and the seal":     {tail + "('audit', 'seal')", ""},
		"without a seal":   {tail + "('audit'); DELETE FROM marks WHERE name = 'seal'", ""},
		"all marks":        {tail + "('audit', 'seal', 'commits')", "lacks the last 2 of 4 transactions"},
		"an older version": {tail + "('audit'); PRAGMA user_version = 14", "its header says schema 14"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path, copied := newPath(t), newPath(t)
			grow := func() {
				j := open(t, path)
				for range 2 {
					commit(t, j, journal.AddAudit{Audit: record("x")})
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
			grow()
			copyFiles(t, path, copied)
			grow()
			if c, err := Check(ctx, path); err != nil || len(c.Damaged) > 0 {
				t.Fatalf("before: %v, %v", c.Damaged, err)
			}
			edit(t, path, strings.Replace(tt.statement, "OLD", copied, 1))
			if tt.refused != "" {
				if _, err := Open(ctx, Options{Path: path}); err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("opened: %v", err)
				}
				return
			}
			for range 2 {
				if c, err := Check(ctx, path); err != nil || len(c.Damaged) == 0 {
					t.Errorf("check: %v, %v", c.Damaged, err)
				}
				grow()
			}
		})
	}
}

// TestAuditRolledBackWhileOpen: the same while the journal is open. The next transaction, which has no record of the
// audit, signs the end that the writer knows, and not the one that was put back; a removed seal is not made again.
func TestAuditRolledBackWhileOpen(t *testing.T) {
	for name, tt := range map[string]struct{ marks, refused string }{
		"the mark": {"UPDATE marks SET (n, hash) = (SELECT n, hash FROM old.marks WHERE name = 'audit') " +
			"WHERE name = 'audit'", ""},
		"without a seal": {"DELETE FROM marks WHERE name = 'seal'", "a mark of its transactions or its audit is " +
			"missing"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path, copied := newPath(t), newPath(t)
			j := open(t, path)
			commit(t, j, journal.AddAudit{Audit: record("x")})
			copyFiles(t, path, copied)
			commit(t, j, journal.AddAudit{Audit: record("x")})
			edit(t, path, "ATTACH '"+copied+"' AS old; DELETE FROM audit WHERE seq > 1; "+tt.marks)
			err := j.Commit(ctx, journal.PutCall{Call: call("c1")})
			if (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
				t.Fatalf("commit: %v", err)
			}
			for _, id := range []string{"c2", "c3"} {
				if c, err := Check(ctx, path); err != nil || len(c.Damaged) == 0 {
					t.Errorf("check: %v, %v", c.Damaged, err)
				}
				commit(t, j, journal.PutCall{Call: call(id)})
			}
		})
	}
}

// TestSealOfOlderJournal: a journal of the schema before the seal is sealed at its first start.
func TestSealOfOlderJournal(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	twoOfEach(t, j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, oldMarks(t, path), "PRAGMA user_version = 14")
	if bad, _ := verified(t, path); len(bad) > 0 {
		t.Error(bad)
	}
}

// TestMissingParts: a journal without a table, or without its marks, is not opened; the error and the check say what is
// missing and what helps, and a salvage does help.
func TestMissingParts(t *testing.T) {
	parts := map[string]string{"DELETE FROM marks": "marks"}
	for _, name := range append(tableNames(), "set_aside", "marks") {
		parts["PRAGMA foreign_keys = OFF; DROP TABLE "+name] = "lacks its table " + name
	}
	for statement, want := range parts {
		t.Run(want, func(t *testing.T) {
			ctx := context.Background()
			path := newPath(t)
			j := open(t, path)
			twoOfEach(t, j)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			edit(t, path, statement)
			_, err := Open(ctx, Options{Path: path})
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "salvage") {
				t.Errorf("open: %v", err)
			}
			c, err := Check(ctx, path)
			if want == "marks" {
				if err != nil || len(c.Damaged) == 0 || !strings.Contains(c.Damaged[0].String(), "salvage") {
					t.Errorf("check: %v, %v", c.Damaged, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "salvage") {
				t.Errorf("check: %v", err)
			}
			r, err := Salvage(ctx, path, "test", false)
			if err != nil || len(r.Lost) == 0 {
				t.Fatalf("salvage: %+v, %v", r, err)
			}
			open(t, path)
		})
	}
}

// TestLeftKeys: temporary files of keys, left by a killed start, are removed by the next one; other files stay.
func TestLeftKeys(t *testing.T) {
	path := newPath(t)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	left := []string{"journal.key.123", "journal.key.new.123", "names.key.9"}
	others := []string{"journal.key.old", "names.key.9.bak", "x.journal.key.1"}
	for _, name := range append(left, others...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, path)
	for _, name := range left {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	for _, name := range append(others, "journal.key", "names.key") {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestFirstStartInterrupted: a start that is killed after the schema was migrated and before journal.id was written
// raises no alarm at the next one; a missing journal.id of a journal with transactions does.
func TestFirstStartInterrupted(t *testing.T) {
	for name, commits := range map[string]int{"first start": 0, "in use": 1} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path)
			for range commits {
				commit(t, j, journal.AddAudit{Audit: record("x")})
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(filepath.Dir(path), identityName)); err != nil {
				t.Fatal(err)
			}
			if got := open(t, path).Warnings(); len(got) != commits {
				t.Errorf("warnings: %q", got)
			}
		})
	}
}
