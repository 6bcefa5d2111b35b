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

// maxDuration bounds all transmissions of one request together (MRD of RFC 5080 §2.2.1).
const maxDuration = 30 * time.Second

// errClosed ends exchanges whose Client was closed.
var errClosed = errors.New("client closed")

// peer is one server on one port: its sockets and what is known of its health.
type peer struct {
	ServerConfig
	address string
	tw      time.Duration // the watchdog's time, RFC 3539 §3.4.1
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	radsec  *radsec // nil: UDP
	trace   func(Event)
	keys    *keyed // of Secret

	latched  atomic.Bool          // Auto: a good Message-Authenticator was seen
	well     atomic.Bool          // the watchdog's state is Okay and nothing is pending: answers change nothing
	trying   atomic.Bool          // a login finds out whether a server that was dead is well
	answered atomic.Int64         // when it last answered, in Unix nanoseconds
	inFlight atomic.Int64         // exchanges
	dropped  [flaws]atomic.Uint64 // datagrams ignored, by flaw
	stray    atomic.Uint64        // datagrams that nobody waited for
	dialing  chan struct{}        // cap 1: held while a socket is opened
	kick     chan struct{}        // cap 1: the watch has something to do
	life     context.Context      // ends when the peer is closed
	end      context.CancelFunc
	timers   sync.Pool      // of stopped *time.Timer
	parts    sync.WaitGroup // readers, writers, the watch

	mu        sync.Mutex
	sockets   []*socket
	closed    bool
	retired   bool // it closes its sockets as soon as nobody waits
	deadUntil time.Time
	dog       watchdog
	todo      action // what the watchdog wants done
	watching  bool
	reason    error // why it was last silent
	opening   opening

	otherSecret int64          // what answered was when a reload changed the secret: it proves nothing of this one
	searching   atomic.Bool    // an exchange looks whether the answer comes from elsewhere
	strayedFrom netip.AddrPort // where a reply came from that should have come from address; by mu
}

// question is what one exchange asks.
type question struct {
	encode func(at *slot) ([]byte, error)
	renew  func() bool // before a retransmission: whether the octets must be made anew; nil: never
	check  func(packet []byte, at *slot) flaw
}

// exchange is one question under way. Its replies channel takes the first good one.
type exchange struct {
	check func(packet []byte, at *slot) flaw
	reply chan answer // cap 1
	seen  [flaws]atomic.Uint64
	first pending // the first identifier that it holds
	more  []*pending
	begun time.Time
	sent  int
	timer *time.Timer
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
	at     *slot // of the request that it answers
}

func newPeer(s ServerConfig, address string, c Config) *peer {
	p := &peer{ServerConfig: s, address: address, tw: c.Watchdog, dial: c.Dial, trace: c.Trace,
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

// exchange asks q and blocks for the authentic answer. The error is a *silence, or what encode said.
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

// encodeError is what a question's encode said: the request cannot be made, and no server is to blame.
type encodeError struct{ error }

// free gives all identifiers back; of a nil exchange there are none.
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

// byDatagrams sends and sends again (RFC 5080 §2.2.1): IRT is Timeout, MRC is Retries, MRD half a minute. No packet and
// no error: time is out.
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
			if fresh, ok := s.take(ex); ok { // the socket of a search has no other
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
		p.remark("no answer in %s", wait.Round(time.Millisecond))
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

// lastSocket is elsewhere's socket for the last of several transmissions; nil: they all go by s.
func (p *peer) lastSocket(ex *exchange, s *socket, try int) (*socket, uint32) {
	if try == 0 || try < p.Retries {
		return nil, 0
	}
	return p.elsewhere(ex, s)
}

// await blocks for the answer, at most wait. No packet and no error: time is out.
func (s *socket) await(ctx context.Context, ex *exchange, wait time.Duration) (answer, error) {
	ex.timer.Reset(wait)
	select {
	case a := <-ex.reply:
		return a, nil
	case <-ex.timer.C:
		return answer{}, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-s.gone:
	}
	select {
	case a := <-ex.reply: // it came just before the end
		return a, nil
	default:
	}
	if err := s.complaint(); err != nil {
		return answer{}, lostError{err}
	}
	return answer{}, errClosed
}

// lostError ends a wait because its socket is gone.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

func (p *peer) remark(format string, args ...any) {
	if p.trace != nil {
		p.trace(Event{Server: p.Name, Remark: true, What: fmt.Sprintf(format, args...)})
	}
}

// jitter is d with RFC 5080 §2.2.1's RAND of up to a tenth either way.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*0.2-0.1)*float64(d))
}

// nextWait doubles, with jitter, up to twice the first time-out (MRT): a person waits at the other end of a modem, and
// the next server should be asked within the quarter of a minute. RFC 5080's own 16 s are for clients that have one
// server.
func nextWait(prev, timeout time.Duration) time.Duration {
	if prev*2 > timeout*2 {
		return jitter(timeout * 2)
	}
	return 2*prev + jitter(prev) - prev
}

// patience is how long all transmissions of one datagram take without their jitter: a stream, where nothing is sent
// twice, waits as long.
func (s ServerConfig) patience() time.Duration {
	return min(s.Timeout+time.Duration(s.Retries)*2*s.Timeout, maxDuration)
}

// silence is the error of an exchange that nobody answered authentically.
type silence struct {
	peer   *peer
	waited time.Duration
	sent   int
	seen   [flaws]uint64
	from   netip.AddrPort // a reply came from there
	before time.Time      // it answered then; zero: never
	cause  error          // what the socket or the context said; nil where time was simply out
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

// Unwrap gives what the socket or the context said.
func (s *silence) Unwrap() error { return s.cause }

// freeradiusLines make FreeRADIUS sign its replies; releases from 3.0.27 and 3.2.5 on do so by themselves.
const freeradiusLines = "post-auth { update reply { &Message-Authenticator := 0x00 } }"

func (s *silence) hint(bad bool) string {
	switch {
	case s.seen[noMAC] > 0:
		return ". The server must sign its replies. FreeRADIUS does so since 3.2.5 and 3.0.27; an older one needs in " +
			"its site " +
			freeradiusLines + ", and the same update inside Post-Auth-Type REJECT { … } and Post-Auth-Type Challenge " +
			"{ … } of post-auth." +
			" Only where the way to the server is safe: message_authenticator: off"
	case s.seen[badDigest] > 0 || s.seen[badMAC] > 0:
		return s.hintOfSecret()
	case s.from.IsValid():
		return fmt.Sprintf(". A reply came from %s: the server must reply from its configured address, or be "+
			"configured with that one", s.from)
	case aaa.Unreached(s.cause) != "":
		return ". " + aaa.Unreached(s.cause)
	case bad || s.peer.Transport == TLS && s.cause != nil || errors.Is(s.cause, context.Canceled):
		return "" // what was said already tells more than could be guessed
	case !s.before.IsZero():
		return fmt.Sprintf(". It last answered at %s: is it down, overloaded or unreachable?",
			s.before.Format(time.RFC3339))
	}
	return ". Is the server running, and is this host one of its clients, with the same secret?"
}

// hintOfSecret: a server that has once answered authentically has the secret.
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

// passing tells a socket error that is only news of the way (ICMP) from one that ends the socket.
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
