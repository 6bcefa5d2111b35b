package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

// maxRounds bounds the Access-Challenges of one login.
const maxRounds = 16

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
