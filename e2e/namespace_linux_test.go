package e2e

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// inNamespace is the variable that says that the process runs in a network namespace of its own.
const inNamespace = "TEST_NAMESPACE" // not RINGBACK_…, which names keys

// The hosts of the namespace that callers reach.
const (
	namespaceIPv4 = "198.51.100.1"
	namespaceIPv6 = "2001:db8:5::1"
)

// enterNamespace runs the calling test again, in a process with a network namespace of its own, whose loopback
// interface has the hosts' addresses. It returns true in that process: there the test goes on. It skips the test
// without root.
func enterNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		if err := setUpNamespace(); err != nil {
			t.Fatalf("set up the namespace: %v", err)
		}
		return true
	}
	if _, err := os.Stat("/dev/net/tun"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs /dev/net/tun: modprobe tun")
	}
	if os.Geteuid() != 0 {
		skipPeer(t, "needs root, for a network namespace")
	}
	anchored := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	runtime.LockOSThread() // Pdeathsig is sent at the end of the thread that started the child
	defer runtime.UnlockOSThread()
	c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.timeout=15m", "-test.run="+anchored)
	c.Env = append(os.Environ(), inNamespace+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in the namespace: %v\n%s", err, out)
	} else {
		t.Logf("in the namespace:\n%s", out)
	}
	return false
}

// setUpNamespace brings loopback up, gives it the addresses of hosts, and permits pings.
var setUpNamespace = sync.OnceValue(func() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	errs := []error{netlink.LinkSetUp(lo), os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 0"), 0)}
	for _, host := range []string{namespaceIPv4 + "/32", namespaceIPv6 + "/128"} {
		addr, err := netlink.ParseAddr(host)
		if err != nil {
			return err
		}
		if addr.IP.To4() == nil {
			addr.Flags = unix.IFA_F_NODAD // usable at once
		}
		errs = append(errs, netlink.AddrAdd(lo, addr))
	}
	return errors.Join(errs...)
})
