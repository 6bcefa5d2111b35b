package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
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

// rejected is what a caller reads of a line that is not taken for what it is, and that counts as a bad answer; "" where err is another matter.
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

// logins asks for name and password until one is granted and goes on, or the tries are used up. limited is ctx with the login's
// time limit.
func (s *session) logins(ctx, limited context.Context) ending {
	for {
		res, err := s.authenticate(limited)
		var no refusal
		switch {
		case errors.Is(err, errBlank):
			if s.blanks++; s.blanks >= maxBlanks {
				return ending{cause: aaa.CauseNASRequest, reason: fmt.Sprintf("%d empty answers at the login prompt", s.blanks)}
			}
			continue
		case rejected(err) != "":
			s.fail(rejected(err), GuessRefused, "at the login prompt: "+err.Error())
		case errors.As(err, &no):
			s.fail(textLocked, GuessLocked, no.Error())
		case err != nil:
			return s.interruptedBy(limited, err)
		default:
			if e, over := s.settle(ctx, limited, res); over {
				return e
			}
		}
		if s.tries >= s.cfg.Tries {
			return ending{cause: aaa.CauseNASRequest, reason: fmt.Sprintf("%d logins failed, the last: %s", s.tries, s.lastFail)}
		}
		pause(limited, s.cfg.FailureDelay)
		if limited.Err() != nil {
			return s.interruptedBy(limited, limited.Err())
		}
	}
}

// settle acts on AAA's final answer; over is false where the caller is back at the login prompt.
func (s *session) settle(ctx, limited context.Context, res aaa.Result) (e ending, over bool) {
	if limited.Err() != nil { // the answer came because the call is over
		return s.interruptedBy(limited, limited.Err()), true
	}
	unservable := s.unservable(res.Auth)
	switch {
	case res.Kind == aaa.Granted && s.leg.Number == 2 && res.Identity != s.leg.Identity:
		s.fail(textInvalid, GuessRefused, fmt.Sprintf("%v answered the callback of %v", res.Identity, s.leg.Identity))
	case res.Kind == aaa.Granted && unservable != "":
		s.fail(textUnservable, GuessRefused, "granted what cannot be honoured: "+unservable)
	case res.Kind == aaa.Granted:
		s.debugf("login: %v granted, server %s", res.Identity, res.Server)
		right := s.guessed
		right.Identity = res.Identity
		s.judged(right, GuessRight, "")
		return s.granted(ctx, limited, res)
	case res.Kind == aaa.Refused:
		s.fail(textInvalid, GuessWrong, res.Reason)
	default:
		s.fail(textSilent, GuessRefused, res.Reason)
	}
	return ending{}, false
}

// fail counts a login that failed and tells the caller text, the operator and the Guard reason.
func (s *session) fail(text string, r GuessResult, reason string) {
	s.tries++
	s.lastFail = s.scrub(reason)
	if s.lastFail == "" {
		s.lastFail = "no reason given"
	}
	s.debugf("login: try %d of %d failed: %s", s.tries, s.cfg.Tries, s.lastFail)
	s.judged(s.guessed, r, s.lastFail)
	s.say(text + "\n\n")
}

// authenticate asks the caller for name and password and AAA about them, once. The error is the terminal's, errBlank, or one that is
// rejected. The name goes on exactly as typed: spaces around it would make two names of one, so they are refused.
func (s *session) authenticate(ctx context.Context) (aaa.Result, error) {
	s.guessed = Guess{Call: s.call, Leg: s.leg.Number}
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
	s.guessed.User = user
	password, err := s.ask(ctx, s.cfg.Prompts.Password, false)
	if err != nil {
		return aaa.Result{}, err
	}
	return s.guess(ctx, s.guessed, s.request(user, password))
}

// converse asks AAA, and the caller what AAA asks. The error is the terminal's, or errBlank. A conversation that is left ends with its ctx: its server
// need not wait for an answer until the caller hangs up.
func (s *session) converse(ctx context.Context, r aaa.Request) (aaa.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conv, res := s.login.Start(ctx, r)
	for asked := 0; res.Kind == aaa.Prompt; asked++ {
		if conv == nil || asked >= maxPrompts {
			return aaa.Result{Reason: fmt.Sprintf("server %s asks without end", res.Server), Server: res.Server}, nil
		}
		answer, err := s.ask(ctx, s.question(res.Message), res.Echo)
		if err != nil {
			return aaa.Result{}, err
		}
		res = conv.Answer(ctx, aaa.Secret(answer))
	}
	return res, nil
}

func (s *session) request(user, password string) aaa.Request {
	return aaa.Request{
		Service: aaa.EXEC, User: user, Password: aaa.Secret(password), Entry: s.leg.Identity.Entry, Grantor: s.leg.Auth.Grantor, Leg: s.leg.Number,
		CallID: s.call.ID, TTY: s.call.TTY, Caller: s.call.Caller, Called: s.call.Called, Connect: s.call.Connect,
	}
}

// question makes a prompt of what a server sent: its text, harmless, with a space to type after.
func (s *session) question(message string) string {
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
func (s *session) ask(ctx context.Context, prompt string, echo bool) (string, error) {
	var answer string
	var err error
	if echo {
		answer, err = s.term.ReadLine(ctx, prompt)
	} else {
		answer, err = s.term.ReadPassword(ctx, prompt)
		s.keepSecret(answer)
	}
	if errors.Is(err, console.ErrInterrupt) || errors.Is(err, console.ErrSuspend) {
		return "", errBlank
	}
	return answer, err
}
