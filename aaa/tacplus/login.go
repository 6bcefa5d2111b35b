package tacplus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

// Start asks the servers in order, the next only after silence, and blocks until the first answer. A conversation that
// it begins stays with its server. ctx applies to the whole conversation: when ctx ends, the client aborts the
// conversation at the server.
func (e *Entry) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	if r.Entry != "" && r.Entry != e.name {
		return nil, aaa.Result{Reason: fmt.Sprintf("%s must not answer for %s", e.name, r.Entry)}
	}
	st, err := e.start(r)
	if err != nil {
		return nil, aaa.Result{Kind: aaa.Refused, Reason: e.name + ": " + err.Error()}
	}
	var conv aaa.Conversation
	res := e.first(ctx, r, aaa.Authentication, func(p *peer, fresh bool) (aaa.Result, error) {
		l := &login{entry: e, peer: p, fresh: fresh, request: r, user: r.User, password: r.Password, watching: ctx}
		res, err := l.begin(ctx, st)
		if err == nil && res.Kind == aaa.Prompt {
			conv = l
		}
		return res, err
	})
	return conv, res
}

// login is one conversation, pinned to its server.
type login struct {
	entry    *Entry
	peer     *peer
	fresh    bool // it began again on a new connection
	request  aaa.Request
	watching context.Context // ctx of Start: its end aborts a conversation that waits for the caller

	mu        sync.Mutex
	st        start
	s         *session
	asked     authenStatus // what the server asked for last
	user      string       // the name that was sent to the server
	password  aaa.Secret   // "" if unknown or already sent
	toldUser  bool
	restarted bool
	ended     bool
	resumed   chan struct{} // closed when the caller has answered
}

// begin sends START and continues until the server asks for something that only the caller knows, or decides.
func (l *login) begin(ctx context.Context, st start) (aaa.Result, error) {
	body, err := st.body.encode()
	if err != nil {
		return aaa.Result{}, fmt.Errorf("START: %w", err)
	}
	l.peer.showStart(l.about(), st)
	s, reply, err := l.peer.ask(ctx, opening{kind: authentication, minor: st.minor, doing: "Authentication START",
		about: l.about(), body: body, fresh: l.fresh})
	if err != nil {
		return aaa.Result{}, err
	}
	l.st, l.s, l.toldUser = st, s, st.body.user != ""
	return l.proceed(ctx, reply)
}

func (l *login) about() aaa.About { return aaa.About{User: l.user, TTY: l.request.TTY} }

// proceed reads replies and answers what is already known without the caller.
func (l *login) proceed(ctx context.Context, reply []byte) (aaa.Result, error) {
	for {
		r := decodeAuthenReply(reply)
		if r.status == statusFollow {
			l.s.end()
			l.peer.remark(l.about(), "Authentication REPLY FOLLOW")
			return l.refuse("it refers to another server (FOLLOW), which is not supported (RFC 8907 §10.5.5)", ""), nil
		}
		if r.status < authenPass || r.status > authenError {
			l.s.end()
			return aaa.Result{}, l.peer.unusable("Authentication", fmt.Sprintf("unknown status %#02x", byte(r.status)))
		}
		l.peer.showReply(l.about(), l.s, r)
		if !asks(r.status) {
			l.s.end()
			return l.conclude(ctx, r)
		}
		if !l.st.converses {
			l.s.end()
			return aaa.Result{}, l.peer.unusable("Authentication",
				fmt.Sprintf("%s, but only PASS or FAIL is allowed (RFC 8907 §5.4.2)", statusName(r.status)))
		}
		answer, known := l.known(r.status)
		if !known {
			return l.prompt(r), nil
		}
		var err error
		if reply, err = l.send(ctx, r.status, answer); err != nil {
			return aaa.Result{}, err
		}
	}
}

func asks(s authenStatus) bool {
	return s == authenGetUser || s == authenGetPass || s == authenGetData
}

// known returns what the server asks for if the caller has already given it: the user name and the password, each once.
func (l *login) known(asked authenStatus) (string, bool) {
	switch {
	case asked == authenGetUser && !l.toldUser && l.user != "":
		l.toldUser = true
		return l.user, true
	case asked == authenGetPass && l.password != "":
		answer := string(l.password)
		l.password = ""
		return answer, true
	}
	return "", false
}

// send answers the server. The answer is never sent again in its session: without a reply, the login may begin again
// (again), as long as the caller was not asked anything.
func (l *login) send(ctx context.Context, asked authenStatus, answer string) ([]byte, error) {
	l.peer.showContinue(l.about(), l.s, asked, answer)
	reply, err := l.s.exchange(ctx, encodeContinue(0, answer)) // checkAnswer has checked the answer
	if errors.Is(err, errWrapped) {
		return nil, err
	}
	if err != nil {
		quiet := l.peer.quiet(ctx, l.s, l.about(), "Authentication CONTINUE", err)
		quiet.again = broke(err) || l.s.stale(err)
		return nil, quiet
	}
	l.peer.revive()
	return reply, nil
}

// prompt passes the server's question to the caller, and aborts the conversation if the caller hangs up or takes too
// long.
func (l *login) prompt(r authenReply) aaa.Result {
	l.asked = r.status
	l.resumed = make(chan struct{})
	s, resumed := l.s, l.resumed
	l.peer.watch(func() {
		timer := time.NewTimer(l.entry.cfg.Patience)
		defer timer.Stop()
		select {
		case <-resumed:
			return
		case <-s.c.gone: // Answer reports it
			return
		case <-timer.C:
		case <-l.watching.Done():
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.resumed == resumed && !l.ended {
			l.ended = true
			s.abort()
		}
	})
	return aaa.Result{Kind: aaa.Prompt, Server: l.peer.Name, Message: r.message, Echo: !r.noEcho &&
		r.status != authenGetPass,
		Reason: fmt.Sprintf("tacacs server %s prompts (%s)", l.peer.Name, statusName(r.status))}
}

// Answer sends what the caller typed to the server that asked, and blocks until the next Result. If ctx has ended, it
// aborts the conversation.
func (l *login) Answer(ctx context.Context, typed aaa.Secret) aaa.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return aaa.Result{Kind: aaa.Refused, Server: l.peer.Name, Reason: "the conversation has ended"}
	}
	close(l.resumed)
	l.resumed = nil
	began := time.Now()
	res := l.answer(ctx, typed)
	aaa.Observe(ctx, l.entry.cfg.Observe, began, l.peer.Name, aaa.Authentication, res.Kind)
	l.ended = res.Kind != aaa.Prompt
	return res
}

func (l *login) answer(ctx context.Context, typed aaa.Secret) aaa.Result {
	if err := ctx.Err(); err != nil {
		l.s.abort()
		return aaa.Result{Server: l.peer.Name, Reason: fmt.Sprintf("tacacs server %s: conversation aborted: %v",
			l.peer.Name, err)}
	}
	err := checkAnswer(typed)
	if l.asked == authenGetUser && err == nil {
		err = checkUser(string(typed))
		l.user, l.toldUser = string(typed), true
	}
	if err != nil {
		l.s.abort()
		return l.refuse(err.Error(), "")
	}
	reply, err := l.send(ctx, l.asked, string(typed))
	if err == nil {
		var res aaa.Result
		if res, err = l.proceed(ctx, reply); err == nil {
			return res
		}
	}
	var quiet *silence
	if errors.As(err, &quiet) {
		var all silences
		all.add(err)
		res := all.result()
		res.Server = l.peer.Name
		return res
	}
	return l.refuse(err.Error(), "")
}

// conclude turns the last reply of a conversation into a Result.
func (l *login) conclude(ctx context.Context, r authenReply) (aaa.Result, error) {
	switch r.status {
	case authenPass:
		return l.granted(r), nil
	case authenFail:
		res := l.refuse(fmt.Sprintf("it refused %q", l.user), r.message)
		res.Success = chapMessage(r, "E=")
		return res, nil
	case authenRestart:
		return l.restart(ctx)
	}
	return aaa.Result{}, l.peer.unusable("Authentication", "ERROR"+said(r.message))
}

func (l *login) granted(r authenReply) aaa.Result {
	if err := aaa.CheckUser(l.user); err != nil { // it passed without a usable user name
		return l.refuse("it passed, but: "+err.Error(), "")
	}
	proof := chapMessage(r, "S=")
	if m := l.request.MSCHAP; m != nil && m.Version == 2 && proof == "" {
		return l.refuse("it passed without the S= that an MS-CHAPv2 client requires and RFC 8907 has no field for "+
			"(offer CHAP or PAP to callers that a TACACS+ server authenticates)", "")
	}
	a := aaa.Authorization{PrivLevel: 1, ReplyMessage: r.message}
	if l.request.Enable > 0 {
		a.PrivLevel = l.request.Enable
	}
	return aaa.Result{Kind: aaa.Granted, Server: l.peer.Name, Message: r.message, Success: proof,
		Auth:     a,
		Reason:   fmt.Sprintf("tacacs server %s passed %q", l.peer.Name, l.user),
		Identity: aaa.Identity{Entry: l.entry.name, User: l.user}}
}

func (l *login) refuse(why, message string) aaa.Result {
	return aaa.Result{Kind: aaa.Refused, Server: l.peer.Name, Message: message,
		Reason: fmt.Sprintf("tacacs server %s: %s", l.peer.Name, why)}
}

// restart begins again with another kind of authentication, once (RFC 8907 §5.2). If there is no other kind, or it was
// tried already, RESTART counts as FAIL (§5.4.3).
func (l *login) restart(ctx context.Context) (aaa.Result, error) {
	other, ok := l.entry.other(l.st, l.request)
	if !ok || l.restarted {
		return l.refuse("it requires another kind of authentication (RESTART), but there is none", ""), nil
	}
	l.restarted, l.toldUser, l.password = true, false, l.request.Password
	return l.begin(ctx, other)
}

// chapMessage returns the message for MS-CHAP peers (RFC 2759 §5). RFC 8907 has no field for it; servers that send it
// use data or server_msg.
func chapMessage(r authenReply, prefix string) string {
	for _, s := range []string{r.data, r.message} {
		if strings.HasPrefix(s, prefix) {
			return s
		}
	}
	return ""
}

// unusable is the error of a server whose answer decides nothing. The server is alive, so it is not skipped afterwards.
func (p *peer) unusable(doing, what string) error {
	return &silence{peer: p, doing: doing, cause: errors.New("it answered " + what)}
}

func said(message string) string {
	if message == "" {
		return ""
	}
	return ": " + pairs.Quoted(message)
}
