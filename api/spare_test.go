package api

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

// scarce is a listener in a process without a free descriptor: it can take a connection only after somebody has closed a file.
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

// TestNoDescriptors: without a free descriptor the admin socket takes as many connections as it keeps spare ones, and then says why it takes none.
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
