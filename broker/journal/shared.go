package journal

import "time"

// This file has the rows that the nodes of a fleet may share: promises, their attempts, and their ends.

// Callback is the promise to call a user back. It is pending while Ended is zero.
type Callback struct {
	ID         string
	Phase      string // the machine's phase, for queries
	State      string // the machine's whole state as JSON; opaque here
	User       string // with Entry: the identity that must log in on leg two
	Entry      string
	Service    string
	Caller     string // as leg one's modem reported it; "" if unknown
	Number     string // canonical digits of the first step of its plan, like Lines, Rotary and RetryWait
	NoVerify   bool
	CallID     string // leg one
	CalledTTY  int
	Lines      []int // explicit callback-line; empty if none
	Rotary     *int  // explicit callback-rotary; nil if none
	ForcedWait time.Duration
	RetryWait  time.Duration
	Attempts   int // recorded so far; never decreases, never exceeds Max
	Max        int // budget: the number of dials in its plan
	// JSON that only the owner reads: the parts of the plan that are not in these columns, such as more steps; "" if
	// none
	Plan           string
	Decision       string // JSON
	Trace          string // JSON: the reasons of the decision
	PolicyDigest   string
	Authorization  string // JSON, secrets removed
	MultiSessionID string
	Created        time.Time
	Updated        time.Time
	Ended          time.Time // zero: pending
	Outcome        string    // "" while pending; "completed", "failed", "expired", "cancelled", GivenUp
	Cause          string

	// In a fleet. The zero values are those of a node that is alone.
	Epoch  int64  // of this node's claim; 0: the callback is not in a fleet
	Home   string // the node that promised, with the line CalledTTY and the lines Lines; "": this node
	Shared bool   // a line of another node may dial for it: attempts need the fleet
}

// Pending reports whether the callback has not ended.
func (c Callback) Pending() bool { return c.Ended.IsZero() }

// Attempt is one dial for a callback. It is recorded before the dial command is sent.
type Attempt struct {
	CallbackID string
	N          int // from 1; other nodes of a fleet may have made the earlier ones
	Step       int // of the plan, from 0
	TTY        int
	Script     string
	Number     string
	Started    time.Time
	Ended      time.Time // zero: it is running, or a crash interrupted it
	Outcome    string    // "" until ended; "connected", "busy", "no answer", "interrupted by restart", …
	Detail     string
	Transcript string // of the chat script, secrets masked
}

// HeldBack is the Outcome of an attempt whose dial command was provably not sent.
const HeldBack = "held back"

// PutCallback writes a callback, new or existing. Outcome is set together with Ended. Errors:
//   - ErrPending if the same User and Entry have another callback that has not ended,
//   - ErrEnded if this callback has already ended, unless its Outcome is GivenUp and the new Epoch is higher,
//   - ErrBudget if Attempts would exceed Max, or decrease.
type PutCallback struct{ Callback Callback }

// PutAttempt records an attempt before it is made. The callback must already count it (PutCallback before it in the
// same group) and be pending, and the number must be new; otherwise the error is ErrBudget, ErrEnded or ErrNotFound.
type PutAttempt struct{ Attempt Attempt }

// ReopenAttempt reuses the row of an attempt whose Outcome is HeldBack, before it is dialed again: TTY, Script and
// Started are replaced, Detail and Transcript of the earlier dials are kept. The errors are those of PutAttempt, and
// ErrBudget if the row has another Outcome.
type ReopenAttempt struct{ Attempt Attempt }

// EndAttempt records how an attempt ended. Detail and Transcript are appended to those of earlier dials that were held
// back. Errors: ErrNotFound if there is no such attempt, ErrEnded if it has already ended.
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

// Shared reports whether a mutation concerns rows that nodes may share. Other rows never leave the journal of their
// node.
func Shared(m Mutation) bool {
	switch m.(type) {
	case PutCallback, PutAttempt, ReopenAttempt, EndAttempt, Reserve, Settle:
		return true
	}
	return false
}
