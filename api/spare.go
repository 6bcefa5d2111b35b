package api

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
)

// spareConns is the number of connections that the admin socket accepts after the process has run out of file
// descriptors, so that an operator can still inspect the daemon.
const spareConns = 4

// sparing is a listener with reserved file descriptors for its connections.
type sparing struct {
	net.Listener
	open func() (*os.File, error)

	mu   sync.Mutex
	held []*os.File
}

func newSparing(l net.Listener) *sparing {
	s := &sparing{Listener: l, open: func() (*os.File, error) { return os.Open(os.DevNull) }}
	s.refill()
	return s
}

// Accept frees a reserved descriptor if no other is available.
func (s *sparing) Accept() (net.Conn, error) {
	for {
		c, err := s.Listener.Accept()
		if err == nil {
			s.refill()
			return &spareConn{Conn: c, s: s}, nil
		}
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) || !s.giveUp() {
			return nil, err
		}
	}
}

func (s *sparing) giveUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) == 0 {
		return false
	}
	s.held[0].Close()
	s.held = s.held[1:]
	return true
}

// refill reserves descriptors up to spareConns, as far as available.
func (s *sparing) refill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.held) < spareConns {
		f, err := s.open()
		if err != nil {
			return
		}
		s.held = append(s.held, f)
	}
}

// Close closes the listener and the reserved descriptors.
func (s *sparing) Close() error {
	err := s.Listener.Close()
	for s.giveUp() {
	}
	return err
}

// spareConn returns its descriptor to the listener's reserve on Close.
type spareConn struct {
	net.Conn
	s *sparing
}

// NetConn returns the connection itself.
func (c *spareConn) NetConn() net.Conn { return c.Conn }

func (c *spareConn) Close() error {
	err := c.Conn.Close()
	c.s.refill()
	return err
}
