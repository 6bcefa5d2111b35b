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
	"layeh.com/radius/rfc2865"
)

// Target performs dynamic authorization on the sessions and pending callbacks of this access server. Both methods act
// on the session or callback that the Selector identifies, and return how many match: 0: none, and nothing is done; 1:
// the action is done. If several match, nothing is done and the error is ErrSeveral. The methods may be called from
// several goroutines at the same time and should return when ctx ends.
type Target interface {
	// Disconnect ends the session, or cancels the pending callback.
	Disconnect(ctx context.Context, s Selector) (n int, err error)
	// Change changes the limits of the session, or delays or cancels the pending callback. It makes all changes or
	// none.
	Change(ctx context.Context, s Selector, c Change) (n int, err error)
}

// Selector identifies a session or a pending callback. All fields that are set must match (RFC 5176 §3); at least one
// is set.
type Selector struct {
	SessionID      string // Acct-Session-Id
	MultiSessionID string // Acct-Multi-Session-Id: common to both legs and the callback between them
	User           string // User-Name: the canonical user or the name that accounting uses
	TTY            int    // NAS-Port, NAS-Port-Id; 0: any
	Caller         string // Calling-Station-Id
}

// Change is the change that a CoA-Request asks for. It cannot make a callback earlier or change its number.
type Change struct {
	SessionTimeout *time.Duration // counted from now; 0: no limit from AAA
	IdleTimeout    *time.Duration
	CancelCallback bool
	DelayCallback  time.Duration // the pending callback is not dialed before now + DelayCallback; 0: no change
}

// Errors of a Target, with the Error-Cause that the server receives (RFC 5176 §3.5). Any other error is 506, Resources
// Unavailable.
var (
	// 508, Multiple Session Selection Unsupported
	ErrSeveral = errors.New("several sessions match")
	// 501, Administratively Prohibited
	ErrProhibited = errors.New("the policy does not allow it")
	// 504, Session Context Not Removable
	ErrNotRemovable = errors.New("the session cannot be ended now")
	// 201, Residual Session Context Removed; with n = 1 it is a success
	ErrResidual = errors.New("no session was active; its pending callback was cancelled")
)

// DynAuthClient is a client that may send requests.
type DynAuthClient struct {
	Name     string       // for people; "" is Prefix
	Prefix   netip.Prefix // its addresses; if several clients match the source, the longest prefix applies
	Secret   aaa.Secret   // 16 octets or more
	Insecure bool         // allows a shorter secret
}

// DynAuthConfig configures a dynamic authorization server.
type DynAuthConfig struct {
	Clients []DynAuthClient
	Target  Target
	Window  time.Duration // maximum difference between a request's Event-Timestamp and now; 0 is 300 s (RFC 5176 §6.3)
	// accepts requests without a Message-Authenticator; if one is present, it must be valid
	Unsigned      bool
	NASIdentifier func() string // the required NAS-Identifier, called for each request; nil: ""
	NASAddress    netip.Addr    // the required NAS-IP-Address; the zero Addr: any address of this host
	// if set, it is called for each packet received, sent or dropped. It must not block
	Trace func(Event)
}

// DynAuthCounts counts the datagrams so far.
type DynAuthCounts struct {
	Requests   uint64 // datagrams
	Done       uint64 // done and acknowledged
	Refused    uint64 // answered with a NAK
	Duplicates uint64 // retransmissions of requests that are answered or in progress
	Replayed   uint64 // with an authenticator seen before, from another source
	Stale      uint64 // Event-Timestamp outside the window, or before this server's start
	Unlisted   uint64 // from a source that is not a client
	Forged     uint64 // with a wrong, missing or duplicate authenticator, or malformed
	Overload   uint64 // dropped because of too many requests
}

// DynAuth is a dynamic authorization server (RFC 5176): it allows AAA servers to end sessions, change their limits, and
// cancel or delay pending callbacks. Create one with NewDynAuth. Dropped requests get no reply and are counted.
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
	dynAuthAtOnce  = 32               // requests in progress at the same time
	dynAuthWithin  = 10 * time.Second // time limit for one request
	dynAuthMaxSeen = 16384
)

// NewDynAuth checks c and returns its server, which does not listen yet. The error joins all problems.
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

// Check returns an error for an invalid setting of c.
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

// Counts returns the counts so far.
func (d *DynAuth) Counts() DynAuthCounts {
	n := func(t tally) uint64 { return d.tally[t].Load() }
	return DynAuthCounts{Requests: n(tallyRequests), Done: n(tallyDone), Refused: n(tallyRefused),
		Duplicates: n(tallyDuplicates), Replayed: n(tallyReplayed),
		Stale: n(tallyStale), Unlisted: n(tallyUnlisted), Forged: n(tallyForged), Overload: n(tallyOverload)}
}

// Serve answers requests on conn until ctx ends, and then returns nil. It closes conn and waits for requests in
// progress. It drops requests that are older than its start.
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

// admit decides whether a datagram is answered. It drops a doubtful one, because a NAK would give information to an
// attacker.
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

// client returns the client with the source address.
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

// answer performs r and sends the ACK or the NAK.
func (d *DynAuth) answer(ctx context.Context, r dynRequest) {
	d.show(r, r.packet, false, "")
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
	if err != nil { // the Proxy-States leave no space for the attributes of the reply
		d.drop(tallyForged, r.from, err.Error())
		return
	}
	d.show(r, reply, true, why)
	d.seen.done(r.auth, wire)
	r.conn.WriteTo(wire, r.from)
}

// show passes the packet of a request, or of the reply to it, to the trace.
func (d *DynAuth) show(r dynRequest, p *radius.Packet, sent bool, why string) {
	if d.cfg.Trace == nil {
		return
	}
	what := fmt.Sprintf("%v id %d", p.Code, p.Identifier)
	if why != "" {
		what += ": " + why
	}
	about := aaa.About{User: rfc2865.UserName_GetString(r.packet), TTY: int(rfc2865.NASPort_Get(r.packet))}
	d.cfg.Trace(Event{Server: r.client.Name, Sent: sent, About: about, What: what, Lines: describe(p)})
}

func (d *DynAuth) nasIdentifier() string {
	if d.cfg.NASIdentifier == nil {
		return ""
	}
	return d.cfg.NASIdentifier()
}

// act performs what r asks for. The cause is 0 if it is done; why is the explanation for people.
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

// outcome converts a Target's result to an Error-Cause and an explanation.
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

// mine reports whether an address belongs to this access server.
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
