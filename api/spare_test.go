package api

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

// scarce simulates a process without free file descriptors: it accepts a connection only after a file was closed.
type scarce struct {
	net.Listener
	s     *sparing
	taken int
}

func (l *scarce) Accept() (net.Conn, error) {
	l.s.mu.Lock()
	free := spareConns - len(l.s.held)
	l.s.mu.Unlock()
	if l.taken >= free {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	l.taken++
	a, b := net.Pipe()
	a.Close()
	return b, nil
}

func (l *scarce) Close() error { return nil }

// TestNoDescriptors: without free descriptors, the admin socket accepts spareConns connections and then fails with
// EMFILE.
func TestNoDescriptors(t *testing.T) {
	l := &scarce{}
	s := newSparing(l)
	l.s = s
	s.open = func() (*os.File, error) { return nil, syscall.EMFILE }
	for n := range spareConns {
		if _, err := s.Accept(); err != nil {
			t.Fatalf("connection %d: %v", n+1, err)
		}
	}
	if _, err := s.Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("one more: %v", err)
	}
}
