package aaa

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// List is a method list as in IOS: `aaa authentication login NAME radius local`. The zero List rejects every login.
type List struct {
	Name    string
	Entries []Method
	Silent  func(entry, user, reason string) // called for each entry that was silent; may be nil
}

// silence reports why an entry gave no answer. It reports nothing if the caller hung up: that is not a failure of the
// server.
func (l List) silence(ctx context.Context, entry, user, reason string) {
	if l.Silent != nil && ctx.Err() == nil {
		l.Silent(entry, user, reason)
	}
}

// Start asks the entries in order and blocks for the first Result that is not Silent. The next entry is asked only if
// one was silent before its first answer, never on a refusal: otherwise anyone able to silence a server could overrule
// it. If r.Entry is set, only that entry is asked. Result.Identity.Entry is the name of the entry that granted; only a
// Granted result carries an Identity and what was granted.
func (l List) Start(ctx context.Context, r Request) (Conversation, Result) {
	asked := l.asked(r.Entry)
	if len(asked) == 0 {
		return nil, Result{Reason: l.nobody(r.Entry)}
	}
	var silent []string
	for i, m := range asked {
		r.Fallback = i+1 < len(asked)
		if err := ctx.Err(); err != nil {
			silent = append(silent, fmt.Sprintf("%s: not asked: %v", m.Name(), err))
			break
		}
		c, res := m.Start(ctx, r)
		res = settle(m.Name(), r.User, c, res)
		if res.Kind != Silent {
			if res.Kind == Prompt {
				return &listConversation{list: l, entry: m.Name(), user: r.User, c: c}, res
			}
			return nil, res
		}
		silent = append(silent, m.Name()+": "+res.Reason)
		l.silence(ctx, m.Name(), r.User, res.Reason)
	}
	return nil, Result{Reason: strings.Join(silent, "; ")}
}

// asked returns the entries that may be asked: all, or the one that answered leg one.
func (l List) asked(entry string) []Method {
	var asked []Method
	for _, m := range l.Entries {
		if m != nil && (entry == "" || m.Name() == entry) {
			asked = append(asked, m)
		}
	}
	return asked
}

func (l List) nobody(entry string) string {
	if entry != "" {
		return fmt.Sprintf("method list %q: no entry %q, which answered the first call", l.Name, entry)
	}
	return fmt.Sprintf("method list %q: empty, so every login is refused", l.Name)
}

// settle makes a method's result safe to act on: a refused or inconsistent result carries no grant.
func settle(entry, user string, c Conversation, res Result) Result {
	switch {
	case res.Kind == Granted && res.Auth.Refuse != "":
		res.Kind = Refused
		res.Reason = res.Auth.Refuse
	case res.Kind == Prompt && c == nil:
		res.Kind = Refused
		res.Reason = entry + " prompted but accepts no answer"
	case res.Kind < Silent || res.Kind > Granted:
		res.Kind = Refused
		res.Reason = entry + " returned an unknown kind of result"
	}
	if res.Kind != Granted {
		res.Identity = Identity{}
		res.Auth = res.Auth.Ungranted()
		return res
	}
	res.Identity.Entry = entry
	if res.Identity.User == "" {
		res.Identity.User = user
	}
	return res
}

// Ungranted returns a without its grants: it keeps only what explains the reply.
func (a Authorization) Ungranted() Authorization {
	return Authorization{ServiceType: a.ServiceType, Kind: a.Kind, ReplyMessage: a.ReplyMessage, Refuse: a.Refuse,
		Attributes: a.Attributes, Readings: a.Readings}
}

// listConversation continues with the entry that prompted, and with no other.
type listConversation struct {
	list        List
	entry, user string

	mu sync.Mutex
	c  Conversation // nil after the last result
}

// Answer blocks for the entry's next Result. Silence ends the login here: the next entry is not asked.
func (l *listConversation) Answer(ctx context.Context, answer Secret) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.c == nil {
		return Result{Kind: Refused, Reason: l.entry + ": the conversation has ended"}
	}
	res := settle(l.entry, l.user, l.c, l.c.Answer(ctx, answer))
	if res.Kind != Prompt {
		l.c = nil
	}
	if res.Kind == Silent {
		l.list.silence(ctx, l.entry, l.user, res.Reason)
	}
	return res
}

// None is the method "none": it grants a plain session to every caller without authentication. It is in a list only if
// the operator configured it.
type None struct{}

// Name is "none".
func (None) Name() string { return "none" }

// Start grants a plain session. The user name may be empty; otherwise it must be valid.
func (None) Start(_ context.Context, r Request) (Conversation, Result) {
	if r.User != "" {
		if err := CheckUser(r.User); err != nil {
			return nil, Result{Kind: Refused, Reason: err.Error()}
		}
	}
	return nil, Result{
		Kind: Granted, Reason: "method none", Server: "none",
		Identity: Identity{Entry: "none", User: r.User},
		Auth:     Authorization{PrivLevel: 1},
	}
}
