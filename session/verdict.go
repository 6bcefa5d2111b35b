package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
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

// granted goes on with a caller whom AAA granted, as the Broker decides. over is false where they are refused: back at the prompt.
func (s *session) granted(ctx, limited context.Context, res aaa.Result) (e ending, over bool) {
	s.begin(limited, res)
	v := s.decide(limited, res)
	switch {
	case v.Kind == Admit:
		return s.admitted(ctx, res), true
	case v.Kind == Offered && s.leg.Number == 1:
		return s.accept(ctx, limited, v.Offer)
	}
	s.refuse(ctx, v)
	return ending{}, false
}

func (s *session) decide(ctx context.Context, res aaa.Result) Verdict {
	v := s.broker.Decide(ctx, Asked{
		Call: s.call, Identity: res.Identity, Auth: res.Auth, Service: aaa.EXEC, Server: res.Server, Session: s.grants,
	})
	s.debugVerdict(v)
	return v
}

// accept takes the callback that is offered, at the number that the caller types where it is left to them.
func (s *session) accept(ctx, limited context.Context, o Offer) (e ending, over bool) {
	typed := o.Number == ""
	var v Verdict
	var err error
	if typed {
		v, err = s.askNumber(limited, o)
	} else {
		v = s.promise(limited, Choice{Call: s.call, Offer: o.ID})
	}
	switch {
	case err != nil:
		return s.interruptedBy(limited, err), true
	case v.Kind == Promised:
		return s.promised(v, typed), true
	}
	s.refuse(ctx, v)
	return ending{}, false
}

func (s *session) promise(ctx context.Context, c Choice) Verdict {
	v := s.broker.Promise(ctx, c)
	s.debugVerdict(v)
	return v
}

func (s *session) debugVerdict(v Verdict) {
	s.debugf("callback: %v on leg %d: %v %s", s.proven, s.leg.Number, v.Kind, s.scrub(v.Reason))
}

// askNumber has the caller type the number until one is good or the tries are used up: then the verdict is a refusal.
func (s *session) askNumber(limited context.Context, o Offer) (Verdict, error) {
	s.say("\n")
	var last Verdict
	for range numberTries {
		typed, err := s.ask(limited, s.cfg.Prompts.Dialstring, true)
		switch {
		case errors.Is(err, console.ErrTooLong):
			last = Verdict{Kind: BadChoice, Text: textNumberLong, Reason: "number typed is too long"}
		case errors.Is(err, console.ErrGarbled):
			last = Verdict{Kind: BadChoice, Text: textNumberBroken, Reason: "number typed in a " + err.Error()}
		case err != nil && !errors.Is(err, errBlank):
			return Verdict{}, err
		default:
			last = s.promise(limited, Choice{Call: s.call, Offer: o.ID, Number: typed})
		}
		if last.Kind != BadChoice {
			return last, nil
		}
		s.say(complaint(last.Text, textBadNumber) + "\n")
	}
	return Verdict{Reason: fmt.Sprintf("no usable number in %d tries, the last: %s", numberTries, s.scrub(last.Reason))}, nil
}

// promised tells the caller of the callback. They may be gone already: the promise stands.
func (s *session) promised(v Verdict, typed bool) ending {
	text := textPromised + "\n"
	if !typed {
		text = "\n" + text // as IOS: an empty line below the password, none below the number
	}
	s.say(text)
	return ending{kind: CallbackPromised, cause: aaa.CauseCallback, reason: s.scrub(v.Reason), callbackID: v.CallbackID}
}

// refuse tells the caller no, closes his session and counts the try.
func (s *session) refuse(ctx context.Context, v Verdict) {
	reason := v.Reason
	if reason == "" {
		reason = v.Text
	}
	def := textNotAvailable
	if s.leg.Number == 2 {
		def = textDenied
	}
	s.fail(complaint(v.Text, def), GuessRefused, reason)
	s.close(ctx, ending{cause: aaa.CauseNASRequest, reason: s.lastFail})
}

// complaint is a line that tells the caller what is wrong, in IOS's manner.
func complaint(text, def string) string {
	if text = console.Clean(text); text == "" {
		text = def
	}
	return "% " + strings.TrimSpace(strings.TrimPrefix(text, "%"))
}
