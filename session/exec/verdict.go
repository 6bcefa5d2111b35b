package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
)

const (
	textNotAvailable = "Callback not available"
	textDenied       = "Access denied" // on leg two
	textBadNumber    = "Number not accepted"
	textNumberLong   = "Number too long"
	textNumberBroken = "Number rejected: unsupported characters"
	textPromised     = "Callback initiated - line is disconnected"
)

// numberTries is how often a caller may type the number to be called back at.
const numberTries = 3

// settle goes on as AAA's answer and the Broker's verdict say. over is false where the caller is refused: back at the
// prompt.
func (s *dialogue) settle(ctx context.Context, res aaa.Result) (e session.Ending, over bool) {
	v, failure := s.Settle(ctx, res)
	switch {
	case failure == session.Over:
		return s.interruptedBy(ctx, ctx.Err()), true
	case failure != session.NoFailure:
		s.say(failed(failure) + "\n\n")
		return session.Ending{}, false
	case v.Kind == session.Admit:
		return s.admitted(res), true
	case v.Kind == session.Offered:
		return s.accept(ctx, v.Offer)
	}
	s.refuse(ctx, v)
	return session.Ending{}, false
}

// failed is what a caller reads of a login that let nobody in.
func failed(f session.Failure) string {
	switch f {
	case session.Invalid:
		return textInvalid
	case session.Unservable:
		return textUnservable
	}
	return textSilent
}

// accept takes the callback that is offered, at the number that the caller types where it is left to them.
func (s *dialogue) accept(ctx context.Context, o session.Offer) (e session.Ending, over bool) {
	typed := o.Number == ""
	var v session.Verdict
	var err error
	if typed {
		v, err = s.askNumber(ctx, o)
	} else {
		v = s.Promise(ctx, session.Choice{Offer: o.ID})
	}
	switch {
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

// askNumber has the caller type the number until one is good or the tries are used up.
func (s *dialogue) askNumber(ctx context.Context, o session.Offer) (session.Verdict, error) {
	s.say("\n")
	var last session.Verdict
	for range numberTries {
		typed, err := s.ask(ctx, s.cfg.Prompts.Dialstring, true)
		switch {
		case errors.Is(err, console.ErrTooLong):
			last = session.Verdict{Kind: session.BadChoice, Text: textNumberLong, Reason: "number typed is too long"}
		case errors.Is(err, console.ErrGarbled):
			reason := "number typed in a " + err.Error()
			last = session.Verdict{Kind: session.BadChoice, Text: textNumberBroken, Reason: reason}
		case err != nil && !errors.Is(err, errBlank):
			return session.Verdict{}, err
		default:
			last = s.Promise(ctx, session.Choice{Offer: o.ID, Number: typed})
		}
		if last.Kind != session.BadChoice {
			return last, nil
		}
		s.say(complaint(last.Text, textBadNumber) + "\n")
	}
	reason := fmt.Sprintf("no usable number in %d tries, the last: %s", numberTries, s.Scrub(last.Reason))
	return session.Verdict{Kind: session.BadChoice, Reason: reason}, nil
}

// promised tells the caller of the callback. They may be gone already: the promise stands.
func (s *dialogue) promised(v session.Verdict, typed bool) session.Ending {
	text := textPromised + "\n"
	if !typed {
		text = "\n" + text // as IOS: an empty line below the password, none below the number
	}
	s.say(text)
	return session.Ending{Cause: aaa.CauseCallback, Reason: s.Scrub(v.Reason)}
}

// refuse tells the caller no and closes the session.
func (s *dialogue) refuse(ctx context.Context, v session.Verdict) {
	def := textNotAvailable
	if s.Leg().Number == 2 {
		def = textDenied
	}
	s.say(complaint(v.Text, def) + "\n\n")
	s.Refused(ctx)
}

// complaint is a line that tells the caller what is wrong, in IOS's manner.
func complaint(text, def string) string {
	if text = console.Clean(text); text == "" {
		text = def
	}
	return "% " + strings.TrimSpace(strings.TrimPrefix(text, "%"))
}
