package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// RestoredCause is the cause of callbacks that a restore cancelled.
const RestoredCause = "the journal was restored from a backup"

// SalvagedCause is the cause of callbacks that a salvage cancelled.
const SalvagedCause = "the journal was salvaged, and its last transactions are missing"

// Restored is the result of a restore or a salvage.
type Restored struct {
	Path      string   `json:"path"`
	Kept      string   `json:"kept,omitempty"` // directory with the previous files
	Pending   int      `json:"pending"`        // callbacks that the daemon will dial
	Cancelled []string `json:"cancelled" nullable:"false"`
	Lost      []string `json:"lost" nullable:"false"` // for operators
}

// Restore replaces the journal at path by the backup in the directory from; the old files are kept in a directory
// beside it. No daemon may run. The journal gets a new identity, so that the old one cannot be mistaken for it.
// Callbacks that were pending at the time of the backup may have been dialed since: they are cancelled, unless dial
// says that they may be dialed. by is recorded in the audit.
func Restore(ctx context.Context, path, from, by string, dial bool) (r Restored, err error) {
	state, err := hold(path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, state.release()) }()
	dir := filepath.Dir(path)
	made, err := os.MkdirTemp(dir, "restoring-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(made)
	for _, name := range append([]string{journalName}, keyNames...) {
		err := copyFile(filepath.Join(from, name), filepath.Join(made, name))
		if errors.Is(err, os.ErrNotExist) && name == "names.key" {
			continue
		}
		if err != nil {
			return r, fmt.Errorf("restore %s: %w (a backup is a directory that `ringback journal backup` made)",
				from, err)
		}
	}
	if err := markBackup(filepath.Join(made, journalName), false); err != nil {
		return r, fmt.Errorf("restore %s: %w", from, err)
	}
	cause := RestoredCause
	if dial {
		cause = ""
	}
	r, err = settleCopy(ctx, filepath.Join(made, journalName), cause, "journal restored", by, "from "+from)
	if err != nil {
		return r, fmt.Errorf("restore %s: %w", from, err)
	}
	r.Path = path
	r.Kept, err = takePlace(dir, made, "before-restore")
	return r, err
}

// hold locks the state directory, which no daemon may have.
func hold(path string) (*lock, error) {
	dir := filepath.Dir(path)
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	return lockDir(dir)
}

// settleCopy opens a copy in its own directory, verifies it, gives it a new identity, and cancels the pending callbacks
// with cause; "" leaves them pending. It closes the access windows.
func settleCopy(ctx context.Context, path, cause, kind, by, text string) (r Restored, err error) {
	r = Restored{Cancelled: []string{}, Lost: []string{}}
	j, err := Open(ctx, Options{Path: path, Reserve: 1})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	for _, w := range j.Warnings() {
		if !strings.HasPrefix(w, identityName) { // a copy has none
			r.Lost = append(r.Lost, w)
		}
	}
	pending, damaged, err := j.Pending(ctx)
	if err != nil {
		return r, err
	}
	for _, d := range damaged {
		r.Lost = append(r.Lost, d.String()+": it will not be dialed")
	}
	damaged, err = j.VerifyAudit(ctx)
	if err != nil {
		return r, err
	}
	for _, d := range damaged {
		r.Lost = append(r.Lost, d.String())
	}
	now := time.Now()
	tx := []journal.Mutation{newIdentity{}, audited(now, kind, by, text)}
	for _, c := range pending {
		if cause == "" {
			r.Pending++
			continue
		}
		c.Phase, c.Outcome, c.Cause, c.Ended, c.Updated = "cancelled", "cancelled", cause, now, now
		tx = append(tx, journal.PutCallback{Callback: c},
			audited(now, "callback "+c.ID+" ended", by, "cancelled: "+cause))
		r.Cancelled = append(r.Cancelled, c.ID)
	}
	windows, _, err := j.AccessWindows(ctx) // a damaged row opens nothing
	if err != nil {
		return r, err
	}
	for _, w := range windows {
		if w.Closed.IsZero() { // it may have been closed after the backup
			w.Closed, w.ClosedBy = now, by
			tx = append(tx, journal.PutAccessWindow{Window: w},
				audited(now, "access window of "+w.Group+" closed", by, kind))
		}
	}
	return r, j.Commit(ctx, tx...)
}

func audited(t time.Time, kind, by, text string) journal.Mutation {
	return journal.AddAudit{Audit: journal.Audit{Time: t, Kind: kind, Who: by, Text: text}}
}

// Note adds a record to the audit of the journal at path, which no daemon may have open.
func Note(ctx context.Context, path, kind, by, text string) error {
	j, err := Open(ctx, Options{Path: path})
	if err != nil {
		return err
	}
	return errors.Join(j.Commit(ctx, audited(time.Now(), kind, by, text)), j.Close(), leaveToOwner(filepath.Dir(path)))
}

// newIdentity gives the journal a new identity, and seals its audit as it is.
type newIdentity struct{ journal.Mutation }

func (newIdentity) apply(w *writer) error {
	if _, err := w.c.exec("UPDATE marks SET hash = randomblob(16) WHERE name = 'identity'"); err != nil {
		return err
	}
	// a salvaged journal has no seal and no total of what is reserved
	if _, err := w.c.exec("INSERT INTO marks (name, n, hash) VALUES ('seal', 1, NULL), ('reserved', 0, ?), "+
		"('digest', 0, zeroblob(32)) ON CONFLICT (name) DO NOTHING", w.key.encodeTotal(share{})); err != nil {
		return err
	}
	commits := w.identity.commits
	i, err := stored(w.c)
	w.identity.id, w.identity.commits, w.sealed = i.id, commits, true
	return err
}

// takePlace moves the journal in the directory made into dir; the previous files are kept in a new directory, whose
// name it returns. The new identity is moved first and the journal last: if the process ends in between, the start is
// refused, and the operation can be repeated.
func takePlace(dir, made, kept string) (string, error) {
	before := filepath.Join(dir, kept+"-"+time.Now().UTC().Format("20060102T150405.000Z"))
	if err := os.Mkdir(before, 0o700); err != nil {
		return "", err
	}
	replace := func(name string) error {
		if err := copyFile(filepath.Join(dir, name), filepath.Join(before, name)); err != nil &&
			!errors.Is(err, os.ErrNotExist) {
			return err
		}
		return os.Rename(filepath.Join(made, name), filepath.Join(dir, name))
	}
	if err := errors.Join(replace(identityName), syncDir(dir)); err != nil {
		return before, err
	}
	for _, tail := range []string{"", "-wal", "-shm"} {
		err := os.Rename(filepath.Join(dir, journalName+tail), filepath.Join(before, journalName+tail))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return before, err
		}
	}
	for _, name := range append(keyNames, journalName) {
		if err := replace(name); err != nil {
			return before, err
		}
	}
	return before, errors.Join(syncDir(before), syncDir(dir), leaveToOwner(dir))
}

// leaveToOwner gives the files that root created in a state directory to the owner of the directory, because the daemon
// may run as that user.
func leaveToOwner(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // SQLite creates and removes files at any time
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		// Not files that the owner has linked here from elsewhere.
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 0 || info.Mode().IsRegular() && st.Nlink > 1 {
			return nil
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}

// Salvage creates a new journal from all that can be read of the one at path, even if the daemon refuses to start
// because of damage; the damaged files are kept in a directory beside it. No daemon may run. If the last transactions
// are missing, or may be, pending callbacks may have been dialed already: they are cancelled, unless dial says that
// they may be dialed. Rows keep their checksums: a row that does not verify is never dialed. by is recorded in the
// audit.
func Salvage(ctx context.Context, path, by string, dial bool) (r Restored, err error) {
	state, err := hold(path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, state.release()) }()
	if empty(path) {
		return r, fmt.Errorf("journal %s: is missing or empty (restore a backup)", path)
	}
	dir := filepath.Dir(path)
	made, err := os.MkdirTemp(dir, "salvaging-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(made)
	for _, name := range keyNames {
		if err := copyFile(filepath.Join(dir, name), filepath.Join(made, name)); err != nil &&
			!errors.Is(err, os.ErrNotExist) {
			return r, err
		}
	}
	to := filepath.Join(made, journalName)
	if err := ofThisSchema(path); err != nil {
		return r, explain(path, err)
	}
	s := &rebuilding{salvage: true}
	if err := s.copy(path, to); err != nil {
		return r, explain(path, fmt.Errorf("nothing can be salvaged: %w (restore a backup)", err))
	}
	cause := ""
	if (s.uncertain || isBehind(path, to)) && !dial {
		cause = SalvagedCause
	}
	r, err = settleCopy(ctx, to, cause, "journal salvaged", by, fmt.Sprintf("%d notes on what is lost", len(s.lost)))
	if err != nil {
		return r, err
	}
	r.Path, r.Lost = path, append(s.lost, r.Lost...)
	r.Kept, err = takePlace(dir, made, "before-salvage")
	return r, err
}

// ofThisSchema returns an error if the journal's schema can be read and is another one.
func ofThisSchema(path string) error {
	c, err := openConn(path, "ro")
	if err != nil {
		return err
	}
	defer c.close()
	if version, err := c.number("PRAGMA user_version"); err == nil && version != schemaVersion {
		return fmt.Errorf("has schema %d, this ringback salvages %d: use the ringback that wrote it", version,
			schemaVersion)
	}
	return nil
}

// isBehind reports whether a copy of the journal at path lacks transactions, or may lack them.
func isBehind(path, copied string) bool {
	want, err := expected(path)
	if err != nil || want.none() {
		return true
	}
	c, err := openConn(copied, "ro")
	if err != nil {
		return true
	}
	defer c.close()
	found, err := stored(c)
	return err != nil || want.differs(found) != nil
}

// Vacuum rewrites the journal at path without its free pages, and enables it to return free pages to the disk itself.
// No daemon may run. It needs twice the size of the journal as free room on the disk. It returns the sizes before and
// after, in octets.
func Vacuum(ctx context.Context, path, by string) (before, after int64, err error) {
	j, err := Open(ctx, Options{Path: path}) // migrates and checks it
	if err != nil {
		return 0, 0, err
	}
	before = sizeOf(path)
	if err := errors.Join(j.Commit(ctx,
		audited(time.Now(), "journal vacuumed", by, fmt.Sprintf("of %d octets", before))), j.Close()); err != nil {
		return before, before, err
	}
	state, err := hold(path)
	if err != nil {
		return before, before, err
	}
	defer func() { err = errors.Join(err, state.release()) }()
	c, err := openConn(path, "rw")
	if err != nil {
		return before, before, explain(path, err)
	}
	for _, statement := range []string{"PRAGMA auto_vacuum = INCREMENTAL", "VACUUM",
		"PRAGMA wal_checkpoint(TRUNCATE)"} {
		if err == nil {
			_, err = c.query(statement)
		}
	}
	err = errors.Join(err, c.close(), leaveToOwner(filepath.Dir(path)))
	return before, sizeOf(path), explain(path, err)
}
