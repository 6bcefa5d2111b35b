package tacplus_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

const (
	secret = "a secret of 24 octets..."
	canary = "canary-password"
)

// wire is one packet, its body in the clear. The server side of these tests encodes and decodes octets from RFC 8907's
// drawings alone, without the code under test.
type wire struct {
	version, kind, seq, flags byte
	session                   uint32
	body                      []byte
}

// pad is the pseudo-random pad of RFC 8907 §4.5, computed as the RFC describes it.
func pad(w wire, secret string, n int) []byte {
	var all, last []byte
	for len(all) < n {
		h := md5.New()
		binary.Write(h, binary.BigEndian, w.session)
		io.WriteString(h, secret)
		h.Write([]byte{w.version, w.seq})
		h.Write(last)
		last = h.Sum(nil)
		all = append(all, last...)
	}
	return all[:n]
}

func xor(a, b []byte) []byte {
	x := make([]byte, len(a))
	for i := range a {
		x[i] = a[i] ^ b[i]
	}
	return x
}

func (w wire) octets(secret string) []byte {
	b := []byte{w.version, w.kind, w.seq, w.flags}
	b = binary.BigEndian.AppendUint32(b, w.session)
	b = binary.BigEndian.AppendUint32(b, uint32(len(w.body)))
	if w.flags&1 != 0 {
		return append(b, w.body...)
	}
	return append(b, xor(w.body, pad(w, secret, len(w.body)))...)
}

func readWire(r io.Reader, secret string) (wire, error) {
	var h [12]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return wire{}, err
	}
	w := wire{version: h[0], kind: h[1], seq: h[2], flags: h[3], session: binary.BigEndian.Uint32(h[4:]),
		body: make([]byte, binary.BigEndian.Uint32(h[8:]))}
	if _, err := io.ReadFull(r, w.body); err != nil {
		return w, err
	}
	if w.flags&1 == 0 {
		w.body = xor(w.body, pad(w, secret, len(w.body)))
	}
	return w, nil
}

// to is the reply to w: the next sequence number of the same session.
func (w wire) to(body []byte) wire {
	w.seq++
	w.body = body
	return w
}

func u16(n int) []byte { return []byte{byte(n >> 8), byte(n)} }

// Statuses of RFC 8907 §5.2, §6.2 and §7.2.
const (
	pass, fail, getData, getUser, getPass, restart, failure, follow = 1, 2, 3, 4, 5, 6, 7, 0x21
	passAdd, passRepl, authorFail, authorError                      = 1, 2, 0x10, 0x11
	noEcho                                                          = 1
)

// authenReply is RFC 8907 §5.2.
func authenReply(status, flags byte, msg, data string) []byte {
	b := []byte{status, flags}
	b = append(append(b, u16(len(msg))...), u16(len(data))...)
	return append(append(b, msg...), data...)
}

// authorReply is RFC 8907 §6.2.
func authorReply(status byte, msg string, args ...string) []byte {
	b := []byte{status, byte(len(args))}
	b = append(append(b, u16(len(msg))...), 0, 0)
	for _, a := range args {
		b = append(b, byte(len(a)))
	}
	return append(append(b, msg...), strings.Join(args, "")...)
}

// acctReply is RFC 8907 §7.2.
func acctReply(status byte, msg string) []byte {
	return append(append(u16(len(msg)), 0, 0, status), msg...)
}

// startBody is RFC 8907 §5.1.
func startBody(priv, kind, service byte, user, port, rem, data string) []byte {
	b := []byte{1, priv, kind, service, byte(len(user)), byte(len(port)), byte(len(rem)), byte(len(data))}
	return append(b, user+port+rem+data...)
}

// continueBody is RFC 8907 §5.3.
func continueBody(flags byte, msg string) []byte {
	return append(append(u16(len(msg)), 0, 0, flags), msg...)
}

// authorBody is RFC 8907 §6.1.
func authorBody(method, priv, kind, service byte, user, port, rem string, args ...string) []byte {
	b := []byte{method, priv, kind, service, byte(len(user)), byte(len(port)), byte(len(rem)), byte(len(args))}
	for _, a := range args {
		b = append(b, byte(len(a)))
	}
	return append(b, user+port+rem+strings.Join(args, "")...)
}

// link is the server's end of one connection.
type link struct {
	t      *testing.T
	conn   net.Conn
	secret string
	n      int // number of the connection to this server, from 1
}

// next reads a packet; false if the client closed the connection.
func (l *link) next() (wire, bool) {
	w, err := readWire(l.conn, l.secret)
	return w, err == nil
}

func (l *link) send(w wire)       { l.conn.Write(w.octets(l.secret)) }
func (l *link) raw(octets []byte) { l.conn.Write(octets) }

// closed blocks until the client has closed the connection.
func (l *link) closed() {
	if w, ok := l.next(); ok {
		l.t.Errorf("a packet instead of the end of the connection: %+v", w)
	}
}

// want reads a packet and compares it.
func (l *link) want(kind, seq byte, body []byte) wire {
	l.t.Helper()
	w, ok := l.next()
	if !ok || w.kind != kind || w.seq != seq || !bytes.Equal(w.body, body) {
		l.t.Errorf("packet type %d sequence %d body\n%q, want %d, %d\n%q (there: %v)", w.kind, w.seq, w.body, kind, seq,
			body, ok)
	}
	return w
}

// replies is a server that answers every packet with body, without end.
func replies(body func(wire) []byte) func(*link) {
	return func(l *link) {
		for {
			w, ok := l.next()
			if !ok {
				return
			}
			if b := body(w); b != nil {
				l.send(w.to(b))
			}
		}
	}
}

func always(body []byte) func(*link) { return replies(func(wire) []byte { return body }) }

func mute(l *link) { replies(func(wire) []byte { return nil })(l) }

// town is one client and its servers, connected by in-memory pipes inside a synctest bubble.
type town struct {
	t      *testing.T
	client *tacplus.Client
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[string]int
	trace []string
	about []string // whose each event of the trace is

	// dials connects to the servers of the town and ignores the port.
	dials func(ctx context.Context, network, address string) (net.Conn, error)
}

// server is a script of a server, called for each connection. With a nil Serve, the connection is refused.
type server struct {
	tacplus.ServerConfig
	Serve func(*link)
	TLS   *tls.Config
	Wrong string // a secret that differs from the client's
	Late  bool   // its host drops connection attempts silently
	// how long it takes the client to close a connection, as over TLS, where Close sends close notify
	Closing time.Duration
}

// inTown runs f in a bubble with servers "one", "two", ….
func inTown(t *testing.T, cfg tacplus.Config, f func(*town), servers ...server) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &town{t: t, conns: map[string]int{}}
		by := map[string]server{}
		for i, s := range servers {
			s.Name = []string{"one", "two", "three"}[i]
			s.Address = s.Name + ":49"
			if s.ServerConfig.TLS == nil && s.Secret == "" {
				s.Secret = secret
			}
			by[s.Name] = s
			cfg.Servers = append(cfg.Servers, s.ServerConfig)
		}
		w.dials = func(ctx context.Context, _, address string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(address)
			return w.dial(ctx, by[host])
		}
		cfg.Trace, cfg.Dial = w.note, w.dials
		var err error
		if w.client, err = tacplus.New(cfg); err != nil {
			t.Fatal(err)
		}
		f(w)
		w.client.Close()
		w.wg.Wait()
		if got := strings.Join(w.trace, "\n"); strings.Contains(got, canary) || strings.Contains(got, secret) {
			t.Errorf("a secret in the trace:\n%s", got)
		}
	})
}

func (w *town) dial(ctx context.Context, s server) (net.Conn, error) {
	if s.Late {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if s.Serve == nil {
		return nil, fmt.Errorf("dial tcp %s: %w", s.Address, syscall.ECONNREFUSED)
	}
	w.mu.Lock()
	w.conns[s.Name]++
	n := w.conns[s.Name]
	w.mu.Unlock()
	ours, theirs := net.Pipe()
	if s.Wrong == "" {
		s.Wrong = string(s.Secret)
	}
	w.wg.Go(func() {
		defer theirs.Close()
		l := &link{w.t, theirs, s.Wrong, n}
		if s.TLS != nil {
			l.conn = tls.Server(theirs, s.TLS)
		}
		s.Serve(l)
	})
	return slowConn{ours, s.Closing}, nil
}

// slowConn is a connection that takes time to close.
type slowConn struct {
	net.Conn
	closing time.Duration
}

func (c slowConn) Close() error {
	<-time.After(c.closing)
	return c.Conn.Close()
}

func (w *town) note(e tacplus.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, e.Server+" "+e.What+" "+strings.Join(e.Lines, ", "))
	what, _, _ := strings.Cut(e.What, " ")
	w.about = append(w.about, fmt.Sprintf("%s: %s, tty %d", what, e.About.User, e.About.TTY))
}

// traced is all events so far.
func (w *town) traced() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.trace, "\n")
}

func (w *town) connections(server string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns[server]
}

var caller = aaa.Request{Service: aaa.EXEC, User: "bob", Password: canary, TTY: 65, Caller: "5551"}

func (w *town) login(r aaa.Request) (aaa.Conversation, aaa.Result) {
	w.t.Helper()
	conv, res := w.client.Start(w.t.Context(), r)
	w.clean(res)
	return conv, res
}

// clean checks what holds for every result: it contains no secret, and only Granted grants anything.
func (w *town) clean(res aaa.Result) {
	w.t.Helper()
	if s := fmt.Sprintf("%+v", res); strings.Contains(s, canary) || strings.Contains(s, secret) {
		w.t.Errorf("a secret in %s", s)
	}
	if res.Kind != aaa.Granted && (res.Auth.Callback || res.Auth.Dialstring.IsSet() || res.Auth.PrivLevel != 0 ||
		res.Identity != (aaa.Identity{})) {
		w.t.Errorf("%v grants %+v", res.Kind, res)
	}
}

// want starts a login and compares its result.
func (w *town) want(kind aaa.Kind, server, reason string) aaa.Result {
	w.t.Helper()
	_, res := w.login(caller)
	if res.Kind != kind || res.Server != server || !strings.Contains(res.Reason, reason) {
		w.t.Errorf("%v by %q: %q; want %v by %q, %q", res.Kind, res.Server, res.Reason, kind, server, reason)
	}
	return res
}

func asking(user string) aaa.Question {
	return aaa.Question{Request: aaa.Request{Service: aaa.EXEC, User: user, TTY: 65, Caller: "5551"},
		Identity: aaa.Identity{Entry: "tacacs", User: user}, PrivLevel: 1}
}

func fast(s tacplus.ServerConfig) tacplus.ServerConfig { s.Timeout = 2 * time.Second; return s }
