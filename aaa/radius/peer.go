package radius

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxSockets bounds what one server's backlog may take: 16 sockets hold 4,096 requests in flight.
const maxSockets = 16

// errClosed ends exchanges whose Client was closed.
var errClosed = errors.New("the client was closed")

// peer is one server on one port: its sockets and what is known of its health.
type peer struct {
	ServerConfig
	address string
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	trace   func(Event)

	latched atomic.Bool          // Auto: a good Message-Authenticator was seen
	dropped [flaws]atomic.Uint64 // datagrams ignored, by flaw
	stray   atomic.Uint64        // datagrams that nobody waited for
	dialing chan struct{}        // cap 1: held while a socket is opened
	readers sync.WaitGroup

	mu        sync.Mutex
	sockets   []*socket
	closed    bool
	deadUntil time.Time
}

// question is what one exchange asks.
type question struct {
	encode func(id byte, local net.Addr) ([]byte, authenticator, error)
	renew  func() bool // before a retransmission: whether the octets must be made anew; nil: never
	check  func(packet []byte, auth authenticator) flaw
}

// exchange is one question under way. Its replies channel takes the first good one.
type exchange struct {
	check func(packet []byte, auth authenticator) flaw
	reply chan answer // cap 1
	seen  [flaws]atomic.Uint64
}

type answer struct {
	packet []byte
	auth   authenticator // of the request that it answers
}

// silence is the error of an exchange that nobody answered authentically.
type silence struct {
	peer   *peer
	waited time.Duration
	sent   int
	seen   [flaws]uint64
	cause  error // what the socket or the context said; nil where time was simply out
}

func (s *silence) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "radius server %s (%s): ", s.peer.Name, s.peer.address)
	if s.sent == 0 {
		fmt.Fprintf(&b, "nothing was sent: %v", s.cause)
		return b.String()
	}
	fmt.Fprintf(&b, "no authentic answer in %s to %d transmissions", s.waited.Round(time.Millisecond), s.sent)
	if s.cause != nil {
		fmt.Fprintf(&b, " (%v)", s.cause)
	}
	bad := false
	for f := badLength; f < flaws; f++ {
		if n := s.seen[f]; n > 0 {
			fmt.Fprintf(&b, "; %d replies %s were discarded", n, f)
			bad = true
		}
	}
	b.WriteString(s.hint(bad))
	return b.String()
}

// Unwrap gives what the socket or the context said.
func (s *silence) Unwrap() error { return s.cause }

// freeradiusLines make FreeRADIUS sign its replies; releases from 3.0.27 and 3.2.5 on do so by themselves.
const freeradiusLines = "post-auth { update reply { &Message-Authenticator := 0x00 } }"

func (s *silence) hint(bad bool) string {
	switch {
	case s.seen[noMAC] > 0:
		return ". The server must sign its replies: FreeRADIUS does so from 3.2.5 and 3.0.27 on; an older one needs in its site " +
			freeradiusLines + ", and the same update inside Post-Auth-Type REJECT { … } and Post-Auth-Type Challenge { … } of post-auth." +
			" Only where the way to the server is safe: message_authenticator: off"
	case s.seen[badDigest] > 0 || s.seen[badMAC] > 0:
		return ". Is the shared secret the same on both sides?"
	case !bad && !errors.Is(s.cause, context.Canceled):
		return ". Does the server run, and is this host among its clients, with the same secret?"
	}
	return ""
}

func newPeer(s ServerConfig, address string, c Config) *peer {
	p := &peer{ServerConfig: s, address: address, dial: c.Dial, trace: c.Trace, dialing: make(chan struct{}, 1)}
	if p.dial == nil {
		p.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			d := net.Dialer{}
			if local, err := s.localAddr(); err == nil && local != nil {
				d.LocalAddr = local
			}
			return d.DialContext(ctx, network, address)
		}
	}
	return p
}

// exchange asks q and blocks for the authentic answer. The error is a *silence, or what encode said.
func (p *peer) exchange(ctx context.Context, q question) (answer, error) {
	begun := time.Now()
	ex := &exchange{check: q.check, reply: make(chan answer, 1)}
	sent := 0
	quiet := func(cause error) error {
		s := &silence{peer: p, waited: time.Since(begun), sent: sent, cause: cause}
		for f := range ex.seen {
			s.seen[f] = ex.seen[f].Load()
		}
		return s
	}
	s, id, err := p.reserve(ctx, ex)
	if err != nil {
		return answer{}, quiet(err)
	}
	defer s.release(ex)
	wait := jitter(p.Timeout)
	var wire []byte
	var refused error
	for try := range p.Retries + 1 {
		if try > 0 && q.renew != nil && q.renew() {
			if fresh, ok := s.take(ex); ok {
				id, wire = fresh, nil
			}
		}
		if wire == nil {
			if wire, err = s.prepare(id, q); err != nil {
				return answer{}, err
			}
		}
		if err := s.send(wire, wait); err != nil {
			refused = err
		}
		sent++
		a, err := s.await(ctx, ex, wait)
		if err == nil && a.packet != nil {
			p.revive()
			return a, nil
		}
		if err != nil {
			return answer{}, quiet(err)
		}
		p.remark(fmt.Sprintf("no answer in %s", wait.Round(time.Millisecond)))
		wait = nextWait(wait, p.Timeout)
	}
	if refused == nil {
		refused = s.complaint()
	}
	return answer{}, quiet(refused)
}

func (p *peer) remark(what string) {
	if p.trace != nil {
		p.trace(Event{Server: p.Name, What: what})
	}
}

// jitter is d with RFC 5080 §2.2.1's RAND of up to a tenth either way.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*0.2-0.1)*float64(d))
}

// nextWait doubles, with jitter, up to twice the first time-out: a person waits at the other end of a modem, and the next server
// should be asked within the quarter of a minute.
func nextWait(prev, timeout time.Duration) time.Duration {
	if prev*2 > timeout*2 {
		return jitter(timeout * 2)
	}
	return 2*prev + jitter(prev) - prev
}

// dead reports whether the server is to be passed over.
func (p *peer) dead(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.deadUntil)
}

func (p *peer) bury(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadUntil = time.Now().Add(d)
}

func (p *peer) revive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadUntil = time.Time{}
}

// reserve finds a socket with a free identifier, and opens one where there is none.
func (p *peer) reserve(ctx context.Context, ex *exchange) (*socket, byte, error) {
	if s, id, err := p.free(ex); s != nil || err != nil {
		return s, id, err
	}
	select {
	case p.dialing <- struct{}{}:
		defer func() { <-p.dialing }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	if s, id, err := p.free(ex); s != nil || err != nil { // another exchange may have opened it meanwhile
		return s, id, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	conn, err := p.dial(ctx, "udp", p.address)
	if err != nil {
		return nil, 0, err
	}
	return p.adopt(conn, ex)
}

func (p *peer) free(ex *exchange) (*socket, byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, 0, errClosed
	}
	for _, s := range p.sockets {
		if id, ok := s.take(ex); ok {
			return s, id, nil
		}
	}
	if len(p.sockets) >= maxSockets {
		return nil, 0, fmt.Errorf("%d requests are in flight already", maxSockets*256)
	}
	return nil, 0, nil
}

// adopt starts the reader of a new socket; Close waits for it.
func (p *peer) adopt(conn net.Conn, ex *exchange) (*socket, byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		conn.Close()
		return nil, 0, errClosed
	}
	s := &socket{peer: p, conn: conn, gone: make(chan struct{})}
	p.sockets = append(p.sockets, s)
	id, _ := s.take(ex)
	p.readers.Go(s.read)
	return s, id, nil
}

// lost takes a socket whose reader ended out of use.
func (p *peer) lost(gone *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, s := range p.sockets {
		if s == gone {
			p.sockets = append(p.sockets[:i], p.sockets[i+1:]...)
			return
		}
	}
}

// close ends all exchanges and waits for the readers.
func (p *peer) close() {
	p.mu.Lock()
	p.closed = true
	sockets := append([]*socket(nil), p.sockets...)
	p.mu.Unlock()
	for _, s := range sockets {
		s.conn.Close()
	}
	p.readers.Wait()
}

// passing tells a socket error that is only news of the way (ICMP) from one that ends the socket.
func passing(err error) bool {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return false
	}
	switch e {
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EMSGSIZE, syscall.EINTR, syscall.ENOBUFS, syscall.EPERM:
		return true
	}
	return false
}
