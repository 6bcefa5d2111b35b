package aaa

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// List is a method list as IOS has them: `aaa authentication login NAME radius local`. The zero List lets nobody in.
type List struct {
	Name    string
	Entries []Method
	Silent  func(entry, user, reason string) // told of each entry that was silent; nil: nobody is told
}

// silence passes on why an entry gave no answer. A caller who hung up is no fault of a server's.
func (l List) silence(ctx context.Context, entry, user, reason string) {
	if l.Silent != nil && ctx.Err() == nil {
		l.Silent(entry, user, reason)
	}
}

// Start asks the entries in order and blocks for the first Result that is not Silent. The next entry is asked only where one was
// silent before its first answer, never on a refusal: whoever can silence a server must not be able to overrule it. With r.Entry set
// only that entry is asked. Result.Identity.Entry is the name of the entry that granted; only a Granted result carries an Identity
// and what was granted.
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

// asked has the entries that may be asked: all, or the one that leg one was answered by.
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
	return fmt.Sprintf("method list %q: it is empty, so nobody is let in", l.Name)
}

// settle makes what a method said safe to act on: nothing that was forgotten, mixed up or refused carries a grant.
func settle(entry, user string, c Conversation, res Result) Result {
	switch {
	case res.Kind == Granted && res.Auth.Refuse != "":
		res.Kind = Refused
		res.Reason = res.Auth.Refuse
	case res.Kind == Prompt && c == nil:
		res.Kind = Refused
		res.Reason = entry + " asks and takes no answer"
	case res.Kind < Silent || res.Kind > Granted:
		res.Kind = Refused
		res.Reason = entry + " gave an unknown kind of result"
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

// Ungranted is a without all that it grants: what is left is for people to read.
func (a Authorization) Ungranted() Authorization {
	return Authorization{ServiceType: a.ServiceType, Kind: a.Kind, ReplyMessage: a.ReplyMessage, Refuse: a.Refuse, Attributes: a.Attributes, Readings: a.Readings}
}

// listConversation goes on with the entry that asked, and with no other.
type listConversation struct {
	list        List
	entry, user string

	mu sync.Mutex
	c  Conversation // nil after the last result
}

// Answer blocks for the entry's next Result. Silence ends the login here: the next entry is not asked any more.
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

// None is the method "none": it grants a plain session to whoever comes, and asks nothing. It is in a list only where the operator
// wrote it there.
type None struct{}

// Name is "none".
func (None) Name() string { return "none" }

// Start grants. A user name may be empty here; one that is given must be usable.
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
