package tacplus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	maxLate  = 1024    // abandoned sessions whose answers are still awaited on one connection
	maxBatch = 1 << 15 // maximum octets of one write

	maxQueued = 64 // packets that wait for the writer; further senders block

	lastWords = 200 * time.Millisecond // time to read why the other side closed
)

// conn is one connection to a server. Its reader and its writer are two goroutines of its peer. Any number of sessions
// use it if the server agreed to that, otherwise one.
type conn struct {
	peer    *peer
	nc      net.Conn
	offered bool // the server is asked to share it among sessions
	out     chan outgoing
	gone    chan struct{} // closed with the connection; err says why
	decided chan struct{} // closed by the server's first reply

	mu       sync.Mutex
	err      error
	single   bool // the server agreed to share it among sessions
	closed   bool
	retired  bool // it closes with the last session on it
	sessions map[uint32]*session
	late     map[uint32]bool // abandoned sessions whose answer may still come
	heard    uint64          // packets received
	writeErr error           // the writer gave up
}

type outgoing struct {
	octets []byte
	sent   chan struct{} // closed when they are written; nil: nobody waits
}

// errLost ends a connection that the other side closed or the network broke.
type errLost struct{ cause error }

func (e *errLost) Error() string {
	if errors.Is(e.cause, io.EOF) {
		return "it closed the connection without an answer"
	}
	return e.cause.Error()
}

func (e *errLost) Unwrap() error { return e.cause }

var errTimeout = errors.New("no answer")

func newConn(p *peer, nc net.Conn, offered bool) *conn {
	return &conn{peer: p, nc: nc, offered: offered, out: make(chan outgoing, maxQueued), gone: make(chan struct{}),
		decided:  make(chan struct{}),
		sessions: map[uint32]*session{}, late: map[uint32]bool{}}
}

// begin makes the first session of a new connection.
func (c *conn) begin(kind packetType, minor byte) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, c.err
	}
	return c.add(kind, minor), nil
}

// join starts a session on a connection that the server agreed to share; false if it is no longer usable.
func (c *conn) join(kind packetType, minor byte) (*session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !c.single {
		return nil, false
	}
	s := c.add(kind, minor)
	s.reused = true
	return s, true
}

// add makes a session. The caller holds c.mu.
func (c *conn) add(kind packetType, minor byte) *session {
	s := &session{c: c, id: newSessionID(), kind: kind, version: major | minor, reply: make(chan []byte, 1)}
	for c.sessions[s.id] != nil || c.late[s.id] {
		s.id = newSessionID()
	}
	c.sessions[s.id] = s
	return s
}

// settled waits until the server's first answer has decided whether the connection may be shared. An error that ends
// the session asking for it ends the waiting sessions too; otherwise they would wait as long one after the other.
func (c *conn) settled(ctx context.Context) error {
	select {
	case <-c.decided:
		return nil // join reports whether it still is open
	default:
	}
	select {
	case <-c.decided:
		return nil
	case <-c.gone:
		if err := c.reason(); !errors.Is(err, errEnded) {
			return err
		}
		return nil // its caller is gone; nothing is known about the server
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retire refuses further sessions, and closes the connection after its last one.
func (c *conn) retire() {
	c.mu.Lock()
	c.retired, c.single = true, false
	idle := len(c.sessions) == 0 && c.heard > 0 // before anything is received, its first session may be about to begin
	c.mu.Unlock()
	if idle {
		c.fail(errEnded)
	}
}

// fail closes the connection with err and wakes all sessions that wait on it. The first error is kept.
func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed, c.err = true, err
	c.peer.lost(c) // before gone: a session that is repeated must not find this connection again
	close(c.gone)
	c.mu.Unlock()
	c.nc.Close()
}

func (c *conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// write sends the packets of sessions until the connection is gone. Packets that wait together go in one write.
func (c *conn) write() {
	var batch []byte
	for {
		var sent []chan struct{}
		select {
		case o := <-c.out:
			batch, sent = append(batch[:0], o.octets...), append(sent, o.sent)
		case <-c.gone:
			return
		}
	more:
		for len(batch) < maxBatch {
			select {
			case o := <-c.out:
				batch, sent = append(batch, o.octets...), append(sent, o.sent)
			default:
				break more
			}
		}
		c.nc.SetWriteDeadline(time.Now().Add(c.peer.Timeout))
		if _, err := c.nc.Write(batch); err != nil {
			c.unwritable(err)
			return
		}
		for _, done := range sent {
			if done != nil {
				close(done)
			}
		}
	}
}

// unwritable leaves it to the reader to report the reason: the other side may have sent it (a TLS alert) before it
// closed.
func (c *conn) unwritable(err error) {
	c.mu.Lock()
	c.writeErr = err
	c.mu.Unlock()
	c.nc.SetReadDeadline(time.Now().Add(lastWords))
}

// lost is the error of a read that failed.
func (c *conn) lost(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writeErr != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = c.writeErr
	}
	return &errLost{err}
}

// read receives packets until the connection is gone. It waits without limit between packets; a packet that has begun
// must end within the server's timeout.
func (c *conn) read() {
	r := bufio.NewReaderSize(c.nc, 4096)
	for {
		h, body, err := c.next(r)
		if err == nil {
			err = c.take(h, body)
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// next reads one packet.
func (c *conn) next(r *bufio.Reader) (header, []byte, error) {
	if _, err := r.Peek(1); err != nil {
		return header{}, nil, c.lost(err)
	}
	bounded := r.Buffered() < headerLen
	if bounded {
		c.nc.SetReadDeadline(time.Now().Add(c.peer.Timeout))
	}
	var head [headerLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return header{}, nil, c.cut("truncated packet header", err)
	}
	h, err := readHeader(head[:])
	if err != nil {
		return h, nil, err
	}
	if !bounded && r.Buffered() < int(h.length) {
		bounded = true
		c.nc.SetReadDeadline(time.Now().Add(c.peer.Timeout))
	}
	body := make([]byte, h.length)
	if _, err := io.ReadFull(r, body); err != nil {
		return h, nil, c.cut(fmt.Sprintf("truncated packet: expected a body of %d octets", h.length), err)
	}
	if bounded {
		c.nc.SetReadDeadline(time.Time{})
	}
	return h, body, nil
}

// cut is the error of a packet whose end did not come: the connection is lost, or silent.
func (c *conn) cut(what string, err error) error {
	if err == io.EOF { // at the end of the header
		err = io.ErrUnexpectedEOF
	}
	if err = c.lost(err); errors.Is(err, os.ErrDeadlineExceeded) {
		return errTimeout
	}
	return &errLost{fmt.Errorf("%s (%w)", what, err)}
}

// take gives a packet to the session that waits for it. An unexpected packet ends the connection: its sender is faulty
// or not the configured server.
func (c *conn) take(h header, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.checkFlags(h); err != nil {
		return err
	}
	if c.late[h.session] {
		delete(c.late, h.session)
		c.answered(h)
		return nil
	}
	s := c.sessions[h.session]
	switch {
	case s == nil:
		return &flaw{what: fmt.Sprintf("unknown session id %08x", h.session)}
	case h.kind != s.kind:
		return &flaw{what: fmt.Sprintf("packet type %d in a session of type %d", byte(h.kind), byte(s.kind))}
	case h.version != s.version:
		return &flaw{what: fmt.Sprintf("version %#02x in a session of version %#02x", h.version, s.version)}
	case h.seq != s.want || s.want == 0:
		return &flaw{what: fmt.Sprintf("sequence number %d, expected %d (0: none)", h.seq, s.want)}
	}
	s.want = 0
	c.answered(h)
	h.obfuscate(body, []byte(c.peer.Secret))
	s.reply <- body // cap 1, and only one is awaited at a time
	return nil
}

// checkFlags checks that a packet is obfuscated as required (RFC 8907 §10.5.2, RFC 9887 §4).
func (c *conn) checkFlags(h header) error {
	plain := h.flags&flagPlain != 0
	switch {
	case plain && c.peer.tls == nil:
		return &flaw{plain: true, what: "the answer is not obfuscated",
			hint: "Does the server have a secret for this host?"}
	case !plain && c.peer.tls != nil:
		return &flaw{plain: true, what: "the answer over TLS has no TAC_PLUS_UNENCRYPTED_FLAG (RFC 9887 §4)",
			hint: "Is the server configured for TLS?"}
	}
	return nil
}

// answered counts a packet; the first one decides whether the connection is shared (RFC 8907 §4.3). The caller holds
// c.mu.
func (c *conn) answered(h header) {
	c.heard++
	if c.heard == 1 {
		agreed := c.offered && h.flags&flagSingle != 0
		if c.offered && !agreed {
			c.peer.decline(c)
		}
		c.single = agreed && !c.retired
		close(c.decided)
	}
}

// expectLate marks the answer to an abandoned session to be dropped when it comes. The caller holds c.mu.
func (c *conn) expectLate(s *session) {
	if s.want == 0 {
		return
	}
	for id := range c.late { // some servers never answer: forget any one
		if len(c.late) < maxLate {
			break
		}
		delete(c.late, id)
	}
	c.late[s.id] = true
}
