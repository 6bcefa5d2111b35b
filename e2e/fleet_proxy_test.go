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
// cut: then no octet passes in either direction, and no connection ends, until it is healed.
type fleetProxy struct {
	socket   string
	listener net.Listener
	all      sync.WaitGroup

	mu    sync.Mutex
	open  map[net.Conn]bool
	whole chan struct{} // closed while octets pass
}

func newFleetProxy(t *testing.T, address string) *fleetProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &fleetProxy{listener: l, open: map[net.Conn]bool{}, whole: make(chan struct{}),
		socket: filepath.Join(address, ".s.PGSQL."+fmt.Sprint(pgtest.Port))}
	close(p.whole)
	p.all.Go(p.accept)
	t.Cleanup(p.close)
	return p
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
	s, err := net.Dial("unix", p.socket)
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
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		<-p.passing()
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
