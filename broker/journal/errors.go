package journal

import "errors"

// What a mutation can run into besides the disk. Such an error concerns only the group of mutations it came from.
var (
	ErrPending  = errors.New("a callback is already pending for this user")
	ErrEnded    = errors.New("has already ended")
	ErrBudget   = errors.New("the budget of attempts is spent")
	ErrNotFound = errors.New("not in the journal")
)

// ErrClosed is the answer to a Commit after Close.
var ErrClosed = errors.New("the journal is closed")

// ErrDamaged is wrapped by the errors that a single damaged row causes.
var ErrDamaged = errors.New("damaged")
