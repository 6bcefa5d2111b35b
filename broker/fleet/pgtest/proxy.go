package pgtest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Message is one of PostgreSQL's protocol. The first of a client has no type and is 0 here.
type Message struct {
	Client bool // it goes to the server
	Type   byte // such as 'P' Parse, 'E' Execute or ErrorResponse, 'S' Sync or ParameterStatus, 'C' CommandComplete
	Body   []byte
}

// String implements fmt.Stringer.
func (m Message) String() string {
	from := "server"
	if m.Client {
		from = "client"
	}
	return fmt.Sprintf("%s %q of %d octets", from, m.Type, len(m.Body))
}

// Verdict is what a proxy does with a message.
type Verdict int

// The verdicts.
const (
	Pass Verdict = iota
	Cut          // closes both sides, without the message
	Drop         // the message is not passed on
)

// Proxy is between clients and a server, without TLS. Its Address is as that of a Server.
type Proxy struct {
	Address string

	listener net.Listener
	wait     sync.WaitGroup

	mu     sync.Mutex
	target string // directory of the server's socket
	rule   func(Message) Verdict
	down   bool
	conns  map[net.Conn]bool
}

// NewProxy starts a proxy before a database's server, which the test's cleanup stops.
func NewProxy(t testing.TB, d *Database) *Proxy {
	t.Helper()
	dir, err := newDir(false)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	socket := fmt.Sprintf(".s.PGSQL.%d", Port)
	p := &Proxy{Address: dir, target: d.Address, conns: make(map[net.Conn]bool)}
	if p.listener, err = net.Listen("unix", filepath.Join(dir, socket)); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	p.wait.Go(p.accept)
	t.Cleanup(func() {
		p.listener.Close()
		p.Down()
		p.wait.Wait()
		os.RemoveAll(dir)
	})
	return p
}

// Move lets new connections go to another server, if they go to the one at address from.
func (p *Proxy) Move(from string, to *Database) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.target == from {
		p.target = to.Address
	}
}

// socket is the path of the server's socket.
func (p *Proxy) socket() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return filepath.Join(p.target, fmt.Sprintf(".s.PGSQL.%d", Port))
}

// Rule sets what is done with each message from now on; nil: all pass. The function may be called by several
// goroutines, and may block: then the messages of that direction wait.
func (p *Proxy) Rule(f func(Message) Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = f
}

// CutAt cuts the connection in place of the n-th message from now on, of both directions and all connections together,
// and each message after it. It returns a function that reports whether that message came.
func (p *Proxy) CutAt(n int) (reached func() bool) {
	var mu sync.Mutex
	count := 0
	p.Rule(func(Message) Verdict {
		mu.Lock()
		defer mu.Unlock()
		if count++; count >= n {
			return Cut
		}
		return Pass
	})
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return count >= n
	}
}

// Down closes all connections and refuses new ones until Up.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		c.Close()
	}
}

// Up ends Down.
func (p *Proxy) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wait.Go(func() { p.serve(c) })
	}
}

// serve passes the messages of one connection on until a side ends it.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.socket())
	if err != nil {
		return
	}
	defer server.Close()
	if !p.enter(client, server) {
		return
	}
	defer p.leave(client, server)
	done := make(chan struct{}, 2)
	go func() { p.pass(server, client, true); done <- struct{}{} }()
	go func() { p.pass(client, server, false); done <- struct{}{} }()
	<-done
	client.Close()
	server.Close()
	<-done
}

func (p *Proxy) enter(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
	return !p.down
}

func (p *Proxy) leave(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}

// pass copies messages until a side ends or a verdict cuts.
func (p *Proxy) pass(to io.Writer, from io.Reader, client bool) {
	in := bufio.NewReader(from)
	for first := client; ; first = false {
		m := Message{Client: client}
		var head []byte
		if !first {
			t, err := in.ReadByte()
			if err != nil {
				return
			}
			m.Type, head = t, []byte{t}
		}
		length := make([]byte, 4)
		if _, err := io.ReadFull(in, length); err != nil {
			return
		}
		m.Body = make([]byte, max(4, binary.BigEndian.Uint32(length))-4)
		if _, err := io.ReadFull(in, m.Body); err != nil {
			return
		}
		p.mu.Lock()
		rule := p.rule
		p.mu.Unlock()
		verdict := Pass
		if rule != nil {
			verdict = rule(m)
		}
		switch verdict {
		case Cut:
			return
		case Drop:
			continue
		}
		if _, err := to.Write(append(append(head, length...), m.Body...)); err != nil {
			return
		}
	}
}
