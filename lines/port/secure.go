package port

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/ringback/ringback/certs"
)

// closeLimit is how long Close tries to tell the server the end of a connection over TLS.
const closeLimit = 250 * time.Millisecond

// maxHeld is the maximum size of the records that a server without room has not taken yet.
const maxHeld = 64 << 10

// secure is a connection over TLS that remains usable after a deadline, as TCP does: crypto/tls gives a connection up
// if a deadline cuts a record, so the rest of the record is held back, and sent before anything else.
type secure struct {
	*tls.Conn
	raw *held

	// Used only by the reader.
	heard   bool    // the server has sent data
	ahead   [1]byte // read by await
	waiting bool    // ahead, or the error, is for the next Read
	err     error
}

// handshake starts TLS on c. The caller closes c after an error.
func handshake(ctx context.Context, c net.Conn, a Address, files *certs.Files) (*secure, error) {
	if files == nil {
		files = &certs.Files{}
	}
	host, _, err := net.SplitHostPort(a.Host)
	if err != nil {
		return nil, err
	}
	config, err := files.Config(host)
	if err != nil {
		return nil, err
	}
	s := &secure{raw: &held{Conn: c}}
	s.Conn = tls.Client(s.raw, config)
	if err := s.HandshakeContext(ctx); err != nil {
		return nil, certs.Explain(err)
	}
	return s, nil
}

// Read returns an error of TLS with its likely cause: a server that rejects our certificate says so only after the
// handshake (RFC 8446 §4.4.2).
func (s *secure) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	if s.waiting {
		s.waiting = false
		n = copy(b, s.ahead[:])
		if err = s.err; err != nil {
			n = 0
		}
	} else {
		n, err = s.Conn.Read(b)
	}
	s.heard = s.heard || n > 0
	switch {
	case err == nil:
	case !s.heard && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		err = fmt.Errorf("the server closed the connection immediately: %w (does it accept our certificate, "+
			"cert_file? is the port in use by another client?)", bare(err))
	default:
		err = certs.Explain(err)
	}
	return n, err
}

// reason returns why a write failed with err, if the server has said so before it closed the connection.
func (s *secure) reason(err error) error {
	if _, told := s.Read(make([]byte, 1)); told != nil && !errors.Is(told, os.ErrDeadlineExceeded) {
		return told
	}
	return err
}

// await waits for the next octet of data: octets on the wire may be records without data.
func (s *secure) await() {
	if s.waiting {
		return
	}
	_, s.err = s.Conn.Read(s.ahead[:])
	// the next Read meets a deadline again, unless it was changed
	s.waiting = !errors.Is(s.err, os.ErrDeadlineExceeded)
}

// Write counts octets as written when they are in a record that is sent or held back.
func (s *secure) Write(b []byte) (total int, err error) {
	for len(b) > 0 {
		if err := s.raw.flush(); err != nil {
			return total, err
		}
		n, err := s.Conn.Write(b[:min(len(b), chunk)])
		total += n
		if b = b[n:]; err != nil {
			return total, err
		}
	}
	return total, s.raw.flush()
}

// Close tells the server the end of the connection, if there is room for that.
func (s *secure) Close() error {
	s.raw.closeSoon()
	return s.Conn.Close()
}

// held is a connection whose Write never ends with a deadline.
type held struct {
	net.Conn

	mu   sync.Mutex // held while writing
	rest []byte     // to be sent first

	deadlines sync.Mutex // guards closing
	closing   bool
}

// Write sends b, or holds back what a deadline cuts.
func (h *held) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.rest)+len(b) > maxHeld {
		return 0, fmt.Errorf("the server does not read the data sent to it: %w", os.ErrDeadlineExceeded)
	}
	h.rest = append(h.rest, b...)
	if err := h.flushLocked(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, err
	}
	return len(b), nil
}

// flush sends what is held back. After a deadline, the rest is still held back.
func (h *held) flush() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.flushLocked()
}

func (h *held) flushLocked() error {
	if len(h.rest) == 0 {
		return nil
	}
	n, err := h.Conn.Write(h.rest)
	if h.rest = h.rest[n:]; len(h.rest) == 0 {
		h.rest = nil
	}
	return err
}

func (h *held) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rest)
}

// SetWriteDeadline implements net.Conn. After closeSoon the deadline stays.
func (h *held) SetWriteDeadline(t time.Time) error {
	h.deadlines.Lock()
	defer h.deadlines.Unlock()
	if h.closing {
		return nil
	}
	return h.Conn.SetWriteDeadline(t)
}

// closeSoon limits all further writes.
func (h *held) closeSoon() {
	h.deadlines.Lock()
	defer h.deadlines.Unlock()
	if !h.closing {
		h.closing = true
		_ = h.Conn.SetWriteDeadline(time.Now().Add(closeLimit)) // if it fails, so do the writes
	}
}
