package session

import (
	"context"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// Failure says why AAA's answer to a login let nobody in.
type Failure int

const (
	NoFailure  Failure = iota // what became of the login is in the Verdict
	Invalid                   // refused, or another identity answers the callback: callers must not tell the two apart
	Unanswered                // nobody could be asked
	Unservable                // granted what the front end cannot honour
	Over                      // ctx ended meanwhile
)

// Call is the call that is served. Its octets are Line's.
func (s *Session) Call() *lines.Call { return s.call }

// Leg is the leg of a callback that the call is.
func (s *Session) Leg() Leg { return s.leg }

// Line is the octets of the call.
func (s *Session) Line() *Line { return s.line }

// AAA is the line's method lists. Logins go through Ask.
func (s *Session) AAA() Login { return s.login }

// Shower is what may be shown of the node; nil nothing.
func (s *Session) Shower() Shower { return s.shower }

// Request is what AAA is asked about a user of this call.
func (s *Session) Request(user string, password aaa.Secret) aaa.Request {
	return aaa.Request{
		Service: s.frontEnd.Service(), User: user, Password: password,
		Leg: s.leg.Number, Entry: s.leg.Identity.Entry, Grantor: s.leg.Auth.Grantor,
		CallID: s.call.ID, TTY: s.call.TTY, Caller: s.call.Caller, Called: s.call.Called, Connect: s.call.Connect,
	}
}

// Unverified is the grant of leg one where leg two needs no login: Settle takes it as it stands.
func (s *Session) Unverified() (grant aaa.Result, ok bool) {
	if s.leg.Number != 2 || !s.leg.NoVerify {
		return aaa.Result{}, false
	}
	s.Trying(s.leg.Identity.User)
	s.Debugf("login: %v is not verified again", s.leg.Identity)
	return aaa.Result{Kind: aaa.Granted, Identity: s.leg.Identity, Auth: s.leg.Auth, Server: s.leg.Server}, true
}

// Settle acts on AAA's final answer to a login. Where the Failure is NoFailure the Verdict is Admit, Offered or Refuse,
// and the Broker was told that a session began; else nothing began. A login that failed or was refused is counted.
func (s *Session) Settle(ctx context.Context, res aaa.Result) (Verdict, Failure) {
	s.Refused(ctx)
	if ctx.Err() != nil { // the answer came because the call is over
		return Verdict{}, Over
	}
	switch res.Kind {
	case aaa.Granted:
	case aaa.Refused:
		s.Fail(GuessWrong, res.Reason)
		return Verdict{}, Invalid
	default:
		s.Fail(GuessRefused, res.Reason)
		return Verdict{}, Unanswered
	}
	if s.leg.Number == 2 && res.Identity != s.leg.Identity { // law 5
		s.Fail(GuessRefused, fmt.Sprintf("%v answered the callback of %v", res.Identity, s.leg.Identity))
		return Verdict{}, Invalid
	}
	if why := s.frontEnd.Unservable(res.Auth); why != "" {
		s.Fail(GuessRefused, "granted what cannot be honoured: "+why)
		return Verdict{}, Unservable
	}
	if !s.leg.NoVerify {
		s.Debugf("login: %v granted, server %s", res.Identity, res.Server)
		right := s.guessed
		right.Identity = res.Identity
		s.Judged(right, GuessRight, "")
	}
	s.begin(ctx, res)
	v := s.broker.Decide(ctx, Asked{
		Call: s.call, Session: s.grants, Service: s.frontEnd.Service(),
		Identity: res.Identity, Auth: res.Auth, Server: res.Server,
	})
	return s.heard(v, v.Kind == Admit || v.Kind == Offered && s.leg.Number == 1), NoFailure
}

// Promise answers an Offer: Promised, BadChoice, Refuse, or Admit where the choice is to decline. A refusal is counted.
func (s *Session) Promise(ctx context.Context, c Choice) Verdict {
	if s.verdict != Offered {
		panic("session: there is no offer to accept")
	}
	c.Call = s.call
	v := s.broker.Promise(ctx, c)
	if v.Kind == BadChoice { // the offer stands
		s.debugVerdict(v)
		return v
	}
	v = s.heard(v, v.Kind == Promised || v.Kind == Admit && c.Decline)
	if v.Kind == Promised {
		s.promised = v.CallbackID
		s.line.unwatch()
	}
	return v
}

// heard takes a verdict of the Broker, as a refusal where it is none that may stand here (laws 4, 6).
func (s *Session) heard(v Verdict, stands bool) Verdict {
	s.debugVerdict(v)
	if !stands {
		v.Kind = Refuse
		reason := v.Reason
		if reason == "" {
			reason = v.Text
		}
		s.Fail(GuessRefused, reason)
	}
	s.verdict = v.Kind
	return v
}

func (s *Session) debugVerdict(v Verdict) {
	s.Debugf("callback: %v on leg %d: %v %s", s.proven, s.leg.Number, v.Kind, s.Scrub(v.Reason))
}

// Admit begins what AAA granted and the Broker admitted. What happens on ctx is limited by the grant's Session-Timeout,
// and no longer by the login's time. release frees it. Without a Verdict of Admit it panics, which ends the call (law
// 4).
func (s *Session) Admit() (ctx context.Context, release context.CancelFunc) {
	if s.open == nil || s.verdict != Admit {
		panic("session: the Broker has not admitted the caller")
	}
	s.open.admitted = true
	s.line.unwatch()
	if d := s.open.report.Auth.SessionTimeout; d > 0 {
		return context.WithTimeoutCause(s.ctx, d, ErrSessionTimeout)
	}
	return s.ctx, func() {}
}

// Refused reports the end of a session that was refused, if there is one. The caller, who was told, may log in anew.
func (s *Session) Refused(ctx context.Context) {
	s.close(ctx, Ending{aaa.CauseNASRequest, s.lastFail}, "")
}

// Fail counts a login that failed and tells the Guard. reason is for the operator.
func (s *Session) Fail(r GuessResult, reason string) {
	s.tries++
	s.lastFail = s.Scrub(reason)
	if s.lastFail == "" {
		s.lastFail = "no reason given"
	}
	s.Debugf("login: try %d of %d failed: %s", s.tries, s.cfg.Tries, s.lastFail)
	s.Judged(s.guessed, r, s.lastFail)
}

// Exhausted reports whether the call has had as many failed logins as it may, and how it ends then.
func (s *Session) Exhausted() (e Ending, yes bool) {
	if s.tries < s.cfg.Tries {
		return Ending{}, false
	}
	return Ending{aaa.CauseNASRequest, fmt.Sprintf("%d logins failed, the last: %s", s.tries, s.lastFail)}, true
}

// LastFailure is why the last login failed, for the operator.
func (s *Session) LastFailure() string { return s.lastFail }

// PauseAfterFailure waits as long as a caller must after a login that failed, or until ctx ends.
func (s *Session) PauseAfterFailure(ctx context.Context) { pause(ctx, s.cfg.FailureDelay) }

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
