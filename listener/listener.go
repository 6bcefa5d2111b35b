// Package listener has the doors for users who come over the network: it listens for Telnet, RFC 2217, raw TCP and SSH,
// limits connections before a login, and passes each one on as a stream of octets. It does not know who logs in, and
// what the session is.
package listener

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/nvt"
)

// Protocol is what the clients of a listener speak.
type Protocol string

// The protocols.
const (
	Telnet  Protocol = "telnet"
	RFC2217 Protocol = "rfc2217" // Telnet with COM-PORT-OPTION: clients that drive a serial port
	Raw     Protocol = "raw"     // octets over TCP
	SSH     Protocol = "ssh"
)

// Protocols are all of them, as a configuration names them.
var Protocols = []string{string(Telnet), string(RFC2217), string(Raw), string(SSH)}

// Config is a listener, as configured.
type Config struct {
	Address  string // host:port
	Protocol Protocol
	Target   Target
	Queue    bool               // with a line or rotary: users wait for a line
	Raw      []string           // with a line or rotary: groups whose users get the modem itself
	TLS      *certs.ServerFiles // nil: no TLS
	Sessions int                // most at the same time, with those before a login
}

// Key is what a reload knows the listener by: its address, or with port 0, for which the system chooses a port, also
// what it is for.
func (c Config) Key() string {
	if _, port, err := net.SplitHostPort(c.Address); err == nil && port == "0" {
		return fmt.Sprintf("%s %s %s", c.Address, c.Protocol, c.Target)
	}
	return c.Address
}

// Target is what users reach. The zero value is a vty, the EXEC.
type Target struct {
	Line   int  // 0: none
	Rotary *int // nil: none
}

// VTY reports whether users reach the EXEC.
func (t Target) VTY() bool { return t == Target{} }

// String returns the target for people: "vty", "line 65", "rotary 1".
func (t Target) String() string {
	switch {
	case t.Rotary != nil:
		return fmt.Sprintf("rotary %d", *t.Rotary)
	case t.Line != 0:
		return fmt.Sprintf("line %d", t.Line)
	}
	return "vty"
}

// Conn is a connection that was accepted.
type Conn struct {
	net.Conn
	Config Config
	Line   int        // of its vty (package tty)
	From   netip.Addr // the client
	// Admit says that a user is admitted: the limits before a login no longer apply. It must be called at most once.
	Admit func()
}

// Options are the options of New.
type Options struct {
	// Serve serves a connection and blocks until it is closed. ctx ends when the set does. The error is why the
	// connection was closed for what the client did; nil: there is no such reason.
	Serve    func(ctx context.Context, c *Conn) error
	Happened func(events.Event)
	// Listen is net.ListenConfig.Listen by default.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
}

// Set has all listeners of a daemon.
type Set struct {
	opt    Options
	limits limits

	mu     sync.Mutex
	open   map[string]*open // by Config.Key
	ctx    context.Context  // of Run; nil: it does not run yet
	served sync.WaitGroup
	told   map[told]*rejections
}

// open is a listener that is open.
type open struct {
	net.Listener
	set   *Set
	since time.Time

	mu       sync.Mutex // guards what follows
	config   Config
	tls      *tls.Config
	closed   bool
	sessions int
	accepted uint64
	rejected uint64
	err      string // why it cannot take connections now; "" if it can
}

// New returns a Set that listens to nothing.
func New(o Options) *Set {
	if o.Listen == nil {
		o.Listen = (&net.ListenConfig{Control: nvt.UrgentInline, KeepAliveConfig: net.KeepAliveConfig{Enable: true,
			Idle: time.Minute, Interval: 15 * time.Second, Count: 4}}).Listen
	}
	return &Set{opt: o, open: map[string]*open{}, told: map[told]*rejections{}}
}

// Prepare opens the addresses that a configuration has and the one in force has not. place puts the configuration in
// force, and withdraw gives the addresses back; one of the two is to be called. A listener whose address stays keeps
// its socket; its new settings are for new connections. A removed one takes no more connections; those that it has
// taken go on until their end. After an error nothing has changed.
func (s *Set) Prepare(ctx context.Context, all []Config) (place, withdraw func(), err error) {
	news := map[string]*open{}
	withdraw = func() {
		for _, o := range news {
			_ = o.Close() // nothing was served
		}
	}
	secured := map[string]*tls.Config{}
	for _, c := range all {
		if c.TLS != nil {
			if secured[c.Key()], err = c.TLS.Config(); err != nil {
				withdraw()
				return nil, nil, fmt.Errorf("listen: %s: %w", c.Address, err)
			}
		}
		s.mu.Lock()
		there := s.open[c.Key()]
		s.mu.Unlock()
		if there != nil {
			continue
		}
		l, err := s.opt.Listen(ctx, "tcp", c.Address)
		if err != nil {
			withdraw()
			return nil, nil, notOpen(c.Address, err)
		}
		news[c.Key()] = &open{Listener: l, set: s, since: time.Now()}
	}
	return func() { s.place(all, news, secured) }, withdraw, nil
}

// notOpen explains why an address cannot be opened.
func notOpen(address string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		hint = " (another program uses it: `ss -ltnp` names it; use another port, or end that program)"
	case errors.Is(err, syscall.EACCES):
		hint = " (ports below 1024 need the right CAP_NET_BIND_SERVICE; use a higher port)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		hint = " (no interface of this machine has the address: `ip address` lists them)"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("listen: %s: %w%s", address, err, hint)
}

// place puts a configuration in force.
func (s *Set) place(all []Config, news map[string]*open, secured map[string]*tls.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stays := map[string]bool{}
	for _, c := range all {
		stays[c.Key()] = true
		o := s.open[c.Key()]
		if o == nil {
			o = news[c.Key()]
			s.open[c.Key()] = o
		}
		before := o.configure(c, secured[c.Key()])
		switch {
		case before.Address == "":
			s.opt.Happened(events.ListenerOpened{Address: o.Addr().String(), Protocol: string(c.Protocol),
				To: c.Target.String()})
			if s.ctx != nil {
				s.begin(o)
			}
		case !reflect.DeepEqual(before, c):
			s.opt.Happened(events.ListenerOpened{Address: o.Addr().String(), Protocol: string(c.Protocol),
				To: c.Target.String()})
		}
	}
	for key, o := range s.open {
		if !stays[key] {
			delete(s.open, key)
			o.stop("no longer configured")
		}
	}
}

// Run takes connections until ctx ends, closes the listeners, and blocks until all connections are over.
func (s *Set) Run(ctx context.Context) {
	s.mu.Lock()
	s.ctx = ctx
	for _, o := range s.open {
		s.begin(o)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	for key, o := range s.open {
		delete(s.open, key)
		o.stop("ringback is stopping")
	}
	s.mu.Unlock()
	s.served.Wait()
}

// begin accepts the connections of a listener. s.mu is held, and Run runs.
func (s *Set) begin(o *open) {
	ctx := s.ctx
	s.served.Go(func() { o.accept(ctx) })
}

// configure puts the settings for new connections in force, and returns those before.
func (o *open) configure(c Config, t *tls.Config) (before Config) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, o.config, o.tls = o.config, c, t
	return before
}

// stop closes the listener.
func (o *open) stop(reason string) {
	o.mu.Lock()
	o.closed = true
	c := o.config
	o.mu.Unlock()
	_ = o.Close() // it has no connections left to lose
	o.set.opt.Happened(events.ListenerClosed{Address: o.Addr().String(), Protocol: string(c.Protocol),
		To: c.Target.String(), Reason: reason})
}

// acceptPause is the pause after an error of accept, such as too many open files.
const acceptPause = 200 * time.Millisecond

// accept accepts connections until the listener is closed.
func (o *open) accept(ctx context.Context) {
	for {
		conn, err := o.Accept()
		if err != nil {
			if !o.failed(err) {
				return
			}
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		}
		_ = o.failed(nil)
		o.set.take(ctx, o, conn)
	}
}

// failed notes why connections cannot be taken now; nil: they can. It returns false if the listener is closed.
func (o *open) failed(err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err = ""; err != nil {
		o.err = err.Error()
	}
	return !o.closed
}

// take serves a connection, unless a limit rejects it.
func (s *Set) take(ctx context.Context, o *open, conn net.Conn) {
	from := addressOf(conn)
	a, err := s.limits.enter(from, time.Now())
	if err != nil {
		o.count(false)
		_ = conn.Close()
		s.rejected(o, from, err)
		return
	}
	c, t, err := o.session()
	if err != nil {
		a.leave()
		if t == nil && c.Protocol != SSH {
			_ = conn.SetWriteDeadline(time.Now().Add(lingerTime))
			_, _ = conn.Write([]byte("\r\n% All sessions are in use - try again later\r\n")) // as much as fits
		}
		_ = conn.Close()
		s.rejected(o, from, err)
		return
	}
	s.served.Go(func() {
		defer a.leave()
		defer o.ended()
		defer conn.Close()
		if t != nil {
			over := tls.Server(conn, t)
			if err := handshake(ctx, over); err != nil {
				s.rejected(o, from, fmt.Errorf("TLS: %w", err))
				return
			}
			conn = over
		}
		err := s.opt.Serve(ctx, &Conn{Conn: conn, Config: c, Line: a.line, From: from, Admit: a.admit})
		if err != nil {
			s.rejected(o, from, err)
		}
	})
}

// handshakeTime is the longest time of a TLS handshake.
const handshakeTime = 10 * time.Second

func handshake(ctx context.Context, c *tls.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	return c.HandshakeContext(ctx)
}

// addressOf returns the client's address.
func addressOf(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (o *open) count(accepted bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if accepted {
		o.accepted++
	} else {
		o.rejected++
	}
}

// session counts a new session, and returns the settings for it.
func (o *open) session() (Config, *tls.Config, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.config.Sessions > 0 && o.sessions >= o.config.Sessions {
		o.rejected++
		return o.config, o.tls, errSessions
	}
	o.sessions++
	o.accepted++
	return o.config, o.tls, nil
}

func (o *open) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sessions--
}

// Status is a listener for operators.
type Status struct {
	Config   Config
	Address  string // with the port that the system chose
	Since    time.Time
	Sessions int    // with those before a login
	Accepted uint64 // connections
	Rejected uint64
	Err      string // why it cannot take connections now; "" if it can
}

// List returns the listeners, by address.
func (s *Set) List() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Status, 0, len(s.open))
	for _, o := range s.open {
		o.mu.Lock()
		all = append(all, Status{Config: o.config, Address: o.Addr().String(), Since: o.since, Sessions: o.sessions,
			Accepted: o.accepted, Rejected: o.rejected, Err: o.err})
		o.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Config.Protocol, b.Config.Protocol),
			strings.Compare(a.Address, b.Address))
	})
	return all
}

// BeforeLogin returns how many connections have no user yet.
func (s *Set) BeforeLogin() int { return s.limits.before() }
