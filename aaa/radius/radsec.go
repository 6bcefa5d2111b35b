package radius

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"syscall"
	"time"
)

// The names of ALPN (RFC 9765 §3.2).
const (
	alpn10 = "radius/1.0"
	alpn11 = "radius/1.1"
)

// radsecSecret is the shared secret inside TLS (RFC 6614 §2.3): what it should protect, TLS does.
const radsecSecret = "radsec"

// radsec opens connections to one server.
type radsec struct {
	config  *tls.Config
	require bool // RADIUS/1.1 or nothing
}

// load reads the files of t. host is the server's name where t has none.
func (t TLSConfig) load(host string) (*radsec, error) {
	// without a session cache: a resumed session could forget what was negotiated (RFC 9765 §3.6), and connections live
	// long
	c, err := t.Config(host)
	if err != nil {
		return nil, err
	}
	if t.MinTLS12 {
		c.MinVersion = tls.VersionTLS12
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

// check says what cannot work in t, files unread.
func (t TLSConfig) check() error {
	switch t.RADIUS11 {
	case "", RADIUS11Allow, RADIUS11Require, RADIUS11Off:
	default:
		return fmt.Errorf("unknown radius11 %q (use allow, require or off)", t.RADIUS11)
	}
	if t.MinTLS12 && t.RADIUS11 != "" && t.RADIUS11 != RADIUS11Off {
		return errors.New("RADIUS/1.1 requires TLS 1.3 (RFC 9765 §3.5): do not combine radius11 with TLS 1.2")
	}
	return t.Certificates.Check()
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

// connect opens a connection with its handshake done; it blocks no longer than ctx. v11 says that RADIUS/1.1 was agreed
// on.
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
	if r.require && !v11 { // RFC 9765 §3.4: the client closes it
		conn.Close()
		return nil, false, &handshakeError{errors.New("TLS: the server does not support RADIUS/1.1, and radius11 is " +
			"require")}
	}
	return conn, v11, nil
}

// handshakeError is a refusal by one of the two sides of TLS: trying again mends nothing.
type handshakeError struct{ error }

func (e *handshakeError) Unwrap() error { return e.error }

// Alerts (RFC 8446 §6, RFC 7301 §3.2).
const (
	alertBadCertificate      = 42
	alertUnsupportedCert     = 43
	alertCertificateExpired  = 45
	alertCertificateUnknown  = 46
	alertUnknownCA           = 48
	alertAccessDenied        = 49
	alertProtocolVersion     = 70
	alertCertificateRequired = 116
	alertNoProtocol          = 120
)

// alertOf is the alert that the server ended TLS with; false where it did not. crypto/tls has it in a type of its own,
// of one octet.
func alertOf(err error) (alert uint64, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return v.Uint(), true
}

// explainTLS adds to an error of TLS what mends it. Others stay as they are.
func explainTLS(err error) error {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	alert, alerted := alertOf(err)
	switch {
	case errors.As(err, &name):
		return fmt.Errorf("the server's certificate is for another name: %w (check server_name)", err)
	case errors.As(err, &authority):
		return fmt.Errorf("the server's certificate is signed by an unknown authority: %w (check ca_file)", err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the server's certificate is expired or not yet valid: %w (check this machine's clock)", err)
	case errors.As(err, &invalid):
		return fmt.Errorf("the server's certificate is not valid: %w", err)
	case alerted:
		return explainAlert(err, alert)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("TLS: no answer in time: %w (is it a RADIUS over TLS port?)", err)
	}
	return err
}

func explainAlert(err error, alert uint64) error {
	switch alert {
	case alertCertificateRequired:
		return fmt.Errorf("the server requires a client certificate: %w (set cert_file and key_file, signed by an "+
			"authority that the server trusts)", err)
	case alertBadCertificate, alertUnsupportedCert, alertCertificateExpired, alertCertificateUnknown, alertUnknownCA,
		alertAccessDenied:
		return fmt.Errorf("the server rejected our certificate: %w (is cert_file valid, and signed by an authority "+
			"that it trusts?)", err)
	case alertProtocolVersion:
		return fmt.Errorf("the server's TLS version is too old: %w (allow TLS 1.2 for it)", err)
	case alertNoProtocol:
		return fmt.Errorf("no common RADIUS version: %w (check radius11)", err)
	}
	return err
}

// lasting reports whether err will be there again at the next attempt: wrong certificates, not a server that restarts,
// which may take a connection and be gone before the handshake.
func lasting(err error) bool {
	for _, passing := range []error{context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe,
		syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, passing) {
			return false
		}
	}
	var h *handshakeError
	_, alerted := alertOf(err)
	return alerted || errors.As(err, &h)
}

// byStream sends once; nothing is sent again on the same connection (RFC 6613 §2.6.1). Where the connection is lost,
// the request goes out again on the next one, as long as it has time and no more often than a datagram.
func (p *peer) byStream(ctx context.Context, ex *exchange, q question) (answer, error) {
	end := ex.begun.Add(p.patience())
	timed, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	var lost error
	mute := false // a connection was closed on which the server has never said anything
	for ex.sent <= p.Retries {
		s, id, err := p.reserve(timed, ex)
		if err != nil {
			var late tooLate
			if lost == nil || lasting(err) || errors.As(err, &late) || timed.Err() != nil || errors.Is(err, errClosed) {
				return answer{}, own(timed, ctx, err, lost)
			}
			lost = err // the server restarts, it seems: the next reserve waits a little
			continue
		}
		a, err := p.onStream(timed, ex, q, s, id, end)
		var gone lostError
		switch {
		case !errors.As(err, &gone) || lasting(err) || errors.Is(err, errClosed):
			return a, own(timed, ctx, err, nil)
		case s.heard.Load() == 0 && (lost == nil || mute):
			// It may be a server that restarts, and was taking connections to the last: that is found out once.
			if !mute {
				mute = true
				break
			}
			return answer{}, fmt.Errorf("the server closed the connection without an answer: %w (does it accept our "+
				"certificate?)", gone.error)
		}
		lost = gone.error
		p.remark("connection lost (%v), sending again on a new one", lost)
	}
	return answer{}, lost
}

// own tells the exchange's own time, which is plain silence, from its caller's.
func own(timed, ctx context.Context, err, lost error) error {
	if errors.Is(err, context.DeadlineExceeded) && timed.Err() != nil && ctx.Err() == nil {
		return lost
	}
	return err
}

// onStream is one request on one connection.
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
	a, err := s.await(ctx, ex, time.Until(end))
	if err == nil && a.packet == nil && s.heard.Load() == heard {
		// Nothing at all came all that time: the connection may lead nowhere, and the next request should not find out
		// again.
		s.shut(errors.New("connection closed: no answer"))
	}
	return a, err
}
