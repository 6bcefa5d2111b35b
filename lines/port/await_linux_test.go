package port

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lines"
)

// awaiting runs Await and returns a channel that is closed at its end.
func awaiting(p lines.Port) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		p.Await()
	}()
	return over
}

func wantOver(t *testing.T, what string, over <-chan struct{}) {
	t.Helper()
	select {
	case <-over:
	case <-time.After(time.Minute):
		t.Fatalf("%s did not end Await", what)
	}
}

// TestAwait: octets, the deadline, the end of the other side and Close end Await on each kind of port, and no octet
// is lost.
func TestAwait(t *testing.T) {
	far := make(chan net.Conn, 2)
	host := listen(t, func(c net.Conn) {
		far <- c
		io.Copy(io.Discard, c)
	})
	server := listen(t, func(c net.Conn) {
		c.Write(append(append([]byte{}, agreed...), dsrCTS...))
		far <- c
		io.Copy(io.Discard, c)
	})
	master, slave := newPTY(t)
	for name, open := range map[string]func() (lines.Port, io.WriteCloser){
		"tcp": func() (lines.Port, io.WriteCloser) {
			return mustOpen(t, Address{Scheme: TCP, Host: host}, Options{}), <-far
		},
		"rfc2217": func() (lines.Port, io.WriteCloser) {
			p := mustOpen(t, Address{Scheme: RFC2217, Host: server}, Options{})
			<-p.Changes()
			return p, <-far
		},
		"pty": func() (lines.Port, io.WriteCloser) {
			return mustOpen(t, Address{Scheme: PTY, Path: slave}, Options{}), master
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, other := open()
			over := awaiting(p)
			if _, err := other.Write([]byte("RING")); err != nil {
				t.Fatal(err)
			}
			wantOver(t, "data", over)
			wantOver(t, "data that waits", awaiting(p))
			wantRead(t, p, "RING")

			over = awaiting(p)
			if err := p.SetReadDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			wantOver(t, "a deadline", over)
			wantOver(t, "a deadline that lies behind", awaiting(p))
			if err := p.SetReadDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}

			over = awaiting(p)
			other.Close()
			wantOver(t, "the other side's end", over)
			if _, err := p.Read(make([]byte, 1)); err == nil {
				t.Error("the end is not read")
			}
			p.Close()
			wantOver(t, "a closed port", awaiting(p))
		})
	}
}

// TestAwaitClose: Close ends Await.
func TestAwaitClose(t *testing.T) {
	host := listen(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	p := mustOpen(t, Address{Scheme: TCP, Host: host}, Options{})
	over := awaiting(p)
	p.Close()
	wantOver(t, "Close", over)
}

// TestAwaitSignals: a signal of a serial device ends Await, and an earlier signal makes Await return immediately. A
// later read waits as usual.
func TestAwaitSignals(t *testing.T) {
	_, slave := newPTY(t)
	u := &uart{}
	o := Options{circuits: u, Poller: &Poller{Interval: time.Millisecond}}
	p := mustOpen(t, Address{Scheme: Serial, Path: slave}, o)
	changed(t, p)
	for _, bits := range []int{unix.TIOCM_CAR, 0} {
		over := awaiting(p)
		u.put(bits, nil)
		wantOver(t, "a signal", over)
		wantOver(t, "a signal that waits", awaiting(p))
		changed(t, p)
	}
	if err := p.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := p.Read(make([]byte, 1)); !os.IsTimeout(err) || time.Since(began) < 20*time.Millisecond {
		t.Errorf("read: %v after %v", err, time.Since(began))
	}
}
