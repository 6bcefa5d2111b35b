package servers

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"layeh.com/radius"
)

// RadSec is how a RADIUS server listens inside TLS (RFC 6614), and how it misbehaves there. Authentication, accounting
// and Status-Server share the connection. With "radius/1.1" among the NextProtos of TLS, it speaks RADIUS/1.1 (RFC
// 9765) with clients that offer it. That codec is this package's own: no other server with RADIUS/1.1 was available
// when it was written.
type RadSec struct {
	TLS *tls.Config // with the server's certificate

	// the n-th request of each connection is not answered and closes the connection; 0: none
	CloseOn int
	Length  int // length that replies announce; 0: their own
	// RADIUS/1.1: requests are answered by Protocol-Error with this Error-Cause; 0: not
	ProtocolError uint32
	// RADIUS/1.1: replies carry a Message-Authenticator, which has no meaning there, and the reserved fields are not
	// zero
	SignReplies bool
	NoStatus    bool // Status-Server is not answered
	// called when a client violates RFC 9765; nil: the connection is only closed
	Violation func(format string, args ...any)
}

// ServeRadSec serves the connections that l accepts until ctx ends, then closes all, waits for them, and returns nil.
// The server's secret must be the one inside TLS, "radsec" (RFC 6614).
func (s *RADIUS) ServeRadSec(ctx context.Context, l net.Listener, o RadSec) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		raw, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("radsec test server: %w", err)
		}
		wg.Go(func() { s.radsecConn(ctx, raw, o) })
	}
}

// radsecConn serves one connection.
func (s *RADIUS) radsecConn(ctx context.Context, raw net.Conn, o RadSec) {
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	conn := tls.Server(raw, o.TLS)
	hello, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := conn.HandshakeContext(hello); err != nil {
		s.log("%s: TLS: %v", raw.RemoteAddr(), err)
		return
	}
	v11 := conn.ConnectionState().NegotiatedProtocol == "radius/1.1"
	var wg sync.WaitGroup
	defer wg.Wait()
	defer raw.Close()
	out := &radsecWriter{conn: conn, o: o}
	for n := 1; ; n++ {
		request, err := readFrame(conn)
		if err != nil {
			s.log("%s: %v", raw.RemoteAddr(), err)
			return
		}
		if o.CloseOn == n {
			return
		}
		wg.Go(func() {
			if !s.radsecRequest(ctx, out, raw.RemoteAddr(), request, v11) {
				raw.Close()
			}
		})
	}
}

// radsecRequest answers one request; false if the connection must be closed.
func (s *RADIUS) radsecRequest(ctx context.Context, out *radsecWriter, from net.Addr, request []byte, v11 bool) bool {
	var back net.PacketConn = out
	if v11 {
		token := [4]byte(request[4:8])
		classic, err := s.from11(request)
		if err != nil {
			if out.o.Violation != nil {
				out.o.Violation("RADIUS/1.1: %v", err)
			}
			return false
		}
		if out.o.ProtocolError != 0 {
			out.write(protocolError11(token, out.o.ProtocolError))
			return true
		}
		request, back = classic, &writer11{out, token}
	}
	if request[0] == byte(radius.CodeStatusServer) && out.o.NoStatus {
		return true
	}
	s.handle(ctx, back, from, request, radius.Code(request[0]))
	return true
}

// readFrame reads one packet of a stream.
func readFrame(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint16(head[2:])
	if n < 20 || n > 4096 {
		return nil, fmt.Errorf("invalid packet length %d", n)
	}
	b := append(head, make([]byte, n-4)...)
	_, err := io.ReadFull(r, b[4:])
	return b, err
}

// radsecWriter makes a connection a net.PacketConn for handle.
type radsecWriter struct {
	net.PacketConn // nil: only WriteTo is called
	conn           net.Conn
	o              RadSec
	mu             sync.Mutex
}

func (w *radsecWriter) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), w.write(b) }

func (w *radsecWriter) write(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.o.Length != 0 {
		b = bytes.Clone(b)
		binary.BigEndian.PutUint16(b[2:], uint16(w.o.Length))
	}
	_, err := w.conn.Write(b)
	return err
}

// writer11 converts replies to RADIUS/1.1.
type writer11 struct {
	*radsecWriter
	token [4]byte
}

func (w *writer11) WriteTo(b []byte, _ net.Addr) (int, error) {
	return len(b), w.write(to11(b, w.token, w.o.SignReplies))
}

// to11 is a reply of RADIUS/1.1: the Token replaces the authenticator, and there is no Message-Authenticator. dirty
// fills the fields that a client must ignore.
func to11(b []byte, token [4]byte, dirty bool) []byte {
	out := make([]byte, 20, len(b))
	out[0] = b[0]
	copy(out[4:], token[:])
	if dirty {
		out[1] = b[1] | 1
		rand.Read(out[8:20])
		out = append(out, append([]byte{80, 18}, make([]byte, 16)...)...)
	}
	for i := 20; i < len(b); i += int(b[i+1]) {
		if b[i] != 80 {
			out = append(out, b[i:i+int(b[i+1])]...)
		}
	}
	binary.BigEndian.PutUint16(out[2:], uint16(len(out)))
	return out
}

func protocolError11(token [4]byte, cause uint32) []byte {
	b := make([]byte, 26)
	b[0], b[3], b[20], b[21] = 52, 26, 101, 6
	copy(b[4:], token[:])
	binary.BigEndian.PutUint32(b[22:], cause)
	return b
}

// from11 checks a request by RFC 9765 and converts it to RADIUS/1.0, which the server knows: with authenticators and a
// hidden password.
func (s *RADIUS) from11(b []byte) ([]byte, error) {
	if b[1] != 0 || !bytes.Equal(b[8:20], make([]byte, 12)) {
		return nil, errors.New("a reserved field is not zero (§4.1)")
	}
	p := &radius.Packet{Code: radius.Code(b[0]), Secret: []byte(s.cfg.Secret)}
	rand.Read(p.Authenticator[:])
	attrs, err := radius.ParseAttributes(b[20:])
	if err != nil {
		return nil, err
	}
	if p.Code != radius.CodeAccountingRequest {
		p.Add(80, make([]byte, 16))
	}
	for _, a := range attrs {
		switch a.Type {
		case 80:
			return nil, errors.New("a Message-Authenticator (§5.2)")
		case 2:
			if a.Attribute, err = hide11(a.Attribute, p); err != nil {
				return nil, err
			}
		case 3:
			if attrs.Get(60) == nil {
				return nil, errors.New("CHAP-Password without CHAP-Challenge (§5.1.2)")
			}
		}
		p.Add(a.Type, a.Attribute)
	}
	classic, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if p.Code == radius.CodeAccountingRequest {
		copy(classic[4:20], digest(classic, make([]byte, 16), s.cfg.Secret))
	} else {
		copy(classic[22:38], sign(classic, s.cfg.Secret))
	}
	return classic, nil
}

// hide11 hides a plain User-Password as RADIUS/1.0 does.
func hide11(plain radius.Attribute, p *radius.Packet) (radius.Attribute, error) {
	if len(plain) < 1 || len(plain) > 128 {
		return nil, fmt.Errorf("a User-Password of %d octets (§5.1.1)", len(plain))
	}
	return radius.NewUserPassword(plain, p.Secret, p.Authenticator[:])
}
