package client

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
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
		syscall.EACCES:       "permission denied (run as root, the user of the daemon or a member of its group)",
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
		": permission denied (run as root or the user of the daemon)" {
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
	c := New(socket).within(10 * time.Millisecond)
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

// A Client has no Close: a connection that has no request ends by itself, and the next request opens another one.
func TestIdleConnectionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("s")
		ended := make(chan time.Duration, 1)
		serve := func(conn net.Conn) {
			defer conn.Close()
			in := bufio.NewReader(conn)
			var answered time.Time
			for {
				if _, err := http.ReadRequest(in); err != nil {
					ended <- time.Since(answered)
					return
				}
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
				answered = time.Now()
			}
		}
		dials := 0
		c.http.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			dials++
			near, far := net.Pipe()
			go serve(far)
			return near, nil
		}
		for range 2 {
			for range 3 { // with less than the idle time in between
				if _, err := c.Lines(t.Context()); err != nil {
					t.Fatal(err)
				}
				<-time.After(9 * time.Second)
			}
			if after := <-ended; after != 10*time.Second {
				t.Errorf("the connection ended %v after its last request", after)
			}
		}
		if dials != 2 {
			t.Errorf("%d connections", dials)
		}
	})
}
