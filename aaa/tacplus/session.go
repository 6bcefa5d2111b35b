package tacplus

import (
	"context"
	"errors"
	"time"
)

// session is one TACACS+ session (RFC 8907 §3.4): packets in both directions under one identifier, numbered from 1.
type session struct {
	c       *conn
	id      uint32
	kind    packetType
	version byte
	reused  bool // the connection was kept: it carried others before
	seq     byte // of the last packet sent; 0 none

	reply chan []byte // cap 1: bodies as they came
	want  byte        // guarded by c.mu: the sequence number awaited; 0 none
}

// exchange sends body as the session's next packet and blocks until the body of the answer, whose lengths are checked.
// After an error the session has ended.
func (s *session) exchange(ctx context.Context, body []byte) ([]byte, error) {
	octets, err := s.encode(body)
	if err != nil {
		s.end()
		return nil, err
	}
	heard := s.expect()
	timer := s.c.peer.timers.Get().(*time.Timer)
	defer func() { timer.Stop(); s.c.peer.timers.Put(timer) }()
	timer.Reset(s.c.peer.Timeout)
	if err = s.send(ctx, timer.C, outgoing{octets: octets}); err == nil {
		body, err = s.await(ctx, timer.C)
	}
	if err != nil {
		s.giveUp(err, heard)
		return nil, err
	}
	if err := checkBody(s.kind, body); err != nil {
		s.c.fail(err)
		return nil, err
	}
	return body, nil
}

// stale reports whether an exchange failed with err because the connection was kept too long: the server closed it, or
// it is open but nothing passes any more. The server may well answer on a new connection.
func (s *session) stale(err error) bool {
	var lost *errLost
	return s.reused && (errors.As(err, &lost) || errors.Is(err, errTimeout))
}

// expect lets the reader accept the answer to the last encoded packet. It returns how many packets were received
// before.
func (s *session) expect() uint64 {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.want = s.seq + 1
	return s.c.heard
}

// encode makes the session's next packet.
func (s *session) encode(body []byte) ([]byte, error) {
	if s.seq >= lastSeq {
		return nil, errWrapped
	}
	p := s.c.peer
	h := header{version: s.version, kind: s.kind, seq: 1, session: s.id}
	if s.seq > 0 {
		h.seq = s.seq + 2
	}
	if s.c.offered && h.seq == 1 && !s.reused {
		h.flags |= flagSingle // relevant in the first two packets of a connection only (RFC 8907 §4.1)
	}
	if p.tls != nil {
		h.flags |= flagPlain
	}
	s.seq = h.seq
	return h.encode(body, []byte(p.Secret))
}

var errWrapped = errors.New("the sequence number would wrap (RFC 8907 §4.1): too many prompts")

func (s *session) send(ctx context.Context, late <-chan time.Time, o outgoing) error {
	select {
	case s.c.out <- o:
		return nil
	case <-s.c.gone:
		return s.c.reason()
	case <-late:
		return errTimeout
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *session) await(ctx context.Context, late <-chan time.Time) ([]byte, error) {
	select {
	case body := <-s.reply:
		return body, nil
	case <-s.c.gone:
		select {
		case body := <-s.reply: // it came before the connection closed
			return body, nil
		default:
			return nil, s.c.reason()
		}
	case <-late:
		return nil, errTimeout
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// giveUp abandons a session whose answer may still come. If the connection has received nothing meanwhile, giveUp
// closes it too.
func (s *session) giveUp(err error, heard uint64) {
	c := s.c
	c.mu.Lock()
	dead := errors.Is(err, errTimeout) && c.heard == heard
	c.expectLate(s)
	c.mu.Unlock()
	if dead {
		c.fail(err)
	}
	s.end()
}

// end removes the session from its connection, and closes the connection unless the server agreed to share it. It may
// be called twice.
func (s *session) end() {
	c := s.c
	c.mu.Lock()
	delete(c.sessions, s.id)
	over := !c.single && len(c.sessions) == 0
	c.mu.Unlock()
	if over {
		c.fail(errEnded)
	}
}

var errEnded = errors.New("the session has ended")

// abort tells the server that no answer will follow (RFC 8907 §5.3), waits until that is written, and ends the session.
func (s *session) abort() {
	defer s.end()
	octets, err := s.encode(encodeContinue(continueAbort, ""))
	if err != nil {
		return
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	s.expect() // some servers answer it
	s.c.mu.Lock()
	s.c.expectLate(s)
	s.c.mu.Unlock()
	sent := make(chan struct{})
	if s.send(context.Background(), timer.C, outgoing{octets, sent}) != nil {
		return
	}
	select {
	case <-sent:
	case <-s.c.gone:
	case <-timer.C:
	}
}
