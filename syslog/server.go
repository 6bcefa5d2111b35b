package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/ringback/ringback/certs"
)

// The networks of a server.
const (
	UDP  = "udp"
	TCP  = "tcp"
	TLS  = "tls"
	Unix = "unix"
)

// Server is where records are sent to.
type Server struct {
	Network string
	Address string // host:port, or the path of a socket
	TLS     certs.Files
}

// ports are the registered ones: RFC 5426 §3.3, "syslog-conn" of RFC 3195, RFC 5425 §4.1.
var ports = map[string]string{UDP: "514", TCP: "601", TLS: "6514"}

// ParseServer parses tls://host:6514, tcp://host:601, udp://host:514 or unix:///dev/log. The port may be omitted.
func ParseServer(s string) (Server, error) {
	const forms = "write tls://HOST:6514, tcp://HOST:601, udp://HOST:514 or unix:///dev/log"
	u, err := url.Parse(s)
	if err != nil {
		return Server{}, fmt.Errorf("not an address of a syslog server: %w (%s)", err, forms)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return Server{}, errors.New("not an address of a syslog server: " + forms)
	}
	if u.Scheme == Unix {
		if u.Host != "" || !path.IsAbs(u.Path) || len(u.Path) < 2 || len(u.Path) > 107 {
			return Server{}, errors.New("a socket needs an absolute path of at most 107 octets: unix:///dev/log")
		}
		return Server{Network: Unix, Address: u.Path}, nil
	}
	port, ok := ports[u.Scheme]
	if !ok || u.Hostname() == "" || u.Path != "" {
		return Server{}, errors.New("not an address of a syslog server: " + forms)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return Server{}, fmt.Errorf("%s is not a port number (1 to 65535)", p)
		}
		port = p
	}
	return Server{Network: u.Scheme, Address: net.JoinHostPort(u.Hostname(), port)}, nil
}

func (v Server) String() string {
	return v.Network + "://" + v.Address
}

func (v Server) datagram() bool { return v.Network == UDP }

// format formats a record for this kind of server, with its framing.
func (v Server) format(o Origin, r Record, sequence uint64) []byte {
	switch v.Network {
	case UDP:
		return o.format5424(r, sequence, maxDatagram)
	case Unix:
		return o.formatLocal(r, maxDatagram)
	}
	data := o.format5424(r, sequence, maxFrame)
	return append(strconv.AppendInt(nil, int64(len(data)), 10), " "+string(data)...) // RFC 5425 §4.3, RFC 6587 §3.4.1
}

// connect opens a connection. Certificates are read each time, because they are renewed.
func (v Server) connect(ctx context.Context) (connection, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	switch v.Network {
	case Unix:
		return v.connectUnix(ctx, d)
	case TLS:
		host, _, err := net.SplitHostPort(v.Address)
		if err != nil {
			return nil, err
		}
		c, err := v.TLS.Config(host)
		if err != nil {
			return nil, err
		}
		conn, err := (&tls.Dialer{NetDialer: &d, Config: c}).DialContext(ctx, TCP, v.Address)
		if err != nil {
			return nil, certs.Explain(err)
		}
		return newStream(conn), nil
	case UDP:
		conn, err := d.DialContext(ctx, UDP, v.Address)
		if err != nil {
			return nil, err
		}
		return &datagrams{conn}, nil
	}
	conn, err := d.DialContext(ctx, TCP, v.Address)
	if err != nil {
		return nil, err
	}
	return newStream(conn), nil
}

// connectUnix connects as syslog(3) does: datagrams first, then a stream, whose records end with NUL.
func (v Server) connectUnix(ctx context.Context, d net.Dialer) (connection, error) {
	conn, err := d.DialContext(ctx, "unixgram", v.Address)
	if err == nil {
		return &datagrams{conn}, nil
	}
	conn, streamErr := d.DialContext(ctx, "unix", v.Address)
	if streamErr != nil {
		return nil, err
	}
	s := newStream(conn)
	s.end = "\x00"
	return s, nil
}

// connection is a way to a server. The sender's goroutine alone uses it.
type connection interface {
	send(data []byte) error
	closed() bool // by the server
	close()
}

// datagrams sends each record in a datagram of its own.
type datagrams struct{ net.Conn }

func (d *datagrams) send(data []byte) error {
	d.SetWriteDeadline(time.Now().Add(sendTimeout))
	_, err := d.Write(data)
	return err
}

func (d *datagrams) closed() bool { return false }
func (d *datagrams) close()       { d.Conn.Close() }

// stream sends records over a connection. A syslog server sends nothing: what it sends is discarded, and its end of the
// connection is seen before the next record is lost in it.
type stream struct {
	net.Conn
	end  string
	gone chan struct{}
}

func newStream(conn net.Conn) *stream {
	s := &stream{Conn: conn, gone: make(chan struct{})}
	go func() {
		defer close(s.gone)
		io.Copy(io.Discard, conn)
	}()
	return s
}

func (s *stream) send(data []byte) error {
	if s.closed() {
		return errors.New("the server has closed the connection")
	}
	s.SetWriteDeadline(time.Now().Add(sendTimeout))
	_, err := s.Write(append(data[:len(data):len(data)], s.end...))
	return err
}

func (s *stream) closed() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

func (s *stream) close() {
	s.Conn.Close()
	<-s.gone
}
