package port

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lines"
)

// lockFile is a UUCP lock in the HDB form that minicom, mgetty, pppd and others observe (FHS 3.0 §5.9): LCK..ttyS0
// contains the owner's process number, right aligned in ten places, and a newline. We also flock our lock file while
// we hold it. This distinguishes our lock from one that an earlier process with the same number left (in a container,
// every ringback is process 1).
type lockFile struct {
	path string
	f    *os.File // flocked
}

// takeLock locks the device for this process. nil without an error means that this machine has no lock directory.
func takeLock(dir, device string, log *slog.Logger) (*lockFile, error) {
	dir, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		log.Debug("no UUCP lock: neither /run/lock nor /var/lock exists")
		return nil, nil
	}
	path := filepath.Join(dir, lockName(device))
	// A lock may disappear, or a stale one may be replaced, while we check; each further round needs such an event.
	for range 8 {
		f, err := createLock(path)
		if err == nil {
			return &lockFile{path: path, f: f}, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("lock file: %w%s", err, lockHint(dir, err))
		}
		if err := clearStale(path, device); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("lock file %s appears and disappears, or is stale and another program keeps it (flock; "+
		"`fuser -v %[1]s` names the program)", path)
}

func lockDir(dir string) (string, error) {
	if dir != "" {
		if s, err := os.Stat(dir); err != nil {
			return "", fmt.Errorf("lock directory: %w", err)
		} else if !s.IsDir() {
			return "", fmt.Errorf("lock directory %s is not a directory", dir)
		}
		return dir, nil
	}
	for _, d := range []string{"/run/lock", "/var/lock"} {
		if s, err := os.Stat(d); err == nil && s.IsDir() {
			return d, nil
		}
	}
	return "", nil
}

// lockName returns the name of the lock: that of the device after all symbolic links, so that /dev/modem and
// /dev/ttyS0 exclude each other.
func lockName(device string) string {
	if real, err := filepath.EvalSymlinks(device); err == nil {
		device = real
	}
	return "LCK.." + strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(device, "/dev/"), "/"), "/", "_")
}

// createLock creates the lock together with its content, because other programs must never read a lock without a
// number. link(2) is the step that only one process can win.
func createLock(path string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "LTMP."+strconv.Itoa(os.Getpid())+".*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "%10d\n", os.Getpid())
	if err == nil {
		err = f.Chmod(0o644) // readable for programs of other users
	}
	if err == nil {
		err = ignoringEINTR(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// clearStale removes the lock at path if its owner is dead; nil means: try again. The flock on the lock itself
// prevents two of our processes from removing it in turn, where the second would remove the new lock of the first.
func clearStale(path, device string) error {
	f, err := openLock(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if none := (*NotLock)(nil); errors.As(err, &none) {
		return none
	}
	if err != nil {
		return &lines.Failed{Kind: lines.FailInUse, Err: err, Text: fmt.Sprintf("lock file: %v (`ls -l %s` shows "+
			"whose it is; remove it if no program uses the device)", err, path)}
	}
	defer f.Close()
	pid, err := lockOwner(f)
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	if pid == 0 {
		return fmt.Errorf("lock file %s contains no process number: remove it if no program uses the device", path)
	}
	if pid != os.Getpid() && alive(pid) {
		return lockedBy(pid, device, path)
	}
	if err := ignoringEINTR(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		if pid == os.Getpid() {
			return fmt.Errorf("locked by this process: another line has the same port, or another program keeps the "+
				"lock file (flock; `fuser -v %s` names the program)", path)
		}
		return nil // another ringback is removing it
	}
	if !isAt(f, path) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the lock of process %d, which has ended: %w", pid, err)
	}
	return nil
}

// lockedBy says who has the lock, and to end that process only if it can be the right one: the number may be forged.
func lockedBy(pid int, device, path string) error {
	who := ""
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		name := strconv.Quote(string(bytes.TrimSpace(b))) // a process can give itself any name
		who = fmt.Sprintf(" (%s)", name[1:len(name)-1])
	}
	doubt := ""
	switch {
	case closed(pid, device):
		doubt = "does not have the device open"
	case pid == 1:
		doubt = "is the first of the system"
	}
	text := fmt.Sprintf("locked by process %d%s; end it or remove %s", pid, who, path)
	if doubt != "" {
		text = fmt.Sprintf("locked by process %d%s, which %s: the lock is stale or forged, or of a program in a "+
			"container; remove %s if no program uses the device", pid, who, doubt, path)
	}
	return &lines.Failed{Kind: lines.FailInUse, Text: text}
}

// closed reports that the process is known not to have the device open. The files of other users' processes are hidden
// unless we are root.
func closed(pid int, device string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	real, bad := filepath.EvalSymlinks(device)
	if err != nil || bad != nil {
		return false
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err == nil && target == real || errors.Is(err, fs.ErrPermission) {
			return false
		}
	}
	return true
}

func alive(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

func isAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

// release removes the lock if it is still ours. A nil lock has nothing to release.
func (l *lockFile) release() error {
	if l == nil {
		return nil
	}
	var err error
	if isAt(l.f, l.path) {
		err = os.Remove(l.path)
	}
	return errors.Join(err, l.f.Close())
}

func lockHint(dir string, err error) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	return fmt.Sprintf(" (can this user write to %s? some systems require group %s)", dir, groupOf(dir, "lock"))
}

// openHint says how to fix a failed open(2).
func openHint(a Address, err error) string {
	switch {
	case errors.Is(err, unix.EACCES):
		return fmt.Sprintf(" (is this user in group %s? usermod -aG %[1]s USER, then log in again)",
			groupOf(a.Path, "dialout"))
	case errors.Is(err, unix.EBUSY):
		return fmt.Sprintf(" (another program has exclusive use; `fuser -v %s` names it)", a.Path)
	case errors.Is(err, unix.ENOENT) && a.Scheme == PTY:
		return " (the path is there only while the program on the other side runs)"
	case errors.Is(err, unix.ENOENT):
		return " (is the device plugged in? `ls /dev/tty*` and /dev/serial/by-id/ list the devices)"
	case errors.Is(err, unix.EIO) && a.Scheme == PTY:
		return " (the program on the other side is gone or has not unlocked it)"
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EIO):
		return " (the kernel has this name, but no UART behind it)"
	}
	return ""
}

// groupOf names the group that may use path, or the usual one if it is unknown.
func groupOf(path, usual string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil || st.Gid == 0 {
		return usual
	}
	g, err := user.LookupGroupId(strconv.Itoa(int(st.Gid)))
	if err != nil {
		return strconv.Itoa(int(st.Gid))
	}
	return g.Name
}
