package aaatest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// StreamNet is an in-memory stream network without loss or delay, as Net is for datagrams. The zero StreamNet is ready
// to use.
type StreamNet struct {
	mu        sync.Mutex
	listeners map[string]*memListener
	dialed    int
}

// Listen opens a listener with the given name.
func (n *StreamNet) Listen(name string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = map[string]*memListener{}
	}
	if n.listeners[name] != nil {
		return nil, fmt.Errorf("listen on %s: address in use", name)
	}
	l := &memListener{net: n, name: name, queue: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[name] = l
	return l, nil
}

// Dial connects to address and blocks until the connection is accepted. It fails if nothing listens there. It can be
// used as radius.Config.Dial.
func (n *StreamNet) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed++
	name := fmt.Sprintf("client-%d", n.dialed)
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s: connection refused", address)
	}
	there, back := newMemQueue(), newMemQueue()
	near := &memStream{in: back, out: there, local: memAddr(name), remote: memAddr(address)}
	select {
	case l.queue <- &memStream{in: there, out: back, local: memAddr(address), remote: memAddr(name)}:
		return near, nil
	case <-l.closed:
	case <-ctx.Done():
		near.Close()
		return nil, ctx.Err()
	}
	near.Close()
	return nil, fmt.Errorf("dial %s: connection refused", address)
}

// Dialed returns the number of attempts to connect.
func (n *StreamNet) Dialed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dialed
}

// memQueue is one direction of a stream, with unlimited space: writes never block.
type memQueue struct {
	mu       sync.Mutex
	changed  *sync.Cond
	data     []byte
	closed   bool // by the writer: the end of the stream
	broken   bool // by the reader
	deadline time.Time
	timer    *time.Timer
}

func newMemQueue() *memQueue {
	q := &memQueue{}
	q.changed = sync.NewCond(&q.mu)
	return q
}

func (q *memQueue) read(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.broken:
			return 0, net.ErrClosed
		case len(q.data) > 0:
			n := copy(b, q.data)
			q.data = q.data[n:]
			return n, nil
		case q.closed:
			return 0, io.EOF
		case !q.deadline.IsZero() && !time.Now().Before(q.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		q.changed.Wait()
	}
}

func (q *memQueue) write(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.broken {
		return 0, io.ErrClosedPipe
	}
	q.data = append(q.data, b...)
	q.changed.Broadcast()
	return len(b), nil
}

func (q *memQueue) end(broken bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.broken = true, q.broken || broken
	if q.timer != nil {
		q.timer.Stop()
	}
	q.changed.Broadcast()
}

func (q *memQueue) until(t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deadline = t
	if q.timer != nil {
		q.timer.Stop()
	}
	if !t.IsZero() {
		q.timer = time.AfterFunc(time.Until(t), q.changed.Broadcast)
	}
	q.changed.Broadcast()
}

// memStream is one end of a stream.
type memStream struct {
	in, out       *memQueue
	local, remote memAddr
}

func (s *memStream) Read(b []byte) (int, error)  { return s.in.read(b) }
func (s *memStream) Write(b []byte) (int, error) { return s.out.write(b) }

// Close ends both directions; the other end can still read what was written before.
func (s *memStream) Close() error {
	s.out.end(false)
	s.in.end(true)
	return nil
}

func (s *memStream) LocalAddr() net.Addr  { return s.local }
func (s *memStream) RemoteAddr() net.Addr { return s.remote }

// SetDeadline applies to reads only: writes never block.
func (s *memStream) SetDeadline(t time.Time) error     { return s.SetReadDeadline(t) }
func (s *memStream) SetReadDeadline(t time.Time) error { s.in.until(t); return nil }
func (s *memStream) SetWriteDeadline(time.Time) error  { return nil }

type memListener struct {
	net    *StreamNet
	name   string
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		defer l.net.mu.Unlock()
		delete(l.net.listeners, l.name) // before Accept returns: then the name is free
		close(l.closed)
	})
	return nil
}

func (l *memListener) Addr() net.Addr { return memAddr(l.name) }
