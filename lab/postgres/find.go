package postgres

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ErrMissing: PostgreSQL is not installed on this machine.
var ErrMissing = errors.New("PostgreSQL 15 or later is not installed on this machine (Debian: apt-get install " +
	"postgresql-15)")

// oldest is the oldest version that a fleet works with.
const oldest = 15

// Programs returns the directory with the programs of the newest PostgreSQL below installed: Debian, or another
// directory with versions of it. Without one there, it is that of initdb in PATH. The error is ErrMissing.
func Programs(installed string) (string, error) {
	found, _ := filepath.Glob(filepath.Join(installed, "*", "bin", "postgres"))
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if n := len(found); n > 0 && version(found[n-1]) >= oldest {
		return filepath.Dir(found[n-1]), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrMissing
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return "", ErrMissing
	}
	return filepath.Dir(initdb), nil
}

// version returns 15 for …/15/bin/postgres.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// Credential is the user of Debian's package if this process is root's, which PostgreSQL refuses; nil: its own user.
func Credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres: start the lab as " +
			"another user")
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{uint32(gid)}}, nil
}
