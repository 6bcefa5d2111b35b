package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// crashed returns the path of a journal as a crash left it: eight callbacks, most of them only in the write-ahead log.
func crashed(t *testing.T) string {
	t.Helper()
	from := newPath(t)
	j := open(t, from)
	for n := range 8 {
		id := fmt.Sprint("cb", n)
		commit(t, j, journal.PutCallback{Callback: callback(id, id)}, journal.AddAudit{Audit: record(id)})
	}
	to := newPath(t)
	copyFiles(t, from, to)
	return to
}

// copyFiles copies a journal with all its files.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"journal.db", "journal.db-wal", identityName, "journal.key"} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(from), name))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(filepath.Dir(to), name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// contents returns the files of a journal; a missing file is the same as an empty one. The shared memory is omitted,
// because SQLite recreates it.
func contents(t *testing.T, path string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"journal.db", "journal.db-wal", identityName} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %x\n", name, b)
	}
	return all.String()
}

// TestTheJournalThatIsNot: a journal that is lost, emptied, truncated, exchanged or older than the last one is refused
// and left unchanged, and the fix in the message works.
func TestTheJournalThatIsNot(t *testing.T) {
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		do      func(t *testing.T, path string)
		want    []string
		pending int // after journal.id is removed; -1 some; -2 none, after the log is moved aside too
	}{
		"removed": {func(t *testing.T, p string) { must(t, os.Remove(p)); must(t, os.Remove(p+"-wal")) },
			[]string{"journal.db: is missing or empty", "8 transactions", "restore a backup", "remove journal.id"}, 0},
		"removed without its log": {func(t *testing.T, p string) { must(t, os.Remove(p)) },
			[]string{"journal.db: is missing or empty", "put it back", "remove journal.id"}, -2},
		"emptied": {func(t *testing.T, p string) { must(t, os.Truncate(p, 0)); must(t, os.Truncate(p+"-wal", 0)) },
			[]string{"is missing or empty", "remove journal.id"}, 0},
		"without its log": {func(t *testing.T, p string) { must(t, os.Remove(p+"-wal")) },
			[]string{"lacks the last 8 of 8 transactions", "restore both files", "remove journal.id"}, 0},
		"the log cut": {func(t *testing.T, p string) { must(t, os.Truncate(p+"-wal", walOf(t, p)/2)) },
			[]string{"lacks the last", "of 8 transactions"}, -1},
		"one octet of the log": {func(t *testing.T, p string) {
			b, err := os.ReadFile(p + "-wal")
			must(t, err)
			b[len(b)/3] ^= 1
			must(t, os.WriteFile(p+"-wal", b, 0o600))
		}, []string{"lacks the last", "of 8 transactions"}, -1},
		"another": {func(t *testing.T, p string) {
			id, err := os.ReadFile(filepath.Join(filepath.Dir(p), identityName))
			must(t, err)
			must(t, os.Remove(p+"-wal"))
			copyFiles(t, made(t), p)
			must(t, os.WriteFile(filepath.Join(filepath.Dir(p), identityName), id, 0o600))
		}, []string{"is not the journal that belongs here", "put the right one back"}, 1},
		"a damaged journal.id": {func(t *testing.T, p string) {
			must(t, os.WriteFile(filepath.Join(filepath.Dir(p), identityName), []byte("?"), 0o600))
		},
			[]string{"journal.id is damaged", "remove"}, 8},
	} {
		t.Run(name, func(t *testing.T) {
			path := crashed(t)
			tt.do(t, path)
			before := contents(t, path)
			refused(t, path, tt.want...)
			if contents(t, path) != before {
				t.Error("what was refused was changed")
			}
			must(t, os.Remove(filepath.Join(filepath.Dir(path), identityName)))
			if tt.pending == -2 {
				refused(t, path, "write-ahead log exists", "move journal.db-wal aside")
				must(t, os.Rename(path+"-wal", path+"-wal.aside"))
				tt.pending = 0
			}
			j := open(t, path)
			got := len(rows(j.Pending(context.Background())))
			if tt.pending >= 0 && got != tt.pending || tt.pending < 0 && (got == 0 || got == 8) {
				t.Errorf("%d pending without journal.id", got)
			}
			commit(t, j, journal.PutCallback{Callback: callback("new", "new")})
		})
	}
}

// TestIdentityBegun: a crash after journal.id was made, before its line was on disk, costs nothing.
func TestIdentityBegun(t *testing.T) {
	path := crashed(t)
	if err := os.Truncate(filepath.Join(filepath.Dir(path), identityName), 0); err != nil {
		t.Fatal(err)
	}
	j := open(t, path)
	if n := len(rows(j.Pending(context.Background()))); n != 8 {
		t.Errorf("%d pending, want 8", n)
	}
}

func walOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestRemovedWhileOpen: a journal that is removed or exchanged while a process has it open accepts no commit; when it
// is back it does, and it has nothing that was refused.
func TestRemovedWhileOpen(t *testing.T) {
	for _, tail := range []string{"", "-wal"} {
		for name, exchanged := range map[string]bool{"removed": false, "exchanged": true} {
			t.Run(name+tail, func(t *testing.T) {
				path := newPath(t)
				j := open(t, path)
				commit(t, j, journal.PutCallback{Callback: callback("before", "before")})
				if err := os.Rename(path+tail, path+tail+".away"); err != nil {
					t.Fatal(err)
				}
				if exchanged {
					if err := os.WriteFile(path+tail, nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				err := j.Commit(context.Background(), journal.PutCallback{Callback: callback("lost", "lost")})
				if err == nil || !strings.Contains(err.Error(), path+tail+" was removed or replaced") {
					t.Errorf("commit: %v", err)
				}
				if err := os.Rename(path+tail+".away", path+tail); err != nil {
					t.Fatal(err)
				}
				commit(t, j, journal.PutCallback{Callback: callback("after", "after")})
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = open(t, path)
				var ids []string
				for _, c := range rows(j.Pending(context.Background())) {
					ids = append(ids, c.ID)
				}
				if got := strings.Join(ids, " "); got != "after before" && got != "before after" {
					t.Errorf("pending: %s", got)
				}
			})
		}
	}
}

// TestCutShortWhileOpen: a journal or log that loses octets while a process has it open accepts no commit, so that
// nothing is promised that the next start would not find. Another program's checkpoint, which empties the log, loses
// nothing and is no reason to refuse.
func TestCutShortWhileOpen(t *testing.T) {
	for name, tt := range map[string]struct {
		cut     func(path string) error
		refused bool
	}{
		"emptied":         {func(p string) error { return os.Truncate(p, 0) }, true},
		"half":            {func(p string) error { return os.Truncate(p, 8192) }, true},
		"the log emptied": {func(p string) error { return os.Truncate(p+"-wal", 0) }, true},
		"the log halved":  {func(p string) error { return os.Truncate(p+"-wal", 20000) }, true},
		"checkpoint": {func(p string) error {
			c, err := openConn(p, "rw")
			if err == nil {
				_, err = c.query("PRAGMA wal_checkpoint(TRUNCATE)")
			}
			return errors.Join(err, c.close())
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path)
			for n := range 20 {
				commit(t, j, journal.PutCallback{Callback: callback(fmt.Sprint("cb", n), fmt.Sprint("cb", n))})
			}
			if err := tt.cut(path); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				err := j.Commit(context.Background(), journal.AddAudit{Audit: record("more")})
				if refused := err != nil; refused != tt.refused {
					t.Fatalf("commit: %v", err)
				}
				if err != nil && !strings.Contains(err.Error(), "was truncated while ringback runs") {
					t.Errorf("commit: %v", err)
				}
			}
			if err := j.Close(); (err != nil) && !tt.refused {
				t.Error(err)
			}
			if !tt.refused {
				if n := len(rows(open(t, path).Pending(context.Background()))); n != 20 {
					t.Errorf("%d pending, want 20", n)
				}
			}
		})
	}
}
