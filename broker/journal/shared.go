package journal

import "time"

// This file is what the nodes of a fleet may share: promises, their attempts, and their ends.

// Callback is the promise to ring somebody back. It is pending while Ended is zero.
type Callback struct {
	ID         string
	Phase      string // the machine's phase, for queries
	State      string // the machine's whole state as JSON; opaque here
	User       string // with Entry: the identity that leg two must prove
	Entry      string
	Service    string
	Caller     string // as leg one's modem told it; "" unknown
	Number     string // canonical digits to dial: the first step of its plan, as Lines, Rotary and RetryWait are
	NoVerify   bool
	CallID     string // leg one
	CalledTTY  int
	Lines      []int // explicit callback-line; none: empty
	Rotary     *int  // explicit callback-rotary; nil: none
	ForcedWait time.Duration
	RetryWait  time.Duration
	Attempts   int // recorded so far; never falls, never above Max
	Max        int // budget: the dials in its plan
	// JSON of the owner's choice: what the plan has beside these columns, such as more steps; "" nothing
	Plan           string
	Decision       string // JSON
	Trace          string // JSON: why the decision is what it is
	PolicyDigest   string
	Authorization  string // JSON, secrets removed
	MultiSessionID string
	Created        time.Time
	Updated        time.Time
	Ended          time.Time // zero: pending
	Outcome        string    // "" while pending; "completed", "failed", "expired", "cancelled"
	Cause          string
}

// Pending reports whether the callback has not ended.
func (c Callback) Pending() bool { return c.Ended.IsZero() }

// Attempt is one dial for a callback. It is recorded before the dial command is given.
type Attempt struct {
	CallbackID string
	N          int // from 1
	Step       int // of the plan, from 0
	TTY        int
	Script     string
	Number     string
	Started    time.Time
	Ended      time.Time // zero: it runs, or a crash cut it off
	Outcome    string    // "" until ended; "connected", "busy", "no answer", "interrupted by restart", …
	Detail     string
	Transcript string // of the chat script, secrets masked
}

// HeldBack is the Outcome of an attempt whose dial command provably never left.
const HeldBack = "held back"

// PutCallback writes a callback: a new one, or what has become of a known one. Outcome is set together with Ended. It
// answers
//   - ErrPending where the same User and Entry have another callback that has not ended,
//   - ErrEnded where this callback has ended before,
//   - ErrBudget where Attempts would exceed Max, or fall.
type PutCallback struct{ Callback Callback }

// PutAttempt records an attempt, before it is made. The callback must count it already (PutCallback before it in the
// same group) and be pending, and the number must be new: else ErrBudget, ErrEnded, ErrNotFound.
type PutAttempt struct{ Attempt Attempt }

// ReopenAttempt uses the row of an attempt again whose Outcome is HeldBack, before it is dialled once more: TTY, Script
// and Started are those of the new try, Detail and Transcript keep what became of those before. Errors are those of
// PutAttempt; ErrBudget also where the row has another Outcome.
type ReopenAttempt struct{ Attempt Attempt }

// EndAttempt records how an attempt ended. Detail and Transcript are added to those of tries that were held back
// before. ErrNotFound where there is none, ErrEnded where it has ended before.
type EndAttempt struct {
	CallbackID string
	N          int
	Ended      time.Time
	Outcome    string
	Detail     string
	Transcript string
}

func (PutCallback) mutation()   {}
func (PutAttempt) mutation()    {}
func (ReopenAttempt) mutation() {}
func (EndAttempt) mutation()    {}

// Shared reports whether a mutation concerns what nodes may share. What is a node's own never leaves its journal.
func Shared(m Mutation) bool {
	switch m.(type) {
	case PutCallback, PutAttempt, ReopenAttempt, EndAttempt:
		return true
	}
	return false
}
