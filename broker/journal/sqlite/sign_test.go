package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// unsigned turns a journal into one without a key: each row has the SHA-256 that it would have had.
func unsigned(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, "_busy_timeout", "5000"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range signedTables {
		rows, err := db.Query("SELECT " + table.columns() + " FROM " + table.name + " ORDER BY " +
			strings.Join(table.cols[:table.key], ", "))
		if err != nil {
			t.Fatal(err)
		}
		var all [][]any
		for rows.Next() {
			row := make([]any, len(table.cols)+1)
			ptrs := make([]any, len(row))
			for i := range row {
				ptrs[i] = &row[i]
			}
			if err := rows.Scan(ptrs...); err != nil {
				t.Fatal(err)
			}
			all = append(all, row)
		}
		rows.Close()
		prev := make([]byte, 32)
		for _, row := range all {
			values := row[:len(table.cols)]
			if table == auditTable {
				values[len(values)-1] = prev
			}
			prev = table.sum(nil, values)
			statement := fmt.Sprintf("UPDATE %s SET (%s) = (?%s) WHERE %s = ?", table.name, table.columns(),
				strings.Repeat(", ?", len(table.cols)),
				strings.Join(table.cols[:table.key], " = ? AND "))
			if _, err := db.Exec(statement, append(append(append([]any{}, values...), prev),
				values[:table.key]...)...); err != nil {
				t.Fatal(err)
			}
		}
		if table == auditTable {
			if _, err := db.Exec("UPDATE marks SET hash = ? WHERE name = 'audit'", prev); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := db.Exec("DELETE FROM marks WHERE name IN ('key', 'seal'); PRAGMA user_version = 13"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(keyPath(path)); err != nil {
		t.Fatal(err)
	}
}

// old copies the journal that oldest made and applies statements to it.
func old(t *testing.T, oldest string, statements ...string) (path string) {
	t.Helper()
	path = newPath(t)
	copyFiles(t, oldest, path)
	edit(t, path, statements...)
	return path
}

// oldest creates an unsigned journal with rows in all tables, and more audit records than one page of signing.
func oldest(t *testing.T) (path string) {
	t.Helper()
	path = newPath(t)
	j := open(t, path)
	twoOfEach(t, j)
	more := []journal.Mutation{journal.PutLoginLimit{Limit: journal.LoginLimit{Kind: "name", Key: "k", First: at(1)}},
		journal.PutLoginName{Name: journal.LoginName{Key: "n", Seen: at(1)}}}
	for i := range 2*signPage + 1 {
		more = append(more, journal.AddAudit{Audit: record(fmt.Sprint(i))})
	}
	commit(t, j, more...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	unsigned(t, path)
	return path
}

// verified opens a journal and returns the rows that do not verify, and the audit as tools read it.
func verified(t *testing.T, path string) (bad []journal.Damage, audit []journal.Audit) {
	t.Helper()
	j := open(t, path)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if bad, err = r.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
	audit, _, err = r.AuditTail(context.Background(), 10000)
	if err != nil {
		t.Fatal(err)
	}
	return bad, audit
}

func TestSigning(t *testing.T) {
	path := oldest(t)
	bad, audit := verified(t, path)
	if len(bad) != 0 || len(audit) < 2*signPage {
		t.Fatalf("%d audit records, damaged are %v", len(audit), bad)
	}
	if _, err := os.Stat(keyPath(path) + ".new"); !os.IsNotExist(err) {
		t.Errorf("the new key's name: %v", err)
	}
	first := audit[0].Hash
	j := open(t, path)
	commit(t, j, journal.AddAudit{Audit: record("goes on")}, journal.PutCallback{Callback: callback("cb9", "paia-09")})
	if bad, err := j.Verify(context.Background()); err != nil || len(bad) != 0 {
		t.Errorf("%v %v", bad, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// Rows are signed only once.
	if bad, audit := verified(t, path); len(bad) != 0 || !reflect.DeepEqual(audit[0].Hash, first) {
		t.Errorf("%v", bad)
	}
}

// A row that did not verify before the signing does not verify after it, and nothing else is lost.
func TestSigningKeepsDamage(t *testing.T) {
	from := oldest(t)
	for name, tt := range map[string]struct {
		statement string
		table     string
	}{
		"a number":         {"UPDATE callbacks SET number = '900' WHERE id = 'cb1'", "callbacks"},
		"an attempt":       {"UPDATE attempts SET number = '900' WHERE callback_id = 'cb1'", "attempts"},
		"a record's text":  {"UPDATE audit SET text = 'x' WHERE seq = 3", "audit"},
		"a record gone":    {"DELETE FROM audit WHERE seq = 3", "audit"},
		"the first gone":   {"DELETE FROM audit WHERE seq = 1", "audit"},
		"the end gone":     {"DELETE FROM audit WHERE seq > 900", "audit"},
		"the mark's hash":  {"UPDATE marks SET hash = zeroblob(32) WHERE name = 'audit'", "audit"},
		"the mark's count": {"UPDATE marks SET n = n - 1 WHERE name = 'audit'", "audit"},
		"a login limit":    {"UPDATE login_limits SET failures = 77", "login_limits"},
	} {
		t.Run(name, func(t *testing.T) {
			bad, audit := verified(t, old(t, from, tt.statement))
			if len(bad) == 0 || len(bad) > 2 || len(audit) < 890 {
				t.Fatalf("%d audit records, damaged are %v", len(audit), bad)
			}
			for _, d := range bad {
				if d.Table != tt.table {
					t.Errorf("damaged is %v", d)
				}
			}
		})
	}
}

// The attacker can write to the file, and knows how rows are summed, but not the key.
func TestForgery(t *testing.T) {
	forge := func(t *testing.T, path string) {
		t.Helper()
		db, err := sql.Open("sqlite", dsn(path, "_busy_timeout", "5000"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		c := callback("cb1", "austin-01")
		c.Number = "900"
		if _, err := db.Exec("UPDATE callbacks SET number = '900', sum = ? WHERE id = 'cb1'",
			callbacksTable.sum(nil, callbackValues(c))); err != nil {
			t.Fatal(err)
		}
	}
	made := func(t *testing.T) string {
		path := newPath(t)
		j := open(t, path)
		commit(t, j, journal.PutCallback{Callback: callback("cb1", "austin-01")})
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("a row", func(t *testing.T) {
		path := made(t)
		forge(t, path)
		j := open(t, path)
		good, bad, err := j.Pending(context.Background())
		if err != nil || len(good) != 0 || len(bad) != 1 {
			t.Errorf("%v %v %v", good, bad, err)
		}
	})
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, path string)
		want string
	}{
		{"signed again", func(t *testing.T, path string) {
			forge(t, path)
			edit(t, path, "DELETE FROM marks WHERE name = 'key'")
		}, "has rows that are not signed"},
		{"an older journal", func(t *testing.T, path string) {
			key, err := os.ReadFile(keyPath(path))
			if err != nil {
				t.Fatal(err)
			}
			unsigned(t, path)
			if err := os.WriteFile(keyPath(path), key, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "has rows that are not signed"},
		{"another key", func(t *testing.T, path string) {
			if err := os.WriteFile(keyPath(path), []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "signed with a key other than"},
		{"no key", func(t *testing.T, path string) {
			if err := os.Remove(keyPath(path)); err != nil {
				t.Fatal(err)
			}
		}, "is missing (restore a backup)"},
		{"a key that all may read", func(t *testing.T, path string) {
			if err := os.Chmod(keyPath(path), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "chmod 600"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := made(t)
			tt.do(t, path)
			j, err := Open(context.Background(), Options{Path: path})
			if err == nil {
				j.Close()
				t.Fatal("the journal was opened")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v: must say %q", err, tt.want)
			}
		})
	}
}

// If the process ends between any two steps of the signing, the next start continues from there.
func TestSigningInterrupted(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, path string){
		"a key was made": func(t *testing.T, path string) {
			unsigned(t, path)
			if _, err := stateKey(keyPath(path) + ".new"); err != nil {
				t.Fatal(err)
			}
		},
		"the rows are signed": func(t *testing.T, path string) {
			if err := os.Rename(keyPath(path), keyPath(path)+".new"); err != nil {
				t.Fatal(err)
			}
		},
		"the journal was moved aside": func(t *testing.T, path string) {
			for _, name := range []string{path, path + "-wal", path + "-shm",
				filepath.Join(filepath.Dir(path), identityName)} {
				if err := os.Rename(name, name+".aside"); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path)
			twoOfEach(t, j)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			do(t, path)
			if bad, _ := verified(t, path); len(bad) != 0 {
				t.Errorf("%v", bad)
			}
			left, err := os.ReadDir(strings.TrimSuffix(path, "/journal.db"))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range left {
				if strings.Contains(e.Name(), ".new") {
					t.Errorf("%s is left", e.Name())
				}
			}
		})
	}
}
