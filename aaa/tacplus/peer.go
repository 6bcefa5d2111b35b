package tacplus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
)

// declined is how long a server that declined to share a connection is not asked again.
const declined = 10 * time.Minute

var errClosed = errors.New("client closed")

// peer is one server: its connections and its health.
type peer struct {
	ServerConfig
	tls    *tls.Config // nil: plain TCP
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	trace  func(Event)
	traced func(aaa.About) bool

	deadTime time.Duration
	dialing  chan struct{} // cap 1: held while a connection to be shared is opened
	timers   sync.Pool     // of stopped *time.Timer
	wg       sync.WaitGroup

	mu          sync.Mutex
	closed      bool
	retired     bool  // connections are no longer shared
	shared      *conn // the connection that is shared, or is offered to be
	conns       map[*conn]bool
	unopened    int       // connections to be shared that could not be opened
	unopenedErr error     // of the last
	ownUntil    time.Time // the server declined: until then each session has its own connection
	deadUntil   time.Time
	trying      bool // a request checks whether the server is back
	plain       bool // its last silence was wrong obfuscation: each such request is refused
	answered    uint64
	silent      uint64
	lastSilence string
	understood  bool // a reply was decoded, so the secret is right
}

// ServerStatus is the status of a server.
type ServerStatus struct {
	Name             string    `json:"name"`
	Address          string    `json:"address"`
	TLS              bool      `json:"tls"`
	SingleConnection bool      `json:"single_connection"` // sessions share a connection at this moment
	Connections      int       `json:"connections"`
	DeadUntil        time.Time `json:"dead_until,omitzero"` // skipped until then while another is not; zero: alive
	Answered         uint64    `json:"answered"`            // packets
	Silent           uint64    `json:"silent"`              // times that it gave no usable answer
	LastSilence      string    `json:"last_silence,omitempty"`
}

// silence is the error of a server that gave no usable answer. The next server is asked.
type silence struct {
	peer  *peer
	doing string
	cause error
	known bool // an earlier answer was understood
	// the server was asked on a connection that is shared, or was offered to be
	shared bool
	again  bool // what was under way may begin again on a new connection
}

func (s *silence) Error() string {
	text := fmt.Sprintf("tacacs server %s (%s): %s: %v", s.peer.Name, s.peer.Address, s.doing, s.cause)
	if hint := s.hint(); hint != "" {
		text += ". " + hint
	}
	return text
}

func (s *silence) Unwrap() error { return s.cause }

func (s *silence) hint() string {
	var f *flaw
	var lost *errLost
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	text := s.cause.Error()
	switch {
	case errors.As(s.cause, &f):
		if s.known && f.hint == hintSecret {
			return "It worked before: was the secret changed there?"
		}
		return f.hint
	case errors.As(s.cause, &unknown):
		return "Does tls.ca_file contain the authority that signed the server's certificate?"
	case errors.As(s.cause, &name):
		return "tls.server_name sets the name that must be in the server's certificate."
	case strings.Contains(text, "protocol version"),
		strings.Contains(text, "first record does not look like a TLS handshake"):
		return "The server must support TLS 1.3 on this port (RFC 9887 §3.2)."
	case strings.Contains(text, "remote error: tls:"):
		return "Does the server trust the authority that signed tls.cert_file?"
	case aaa.Unreached(s.cause) != "":
		return aaa.Unreached(s.cause)
	case errors.Is(s.cause, errTimeout) && s.doing == connecting:
		return aaa.Unreached(syscall.ETIMEDOUT)
	case errors.As(s.cause, &lost) && s.known && s.shared:
		return "It answered before. Some servers drop a connection with several sessions: try single_connection: false."
	case (errors.As(s.cause, &lost) || errors.Is(s.cause, errTimeout)) && s.known:
		return "It answered before: is it overloaded, or was this host's entry changed there?"
	case errors.As(s.cause, &lost), errors.Is(s.cause, errTimeout):
		return "Is this host one of the server's clients, with the same secret?"
	}
	return ""
}

// connecting is what a silence was doing before anything was sent.
const connecting = "connect"

// unconnected is why a connection could not be opened.
type unconnected struct{ error }

func (u unconnected) Unwrap() error { return u.error }

func newPeer(s ServerConfig, c Config) (*peer, error) {
	p := &peer{ServerConfig: s, dial: c.Dial, trace: c.Trace, traced: c.Traced, deadTime: c.DeadTime,
		dialing: make(chan struct{}, 1), conns: map[*conn]bool{}}
	p.timers.New = func() any { t := time.NewTimer(time.Hour); t.Stop(); return t }
	if s.TLS == nil {
		return p, nil
	}
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("tacacs server %s: %w", s.Name, err)
	}
	t, err := s.TLS.Config(host)
	if err != nil {
		return nil, fmt.Errorf("tacacs server %s: %w", s.Name, err)
	}
	p.tls = t
	return p, nil
}

// inherit copies the health of the same server from old; old may be nil.
func (p *peer) inherit(old *peer) {
	if old == nil || old.Address != p.Address || (old.tls == nil) != (p.tls == nil) {
		return
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	p.deadUntil, p.ownUntil, p.lastSilence = old.deadUntil, old.ownUntil, old.lastSilence
	p.understood = old.understood && old.Secret == p.Secret
}

// opening is the first packet of a session.
type opening struct {
	kind  packetType
	minor byte
	doing string // for messages
	about aaa.About
	body  []byte
	fresh bool // on a new connection of its own: it is a repetition, and is not repeated again
}

// ask begins a session with o and blocks until the body of the first answer. The caller must end the session. Without
// an answer on a kept connection, o is sent once more on a new one. The error is a *silence, or says why nothing can be
// sent.
func (p *peer) ask(ctx context.Context, o opening) (*session, []byte, error) {
	s, reply, err := p.attempt(ctx, o)
	// A kept connection may be closed by the server just as the client writes on it, or be dead without a sign of it;
	// that says nothing about the server's health.
	if s != nil && s.stale(err) && ctx.Err() == nil {
		p.remark(o.about, fmt.Sprintf("%s: %v on a kept connection; sent again on a new one", o.doing, err))
		o.fresh = true
		s, reply, err = p.attempt(ctx, o)
	}
	if err == nil {
		p.revive()
		return s, reply, nil
	}
	if errors.As(err, new(unconnected)) {
		o.doing = connecting
	}
	quiet := p.quiet(ctx, s, o.about, o.doing, err)
	quiet.again = !o.fresh && broke(err)
	return nil, nil, quiet
}

// attempt sends o once. The session is nil if there is no connection for it; after another error it has ended.
func (p *peer) attempt(ctx context.Context, o opening) (*session, []byte, error) {
	s, err := p.open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	reply, err := s.exchange(ctx, o.body)
	return s, reply, err
}

// quiet makes the error of a server that gave no usable answer in on (nil: there is no session), and marks the server
// to be skipped for a while unless the failure was not its own.
func (p *peer) quiet(ctx context.Context, on *session, about aaa.About, doing string, cause error) *silence {
	p.mu.Lock()
	s := &silence{peer: p, doing: doing, cause: cause, known: p.understood, shared: on != nil && on.c.offered}
	p.mu.Unlock()
	if errors.Is(cause, errTimeout) || errors.Is(cause, context.DeadlineExceeded) && ctx.Err() == nil {
		s.cause = fmt.Errorf("%w in %v", errTimeout, p.Timeout)
	}
	p.remark(about, fmt.Sprintf("%s: %v", doing, s.cause))
	if ctx.Err() == nil && !errors.Is(cause, errClosed) {
		var f *flaw
		p.bury(s.Error(), errors.As(cause, &f) && f.plain)
	}
	return s
}

// open begins the session of o on a connection: the shared one, or its own.
func (p *peer) open(ctx context.Context, o opening) (*session, error) {
	for !o.fresh && p.sharing() {
		c := p.current()
		if c == nil {
			if s, err := p.offer(ctx, o.kind, o.minor); s != nil || err != nil {
				return s, err
			}
			continue
		}
		if err := c.settled(ctx); broke(err) {
			break // nothing of this session was sent
		} else if err != nil {
			return nil, err
		}
		if s, ok := c.join(o.kind, o.minor); ok {
			return s, nil
		}
		p.forget(c)
	}
	c, err := p.connect(ctx, false)
	if err != nil {
		return nil, err
	}
	return c.begin(o.kind, o.minor)
}

// offer opens a connection to be shared. Its first session decides whether it is. Both results are nil if another
// request was faster.
func (p *peer) offer(ctx context.Context, kind packetType, minor byte) (*session, error) {
	before, _ := p.failures()
	select {
	case p.dialing <- struct{}{}:
		defer func() { <-p.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p.current() != nil || !p.sharing() {
		return nil, nil
	}
	// otherwise each request that waited for this connection would wait as long again, one after the other
	if n, err := p.failures(); n != before {
		return nil, err
	}
	c, err := p.connect(ctx, true)
	if err != nil {
		if ctx.Err() == nil {
			p.failed(err)
		}
		return nil, err
	}
	s, err := c.begin(kind, minor)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns[c] && !p.retired { // it may already be lost
		p.shared = c
	}
	return s, nil
}

// failures counts the connections to be shared that could not be opened; the error is that of the last one.
func (p *peer) failures() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unopened, p.unopenedErr
}

func (p *peer) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unopened++
	p.unopenedErr = err
}

// connect opens a connection and starts its reader and writer; Close waits for them.
func (p *peer) connect(ctx context.Context, offered bool) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	nc, err := p.dial(ctx, "tcp", p.Address)
	if err != nil {
		return nil, unconnected{err}
	}
	if nc, err = p.handshake(ctx, nc); err != nil {
		return nil, unconnected{err}
	}
	c := newConn(p, nc, offered)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		nc.Close()
		return nil, errClosed
	}
	c.retired = p.retired
	p.conns[c] = true
	p.wg.Go(c.read)
	p.wg.Go(c.write)
	return c, nil
}

// handshake starts TLS with the server if TLS is configured.
func (p *peer) handshake(ctx context.Context, nc net.Conn) (net.Conn, error) {
	if p.tls == nil {
		return nc, nil
	}
	t := tls.Client(nc, p.tls)
	if err := t.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return t, nil
}

// watch runs f in a goroutine that Close waits for; after Close it does nothing.
func (p *peer) watch(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.wg.Go(f)
	}
}

// sharing reports whether sessions are to share a connection.
func (p *peer) sharing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.SingleConnection && !p.closed && !p.retired && !time.Now().Before(p.ownUntil)
}

func (p *peer) current() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shared
}

// decline records that the server declined to share c.
func (p *peer) decline(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shared == c {
		p.shared = nil
	}
	p.ownUntil = time.Now().Add(declined)
}

func (p *peer) forget(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shared == c {
		p.shared = nil
	}
}

// lost removes a closed connection from use.
func (p *peer) lost(c *conn) {
	p.forget(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// dead reports whether to skip the server.
func (p *peer) dead(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.deadUntil)
}

// claim is called before a request whose user can be served without this server. why says that the server is known to
// be dead, so the request does not wait for it. When the dead time is over, one request tests the server while others
// still skip it; done ends the test.
func (p *peer) claim(now time.Time) (done func(), why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.deadUntil.IsZero(), p.plain: // an on-path attacker must not choose the next method
		return func() {}, nil
	case now.Before(p.deadUntil), p.trying:
		return nil, fmt.Errorf("tacacs server %s (%s): skipped: %s", p.Name, p.Address, p.lastSilence)
	}
	p.trying = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.trying = false
	}, nil
}

func (p *peer) bury(why string, plain bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plain = plain
	p.silent++
	p.lastSilence = why
	p.deadUntil = time.Now().Add(p.deadTime)
}

func (p *peer) revive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered++
	p.understood = true
	p.deadUntil = time.Time{}
}

func (p *peer) remark(about aaa.About, what string) {
	if p.trace != nil {
		p.trace(Event{Server: p.Name, Remark: true, About: about, What: what})
	}
}

func (p *peer) status() ServerStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := ServerStatus{Name: p.Name, Address: p.Address, TLS: p.tls != nil, Connections: len(p.conns),
		Answered: p.answered, Silent: p.silent, LastSilence: p.lastSilence}
	if p.shared != nil {
		select {
		case <-p.shared.decided:
			s.SingleConnection = true
		default:
		}
	}
	if time.Now().Before(p.deadUntil) {
		s.DeadUntil = p.deadUntil
	}
	return s
}

// retire closes each connection after its last session.
func (p *peer) retire() {
	p.mu.Lock()
	p.retired, p.shared = true, nil
	conns := slices.Collect(maps.Keys(p.conns))
	p.mu.Unlock()
	for _, c := range conns {
		c.retire()
	}
}

// close ends all sessions and waits for the goroutines of all connections.
func (p *peer) close() {
	p.mu.Lock()
	p.closed = true
	conns := slices.Collect(maps.Keys(p.conns))
	p.mu.Unlock()
	for _, c := range conns {
		c.fail(errClosed)
	}
	p.wg.Wait()
}
