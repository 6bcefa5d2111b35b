package journal

import "errors"

// The errors of mutations other than disk errors. Such an error concerns only its own group of mutations.
var (
	ErrPending  = errors.New("a callback is already pending for this user")
	ErrEnded    = errors.New("has already ended")
	ErrBudget   = errors.New("the budget of attempts is spent")
	ErrNotFound = errors.New("not in the journal")
)

// ErrClosed is the error of a Commit after Close.
var ErrClosed = errors.New("the journal is closed")

// ErrDamaged is wrapped by the errors that a single damaged row causes.
var ErrDamaged = errors.New("damaged")
