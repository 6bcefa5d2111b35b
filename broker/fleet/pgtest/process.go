package pgtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/ringback/ringback/lab/postgres"
)

// programs returns the directory of the programs of the newest PostgreSQL, or skips the test.
func programs(t testing.TB) string {
	t.Helper()
	dir, err := postgres.Programs(postgres.Debian)
	if err != nil {
		missing(t, err.Error())
	}
	return dir
}

func missing(t testing.TB, needs string) {
	t.Helper()
	if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
		t.Fatal(needs)
	}
	t.Skip(needs)
}

// credential is the user of PostgreSQL's processes; nil: the user of the tests.
func credential() *syscall.Credential {
	c, _ := postgres.Credential() // without a user postgres, the server says that it does not run as root
	return c
}

// give makes a file the property of the user of PostgreSQL.
func give(path string) error {
	if c := credential(); c != nil {
		return os.Chown(path, int(c.Uid), int(c.Gid))
	}
	return nil
}

// environment is that of the programs, without PGHOST and its like.
func environment(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C", "TZ=UTC"}
}

// The directories of what this process starts. Not below the test's own: the path of a socket has at most 107 octets.
var (
	inMemory = sync.OnceValues(func() (string, error) {
		var free syscall.Statfs_t
		if syscall.Statfs("/dev/shm", &free) != nil || free.Bavail*uint64(free.Bsize) < 4<<30 {
			return onDisk()
		}
		return newRoot("/dev/shm")
	})
	onDisk = sync.OnceValues(func() (string, error) { return newRoot("/tmp") })
)

// newRoot makes a directory. A shell that waits for the end of this process, however it comes, kills the servers below
// it and removes it.
func newRoot(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "pg")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	watch := exec.Command("/bin/sh", "-c", cleaner, "sh", dir)
	watch.Stdin = r
	watch.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := watch.Start(); err != nil {
		return "", err
	}
	held.Store(dir, w)
	return dir, nil
}

// held has files that stay open until the process ends. Children do not inherit them.
var held sync.Map

// cleaner kills each process that has its pid in a file of a directory below $1, with its children, which may be
// stopped, removes its segment of System V, and removes $1.
const cleaner = `
read -r _
for f in "$1"/*/data/postmaster.pid "$1"/*/pid; do
	[ -f "$f" ] || continue
	read -r pid < "$f"
	kill -STOP "$pid"
	for s in /proc/[0-9]*/stat; do
		read -r line < "$s" || continue
		set -- "$1" ${line##*) }
		[ "$3" = "$pid" ] && { s=${s#/proc/}; kill -KILL "${s%/stat}"; }
	done
	kill -KILL "$pid"
	ipcrm -m "$(sed -n '7s/.* //p' "$f")"
done 2>/dev/null
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
`

var count struct {
	sync.Mutex
	n int
}

// newDir makes a directory for a server.
func newDir(disk bool) (string, error) {
	root := inMemory
	if disk {
		root = onDisk
	}
	r, err := root()
	if err != nil {
		return "", err
	}
	count.Lock()
	count.n++
	dir := filepath.Join(r, fmt.Sprintf("s%d", count.n))
	count.Unlock()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	return dir, give(dir)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
