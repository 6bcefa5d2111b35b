package broker

import (
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// guessLimits are the limits of one caller: those of the site, and for failures of a name those of the groups that
// claim the caller before AAA is asked, where these are tighter.
type guessLimits struct {
	LoginLimits
	named policies.Logins
}

// limits returns the limits of a guess. On leg two the call says nothing about the caller's group.
func (g *guard) limits(q session.Guess) guessLimits {
	r := aaa.Request{User: q.User}
	if q.Leg != 2 {
		r.TTY, r.Caller, r.Called = q.Call.TTY, q.Call.Caller, q.Call.Called
	}
	return g.b.limitsOf(r)
}

// limitsOf returns the limits of a caller before AAA was asked.
func (b *Broker) limitsOf(r aaa.Request) guessLimits {
	cfg := b.config.Load()
	l := guessLimits{cfg.LoginLimits, policies.Logins{DelayAfter: cfg.LoginLimits.DelayAfter,
		LockUserAfter: cfg.LoginLimits.LockUserAfter, LockTime: cfg.LoginLimits.LockTime}}
	if cfg.Policies.HasLogins() {
		asked := policies.Ask(r, aaa.Result{Identity: aaa.Identity{User: r.User}}, b.lineOf(r.TTY), time.Now(),
			policies.Used{})
		l.named = l.named.Tighter(cfg.Policies.Logins(asked))
	}
	return l
}

// threshold returns how many failures lock a source of this kind; 0 if it is never locked.
func (l guessLimits) threshold(k limitKind) int {
	switch k {
	case byNameNumber, byNameLine:
		return l.named.LockUserAfter
	case byNumber:
		return l.LockNumberAfter
	}
	return 0
}

// lockTime returns how long a source of this kind is locked.
func (l guessLimits) lockTime(k limitKind) time.Duration {
	if k == byNumber {
		return l.LockTime
	}
	return l.named.LockTime
}

// delay returns how long a login waits after n failures.
func (l guessLimits) delay(k limitKind, n int) time.Duration {
	after := l.named.DelayAfter
	if k == byLine {
		after = l.DelayAfter
	}
	if k != byName && k != byLine || after <= 0 || n < after {
		return 0
	}
	return min(firstDelay<<min(n-after, 20), l.DelayMax)
}
