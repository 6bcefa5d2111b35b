package session

import (
	"context"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// Guess is one password that was typed: of a login, or of `enable` by a user who is logged in.
type Guess struct {
	Call   *lines.Call
	Leg    int
	User   string // as typed; "" where the prompt was left without a name
	Enable bool

	Identity aaa.Identity // of GuessRight: what AAA granted
}

// GuessResult is how a Guess went.
type GuessResult int

const (
	GuessRight   GuessResult = iota // AAA granted it
	GuessWrong                      // AAA refused it, or the caller left before the last question was answered
	GuessRefused                    // it failed for another reason: no server answered, the policy refuses
	GuessLocked                     // the Guard refused it, and AAA was not asked
)

// Guard limits guessing across calls and hears of every login and `enable`. Its methods may be called from any
// goroutine.
type Guard interface {
	// Before is asked when a name and a password were typed, before AAA is asked. The session waits so long first; a
	// refusal (its reason is for the operator) ends the login without asking AAA.
	Before(g Guess) (wait time.Duration, refusal string)
	// After is told how each went, at once; reason is for the operator, without secrets. It may block for a disk.
	After(g Guess, r GuessResult, reason string)
	// Known reports whether a name is somebody's: of a local user, or of a user who has logged in before. Any other may
	// be a password typed at the wrong prompt, and is shown nowhere.
	Known(user string) bool
}

// Locked is the Guard's refusal of a guess, as an error.
type Locked string

func (l Locked) Error() string { return string(l) }

// Trying begins a login: what fails next counts as a guess at this user's password. "" where no name is known yet.
func (s *Session) Trying(user string) { s.guessed = Guess{Call: s.call, Leg: s.leg.Number, User: user} }

// Enabling is the Guess of the user who is logged in and asks for a higher privilege level.
func (s *Session) Enabling() Guess {
	return Guess{Call: s.call, Leg: s.leg.Number, User: s.proven.User, Enable: true}
}

// AskLogin is Ask for the login that Trying has begun.
func (s *Session) AskLogin(ctx context.Context, ask func(context.Context) (aaa.Result, error)) (aaa.Result, error) {
	return s.Ask(ctx, s.guessed, ask)
}

// Ask has ask put a guess to AAA, once the Guard allows it and after the wait that it wants. The error is ask's, or
// Locked. Where ask fails the caller has left a question that came after the password: that counts as wrong.
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
	if err != nil { // left at a question that followed the password, which so was right perhaps
		s.Judged(g, GuessWrong, "left at a question of the server")
	}
	return res, err
}

// Judged tells the Guard how a guess went. reason is for the operator.
func (s *Session) Judged(g Guess, r GuessResult, reason string) {
	if s.cfg.Guard == nil {
		return
	}
	if r == GuessRight {
		s.nobody(g.User, false)
	}
	s.cfg.Guard.After(g, r, s.Scrub(reason))
}
