package port

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/ringback/ringback/lines"
)

// listen serves one connection with f.
func listen(t *testing.T, f func(net.Conn)) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		f(c)
	})
	t.Cleanup(func() { l.Close(); done.Wait() })
	return l.Addr().String()
}

func mustOpen(t *testing.T, a Address, o Options) lines.Port {
	t.Helper()
	if o.LockDir == "" {
		o.LockDir = t.TempDir()
	}
	p, err := a.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// An error of Open names the port once, with the cause but without the system call.
func TestOpenErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().String()
	l.Close()
	reset := listen(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })
	gone := t.TempDir() + "/tty"
	for _, tt := range []struct {
		a    Address
		want string
	}{
		{Address{Scheme: TCP, Host: free},
			"tcp://" + free + ": connection refused (is the server running, and does it listen on this TCP port?)"},
		{Address{Scheme: RFC2217, Host: free}, "rfc2217://" + free +
			": connection refused (is the server running, and does it listen on this TCP port?)"},
		{Address{Scheme: RFC2217, Host: reset}, "rfc2217://" + reset + ": connection reset by peer"},
		{Address{Scheme: Serial, Path: gone}, "serial://" + gone +
			": no such file or directory (is the device plugged in?"},
		{Address{Scheme: PTY, Path: gone},
			"pty://" + gone + ": no such file or directory (the path is there only while"},
	} {
		_, err := tt.a.Open(t.Context(), Options{LockDir: t.TempDir()})
		name := tt.a.Host + tt.a.Path
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Count(err.Error(), name) != 1 {
			t.Errorf("%v: %v", tt.a, err)
		}
	}
}

func TestTCP(t *testing.T) {
	host := listen(t, func(c net.Conn) { io.Copy(c, c) })
	p := mustOpen(t, Address{Scheme: TCP, Host: host}, Options{FlowControl: FlowHardware})
	if p.String() != "tcp://"+host || p.HasSignals() || p.Signals() != 0 || p.Changes() != nil {
		t.Errorf("%s: HasSignals %v, Signals %b", p, p.HasSignals(), p.Signals())
	}
	if e1, e2 := p.SetDTR(true), p.Break(time.Second); e1 != lines.ErrNoSignals || e2 != lines.ErrNoSignals {
		t.Errorf("SetDTR: %v, Break: %v", e1, e2)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	p.Write(all)
	got := make([]byte, 256)
	if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, all) {
		t.Errorf("echo: %v, equal %v", err, bytes.Equal(got, all))
	}
	p.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := p.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v, want a timeout", err)
	}
	p.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() { _, err := p.Read(got); ended <- err }()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read ended with %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestDialErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	l.Close()
	for _, s := range []Scheme{TCP, RFC2217} {
		a := Address{Scheme: s, Host: host}
		if _, err := a.Open(t.Context(), Options{}); err == nil || !strings.HasPrefix(err.Error(), a.Name()+": ") ||
			!strings.Contains(err.Error(), "is the server running") {
			t.Errorf("no listener: %v", err)
		}
	}
	if hint := dialHint(&net.DNSError{IsNotFound: true}); !strings.Contains(hint, "spelled") {
		t.Errorf("unknown host: %q", hint)
	}
	if hint := dialHint(context.DeadlineExceeded); !strings.Contains(hint, "switched on") {
		t.Errorf("timeout: %q", hint)
	}
}

// A complete exchange over a real connection.
func TestRFC2217OverTCP(t *testing.T) {
	host := listen(t, func(c net.Conn) {
		c.Write(append(append([]byte("*"), agreed...), dsrCTS...))
		io.Copy(io.Discard, c)
	})
	p := mustOpen(t, Address{Scheme: RFC2217, Host: host, Speed: 9600}, Options{})
	if !p.HasSignals() || !p.Signals().Has(lines.DSR|lines.CTS) {
		t.Errorf("signals %b", p.Signals())
	}
	wantRead(t, p, "*")
	p.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v, want a timeout", err)
	}
	closed := listen(t, func(c net.Conn) { io.ReadFull(c, make([]byte, 15)) })
	if _, err := (Address{Scheme: RFC2217, Host: closed}).Open(t.Context(), Options{}); err == nil ||
		!strings.Contains(err.Error(), "closed the connection immediately") {
		t.Errorf("a server that closes: %v", err)
	}
}

// A thousand idle lines must use little memory: the Telnet code has no buffer except the one for escaping, which the
// first write allocates.
func TestRFC2217IsSmall(t *testing.T) {
	if n := unsafe.Sizeof(rfc2217{}); n > 1024 {
		t.Errorf("an idle port takes %d octets", n)
	}
	if n := len(appendData(nil, bytes.Repeat([]byte{255}, chunk), true)); n > 4096 {
		t.Errorf("the buffer for escaping takes %d octets", n)
	}
}

// TestRelease: after Close the server is free for the next client, if it closes a connection that has ended. A server
// that does not is not waited for.
func TestRelease(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var free atomic.Bool
	var server sync.WaitGroup
	defer server.Wait()
	for _, closes := range []bool{true, false} {
		done := make(chan struct{})
		server.Go(func() {
			c, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if !closes {
				<-done
				return
			}
			io.Copy(io.Discard, c)
			free.Store(true)
		})
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		var reader sync.WaitGroup // as that of a line
		reader.Go(func() { c.Read(make([]byte, 1)) })
		limit := time.Minute
		if !closes {
			limit = time.Millisecond
		}
		free.Store(false)
		release(c, limit)
		if free.Load() != closes {
			t.Errorf("closes %v: the server is free: %v", closes, free.Load())
		}
		reader.Wait()
		c.Close()
		close(done)
	}
}
