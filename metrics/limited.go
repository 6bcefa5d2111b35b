package metrics

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// limited is a listener with a limited number of open connections. For one too many, the connection that has waited
// longest for a request is closed, so that clients who only hold connections keep no probe out; while all have a
// request, it waits.
type limited struct {
	net.Listener
	max int

	mu   sync.Mutex
	free sync.Cond      // there may be room, or over
	open int            // connections
	idle []*limitedConn // those that wait for a request, the longest first
	over bool           // closed
}

func newLimited(l net.Listener, n int) *limited {
	v := &limited{Listener: l, max: n}
	v.free.L = &v.mu
	return v
}

// Accept waits for a connection and then for room.
func (l *limited) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &limitedConn{Conn: c, of: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.open >= l.max && len(l.idle) == 0 && !l.over {
		l.free.Wait()
	}
	if l.over {
		c.Close()
		return nil, net.ErrClosed
	}
	if l.open >= l.max {
		l.idle[0].leave().Close()
	}
	l.open++
	l.idle = append(l.idle, conn)
	return conn, nil
}

// state is http.Server's ConnState for the connections of this listener, also within TLS.
func (l *limited) state(c net.Conn, now http.ConnState) {
	if wrapped, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = wrapped.NetConn()
	}
	conn, ok := c.(*limitedConn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = slices.DeleteFunc(l.idle, func(i *limitedConn) bool { return i == conn })
	if (now == http.StateNew || now == http.StateIdle) && !conn.left {
		l.idle = append(l.idle, conn)
		l.free.Signal()
	}
}

// Close closes the listener.
func (l *limited) Close() error {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.free.Broadcast()
	return l.Listener.Close()
}

// limitedConn makes room when it is closed.
type limitedConn struct {
	net.Conn
	of   *limited
	left bool
}

// leave makes room once. The caller holds the listener's mutex and closes the connection that is returned.
func (c *limitedConn) leave() net.Conn {
	if !c.left {
		c.left = true
		c.of.open--
		c.of.idle = slices.DeleteFunc(c.of.idle, func(i *limitedConn) bool { return i == c })
		c.of.free.Signal()
	}
	return c.Conn
}

func (c *limitedConn) Close() error {
	c.of.mu.Lock()
	inner := c.leave()
	c.of.mu.Unlock()
	return inner.Close()
}
