package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// machine is a Debian that has booted with systemd as its first process: testdata/machine/boot.sh.
type machine struct {
	dir  string // /job of the machine
	init int    // its first process, as the caller numbers it
}

// bootMachine boots a machine with the files of this one, or skips the test. It ends with the test.
func bootMachine(t *testing.T) *machine {
	t.Helper()
	return bootRoot(t, "/")
}

// bootNew boots a machine on which a release of Debian has just been installed, with systemd and no other package than
// the necessary ones, or skips the test.
func bootNew(t *testing.T, suite string) *machine {
	t.Helper()
	needs(t, "debootstrap", "debootstrap")
	root, _ := debians.LoadOrStore(suite, sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", suite)
		if err != nil {
			return "", err
		}
		out, err := exec.Command("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus", suite, dir).
			CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return dir, err
	}))
	dir, err := root.(func() (string, error))()
	if err != nil {
		skipPeer(t, "debootstrap %s: %v", suite, err)
	}
	return bootRoot(t, dir)
}

// debians are the roots that bootNew has made, by release.
var debians sync.Map

// removeMade removes the directories that a function of the map has made.
func removeMade(m *sync.Map) {
	m.Range(func(_, made any) bool {
		if dir, _ := made.(func() (string, error))(); dir != "" {
			os.RemoveAll(dir)
		}
		return true
	})
}

// bootRoot boots a machine with the files of a root directory, which it does not change.
func bootRoot(t *testing.T, root string) *machine {
	t.Helper()
	for _, p := range []struct{ program, pkg string }{{"unshare", "util-linux"}, {"nsenter", "util-linux"},
		{"systemctl", "systemd"}, {"dpkg", "dpkg"}} {
		needs(t, p.program, p.pkg)
	}
	if os.Geteuid() != 0 {
		skipPeer(t, "needs root, to boot systemd in namespaces")
	}
	m := &machine{dir: tempDir(t)}
	script, err := filepath.Abs("testdata/machine/boot.sh")
	if err != nil {
		t.Fatal(err)
	}
	console, err := os.Create(filepath.Join(m.dir, "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	boot := exec.Command("unshare", "--mount", "sh", script, m.dir, root)
	boot.Stdout, boot.Stderr = console, console
	boot.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	life, err := boot.StdinPipe() // the machine ends when it is closed, also by the end of this process
	if err := errors.Join(err, boot.Start()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- boot.Wait() }()
	t.Cleanup(func() {
		life.Close()
		select {
		case <-ended:
		case <-time.After(patience):
			_ = syscall.Kill(-boot.Process.Pid, syscall.SIGKILL)
			t.Errorf("the machine does not end: %v", <-ended)
		}
	})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		if m.init == 0 {
			data, _ := os.ReadFile(filepath.Join(m.dir, "pid"))
			m.init, _ = strconv.Atoi(strings.TrimSpace(string(data)))
		}
		if m.init > 0 {
			if out, _ := m.try(t, "systemctl is-system-running"); strings.Contains(out, "running") ||
				strings.Contains(out, "degraded") {
				return m
			}
		}
		select {
		case <-tick.C:
		case err := <-ended:
			ended <- err
			skipPeer(t, "systemd does not boot in namespaces: %v\n%s", err, readFile(t, console.Name()))
		case <-limit:
			t.Fatalf("the machine does not boot within %v\n%s", patience, readFile(t, console.Name()))
		}
	}
}

// try runs a script of bash as root of the machine.
func (m *machine) try(t *testing.T, script string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := m.command(ctx, script)
	c.WaitDelay = 10 * time.Second
	out, err := c.CombinedOutput()
	return string(out), err
}

// command is a command that runs a script of bash as root of the machine, at home.
func (m *machine) command(ctx context.Context, script string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", "--target", strconv.Itoa(m.init), "--mount", "--pid", "--cgroup",
		"--uts", "--ipc", "--root", "--wd", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"DEBIAN_FRONTEND=noninteractive", "HOME=/root", "TERM=dumb", "bash", "-c", "cd; "+script)
}

// atTerminal runs a script at a terminal of the test.
func (m *machine) atTerminal(t *testing.T, script string) *terminal {
	t.Helper()
	return onTerminal(t, m.command(t.Context(), script))
}

// run is try for a script that must succeed.
func (m *machine) run(t *testing.T, script string) string {
	t.Helper()
	out, err := m.try(t, script)
	if err != nil {
		t.Fatalf("in the machine: %s\n%v\n%s\n%s", script, err, out, m.log(t))
	}
	return strings.TrimSpace(out)
}

// log is the log of the service.
func (m *machine) log(t *testing.T) string {
	t.Helper()
	out, _ := m.try(t, "systemctl status --no-pager --full ringback; "+
		"journalctl --unit ringback --no-pager --output cat | tail -n 40")
	return out
}

// until runs a script of the machine again and again until it succeeds.
func (m *machine) until(t *testing.T, script string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		if _, err := m.try(t, script); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("in the machine, within %v: %s\n%s", patience, script, m.log(t))
		}
	}
}

// put copies files into a directory of the machine, as root's.
func (m *machine) put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(m.dir, "file"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m.run(t, "install -D -m 640 -g ringback /job/file "+filepath.Join(dir, name))
	}
}

// install installs a release, as apt does with a file.
func (m *machine) install(t *testing.T, version string) {
	t.Helper()
	m.run(t, "dpkg --force-unsafe-io --install "+m.fetch(t, version, "*.deb"))
}

// fetch copies a file of a release into the machine, and returns its path there.
func (m *machine) fetch(t *testing.T, version, pattern string) string {
	t.Helper()
	file := only(t, release(t, version), pattern)
	data, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(filepath.Join(m.dir, filepath.Base(file)), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "/job/" + filepath.Base(file)
}
