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

// Guard limits guessing across calls and hears of every login and `enable`. Its methods may be called from any goroutine.
type Guard interface {
	// Before is asked when a name and a password were typed, before AAA is asked. The session waits so long first; a refusal (its
	// reason is for the operator) ends the login without asking AAA.
	Before(g Guess) (wait time.Duration, refusal string)
	// After is told how each went, at once; reason is for the operator, without secrets. It may block for a disk.
	After(g Guess, r GuessResult, reason string)
	// Known reports whether a name is somebody's: of a local user, or of a user who has logged in before. Any other may be a password
	// typed at the wrong prompt, and is shown nowhere.
	Known(user string) bool
}

// refusal is the Guard's no to a guess.
type refusal string

func (r refusal) Error() string { return string(r) }

// guess asks the Guard, waits as it says, and puts the request to AAA. The error is the terminal's, errBlank or a refusal.
func (s *session) guess(ctx context.Context, g Guess, r aaa.Request) (aaa.Result, error) {
	if s.cfg.Guard == nil {
		return s.converse(ctx, r)
	}
	s.nobody(g.User, !s.cfg.Guard.Known(g.User))
	wait, no := s.cfg.Guard.Before(g)
	if no != "" {
		return aaa.Result{}, refusal(no)
	}
	pause(ctx, wait)
	res, err := s.converse(ctx, r)
	if err != nil { // left at a question that followed the password, which so was right perhaps
		s.judged(g, GuessWrong, "left at a question of the server")
	}
	return res, err
}

// judged tells the Guard how a guess went.
func (s *session) judged(g Guess, r GuessResult, reason string) {
	if s.cfg.Guard == nil {
		return
	}
	if r == GuessRight {
		s.nobody(g.User, false)
	}
	s.cfg.Guard.After(g, r, s.scrub(reason))
}
