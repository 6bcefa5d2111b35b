package session

import (
	"context"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/texts"
)

// SecureTime is the time from the answer of AAA to texts.CallbackSecure, which is all that the caller reads if the
// decision is not for them. A callback that is not on disk by then is not made: a longer wait would tell the caller of
// it.
const SecureTime = 5 * time.Second

var errSecureTime = fmt.Errorf("%w: not within %v, after which the caller is disconnected", ErrLoginTimeout,
	SecureTime)

// securely has the Broker decide, and promise the callback that it offers. Whatever becomes of that, the caller gets
// the same text at the same time, until, and no login counts as failed: the delays and locks of the Guard would tell,
// too. unservable is why the front end cannot apply the authorization; "" if it can.
func (s *Session) securely(ctx context.Context, until time.Time, a Asked, res aaa.Result, unservable string) (
	Verdict, Failure) {
	// Not ctx, which a PPP peer ends by a renegotiation: what happens then, and when, does not depend on the decision
	// either.
	limited, cancel := context.WithDeadlineCause(s.ctx, until, errSecureTime)
	defer cancel()
	s.begin(limited, res)
	a.Session = s.grants
	v := Verdict{Reason: "unsupported authorization: " + unservable}
	switch {
	case s.secured:
		v.Reason = "the caller of this call was to be disconnected already"
	case unservable == "":
		v = s.answeredSecurely(limited, a)
	}
	s.secured = true
	s.debugVerdict(v)
	if v.Kind == Promised {
		s.promised = v.CallbackID
	} else {
		s.noteRefusal(v.Reason)
	}
	s.line.unwatch()
	pause(s.ctx, time.Until(until))
	if ctx.Err() != nil {
		return Verdict{}, Over
	}
	return Verdict{Kind: Disconnect, Text: texts.CallbackSecure, Reason: v.Reason, CallbackID: s.promised}, NoFailure
}

// noteRefusal reports a refusal to the Guard, whose After may wait for the disk: the caller must not notice that. It
// does not count.
func (s *Session) noteRefusal(reason string) {
	s.lastFail = s.Scrub(reason)
	guess, reason := s.guessed, s.lastFail
	s.noting.Go(func() {
		failed := s.guarded(s.ctx, func(context.Context) Ending {
			s.Judged(guess, GuessRefused, reason)
			return Ending{}
		})
		if failed.stack != "" {
			s.Debugf("report a refusal: %s", failed.Reason)
		}
	})
}

// answeredSecurely returns Promised, or a refusal: the caller is neither admitted nor asked for anything.
func (s *Session) answeredSecurely(ctx context.Context, a Asked) Verdict {
	v := s.broker.Decide(ctx, a)
	if v.Kind == Offered && v.Offer.Number != "" {
		v = s.broker.Promise(ctx, Choice{Call: s.call, Offer: v.Offer.ID})
	}
	switch v.Kind {
	case Promised, Refuse:
		return v
	}
	s.record(v.Recorder) // ends with the session
	return Verdict{Reason: fmt.Sprintf("the decision is not for the caller, so it cannot be %q: %s", v.Kind, v.Reason)}
}
