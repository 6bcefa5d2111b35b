package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock reserves the state directory for one process.
type lock struct{ f *os.File }

// lockName is the lock file in the state directory. It is never removed: if a lock file is removed, a second process
// can lock a new one.
const lockName = "lock"

// prepareDir creates the state directory if it is missing, with access for its owner only, and refuses one that others
// can write to.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("state directory %s: %w", dir, errors.Unwrap(err))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("state directory %s: mode %04o lets others write to it (chmod 700 %s)", dir, mode, dir)
	}
	return nil
}

// prepareFile creates the empty database file if it is missing, with access for its owner only, and refuses one that
// others can read or write. It runs before SQLite opens the file to write: closing a descriptor of it later would drop
// SQLite's POSIX locks.
func prepareFile(path string) error {
	dir := filepath.Dir(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return checkFile(path)
	}
	if err != nil {
		return fmt.Errorf("journal %s: %w (may this user write to %s?)", path, errors.Unwrap(err), dir)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("journal %s: %w", path, err)
	}
	return syncDir(dir)
}

// regular returns an error unless there is a regular file at path or where it leads. SQLite would wait for the writer
// of a pipe, and nothing could end that.
func regular(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("journal %s: %w", path, errors.Unwrap(err))
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("journal %s: is not a regular file but %s", path, info.Mode().Type())
	}
	return nil
}

func checkFile(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("journal %s: is not a regular file but %s", path, info.Mode().Type())
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("journal %s: mode %04o gives others access (chmod 600 %s)", path, mode, path)
	}
	return nil
}

// syncDir makes the name of a new file as durable as its content.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("state directory %s: %w", dir, err)
	}
	return nil
}

// lockDir locks the state directory for this process, or returns an error that says which process has it.
func lockDir(dir string) (*lock, error) {
	name := filepath.Join(dir, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w (may this user write to %s?)", name, errors.Unwrap(err), dir)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		return nil, fmt.Errorf("state directory %s: in use by %s (stop it, or give this ringback its own "+
			"state_dir)", dir, holder(f))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	// The number is only for operators; the lock is the kernel's and ends with the process.
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &lock{f}, nil
}

func holder(f *os.File) string {
	b, _ := io.ReadAll(io.LimitReader(f, 20))
	if pid := strings.TrimSpace(string(b)); pid != "" {
		return "process " + pid
	}
	return "another process"
}

func (l *lock) release() error { return l.f.Close() }

// spare reserves descriptors for when the process has no more.
type spare struct{ held []*os.File }

// connDescriptors is how many descriptors a connection needs: file, log, shared memory, and one temporary.
const connDescriptors = 4

func (s *spare) take() {
	for len(s.held) < connDescriptors {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return // retried at the next use
		}
		s.held = append(s.held, f)
	}
}

func (s *spare) release() {
	for _, f := range s.held {
		f.Close()
	}
	s.held = nil
}
