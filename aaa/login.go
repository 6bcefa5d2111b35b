package aaa

import (
	"context"
	"fmt"
	"sync"
)

// Login holds all method lists of a line, by service. The zero Login refuses every login.
type Login struct {
	// Authentication is for EXEC, PPP and Enable. A service without a list is always refused.
	Authentication Lists
	// Authorization is for EXEC, PPP and Commands. Without entries, the method that authenticated the user is asked in
	// a separate request, if it supports that (TACACS+); otherwise what the authentication granted applies, and all
	// commands are allowed.
	Authorization AuthorizationLists
}

// Lists and AuthorizationLists are method lists by service.
type (
	Lists              map[Service]List
	AuthorizationLists map[Service]AuthorizationList
)

// Start authenticates r, then authorizes an authenticated user. It blocks for the first Result; if that is a Prompt,
// the Conversation continues.
func (l Login) Start(ctx context.Context, r Request) (Conversation, Result) {
	if r.Enable > 0 {
		return l.Authentication[Enable].Start(ctx, r)
	}
	c, res := l.Authentication[r.Service].Start(ctx, r)
	switch res.Kind {
	case Prompt:
		return &loginConversation{login: l, request: r, c: c}, res
	case Granted:
		return nil, l.authorize(ctx, r, res)
	}
	return nil, res
}

type loginConversation struct {
	login   Login
	request Request

	mu sync.Mutex
	c  Conversation // nil after the last result
}

func (c *loginConversation) Answer(ctx context.Context, answer Secret) Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c == nil {
		return Result{Kind: Refused, Reason: "the conversation has ended"}
	}
	res := c.c.Answer(ctx, answer)
	if res.Kind == Prompt {
		return res
	}
	c.c = nil
	if res.Kind == Granted {
		return c.login.authorize(ctx, c.request, res)
	}
	return res
}

// proof is how the user authenticates, as in Question.Proof.
func (r Request) proof() string {
	switch {
	case r.EAP != nil:
		return "eap"
	case r.CHAP != nil:
		return "chap"
	case r.MSCHAP != nil && r.MSCHAP.Version == 2:
		return "ms-chapv2"
	case r.MSCHAP != nil:
		return "ms-chap"
	}
	return "pap"
}

// authorize asks what an authenticated user may have.
func (l Login) authorize(ctx context.Context, r Request, proven Result) Result {
	proof, typed := r.proof(), r.User
	r.Password, r.CHAP, r.MSCHAP, r.EAP = "", nil, nil, nil
	r.User = proven.Identity.User
	res := l.authorization(r.Service, proven.Identity).Authorize(ctx, Question{Request: r, Identity: proven.Identity,
		Granted: proven.Auth, Proof: proof, PrivLevel: 1})
	if res.Kind == Granted && r.Service == Outbound && res.Auth.DialOut == nil {
		res = Result{Kind: Refused, Server: res.Server, Auth: res.Auth.Ungranted(), Reason: fmt.Sprintf("%s does not "+
			"say that %q may dial out (RADIUS: Service-Type Outbound; TACACS+: service=outbound; local: dial_out)",
			res.Auth.Grantor, r.User)}
	}
	if res.Kind != Granted {
		res.Known = res.Kind == Refused && proven.Identity.Proves(typed)
		return res
	}
	res.Auth = res.Auth.with(proven.Auth)
	res.EAP, res.Success = proven.EAP, proven.Success
	if res.Message == "" {
		res.Message = proven.Message
	}
	if res.Reason == "" {
		res.Reason = proven.Reason
	}
	if res.Server == "" {
		res.Server = proven.Server
	}
	return res
}

// Reauthorize asks again what the user may have, without a password: for a leg two that is not verified, and before a
// dial. If the entry that authenticated the user cannot be asked without a password, granted stays valid; if the list
// no longer has that entry, it does not.
func (l Login) Reauthorize(ctx context.Context, r Request, id Identity, granted Authorization) Result {
	list := l.Authentication[r.Service]
	if len(list.asked(id.Entry)) == 0 {
		return Result{Kind: Refused, Reason: list.nobody(id.Entry)}
	}
	r.User = id.User
	res := l.authorization(r.Service, id).Authorize(ctx, Question{Request: r, Identity: id, Granted: granted,
		PrivLevel: 1, NoPassword: true})
	if res.Kind == Granted {
		res.Auth = res.Auth.with(granted)
	}
	return res
}

// Vouch asks, without a password, what a user may have who has not called: for a callback that an operator orders. The
// first entry of the list would authenticate them, so it names the identity that the callback must log in as, and only
// an answer about this user counts: not what follows from a login (if-authenticated), and not the methods that say
// nothing without one (RADIUS without Call-Check, none).
func (l Login) Vouch(ctx context.Context, r Request) Result {
	list := l.Authentication[r.Service]
	asked := list.asked("")
	if len(asked) == 0 {
		return Result{Kind: Refused, Reason: list.nobody("")}
	}
	id := Identity{Entry: asked[0].Name(), User: r.User}
	unsaid := func(entry string) Result {
		return Result{Kind: Refused, Reason: fmt.Sprintf("%s cannot say what %q may have without a login (local and "+
			"TACACS+ can; RADIUS with aaa.call_check)", entry, r.User)}
	}
	authorization := l.authorization(r.Service, id)
	for _, entry := range authorization.Entries {
		switch entry.(type) {
		case IfAuthenticated, None:
			return unsaid(entry.Name())
		}
	}
	if len(authorization.Entries) == 0 || id.Entry == (None{}).Name() {
		return unsaid(id.Entry)
	}
	// An entry that returns what the login granted returns this refusal.
	res := authorization.Authorize(ctx, Question{Request: r, Identity: id, PrivLevel: 1, NoPassword: true,
		Granted: Authorization{Refuse: unsaid(id.Entry).Reason}})
	if res.Kind == Granted {
		res.Identity = id
	}
	return res
}

// Command asks whether q.Command may be run.
func (l Login) Command(ctx context.Context, q Question) Result {
	q.Grantor = "" // it granted the session
	return l.Authorization[Commands].Authorize(ctx, q)
}

// authorization returns the list for a service or, if none is configured, the entry that authenticated.
func (l Login) authorization(s Service, id Identity) AuthorizationList {
	list, authentication := l.Authorization[s], l.Authentication[s]
	if len(list.Entries) > 0 {
		return list
	}
	for _, m := range authentication.Entries {
		if a, ok := m.(Authorizer); ok && m.Name() == id.Entry {
			return AuthorizationList{Name: "(" + id.Entry + ")", Entries: []Authorizer{a},
				Silent: authentication.Silent}
		}
	}
	return list
}

// with fills values that a lacks from the authentication: those that accounting must echo, and the text for people.
func (a Authorization) with(proven Authorization) Authorization {
	if a.Class == nil {
		a.Class = proven.Class
	}
	if a.ReplyMessage == "" {
		a.ReplyMessage = proven.ReplyMessage
	}
	if a.AccountingUser == "" {
		a.AccountingUser = proven.AccountingUser
	}
	if a.InterimInterval == 0 {
		a.InterimInterval = proven.InterimInterval
	}
	return a
}

// Brought is the authorization entry of a method whose grants come with the authentication, as with RADIUS. It is
// silent about users that another entry authenticated.
type Brought struct {
	Entry string
	// asks without a password (RADIUS Call-Check); nil: what was granted stays valid
	Lookup func(ctx context.Context, r Request) Result
}

// Name is the method-list entry.
func (b Brought) Name() string { return b.Entry }

// Authorize grants what the entry granted with the authentication.
func (b Brought) Authorize(ctx context.Context, q Question) Result {
	if q.Identity.Entry != b.Entry {
		return Result{Reason: fmt.Sprintf("%s authorizes only users that it authenticated, and %s authenticated %q",
			b.Entry, q.Identity.Entry, q.Identity.User)}
	}
	if len(q.Command) > 0 {
		return Result{Kind: Refused, Reason: b.Entry + " cannot authorize commands"}
	}
	if q.NoPassword && b.Lookup != nil {
		return b.Lookup(ctx, q.Request)
	}
	return Result{Kind: Granted, Auth: q.Granted}
}

// IfAuthenticated is IOS's authorization method "if-authenticated": an authenticated user gets a plain session and
// every command.
type IfAuthenticated struct{}

// Name is "if-authenticated".
func (IfAuthenticated) Name() string { return "if-authenticated" }

// Authorize grants a plain session to a user authenticated by any entry except "none".
func (IfAuthenticated) Authorize(_ context.Context, q Question) Result {
	if q.Identity.Entry == "" || q.Identity.Entry == (None{}).Name() {
		return Result{Kind: Refused, Reason: "if-authenticated: the user was not authenticated"}
	}
	return Result{Kind: Granted, Auth: Authorization{PrivLevel: 1}}
}

// Authorize makes None an Authorizer too: a plain session for every caller, and every command.
func (None) Authorize(context.Context, Question) Result {
	return Result{Kind: Granted, Auth: Authorization{PrivLevel: 1}}
}

// Authorize makes Local an Authorizer too: what the local user of the same name has; an unknown user, or one without
// the service, is refused.
func (l *Local) Authorize(_ context.Context, q Question) Result {
	u, as := l.find(Request{User: q.Identity.User, Service: q.Service})
	switch {
	case as != theirs:
		return u.judge(Request{User: q.Identity.User, Service: q.Service}, as, true)
	case len(q.Command) > 0 && q.PrivLevel < 15 && u.auth.PrivLevel < q.PrivLevel:
		return Result{Kind: Refused, Server: "local", Reason: fmt.Sprintf("local: %q has privilege level %d",
			q.Identity.User, u.auth.PrivLevel)}
	}
	return Result{Kind: Granted, Server: "local", Auth: u.granted(q.Service)}
}
