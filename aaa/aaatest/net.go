package aaatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Net is an in-memory datagram network without loss or delay, for tests in a synctest bubble, where time stops while a
// goroutine reads a real socket. The zero Net is ready to use.
type Net struct {
	mu    sync.Mutex
	conns map[string]*MemConn
	next  int
}

type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return string(a) }

type datagram struct {
	from string
	b    []byte
}

// MemConn is one socket of a Net: a net.PacketConn and, if dialed, a net.Conn. Datagrams that overflow its queue are
// lost.
type MemConn struct {
	net    *Net
	name   string
	peer   string // dialed
	queue  chan datagram
	closed chan struct{}
	once   sync.Once
}

// Listen opens a socket with the given name.
func (n *Net) Listen(name string) (*MemConn, error) { return n.open(name, "") }

// Dial opens a socket connected to address, even if nothing listens there. It can be used as radius.Config.Dial.
func (n *Net) Dial(_ context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.next++
	name := fmt.Sprintf("client-%d", n.next)
	n.mu.Unlock()
	return n.open(name, address)
}

func (n *Net) open(name, peer string) (*MemConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns == nil {
		n.conns = map[string]*MemConn{}
	}
	if n.conns[name] != nil {
		return nil, fmt.Errorf("listen on %s: address in use", name)
	}
	c := &MemConn{net: n, name: name, peer: peer, queue: make(chan datagram, 4096), closed: make(chan struct{})}
	n.conns[name] = c
	return c, nil
}

// ReadFrom blocks for a datagram. It returns net.ErrClosed after Close.
func (c *MemConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-c.queue:
		return copy(b, d.b), memAddr(d.from), nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

// Read blocks for a datagram from the peer; others are dropped, as on a connected UDP socket.
func (c *MemConn) Read(b []byte) (int, error) {
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil || from.String() == c.peer {
			return n, err
		}
	}
}

// WriteTo never blocks.
func (c *MemConn) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	c.net.mu.Lock()
	dst := c.net.conns[to.String()]
	c.net.mu.Unlock()
	if dst != nil {
		select {
		case dst.queue <- datagram{c.name, append([]byte(nil), b...)}:
		default:
		}
	}
	return len(b), nil
}

func (c *MemConn) Write(b []byte) (int, error) {
	if c.peer == "" {
		return 0, errors.New("write: not connected")
	}
	return c.WriteTo(b, memAddr(c.peer))
}

// Close ends all reads.
func (c *MemConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.net.mu.Lock()
		defer c.net.mu.Unlock()
		delete(c.net.conns, c.name)
	})
	return nil
}

func (c *MemConn) LocalAddr() net.Addr  { return memAddr(c.name) }
func (c *MemConn) RemoteAddr() net.Addr { return memAddr(c.peer) }

// SetDeadline and SetReadDeadline are not supported; writes never block.
func (c *MemConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *MemConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *MemConn) SetWriteDeadline(time.Time) error { return nil }
