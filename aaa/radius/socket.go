package radius

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// maxTokens limits the requests in flight on one RADIUS/1.1 connection. The Token would allow about four billion (2³²).
const maxTokens = 4096

// spentFor is how long an identifier of a connection stays out of use after its exchange gave up: a late answer would
// fail verification under the next request, and that ends the connection. Servers give up after 30 s.
const spentFor = 30 * time.Second

// socket is one connected datagram socket or one TLS connection, with its identifiers.
type socket struct {
	peer   *peer
	conn   net.Conn
	opened time.Time
	stream bool // a TLS connection
	v11    bool // RADIUS/1.1
	local  net.Addr
	keys   *keyed
	gone   chan struct{} // closed when the reader ended
	heard  atomic.Uint64 // packets read
	queue  chan []byte   // for the writer of a stream

	mu    sync.Mutex
	ids   [256]*pending       // RADIUS/1.0, by Identifier
	more  map[uint32]*pending // RADIUS/1.1, by Token
	taken int
	users int    // exchanges that own an identifier, or did until it was answered
	next  uint32 // identifiers are used in rotation, so that a freed one is reused as late as possible
	ended bool   // it accepts no more exchanges
	// it left a request without an answer: it accepts no more exchanges, and the last one closes it
	silent bool
	last   error // the last error of the socket
}

// pending is an exchange that waits for replies with one identifier. Until it is armed, replies are ignored; after
// that, at does not change.
type pending struct {
	s     *socket
	ex    *exchange // nil: it gave up, and the identifier stays out of use until spent
	at    slot
	armed bool
	spent time.Time
}

func newSocket(p *peer, conn net.Conn, v11 bool) *socket {
	s := &socket{peer: p, conn: conn, opened: time.Now(), stream: p.Transport == TLS, v11: v11,
		local: conn.LocalAddr(), keys: p.keys, gone: make(chan struct{})}
	if s.stream {
		s.queue = make(chan []byte, writeQueue)
	}
	if v11 {
		s.more = map[uint32]*pending{}
		s.next = rand.Uint32() // RFC 9765 §4.2.1: a counter from a random value
	}
	return s
}

// room returns the number of identifiers of the socket and the lowest one. On a RADIUS/1.0 connection, identifier 0 is
// reserved for Status-Server (RFC 6613 §2.6.5), so that a full connection can still be probed.
func (s *socket) room() (n int, lowest uint32) {
	switch {
	case s.v11:
		return maxTokens, 0
	case s.stream:
		return 255, 1
	}
	return 256, 0
}

// atLocked returns the exchange that waits for id; nil if there is none.
func (s *socket) atLocked(id uint32) *pending {
	if s.v11 {
		return s.more[id]
	}
	return s.ids[byte(id)]
}

// putLocked makes p wait for id; nil frees id.
func (s *socket) putLocked(id uint32, p *pending) {
	switch before := s.atLocked(id); {
	case before == nil && p != nil:
		s.taken++
	case before != nil && p == nil:
		s.taken--
	}
	switch {
	case !s.v11:
		s.ids[byte(id)] = p
	case p == nil:
		delete(s.more, id)
	default:
		s.more[id] = p
	}
}

// take gives ex a free identifier. One exchange may own several: a reply to any of them ends it.
func (s *socket) take(ex *exchange) (uint32, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	room, lowest := s.room()
	if s.ended || s.taken >= room && !s.recycleLocked() {
		return 0, false
	}
	id := s.next
	if !s.v11 {
		id = max(id&0xff, lowest)
	}
	for s.atLocked(id) != nil {
		if id++; !s.v11 && id > 0xff {
			id = lowest
		}
	}
	s.next = id + 1
	s.users++
	s.putLocked(id, ex.hold(s, id))
	return id, true
}

// takeWatchdog gives ex the identifier for Status-Server, even if the last one is unanswered.
func (s *socket) takeWatchdog(ex *exchange) (uint32, bool) {
	if !s.stream || s.v11 {
		return s.take(ex)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, false
	}
	s.users++
	s.putLocked(0, ex.hold(s, 0))
	return 0, true
}

// recycleLocked frees the identifiers that were out of use for spentFor, and reports whether there were any.
func (s *socket) recycleLocked() bool {
	now, any := time.Now(), false
	for id, p := range s.ids {
		if p != nil && p.ex == nil && now.After(p.spent) {
			s.putLocked(uint32(id), nil)
			any = true
		}
	}
	return any
}

// release ends the use of one identifier, and closes a silent connection that has no other user.
func (s *socket) release(h *pending) {
	s.mu.Lock()
	s.releaseLocked(h)
	s.users--
	unused := s.silent && s.users == 0
	s.mu.Unlock()
	if unused {
		s.shut(errNoAnswer)
	}
}

// releaseLocked frees one identifier, unless its answer already did. On a RADIUS/1.0 connection, an unanswered
// identifier stays out of use for spentFor.
func (s *socket) releaseLocked(h *pending) {
	switch {
	case s.atLocked(h.at.id) != h:
	case s.stream && !s.v11 && h.armed:
		s.putLocked(h.at.id, &pending{spent: time.Now().Add(spentFor)})
	default:
		s.putLocked(h.at.id, nil)
	}
}

// settle frees the identifier id, whose reply arrived, unless another exchange owns it now: the first may have given up
// while the reply was checked.
func (s *socket) settle(id uint32, waited *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.atLocked(id) == waited {
		s.putLocked(id, nil)
	}
}

// prepare encodes q with an identifier from take, and arms it for replies.
func (s *socket) prepare(id uint32, q question) ([]byte, error) {
	s.mu.Lock()
	p := s.atLocked(id)
	s.mu.Unlock()
	p.at.auth = newAuthenticator()
	wire, err := q.encode(&p.at)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.armed = true
	return wire, nil
}

// send writes one datagram, or passes one packet to the writer of a stream and blocks while its queue is full. If a
// write returns an error of an earlier datagram (ICMP), nothing was sent, so it writes again.
func (s *socket) send(ctx context.Context, wire []byte) error {
	if s.stream {
		select {
		case s.queue <- wire:
			return nil
		case <-s.gone:
			return s.complaint()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	_, err := s.conn.Write(wire)
	if err != nil && passing(err) {
		s.complain(err)
		_, err = s.conn.Write(wire)
	}
	return err
}

// shut closes the socket with the error why. Its reader does the rest.
func (s *socket) shut(why error) {
	s.mu.Lock()
	s.ended, s.last = true, why
	s.mu.Unlock()
	s.conn.Close()
}

// abandon stops new exchanges on a silent connection. The exchanges that use it may still get their answers.
func (s *socket) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.silent = true, true
}

func (s *socket) isSilent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent
}

// end stops new exchanges on the socket.
func (s *socket) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

func (s *socket) complain(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || !s.stream && !s.ended { // the first error of a stream causes the later ones
		s.last = err
	}
}

func (s *socket) complaint() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// read is the only goroutine that reads the socket. It ends when the socket is closed or fails.
func (s *socket) read() {
	defer s.peer.lost(s)
	defer close(s.gone)
	defer s.conn.Close()
	defer s.end()
	if s.stream {
		s.readStream()
		return
	}
	buf := make([]byte, replyBuf)
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			s.complain(err)
			if !passing(err) {
				return
			}
			continue
		}
		s.heard.Add(1)
		packet, ok := cut(buf[:n])
		if !ok {
			s.peer.dropped[badLength].Add(1)
			continue
		}
		s.deliver(packet)
	}
}

// deliver passes an authentic reply to the exchange that waits for it. Anything else is counted and ignored, and the
// wait continues.
func (s *socket) deliver(packet []byte) flaw {
	id := uint32(packet[1])
	if s.v11 {
		id = token(packet)
	}
	s.mu.Lock()
	p := s.atLocked(id)
	waited := p != nil && p.armed
	s.mu.Unlock()
	if !waited {
		s.stray(id, p, packet)
		return good
	}
	if f := s.judge(p, packet); f != good {
		s.peer.dropped[f].Add(1)
		p.ex.seen[f].Add(1)
		return f
	}
	s.settle(id, p)
	select {
	case p.ex.reply <- answer{packet: append([]byte(nil), packet...), at: &p.at}:
		if p.ex.stop != nil {
			p.ex.stop()
		}
	default: // answered twice
	}
	return good
}

func (s *socket) judge(p *pending, packet []byte) flaw {
	if s.v11 {
		if f := walk(packet); f != good {
			return f
		}
		if packet[0] == byte(codeProtocolError) {
			return good
		}
	}
	return p.ex.check(packet, &p.at)
}

// stray counts a packet that no exchange waits for. A late answer frees its identifier; a Protocol-Error says why the
// server will close the connection.
func (s *socket) stray(id uint32, p *pending, packet []byte) {
	s.peer.stray.Add(1)
	if p != nil && !p.spent.IsZero() {
		s.settle(id, p)
	}
	if s.stream && packet[0] == byte(codeProtocolError) && walk(packet) == good {
		s.complain(protocolError(packet))
	}
}
