package callback

import "time"

// Phase is the progress of a callback.
type Phase string

// The phases. New is the zero value. The last five are terminal: a callback enters exactly one of them, once. The first
// four of these are its ends; GivenUp is the end of the work of this node only.
const (
	New       Phase = ""          // nothing promised, nothing recorded
	Promised  Phase = "promised"  // recorded; the caller is told; their line has not yet hung up
	Leasing   Phase = "leasing"   // leg one hung up; a line to dial from is requested
	Waiting   Phase = "waiting"   // a line is leased; the off-hook script and the wait run
	Dialing   Phase = "dialing"   // an attempt is recorded; its dial command may be out
	Answered  Phase = "answered"  // the modems are connected; leg two logs in
	Completed Phase = "completed" // leg two's session was admitted
	Failed    Phase = "failed"    // the budget is spent or the callback cannot continue; Cause says why
	Expired   Phase = "expired"   // its lifetime ended first
	Cancelled Phase = "cancelled" // an operator cancelled it
	GivenUp   Phase = "given up"  // another node of the fleet has it, and will end it
)

// String returns the phase's name; New, the zero value, is "new".
func (p Phase) String() string {
	if p == New {
		return "new"
	}
	return string(p)
}

// Terminal reports whether p is a final phase.
func (p Phase) Terminal() bool {
	return p == Completed || p == Failed || p == Expired || p == Cancelled || p == GivenUp
}

// Pending reports whether p is a phase between the promise and the end.
func (p Phase) Pending() bool { return p != New && !p.Terminal() }

// TimerKind names a timer. A callback has at most two running: its lifetime, and one of the phase it is in.
type TimerKind string

// The timers. The loop computes how long each runs, from the configuration and the hints in ArmTimer.
const (
	NoTimer        TimerKind = ""
	Lifetime       TimerKind = "lifetime"         // from the promise to Expired, wall time; default 1 h
	HangUpDeadline TimerKind = "hang-up deadline" // Promised: leg one must be down
	LineRetry      TimerKind = "line retry"       // Leasing: pause before a line is requested again
	// Waiting, before the first attempt: counted from the hang-up; after a restart, the full wait
	Wait TimerKind = "wait"
	// Waiting, before a further attempt: counted from the end of the previous one
	RetryWait       TimerKind = "retry wait"
	OffHookDeadline TimerKind = "off-hook deadline" // Waiting: the wait is over and the off-hook script still runs
	DialDeadline    TimerKind = "dial deadline"     // Dialing: backstop beyond the script's own time limits
	LoginDeadline   TimerKind = "login deadline"    // Answered: leg two must be admitted
	Grace           TimerKind = "grace"             // Dialing, Answered: an ordered hang-up must have happened
)

// MaxHeldBack is how often the dial command may be held back before the attempt counts.
const MaxHeldBack = 5

// State is the state of one callback in the machine: a plain, comparable value that may be copied, compared with == and
// stored as JSON. The zero value is a callback before its promise.
type State struct {
	// These are columns of the callback's row; the JSON omits them.
	ID      string `json:"-"`
	Phase   Phase  `json:"-"`
	Attempt int    `json:"-"` // attempts recorded so far, which is the number of the last one
	Max     int    `json:"-"` // the budget, at least 1 once promised: the number of dials in the plan
	Cause   string `json:"-"` // last known cause; final in a terminal phase

	// the wait after the last attempt, if the policy has one for its cause; 0: that of the plan
	Pause time.Duration `json:"pause,omitempty"`
	// dials of the plan that were passed over, because they could not succeed
	Passed int `json:"passed,omitempty"`
	// the last attempt's dial command was held back: the next dial is the same attempt
	Held     bool `json:"held,omitempty"`
	HeldBack int  `json:"held_back,omitempty"` // how often that happened, at most MaxHeldBack
	// Dialing, Answered: the end it will have as soon as the line is down; Cause says why
	Ending Phase `json:"ending,omitempty"`
	// Dialing, Answered: that end was made by another node or in the fleet, and nothing changes it
	Decided bool `json:"decided,omitempty"`

	Again    bool `json:"again,omitempty"`    // after a restart: waits run in full from when they are armed
	Unproven bool `json:"unproven,omitempty"` // leg one's line could not be proven on hook
	Overdue  bool `json:"overdue,omitempty"`  // the lifetime ended during an attempt: there is no further one

	// no wait ends before this (wall clock, nanoseconds since 1970); 0: the dial was not delayed
	NotBefore int64 `json:"not_before,omitempty"`
	// the length of that delay, which runs again in full after a restart; 0 in a row of an older version
	Delay time.Duration `json:"delay,omitempty"`

	Timer    TimerKind `json:"timer,omitempty"` // the running timer of the phase; NoTimer if none
	TimerGen uint64    `json:"timer_gen"`       // generation of the timer armed last, of any kind
	LifeGen  uint64    `json:"life_gen"`        // generation of the lifetime's timer

	Lease uint64 `json:"lease,omitempty"` // the current lease; 0 if none. Meaningless to another process
	TTY   int    `json:"tty,omitempty"`   // the leased line, for operators

	Asked    bool `json:"asked,omitempty"`    // Leasing: an Acquire is open
	Forced   bool `json:"forced,omitempty"`   // Promised: the hang-up was forced once
	Ready    bool `json:"ready,omitempty"`    // Waiting: the off-hook script has ended
	Elapsed  bool `json:"elapsed,omitempty"`  // Waiting: the wait is over
	Checking bool `json:"checking,omitempty"` // Waiting: denials are being rechecked
}

// HasLease reports whether the callback has a line.
func (s State) HasLease() bool { return s.Lease != 0 }

// Done reports whether the loop may forget the callback: it has ended and its line was returned. The loop must return a
// late Leased for a forgotten callback itself.
func (s State) Done() bool { return s.Phase.Terminal() && s.Lease == 0 }

// CanRetry reports whether the budget and the lifetime allow a further attempt.
func (s State) CanRetry() bool { return s.attemptsLeft() && !s.Overdue }

func (s State) attemptsLeft() bool { return s.Next() < s.Max }

// Next is the dial of the plan that the next attempt makes, counted from 0; Max if none is left.
func (s State) Next() int {
	if s.Held {
		return s.Attempt + s.Passed - 1
	}
	return s.Attempt + s.Passed
}

// Tried reports whether a dial command may have been sent.
func (s State) Tried() bool { return s.Attempt > 1 || s.Attempt == 1 && !s.Held }

// Durable reports whether the step from before to after must be on disk before its effects are carried out. It ignores
// what is useless to the process that finds the row after a crash: timers, leases, sub-steps of a phase.
func Durable(before, after State) bool {
	return before.Phase != after.Phase || before.Attempt != after.Attempt || before.Passed != after.Passed ||
		before.Max != after.Max || before.Ending != after.Ending || before.Decided != after.Decided ||
		before.Again != after.Again || before.Unproven != after.Unproven || before.NotBefore != after.NotBefore
}
