package client

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The hint matches the cause: permission denied does not suggest that the daemon is stopped.
func TestUnreached(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	c := New(socket)
	said := func(errno syscall.Errno) string {
		return c.unreached(&url.Error{Op: "Get", URL: "http://ringback/v1/lines",
			Err: &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)}}).Error()
	}
	const running = " (is `ringback serve` or `ringback lab` running?)"
	for errno, want := range map[syscall.Errno]string{
		syscall.EACCES:       "permission denied (run as the user of the daemon or a member of its group)",
		syscall.ENOENT:       "no such file or directory" + running,
		syscall.ECONNREFUSED: "connection refused" + running,
		syscall.EMFILE:       "too many open files",
	} {
		if got := said(errno); got != "connect to the daemon at "+socket+": "+want {
			t.Errorf("%s", got)
		}
	}
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := said(syscall.EACCES); got != "connect to the daemon at "+socket+
		": permission denied (run as the user of the daemon)" {
		t.Errorf("socket without group access: %s", got)
	}
}

// A daemon that hangs accepts connections, and the order may be carried out when it goes on.
func TestDaemonHangs(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket) // the kernel accepts; nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := within(socket, 10*time.Millisecond)
	_, asked := c.Health(t.Context())
	_, ordered := c.OrderLockdown(t.Context(), "stolen passwords", false)
	for err, order := range map[error]bool{asked: false, ordered: true} {
		if err == nil || !strings.Contains(err.Error(), "the daemon at "+socket+" does not answer (") ||
			strings.Contains(err.Error(), "may still be carried out") != order {
			t.Errorf("%v", err)
		}
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New(socket).LiftLockdown(stopped, "x"); err == nil || strings.Contains(err.Error(), "does not answer") {
		t.Errorf("%v", err)
	}
}
