package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

func TestLoginLimits(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	a := journal.LoginLimit{Kind: "name", Key: "k1", Label: "u", Failures: 3, First: at(1)}
	b := journal.LoginLimit{Kind: "number", Key: "k1", Failures: 9, First: at(2), LockedUntil: at(3)}
	old, young := journal.LoginName{Key: "n2", Seen: at(1)}, journal.LoginName{Key: "n1", Seen: at(2)}
	commit(t, j, journal.PutLoginLimit{Limit: a}, journal.PutLoginLimit{Limit: b}, journal.PutLoginName{Name: young},
		journal.PutLoginName{Name: old}, journal.PutLoginName{Name: journal.LoginName{Key: "n3", Seen: at(3)}},
		journal.DropLoginName{Key: "n3"})
	a.Failures = 4
	commit(t, j, journal.PutLoginLimit{Limit: a}, journal.DropLoginLimit{Kind: "name", Key: "k2"})
	limits, bad, err := j.LoginLimits(context.Background())
	if want := []journal.LoginLimit{a, b}; err != nil || len(bad) != 0 || !reflect.DeepEqual(limits, want) {
		t.Errorf("%+v %v %v, must be %+v", limits, bad, err, want)
	}
	names, bad, err := j.LoginNames(context.Background())
	if want := []journal.LoginName{old, young}; err != nil || len(bad) != 0 || !reflect.DeepEqual(names, want) {
		t.Errorf("%+v %v %v, must be %+v", names, bad, err, want)
	}
	commit(t, j, journal.DropLoginLimit{Kind: "name", Key: "k1"})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "UPDATE login_limits SET failures = 0", "UPDATE login_names SET key = 'n9' WHERE key = 'n1'")
	j = open(t, path)
	limits, bad, err = j.LoginLimits(context.Background())
	if err != nil || len(limits) != 0 || len(bad) != 1 || bad[0].Key != `"number"/"k1"` {
		t.Errorf("%+v %v %v", limits, bad, err)
	}
	if bad, err := j.Verify(context.Background()); err != nil || len(bad) != 2 {
		t.Errorf("%v %v", bad, err)
	}
}

func TestKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state", "names.key")
	key, err := stateKey(path)
	if err != nil || len(key) != 32 {
		t.Fatal(key, err)
	}
	if again, err := stateKey(path); err != nil || string(again) != string(key) {
		t.Errorf("%x and then %x, %v", key, again, err)
	}
	if other, err := stateKey(filepath.Join(dir, "other.key")); err != nil || string(other) == string(key) {
		t.Errorf("%x twice, %v", other, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
	for _, tt := range []struct {
		name string
		do   func() error
		want string
	}{
		{"open to others", func() error { return os.Chmod(path, 0o640) }, "chmod 600 " + path},
		{"cut", func() error { return os.WriteFile(path, []byte("abcd\n"), 0o600) }, "not a key of 32 octets"},
		{"too long", func() error { return os.WriteFile(path, []byte(strings.Repeat("ab", 33)), 0o600) },
			"not a key of 32 octets"},
		{"a link", func() error { return os.Symlink(filepath.Join(dir, "other.key"), path) }, "not a link"},
		{"a link to nothing", func() error { return os.Symlink(filepath.Join(dir, "nothing"), path) }, "not a link"},
		{"a directory", func() error { return os.Mkdir(path, 0o700) }, "mode"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.Chmod(path, 0o600); err != nil || tt.name != "open to others" && tt.name != "cut" {
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.do(); err != nil {
				t.Fatal(err)
			}
			if key, err := stateKey(path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%x, %v: must say %q", key, err, tt.want)
			}
		})
	}
}
