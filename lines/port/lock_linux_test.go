package port

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// TestMain makes the test program a second user of a port if the environment requests it.
func TestMain(m *testing.M) {
	if url := os.Getenv("PORT_TEST_HOLD"); url != "" {
		hold(url, os.Getenv("PORT_TEST_LOCKDIR"))
	}
	if name := os.Getenv("PORT_TEST_NAME"); name != "" {
		fmt.Printf("named: %v\n", os.WriteFile("/proc/self/comm", []byte(name), 0))
		bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// hold opens a port, prints a line and keeps the port until its standard input ends.
func hold(url, dir string) {
	a, err := Parse(url)
	if err == nil {
		_, err = a.Open(context.Background(), Options{LockDir: dir})
	}
	fmt.Printf("opened: %v\n", err)
	bufio.NewReader(os.Stdin).ReadByte()
	os.Exit(0) // without Close, as after a crash
}

func TestLockTwoProcesses(t *testing.T) {
	_, slave := newPTY(t)
	dir := t.TempDir()
	a := Address{Scheme: Serial, Path: slave}
	lock := filepath.Join(dir, "LCK.."+strings.ReplaceAll(strings.TrimPrefix(slave, "/dev/"), "/", "_"))

	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "PORT_TEST_HOLD="+a.String(), "PORT_TEST_LOCKDIR="+dir)
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(stdout).ReadString('\n'); said != "opened: <nil>\n" {
		t.Fatalf("the other process says %q, %v", said, err)
	}
	_, err = a.Open(t.Context(), Options{LockDir: dir})
	want := fmt.Sprintf("%s: locked by process %d (port.test); end it or remove %s", a.Name(), other.Process.Pid, lock)
	if err == nil || err.Error() != want {
		t.Errorf("Open: %v\nwant %s", err, want)
	}
	stdin.Close()
	stuck := time.AfterFunc(time.Minute, func() { other.Process.Kill() })
	defer stuck.Stop()
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(lock); err != nil {
		t.Fatalf("the process that ended without Close has left no lock: %v", err)
	}
	p := mustOpen(t, a, Options{LockDir: dir}) // the lock of a dead process has no effect
	if b, err := os.ReadFile(lock); string(b) != fmt.Sprintf("%10d\n", os.Getpid()) {
		t.Errorf("the lock holds %q, %v", b, err)
	}
	p.Close()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left in the lock directory: %v", left)
	}
}

func TestLockContents(t *testing.T) {
	dead := exec.Command("/proc/self/exe", "-test.run=^$")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	gone := dead.Process.Pid
	tests := []struct {
		name, content string
		want          string // "" opens
	}{
		{"dead", fmt.Sprintf("%10d\n", gone), ""},
		{"dead, with a name after it", fmt.Sprintf("%10d minicom root\n", gone), ""},
		{"dead, binary", string(binary.NativeEndian.AppendUint32(nil, uint32(gone))), ""},
		{"ours, from an earlier process", fmt.Sprintf("%10d\n", os.Getpid()), ""},
		{"alive", fmt.Sprintf("%10d\n", os.Getppid()), fmt.Sprintf("locked by process %d (", os.Getppid())},
		{"alive, not padded", fmt.Sprintf("%d", os.Getppid()), fmt.Sprintf("locked by process %d (", os.Getppid())},
		{"empty", "", "contains no process number"},
		{"text", "minicom\n", "contains no process number"},
		{"every process", "        -1\n", "contains no process number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, slave := newPTY(t)
			dir := t.TempDir()
			path := filepath.Join(dir, lockName(slave))
			if err := os.WriteFile(path, []byte(tt.content), 0o644); err != nil {
				t.Fatal(err)
			}
			p, err := Address{Scheme: Serial, Path: slave}.Open(t.Context(), Options{LockDir: dir})
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				p.Close()
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open: %v; want …%s…", err, tt.want)
			}
			if b, _ := os.ReadFile(path); string(b) != tt.content {
				t.Errorf("the lock was changed to %q", b)
			}
		})
	}
}

// What any user can put in the place of the lock neither blocks, nor is opened, followed, read to its end or replaced.
func TestLockIsNone(t *testing.T) {
	t.Parallel()
	elsewhere := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(elsewhere, []byte("         1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := func(target string) func(string) error {
		return func(path string) error { return os.Symlink(target, path) }
	}
	tests := []struct {
		name string
		make func(path string) error
		want string
	}{
		{"FIFO", func(path string) error { return unix.Mkfifo(path, 0o666) }, "is a FIFO, not a regular file"},
		{"link to a file", link(elsewhere), "is a symbolic link, not a regular file"},
		{"link to a device", link("/dev/zero"), "is a symbolic link, not a regular file"},
		{"link to nothing", link(elsewhere + "2"), "is a symbolic link, not a regular file"},
		{"directory", func(path string) error { return os.Mkdir(path, 0o755) }, "is a directory, not a regular file"},
		{"socket", func(path string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Bind(fd, &unix.SockaddrUnix{Name: path})
		}, "is a socket, not a regular file"},
		{"huge file", func(path string) error {
			if err := os.WriteFile(path, nil, 0o666); err != nil {
				return err
			}
			return os.Truncate(path, 1<<40)
		}, "contains no process number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, slave := newPTY(t)
			dir, err := os.MkdirTemp("", "lock") // short enough for the path of a socket
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			path := filepath.Join(dir, lockName(slave))
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			a := Address{Scheme: Serial, Path: slave}
			p, err := a.Open(t.Context(), Options{LockDir: dir})
			if err == nil {
				p.Close()
				t.Fatal("opened")
			}
			if !strings.HasPrefix(err.Error(), a.Name()+": lock file "+path+" "+tt.want) ||
				!strings.Contains(err.Error(), "remove it") {
				t.Errorf("Open: %v; want %s and the fix", err, tt.want)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it was replaced: %v, %v", after, err)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("left in the lock directory: %v", left)
			}
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			mustOpen(t, a, Options{LockDir: dir}) // the next try of the line
		})
	}
	if _, err := os.Lstat(elsewhere + "2"); err == nil {
		t.Error("a lock was made through a symbolic link")
	}
}

// The text says to end a process only if it may have the device open.
func TestLockForged(t *testing.T) {
	other := exec.Command("sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	for _, pid := range []int{1, other.Process.Pid} {
		_, slave := newPTY(t)
		dir := t.TempDir()
		path := filepath.Join(dir, lockName(slave))
		if err := os.WriteFile(path, fmt.Appendf(nil, "%10d\n", pid), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Address{Scheme: Serial, Path: slave}.Open(t.Context(), Options{LockDir: dir})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("locked by process %d (", pid)) ||
			!strings.Contains(err.Error(), "stale or forged") || !strings.Contains(err.Error(), "remove "+path) ||
			strings.Contains(err.Error(), "end it") {
			t.Errorf("process %d: %v", pid, err)
		}
	}
}

// A process can give itself a name with control characters: the text that quotes it is for a terminal.
func TestLockHostileName(t *testing.T) {
	name := []byte("a\x1b[2J\nb\x9b")
	other := exec.Command("/proc/self/exe", "-test.run=^$")
	other.Env = append(os.Environ(), "PORT_TEST_NAME="+string(name))
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer stdin.Close()
	if said, err := bufio.NewReader(stdout).ReadString('\n'); said != "named: <nil>\n" {
		t.Fatalf("the other process says %q, %v", said, err)
	}
	text := lockedBy(other.Process.Pid, "/dev/null", "/run/lock/LCK..null").Error()
	if !strings.Contains(text, `(a\x1b[2J\nb\x9b)`) || strings.ContainsAny(text, "\x1b\n") ||
		!utf8.ValidString(text) {
		t.Errorf("%q", text)
	}
}

// A stale lock that a stranger keeps by flock is an error that says so; it is not removed under them.
func TestLockStaleKept(t *testing.T) {
	dead := exec.Command("/proc/self/exe", "-test.run=^$")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{dead.Process.Pid, os.Getpid()} {
		dir := t.TempDir()
		path := filepath.Join(dir, "LCK..ttyS0")
		if err := os.WriteFile(path, fmt.Appendf(nil, "%10d\n", pid), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != nil {
			t.Fatal(err)
		}
		l, err := takeLock(dir, "/dev/ttyS0", nil)
		if err == nil {
			l.release()
			t.Fatalf("process %d: taken", pid)
		}
		if !strings.Contains(err.Error(), "`fuser -v "+path+"` names the program") {
			t.Errorf("process %d: %v", pid, err)
		}
	}
}

// FuzzLockOwner: no content of a lock names process 0, a group of processes or all of them (kill(2)).
func FuzzLockOwner(f *testing.F) {
	f.Add([]byte("        12\n"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte("-1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if pid, err := lockOwner(bytes.NewReader(b)); pid < 0 || err != nil {
			t.Errorf("%d, %v", pid, err)
		}
	})
}

func TestLockSameProcess(t *testing.T) {
	_, slave := newPTY(t)
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "modem")
	if err := os.Symlink(slave, link); err != nil {
		t.Fatal(err)
	}
	p := mustOpen(t, Address{Scheme: Serial, Path: slave}, Options{LockDir: dir})
	for _, path := range []string{slave, link} { // another name does not avoid the lock
		if _, err := (Address{Scheme: Serial, Path: path}).Open(t.Context(), Options{LockDir: dir}); err == nil ||
			!strings.Contains(err.Error(), "locked by this process") {
			t.Errorf("%s: %v", path, err)
		}
	}
	p.Close()
	mustOpen(t, Address{Scheme: Serial, Path: link}, Options{LockDir: dir})
}

// A lock that was replaced (a user removed it and created another) is not removed by our Close.
func TestLockTaken(t *testing.T) {
	_, slave := newPTY(t)
	dir := t.TempDir()
	p := mustOpen(t, Address{Scheme: Serial, Path: slave}, Options{LockDir: dir})
	path := filepath.Join(dir, lockName(slave))
	os.Remove(path)
	if err := os.WriteFile(path, []byte("         1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); string(b) != "         1\n" {
		t.Errorf("the other's lock: %q, %v", b, err)
	}
}

// If several processes find one stale lock, only one at a time gets it.
func TestLockRace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "LCK..ttyS0")
	for range 50 {
		if err := os.WriteFile(path, fmt.Appendf(nil, "%10d\n", os.Getpid()), 0o644); err != nil {
			t.Fatal(err)
		}
		var holders, most atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				l, err := takeLock(dir, "/dev/ttyS0", nil)
				if err != nil {
					return
				}
				if n := holders.Add(1); n > most.Load() {
					most.Store(n)
				}
				holders.Add(-1)
				if err := l.release(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most.Load() != 1 {
			t.Fatalf("%d held the lock at the same time", most.Load())
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLockName(t *testing.T) {
	for device, want := range map[string]string{"/dev/ttyS0": "LCK..ttyS0", "/dev/pts/77777": "LCK..pts_77777",
		"/srv/tty9": "LCK..srv_tty9"} {
		if got := lockName(device); got != want {
			t.Errorf("lockName(%s) = %s, want %s", device, got, want)
		}
	}
}
