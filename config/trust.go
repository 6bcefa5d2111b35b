package config

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/ringback/ringback/schema"
)

// access is the permissions of a file.
type access struct {
	mode fs.FileMode
	uid  int
}

func accessOf(info fs.FileInfo) access {
	a := access{mode: info.Mode(), uid: os.Geteuid()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		a.uid = int(st.Uid)
	}
	return a
}

// identity returns the device and the number of a file there: a file that replaces another has another number.
func identity(info fs.FileInfo) (device, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), st.Ino
	}
	return 0, 0
}

// Permissions that others than the owner must not have.
const (
	noWrite fs.FileMode = 0o022 // files that control the daemon
	noRead  fs.FileMode = 0o026 // a secret; a group may read it
)

// distrust returns why the daemon, running as euid, should not use a file, and the command that fixes it; "" if
// the file is safe.
func (a access) distrust(path string, forbidden fs.FileMode, euid int) (why, mend string) {
	var whys, mends []string
	if a.uid != 0 && a.uid != euid {
		owner := "root"
		if euid != 0 {
			owner = fmt.Sprint(euid)
		}
		whys = append(whys, fmt.Sprintf("it belongs to user %d, which is neither root nor the user running "+
			"ringback (%d)", a.uid, euid))
		mends = append(mends, "chown "+owner+" "+path)
	}
	switch mode := a.mode.Perm(); {
	case mode&forbidden == 0:
	case forbidden&0o004 != 0:
		whys = append(whys, fmt.Sprintf("users other than the owner have access to the file (mode %04o)", mode))
		mends = append(mends, "chmod 600 "+path)
	default:
		whys = append(whys, fmt.Sprintf("users other than the owner can write it (mode %04o), and so choose the "+
			"numbers that are dialed", mode))
		mends = append(mends, "chmod go-w "+path)
	}
	return strings.Join(whys, "; "), strings.Join(mends, "; ")
}

// trust warns of a file or directory that others may change, or of a secret that others may read, and keeps the
// daemon from starting. As root it warns for the user of the service; only a daemon that root starts is kept from
// starting. v is the key that names the file; if it is unset, the warning is about the configuration file itself.
func (l *loader) trust(v *schema.Value, path string, a access, forbidden fs.FileMode) {
	why, mend := a.distrust(path, forbidden, os.Geteuid())
	if why == "" {
		return
	}
	p := Problem{File: path, Severity: schema.Warning, Hint: mend, Msg: why}
	if v.IsSet() {
		p = Problem{File: l.file, Line: v.Line, Column: v.Column, Key: v.Path, Severity: schema.Warning, Hint: mend,
			Msg: path + ": " + why}
	}
	l.unsafe(p)
	if why, _ := a.distrust(path, forbidden, l.service()); why != "" {
		l.problem(p)
	}
}

// service is the user whose daemon uses the files. Root does not run the daemon, and checks them for the owner of the
// state directory: otherwise check-config would tell root to take it away from the daemon.
func (l *loader) service() int {
	if euid := os.Geteuid(); euid != 0 {
		return euid
	}
	info, err := os.Stat(l.filePath("state_dir"))
	if err != nil {
		return 0
	}
	return accessOf(info).uid
}

// unsafe keeps the daemon from starting; check-config only warns.
func (l *loader) unsafe(p Problem) {
	p.Severity = schema.Error
	l.cfg.Unsafe = append(l.cfg.Unsafe, p)
}

// trustOutput warns of a file to append to that is a link, a device or a directory: the daemon does not write to these.
func (l *loader) trustOutput(key, hint, path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().IsRegular() {
		return
	}
	kind := "a device, pipe or socket"
	switch {
	case info.IsDir():
		kind = "a directory"
	case info.Mode().Type() == fs.ModeSymlink:
		kind = "a symbolic link"
	}
	p := Problem{
		File: path, Severity: schema.Warning, Hint: hint, Msg: key + " must be a regular file, not " + kind,
	}
	l.problem(p)
	l.unsafe(p)
}

// trustDir is trust for a directory, if it exists.
func (l *loader) trustDir(path string) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		l.trust(nil, path, accessOf(info), noWrite)
	}
}
