package aaa

import (
	"context"
	"strings"
)

// Question is what an Authorizer is asked: what a user who has proven himself may have.
type Question struct {
	Request                  // of the login, its password apart
	Identity   Identity      // as authentication had it
	Granted    Authorization // what came with the authentication
	PrivLevel  int           // of the session, for Command; 1 where none
	Proof      string        // how the user has proven himself: "pap", "chap", "ms-chap", "ms-chapv2", "eap"; "" nobody asked here
	Protocol   string        // PPP: "lcp", "ip", "ipv6"; "" else
	Command    []string      // one EXEC command, its words whole; nil: the session itself
	NoPassword bool          // leg two without verification, or before the dial: nobody has proven himself anew
}

// Authorizer is one entry of an authorization list.
type Authorizer interface {
	Name() string
	// Authorize blocks for Granted, Refused or Silent; never a Prompt. What it grants takes the place of Question.Granted.
	Authorize(ctx context.Context, q Question) Result
}

// AuthorizationList is IOS's `aaa authorization`: the entries in order, the next on silence only. The zero list has no entries and leaves what
// came with the authentication.
type AuthorizationList struct {
	Name    string
	Entries []Authorizer
	Silent  func(entry, user, reason string) // as List's
}

// Authorize asks the entries and blocks for the first Result that is not Silent.
func (l AuthorizationList) Authorize(ctx context.Context, q Question) Result {
	if len(l.Entries) == 0 {
		return Result{Kind: Granted, Identity: q.Identity, Auth: q.Granted}
	}
	var silent []string
	for _, a := range l.Entries {
		res := a.Authorize(ctx, q)
		switch {
		case res.Kind == Prompt || res.Kind < Silent || res.Kind > Granted:
			return Result{Kind: Refused, Server: res.Server, Reason: a.Name() + ": no answer to an authorization"}
		case res.Kind == Granted && res.Auth.Refuse != "":
			return Result{Kind: Refused, Server: res.Server, Reason: res.Auth.Refuse, Auth: res.Auth.Ungranted()}
		case res.Kind == Granted:
			res.Identity = q.Identity // who he is was proven before
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
