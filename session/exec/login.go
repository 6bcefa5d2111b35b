package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

const (
	maxBlanks  = 10 // empty answers at prompts on one call
	maxPrompts = 10 // prompts of a server in one login
	maxMessage = 4096
)

var (
	errBlank   = errors.New("empty answer")      // the prompt is repeated
	errBadName = errors.New("invalid user name") // printable, but not valid as a name
)

// rejected returns the text for a line that is invalid and counts as a bad answer; "" for other errors.
func rejected(err error) texts.Key {
	switch {
	case errors.Is(err, console.ErrTooLong):
		return texts.LineTooLong
	case errors.Is(err, console.ErrGarbled):
		return texts.LineGarbled
	case errors.Is(err, errBadName):
		return texts.LoginBadName
	}
	return ""
}

// logins asks for name and password until a login succeeds, or the maximum of tries is reached.
func (s *dialogue) logins(ctx context.Context) session.Ending {
	for {
		res, err := s.authenticate(ctx)
		var locked session.Locked
		switch {
		case errors.Is(err, errBlank):
			if s.blanks++; s.blanks >= maxBlanks {
				s.say("") // the line end of the last answer
				return session.Ending{Cause: aaa.CauseNASRequest,
					Reason: fmt.Sprintf("%d empty answers at the login prompt", s.blanks)}
			}
			continue
		case rejected(err) != "":
			s.fail(rejected(err), session.GuessRefused, "at the login prompt: "+err.Error())
		case errors.As(err, &locked):
			s.fail(texts.LoginLocked, session.GuessLocked, locked.Error())
		case err != nil:
			return s.interruptedBy(ctx, err)
		default:
			if e, over := s.settle(ctx, res); over {
				return e
			}
		}
		if e, yes := s.Exhausted(); yes {
			return e
		}
		s.PauseAfterFailure(ctx)
		if ctx.Err() != nil {
			return s.interruptedBy(ctx, ctx.Err())
		}
	}
}

// fail counts a login that failed before AAA was asked, and sends text to the caller.
func (s *dialogue) fail(text texts.Key, r session.GuessResult, reason string) {
	s.Fail(r, reason)
	s.tell(text)
}

// authenticate asks for name and password and checks them with AAA, once. The error is that of the terminal, errBlank,
// or one accepted by rejected. The name is passed on exactly as typed; surrounding spaces are rejected, since they
// would give one user two names.
func (s *dialogue) authenticate(ctx context.Context) (aaa.Result, error) {
	s.Trying("")
	s.address() // a user who was refused may have had a language of their own
	user, err := answered(s.term.ReadFirst(ctx, s.promptFor(s.cfg.Prompts.Username, texts.PromptUsername)))
	if err != nil {
		return aaa.Result{}, err
	}
	if strings.Trim(user, " ") == "" {
		return aaa.Result{}, errBlank
	}
	if err := aaa.CheckUser(user); err != nil {
		return aaa.Result{}, fmt.Errorf("%w: %w", errBadName, err)
	}
	s.Trying(user)
	password, err := s.ask(ctx, s.promptFor(s.cfg.Prompts.Password, texts.PromptPassword), false)
	if err != nil {
		return aaa.Result{}, err
	}
	return s.AskLogin(ctx, s.converse(s.Request(user, aaa.Secret(password))))
}

// converse returns a function that asks AAA and passes its prompts to the caller. Its error is that of the terminal, or
// errBlank. An abandoned conversation ends with its ctx, so that its server does not wait until the caller hangs up.
func (s *dialogue) converse(r aaa.Request) func(context.Context) (aaa.Result, error) {
	return func(ctx context.Context) (aaa.Result, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		conv, res := s.AAA().Start(ctx, r)
		for asked := 0; res.Kind == aaa.Prompt; asked++ {
			if conv == nil || asked >= maxPrompts {
				return aaa.Result{Reason: fmt.Sprintf("server %s sent more than %d prompts", res.Server, maxPrompts),
						Server: res.Server},
					nil
			}
			answer, err := s.ask(ctx, s.question(res.Message), res.Echo)
			if err != nil {
				return aaa.Result{}, err
			}
			res = conv.Answer(ctx, aaa.Secret(answer))
		}
		return res, nil
	}
}

// question returns a server's text as a printable prompt, followed by a space.
func (s *dialogue) question(message string) string {
	if text := display(message); text != "" {
		return text + " "
	}
	return s.promptFor(s.cfg.Prompts.Password, texts.PromptPassword)
}

// display returns a server's text in printable form, truncated if too long.
func display(message string) string {
	if len(message) > maxMessage {
		message = message[:maxMessage]
	}
	return console.CleanText(message)
}

// ask reads one answer, exactly as typed. Ctrl-C and Ctrl-Z count as an empty answer.
func (s *dialogue) ask(ctx context.Context, prompt string, echo bool) (string, error) {
	if echo {
		return answered(s.term.ReadLine(ctx, prompt))
	}
	answer, err := s.term.ReadPassword(ctx, prompt)
	s.KeepSecret(answer)
	return answered(answer, err)
}

func answered(answer string, err error) (string, error) {
	if errors.Is(err, console.ErrInterrupt) || errors.Is(err, console.ErrSuspend) {
		return "", errBlank
	}
	return answer, err
}
