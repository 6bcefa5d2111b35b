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

// What a caller reads when a login fails. An unknown user and a wrong password must not be told apart.
const (
	textInvalid = "% Login invalid"
	textSilent  = "% Authentication failed" // nobody could be asked
	textTooLong = "% Line too long"
	textGarbled = "% Line rejected: unsupported characters"
	textBadName = "% Invalid user name"
	textLocked  = "% Too many failures - try again later"

	textUnservable = "% Authorization failed" // granted, but not what we can do
)

const (
	maxBlanks  = 10 // empty answers at prompts on one call
	maxPrompts = 10 // questions of a server in one login
	maxMessage = 4096
)

var (
	errBlank   = errors.New("nothing was typed")             // an answer that names nobody: the prompt comes again
	errBadName = errors.New("this cannot be anybody's name") // typed well, and no name all the same
)

// rejected is what a caller reads of a line that is not taken for what it is, and that counts as a bad answer; "" where
// err is another matter.
func rejected(err error) string {
	switch {
	case errors.Is(err, console.ErrTooLong):
		return textTooLong
	case errors.Is(err, console.ErrGarbled):
		return textGarbled
	case errors.Is(err, errBadName):
		return textBadName
	}
	return ""
}

// logins asks for name and password until one is granted and goes on, or the tries are used up.
func (s *dialogue) logins(ctx context.Context) session.Ending {
	for {
		res, err := s.authenticate(ctx)
		var locked session.Locked
		switch {
		case errors.Is(err, errBlank):
			if s.blanks++; s.blanks >= maxBlanks {
				return session.Ending{Cause: aaa.CauseNASRequest,
					Reason: fmt.Sprintf("%d empty answers at the login prompt", s.blanks)}
			}
			continue
		case rejected(err) != "":
			s.fail(rejected(err), session.GuessRefused, "at the login prompt: "+err.Error())
		case errors.As(err, &locked):
			s.fail(textLocked, session.GuessLocked, locked.Error())
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

// fail counts a login that failed before AAA could answer, and tells the caller text.
func (s *dialogue) fail(text string, r session.GuessResult, reason string) {
	s.Fail(r, reason)
	s.say(text + "\n\n")
}

// authenticate asks the caller for name and password and AAA about them, once. The error is the terminal's, errBlank,
// or one that is rejected. The name goes on exactly as typed: spaces around it would make two names of one, so they are
// refused.
func (s *dialogue) authenticate(ctx context.Context) (aaa.Result, error) {
	s.Trying("")
	user, err := s.ask(ctx, s.cfg.Prompts.Username, true)
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
	password, err := s.ask(ctx, s.cfg.Prompts.Password, false)
	if err != nil {
		return aaa.Result{}, err
	}
	return s.AskLogin(ctx, s.converse(s.Request(user, aaa.Secret(password))))
}

// converse returns what asks AAA, and the caller what AAA asks. The error is the terminal's, or errBlank. A
// conversation that is left ends with its ctx: its server need not wait for an answer until the caller hangs up.
func (s *dialogue) converse(r aaa.Request) func(context.Context) (aaa.Result, error) {
	return func(ctx context.Context) (aaa.Result, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		conv, res := s.AAA().Start(ctx, r)
		for asked := 0; res.Kind == aaa.Prompt; asked++ {
			if conv == nil || asked >= maxPrompts {
				return aaa.Result{Reason: fmt.Sprintf("server %s asks without end", res.Server), Server: res.Server},
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

// question makes a prompt of what a server sent: its text, harmless, with a space to type after.
func (s *dialogue) question(message string) string {
	if text := display(message); text != "" {
		return text + " "
	}
	return s.cfg.Prompts.Password
}

// display makes text of a server harmless for the caller's terminal, and not too long.
func display(message string) string {
	if len(message) > maxMessage {
		message = message[:maxMessage]
	}
	return console.CleanText(message)
}

// ask reads one answer, exactly as it was typed. Ctrl-C and Ctrl-Z count as an empty one.
func (s *dialogue) ask(ctx context.Context, prompt string, echo bool) (string, error) {
	var answer string
	var err error
	if echo {
		answer, err = s.term.ReadLine(ctx, prompt)
	} else {
		answer, err = s.term.ReadPassword(ctx, prompt)
		s.KeepSecret(answer)
	}
	if errors.Is(err, console.ErrInterrupt) || errors.Is(err, console.ErrSuspend) {
		return "", errBlank
	}
	return answer, err
}
