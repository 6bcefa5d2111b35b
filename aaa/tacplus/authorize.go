package tacplus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

// Authorize asks the servers in order, the next only after silence, what a user may have: a session (`service=shell
// cmd=`, or for PPP first `protocol=lcp` and then `protocol=ip`, unless q.Protocol names one) or one command. It blocks
// until Granted, Refused or Silent. It needs no password: with q.NoPassword the server is told that nobody was
// authenticated.
func (e *Entry) Authorize(ctx context.Context, q aaa.Question) aaa.Result {
	asks, err := e.questions(q)
	if err != nil {
		return aaa.Result{Kind: aaa.Refused, Reason: e.name + ": " + err.Error()}
	}
	return e.first(ctx, q.Request, aaa.Authorizing, func(p *peer, fresh bool) (aaa.Result, error) {
		for i := range asks {
			asks[i].fresh = fresh
		}
		return e.authorize(ctx, p, q, asks)
	})
}

// question is one authorization session.
type question struct {
	protocol string // PPP
	args     []string
	body     []byte
	fresh    bool // it is asked again, on a new connection
	request  authorRequest
	about    aaa.About
}

// verdict is the server's answer to a question; its lengths are checked.
type verdict struct {
	passed  bool
	replace bool // PASS_REPL: the requested arguments no longer count
	args    []string
	message string
}

// authorize asks one server all questions and merges its answers in one reading.
func (e *Entry) authorize(ctx context.Context, p *peer, q aaa.Question, asks []question) (aaa.Result, error) {
	r := newReading(q)
	defer r.free()
	message := ""
	for _, ask := range asks {
		v, err := p.authorization(ctx, ask)
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			return r.refused(p, refused.Error(), ""), nil
		case err != nil:
			return aaa.Result{}, err
		case !v.passed && ask.protocol == "ip" && r.mayLack(q):
			r.lacks(ask, "refused; the callback needs none")
			continue
		case !v.passed && ask.protocol == "ipv6" && q.IPv6:
			r.Framed().NoIPv6 = true
			r.lacks(ask, "refused; the session has no IPv6")
			continue
		case !v.passed:
			return r.refused(p, fmt.Sprintf("it refused %s to %q", what(ask, q), user(q)), v.message), nil
		}
		if v.message != "" {
			message = v.message
		}
		if err := r.take(ask, v); err != nil {
			r.A.Refuse = err.Error()
			return r.refused(p, fmt.Sprintf("it granted %s to %q, but: %v", what(ask, q), user(q), err), v.message), nil
		}
	}
	if err := r.Conclude(nil); err != nil {
		r.A.Refuse = err.Error()
		return r.refused(p, fmt.Sprintf("it granted a session to %q, but: %v", user(q), err), message), nil
	}
	a := r.A
	if len(q.Command) > 0 { // the session keeps its own authorization
		attributes, readings := a.Attributes, a.Readings
		a = q.Granted
		a.Attributes, a.Readings = attributes, readings
	}
	a.ReplyMessage = message
	return aaa.Result{Kind: aaa.Granted, Server: p.Name, Message: message, Auth: a,
		Reason: fmt.Sprintf("tacacs server %s authorized %q", p.Name, user(q))}, nil
}

// what names the request, for messages.
func what(ask question, q aaa.Question) string {
	switch {
	case len(q.Command) > 0:
		return fmt.Sprintf("the command %q", q.Command[0])
	case ask.protocol != "":
		return "ppp " + ask.protocol
	case q.Service == aaa.Outbound:
		return "a dial-out"
	}
	return "an EXEC"
}

func user(q aaa.Question) string {
	if q.Identity.User != "" {
		return q.Identity.User
	}
	return q.User
}

// questions makes the requests of q.
func (e *Entry) questions(q aaa.Question) ([]question, error) {
	if err := checkUser(user(q)); err != nil {
		return nil, err
	}
	var asks []question
	switch {
	case len(q.Command) > 0:
		args, err := commandArgs(q.Command)
		if err != nil {
			return nil, err
		}
		asks = []question{{args: args}}
	case q.Service == aaa.Outbound:
		asks = []question{{args: []string{"service=outbound"}}}
	case q.Service != aaa.PPP:
		asks = []question{{args: []string{"service=shell", "cmd="}}}
	case q.Protocol != "":
		asks = []question{{protocol: q.Protocol, args: []string{"service=ppp", "protocol=" + q.Protocol}}}
	default:
		asks = []question{{protocol: "lcp", args: []string{"service=ppp", "protocol=lcp"}},
			{protocol: "ip", args: []string{"service=ppp", "protocol=ip"}}}
		if q.IPv6 {
			asks = append(asks, question{protocol: "ipv6", args: []string{"service=ppp", "protocol=ipv6"}})
		}
	}
	for i := range asks {
		asks[i].about = aaa.About{User: user(q), TTY: q.TTY}
		if err := e.encode(&asks[i], q); err != nil {
			return nil, err
		}
	}
	return asks, nil
}

// commandArgs returns the arguments with which IOS requests a command: its first word, each further word, and the end
// of the line.
func commandArgs(words []string) ([]string, error) {
	args := []string{"service=shell", "cmd=" + words[0]}
	for _, w := range words[1:] {
		args = append(args, "cmd-arg="+w)
	}
	args = append(args, "cmd-arg=<cr>")
	if words[0] == "" || len(args) > maxField {
		return nil, fmt.Errorf("cannot request a command of %d words: the first must not be empty, and the limit is "+
			"%d arguments", len(words), maxField)
	}
	for _, a := range args {
		if len(a) > maxField || !printable(a) {
			return nil, fmt.Errorf("cannot request the command: a word must be at most %d octets of printable US-ASCII",
				maxField)
		}
	}
	return args, nil
}

// encode makes the REQUEST (RFC 8907 §6.1).
func (e *Entry) encode(ask *question, q aaa.Question) error {
	method, kind, service := e.method(q.Identity.Entry), typeNotSet, serviceLogin
	if q.Service == aaa.PPP {
		service = servicePPP
	}
	// SVC_NONE says that nobody was authenticated (RFC 8907 §5.1). TACACSPLUS would be false in the server's log and
	// gain nothing, because the method must not count for a policy (§6.1). The type "not set" also avoids servers that
	// accept any unknown user who was reportedly authenticated elsewhere (tac_plus-ng can be configured so, for type
	// ASCII and a method other than TACACSPLUS).
	if q.NoPassword {
		method, service = methodNone, serviceNone
	}
	if method == methodTACACS {
		kind = e.kind(q)
	}
	ask.request = authorRequest{
		method: method, priv: byte(level(q)), kind: kind, service: service,
		user: user(q), port: port(q.TTY), remoteAddr: field(q.Caller), args: ask.args,
	}
	var err error
	if ask.body, err = ask.request.encode(nil); err != nil {
		return fmt.Errorf("cannot encode the request: %w", err)
	}
	return nil
}

// kind returns how the user was authenticated (RFC 8907 §6.1): for an EXEC as the configuration says, for PPP as the
// peer did.
func (e *Entry) kind(q aaa.Question) authenType {
	if q.Service != aaa.PPP {
		return map[string]authenType{ASCII: typeASCII, PAP: typePAP}[e.cfg.Authentication]
	}
	return map[string]authenType{"pap": typePAP, "chap": typeCHAP, "ms-chap": typeMSCHAP,
		"ms-chapv2": typeMSCHAPv2}[q.Proof]
}

// level is the session's privilege level, 1 by default as in IOS.
func level(q aaa.Question) int {
	if len(q.Command) == 0 && q.PrivLevel == 0 {
		return 1
	}
	return min(max(q.PrivLevel, 0), 15)
}

// method is how the user was authenticated (RFC 8907 §6.1), from the method-list entry.
func (e *Entry) method(entry string) authenMethod {
	switch {
	case entry == "" || e.owner.entries[entry]:
		return methodTACACS
	case entry == "local":
		return methodLocal
	case entry == "enable":
		return methodEnable
	case entry == "none":
		return methodNone
	}
	return methodRADIUS
}

// refusal is an authentic answer that grants nothing.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

// authorization asks one question and blocks until the verdict. The error is a *silence or a *refusal.
func (p *peer) authorization(ctx context.Context, ask question) (verdict, error) {
	p.showAuthorRequest(ask)
	s, reply, err := p.ask(ctx, opening{kind: authorization, doing: "Authorization REQUEST", about: ask.about,
		body: ask.body, fresh: ask.fresh})
	if err != nil {
		return verdict{}, err
	}
	s.end()
	return p.verdict(ask.about, s, reply)
}

// verdict reads a RESPONSE (RFC 8907 §6.2) whose lengths add up.
func (p *peer) verdict(about aaa.About, s *session, reply []byte) (verdict, error) {
	r := decodeAuthorReply(reply)
	switch r.status {
	case authorPassAdd, authorPassRepl, authorFail, authorError:
	case statusFollow:
		p.remark(about, "Authorization RESPONSE FOLLOW")
		return verdict{}, &refusal{"it refers to another server (FOLLOW), which is not supported (RFC 8907 §10.5.5)"}
	default:
		return verdict{}, p.unusable("Authorization", fmt.Sprintf("unknown status %#02x", byte(r.status)))
	}
	r.message, r.data = ascii(r.message), ascii(r.data)
	v := verdict{
		passed: r.status == authorPassAdd || r.status == authorPassRepl, replace: r.status == authorPassRepl,
		args: r.args, message: r.message,
	}
	p.showAuthorReply(about, s, r.status, v, r.data)
	switch {
	case r.status == authorError:
		return v, p.unusable("Authorization", "ERROR"+said(v.message))
	case v.passed && slices.ContainsFunc(r.args, noArgument):
		return v, &refusal{"it granted with an invalid argument: shorter than two octets, or not US-ASCII"}
	}
	return v, nil
}

// noArgument reports whether an argument is shorter than name and separator, or not US-ASCII (RFC 8907 §3.7, §6.1).
func noArgument(a string) bool {
	return len(a) < 2 || strings.ContainsFunc(a, func(c rune) bool { return c > unicode.MaxASCII })
}

// ascii replaces what is not US-ASCII in the messages of a RESPONSE, which are only displayed.
func ascii(s string) string {
	return strings.Map(func(c rune) rune {
		if c > '~' {
			return '?'
		}
		return c
	}, s)
}

func (p *peer) showAuthorRequest(ask question) {
	p.show(ask.about, true, "Authorization REQUEST", func() []string {
		r := ask.request
		return append([]string{"authen_method = " + methodNames[r.method], fmt.Sprintf("priv_lvl = %d", r.priv),
			"authen_type = " + typeNames[r.kind],
			"authen_service = " + serviceNames[r.service], "user = " + pairs.Quoted(r.user),
			"port = " + pairs.Quoted(r.port), "rem_addr = " + pairs.Quoted(r.remoteAddr)},
			describePairs(ask.args)...)
	})
}

var verdictNames = map[authorStatus]string{
	authorPassAdd: "PASS_ADD", authorPassRepl: "PASS_REPL", authorFail: "FAIL",
	authorError: "ERROR",
}

func (p *peer) showAuthorReply(about aaa.About, s *session, code authorStatus, v verdict, data string) {
	if p.trace == nil {
		return
	}
	what := fmt.Sprintf("Authorization RESPONSE %s, session %08x", verdictNames[code], s.id)
	p.show(about, false, what, func() []string { return append(messages(v.message, data), describePairs(v.args)...) })
}
