package session

import (
	"context"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// Guess is one password attempt: at a login, or at `enable` after the login.
type Guess struct {
	Call   *lines.Call
	Leg    int
	User   string // as typed; "" if the caller left the prompt without a name
	Enable bool

	Identity aaa.Identity // of GuessRight: the identity granted by AAA
	Server   string       // that answered, as in aaa.Result; "": none, or none was asked
}

// GuessResult is the result of a Guess.
type GuessResult int

const (
	GuessRight   GuessResult = iota // AAA granted it
	GuessWrong                      // AAA rejected it, or the caller left before answering the last prompt
	GuessRefused                    // it failed for another reason: no server answered, or the policy denies it
	GuessLocked                     // the Guard denied it, and AAA was not asked
)

// Guard limits password guessing across calls, and is notified of every login and `enable`. Its methods are safe for
// concurrent use.
type Guard interface {
	// Before is called with a name and before AAA is asked. The session first waits for the returned time; a refusal
	// other than "" (for the operator) rejects the login without asking AAA.
	Before(g Guess) (wait time.Duration, refusal string)
	// After is called immediately with the result; reason is for the operator, without secrets. It may block for disk
	// I/O.
	After(g Guess, r GuessResult, reason string)
	// Known reports whether a name is that of a local user, or of a user who has logged in before. Any other name may
	// be a password typed at the wrong prompt, and is never shown.
	Known(user string) bool
}

// Locked is the error of a guess that the Guard denied.
type Locked string

func (l Locked) Error() string { return string(l) }

// Trying begins a login: a failure counts as a guess at this user's password. user is "" while no name is known.
func (s *Session) Trying(user string) {
	s.guessed = Guess{Call: s.call, Leg: s.leg.Number, User: user}
	if s.cfg.Trying != nil {
		s.cfg.Trying(s.call.TTY, user)
	}
}

// Enabling returns the Guess of the logged-in user who requests a higher privilege level.
func (s *Session) Enabling() Guess {
	return Guess{Call: s.call, Leg: s.leg.Number, User: s.proven.User, Enable: true}
}

// AskLogin calls Ask for the login begun by Trying.
func (s *Session) AskLogin(ctx context.Context, ask func(context.Context) (aaa.Result, error)) (aaa.Result, error) {
	return s.Ask(ctx, s.guessed, ask)
}

// Ask calls ask to try a guess with AAA, if the Guard allows it and after the Guard's wait. The error is that of ask,
// or Locked. If ask fails, the caller left at a prompt after the password, which counts as a wrong guess.
func (s *Session) Ask(ctx context.Context, g Guess, ask func(context.Context) (aaa.Result, error)) (aaa.Result, error) {
	if s.cfg.Guard == nil {
		return ask(ctx)
	}
	s.nobody(g.User, !s.cfg.Guard.Known(g.User))
	wait, no := s.cfg.Guard.Before(g)
	if no != "" {
		return aaa.Result{}, Locked(no)
	}
	pause(ctx, wait)
	res, err := ask(ctx)
	if err != nil { // left at a prompt after the password, which may have been right
		s.Judged(g, GuessWrong, "caller left at a server prompt")
	}
	return res, err
}

// Judged reports the result of a guess to the Guard. reason is for the operator.
func (s *Session) Judged(g Guess, r GuessResult, reason string) {
	if s.cfg.Guard == nil {
		return
	}
	if r == GuessRight {
		s.nobody(g.User, false)
	}
	s.cfg.Guard.After(g, r, s.Scrub(reason))
}
