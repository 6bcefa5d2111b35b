package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// settle continues according to AAA's result and the Broker's verdict. over is false if the login is refused and the
// prompt is repeated.
func (s *dialogue) settle(ctx context.Context, res aaa.Result) (e session.Ending, over bool) {
	v, failure := s.Settle(ctx, res)
	s.address()
	if notice := s.term.Texts.Message(v.Notice); failure == session.NoFailure && notice != "" {
		s.say("\n" + notice + "\n")
	}
	switch {
	case failure == session.Over:
		return s.interruptedBy(ctx, ctx.Err()), true
	case failure != session.NoFailure:
		s.tell(failed(failure))
		return session.Ending{}, false
	case v.Kind == session.Admit:
		return s.admitted(res), true
	case v.Kind == session.Offered:
		return s.accept(ctx, res, v.Offer)
	case v.Kind == session.Disconnect:
		s.say("\n" + s.text(v.Text) + "\n")
		return session.Ending{Cause: aaa.CauseNASRequest, Reason: s.Scrub(v.Reason)}, true
	}
	s.refuse(ctx, v)
	return session.Ending{}, false
}

// failed returns the text for a failed login.
func failed(f session.Failure) texts.Key {
	switch f {
	case session.Invalid:
		return texts.LoginInvalid
	case session.Unservable:
		return texts.LoginUnservable
	}
	return texts.LoginSilent
}

// accept accepts the offered callback, with a number from the caller if there is no fixed one. If one that nobody
// requires is not to be had, the session begins on this call.
func (s *dialogue) accept(ctx context.Context, res aaa.Result, o session.Offer) (e session.Ending, over bool) {
	typed := o.Number == ""
	var v session.Verdict
	var err error
	if typed {
		v, err = s.askNumber(ctx, o)
	} else {
		v = s.Promise(ctx, session.Choice{Offer: o.ID})
		if v.Kind == session.BadChoice && o.MayDecline {
			v = s.Promise(ctx, session.Choice{Offer: o.ID, Decline: true})
		}
	}
	switch {
	case v.Kind == session.Admit:
		return s.admitted(res), true
	case err != nil:
		return s.interruptedBy(ctx, err), true
	case v.Kind == session.Promised:
		return s.promised(v, typed), true
	case v.Kind == session.BadChoice:
		s.Fail(session.GuessRefused, v.Reason)
	}
	s.refuse(ctx, v)
	return session.Ending{}, false
}

// askNumber asks the caller for a number until one is valid or the maximum of tries is reached.
func (s *dialogue) askNumber(ctx context.Context, o session.Offer) (session.Verdict, error) {
	s.say("\n")
	var last session.Verdict
	for range session.NumberTries {
		typed, err := s.ask(ctx, s.promptFor(s.cfg.Prompts.Dialstring, texts.PromptDialstring), true)
		switch {
		case errors.Is(err, console.ErrTooLong):
			last = session.Verdict{Kind: session.BadChoice, Text: texts.RefusedNumberLong, Reason: "number too long"}
		case errors.Is(err, console.ErrGarbled):
			reason := "number: " + err.Error()
			last = session.Verdict{Kind: session.BadChoice, Text: texts.RefusedNumberGarbled, Reason: reason}
		case err != nil && !errors.Is(err, errBlank):
			return session.Verdict{}, err
		default:
			last = s.Promise(ctx, session.Choice{Offer: o.ID, Number: typed})
		}
		if last.Kind != session.BadChoice {
			return last, nil
		}
		s.say(s.complaint(cmp.Or(last.Text, texts.RefusedNumber)) + "\n")
	}
	reason := fmt.Sprintf("no valid number in %d tries; last: %s", session.NumberTries, s.Scrub(last.Reason))
	return session.Verdict{Kind: session.BadChoice, Reason: reason}, nil
}

// promised tells the caller of the callback, which remains valid if the caller has gone.
func (s *dialogue) promised(v session.Verdict, typed bool) session.Ending {
	text := s.text(texts.CallbackInitiated) + "\n"
	if v.Queue > 0 {
		text = s.text(texts.CallbackQueued, v.Queue) + "\n" + text
	}
	if !typed {
		text = "\n" + text // as in IOS: an empty line after the password, none after the number
	}
	s.say(text)
	return session.Ending{Cause: aaa.CauseCallback, Reason: s.Scrub(v.Reason)}
}

// refuse sends the refusal to the caller and closes the session.
func (s *dialogue) refuse(ctx context.Context, v session.Verdict) {
	def := texts.RefusedCallback
	if s.Leg().Number == 2 {
		def = texts.RefusedAccess
	}
	s.say(s.complaint(cmp.Or(v.Text, def)) + "\n\n")
	s.Refused(ctx)
}

// complaint returns a text as an error line in the style of IOS.
func (s *dialogue) complaint(k texts.Key) string {
	return "% " + strings.TrimSpace(strings.TrimPrefix(console.Clean(s.text(k)), "%"))
}
