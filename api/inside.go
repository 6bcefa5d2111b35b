package api

import (
	"context"
	"net"
	"sync"

	"github.com/ringback/ringback/api/client"
)

// User is a user of the daemon itself: a caller at the EXEC, whose commands ask this API.
type User struct {
	Account string // "kim"
	Name    string // for the audit: "kim on tty 65"
	Role    Role
}

// Inside is a listener for clients in this process. Create one with NewInside.
type Inside struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

// NewInside returns a listener for Server.ServeInside.
func NewInside() *Inside { return &Inside{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Client returns a client for a user. Its requests fail while nothing serves the listener.
func (l *Inside) Client(u User) *client.Client {
	return client.NewOver("the daemon", func(ctx context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case l.conns <- &conn{Conn: far, peer: &peer{inside: &u}, release: func() {}}:
			return near, nil
		case <-l.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	})
}

// Accept implements net.Listener.
func (l *Inside) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Inside) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Inside) Addr() net.Addr { return insideAddr{} }

type insideAddr struct{}

func (insideAddr) Network() string { return "inside" }
func (insideAddr) String() string  { return "inside" }

// ServeInside serves the clients of l until ctx ends, and closes l.
func (s *Server) ServeInside(ctx context.Context, l *Inside) error {
	return s.serve(ctx, l, s.Handler())
}
