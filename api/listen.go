package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Listen creates the admin socket. Without a group its mode is 0600, and its directory is created with mode 0700 if
// missing. With one, its members may connect too: see openDir for the directory; the socket has mode 0660. The listener
// accepts a few connections even if the process has run out of file descriptors. The caller closes it.
func Listen(path string, group *user.Group) (net.Listener, error) {
	if len(path) > 100 {
		return nil, fmt.Errorf("admin socket %s: the path has %d octets; the maximum is 100 (set a shorter api.socket)",
			path, len(path))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("admin socket: %w (set api.socket to a writable location)", err)
	}
	if group != nil {
		if err := openDir(filepath.Dir(path), group); err != nil {
			return nil, fmt.Errorf("admin socket: %w", err)
		}
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := listenPrivately(path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w (set api.socket to a writable location)", err)
	}
	if group != nil {
		if err := give(path, group, 0o660); err != nil {
			l.Close()
			return nil, fmt.Errorf("admin socket: %w", err)
		}
	}
	return newSparing(l), nil
}

// listenPrivately listens on a socket that never had another mode than 0600: Linux gives the file the mode that the
// socket has before it is bound. A umask would also apply to the other files that the process creates at the time.
func listenPrivately(path string) (net.Listener, error) {
	private := func(_, _ string, c syscall.RawConn) (err error) {
		err2 := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(err, err2)
	}
	return (&net.ListenConfig{Control: private}).Listen(context.Background(), "unix", path)
}

// removeStale removes a socket at path on which no process listens, but no other kind of file. A daemon that is too
// busy to answer has not gone.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("admin socket %s: a file that is not a socket exists there (mode %v); move it or set "+
			"another api.socket", path, info.Mode())
	}
	if err == nil {
		err = unused(path)
	}
	if err != nil {
		return fmt.Errorf("admin socket %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("admin socket: remove the stale %s: %w", path, err)
	}
	return nil
}

// unused returns an error unless the kernel says that no process listens on a socket.
func unused(path string) error {
	c, err := net.DialTimeout("unix", path, time.Second)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	why := ""
	if err == nil {
		c.Close()
	} else {
		why = "it does not answer: " + errors.Unwrap(err).Error() + "; "
	}
	return fmt.Errorf("in use by another ringback (%sstop it, or set another api.socket and state_dir)", why)
}

// openDir lets a group pass through the directory of the socket. A directory that only the user of the daemon may enter
// gets the group and mode 0710; any other is left as it is, and must already let the group pass. The members trust what
// listens at the path, so nobody but root and the user of the daemon may be able to put another file there.
func openDir(dir string, group *user.Group) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if real != dir {
		return fmt.Errorf("the path %s has a symbolic link, which could be changed (set api.socket to a path in %s)",
			dir, real)
	}
	for parent := dir; ; parent = filepath.Dir(parent) {
		info, err := os.Lstat(parent)
		if err != nil {
			return err
		}
		if err := trusted(parent, info, parent != dir); err != nil {
			return err
		}
		if parent == dir && info.Mode().Perm()&0o077 == 0 && int(owner(info).Uid) == os.Geteuid() {
			if err := give(dir, group, 0o710); err != nil {
				return err
			}
		} else if !passable(info, group) {
			return fmt.Errorf("group %s may not enter the directory %s (mode %04o; chgrp %[1]s %[2]s && chmod g+x "+
				"%[2]s, or set api.socket to another directory)", group.Name, parent, info.Mode().Perm())
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

// owner returns the user and group of a file.
func owner(info fs.FileInfo) *syscall.Stat_t { return info.Sys().(*syscall.Stat_t) }

// trusted returns an error unless only root and the user of the daemon can replace what is in a directory. With sticky,
// others may add files, as in /tmp.
func trusted(dir string, info fs.FileInfo, sticky bool) error {
	if uid := int(owner(info).Uid); uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("the directory %s belongs to user %d, which is neither root nor the user running ringback "+
			"(%d), and could replace the socket (chown %[3]d %[1]s)", dir, uid, os.Geteuid())
	}
	if info.Mode().Perm()&0o022 != 0 && !(sticky && info.Mode()&fs.ModeSticky != 0) {
		return fmt.Errorf("users other than the owner can write to the directory %s (mode %04o), and so replace the "+
			"socket (chmod go-w %[1]s)", dir, info.Mode().Perm())
	}
	return nil
}

// passable reports whether the members of a group may enter a directory.
func passable(info fs.FileInfo, group *user.Group) bool {
	if strconv.Itoa(int(owner(info).Gid)) == group.Gid {
		return info.Mode()&0o010 != 0
	}
	return info.Mode()&0o001 != 0
}

// give sets the group and then the mode of a file that others than its group could not use before. Nobody else can
// replace the file in between, see trusted.
func give(path string, group *user.Group, mode fs.FileMode) error {
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return fmt.Errorf("group %s has the ID %q, which is not a number", group.Name, group.Gid)
	}
	switch err := os.Lchown(path, -1, gid); {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("set the group %s: %w (make the user running ringback a member, usermod -aG %[1]s USER, "+
			"and start ringback again)", group.Name, err)
	case err != nil:
		return err
	}
	return os.Chmod(path, mode)
}
