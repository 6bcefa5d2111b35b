package aaa

import (
	"context"
	"fmt"
	"sync"
)

// Login is all the method lists of a line, by the service that they are for. The zero Login lets nobody in.
type Login struct {
	// Authentication is of EXEC, PPP and Enable. A service without a list is refused to everybody.
	Authentication Lists
	// Authorization is of EXEC, PPP and Commands. Without entries the method that authenticated the user is asked
	// separately, where it can be (TACACS+); else what came with the authentication stands, and all commands are allowed.
	Authorization AuthorizationLists
}

// Lists and AuthorizationLists are method lists by service.
type (
	Lists              map[Service]List
	AuthorizationLists map[Service]AuthorizationList
)

// Start authenticates r, and authorizes whom it granted. It blocks for the first Result; where that is a Prompt the Conversation goes on.
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

// proof is how the user proves himself, as Question.Proof has it.
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

// authorize asks what a user who was authenticated may have.
func (l Login) authorize(ctx context.Context, r Request, proven Result) Result {
	proof := r.proof()
	r.Password, r.CHAP, r.MSCHAP, r.EAP = "", nil, nil, nil
	r.User = proven.Identity.User
	res := l.authorization(r.Service, proven.Identity).Authorize(ctx, Question{Request: r, Identity: proven.Identity, Granted: proven.Auth, Proof: proof, PrivLevel: 1})
	if res.Kind != Granted {
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

// Reauthorize asks again what the user may have, without a password: for a leg two that is not verified, and before a dial. Where who authenticated
// him cannot be asked without one, granted stands; where the list has him no more, it does not.
func (l Login) Reauthorize(ctx context.Context, r Request, id Identity, granted Authorization) Result {
	list := l.Authentication[r.Service]
	if len(list.asked(id.Entry)) == 0 {
		return Result{Kind: Refused, Reason: list.nobody(id.Entry)}
	}
	r.User = id.User
	res := l.authorization(r.Service, id).Authorize(ctx, Question{Request: r, Identity: id, Granted: granted, PrivLevel: 1, NoPassword: true})
	if res.Kind == Granted {
		res.Auth = res.Auth.with(granted)
	}
	return res
}

// Command asks whether q.Command may be run.
func (l Login) Command(ctx context.Context, q Question) Result {
	q.Grantor = "" // it granted the session
	return l.Authorization[Commands].Authorize(ctx, q)
}

// authorization is the list for a service, or, where the operator wrote none, who authenticated.
func (l Login) authorization(s Service, id Identity) AuthorizationList {
	list, authentication := l.Authorization[s], l.Authentication[s]
	if len(list.Entries) > 0 {
		return list
	}
	for _, m := range authentication.Entries {
		if a, ok := m.(Authorizer); ok && m.Name() == id.Entry {
			return AuthorizationList{Name: "(" + id.Entry + ")", Entries: []Authorizer{a}, Silent: authentication.Silent}
		}
	}
	return list
}

// with keeps of what came with the authentication what accounting must echo and people should see.
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

// Brought is the authorization entry of a method whose grants come with the authentication, as RADIUS's do. It is silent about users whom another
// entry authenticated.
type Brought struct {
	Entry  string
	Lookup func(ctx context.Context, r Request) Result // asks without a password (RADIUS Call-Check); nil: what was granted stands
}

// Name is the method-list entry.
func (b Brought) Name() string { return b.Entry }

// Authorize grants what the entry granted with the authentication.
func (b Brought) Authorize(ctx context.Context, q Question) Result {
	if q.Identity.Entry != b.Entry {
		return Result{Reason: fmt.Sprintf("%s grants with the authentication only, and %s authenticated %q", b.Entry, q.Identity.Entry, q.Identity.User)}
	}
	if len(q.Command) > 0 {
		return Result{Kind: Refused, Reason: b.Entry + " authorizes no commands"}
	}
	if q.NoPassword && b.Lookup != nil {
		return b.Lookup(ctx, q.Request)
	}
	return Result{Kind: Granted, Auth: q.Granted}
}

// IfAuthenticated is IOS's authorization method "if-authenticated": whoever has proven himself gets a plain session and every command.
type IfAuthenticated struct{}

// Name is "if-authenticated".
func (IfAuthenticated) Name() string { return "if-authenticated" }

// Authorize grants a plain session to whom any entry but "none" authenticated.
func (IfAuthenticated) Authorize(_ context.Context, q Question) Result {
	if q.Identity.Entry == "" || q.Identity.Entry == (None{}).Name() {
		return Result{Kind: Refused, Reason: "if-authenticated: nobody authenticated him"}
	}
	return Result{Kind: Granted, Auth: Authorization{PrivLevel: 1}}
}

// Authorize makes None an Authorizer too: a plain session for whoever comes, and every command.
func (None) Authorize(context.Context, Question) Result {
	return Result{Kind: Granted, Auth: Authorization{PrivLevel: 1}}
}

// Authorize makes Local an Authorizer too: what the local user of the same name is granted; an unknown one is refused.
func (l *Local) Authorize(_ context.Context, q Question) Result {
	u, ok := l.users[q.Identity.User]
	switch {
	case !ok:
		return Result{Kind: Refused, Server: "local", Reason: fmt.Sprintf("local: no user %q", q.Identity.User)}
	case len(q.Command) > 0 && q.PrivLevel < 15 && u.auth.PrivLevel < q.PrivLevel:
		return Result{Kind: Refused, Server: "local", Reason: fmt.Sprintf("local: %q has privilege level %d", q.Identity.User, u.auth.PrivLevel)}
	}
	return Result{Kind: Granted, Server: "local", Auth: u.auth.clone()}
}
