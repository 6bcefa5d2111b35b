// Package servers has the AAA servers of the lab, of `ringback lab aaa` and of tests: RADIUS and TACACS+ with real
// packets and configurable faults, and the readers of their `users` and tac_plus files. It makes and checks
// authenticators and obfuscation itself and shares no code with the clients that it tests. The servers are not for
// production.
package servers

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// RADIUSConfig is a test server's configuration.
type RADIUSConfig struct {
	Secret aaa.Secret
	Users  []User
	Detail io.Writer                        // accounting, in the manner of FreeRADIUS's detail file; nil: none
	Log    func(format string, args ...any) // nil: no log
	Trace  func(Event)                      // nil: none; called from several goroutines

	// Lenient also accepts Access-Requests without a Message-Authenticator, and with one in any position, to test
	// access servers of all ages. EAP always requires one (RFC 3579 §3.1), and so does Status-Server (RFC 5997 §3).
	Lenient   bool
	RawAscend bool // send Ascend-… as top-level types, not as VSA
}

// Record is one Accounting-Request as received; a duplicate (same octets) is recorded once.
type Record struct {
	Time       time.Time
	From       string
	Attributes []Attribute
}

// Get is the value of the first attribute of that name, "" if there is none.
func (r Record) Get(name string) string {
	for _, a := range r.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// RADIUS is a RADIUS server. Make one with NewRADIUS, then Listen and Run, or Serve.
type RADIUS struct {
	cfg RADIUSConfig

	mu         sync.Mutex
	users      []User
	faults     Faults
	records    []Record
	requests   int
	duplicates int
	states     map[string]challenge // by State
	seen       map[string][]byte    // request (from, octets' digest) → reply; nil while it is made
	order      []string             // of seen, oldest first
	came       map[string]bool      // requests that arrived, answered or not
	auth, acct net.PacketConn
}

// keep is the size of the duplicate cache, in replies.
const keep = 4096

// NewRADIUS checks c and returns its server, which does not listen yet.
func NewRADIUS(c RADIUSConfig) (*RADIUS, error) {
	if c.Secret == "" {
		return nil, errors.New("radius test server: no secret")
	}
	s := &RADIUS{cfg: c, states: map[string]challenge{}, seen: map[string][]byte{}, came: map[string]bool{}}
	return s, s.SetUsers(c.Users)
}

// SetUsers replaces all users; if one of them is invalid, the old ones remain.
func (s *RADIUS) SetUsers(users []User) error {
	for _, u := range users {
		if err := u.valid(); err != nil {
			return fmt.Errorf("radius test server: user %s: %w", u.Name, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = users
	return nil
}

func (u User) valid() error {
	for _, a := range u.Reply {
		if err := a.checkValue(); err != nil {
			return err
		}
	}
	for _, c := range u.Check {
		if err := c.valid(); err != nil {
			return err
		}
	}
	return nil
}

// SetFaults changes how the server misbehaves from the next request on.
func (s *RADIUS) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Records returns the accounting so far, in order of arrival.
func (s *RADIUS) Records() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Record(nil), s.records...)
}

// Requests counts the received datagrams, and how many of them were retransmissions.
func (s *RADIUS) Requests() (all, duplicates int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.duplicates
}

// Listen opens the sockets; ":0" is a free port of 127.0.0.1. An empty address opens none.
func (s *RADIUS) Listen(auth, acct string) error {
	for _, l := range []struct {
		address string
		conn    *net.PacketConn
	}{{auth, &s.auth}, {acct, &s.acct}} {
		if l.address == "" {
			continue
		}
		if strings.HasPrefix(l.address, ":") {
			l.address = "127.0.0.1" + l.address
		}
		conn, err := net.ListenPacket("udp", l.address)
		if err != nil {
			if s.auth != nil {
				s.auth.Close()
			}
			return fmt.Errorf("radius test server: %w", err)
		}
		*l.conn = conn
	}
	return nil
}

// AuthAddr is the address of authentication that Listen opened, "" if none.
func (s *RADIUS) AuthAddr() string { return address(s.auth) }

// AcctAddr is the address of accounting that Listen opened, "" if none.
func (s *RADIUS) AcctAddr() string { return address(s.acct) }

func address(c net.PacketConn) string {
	if c == nil {
		return ""
	}
	return c.LocalAddr().String()
}

// Run serves what Listen opened until ctx ends, then closes it and returns nil.
func (s *RADIUS) Run(ctx context.Context) error { return s.Serve(ctx, s.auth, s.acct) }

// Serve serves the sockets (either may be nil) until ctx ends, then closes them, waits for answers under way, and
// returns nil.
func (s *RADIUS) Serve(ctx context.Context, auth, acct net.PacketConn) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	errs := make(chan error, 2)
	n := 0
	for _, conn := range []net.PacketConn{auth, acct} {
		if conn == nil {
			continue
		}
		n++
		defer conn.Close()
		code := radius.CodeAccessRequest
		if conn == acct {
			code = radius.CodeAccountingRequest
		}
		wg.Go(func() { errs <- s.serve(ctx, &wg, conn, code) })
	}
	if n == 0 {
		return errors.New("radius test server: no listener")
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-errs:
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
}

func (s *RADIUS) serve(ctx context.Context, wg *sync.WaitGroup, conn net.PacketConn, code radius.Code) error {
	buf := make([]byte, 65536)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		request := append([]byte(nil), buf[:n]...)
		s.mu.Lock()
		delay := s.faults.Delay
		s.mu.Unlock()
		if delay <= 0 {
			s.handle(ctx, conn, from, request, code)
			continue
		}
		wg.Go(func() { s.handle(ctx, conn, from, request, code) })
	}
}

// handle answers one datagram.
func (s *RADIUS) handle(ctx context.Context, conn net.PacketConn, from net.Addr, request []byte, code radius.Code) {
	s.mu.Lock()
	s.requests++
	f := s.faults
	s.mu.Unlock()
	p, err := s.verify(request, code)
	e := s.seenEvent(from, request, p)
	if err != nil {
		s.log("%s: dropped: %v", from, err)
		e.Note = "not answered: " + err.Error()
		s.trace(e)
		return
	}
	key := fmt.Sprintf("%s %x", from, md5.Sum(request))
	s.arrived(key)
	if f.Silent || s.drop() || byChance(f.DropPercent) {
		s.log("%s: %v id %d dropped, as configured", from, p.Code, p.Identifier)
		e.Note = "dropped, as configured"
		s.trace(e)
		return
	}
	if done, reply := s.duplicate(key); done {
		e.Note = "a duplicate: the same answer is sent again"
		if reply == nil {
			e.Note = "a duplicate: its answer is not ready yet"
		}
		s.trace(e)
		if reply != nil {
			s.send(conn, from, reply)
		}
		return
	}
	s.trace(e)
	reply, why := s.answer(p, from, f, code)
	if f.Delay > 0 && !sleep(ctx, f.Delay) {
		return
	}
	s.forge(conn, from, request, f)
	s.remember(key, reply)
	s.tell(from, reply, why, p, f)
	if udp, ok := conn.(*net.UDPConn); ok && f.WrongPort {
		other, err := net.ListenPacket("udp", hostOf(udp)+":0")
		if err != nil {
			s.log("%s: %v", from, err)
			return
		}
		defer other.Close()
		conn = other
	}
	s.send(conn, from, reply)
	if f.Twice {
		s.send(conn, from, reply)
	}
}

func hostOf(c *net.UDPConn) string {
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	return host
}

// forge sends the forged replies that come before the genuine one.
func (s *RADIUS) forge(conn net.PacketConn, to net.Addr, request []byte, f Faults) {
	for i := range f.Forge {
		kind := f.ForgeAs
		if kind == "mixed" {
			kind = forgeries[i%len(forgeries)]
		}
		s.send(conn, to, s.forged(request, kind))
	}
	if f.Forge > 0 {
		s.trace(Event{Peer: to.String(), Sent: true, What: fmt.Sprintf("%d forged Access-Accepts, %s", f.Forge,
			cmp.Or(f.ForgeAs, "with random authenticators")), Note: "as configured"})
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *RADIUS) send(conn net.PacketConn, to net.Addr, b []byte) {
	if _, err := conn.WriteTo(b, to); err != nil {
		s.log("answer %s: %v", to, err)
	}
}

func (s *RADIUS) log(format string, args ...any) {
	if s.cfg.Log != nil {
		s.cfg.Log(format, args...)
	}
}

func (s *RADIUS) drop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.Drop > 0 {
		s.faults.Drop--
		return true
	}
	return false
}

// arrived counts retransmissions, answered or not.
func (s *RADIUS) arrived(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.came[key] {
		s.duplicates++
		return
	}
	if len(s.came) >= keep {
		clear(s.came)
	}
	s.came[key] = true
}

// duplicate reports whether the request was seen; the reply is nil while it is still being made.
func (s *RADIUS) duplicate(key string) (bool, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply, ok := s.seen[key]
	if ok {
		return true, reply
	}
	s.seen[key] = nil
	if s.order = append(s.order, key); len(s.order) > keep {
		delete(s.seen, s.order[0])
		s.order = s.order[1:]
	}
	return false, nil
}

func (s *RADIUS) remember(key string, reply []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.seen[key]; ok {
		s.seen[key] = reply
	}
}

// digest is MD5 over code, id, length, auth, attributes and secret.
func digest(b, auth []byte, secret aaa.Secret) []byte {
	sum := md5.Sum([]byte(string(b[:4]) + string(auth) + string(b[20:]) + string(secret)))
	return sum[:]
}

func sign(b []byte, secret aaa.Secret) []byte {
	h := hmac.New(md5.New, []byte(secret))
	h.Write(b)
	return h.Sum(nil)
}
