package radius

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

// The maximum number of Access-Challenges in one login.
const (
	maxRounds    = 16
	maxEAPRounds = 64 // a TLS handshake in fragments of a kilobyte
)

// callCheck is the Service-Type of a request about a call or a user without authentication (RFC 2865 §5.6).
const callCheck = uint32(rfc2865.ServiceType_Value_CallCheck)

// login is one conversation, pinned to its server: State is sent back to the server that sent it, on any connection.
type login struct {
	client  *Client
	peer    *peer
	request aaa.Request
	lookup  bool // Call-Check

	mu     sync.Mutex
	sent   credential       // of the current or last request
	state  radius.Attribute // State of the last challenge, sent back unchanged
	rounds int
	ended  bool
}

// Answer sends what the caller typed after a challenge, or the peer's next EAP packet, to the server that challenged.
func (l *login) Answer(ctx context.Context, typed aaa.Secret) aaa.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return aaa.Result{Kind: aaa.Refused, Server: l.peer.Name, Reason: "the conversation has ended"}
	}
	var res aaa.Result
	if c, err := l.answer(typed); err != nil {
		res = aaa.Result{Kind: aaa.Refused, Server: l.peer.Name, Reason: err.Error()}
	} else {
		res = l.ask(ctx, c, true)
	}
	l.ended = res.Kind != aaa.Prompt
	return res
}

func (l *login) answer(typed aaa.Secret) (credential, error) {
	switch {
	case !l.sent.eap:
		return passwordCredential(typed)
	case typed == "":
		return credential{}, errors.New("no EAP packet from the peer")
	}
	return eapCredential([]byte(typed))
}

// ask performs one exchange and reads its answer. last says that no other server or method can be asked.
func (l *login) ask(ctx context.Context, c credential, last bool) aaa.Result {
	began := time.Now()
	res := l.exchange(ctx, c, last)
	aaa.Observe(ctx, l.client.cfg.Observe, began, l.peer.Name, aaa.Authentication, res.Kind)
	return res
}

func (l *login) exchange(ctx context.Context, c credential, last bool) aaa.Result {
	p := l.peer
	l.sent = c
	q := l.question()
	q.patient = last
	a, err := p.exchange(ctx, q)
	if err != nil {
		var s *silence
		switch {
		case !errors.As(err, &s): // cannot be encoded: not silence, so no other method is asked
			return aaa.Result{Kind: aaa.Refused, Server: p.Name, Reason: fmt.Sprintf("radius server %s: %v", p.Name,
				err)}
		case ctx.Err() == nil && !errors.Is(err, errClosed):
			p.markDead(l.client.cfg.DeadTime)
		}
		return aaa.Result{Server: p.Name, Reason: err.Error()}
	}
	// the attributes were checked when the packet was accepted
	reply := &radius.Packet{Code: radius.Code(a.packet[0]), Attributes: parseAttributes(a.packet)}
	p.show(l.request.About(), a.at, reply.Code, reply.Attributes, false)
	return l.read(reply, a.at)
}

func (l *login) question() question {
	p := l.peer
	check := p.checkAccess
	if l.sent.eap {
		check = p.checkEAP
	}
	return question{
		encode: func(at *slot) ([]byte, error) {
			b := newBuilder()
			defer b.free()
			if err := l.attributes(b, at); err != nil {
				return nil, err
			}
			p.show(l.request.About(), at, radius.CodeAccessRequest, b.attrs, true)
			return encodeAccess(at, b.attrs)
		},
		check: check,
		about: l.request.About(),
	}
}

// attributes adds all attributes of an Access-Request except its Message-Authenticator.
func (l *login) attributes(b *builder, at *slot) error {
	b.access(l.client.cfg, l.request, l.lookup, at.local)
	if b.err != nil {
		return b.err
	}
	if l.sent.typed {
		hidden, err := at.hidePassword(l.sent.password)
		if err != nil {
			return err
		}
		b.add(rfc2865.UserPassword_Type, hidden)
	}
	for _, a := range l.sent.attrs {
		b.add(a.Type, a.Attribute)
	}
	if l.state != nil {
		b.add(rfc2865.State_Type, l.state)
	}
	return nil
}

// checkEAP checks a reply to EAP. It must be signed, even if the operator allows other unsigned replies (RFC 3579
// §3.2), except over TLS.
func (p *peer) checkEAP(packet []byte, at *slot) flaw {
	f := p.checkAccess(packet, at)
	if f == good && !at.tls {
		if mac, _ := findMAC(packet); mac == 0 {
			return noMAC
		}
	}
	return f
}

// read converts an authentic reply to a Result.
func (l *login) read(reply *radius.Packet, at *slot) aaa.Result {
	res := aaa.Result{Server: l.peer.Name, Message: replyMessage(reply.Attributes)}
	if l.sent.eap && reply.Code != radius.CodeAccessReject {
		var err error
		if res.EAP, err = eapReply(reply.Code, reply.Attributes, l.sent.eapID); err != nil {
			return l.refuse(reply, res, fmt.Sprintf("radius server %s: %v", l.peer.Name, err))
		}
	}
	switch reply.Code {
	case radius.CodeAccessAccept:
		return l.accepted(reply, at, res)
	case radius.CodeAccessChallenge:
		return l.challenged(reply, res)
	}
	// A Reject is a refusal even if it contains a Callback-Number, as from some servers.
	if l.request.MSCHAP != nil {
		res.Success = mschapRefused(*l.request.MSCHAP, reply.Attributes)
	}
	return l.refuse(reply, res, fmt.Sprintf("radius server %s refused %q", l.peer.Name, l.request.User))
}

// refuse makes res a refusal that contains the reply's attributes for people.
func (l *login) refuse(reply *radius.Packet, res aaa.Result, reason string) aaa.Result {
	res.Kind, res.Reason = aaa.Refused, reason
	res.Auth = aaa.Authorization{Attributes: describe(reply)}
	return l.failEAP(res)
}

// failEAP adds an EAP Failure for the peer if the login uses EAP.
func (l *login) failEAP(res aaa.Result) aaa.Result {
	if l.sent.eap {
		res.EAP = eapEnd(eapFailure, l.sent.eapID)
	}
	return res
}

func (l *login) accepted(reply *radius.Packet, at *slot, res aaa.Result) aaa.Result {
	user, err := l.user(reply.Attributes)
	res.Auth = l.granted(user, reply.Attributes, at)
	if err != nil && res.Auth.Refuse == "" {
		res.Auth.Refuse = err.Error()
	}
	if l.request.MSCHAP != nil && res.Auth.Refuse == "" {
		proof, err := mschapAccepted(*l.request.MSCHAP, reply.Attributes)
		if res.Success = proof; err != nil {
			res.Auth.Refuse = err.Error()
		}
	}
	if res.Auth.Refuse != "" {
		res.Kind, res.Auth = aaa.Refused, res.Auth.Ungranted()
		res.Known = !l.lookup && user == l.request.User
		res.Reason = fmt.Sprintf("radius server %s accepted %q, but: %s", l.peer.Name, l.request.User, res.Auth.Refuse)
		return l.failEAP(res)
	}
	res.Kind = aaa.Granted
	res.Reason = "radius server " + l.peer.Name + " accepted " + strconv.Quote(l.request.User)
	if !l.lookup { // a lookup authenticates no user
		res.Identity = aaa.Identity{Entry: l.client.cfg.Name, User: user}
	}
	return res
}

// user returns the user that an Accept is about. With EAP it is the Accept's User-Name, if there is one: the name that
// the peer sent before the EAP method began proves nothing (RFC 3748 §5.1), so another user's certificate could pass
// under it.
func (l *login) user(attrs radius.Attributes) (string, error) {
	names := values(attrs, rfc2865.UserName_Type)
	if !l.sent.eap || len(names) == 0 {
		return l.request.User, nil
	}
	user := string(names[0]) // a second, different one refuses the Accept
	if err := aaa.CheckUser(user); err != nil {
		return "", fmt.Errorf("User-Name: %w, and with EAP it says who the user is", err)
	}
	return user, nil
}

// granted reads an Accept according to the request: a session of a user, a privilege level, or a lookup of a call or
// user.
func (l *login) granted(user string, attrs radius.Attributes, at *slot) aaa.Authorization {
	d := l.peer.dialects(at)
	if l.request.Enable > 0 {
		return enabled(l.request.Enable, d.Authorize(aaa.EXEC, attrs))
	}
	service := l.request.Service
	if l.lookup {
		attrs = withoutCallCheck(attrs)
		if service == "" {
			service = serviceOf(attrs)
		}
	}
	d.Terse = !l.request.Explain
	a := d.Authorize(service, attrs)
	if a.Refuse != "" {
		return a
	}
	if r := realm(user); r != "" && !slices.Contains(a.Groups, r) {
		a.Groups = append(a.Groups, r) // last: groups from the server have precedence over what the user typed
	}
	return a
}

// dialects returns how to read the server's reply to the request at.
func (p *peer) dialects(at *slot) Dialects {
	d := Dialects{AscendTypes: slices.Contains(p.Dialects, DialectAscend), ClassGroups: p.ClassGroups,
		SeveralNumbers: p.SeveralNumbers}
	if !at.v11 { // RADIUS/1.1 does not encrypt with the authenticator
		d.Secret, d.Authenticator = p.Secret, at.auth[:]
	}
	return d
}

func (l *login) challenged(reply *radius.Packet, res aaa.Result) aaa.Result {
	states := values(reply.Attributes, rfc2865.State_Type)
	l.rounds++
	switch {
	case l.lookup || !l.sent.interactive():
		return l.refuse(reply, res, fmt.Sprintf("radius server %s sent an Access-Challenge for %q, which cannot be "+
			"answered here: treated as a refusal (RFC 2865 §4.4)", l.peer.Name, l.request.User))
	case len(states) > 1:
		return l.refuse(reply, res, fmt.Sprintf("radius server %s: %d State attributes in one Access-Challenge",
			l.peer.Name, len(states)))
	case l.rounds > l.maxRounds():
		return l.refuse(reply, res, fmt.Sprintf("radius server %s: more than %d Access-Challenges in one login",
			l.peer.Name, l.maxRounds()))
	}
	l.state = nil
	if len(states) == 1 {
		l.state = states[0]
	}
	res.Kind = aaa.Prompt
	res.Reason = fmt.Sprintf("radius server %s sent a challenge", l.peer.Name)
	res.Echo = echoes(reply.Attributes)
	res.Wait = waits(reply.Attributes)
	return res
}

// maxRounds returns the maximum number of Access-Challenges in this login: EAP methods need many.
func (l *login) maxRounds() int {
	if l.sent.eap {
		return maxEAPRounds
	}
	return maxRounds
}

// waits returns the Session-Timeout of a challenge: how long the server waits for the answer (RFC 2865 §5.27).
func waits(attrs radius.Attributes) time.Duration {
	v := values(attrs, rfc2865.SessionTimeout_Type)
	if len(v) != 1 {
		return 0
	}
	n, err := radius.Integer(v[0])
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// echoes reads Prompt (RFC 2869 §5.10). If it is missing, the caller's input is not shown, because it may be a
// password.
func echoes(attrs radius.Attributes) bool {
	v := values(attrs, rfc2869.Prompt_Type)
	if len(v) != 1 {
		return false
	}
	n, err := radius.Integer(v[0])
	return err == nil && n == uint32(rfc2869.Prompt_Value_Echo)
}

// replyMessage joins the Reply-Messages with line ends, as text for the caller. NULs are dropped, as in those of an
// Accept.
func replyMessage(attrs radius.Attributes) string {
	var lines []string
	for _, v := range values(attrs, rfc2865.ReplyMessage_Type) {
		lines = append(lines, strings.ReplaceAll(string(v), "\x00", ""))
	}
	return strings.Join(lines, "\n")
}
