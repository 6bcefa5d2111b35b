package client

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The hint fits the cause: a user without permission for the socket is not asked whether the daemon runs.
func TestUnreached(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	c := New(socket)
	said := func(errno syscall.Errno) string {
		return c.unreached(&url.Error{Op: "Get", URL: "http://ringback/v1/lines", Err: &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)}}).Error()
	}
	const running = " (is `ringback serve` or `ringback lab` running?)"
	for errno, want := range map[syscall.Errno]string{
		syscall.EACCES:       "permission denied: run as the user of the daemon or a member of its group",
		syscall.ENOENT:       "no such file or directory" + running,
		syscall.ECONNREFUSED: "connection refused" + running,
		syscall.EMFILE:       "too many open files",
	} {
		if got := said(errno); got != "ask the daemon at "+socket+": "+want {
			t.Errorf("%s", got)
		}
	}
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := said(syscall.EACCES); got != "ask the daemon at "+socket+": permission denied: run as the user of the daemon" {
		t.Errorf("of a socket that a group may not use: %s", got)
	}
}
