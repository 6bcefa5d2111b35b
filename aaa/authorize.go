package aaa

import (
	"context"
	"fmt"
	"strings"
)

// Question is what an Authorizer is asked: what an authenticated user may have.
type Question struct {
	Request                 // of the login, without its password
	Identity  Identity      // as authenticated
	Granted   Authorization // what the authentication granted
	PrivLevel int           // of the session, for Command; 1 if there is none
	// how the user authenticated: "pap", "chap", "ms-chap", "ms-chapv2", "eap"; "" not asked here
	Proof      string
	Protocol   string   // PPP: "lcp", "ip", "ipv6"; "" else
	Command    []string // one EXEC command, its words whole; nil: the session itself
	NoPassword bool     // leg two without verification, or before the dial: no fresh authentication
}

// Authorizer is one entry of an authorization list.
type Authorizer interface {
	Name() string
	// Authorize blocks for Granted, Refused or Silent; never a Prompt. What it grants replaces Question.Granted.
	Authorize(ctx context.Context, q Question) Result
}

// AuthorizationList is IOS's `aaa authorization`: the entries are asked in order, the next one only if one is silent.
// The zero list has no entries and keeps what the authentication granted.
type AuthorizationList struct {
	Name    string
	Entries []Authorizer
	Silent  func(entry, user, reason string) // as in List
}

// Authorize asks the entries and blocks for the first Result that is not Silent. If q.Grantor is set, only that entry
// is asked: otherwise anyone able to silence a server between the legs could have another server decide what leg two
// may do.
func (l AuthorizationList) Authorize(ctx context.Context, q Question) Result {
	if len(l.Entries) == 0 {
		if q.Grantor != "" && q.Grantor != q.Identity.Entry {
			return l.nobody(q.Grantor)
		}
		q.Granted.Grantor = q.Identity.Entry
		return Result{Kind: Granted, Identity: q.Identity, Auth: q.Granted}
	}
	asked := l.asked(q.Grantor)
	if len(asked) == 0 {
		return l.nobody(q.Grantor)
	}
	var silent []string
	for i, a := range asked {
		q.Fallback = i+1 < len(asked)
		res := a.Authorize(ctx, q)
		switch {
		case res.Kind == Prompt || res.Kind < Silent || res.Kind > Granted:
			return Result{Kind: Refused, Server: res.Server,
				Reason: a.Name() + ": invalid answer to an authorization request"}
		case res.Kind == Granted && res.Auth.Refuse != "":
			return Result{Kind: Refused, Server: res.Server, Reason: res.Auth.Refuse, Auth: res.Auth.Ungranted()}
		case res.Kind == Granted:
			res.Identity, res.Auth.Grantor = q.Identity, a.Name() // the login authenticated the identity
			return res
		case res.Kind == Refused:
			res.Identity, res.Auth = Identity{}, res.Auth.Ungranted()
			return res
		}
		silent = append(silent, a.Name()+": "+res.Reason)
		if ctx.Err() != nil {
			break
		}
		if l.Silent != nil {
			l.Silent(a.Name(), q.Identity.User, res.Reason)
		}
	}
	return Result{Reason: "authorization: " + strings.Join(silent, "; ")}
}

// asked returns the entries that may be asked: all, or the one that granted on leg one.
func (l AuthorizationList) asked(grantor string) []Authorizer {
	if grantor == "" {
		return l.Entries
	}
	var asked []Authorizer
	for _, a := range l.Entries {
		if a.Name() == grantor {
			asked = append(asked, a)
		}
	}
	return asked
}

func (l AuthorizationList) nobody(grantor string) Result {
	return Result{Kind: Refused, Reason: fmt.Sprintf("authorization list %q: no entry %q, which authorized the "+
		"first call", l.Name, grantor)}
}
