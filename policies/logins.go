package policies

import (
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// Logins has a group's thresholds for failed logins. They can only be tighter than the site's. The zero value is the
// site's.
type Logins struct {
	DelayAfter    int // failures of a name without a delay; 0: the site's
	LockUserAfter int // failures of a name from one number or line that lock it there; 0: the site's
	LockTime      time.Duration
}

// Tighter returns the tighter one of each threshold.
func (l Logins) Tighter(other Logins) Logins {
	least := func(a, b int) int {
		if a == 0 || b == 0 {
			return max(a, b)
		}
		return min(a, b)
	}
	return Logins{least(l.DelayAfter, other.DelayAfter), least(l.LockUserAfter, other.LockUserAfter),
		max(l.LockTime, other.LockTime)}
}

// HasLogins reports whether a group has thresholds of its own.
func (s *Set) HasLogins() bool { return s != nil && s.logins }

// Logins returns the thresholds for a login about which AAA was not asked yet: those of the group that lists the name
// as typed, or the tightest of all groups whose `match` claims the caller; letter case does not count. Facts that only
// AAA knows match nothing.
func (s *Set) Logins(r Request) (l Logins) {
	if s == nil {
		return l
	}
	if name, ok := s.users[r.Identity.User]; ok {
		return s.groups[name].Logins
	}
	if user, ok := s.folded[aaa.FoldUser(r.Identity.User)]; ok {
		return s.groups[s.users[user]].Logins
	}
	found, nearly := s.claiming(s.facts(r))
	for _, name := range append(found, nearly...) {
		l = l.Tighter(s.groups[name].Logins)
	}
	return l
}

// checkLogins reports thresholds of a group that nobody is known to be in before AAA is asked.
func (p Policy) checkLogins(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	if at := v.Get("login"); at.IsSet() && len(p.Users) == 0 && (p.Match.isZero() || len(p.Match.Entries) > 0) {
		problem(at, "applies to nobody: the group's users are not known before AAA is asked",
			"add users, or match without entry")
	}
}

// loginKey returns a row of the object `login`.
func loginKey(k schema.Key, read func(*Logins, *schema.Value), text func(Logins) string) key {
	return key{in: "login", own: true, late: true, Key: k,
		read: func(p *Policy, v *schema.Value) { read(&p.Logins, v) },
		text: func(p Policy) string { return text(p.Logins) },
	}
}

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
