package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// Client is a group of RADIUS servers, asked in order or balanced: the aaa.Method and aaa.Accountant "radius". Create
// one with New, and others that share the same servers with Group. Sockets are opened when they are first needed and
// stay open until Close. All methods may be called from any goroutine.
type Client struct {
	cfg  Config
	auth []*peer
	acct []*peer // those with an accounting address
	part bool    // created by Group: another Client owns the servers
	turn atomic.Uint64
}

// New checks c and returns its client. It opens no socket, and reads no files except those for TLS. The error joins all
// problems.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	cl := &Client{cfg: c}
	var errs []error
	if len(c.Servers) == 0 {
		errs = append(errs, fmt.Errorf("%s: no servers", c.Name))
	}
	if len(c.NASIdentifier) > maxAttrLen {
		errs = append(errs, fmt.Errorf("%s: NAS-Identifier longer than %d octets", c.Name, maxAttrLen))
	}
	names := map[string]bool{}
	for _, s := range c.Servers {
		if err := s.Check(); err != nil {
			errs = append(errs, err)
			continue
		}
		s = s.withDefaults()
		if names[s.Name] {
			errs = append(errs, fmt.Errorf("radius server %s: defined twice", s.Name))
		}
		names[s.Name] = true
		if err := cl.add(s); err != nil {
			errs = append(errs, fmt.Errorf("radius server %s: %w", s.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	cl.cfg.From = nil // its state was inherited; release its memory
	return cl, nil
}

// add creates the peers of one server: one for authentication and one for accounting, or a single one if both share an
// address over TLS and so a connection.
func (c *Client) add(s ServerConfig) error {
	var rs *radsec
	if s.Transport == TLS {
		host, _, err := net.SplitHostPort(s.Address)
		if err != nil {
			return err
		}
		if rs, err = s.TLS.load(host); err != nil {
			return err
		}
	}
	open := func(address string) *peer {
		p := newPeer(s, address, c.cfg)
		p.radsec = rs
		if c.cfg.From != nil {
			if from := c.cfg.From.known(s, address); from != nil {
				p.inherit(from)
			}
		}
		return p
	}
	p := open(s.Address)
	c.auth = append(c.auth, p)
	switch {
	case s.Accounting == "":
	case s.Transport == TLS && s.Accounting == s.Address:
		c.acct = append(c.acct, p)
	default:
		c.acct = append(c.acct, open(s.Accounting))
	}
	return nil
}

// known returns c's peer with the same name, address and transport; nil if there is none.
func (c *Client) known(s ServerConfig, address string) *peer {
	for _, p := range c.peers() {
		if p.Name == s.Name && p.address == address && p.Transport == s.Transport {
			return p
		}
	}
	return nil
}

// Close ends all requests under way and waits for the readers of all sockets. Afterwards the Client and its groups are
// Silent. On a Client created by Group it does nothing.
func (c *Client) Close() error {
	if c.part {
		return nil
	}
	for _, p := range c.peers() {
		p.close()
	}
	return nil
}

// Retire is for a Client that another has replaced. Requests under way continue, and the sockets of each server are
// closed when no request waits for it. A conversation between two answers may continue: it opens a socket and closes it
// again. Retire does not block; Close must still be called later.
func (c *Client) Retire() {
	if c.part {
		return
	}
	for _, p := range c.peers() {
		p.retire()
	}
}

// Name returns the method-list entry.
func (c *Client) Name() string { return c.cfg.Name }

// Dropped returns the number of packets from all servers that were not authentic replies: forged, truncated, unsigned,
// late.
func (c *Client) Dropped() uint64 {
	var n uint64
	for _, p := range c.peers() {
		n += p.stray.Load()
		for f := range p.dropped {
			n += p.dropped[f].Load()
		}
	}
	return n
}

// Start asks the servers in order, the next one only if one is silent, and blocks for the first authentic answer.
func (c *Client) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	if r.Entry != "" && r.Entry != c.cfg.Name {
		return nil, aaa.Result{Reason: fmt.Sprintf("%s must not answer for %s", c.cfg.Name, r.Entry)}
	}
	brought, err := checked(r)
	if err != nil {
		return nil, aaa.Result{Kind: aaa.Refused, Reason: c.cfg.Name + ": " + err.Error()}
	}
	return c.converse(ctx, r, brought, false)
}

// converse begins a conversation. It asks the servers in order, the next one only if one is silent, and blocks for the
// first authentic answer.
func (c *Client) converse(ctx context.Context, r aaa.Request, brought credential, lookup bool) (aaa.Conversation,
	aaa.Result) {
	var silent []string
	order := c.inOrder(c.auth)
	for i, p := range order {
		done, why := func() {}, ""
		if r.Fallback {
			if done, why = p.claim(time.Now()); why != "" {
				silent = append(silent, why)
				continue
			}
		}
		l := &login{client: c, peer: p, request: r, lookup: lookup}
		last := i == len(order)-1 && !r.Fallback
		res := func() aaa.Result { defer done(); return l.ask(ctx, brought, last) }()
		switch {
		case res.Kind == aaa.Prompt:
			return l, res
		case res.Kind != aaa.Silent:
			return nil, res
		}
		silent = append(silent, res.Reason)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, aaa.Result{Reason: strings.Join(silent, "; ")}
}

// checkAccess checks a reply to an Access-Request under the server's Message-Authenticator mode.
func (p *peer) checkAccess(packet []byte, at *slot) flaw {
	switch radius.Code(packet[0]) {
	case radius.CodeAccessAccept, radius.CodeAccessReject, radius.CodeAccessChallenge:
	default:
		return badCode
	}
	need := !at.tls && (p.MessageAuthenticator == Require || p.MessageAuthenticator == Auto && p.latched.Load())
	f, signed := checkReply(packet, at, need)
	if signed {
		p.latched.Store(true)
	}
	return f
}

// show passes a packet to the trace, if there is one.
func (p *peer) show(about aaa.About, at *slot, code radius.Code, attrs radius.Attributes, sent bool) {
	if p.trace == nil || p.traced != nil && !p.traced(about) {
		return
	}
	what := fmt.Sprintf("%v id %d", code, at.id)
	if at.v11 {
		what = fmt.Sprintf("%v token %d", code, at.id)
	}
	var lines []string
	if sent && !at.v11 && (code == radius.CodeAccessRequest || code == radius.CodeStatusServer) {
		// it is added as the first attribute during encoding
		lines = append(lines, "Message-Authenticator = (computed when sent)")
	}
	p.trace(Event{Server: p.Name, Sent: sent, About: about, What: what,
		Lines: append(lines, describe(&radius.Packet{Code: code, Attributes: attrs})...)})
}

func values(attrs radius.Attributes, t radius.Type) []radius.Attribute {
	var v []radius.Attribute
	for _, a := range attrs {
		if a.Type == t {
			v = append(v, a.Attribute)
		}
	}
	return v
}
