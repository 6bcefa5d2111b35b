package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ringback/ringback/httpd"
	"go.uber.org/zap"
)

// Limits of connections. Those of root and the user of the daemon have only the first: an operator can still connect
// after others have used up theirs.
const (
	maxConns     = 512 // of a listener
	maxOthers    = 256 // of a listener, of all clients but root and the user of the daemon
	maxConnsEach = 64  // of one user, or of one address
)

const (
	headerTime = 10 * time.Second // for the handshake, and then for the header of a request
	idleTime   = 2 * time.Minute  // until a connection without a request is closed
	writeTime  = 30 * time.Second // within which a client must take each piece of an answer
	writePiece = 64 << 10         // size of a piece, in octets
	maxHeader  = 64 << 10
)

// limited is a listener with limits for the connections of each client. Its connections know their peer.
type limited struct {
	net.Listener
	privileged func(*peer) bool

	mu     sync.Mutex
	all    int
	others int
	each   map[string]int
}

func newLimited(l net.Listener) *limited {
	return &limited{Listener: l, each: map[string]int{},
		privileged: func(p *peer) bool { return p.known && Roles{}.of(p) == Admin }}
}

// Limited limits the connections to l of each address and of all, and how long a client may take nothing of an answer.
// A connection beyond them is closed.
func Limited(l net.Listener) net.Listener { return newLimited(l) }

// Accept closes connections beyond the limits, and tells their clients why.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p := peerOf(c)
		if release := l.admit(p); release != nil {
			return &conn{Conn: c, peer: p, release: sync.OnceFunc(release)}, nil
		}
		tooMany(c)
	}
}

// admit counts a connection and returns what counts its end; nil if there are too many.
func (l *limited) admit(p *peer) (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key, free := p.remote, l.privileged(p)
	if p.known {
		key = "uid " + strconv.FormatUint(uint64(p.uid), 10)
	} else if host, _, err := net.SplitHostPort(p.remote); err == nil {
		key = host
	}
	if l.all >= maxConns || !free && (l.others >= maxOthers || l.each[key] >= maxConnsEach) {
		return nil
	}
	others := 1
	if free {
		others = 0
	}
	l.all++
	l.others += others
	l.each[key]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all--
		l.others -= others
		if l.each[key]--; l.each[key] == 0 {
			delete(l.each, key)
		}
	}
}

// tooMany answers a connection that is not served: for a client on the socket with the reason, which fits into its
// buffer.
func tooMany(c net.Conn) {
	defer c.Close()
	if _, ok := c.RemoteAddr().(*net.UnixAddr); !ok { // over TLS nothing can be said without a handshake
		return
	}
	const body = `{"title":"Service Unavailable","status":503,"detail":"too many connections of this user to the ` +
		`admin API: end some of them"}` + "\n"
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	fmt.Fprintf(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
}

// conn is a connection that is counted, and whose client must take what is written.
type conn struct {
	net.Conn
	peer    *peer
	release func()
}

// Write fails if the client does not take a piece in time: nothing waits longer for a client that reads nothing.
func (c *conn) Write(b []byte) (n int, err error) {
	for first := true; first || n < len(b); first = false {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(b[n:min(n+writePiece, len(b))])
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *conn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// withPeer is an http.Server's ConnContext: it adds the peer to the context.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	for {
		if known, ok := c.(*conn); ok {
			return context.WithValue(ctx, peerKey{}, known.peer)
		}
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return ctx
		}
		c = inner.NetConn()
	}
}

// ServeListener serves on l until ctx ends, and closes l.
func (s *Server) ServeListener(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, newLimited(l), s.Handler())
}

// ServeTLS serves clients over TLS on l until ctx ends, and closes l. config returns the certificates in force, at each
// connection; it must require and verify the client's (certs.ServerFiles).
func (s *Server) ServeTLS(ctx context.Context, l net.Listener, config func() *tls.Config) error {
	g := s.guard()
	g.host = hostNames(func(name string) error {
		leaf := config().Certificates[0].Leaf
		if leaf == nil {
			return errors.New("no certificate")
		}
		return leaf.VerifyHostname(name)
	})
	each := &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config(), nil }}
	return s.serve(ctx, tls.NewListener(newLimited(l), each), g)
}

func (s *Server) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ConnContext: withPeer}
	if err := httpd.Serve(ctx, srv, l, s.Log); err != nil {
		return fmt.Errorf("serve the admin API on %s: %w", l.Addr(), err)
	}
	return nil
}

// log returns the log; one without records if there is none.
func (s *Server) log() *zap.Logger {
	if s.Log != nil {
		return s.Log
	}
	return zap.NewNop()
}
