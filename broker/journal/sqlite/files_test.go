package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// refused opens the journal and checks that the error contains all of want.
func refused(t *testing.T, path string, want ...string) {
	t.Helper()
	j, err := Open(context.Background(), Options{Path: path})
	if err == nil {
		j.Close()
		t.Fatalf("opened; want an error with %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

// edit runs SQL on the closed or open file with a separate connection, as another program would.
func edit(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, "_busy_timeout", "5000"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// made returns the path of a closed journal with some rows.
func made(t testing.TB) string {
	path := newPath(t)
	j := open(t, path)
	commit(t, j, everything()...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFilesAreTheirOwnersOnly(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	commit(t, j, everything()...)
	for name, want := range map[string]os.FileMode{"": 0o700, "journal.db": 0o600, "journal.db-wal": 0o600,
		"journal.db-shm": 0o600, "lock": 0o600} {
		info, err := os.Stat(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestRefused(t *testing.T) {
	chmod := func(name string, mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.Chmod(filepath.Join(filepath.Dir(path), name), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	garble := func(from int64, text string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte(text), from); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name string
		do   func(*testing.T, string)
		want []string
	}{
		{"newer schema", func(t *testing.T, p string) { edit(t, p, "PRAGMA user_version = 99") },
			[]string{"journal.db", "has schema 99, this ringback knows", "use the newer ringback"}},
		{"another program's file", func(t *testing.T, p string) { edit(t, p, "PRAGMA application_id = 1") },
			[]string{"journal.db", "another program", "state_dir"}},
		{"no database", garble(0, "hello, world, this is no database"), []string{"journal.db", "not a database", "move",
			"restore a backup"}},
		{"garbage for a schema", garble(100, strings.Repeat("garbage!", 480)),
			[]string{"journal.db", "malformed", "restore a backup"}},
		{"file open to others", chmod("journal.db", 0o644), []string{"journal.db", "mode 0644", "chmod 600"}},
		{"directory open to others", chmod("", 0o777), []string{"state directory", "mode 0777", "chmod 700"}},
		{"a link", func(t *testing.T, p string) {
			if err := os.Rename(p, p+".moved"); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(p+".moved", p); err != nil {
				t.Fatal(err)
			}
		}, []string{"journal.db", "not a regular file"}},
		{"no mark", func(t *testing.T, p string) { edit(t, p, "DELETE FROM marks WHERE name = 'audit'") },
			[]string{"journal.db", "mark", "restore a backup"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := made(t)
			tt.do(t, path)
			refused(t, path, tt.want...)
		})
	}
	refused(t, "", "no path")
}

func TestAForeignDatabaseIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "CREATE TABLE mine (x)")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, path, "another program")
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("it was changed (%v)", err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	refused(t, path, filepath.Dir(path), fmt.Sprintf("in use by process %d ", os.Getpid()), "state_dir")
	commit(t, j, everything()...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestAnOlderSchemaIsMigrated(t *testing.T) {
	// A start that was interrupted between marking the file and the first migration.
	path := newPath(t)
	if err := errors.Join(prepareDir(filepath.Dir(path)), prepareFile(path)); err != nil {
		t.Fatal(err)
	}
	edit(t, path, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	j := open(t, path)
	commit(t, j, everything()...)
}

func TestReaderRefuses(t *testing.T) {
	ctx := context.Background()
	say := func(path, want string) {
		t.Helper()
		r, err := OpenReader(ctx, path)
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	path := made(t)
	say(path+"x", "no such file")
	edit(t, path, "PRAGMA user_version = 99")
	say(path, "schema 99")
	edit(t, path, "PRAGMA user_version = 0")
	say(path, "start the daemon once")
	edit(t, path, "PRAGMA application_id = 2")
	say(path, "not a journal of ringback")
}

func TestReaderCannotWrite(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	commit(t, j, everything()...)
	r, err := OpenReader(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, db := range []*sql.DB{j.db, r.db} {
		if _, err := db.Exec("DELETE FROM audit"); err == nil {
			t.Error("a reader deleted")
		}
	}
}
