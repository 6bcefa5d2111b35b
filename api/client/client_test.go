package client

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
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
