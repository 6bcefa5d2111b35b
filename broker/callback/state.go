package callback

// Phase says how far a callback has come.
type Phase string

// The phases. New is the zero value. The last four are terminal: a callback enters exactly one of them, once.
const (
	New       Phase = ""          // nothing promised, nothing recorded
	Promised  Phase = "promised"  // recorded; the caller is told; their line has not yet hung up
	Leasing   Phase = "leasing"   // hung up; a line to dial on is wanted
	Waiting   Phase = "waiting"   // a line is leased; the off-hook script and the wait run
	Dialing   Phase = "dialing"   // an attempt is recorded; its dial command may be out
	Answered  Phase = "answered"  // the modems are connected; leg two proves who answers
	Completed Phase = "completed" // leg two's session was admitted
	Failed    Phase = "failed"    // the budget is spent or nothing more can be done; Cause says why
	Expired   Phase = "expired"   // its lifetime ended first
	Cancelled Phase = "cancelled" // an operator took it back
)

// String is the phase's name; New, the zero value, prints as "new".
func (p Phase) String() string {
	if p == New {
		return "new"
	}
	return string(p)
}

// Terminal reports whether p is an end.
func (p Phase) Terminal() bool {
	return p == Completed || p == Failed || p == Expired || p == Cancelled
}

// Pending reports whether a promise was made and has not ended.
func (p Phase) Pending() bool { return p != New && !p.Terminal() }

// TimerKind names a timer. A callback has at most two running: its lifetime, and one of the phase it is in.
type TimerKind string

// The timers. How long each runs is the loop's to compute, from the configuration and the hints in ArmTimer.
const (
	NoTimer        TimerKind = ""
	Lifetime       TimerKind = "lifetime"         // from the promise to Expired, wall time; default 1 h
	HangUpDeadline TimerKind = "hang-up deadline" // Promised: leg one must be down
	LineRetry      TimerKind = "line retry"       // Leasing: pause before a line is asked for again
	// Waiting, before the first attempt: counted from the hang-up, in full after a restart
	Wait TimerKind = "wait"
	// Waiting, before a further attempt: counted from the end of the last
	RetryWait       TimerKind = "retry wait"
	OffHookDeadline TimerKind = "off-hook deadline" // Waiting: the wait is over and the off-hook script still runs
	DialDeadline    TimerKind = "dial deadline"     // Dialing: backstop behind the script's own time limits
	LoginDeadline   TimerKind = "login deadline"    // Answered: leg two must be admitted
	Grace           TimerKind = "grace"             // Dialing, Answered: a hang-up was ordered and must show
)

// MaxHeldBack is how often a callback's dial command may be held back before that spends the attempt.
const MaxHeldBack = 5

// State is one callback as the machine sees it: a plain, comparable value that may be copied, compared with == and kept
// as JSON. The zero value is a callback that nobody has promised.
type State struct {
	// These are columns of the callback's row; its JSON leaves them out.
	ID      string `json:"-"`
	Phase   Phase  `json:"-"`
	Attempt int    `json:"-"` // attempts recorded so far; the last one's number
	Max     int    `json:"-"` // the budget, at least 1 once promised: the dials in the plan
	Cause   string `json:"-"` // last cause known; final in a terminal phase

	// dials of the plan that were passed over, since they could not end otherwise
	Passed int `json:"passed,omitempty"`
	// the last attempt's dial command was held back: the next dial is the same attempt
	Held     bool `json:"held,omitempty"`
	HeldBack int  `json:"held_back,omitempty"` // how often that was so, at most MaxHeldBack
	// Dialing, Answered: the end it will have as soon as the line is down; Cause says why
	Ending Phase `json:"ending,omitempty"`

	Again    bool `json:"again,omitempty"`    // a restart lies behind it: waits run in full from when they are armed
	Unproven bool `json:"unproven,omitempty"` // leg one's line could not be proven on hook
	Overdue  bool `json:"overdue,omitempty"`  // the lifetime ended during an attempt: no further one

	// no wait ends before (wall clock, nanoseconds since 1970); 0: nobody put the dial off
	NotBefore int64 `json:"not_before,omitempty"`

	Timer    TimerKind `json:"timer,omitempty"` // the phase's timer that runs; NoTimer: none
	TimerGen uint64    `json:"timer_gen"`       // generation of the timer armed last, whatever its kind
	LifeGen  uint64    `json:"life_gen"`        // generation of the lifetime's timer

	Lease uint64 `json:"lease,omitempty"` // the lease held; 0 none. Meaningless to another process
	TTY   int    `json:"tty,omitempty"`   // the leased line, for people

	Asked    bool `json:"asked,omitempty"`    // Leasing: an Acquire is not yet answered
	Forced   bool `json:"forced,omitempty"`   // Promised: the hang-up was forced once
	Ready    bool `json:"ready,omitempty"`    // Waiting: the off-hook script has ended
	Elapsed  bool `json:"elapsed,omitempty"`  // Waiting: the wait is over
	Checking bool `json:"checking,omitempty"` // Waiting: denials are being checked for the last time
}

// HasLease reports whether the callback holds a line.
func (s State) HasLease() bool { return s.Lease != 0 }

// Done reports whether the loop may forget the callback: it has ended and its line is given back. A late Leased for a
// forgotten callback is the loop's to give back.
func (s State) Done() bool { return s.Phase.Terminal() && s.Lease == 0 }

// CanRetry reports whether the budget and the lifetime leave room for a further attempt.
func (s State) CanRetry() bool { return s.attemptsLeft() && !s.Overdue }

func (s State) attemptsLeft() bool { return s.Next() < s.Max }

// Next is the dial of the plan that the next attempt makes, counted from 0; it is Max where none is left.
func (s State) Next() int {
	if s.Held {
		return s.Attempt + s.Passed - 1
	}
	return s.Attempt + s.Passed
}

// tried reports whether a dial command may have left.
func (s State) tried() bool { return s.Attempt > 1 || s.Attempt == 1 && !s.Held }

// Durable reports whether the step from before to after must be on disk before its effects are carried out. What it
// leaves out (timers, leases, sub-steps of a phase) is worth nothing to the process that finds the row after a crash.
func Durable(before, after State) bool {
	return before.Phase != after.Phase || before.Attempt != after.Attempt || before.Passed != after.Passed ||
		before.Max != after.Max || before.Ending != after.Ending ||
		before.Again != after.Again || before.Unproven != after.Unproven || before.NotBefore != after.NotBefore
}
