package radius

import (
	"context"
	"net"
	"sync"
	"time"
)

// socket is one connected datagram socket with its 256 identifiers.
type socket struct {
	peer *peer
	conn net.Conn
	gone chan struct{} // closed when the reader ended

	mu       sync.Mutex
	pending  [256]pending
	inFlight int
	next     byte  // identifiers go round: the one freed longest ago is used next
	last     error // what the socket last complained of
}

// pending is who waits for replies with one identifier. Until armed no reply is looked at.
type pending struct {
	ex    *exchange
	auth  authenticator
	armed bool
}

// take gives ex a free identifier. One exchange may hold several: a reply to any of them ends it.
func (s *socket) take(ex *exchange) (byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight == len(s.pending) {
		return 0, false
	}
	for s.pending[s.next].ex != nil {
		s.next++
	}
	id := s.next
	s.pending[id] = pending{ex: ex}
	s.inFlight++
	s.next++
	return id, true
}

// release frees all identifiers of ex.
func (s *socket) release(ex *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.pending {
		if s.pending[i].ex == ex {
			s.pending[i] = pending{}
			s.inFlight--
		}
	}
}

// prepare encodes q under id and begins to look at replies to it.
func (s *socket) prepare(id byte, q question) ([]byte, error) {
	wire, auth, err := q.encode(id, s.conn.LocalAddr())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[id].auth, s.pending[id].armed = auth, true
	return wire, nil
}

// send writes one datagram. An error of an earlier one (ICMP) may be told on this write, which then did nothing: it is written again.
func (s *socket) send(wire []byte, within time.Duration) error {
	s.conn.SetWriteDeadline(time.Now().Add(within))
	_, err := s.conn.Write(wire)
	if err != nil && passing(err) {
		s.complain(err)
		_, err = s.conn.Write(wire)
	}
	return err
}

// await blocks for the answer, at most wait. No answer and no error: time is out.
func (s *socket) await(ctx context.Context, ex *exchange, wait time.Duration) (answer, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case a := <-ex.reply:
		return a, nil
	case <-timer.C:
		return answer{}, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-s.gone:
		if err := s.complaint(); err != nil {
			return answer{}, err
		}
		return answer{}, errClosed
	}
}

func (s *socket) complain(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = err
}

func (s *socket) complaint() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// read is the one goroutine that reads the socket, until it is closed or broken.
func (s *socket) read() {
	defer s.peer.lost(s)
	defer close(s.gone)
	defer s.conn.Close()
	buf := make([]byte, replyBuf)
	for {
		n, err := s.conn.Read(buf)
		if err == nil {
			s.deliver(buf[:n])
			continue
		}
		s.complain(err)
		if !passing(err) {
			return
		}
	}
}

// deliver hands an authentic reply to who waits for it. Whatever else arrives is counted and changes nothing: the wait goes on.
func (s *socket) deliver(datagram []byte) {
	packet, ok := cut(datagram)
	if !ok {
		s.peer.dropped[badLength].Add(1)
		return
	}
	s.mu.Lock()
	p := s.pending[packet[1]]
	s.mu.Unlock()
	if !p.armed {
		s.peer.stray.Add(1)
		return
	}
	if f := p.ex.check(packet, p.auth); f != good {
		s.peer.dropped[f].Add(1)
		p.ex.seen[f].Add(1)
		return
	}
	select {
	case p.ex.reply <- answer{packet: append([]byte(nil), packet...), auth: p.auth}:
	default: // answered twice
	}
}
