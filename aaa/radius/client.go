package radius

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// Client is a group of RADIUS servers, asked in order: the aaa.Method and aaa.Accountant "radius". Make one with New. Its sockets are
// opened when they are first needed and live until Close. All methods may be called from any goroutine.
type Client struct {
	cfg  Config
	auth []*peer
	acct []*peer // those with an accounting address
}

// New checks c and returns its client. It opens nothing. The error joins all that is wrong.
func New(c Config) (*Client, error) {
	if c.Name == "" {
		c.Name = "radius"
	}
	if c.DeadTime <= 0 {
		c.DeadTime = 30 * time.Second
	}
	cl := &Client{cfg: c}
	var errs []error
	if len(c.Servers) == 0 {
		errs = append(errs, fmt.Errorf("%s: no server", c.Name))
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
			errs = append(errs, fmt.Errorf("radius server %s: there twice", s.Name))
		}
		names[s.Name] = true
		cl.auth = append(cl.auth, newPeer(s, s.Address, c))
		if s.Accounting != "" {
			cl.acct = append(cl.acct, newPeer(s, s.Accounting, c))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cl, nil
}

// Close ends what is under way and waits for the readers of all sockets. The Client answers nothing afterwards.
func (c *Client) Close() error {
	for _, p := range append(append([]*peer(nil), c.auth...), c.acct...) {
		p.close()
	}
	return nil
}

// Name is the method-list entry.
func (c *Client) Name() string { return c.cfg.Name }

// Dropped counts the datagrams that were no authentic reply, all servers together: forged, cut, unsigned, late.
func (c *Client) Dropped() uint64 {
	var n uint64
	for _, p := range append(append([]*peer(nil), c.auth...), c.acct...) {
		n += p.stray.Load()
		for f := range p.dropped {
			n += p.dropped[f].Load()
		}
	}
	return n
}

// Start asks the servers in order, the next on silence only, and blocks for the first authentic answer.
func (c *Client) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	if r.Entry != "" && r.Entry != c.cfg.Name {
		return nil, aaa.Result{Reason: fmt.Sprintf("%s may not answer for %s", c.cfg.Name, r.Entry)}
	}
	if err := aaa.CheckUser(r.User); err != nil {
		return nil, aaa.Result{Kind: aaa.Refused, Reason: c.cfg.Name + ": " + err.Error()}
	}
	if err := checkPassword(r.Password); err != nil {
		return nil, aaa.Result{Kind: aaa.Refused, Reason: c.cfg.Name + ": " + err.Error()}
	}
	var silent []string
	for _, p := range inOrder(c.auth) {
		l := &login{client: c, peer: p, request: r}
		res := l.ask(ctx, r.Password)
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

// inOrder has the servers that are not passed over, in the order of the configuration; all of them where all are.
func inOrder(peers []*peer) []*peer {
	var alive []*peer
	now := time.Now()
	for _, p := range peers {
		if !p.dead(now) {
			alive = append(alive, p)
		}
	}
	if alive == nil {
		return peers
	}
	return alive
}

// checkAccess judges a reply to an Access-Request by the server's Message-Authenticator mode.
func (p *peer) checkAccess(packet []byte, auth authenticator) flaw {
	switch radius.Code(packet[0]) {
	case radius.CodeAccessAccept, radius.CodeAccessReject, radius.CodeAccessChallenge:
	default:
		return badCode
	}
	need := p.MessageAuthenticator == Require || p.MessageAuthenticator == Auto && p.latched.Load()
	f, signed := checkReply(packet, auth, []byte(p.Secret), need)
	if signed {
		p.latched.Store(true)
	}
	return f
}

func (p *peer) show(packet *radius.Packet, sent bool) {
	if p.trace != nil {
		p.trace(Event{Server: p.Name, Sent: sent, What: fmt.Sprintf("%v id %d", packet.Code, packet.Identifier), Lines: Describe(packet)})
	}
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
