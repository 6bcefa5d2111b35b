package port

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inNamespace is set in the environment of the process in its own network namespace.
const inNamespace = "RINGBACK_TEST_NAMESPACE"

// TestUnsentLimitIsSet: each port over TCP has the limit, and it is what keep-alive needs: a lower one would let a
// single lost probe end an idle connection.
func TestUnsentLimitIsSet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := dial(t.Context(), Address{Host: l.Addr().String()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	if err := raw.Control(func(fd uintptr) {
		for name, option := range map[string]int{"limit": unix.TCP_USER_TIMEOUT, "idle": unix.TCP_KEEPIDLE,
			"interval": unix.TCP_KEEPINTVL, "count": unix.TCP_KEEPCNT} {
			if got[name], err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if got["limit"] != 60_000 || got["limit"] != 1000*(got["idle"]+got["interval"]*got["count"]) {
		t.Errorf("%v", got)
	}
}

// TestPeerPartition: a dial command that was written while the network was down is not delivered when it is up again
// after the limit, and the port reports its loss. Without the limit it is delivered.
func TestPeerPartition(t *testing.T) {
	if os.Getenv(inNamespace) == "1" {
		t.Run("limit", func(t *testing.T) { partition(t, 2*time.Second, false) })
		t.Run("no limit", func(t *testing.T) { partition(t, 0, true) })
		return
	}
	skip := func(reason string) {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		skip("needs ip: apt-get install iproute2")
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPeerPartition$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, unix.EPERM):
		skip("needs root: a network namespace")
	case err != nil || !strings.Contains(string(out), "--- PASS: TestPeerPartition/no_limit"):
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
}

func partition(t *testing.T, limit time.Duration, arrives bool) {
	network := func(state string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", "link", "set", "lo", state).CombinedOutput(); err != nil {
			t.Fatalf("loopback %s: %v %s", state, err, out)
		}
	}
	network("up")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := dialer(limit).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := &tcp{Conn: ours}
	defer p.Close()
	modem, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer modem.Close()
	if _, err := io.WriteString(p, "AT\r"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(modem, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	network("down")
	if _, err := io.WriteString(p, "ATDT5551\r"); err != nil {
		t.Fatal(err)
	}
	if limit > 0 {
		_ = p.SetReadDeadline(time.Now().Add(2 * time.Minute))
		if n, err := p.Read(make([]byte, 1)); n > 0 || !errors.Is(err, unix.ETIMEDOUT) {
			t.Fatalf("while the network is down: read %d octets, %v", n, err)
		}
	}
	network("up")
	if limit > 0 { // what was sent may arrive now; a new connection shows that the network works
		other, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
	}
	wait := 3 * time.Second
	if arrives {
		wait = 2 * time.Minute
	}
	_ = modem.SetReadDeadline(time.Now().Add(wait))
	got := make([]byte, 20)
	n, err := modem.Read(got)
	if arrived := string(got[:n]) == "ATDT5551\r"; arrived != arrives || n > 0 && !arrived {
		t.Errorf("limit %v: the modem received %q, %v", limit, got[:n], err)
	}
}
