package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

// maxRounds bounds the Access-Challenges of one login.
const maxRounds = 16

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

// login is one conversation, pinned to its server.
type login struct {
	client  *Client
	peer    *peer
	request aaa.Request

	mu     sync.Mutex
	state  radius.Attribute // State of the last challenge, sent back as it came
	rounds int
	ended  bool
}

// Answer sends what the caller typed after a challenge, to the server that challenged.
func (l *login) Answer(ctx context.Context, typed aaa.Secret) aaa.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return aaa.Result{Kind: aaa.Refused, Server: l.peer.Name, Reason: "the conversation has ended"}
	}
	var res aaa.Result
	if err := checkPassword(typed); err != nil {
		res = aaa.Result{Kind: aaa.Refused, Server: l.peer.Name, Reason: err.Error()}
	} else {
		res = l.ask(ctx, typed)
	}
	l.ended = res.Kind != aaa.Prompt
	return res
}

// checkPassword says why a password cannot be sent: RFC 2865 §5.2 hides at most 128 octets and pads with NULs.
func checkPassword(p aaa.Secret) error {
	switch {
	case len(p) > maxSecret:
		return fmt.Errorf("a password of %d octets: RADIUS carries at most %d", len(p), maxSecret)
	case strings.Contains(string(p), "\x00"):
		return errors.New("a password with a NUL in it, which RADIUS cannot carry")
	}
	return nil
}

// ask makes one exchange and reads its answer.
func (l *login) ask(ctx context.Context, password aaa.Secret) aaa.Result {
	p := l.peer
	a, err := p.exchange(ctx, l.question(password))
	if err != nil {
		var s *silence
		if errors.As(err, &s) && ctx.Err() == nil && !errors.Is(err, errClosed) {
			p.bury(l.client.cfg.DeadTime)
		}
		return aaa.Result{Server: p.Name, Reason: err.Error()}
	}
	reply, err := radius.Parse(a.packet, []byte(p.Secret))
	if err != nil { // cannot be: its attributes were walked before it was taken
		return aaa.Result{Server: p.Name, Reason: err.Error()}
	}
	p.show(reply, false)
	return l.read(reply)
}

func (l *login) question(password aaa.Secret) question {
	p := l.peer
	return question{
		encode: func(id byte, local net.Addr) ([]byte, authenticator, error) {
			auth := newAuthenticator()
			attrs, err := accessAttributes(l.client.cfg, l.request, local)
			if err != nil {
				return nil, auth, err
			}
			hidden, err := radius.NewUserPassword([]byte(password), []byte(p.Secret), auth[:])
			if err != nil {
				return nil, auth, err
			}
			attrs.Add(rfc2865.UserPassword_Type, hidden)
			if l.state != nil {
				attrs.Add(rfc2865.State_Type, l.state)
			}
			p.show(&radius.Packet{Code: radius.CodeAccessRequest, Identifier: id, Attributes: attrs}, true)
			wire, err := encodeAccess(id, auth, []byte(p.Secret), attrs)
			return wire, auth, err
		},
		check: p.checkAccess,
	}
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

// read turns an authentic reply into a Result.
func (l *login) read(reply *radius.Packet) aaa.Result {
	res := aaa.Result{Server: l.peer.Name, Message: replyMessage(reply.Attributes)}
	switch reply.Code {
	case radius.CodeAccessAccept:
		return l.accepted(reply, res)
	case radius.CodeAccessChallenge:
		return l.challenged(reply, res)
	}
	// A Reject is a refusal whatever it carries; some servers leave a Callback-Number in it.
	res.Kind = aaa.Refused
	res.Reason = fmt.Sprintf("radius server %s refused %q", l.peer.Name, l.request.User)
	res.Auth.Attributes = Describe(reply)
	return res
}

func (l *login) accepted(reply *radius.Packet, res aaa.Result) aaa.Result {
	res.Auth = Authorize(l.request.Service, reply.Attributes)
	if res.Auth.Refuse != "" {
		res.Kind = aaa.Refused
		res.Reason = fmt.Sprintf("radius server %s accepted %q, but: %s", l.peer.Name, l.request.User, res.Auth.Refuse)
		return res
	}
	res.Kind = aaa.Granted
	res.Reason = fmt.Sprintf("radius server %s accepted %q", l.peer.Name, l.request.User)
	res.Identity = aaa.Identity{Entry: l.client.cfg.Name, User: l.request.User}
	return res
}

func (l *login) challenged(reply *radius.Packet, res aaa.Result) aaa.Result {
	states := values(reply.Attributes, rfc2865.State_Type)
	l.rounds++
	switch {
	case len(states) > 1:
		res.Kind, res.Reason = aaa.Refused, fmt.Sprintf("radius server %s: State came %d times in one Access-Challenge", l.peer.Name, len(states))
		return res
	case l.rounds > maxRounds:
		res.Kind, res.Reason = aaa.Refused, fmt.Sprintf("radius server %s: more than %d Access-Challenges in one login", l.peer.Name, maxRounds)
		return res
	}
	l.state = nil
	if len(states) == 1 {
		l.state = states[0]
	}
	res.Kind = aaa.Prompt
	res.Reason = fmt.Sprintf("radius server %s asks", l.peer.Name)
	res.Echo = echoes(reply.Attributes)
	return res
}

// echoes reads Prompt (RFC 2869 §5.10). Where it is missing what the caller types is not shown: it may be a password.
func echoes(attrs radius.Attributes) bool {
	v := values(attrs, rfc2869.Prompt_Type)
	if len(v) != 1 {
		return false
	}
	n, err := radius.Integer(v[0])
	return err == nil && n == uint32(rfc2869.Prompt_Value_Echo)
}

// replyMessage joins the Reply-Messages by line ends. It is the server's text, for the caller to read.
func replyMessage(attrs radius.Attributes) string {
	var lines []string
	for _, v := range values(attrs, rfc2865.ReplyMessage_Type) {
		lines = append(lines, string(v))
	}
	return strings.Join(lines, "\n")
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
