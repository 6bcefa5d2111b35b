package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab"
)

// TestPeerInstall installs the deb on a machine with systemd: the service runs as its user with the sample
// configuration; with that of a town it calls back, it is upgraded while a callback is pending, the callback is dialed
// by the new version, and a purge leaves nothing.
//
// The machine has the files of the one that runs the test: it does not show that the package needs one which only this
// machine has. The network is that of the test, and the modems are the lab's.
func TestPeerInstall(t *testing.T) {
	t.Parallel()
	release(t, "1.0.1") // it takes a while, and the callback is not to wait for it
	m := bootMachine(t)
	before := m.run(t, "cd /mnt && find . -name '*ringback*' -not -type c") // no marks of what is removed
	m.install(t, "1.0.0")
	m.until(t, "ringback show line")
	for _, tt := range []struct{ script, want string }{
		{"systemctl is-active ringback; systemctl is-enabled ringback", "active\nenabled"},
		{"ps -o user=,cmd= -p $(systemctl show -P MainPID ringback)",
			"ringback /usr/bin/ringback serve -c /etc/ringback/ringback.yaml"},
		{"grep CapEff /proc/$(systemctl show -P MainPID ringback)/status", "CapEff:\t0000000000000000"},
		{"id -nG ringback", "ringback dialout"},
		{"stat -c '%a %U %G' /etc/ringback /etc/ringback/ringback.yaml /var/lib/ringback /run/ringback",
			"750 root ringback\n640 root ringback\n700 ringback ringback\n755 ringback ringback"},
		{"systemctl show -P StatusText ringback", "0 lines: 0 in use, 0 out of service; 0 pending callbacks"},
		{"man --where ringback-show-line", "/usr/share/man/man1/ringback-show-line.1.gz"},
		{"dpkg --audit", ""},
	} {
		if out := m.run(t, tt.script); out != tt.want {
			t.Errorf("%s: %q, want %q", tt.script, out, tt.want)
		}
	}

	l := m.adopt(t)
	play(t, l, shipped(t, "no-verify"))

	upgraded := make(chan error, 1)
	go func() {
		upgraded <- whenPending(t.Context(), l, func() { m.install(t, "1.0.1") })
	}()
	r := play(t, l, parse(t, typedNumber))
	if err := <-upgraded; err != nil {
		t.Fatal(err)
	}
	if out := m.run(t, "ringback version"); !strings.HasPrefix(out, "ringback 1.0.1,") {
		t.Errorf("after the upgrade: %s", out)
	}
	if d := lineDials(l); len(d) != 2 {
		t.Errorf("dial commands of the lines: %+v, must be two", d)
	}
	if wait := waited(r.Callback, "Restarted", lineDials(l)); wait < time.Minute {
		t.Errorf("dialed %v after the upgrade, forced_wait is 1 min", wait)
	}
	if out := m.run(t, "cat /etc/ringback/ringback.yaml"); !strings.Contains(out, "maui-nas-04") {
		t.Errorf("the upgrade has changed the configuration:\n%s", out)
	}

	m.run(t, "dpkg --force-unsafe-io --remove ringback")
	m.run(t, "test -e /var/lib/ringback/journal.db -a -e /etc/ringback/ringback.yaml -a ! -e /usr/bin/ringback")
	m.install(t, "1.0.1")
	m.until(t, "[ $(ringback show line | grep -c idle) = 4 ]") // it runs again, with what it had
	m.run(t, "systemctl stop ringback && "+
		"dpkg --force-unsafe-io --install /job/*.deb && ! systemctl is-active ringback")
	m.run(t, "dpkg --force-unsafe-io --purge ringback")
	if after := m.run(t, "cd /mnt && find . -name '*ringback*' -not -type c"); after != before {
		t.Errorf("after the purge there is still\n%s\nbefore the installation there was\n%s", after, before)
	}
	if out, err := m.try(t, "getent passwd ringback || getent group ringback || ls /run/ringback"); err == nil {
		t.Errorf("after the purge: %s", out)
	}
}

// adopt starts a town whose daemon is the service of the machine.
func (m *machine) adopt(t *testing.T) *lab.Lab {
	t.Helper()
	l := startTown(t, lab.Options{})
	l.StopDaemon()
	files := map[string]string{}
	err := filepath.WalkDir(l.Dir(), func(path string, e os.DirEntry, err error) error {
		name, _ := filepath.Rel(l.Dir(), path)
		if err != nil {
			return err
		}
		if e.IsDir() && name == "state" {
			return filepath.SkipDir
		}
		if e.Type().IsRegular() && !strings.HasSuffix(name, ".log") {
			files[name] = readFile(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	files["ringback.yaml"] = strings.NewReplacer("state_dir: state", "state_dir: /var/lib/ringback",
		l.Town().Socket, socket, "forced_wait: 5s", "forced_wait: 1m"). // an upgrade fits into it on a busy machine
		Replace(files["ringback.yaml"])
	m.put(t, "/etc/ringback", files)
	m.run(t, "chmod 640 /etc/ringback/* 2>/dev/null; find /etc/ringback -type d -exec chmod 750 {} + "+
		"-exec chgrp ringback {} +; systemctl restart ringback")
	m.until(t, "[ $(ringback show line | grep -c idle) = 4 ]")
	m.answerFor(t, l)
	return l
}

// socket is the admin socket of the packages.
const socket = "/run/ringback/ringback.sock"

// answerFor makes the service of the machine the daemon that a town asks.
func (m *machine) answerFor(t *testing.T, l *lab.Lab) {
	t.Helper()
	if err := os.Remove(l.Town().Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/"+strconv.Itoa(m.init)+"/root"+socket, l.Town().Socket); err != nil {
		t.Fatal(err)
	}
}
