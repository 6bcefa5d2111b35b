package config

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/ringback/ringback/schema"
)

// access is who may do what with a file.
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

// What others than the owner must not do with a file.
const (
	noWrite fs.FileMode = 0o022 // what steers the daemon
	noRead  fs.FileMode = 0o026 // a secret; a group may read it
)

// distrust says why the daemon, which runs as euid, should not go by a file, and the command that mends it; "" where it
// may.
func (a access) distrust(path string, forbidden fs.FileMode, euid int) (why, mend string) {
	var whys, mends []string
	if a.uid != 0 && a.uid != euid {
		owner := "root"
		if euid != 0 {
			owner = fmt.Sprint(euid)
		}
		whys = append(whys, fmt.Sprintf("it belongs to user %d, neither root nor the user that runs this (%d)", a.uid,
			euid))
		mends = append(mends, "chown "+owner+" "+path)
	}
	switch mode := a.mode.Perm(); {
	case mode&forbidden == 0:
	case forbidden&0o004 != 0:
		whys = append(whys, fmt.Sprintf("others than the owner may use the file (mode %04o)", mode))
		mends = append(mends, "chmod 600 "+path)
	default:
		whys = append(whys, fmt.Sprintf("others than the owner may write it (mode %04o), and so choose the numbers "+
			"that are dialed", mode))
		mends = append(mends, "chmod go-w "+path)
	}
	return strings.Join(whys, "; "), strings.Join(mends, "; ")
}

// trust warns of a file or directory that others may change, or read where it is a secret, and keeps the daemon from
// starting with it. v is the key that names it; unset: the warning is the file's.
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
	l.problem(p)
	l.unsafe(p)
}

// unsafe keeps the daemon from starting; check-config has warned.
func (l *loader) unsafe(p Problem) {
	p.Severity = schema.Error
	l.cfg.Unsafe = append(l.cfg.Unsafe, p)
}

// trustLog warns of a log file that is a link, a device or a directory, which the daemon does not write to.
func (l *loader) trustLog(path string) {
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
		File: path, Severity: schema.Warning, Hint: "name a file, or leave log.file out for standard error",
		Msg: "log.file must be a regular file, not " + kind,
	}
	l.problem(p)
	l.unsafe(p)
}

// trustDir is trust for a directory that is there.
func (l *loader) trustDir(path string) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		l.trust(nil, path, accessOf(info), noWrite)
	}
}
