package radius

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
)

// maxDuration limits the time of all transmissions of one request (MRD of RFC 5080 §2.2.1).
const maxDuration = 30 * time.Second

// errClosed is the error of exchanges whose Client was closed.
var errClosed = errors.New("client closed")

// peer is one server on one port: its sockets and its health.
type peer struct {
	ServerConfig
	address string
	tw      time.Duration // the watchdog's Tw, RFC 3539 §3.4.1
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	radsec  *radsec // nil: UDP
	trace   func(Event)
	traced  func(aaa.About) bool // nil: always
	keys    *keyed               // of Secret

	latched  atomic.Bool          // Auto: a valid Message-Authenticator was received
	well     atomic.Bool          // the watchdog's state is Okay and nothing is pending, so answers change nothing
	trying   atomic.Bool          // a login is testing whether a dead server is up again
	answered atomic.Int64         // time of the last answer, in Unix nanoseconds
	inFlight atomic.Int64         // exchanges
	dropped  [flaws]atomic.Uint64 // datagrams ignored, by flaw
	stray    atomic.Uint64        // datagrams that no exchange waited for
	dialing  chan struct{}        // cap 1: held while a socket is opened
	kick     chan struct{}        // cap 1: the watch has something to do
	life     context.Context      // ends when the peer is closed
	end      context.CancelFunc
	timers   sync.Pool      // of stopped *time.Timer
	parts    sync.WaitGroup // readers, writers, the watch

	mu        sync.Mutex
	sockets   []*socket
	closed    bool
	retired   bool // its sockets are closed when no exchange waits
	deadUntil time.Time
	dog       watchdog
	todo      action // pending actions of the watchdog
	watching  bool
	reason    error // reason of the last silence
	opening   opening

	otherSecret int64          // value of answered when a reload changed the secret
	searching   atomic.Bool    // an exchange checks whether the answer comes from another address
	strayedFrom netip.AddrPort // source of a reply that should have come from address; guarded by mu
}

// question is the request of one exchange.
type question struct {
	encode func(at *slot) ([]byte, error)
	renew  func() bool // reports, before a retransmission, whether the packet must be encoded again; nil: never
	check  func(packet []byte, at *slot) flaw
	about  aaa.About
	// no other server or method can be asked, so a connection that cannot be opened is tried again
	patient bool
}

// exchange is one question under way. Its reply channel receives the first valid reply.
type exchange struct {
	check func(packet []byte, at *slot) flaw
	reply chan answer // cap 1
	seen  [flaws]atomic.Uint64
	first pending // the first identifier that it owns
	more  []*pending
	begun time.Time
	sent  int
	timer *time.Timer

	stop    context.CancelFunc // called after the reply: ends the wait for a connection; nil: none is opened meanwhile
	renewed bool               // its connection was silent, so it is sent again on a newer one
}

// received returns the answer if it has arrived.
func (ex *exchange) received() (answer, bool) {
	select {
	case a := <-ex.reply:
		return a, true
	default:
		return answer{}, false
	}
}

// hold makes ex the owner of an identifier.
func (ex *exchange) hold(s *socket, id uint32) *pending {
	h := &ex.first
	if h.s != nil {
		h = &pending{}
		ex.more = append(ex.more, h)
	}
	*h = pending{s: s, ex: ex, at: slot{id: id, v11: s.v11, tls: s.stream, local: s.local, secret: s.keys.secret,
		keys: s.keys}}
	return h
}

type answer struct {
	packet []byte
	at     *slot // of the request that the packet answers
}

func newPeer(s ServerConfig, address string, c Config) *peer {
	p := &peer{ServerConfig: s, address: address, tw: c.Watchdog, dial: c.Dial, trace: c.Trace, traced: c.Traced,
		keys:    newKeyed([]byte(s.Secret)),
		dialing: make(chan struct{}, 1), kick: make(chan struct{}, 1),
		dog: watchdog{state: Initial, stream: s.Transport == TLS, strict: s.StatusServer == StatusOn,
			off: s.StatusServer == StatusOff}}
	p.timers.New = func() any { t := time.NewTimer(time.Hour); t.Stop(); return t }
	p.life, p.end = context.WithCancel(context.Background())
	if p.dial == nil {
		p.dial = s.systemDial
	}
	return p
}

// exchange sends q and blocks for the authentic answer. The error is a *silence, or the error of encode.
func (p *peer) exchange(ctx context.Context, q question) (answer, error) {
	p.inFlight.Add(1)
	defer p.leave()
	ex := &exchange{check: q.check, reply: make(chan answer, 1), begun: time.Now()}
	defer ex.free()
	ex.timer = p.timers.Get().(*time.Timer)
	defer func() { ex.timer.Stop(); p.timers.Put(ex.timer) }()
	ask := p.byDatagrams
	if p.Transport == TLS {
		ask = p.byStream
	}
	a, err := ask(ctx, ex, q)
	if err == nil && a.packet != nil {
		if !a.at.v11 || a.packet[0] != byte(codeProtocolError) {
			p.revive()
			return a, nil
		}
		err = protocolError(a.packet)
	}
	var unmade encodeError
	if errors.As(err, &unmade) {
		return answer{}, unmade.error
	}
	return answer{}, p.silence(ex, err)
}

// encodeError is the error of a question's encode: the request cannot be sent, for a reason unrelated to the server.
type encodeError struct{ error }

// free releases all identifiers. It does nothing on a nil exchange.
func (ex *exchange) free() {
	if ex == nil {
		return
	}
	if ex.first.s != nil {
		ex.first.s.release(&ex.first)
	}
	for _, h := range ex.more {
		h.s.release(h)
	}
}

// byDatagrams sends and retransmits (RFC 5080 §2.2.1): IRT is Timeout, MRC is Retries, MRD is maxDuration. No packet
// and no error means a timeout.
func (p *peer) byDatagrams(ctx context.Context, ex *exchange, q question) (answer, error) {
	s, id, err := p.reserve(ctx, ex)
	if err != nil {
		return answer{}, err
	}
	wait, end := jitter(p.Timeout), ex.begun.Add(maxDuration)
	var wire []byte
	var refused error
	asked := s
	for try := range p.Retries + 1 {
		if other, fresh := p.lastSocket(ex, s, try); other != nil {
			defer func() { other.conn.Close(); p.searching.Store(false) }()
			s, id, wire = other, fresh, nil
		}
		if try > 0 && q.renew != nil && q.renew() {
			if fresh, ok := s.take(ex); ok { // the socket of elsewhere has no other identifier
				id, wire = fresh, nil
			}
		}
		if wire == nil {
			if wire, err = s.prepare(id, q); err != nil {
				return answer{}, encodeError{err}
			}
		}
		if err := s.send(ctx, wire); err != nil {
			refused = err
		}
		ex.sent++
		a, err := s.await(ctx, ex, min(wait, time.Until(end)))
		if err != nil || a.packet != nil {
			return a, err
		}
		p.remark(q.about, "no answer in %s", wait.Round(time.Millisecond))
		if !time.Now().Before(end) {
			break
		}
		wait = nextWait(wait, p.Timeout)
	}
	if refused == nil {
		refused = asked.complaint()
	}
	return answer{}, refused
}

// lastSocket returns the socket of elsewhere for the last of several transmissions; nil: use s.
func (p *peer) lastSocket(ex *exchange, s *socket, try int) (*socket, uint32) {
	if try == 0 || try < p.Retries {
		return nil, 0
	}
	return p.elsewhere(ex, s)
}

// await blocks for the answer, for at most wait. No packet and no error means a timeout.
func (s *socket) await(ctx context.Context, ex *exchange, wait time.Duration) (answer, error) {
	ex.timer.Reset(wait)
	select {
	case a := <-ex.reply:
		return a, nil
	case <-ex.timer.C:
		return answer{}, nil
	case <-ctx.Done():
	case <-s.gone:
	}
	if a, ok := ex.received(); ok { // it arrived just before the end
		return a, nil
	}
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	if err := s.complaint(); err != nil {
		return answer{}, lostError{err}
	}
	return answer{}, errClosed
}

// lostError is the error of a wait whose socket was lost.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

func (p *peer) remark(about aaa.About, format string, args ...any) {
	if p.trace != nil {
		p.trace(Event{Server: p.Name, Remark: true, About: about, What: fmt.Sprintf(format, args...)})
	}
}

// jitter returns d ± 10 % (RAND of RFC 5080 §2.2.1).
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*0.2-0.1)*float64(d))
}

// nextWait doubles the wait, with jitter, up to twice the first timeout (MRT): a person is waiting at the other end of
// a modem, and the next server should be asked within about 15 s. The 16 s of RFC 5080 are for clients with a single
// server.
func nextWait(prev, timeout time.Duration) time.Duration {
	if prev*2 > timeout*2 {
		return jitter(timeout * 2)
	}
	return 2*prev + jitter(prev) - prev
}

// patience returns the total time of all transmissions of one datagram without jitter. A stream, without
// retransmissions, waits as long.
func (s ServerConfig) patience() time.Duration {
	return min(s.Timeout+time.Duration(s.Retries)*2*s.Timeout, maxDuration)
}

// silence is the error of an exchange without an authentic answer.
type silence struct {
	peer   *peer
	waited time.Duration
	sent   int
	seen   [flaws]uint64
	from   netip.AddrPort // source of a reply from another address
	before time.Time      // time of the last answer; zero: never
	cause  error          // error of the socket or the context; nil for a plain timeout
}

func (p *peer) silence(ex *exchange, cause error) *silence {
	s := &silence{peer: p, waited: time.Since(ex.begun), sent: ex.sent, cause: cause}
	for f := range ex.seen {
		s.seen[f] = ex.seen[f].Load()
	}
	if at := p.answered.Load(); at != p.otherSecret {
		s.before = time.Unix(0, at)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.from = p.strayedFrom
	if !errors.Is(cause, context.Canceled) && !errors.Is(cause, errClosed) {
		p.reason = s
	}
	return s
}

func (s *silence) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "radius server %s (%s): ", s.peer.Name, s.peer.address)
	if s.sent == 0 {
		cause := s.cause
		if cause == nil {
			cause = errors.New("no connection")
		}
		fmt.Fprintf(&b, "nothing sent in %s: %v", s.waited.Round(time.Millisecond), cause)
		if hint := aaa.Unreached(cause); hint != "" {
			b.WriteString(". " + hint)
		}
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

// Unwrap returns the error of the socket or the context.
func (s *silence) Unwrap() error { return s.cause }

// freeradiusLines make FreeRADIUS sign its replies; releases since 3.0.27 and 3.2.5 do so by default.
const freeradiusLines = "post-auth { update reply { &Message-Authenticator := 0x00 } }"

func (s *silence) hint(bad bool) string {
	switch {
	case s.seen[noMAC] > 0:
		return ". The server must sign its replies. FreeRADIUS does so since 3.2.5 and 3.0.27; in an older release, " +
			"add to the site " + freeradiusLines + ", and the same update inside Post-Auth-Type REJECT " +
			"{ … } and Post-Auth-Type Challenge { … } of post-auth. If the network path to " +
			"the server is secure, message_authenticator: off is possible instead"
	case s.seen[badDigest] > 0 || s.seen[badMAC] > 0:
		return s.hintOfSecret()
	case s.from.IsValid():
		return fmt.Sprintf(". A reply came from %s: the server must reply from its configured address, or be "+
			"configured with that one", s.from)
	case aaa.Unreached(s.cause) != "":
		return ". " + aaa.Unreached(s.cause)
	case bad || s.peer.Transport == TLS && s.cause != nil || errors.Is(s.cause, context.Canceled):
		return "" // the text so far is more specific than any hint
	case !s.before.IsZero():
		return fmt.Sprintf(". It last answered at %s: is it down, overloaded or unreachable?",
			s.before.Format(time.RFC3339))
	}
	return ". Is the server running, and is this host one of its clients, with the same secret?"
}

// hintOfSecret returns a hint about the secret. A server that has answered authentically had the same secret then.
func (s *silence) hintOfSecret() string {
	switch {
	case !s.before.IsZero():
		return fmt.Sprintf(". It answered with this secret at %s: was the secret changed there, or are replies forged?",
			s.before.Format(time.RFC3339))
	case s.peer.Transport == TLS:
		const radsec = ". Is the shared secret the same on both sides? " +
			"Over TLS it is \"radsec\" unless both sides configure another"
		return radsec
	}
	return ". Is the shared secret the same on both sides?"
}

// passing reports whether a socket error is temporary, such as an ICMP message, and does not end the socket.
func passing(err error) bool {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return false
	}
	switch e {
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EMSGSIZE, syscall.EINTR,
		syscall.ENOBUFS, syscall.EPERM:
		return true
	}
	return false
}
