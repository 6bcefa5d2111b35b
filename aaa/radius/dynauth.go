package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// Target is what dynamic authorization acts upon: the sessions and the pending callbacks of this access server. Both
// methods act upon the one that the Selector names and return how many there were: 0 none (then nothing happened), 1 it
// is done. Where several match, nothing is done and the error is ErrSeveral. They may be called from several goroutines
// at once and should end with ctx.
type Target interface {
	// Disconnect ends the session, or cancels the callback that is pending.
	Disconnect(ctx context.Context, s Selector) (n int, err error)
	// Change changes the session's limits or delays or cancels the callback that is pending, all of it or nothing.
	Change(ctx context.Context, s Selector, c Change) (n int, err error)
}

// Selector names a session or a pending callback. All fields that are set must match (RFC 5176 §3); at least one is.
type Selector struct {
	SessionID      string // Acct-Session-Id
	MultiSessionID string // Acct-Multi-Session-Id: of both legs and of the callback between them
	User           string // User-Name: the canonical user or the name that accounting uses
	TTY            int    // NAS-Port, NAS-Port-Id; 0 any
	Caller         string // Calling-Station-Id
}

// Change is what a CoA-Request asks for. It cannot hasten a callback or change where it goes.
type Change struct {
	SessionTimeout *time.Duration // counted from now; 0: AAA sets none any more
	IdleTimeout    *time.Duration
	CancelCallback bool
	DelayCallback  time.Duration // the pending callback is not dialled before now + DelayCallback; 0: as it was
}

// What a Target's error is told to the server as (RFC 5176 §3.5). Any other error is 506, Resources Unavailable.
var (
	// 508, Multiple Session Selection Unsupported
	ErrSeveral = errors.New("several sessions match")
	// 501, Administratively Prohibited
	ErrProhibited = errors.New("the policy does not allow it")
	// 504, Session Context Not Removable
	ErrNotRemovable = errors.New("the session cannot be ended now")
	// 201: with n = 1 it is success
	ErrResidual = errors.New("no session was active; its pending callback was cancelled")
)

// DynAuthClient is a client that may send requests.
type DynAuthClient struct {
	Name     string       // for people; "" is Prefix
	Prefix   netip.Prefix // its addresses; of several that hold the source the longest counts
	Secret   aaa.Secret   // 16 octets or more
	Insecure bool         // takes a shorter secret
}

// DynAuthConfig is a dynamic authorization server's configuration.
type DynAuthConfig struct {
	Clients []DynAuthClient
	Target  Target
	Window  time.Duration // how far a request's Event-Timestamp may be from now; 0 is 300 s (RFC 5176 §6.3)
	// takes requests without a Message-Authenticator; one that is there must be good all the same
	Unsigned      bool
	NASIdentifier func() string // what a request's NAS-Identifier must be, asked at each one; nil: ""
	NASAddress    netip.Addr    // what its NAS-IP-Address must be; the zero Addr is any address of this host
	// where set, called with each packet taken and sent and with each one dropped. It must not block
	Trace func(Event)
}

// DynAuthCounts is what arrived so far.
type DynAuthCounts struct {
	Requests   uint64 // datagrams
	Done       uint64 // acted upon and acknowledged
	Refused    uint64 // answered with a NAK
	Duplicates uint64 // retransmissions, answered as before or still being answered
	Replayed   uint64 // an authenticator that was seen before, from elsewhere
	Stale      uint64 // Event-Timestamp outside the window, or before this server's start
	Unlisted   uint64 // from a source that is no client
	Forged     uint64 // with a wrong, missing or doubled authenticator, or malformed
	Overload   uint64 // there was no room for it
}

// DynAuth is a dynamic authorization server (RFC 5176): it lets AAA servers end sessions, change their limits, and
// cancel or delay a callback that is pending. Make one with NewDynAuth. What is dropped is dropped silently and
// counted.
type DynAuth struct {
	cfg   DynAuthConfig
	seen  seenRequests
	tally [tallies]atomic.Uint64
}

type tally int

const (
	tallyRequests tally = iota
	tallyDone
	tallyRefused
	tallyDuplicates
	tallyReplayed
	tallyStale
	tallyUnlisted
	tallyForged
	tallyOverload
	tallies
)

const (
	dynAuthWindow  = 300 * time.Second
	dynAuthAtOnce  = 32               // requests acted upon at once
	dynAuthWithin  = 10 * time.Second // for one of them
	dynAuthMaxSeen = 16384
)

// NewDynAuth checks c and returns its server, which does not listen yet. The error joins all that is wrong.
func NewDynAuth(c DynAuthConfig) (*DynAuth, error) {
	var errs []error
	if c.Window <= 0 {
		c.Window = dynAuthWindow
	}
	if c.Target == nil {
		errs = append(errs, errors.New("dynamic authorization: no target"))
	}
	if len(c.Clients) == 0 {
		errs = append(errs, errors.New("dynamic authorization: no clients (list the AAA servers that may send "+
			"requests)"))
	}
	clients := append([]DynAuthClient(nil), c.Clients...)
	for i := range clients {
		if clients[i].Name == "" {
			clients[i].Name = clients[i].Prefix.String()
		}
		if err := clients[i].Check(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Clients = clients
	return &DynAuth{cfg: c}, nil
}

// Check says what cannot work in c; nil where all can.
func (c DynAuthClient) Check() error {
	switch {
	case !c.Prefix.IsValid():
		return fmt.Errorf("dynamic authorization client %q: no address or prefix", c.Name)
	case c.Prefix.Bits() == 0:
		return fmt.Errorf("dynamic authorization client %q: %s matches every address (list the AAA servers)", c.Name,
			c.Prefix)
	case c.Secret == "":
		return fmt.Errorf("dynamic authorization client %q: no secret", c.Name)
	case len(c.Secret) < minSecret && !c.Insecure:
		return fmt.Errorf("dynamic authorization client %q: a secret of %d octets can be guessed (use 24 random "+
			"octets, at least %d, or set insecure: true)", c.Name, len(c.Secret), minSecret)
	}
	return nil
}

// Counts has what arrived so far.
func (d *DynAuth) Counts() DynAuthCounts {
	n := func(t tally) uint64 { return d.tally[t].Load() }
	return DynAuthCounts{Requests: n(tallyRequests), Done: n(tallyDone), Refused: n(tallyRefused),
		Duplicates: n(tallyDuplicates), Replayed: n(tallyReplayed),
		Stale: n(tallyStale), Unlisted: n(tallyUnlisted), Forged: n(tallyForged), Overload: n(tallyOverload)}
}

// Serve answers requests on conn until ctx ends; it returns nil then. It closes conn and waits for what is under way. A
// server that serves again takes no request from before.
func (d *DynAuth) Serve(ctx context.Context, conn net.PacketConn) error {
	ctx, cancel := context.WithCancel(ctx)
	var acting sync.WaitGroup
	defer acting.Wait()
	defer cancel()
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	room := make(chan struct{}, dynAuthAtOnce)
	started := time.Now().Truncate(time.Second)
	buf := make([]byte, replyBuf)
	for {
		n, from, err := conn.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if passing(err) {
				continue
			}
			return fmt.Errorf("dynamic authorization on %s: %w", conn.LocalAddr(), err)
		}
		d.tally[tallyRequests].Add(1)
		r, ok := d.admit(append([]byte(nil), buf[:n]...), conn, from, started)
		if !ok {
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			d.seen.forget(r.auth)
			d.drop(tallyOverload, from, fmt.Sprintf("%d requests in progress", dynAuthAtOnce))
			continue
		}
		acting.Go(func() {
			defer func() { <-room }()
			d.answer(ctx, r)
		})
	}
}

// dynRequest is one authentic request that was not seen before.
type dynRequest struct {
	conn   net.PacketConn
	from   net.Addr
	client DynAuthClient
	packet *radius.Packet
	auth   authenticator
}

// admit checks all that decides whether a datagram is answered at all. What is in doubt is dropped: a NAK would tell a
// forger something.
func (d *DynAuth) admit(b []byte, conn net.PacketConn, from net.Addr, started time.Time) (dynRequest, bool) {
	client, ok := d.client(from)
	if !ok {
		d.drop(tallyUnlisted, from, "not a client")
		return dynRequest{}, false
	}
	r := dynRequest{conn: conn, from: from, client: client}
	var why error
	if r.packet, why = readDynAuth(b, []byte(client.Secret), !d.cfg.Unsigned); why != nil {
		d.drop(tallyForged, from, why.Error())
		return r, false
	}
	r.auth = r.packet.Authenticator
	if err := current(r.packet.Attributes, time.Now(), d.cfg.Window, started); err != nil {
		d.drop(tallyStale, from, err.Error())
		return r, false
	}
	reply, known := d.seen.take(r.auth, from.String(), r.packet.Identifier, time.Now(), 2*d.cfg.Window)
	switch known {
	case repeated:
		d.tally[tallyDuplicates].Add(1)
		if reply != nil {
			conn.WriteTo(reply, from)
		}
	case replayed:
		d.drop(tallyReplayed, from, "replay: its authenticator was seen before from another port")
	case full:
		d.drop(tallyOverload, from, fmt.Sprintf("%d requests within %s", dynAuthMaxSeen, 2*d.cfg.Window))
	}
	return r, known == fresh
}

// client finds the client with the source address.
func (d *DynAuth) client(from net.Addr) (DynAuthClient, bool) {
	ap, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return DynAuthClient{}, false
	}
	ip := ap.Addr().Unmap().WithZone("")
	var found DynAuthClient
	ok := false
	for _, c := range d.cfg.Clients {
		if c.Prefix.Contains(ip) && (!ok || c.Prefix.Bits() > found.Prefix.Bits()) {
			found, ok = c, true
		}
	}
	return found, ok
}

func (d *DynAuth) drop(t tally, from net.Addr, why string) {
	d.tally[t].Add(1)
	if d.cfg.Trace != nil {
		d.cfg.Trace(Event{Server: from.String(), Remark: true, What: "dynamic authorization request dropped: " + why})
	}
}

// answer acts upon r and sends the ACK or the NAK.
func (d *DynAuth) answer(ctx context.Context, r dynRequest) {
	d.show(r.client, r.packet, false, "")
	ctx, cancel := context.WithTimeout(ctx, dynAuthWithin)
	defer cancel()
	cause, why := d.act(ctx, r)
	code, t := r.packet.Code+1, tallyDone
	if cause != 0 && cause != residualContextRemoved {
		code, t = r.packet.Code+2, tallyRefused
	}
	d.tally[t].Add(1)
	reply := dynAuthReply(r.packet, code, cause)
	wire, err := encodeDynAuthReply(reply, []byte(r.client.Secret))
	if err != nil { // Proxy-States that leave no room for what a reply adds
		d.drop(tallyForged, r.from, err.Error())
		return
	}
	d.show(r.client, reply, true, why)
	d.seen.done(r.auth, wire)
	r.conn.WriteTo(wire, r.from)
}

// show tells the trace of a packet.
func (d *DynAuth) show(c DynAuthClient, p *radius.Packet, sent bool, why string) {
	if d.cfg.Trace == nil {
		return
	}
	what := fmt.Sprintf("%v id %d", p.Code, p.Identifier)
	if why != "" {
		what += ": " + why
	}
	d.cfg.Trace(Event{Server: c.Name, Sent: sent, What: what, Lines: describe(p)})
}

func (d *DynAuth) nasIdentifier() string {
	if d.cfg.NASIdentifier == nil {
		return ""
	}
	return d.cfg.NASIdentifier()
}

// act does what r asks for. The cause is 0 where it is done; why says it to people.
func (d *DynAuth) act(ctx context.Context, r dynRequest) (errorCause, string) {
	asked, err := readAsked(r.packet.Code, r.packet.Attributes, func(a netip.Addr) bool { return d.mine(a, r.conn) },
		d.nasIdentifier())
	if err != nil {
		return err.cause, err.why
	}
	n, failed := 0, error(nil)
	if r.packet.Code == radius.CodeDisconnectRequest {
		n, failed = d.cfg.Target.Disconnect(ctx, asked.selector)
	} else {
		n, failed = d.cfg.Target.Change(ctx, asked.selector, asked.change)
	}
	return outcome(n, failed)
}

// outcome is what a Target's answer is told as.
func outcome(n int, err error) (errorCause, string) {
	switch {
	case errors.Is(err, ErrResidual) && n == 1:
		return residualContextRemoved, err.Error()
	case errors.Is(err, ErrSeveral):
		return multipleSessionSelectionUnsupported, err.Error()
	case errors.Is(err, ErrProhibited):
		return administrativelyProhibited, err.Error()
	case errors.Is(err, ErrNotRemovable):
		return sessionContextNotRemovable, err.Error()
	case err != nil:
		return resourcesUnavailable, err.Error()
	case n == 0:
		return sessionContextNotFound, "no matching session or pending callback"
	}
	return 0, ""
}

// mine tells whether an address is this access server's.
func (d *DynAuth) mine(ip netip.Addr, conn net.PacketConn) bool {
	if d.cfg.NASAddress.IsValid() {
		return d.cfg.NASAddress.Unmap() == ip
	}
	if u, ok := conn.LocalAddr().(*net.UDPAddr); ok && !u.AddrPort().Addr().IsUnspecified() {
		return u.AddrPort().Addr().Unmap().WithZone("") == ip
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip {
			return true
		}
	}
	return false
}
