package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// guest is a computer with a real kernel: Debian's user-mode-linux, which has the kernel's PPP where that of the
// machine may lack it. One root serves any number of them.
type guest struct {
	linux string // the program
	root  string // the root directory
	shim  string // for CPUs whose state of the floating-point unit is larger than the guest's kernel expects
}

// newGuest prepares the root, or skips the test.
func newGuest(t *testing.T) guest {
	t.Helper()
	g := guest{linux: needs(t, "linux.uml", "user-mode-linux"), root: filepath.Join(t.TempDir(), "root"),
		shim: filepath.Join(t.TempDir(), "umlfp.so")}
	needs(t, "busybox", "busybox-static")
	needs(t, "pppd", "ppp")
	runHere(t, ".", needs(t, "gcc", "gcc"), "-shared", "-fPIC", "-O2", "-o", g.shim, "testdata/uml/umlfp.c", "-ldl")
	runHere(t, ".", "sh", "testdata/uml/mkroot.sh", g.root)
	return g
}

// run boots the guest with a serial port ttyS0 that is the given terminal, has it run job, a script of busybox's
// shell, and returns what it printed.
func (g guest) run(t *testing.T, tty, job string) string {
	t.Helper()
	dir := tempDir(t) // short: it has the socket of the guest's console
	if err := os.WriteFile(filepath.Join(dir, "job.sh"), []byte(job), 0o600); err != nil {
		t.Error(err)
		return ""
	}
	// Without the blacklist, the kernel measures RAID algorithms for a second.
	args := []string{"mem=64M", "umid=guest", "uml_dir=" + dir + "/", "rootfstype=hostfs", "rootflags=" + g.root, "ro",
		"init=/init", "quiet", "con=null", "con0=null,fd:1", "ssl=null", "ssl0=tty:" + tty,
		"initcall_blacklist=raid6_select_algo", "lpj=5000000", "job=" + dir}
	for range 5 {
		c := exec.Command(g.linux, args...)
		c.Env = append(os.Environ(), "LD_PRELOAD="+g.shim, "TMPDIR=/dev/shm")
		out, err := runGroup(t, c)
		if strings.Contains(out, "READY") {
			if err != nil {
				t.Error(err)
			}
			return out
		}
		t.Logf("the guest did not boot: %v\n%s", err, out) // a few boots in a hundred fail to fork
	}
	t.Error("the guest does not boot")
	return ""
}

// TestPeerKernelPPP: as TestPeerPPPD, with the framing of Linux's kernel.
func TestPeerKernelPPP(t *testing.T) {
	t.Parallel()
	for _, device := range []string{"userspace", "tun"} {
		t.Run(device, func(t *testing.T) {
			t.Parallel()
			if !enterNamespace(t) {
				return
			}
			g := newGuest(t)
			town := newPeerTown(t, device, nil)
			var all sync.WaitGroup
			for _, u := range pppUsers {
				u.size = 256 << 10
				all.Go(func() {
					tty, err := town.ServePTY(u.modem)
					if err != nil {
						t.Error(err)
						return
					}
					printed(t, u, g.run(t, tty, town.script(t, u, "pppd", "/dev/ttyS0", "/tmp")), nil)
				})
			}
			all.Wait()
			town.calledBack(t, pppUsers)
		})
	}
}
