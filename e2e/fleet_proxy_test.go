package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// fleetProxy is the network between one node and one server: a TCP port that leads to the server's socket. It may be
// cut: then no octet passes in either direction, and no connection ends, until it is healed. One message may be spoilt.
type fleetProxy struct {
	listener net.Listener
	all      sync.WaitGroup

	mu     sync.Mutex
	server string // directory of its socket
	open   map[net.Conn]bool
	whole  chan struct{} // closed while octets pass
	spoil  func([]byte) (passed []byte, ends bool)
}

func newFleetProxy(t *testing.T, address string) *fleetProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &fleetProxy{listener: l, open: map[net.Conn]bool{}, whole: make(chan struct{}), server: address}
	close(p.whole)
	p.all.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// socket is the server's.
func (p *fleetProxy) socket() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return filepath.Join(p.server, ".s.PGSQL."+fmt.Sprint(pgtest.Port))
}

// move lets the port lead to another server, if it leads to the given one.
func (p *fleetProxy) move(from, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == from {
		p.server = to
	}
}

func (p *fleetProxy) close() {
	p.heal()
	p.listener.Close()
	p.drop()
	p.all.Wait()
}

// drop ends all connections.
func (p *fleetProxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

func (p *fleetProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.whole:
		p.whole = make(chan struct{})
	default:
	}
}

func (p *fleetProxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.whole:
	default:
		close(p.whole)
	}
}

// passing returns a channel that is closed while octets pass.
func (p *fleetProxy) passing() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.whole
}

// spoilNext lets f decide how much of the next message passes, in either direction, and whether its connection ends
// then. f may block.
func (p *fleetProxy) spoilNext(f func(message []byte) (passed []byte, ends bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoil = f
}

// spoilt returns what passes of a message, and whether its connection ends.
func (p *fleetProxy) spoilt(message []byte) (passed []byte, ends bool) {
	p.mu.Lock()
	f := p.spoil
	p.spoil = nil
	p.mu.Unlock()
	if f == nil {
		return message, false
	}
	return f(message)
}

// keep notes an open connection, until forget.
func (p *fleetProxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = true
}

func (p *fleetProxy) forget(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *fleetProxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.keep(c)
		p.all.Go(func() { p.serve(c) })
	}
}

func (p *fleetProxy) serve(c net.Conn) {
	defer p.forget(c)
	<-p.passing()
	s, err := net.Dial("unix", p.socket())
	if err != nil {
		return
	}
	p.keep(s)
	defer p.forget(s)
	p.all.Go(func() { p.copy(s, c) })
	p.copy(c, s)
}

// copy passes octets on while the proxy is whole.
func (p *fleetProxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		<-p.passing()
		passed, ends := p.spoilt(buf[:n])
		if _, err := to.Write(passed); err != nil || ends {
			return
		}
	}
}
