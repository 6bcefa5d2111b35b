package radius

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/ringback/ringback/certs"
)

// The ALPN protocol names (RFC 9765 §3.2).
const (
	alpn10 = "radius/1.0"
	alpn11 = "radius/1.1"
)

// radsecSecret is the fixed shared secret over TLS (RFC 6614 §2.3): TLS protects the packets instead.
const radsecSecret = "radsec"

// radsec opens connections to one server.
type radsec struct {
	config  *tls.Config
	require bool // only RADIUS/1.1 is allowed
}

// load reads the files of t. host is the server's name if t sets none.
func (t TLSConfig) load(host string) (*radsec, error) {
	// without a session cache: a resumed session could lose the negotiated version (RFC 9765 §3.6), and connections are
	// long-lived
	c, err := t.Config(host)
	if err != nil {
		return nil, err
	}
	switch t.RADIUS11 {
	case RADIUS11Require:
		c.NextProtos = []string{alpn11}
	case RADIUS11Off:
		c.NextProtos = []string{alpn10}
	default:
		c.NextProtos = []string{alpn11, alpn10}
	}
	return &radsec{config: c, require: t.RADIUS11 == RADIUS11Require}, nil
}

func (t TLSConfig) withDefaults() TLSConfig {
	switch {
	case t.RADIUS11 != "":
	case t.MinTLS12:
		t.RADIUS11 = RADIUS11Off
	default:
		t.RADIUS11 = RADIUS11Allow
	}
	return t
}

// check returns an error for an invalid setting of t, without reading the files.
func (t TLSConfig) check() error {
	switch t.RADIUS11 {
	case "", RADIUS11Allow, RADIUS11Require, RADIUS11Off:
	default:
		return fmt.Errorf("unknown radius11 %q (use allow, require or off)", t.RADIUS11)
	}
	if t.MinTLS12 && t.RADIUS11 != "" && t.RADIUS11 != RADIUS11Off {
		return errors.New("RADIUS/1.1 requires TLS 1.3 (RFC 9765 §3.5): do not combine radius11 with TLS 1.2")
	}
	return t.Files.Check()
}

func (t TLSConfig) warnings(name string) (w []string) {
	if t.MinTLS12 {
		w = append(w, fmt.Sprintf("radius server %s: TLS 1.2 is allowed; prefer 1.3", name))
	}
	if t.CertFile == "" {
		w = append(w, fmt.Sprintf("radius server %s: no cert_file and key_file: most servers require a client "+
			"certificate (RFC 6614 §2.3)", name))
	}
	return w
}

// connect opens a connection and performs the TLS handshake; it blocks until ctx ends at the latest. v11 reports
// whether RADIUS/1.1 was negotiated.
func (r *radsec) connect(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error),
	address string) (c net.Conn, v11 bool, err error) {
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, false, err
	}
	conn := tls.Client(raw, r.config)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, false, &handshakeError{explainTLS(err)}
	}
	v11 = conn.ConnectionState().NegotiatedProtocol == alpn11
	if r.require && !v11 { // RFC 9765 §3.4: the client closes the connection
		conn.Close()
		return nil, false, &handshakeError{errors.New("TLS: the server does not support RADIUS/1.1, and radius11 is " +
			"require")}
	}
	return conn, v11, nil
}

// handshakeError is a failed TLS handshake, refused by the client or the server: another attempt does not help.
type handshakeError struct{ error }

func (e *handshakeError) Unwrap() error { return e.error }

// explainTLS adds a hint to a TLS error. Other errors are returned unchanged.
func explainTLS(err error) error {
	switch alert, _ := certs.Alert(err); {
	case alert == certs.NoApplicationProtocol:
		return fmt.Errorf("no common RADIUS version: %w (check radius11)", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("TLS: no answer in time: %w (is it a RADIUS over TLS port?)", err)
	}
	return certs.Explain(err)
}

// lasting reports whether the next attempt would fail with the same error: a wrong certificate, but not a restarting
// server, which may accept a connection and end before the handshake.
func lasting(err error) bool {
	for _, passing := range []error{context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe,
		syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, passing) {
			return false
		}
	}
	var h *handshakeError
	_, alerted := certs.Alert(err)
	return alerted || errors.As(err, &h)
}

// byStream sends a request once per connection (RFC 6613 §2.6.1). It sends the request again on the next connection if
// the connection is lost, or once if a connection that was open before is silent, within the same time and number of
// transmissions as for datagrams.
func (p *peer) byStream(ctx context.Context, ex *exchange, q question) (answer, error) {
	end := ex.begun.Add(p.patience())
	timed, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	ex.stop = cancel
	var lost error
	mute := false // a connection was closed before the server sent anything
	for ex.sent <= p.Retries {
		s, id, err := p.reserve(timed, ex)
		if a, ok := ex.received(); ok { // late, on the silent connection
			return a, nil
		}
		if err != nil {
			if lost == nil && !q.patient || final(err) || timed.Err() != nil {
				return answer{}, own(timed, ctx, err, lost)
			}
			lost = err // the server seems to restart: the next reserve waits for the pause
			continue
		}
		a, err := p.onStream(timed, ex, q, s, id, end)
		var gone lostError
		switch {
		case errors.Is(err, errSilent):
			lost = err
			p.remark(q.about, "no answer in %s, sending again on a new connection", p.Timeout)
			continue
		case !errors.As(err, &gone) || lasting(err) || errors.Is(err, errClosed):
			return a, own(timed, ctx, err, nil)
		case s.heard.Load() == 0 && (lost == nil || mute):
			// A restarting server may accept connections until it ends: try a second time.
			if !mute {
				mute = true
				break
			}
			return answer{}, fmt.Errorf("the server closed the connection without an answer: %w (does it accept our "+
				"certificate?)", gone.error)
		}
		lost = gone.error
		p.remark(q.about, "connection lost (%v), sending again on a new one", lost)
	}
	return answer{}, lost
}

// final reports whether an exchange that could not get a connection ends: another attempt within its time would fail
// too.
func final(err error) bool {
	var late tooLate
	return lasting(err) || errors.As(err, &late) || errors.Is(err, errClosed) || errors.Is(err, errFull) ||
		errors.Is(err, context.Canceled)
}

// own returns lost if the exchange's own time is over, which counts as plain silence, and err if the caller's time is
// over.
func own(timed, ctx context.Context, err, lost error) error {
	if errors.Is(err, context.DeadlineExceeded) && timed.Err() != nil && ctx.Err() == nil {
		return lost
	}
	return err
}

// errSilent is the result of onStream for a connection that was open before the request and is silent.
var errSilent = errors.New("no answer on the open connection")

// errNoAnswer is the error of a connection that is closed because it is silent.
var errNoAnswer = errors.New("connection closed: no answer")

// onStream sends one request on one connection and waits for the answer. A connection that was open before may be dead
// although no packet says so, for example after a firewall lost its state: if nothing is received on it for Timeout,
// onStream abandons it and returns errSilent. A late answer is still received.
func (p *peer) onStream(ctx context.Context, ex *exchange, q question, s *socket, id uint32, end time.Time) (answer,
	error) {
	wire, err := s.prepare(id, q)
	if err != nil {
		return answer{}, encodeError{err}
	}
	heard := s.heard.Load()
	if err := s.send(ctx, wire); err != nil {
		select {
		case <-s.gone:
			return answer{}, lostError{err}
		default:
			return answer{}, err
		}
	}
	ex.sent++
	if !ex.renewed && s.opened.Before(ex.begun) && p.Timeout < time.Until(end) {
		a, err := s.await(ctx, ex, p.Timeout)
		if err != nil || a.packet != nil {
			return a, err
		}
		if s.heard.Load() == heard {
			ex.renewed = true
			s.abandon()
			return answer{}, errSilent
		}
	}
	a, err := s.await(ctx, ex, time.Until(end))
	over := err == nil || errors.Is(err, context.DeadlineExceeded) && !time.Now().Before(end)
	if over && a.packet == nil && s.heard.Load() == heard {
		// Nothing was received: the connection may be dead, and the next request should not wait for it too.
		s.shut(errNoAnswer)
	}
	return a, err
}
