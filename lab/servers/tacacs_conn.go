package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// byChance is true in percent of 100 cases.
func byChance(percent int) bool { return percent > 0 && rand.IntN(100) < percent }

// tacConn is one connection with its sessions.
type tacConn struct {
	s    *TACACS
	conn net.Conn
	peer string
	wg   sync.WaitGroup // packets being answered

	mu       sync.Mutex // of the sessions, and of writes
	sessions map[uint32]*tacSession
	single   bool
}

// tacSession is one session; mu keeps its packets in order.
type tacSession struct {
	mu    sync.Mutex
	kind  byte
	seq   byte // of the last packet received or sent
	login *asciiLogin
}

// tacReply is a reply before faults are applied.
type tacReply struct {
	body  []byte
	says  []string // its fields, for the trace
	what  string
	kind  string // its status
	ended bool   // the session is over
}

// serve reads packets and answers each in its own goroutine, because sessions are independent of one another.
func (c *tacConn) serve(ctx context.Context) {
	for n := 0; ; n++ {
		h, body, err := readTACACS(c.conn)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
				c.s.log("%s: %v", c.peer, err)
			}
			return
		}
		f, dropped := c.s.luck()
		if n == 0 {
			c.single = h.flags&tacSingle != 0 && !f.NoSingle
		}
		ses, err := c.session(h)
		if err == nil {
			body, err = c.clear(h, body)
		}
		if err != nil {
			c.refuse(h, err)
			return
		}
		if dropped {
			c.s.trace(Event{Peer: c.peer, Kind: tacTypes[h.kind], What: describe(h), Note: "dropped, as configured"})
			continue
		}
		c.wg.Go(func() { c.handle(ctx, ses, h, body, f) })
	}
}

func describe(h tacHeader) string {
	return fmt.Sprintf("%s session %08x seq %d", named8(tacTypes, h.kind), h.session, h.seq)
}

func (c *tacConn) refuse(h tacHeader, err error) {
	c.s.log("%s: %s: refused, the connection is closed: %v", c.peer, describe(h), err)
	c.s.trace(Event{Peer: c.peer, What: describe(h), Note: "refused, the connection is closed: " + err.Error()})
}

// session finds or begins the session of a packet and checks its header.
func (c *tacConn) session(h tacHeader) (*tacSession, error) {
	switch {
	case h.version&0xf0 != tacMajor:
		return nil, fmt.Errorf("major version %d, expected 12", h.version>>4)
	case tacTypes[h.kind] == "":
		return nil, fmt.Errorf("unknown packet type %d", h.kind)
	case h.seq%2 == 0:
		return nil, fmt.Errorf("even sequence number %d from a client", h.seq)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ses := c.sessions[h.session]
	switch {
	case ses == nil && h.seq != 1:
		return nil, fmt.Errorf("sequence number %d in an unknown session", h.seq)
	case ses == nil && len(c.sessions) > 0 && !c.single:
		return nil, errors.New("a second session on a connection that is not single-connection")
	case ses != nil && h.seq == 1:
		return nil, errors.New("the session id is in use")
	case ses != nil && ses.kind != h.kind:
		return nil, errors.New("the packet type changes within a session")
	}
	if ses == nil {
		ses = &tacSession{kind: h.kind}
		c.sessions[h.session] = ses
		c.s.count(func() { c.s.sessions++ })
	}
	return ses, nil
}

// clear removes the obfuscation.
func (c *tacConn) clear(h tacHeader, body []byte) ([]byte, error) {
	plain := h.flags&tacUnencrypted != 0
	switch {
	case c.s.cfg.TLS != nil && !plain:
		return nil, errors.New("no UNENCRYPTED flag over TLS (RFC 9887 §4)")
	case c.s.cfg.TLS != nil, c.s.cfg.Key == "" && plain:
		return body, nil
	case c.s.cfg.Key == "":
		return nil, errors.New("the packet is obfuscated, but this server has no key")
	case plain:
		return nil, errors.New("the packet has the UNENCRYPTED flag, but this server has a key")
	}
	return obfuscate(h, c.s.cfg.Key, body), nil
}

// handle answers one packet.
func (c *tacConn) handle(ctx context.Context, ses *tacSession, h tacHeader, body []byte, f TACACSFaults) {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	if h.seq != ses.seq+1 {
		c.refuse(h, fmt.Errorf("sequence number %d, expected %d", h.seq, ses.seq+1))
		c.conn.Close()
		return
	}
	ses.seq = h.seq + 1
	e := Event{Peer: c.peer, Kind: tacTypes[h.kind], What: describe(h)}
	var r *tacReply
	var err error
	switch h.kind {
	case tacAuthen:
		r, err = c.s.authenticate(ses, h, body, f, &e)
	case tacAuthor:
		r, err = c.s.authorize(body, f, &e)
	case tacAcct:
		r, err = c.s.account(c.peer, body, f, &e)
	}
	if err != nil { // RFC 8907 §4.5: ERROR, obfuscated with this server's key
		e.Note = err.Error()
		r = errorReply(h.kind, err.Error())
	}
	c.s.trace(e)
	if f.Delay > 0 && !sleep(ctx, f.Delay) {
		return
	}
	if r != nil {
		c.reply(h, r, f)
	}
	if r == nil || r.ended {
		c.end(h.session, err != nil)
	}
}

// end removes a session, and closes the connection if it may have no other.
func (c *tacConn) end(session uint32, broken bool) {
	c.mu.Lock()
	delete(c.sessions, session)
	single := c.single
	c.mu.Unlock()
	if !single || broken {
		c.conn.Close()
	}
}

func errorReply(kind byte, why string) *tacReply {
	r := &tacReply{what: "ERROR", kind: "ERROR", says: []string{"server-msg " + quote(why)}, ended: true}
	switch kind {
	case tacAuthen:
		r.body = tacAuthenReply{status: authenError, message: why}.encode()
	case tacAuthor:
		r.body = tacAuthorReply{status: authorError, message: why}.encode()
	case tacAcct:
		r.body = tacAcctReply{status: acctError, message: why}.encode()
	}
	return r
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// reply writes r with the faults to apply.
func (c *tacConn) reply(request tacHeader, r *tacReply, f TACACSFaults) {
	h := request
	h.seq, h.flags = request.seq+1, 0
	if c.single {
		h.flags = tacSingle
	}
	body := f.body(r.body)
	key := c.s.cfg.Key
	if f.WrongKey {
		key += "not"
	}
	plain := c.s.cfg.TLS != nil || key == ""
	if plain != f.Unencrypted {
		h.flags |= tacUnencrypted
	}
	f.header(&h)
	h.length = uint32(len(body) + f.LongLength)
	if !plain && !f.Unencrypted {
		body = obfuscate(h, key, body)
	}
	b := append(h.encode(), body...)
	note := ""
	if f.Cut > 0 {
		b, note = b[:max(0, len(b)-f.Cut)], "cut, as configured"
	}
	if f.Close {
		b, note = nil, "the connection is closed instead, as configured"
	}
	c.s.trace(Event{Peer: c.peer, Sent: true, Kind: r.kind, What: describe(h) + ": " + r.what, Attributes: r.says,
		Note: note})
	if err := c.write(b, f.Bytewise); err != nil {
		c.s.log("%s: answer: %v", c.peer, err)
	}
	if f.Cut > 0 || f.Close {
		c.conn.Close()
	}
}

func (f TACACSFaults) header(h *tacHeader) {
	if f.WrongSeq {
		h.seq += 2
	}
	if f.WrongSession {
		h.session ^= 1
	}
	if f.WrongVersion {
		h.version ^= 0x10
	}
	if f.WrongMinor {
		h.version ^= 0x01
	}
	if f.WrongType {
		h.kind = h.kind%3 + 1
	}
}

// body falsifies the lengths within a body.
func (f TACACSFaults) body(b []byte) []byte {
	if !f.LyingBody || len(b) < 6 {
		return b
	}
	b = append([]byte(nil), b...)
	b[3] += 7 // the low or high octet of server_msg_len, in all three types
	return b
}

func (c *tacConn) write(b []byte, bytewise bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if !bytewise {
		_, err := c.conn.Write(b)
		return err
	}
	for i := range b {
		if _, err := c.conn.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}
