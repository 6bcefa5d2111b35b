package servers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
)

// TACACSConfig is a TACACS+ test server's configuration.
type TACACSConfig struct {
	Key      aaa.Secret // "" is Profiles.Key; with neither, bodies are sent in the clear and flagged so
	Profiles Profiles

	// TLS makes it a server of TACACS+ over TLS 1.3 (RFC 9887): without obfuscation, no other version of TLS, no plain
	// connections.
	TLS *tls.Config

	Log   func(format string, args ...any) // nil: no log
	Trace func(Event)                      // nil: none; called from several goroutines
}

// TACACSFaults says how a server misbehaves. The zero value is correct behavior. All except Drop and Delay alter
// replies.
type TACACSFaults struct {
	Silent      bool // accept packets and answer none
	Drop        int  // accept the next n packets and answer none of them
	DropPercent int  // of the packets, at random
	Delay       time.Duration
	Close       bool // close the connection instead of each reply
	NoSingle    bool // one session per connection, even if the client requests more

	Error    bool   // status ERROR
	Follow   string // status FOLLOW to these hosts, one per line
	Restart  bool   // authentication: status RESTART
	Replace  bool   // authorization: PASS_REPL always, with all arguments
	AskFirst string // ASCII logins: GETDATA with this text follows the right password; any answer is accepted
	Pairs    []string

	WrongSeq     bool // a sequence number too high by two
	WrongSession bool // another session id
	WrongVersion bool // another major version
	WrongMinor   bool // another minor version
	WrongType    bool // another packet type
	WrongKey     bool // obfuscated with another key
	Unencrypted  bool // the UNENCRYPTED flag, and the body in the clear; over TLS: without the flag
	LongLength   int  // added to the header's length
	LyingBody    bool // lengths within the body that do not add up
	Cut          int  // octets cut from the end of each reply; then the connection is closed
	Bytewise     bool // octet by octet; this is correct behavior
}

// TACACSRecord is one accounting request as received.
type TACACSRecord struct {
	Time    time.Time
	From    string
	Kind    string // "start", "stop", "watchdog", "update" (watchdog and start)
	User    string
	Port    string
	Remote  string
	Method  byte
	Priv    byte
	Service byte
	Args    []string
}

// Get is the value of the first argument of that name, "" if there is none.
func (r TACACSRecord) Get(name string) string {
	for _, a := range r.Args {
		if p, ok := parsePair(a); ok && p.Name == name {
			return p.Value
		}
	}
	return ""
}

// TACACS is a TACACS+ server. Make one with NewTACACS, then Listen and Run, or Serve, or ServeConn.
type TACACS struct {
	cfg      TACACSConfig
	listener net.Listener

	mu          sync.Mutex
	profiles    Profiles
	faults      TACACSFaults
	records     []TACACSRecord
	packets     int
	sessions    int
	connections int
	open        int
}

// NewTACACS checks c and returns its server, which does not listen yet.
func NewTACACS(c TACACSConfig) (*TACACS, error) {
	if c.Key == "" {
		c.Key = c.Profiles.Key
	}
	if c.TLS != nil {
		c.TLS = c.TLS.Clone()
		c.TLS.MinVersion = tls.VersionTLS13 // RFC 9887 §3.1
		if len(c.TLS.Certificates) == 0 && c.TLS.GetCertificate == nil {
			return nil, errors.New("tacacs+ test server: TLS without a certificate")
		}
		c.Key = ""
	}
	s := &TACACS{cfg: c}
	return s, s.SetProfiles(c.Profiles)
}

// SetProfiles replaces all users and groups; if they are invalid, the old ones remain. The key does not change.
func (s *TACACS) SetProfiles(p Profiles) error {
	for _, list := range [][]Profile{p.Users, p.Groups} {
		for _, u := range list {
			if err := u.check(p.Groups); err != nil {
				return fmt.Errorf("tacacs+ test server: %s: %w", u.Name, err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.profiles = p
	return nil
}

func (p Profile) check(groups []Profile) error {
	if _, ok := findProfile(groups, p.Member); p.Member != "" && !ok {
		return fmt.Errorf("unknown group %q", p.Member)
	}
	for _, sv := range p.Services {
		if len(sv.Pairs) > 200 {
			return fmt.Errorf("service %s: more than 200 arguments", sv.Service)
		}
		for _, pair := range sv.Pairs {
			if len(pair.String()) > 255 {
				return fmt.Errorf("argument %s: longer than 255 octets", pair.Name)
			}
		}
	}
	return nil
}

// SetFaults changes how the server misbehaves from the next packet on.
func (s *TACACS) SetFaults(f TACACSFaults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Records returns the accounting so far, in order of arrival.
func (s *TACACS) Records() []TACACSRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]TACACSRecord(nil), s.records...)
}

// TACACSCounts are a server's counters.
type TACACSCounts struct {
	Packets     int // received
	Sessions    int // begun
	Connections int // accepted
	Open        int // connections open now
}

// Counts returns the counters.
func (s *TACACS) Counts() TACACSCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return TACACSCounts{s.packets, s.sessions, s.connections, s.open}
}

// Listen opens the port; ":0" is a free one of 127.0.0.1.
func (s *TACACS) Listen(address string) error {
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("tacacs+ test server: %w", err)
	}
	s.listener = l
	return nil
}

// Addr is the address that Listen opened, "" if none.
func (s *TACACS) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Run serves what Listen opened until ctx ends, then closes it and returns nil.
func (s *TACACS) Run(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("tacacs+ test server: no listener")
	}
	return s.Serve(ctx, s.listener)
}

// Serve serves the connections of l until ctx ends, then closes it and all of them, waits for their end, and returns
// nil.
func (s *TACACS) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			return err
		}
		wg.Go(func() { s.ServeConn(ctx, conn) })
	}
}

// ServeConn serves one connection until it or ctx ends, and closes it. If the server uses TLS, conn is the connection
// below TLS.
func (s *TACACS) ServeConn(ctx context.Context, conn net.Conn) {
	s.count(func() { s.connections++; s.open++ })
	defer s.count(func() { s.open-- })
	peer := conn.RemoteAddr().String()
	if s.cfg.TLS != nil {
		secure := tls.Server(conn, s.cfg.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			s.log("%s: TLS: %v", peer, err)
			return
		}
		conn = secure
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &tacConn{s: s, conn: conn, peer: peer, sessions: map[uint32]*tacSession{}}
	defer c.wg.Wait()
	defer conn.Close()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c.serve(ctx)
}

func (s *TACACS) count(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *TACACS) log(format string, args ...any) {
	if s.cfg.Log != nil {
		s.cfg.Log(format, args...)
	}
}

func (s *TACACS) trace(e Event) {
	if s.cfg.Trace != nil {
		e.Time, e.Protocol = time.Now(), "tacacs+"
		s.cfg.Trace(e)
	}
}

// luck decides which faults apply to one received packet.
func (s *TACACS) luck() (f TACACSFaults, dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets++
	f = s.faults
	if f.Drop > 0 {
		s.faults.Drop--
		return f, true
	}
	return f, f.Silent || byChance(f.DropPercent)
}

func (s *TACACS) known() Profiles {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.profiles
}
