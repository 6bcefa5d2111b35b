package api

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ownGroup is a group of this process that is not root's, if it has one.
func ownGroup(t *testing.T) *user.Group {
	t.Helper()
	gid := os.Getegid()
	if os.Geteuid() == 0 {
		gid = 64100 // root may give its files to any group
	}
	return &user.Group{Gid: strconv.Itoa(gid), Name: "operators"}
}

// shortDir is a temporary directory with a short path without links, and with this mode.
func shortDir(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	dir, err = filepath.EvalSymlinks(dir)
	if err := errors.Join(err, os.Chmod(dir, mode)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestListenForGroup(t *testing.T) {
	group := ownGroup(t)
	modeOf := func(path string) (mode uint32, gid string) {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			t.Fatal(err)
		}
		return uint32(st.Mode) & 0o7777, strconv.Itoa(int(st.Gid))
	}
	dir := shortDir(t, 0o755)
	path := filepath.Join(dir, "new", "s")
	for range 2 { // the second time over what the first has left
		l, err := Listen(path, group)
		if err != nil {
			t.Fatal(err)
		}
		if mode, gid := modeOf(path); mode != 0o660 || gid != group.Gid {
			t.Errorf("the socket: mode %04o, group %s", mode, gid)
		}
		if mode, gid := modeOf(filepath.Dir(path)); mode != 0o710 || gid != group.Gid {
			t.Errorf("its directory: mode %04o, group %s", mode, gid)
		}
		if _, err := Listen(path, group); err == nil || !strings.Contains(err.Error(), "in use by another ringback") {
			t.Errorf("a second daemon: %v", err)
		}
		l.(*sparing).Listener.(*net.UnixListener).SetUnlinkOnClose(false) // as after a kill
		l.Close()
	}
	l, err := Listen(path, nil) // api.group was removed
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if mode, _ := modeOf(path); mode != 0o600 {
		t.Errorf("without a group, the socket has mode %04o", mode)
	}
}

// A directory in which others could replace the socket, or that the group may not enter, is an error that says how to
// fix it, and there is no socket.
func TestListenForGroupRefuses(t *testing.T) {
	group := ownGroup(t)
	link := func(dir string) error {
		return errors.Join(os.Mkdir(dir+"/real", 0o755), os.Symlink("real", dir+"/d"))
	}
	mode := func(mode fs.FileMode) func(string) error {
		return func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/d", 0o700), os.Chmod(dir+"/d", mode))
		}
	}
	for name, tt := range map[string]struct {
		make func(dir string) error
		want string
	}{
		"a link":              {link, "/d has a symbolic link, which could be changed (set api.socket to a path in "},
		"others write":        {mode(0o757), "/d (mode 0757), and so replace the socket (chmod go-w "},
		"a group writes":      {mode(0o775), "/d (mode 0775), and so replace the socket (chmod go-w "},
		"others add files":    {mode(0o777 | fs.ModeSticky), "/d (mode 0777), and so replace the socket (chmod go-w "},
		"another group's":     {mode(0o750), "group operators may not enter the directory "},
		"a parent":            {func(dir string) error { return os.Chmod(dir, 0o770) }, "(mode 0770), and so replace"},
		"a parent is private": {func(dir string) error { return os.Chmod(dir, 0o700) }, "(mode 0700; chgrp operators "},
		"another user's": {func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/d", 0o755), os.Lchown(dir+"/d", 64002, -1))
		}, "/d belongs to user 64002, which is neither root nor the user running ringback"},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() != 0 && (name == "another user's" || name == "another group's") {
				t.Skip("needs root, to give the directory away")
			}
			dir := shortDir(t, 0o755)
			if err := tt.make(dir); err != nil {
				t.Fatal(err)
			}
			if l, err := Listen(dir+"/d/s", group); err == nil {
				l.Close()
				t.Error("no error")
			} else if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; must have %q", err, tt.want)
			}
			if _, err := os.Lstat(dir + "/d/s"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the socket: %v", err)
			}
		})
	}
}

// A daemon that is too busy to accept connections keeps its socket.
func TestBusySocketIsKept(t *testing.T) {
	path := filepath.Join(shortDir(t, 0o700), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("unix", path) // fills the queue
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := Listen(path, nil); err == nil || !strings.Contains(err.Error(), "it does not answer: ") {
		t.Errorf("%v", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Sys().(*syscall.Stat_t).Mode&unix.S_IFSOCK == 0 {
		t.Errorf("the socket: %v", err)
	}
}
