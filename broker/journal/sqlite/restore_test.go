package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// backedUp returns a journal that was written after its backup: what was pending then has been dialed and has ended.
func backedUp(t *testing.T) (path, backup string) {
	t.Helper()
	path = newPath(t)
	j := open(t, path)
	twoOfEach(t, j)
	backup = filepath.Join(filepath.Dir(filepath.Dir(path)), "backup")
	if err := Backup(context.Background(), path, backup); err != nil {
		t.Fatal(err)
	}
	for _, c := range rows(j.Pending(context.Background())) {
		commit(t, j, journal.PutCallback{Callback: ended(c, "completed")})
	}
	commit(t, j, journal.PutCallback{Callback: callback("later", "later")})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path, backup
}

// TestBackup: a backup of a journal that is being written verifies, is readable by its owner only, and replaces no
// file.
func TestBackup(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	twoOfEach(t, j)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			id := fmt.Sprint("w", n)
			if err := j.Commit(ctx, journal.PutCallback{Callback: callback(id, id)},
				journal.AddAudit{Audit: record(id)}); err != nil {
				stopped <- err
				return
			}
		}
	}()
	dir := filepath.Join(t.TempDir(), "backup")
	if err := Backup(ctx, path, dir); err != nil {
		t.Fatal(err)
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	c, err := Check(ctx, filepath.Join(dir, journalName))
	if err != nil || len(c.Damaged) > 0 || c.Rows["callbacks"] < 2 || c.Rows["callbacks"] != c.Rows["audit"] {
		t.Errorf("%+v %v", c, err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "journal.db": 0o600, "journal.key": 0o600,
		"names.key": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v %v", name, info, err)
		}
	}
	if err := Backup(ctx, path, dir); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a second backup to the same place: %v", err)
	}
}

// TestRestoreDoesNotDial: callbacks that were pending at the time of the backup have been dialed since; they are
// cancelled, unless the operator says that they may be dialed. The old journal is kept, and is refused if it is put
// back.
func TestRestoreDoesNotDial(t *testing.T) {
	ctx := context.Background()
	for _, dial := range []bool{false, true} {
		path, backup := backedUp(t)
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Restore(ctx, path, backup, "uid 7", dial)
		if err != nil || len(r.Lost) > 0 {
			t.Fatalf("%+v %v", r, err)
		}
		j := open(t, path)
		if w := j.Warnings(); len(w) > 0 {
			t.Errorf("warnings: %v", w)
		}
		pending := rows(j.Pending(ctx))
		if dial {
			if len(pending) != 2 || r.Pending != 2 || len(r.Cancelled) != 0 {
				t.Errorf("pending %v, %+v", pending, r)
			}
			continue
		}
		if len(pending) != 0 || len(r.Cancelled) != 2 {
			t.Errorf("pending %v, %+v", pending, r)
		}
		c, _, err := j.Callback(ctx, "cb1")
		if err != nil || c.Outcome != "cancelled" || c.Cause != RestoredCause {
			t.Errorf("%+v %v", c, err)
		}
		audit := rows(j.AuditTail(ctx, 9))
		if n := len(audit); n != 5 || audit[2].Kind != "journal restored" || audit[2].Who != "uid 7" {
			t.Errorf("audit: %+v", audit)
		}
		if bad, err := j.Verify(ctx); err != nil || len(bad) > 0 {
			t.Errorf("%v %v", bad, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join(r.Kept, journalName))
		if err != nil || !bytes.Equal(kept, old) {
			t.Errorf("the old journal is not kept: %v", err)
		}
		if err := os.WriteFile(path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, path, "is not the journal that belongs here")
	}
}

// TestBackupPutInPlaceByHand: a backup's file that is copied over the journal, with or without the identity file, is
// refused.
func TestBackupPutInPlaceByHand(t *testing.T) {
	for _, identity := range []bool{true, false} {
		path, backup := backedUp(t)
		b, err := os.ReadFile(filepath.Join(backup, journalName))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if !identity {
			if err := os.Remove(filepath.Join(filepath.Dir(path), identityName)); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, path, "is a backup that was copied here by hand", "ringback journal restore")
	}
}

// TestRestoreRefuses: a restore beside a running daemon, or of a missing, damaged or keyless backup, fails and changes
// nothing.
func TestRestoreRefuses(t *testing.T) {
	ctx := context.Background()
	for name, tt := range map[string]struct {
		do   func(t *testing.T, path, backup string)
		want string
	}{
		"running":   {func(t *testing.T, path, _ string) { open(t, path) }, "in use by process"},
		"no backup": {func(t *testing.T, _, backup string) { os.RemoveAll(backup) }, "ringback journal backup"},
		"no key": {func(t *testing.T, _, backup string) { os.Remove(filepath.Join(backup, "journal.key")) },
			"journal.key"},
		"another key": {func(t *testing.T, _, backup string) {
			os.WriteFile(filepath.Join(backup, "journal.key"), []byte(strings.Repeat("ab", 32)), 0o600)
		}, "signed with a key other than"},
		"cut": {func(t *testing.T, _, backup string) { os.Truncate(filepath.Join(backup, journalName), 9000) },
			"restore"},
	} {
		t.Run(name, func(t *testing.T) {
			path, backup := backedUp(t)
			tt.do(t, path, backup)
			before := contents(t, path)
			if _, err := Restore(ctx, path, backup, "uid 7", false); err == nil ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v: must say %q", err, tt.want)
			}
			if name != "running" && contents(t, path) != before {
				t.Error("something was changed")
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*restor*")); len(left) > 0 {
				t.Errorf("left are %v", left)
			}
		})
	}
}

// TestRestoreCutOff: if the process ends while the journals are exchanged, the start is refused, and the restore can be
// repeated.
func TestRestoreCutOff(t *testing.T) {
	ctx := context.Background()
	for name, done := range map[string][]string{
		"identity": {identityName}, "journal away": {identityName, "away"},
		"a key": {identityName, "away", "journal.key"},
	} {
		t.Run(name, func(t *testing.T) {
			path, backup := backedUp(t)
			dir := filepath.Dir(path)
			for _, step := range done {
				switch step {
				case "away":
					os.Rename(path, path+".away")
					os.Remove(path + "-wal")
				case identityName:
					text := identity{strings.Repeat("0", 32), 3}.text()
					if err := os.WriteFile(filepath.Join(dir, identityName), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			refused(t, path, "journal.db: is ")
			if _, err := Restore(ctx, path, backup, "uid 7", false); err != nil {
				t.Fatal(err)
			}
			j := open(t, path)
			if pending := rows(j.Pending(ctx)); len(pending) != 0 {
				t.Errorf("%v", pending)
			}
		})
	}
}

// TestSalvage: a journal that the daemon refuses becomes readable; callbacks that may have been dialed already are not
// dialed again.
func TestSalvage(t *testing.T) {
	ctx := context.Background()
	for name, tt := range map[string]struct {
		do      func(t *testing.T, path string)
		pending int
	}{
		"a page of the marks": {func(t *testing.T, path string) { spoil(t, path, "reopened") }, 0},
		"older than it was": {func(t *testing.T, path string) {
			os.WriteFile(filepath.Join(filepath.Dir(path), identityName),
				[]byte(identity{texts(t, path, "SELECT lower(hex(hash)) FROM marks WHERE name = 'identity'")[0],
					99}.text()), 0o600)
		}, 0},
		"no identity": {func(t *testing.T, path string) { os.Remove(filepath.Join(filepath.Dir(path), identityName)) },
			0},
		"well": {func(*testing.T, string) {}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path)
			twoOfEach(t, j)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			tt.do(t, path)
			damaged, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Salvage(ctx, path, "uid 7", false)
			if err != nil {
				t.Fatal(err)
			}
			j = open(t, path)
			pending := rows(j.Pending(ctx))
			if len(pending) != tt.pending || len(r.Cancelled) != 2-tt.pending {
				t.Errorf("pending %v, %+v", pending, r)
			}
			if all := rows(j.Callbacks(ctx, journal.All, journal.Filter{})); len(all) != 2 {
				t.Errorf("%d callbacks", len(all))
			}
			if kept, err := os.ReadFile(filepath.Join(r.Kept, journalName)); err != nil || !bytes.Equal(kept, damaged) {
				t.Errorf("the damaged journal is not kept as it was: %v", err)
			}
		})
	}
}

// TestVacuum: an older journal, which cannot return pages, can do so afterwards.
func TestVacuum(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	history(t, j, 0, 300, at(9))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "PRAGMA auto_vacuum = NONE", "VACUUM")
	j = open(t, path)
	if got, err := j.Prune(ctx, at(10)); err != nil || got.Callbacks != 300 || got.Pages != 0 {
		t.Fatalf("%+v %v", got, err)
	}
	if _, _, err := Vacuum(ctx, path, "uid 7"); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("beside a daemon: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	before, after, err := Vacuum(ctx, path, "uid 7")
	if err != nil || after > before/2 || after != sizeOf(path) {
		t.Errorf("%d %d %v", before, after, err)
	}
	c, err := Check(ctx, path)
	if err != nil || !c.GivesBack || len(c.Damaged) > 0 || c.Rows["sums"] == 0 {
		t.Errorf("%+v %v", c, err)
	}
	j = open(t, path)
	if audit := rows(j.AuditTail(ctx, 1)); audit[0].Kind != "journal vacuumed" {
		t.Errorf("%+v", audit)
	}
}

// TestRestoreByRoot: files that root restores or audits belong to the daemon's user afterwards.
func TestRestoreByRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	path, backup := backedUp(t)
	dir := filepath.Dir(path)
	if err := os.Chown(dir, 1234, 1234); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(context.Background(), path, backup, "uid 0", false); err != nil {
		t.Fatal(err)
	}
	if err := Note(context.Background(), path, "a test", "uid 0", "by root"); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Uid != 1234 {
			t.Errorf("%s belongs to another user", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
