package session

import (
	"context"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/texts"
)

// NumberTries is the maximum number of tries to give a callback number after a login, for all front ends. The last one
// ends the login.
const NumberTries = 3

// Failure is why a login failed.
type Failure int

const (
	NoFailure  Failure = iota // see the Verdict
	Invalid                   // rejected, or the wrong identity for the callback: indistinguishable for the caller
	Unanswered                // no server answered
	Unservable                // the front end does not support the authorization
	Over                      // ctx ended in the meantime
)

// Call returns the call. Its data is read and written with Line.
func (s *Session) Call() *lines.Call { return s.call }

// Leg returns the leg of this call.
func (s *Session) Leg() Leg { return s.leg }

// Line returns the data stream of the call.
func (s *Session) Line() *Line { return s.line }

// AAA returns the method lists of the line. Use Ask for logins.
func (s *Session) AAA() Login { return s.login }

// Request returns an AAA request for a user on this call.
func (s *Session) Request(user string, password aaa.Secret) aaa.Request {
	return aaa.Request{
		Service: s.frontEnd.Service(), User: user, Password: password,
		Leg: s.leg.Number, Entry: s.leg.Identity.Entry, Grantor: s.leg.Auth.Grantor,
		CallID: s.call.ID, TTY: s.call.TTY, Caller: s.call.Caller, Called: s.call.Called, Connect: s.call.Connect,
	}
}

// Serving returns the front end that serves another service on this line; nil if there is none.
func (s *Session) Serving(service aaa.Service) FrontEnd {
	return s.cfg.FrontEnds.Serving(service, s.call.TTY)
}

// HandOver has another front end serve the call once Serve returns, which it does at once: its Ending is ignored. The
// session that has begun ends. The same user has to log in again, within the login timeout, and the Broker decides
// about the other service: no service is a way around a callback.
func (s *Session) HandOver(to FrontEnd) { s.next = to }

// Unverified returns the authorization of leg one, to be passed to Settle, if leg two requires no login.
func (s *Session) Unverified() (grant aaa.Result, ok bool) {
	if s.leg.Number != 2 || !s.leg.NoVerify {
		return aaa.Result{}, false
	}
	s.Trying(s.leg.Identity.User)
	s.Debugf("login: %v is not verified again", s.leg.Identity)
	return aaa.Result{Kind: aaa.Granted, Identity: s.leg.Identity, Auth: s.leg.Auth, Server: s.leg.Server}, true
}

// Settle processes the final AAA result of a login. With NoFailure, the Verdict is Admit, Offered, Refuse or
// Disconnect, and the Broker was notified of the session; otherwise no session began, or the call is over. Failed and
// refused logins are counted. If the decision is not for the caller (Broker.Secure), the Verdict is always Disconnect,
// after SecureTime.
func (s *Session) Settle(ctx context.Context, res aaa.Result) (Verdict, Failure) {
	since := time.Now()
	s.Refused(ctx)
	if ctx.Err() != nil { // the result is a consequence of the end of the call
		return Verdict{}, Over
	}
	if res.Known || res.Kind == aaa.Granted && res.Identity.Proves(s.guessed.User) {
		s.nobody(s.guessed.User, false) // whatever is wrong with the login, the operator sees whose it is
	}
	if res.Kind != aaa.Silent {
		s.guessed.Server = res.Server
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
		s.Fail(GuessRefused, fmt.Sprintf("%v logged in on the callback of %v", res.Identity, s.leg.Identity))
		return Verdict{}, Invalid
	}
	if s.same != "" && res.Identity.User != s.same {
		s.Fail(GuessRefused, fmt.Sprintf("%v logged in, and %s changed to service %s", res.Identity, s.same,
			s.frontEnd.Service()))
		return Verdict{}, Invalid
	}
	asked := Asked{Call: s.call, Service: s.frontEnd.Service(), Identity: res.Identity, Auth: res.Auth,
		Server: res.Server, PPPAuth: res.PPPAuth}
	// What another user gets after a secure login on the same call would tell whether that one has a callback.
	secure := s.leg.Number == 1 && (s.secured || s.broker.Secure(asked))
	why := s.frontEnd.Unservable(res.Auth)
	if why != "" && !secure {
		s.Fail(GuessRefused, "unsupported authorization: "+why)
		return Verdict{}, Unservable
	}
	if !s.leg.NoVerify {
		s.Debugf("login: %v granted, server %s", res.Identity, res.Server)
		right := s.guessed
		right.Identity = res.Identity
		s.Judged(right, GuessRight, "")
	}
	if secure {
		return s.securely(ctx, since.Add(SecureTime), asked, res, why)
	}
	s.begin(ctx, res)
	asked.Session = s.grants
	v := s.broker.Decide(ctx, asked)
	s.narrow(v.Terms)
	s.locale = v.Locale.Or(s.leg.Locale)
	return s.heard(v, v.Kind == Admit || v.Kind == Offered && s.leg.Number == 1), NoFailure
}

// Promise answers an Offer and returns Promised, BadChoice, Refuse, or Admit if the callback is declined. A refusal is
// counted.
func (s *Session) Promise(ctx context.Context, c Choice) Verdict {
	if s.verdict != Offered {
		panic("session: there is no offer to accept")
	}
	c.Call = s.call
	v := s.broker.Promise(ctx, c)
	if v.Kind == BadChoice { // the offer remains valid
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

// heard records a verdict of the Broker, as a refusal if it is not valid at this point (laws 4, 6).
func (s *Session) heard(v Verdict, stands bool) Verdict {
	s.debugVerdict(v)
	s.record(v.Recorder)
	if !stands {
		v.Kind = Refuse
		reason := v.Reason
		if reason == "" {
			reason = v.Text.English()
		}
		s.Fail(GuessRefused, reason)
	}
	s.verdict = v.Kind
	if s.open != nil {
		s.open.narrowing.Lock()
		s.open.report.Auth = s.open.report.Auth.Limited(v.SessionTime, v.IdleTime)
		s.open.narrowing.Unlock()
	}
	return v
}

func (s *Session) debugVerdict(v Verdict) {
	s.Debugf("callback: %v on leg %d: %v %s", s.proven, s.leg.Number, v.Kind, s.Scrub(v.Reason))
}

// Admit begins the session that AAA granted and the Broker admitted. The returned ctx is limited by the
// Session-Timeout, no longer by the login timeout; release frees it. Without a Verdict of Admit it panics, which ends
// the call (law 4).
func (s *Session) Admit() (ctx context.Context, release context.CancelFunc) {
	if s.open == nil || s.verdict != Admit {
		panic("session: the Broker has not admitted the caller")
	}
	s.open.admitted, s.served = true, true
	s.line.unwatch()
	if d := s.open.report.Auth.SessionTimeout; d > 0 {
		return context.WithTimeoutCause(s.ctx, d, ErrSessionTimeout)
	}
	return s.ctx, func() {}
}

// narrow applies the Terms of a verdict to the session that has begun.
func (s *Session) narrow(t Terms) {
	s.terms = t
	s.open.narrowing.Lock()
	defer s.open.narrowing.Unlock()
	if granted := &s.open.report.Auth; t.Privilege != nil {
		granted.PrivLevel = min(granted.PrivLevel, *t.Privilege)
	}
}

// Terms returns what narrows the session, besides Granted.
func (s *Session) Terms() Terms { return s.terms }

// Granted returns what AAA granted to the session, with the time limits and the privilege level of the Broker's
// verdict.
func (s *Session) Granted() aaa.Authorization { return s.open.report.Auth }

// Locale returns how to address the caller: as the line says until the group of a user is known, and then as that says.
// A decision that is not for the caller does not change it (Disconnect): the text must not tell who decided.
func (s *Session) Locale() texts.Locale { return s.locale }

// Refused reports the end of a refused session, if there is one. The caller may log in again.
func (s *Session) Refused(ctx context.Context) {
	s.locale = s.leg.Locale
	s.close(ctx, Ending{aaa.CauseNASRequest, s.lastFail}, "")
}

// Fail counts a failed login and reports it to the Guard. reason is for the operator.
func (s *Session) Fail(r GuessResult, reason string) {
	s.tries++
	s.lastFail = s.Scrub(reason)
	if s.lastFail == "" {
		s.lastFail = "no reason given"
	}
	s.Debugf("login: try %d of %d failed: %s", s.tries, s.cfg.Tries, s.lastFail)
	s.Judged(s.guessed, r, s.lastFail)
}

// Exhausted reports whether the call has reached the maximum number of failed logins, and returns its Ending.
func (s *Session) Exhausted() (e Ending, yes bool) {
	if s.tries < s.cfg.Tries {
		return Ending{}, false
	}
	return Ending{aaa.CauseNASRequest, fmt.Sprintf("%d logins failed; last: %s", s.tries, s.lastFail)}, true
}

// LastFailure returns why the last login failed, for the operator.
func (s *Session) LastFailure() string { return s.lastFail }

// PauseAfterFailure waits for the delay after a failed login, or until ctx ends.
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
