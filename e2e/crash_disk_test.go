package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mountState runs its further arguments in their own mount namespace, with a small disk in memory at its first.
const mountState = `mount -t tmpfs -o size=8m,mode=0700 none "$1" && shift && exec "$@"`

// TestPeerCrashDiskFull fills the disk of the state directory under the running daemon.
func TestPeerCrashDiskFull(t *testing.T) {
	unshare := []string{"unshare", "-m", "sh", "-c", mountState, "sh"}
	if os.Getuid() != 0 {
		unshare[1] = "-rm"
	}
	if out, err := exec.Command(unshare[0], append(unshare[1:], t.TempDir(), "true")...).CombinedOutput(); err != nil {
		t.Skipf("needs its own mount: root, or user namespaces: %v %s", err, out)
	}
	town := newCrashTown(t, crashWorld{callers: 2, plain: true})
	if err := os.Mkdir(town.crashWorld.state, 0o700); err != nil {
		t.Fatal(err)
	}
	d := town.start(t, append(unshare, town.crashWorld.state)...)
	inside := fmt.Sprintf("/proc/%d/root%s", d.cmd.Process.Pid, town.crashWorld.state)
	filler := filepath.Join(inside, "filler")
	crashFull(t, town, d, func() error {
		f, err := os.Create(filler)
		if err != nil {
			return err
		}
		defer f.Close()
		for block := make([]byte, 64<<10); len(block) > 0; block = block[:len(block)/2] { // to the last octet
			for err == nil {
				_, err = f.Write(block)
			}
			if !errors.Is(err, syscall.ENOSPC) {
				return err
			}
			err = nil
		}
		return nil
	}, func() error { return os.Remove(filler) })
	// The disk disappears with the daemon: the witness needs a copy.
	for _, name := range []string{"journal.key", "journal.db", "journal.db-wal"} {
		if err := crashCopy(filepath.Join(inside, name), filepath.Join(town.crashWorld.state, name)); err != nil {
			t.Fatal(err)
		}
	}
	d.kill()
	if err := town.witness(); err != nil {
		t.Error(err, town.story(d))
	}
}

// TestCrashFileLimit makes the kernel refuse each further octet in the journal's files: the same test without a disk to
// fill.
func TestCrashFileLimit(t *testing.T) {
	town := newCrashTown(t, crashWorld{callers: 2, plain: true})
	d := town.start(t)
	limit := func(size uint64) error {
		var now unix.Rlimit
		if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &now); err != nil {
			return err
		}
		now.Cur = min(size, now.Max)
		return unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, &now, nil)
	}
	crashFull(t, town, d, func() error {
		info, err := os.Stat(town.journal() + "-wal")
		if err != nil {
			return err
		}
		return limit(uint64(info.Size()))
	}, func() error { return limit(unix.RLIM_INFINITY) })
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	if err := town.witness(); err != nil {
		t.Error(err, town.story(d))
	}
}

// crashFull: while the disk is full a caller is told so and is back at the login prompt, nothing is dialed and nobody
// is admitted; as soon as there is room the same daemon calls back.
func crashFull(t *testing.T, town *crashTown, d *crashDaemon, fill, free func() error) {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Helper()
			d.kill()
			t.Fatal(err, town.story(d))
		}
	}
	fail(d.ready())
	fail(fill())
	plain := town.callers[1]
	admitted := useUp(t, plain, d, fail)
	c := town.callers[0]
	c.call()
	fail(c.hangsUp(d))
	heard, refused, sessions, again := c.saw()
	if heard != 0 || refused == 0 || !again || sessions != 0 {
		t.Errorf("%d promises, %d refusals, back at the login prompt: %v, %d sessions", heard,
			refused, again, sessions)
	}
	plain.call()
	fail(plain.hangsUp(d))
	if _, refused, sessions, _ := plain.saw(); refused < 2 || sessions != admitted {
		t.Errorf("a user without a callback: %d sessions without accounting, refused %d times", sessions-admitted,
			refused)
	}
	if h, err := town.client().Health(t.Context()); err != nil || len(h.Problems) == 0 ||
		!strings.Contains(h.Problems[0], "nothing can be recorded since") {
		t.Errorf("show health: %+v %v", h.Problems, err)
	}
	fail(d.rest(0))
	if n := len(town.lineDials()); n != 0 {
		t.Errorf("%d dials", n)
	}
	fail(free())
	c.call()
	fail(c.hangsUp(d))
	fail(d.rest(1))
	heard, _, sessions, _ = c.saw()
	if dials := len(town.lineDials()); heard != 1 || sessions != 1 || dials != 1 {
		t.Errorf("with room again: %d promises, %d dials, %d sessions", heard, dials, sessions)
		d.kill()
		t.Log(town.story(d))
	}
}

// useUp lets a user without a callback call until nothing can be recorded: the journal may have room within its files
// when the disk has none. It returns how often the user was admitted and recorded.
func useUp(t *testing.T, plain *crashCaller, d *crashDaemon, fail func(error)) int {
	t.Helper()
	for range 200 {
		plain.call()
		fail(plain.hangsUp(d))
		if _, refused, sessions, _ := plain.saw(); refused > 0 {
			return sessions
		}
	}
	t.Fatal("a full disk stores 200 sessions")
	return 0
}

// hangsUp waits for the end of their call.
func (c *crashCaller) hangsUp(d *crashDaemon) error {
	select {
	case <-c.over:
		return nil
	case <-d.ended:
		return errCrashEnded
	case <-time.After(patience):
		return errors.New("the call does not end")
	}
}

func crashCopy(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// says reports whether the daemon, which has ended, has logged all the texts in one line.
func (d *crashDaemon) says(texts ...string) bool {
next:
	for l := range strings.Lines(d.out.String()) {
		for _, text := range texts {
			if !strings.Contains(l, text) {
				continue next
			}
		}
		return true
	}
	return false
}
