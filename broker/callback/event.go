package callback

// Event is something that happened. The types of this file are all there are.
type Event interface {
	input() input
}

// input is an event laid flat, so that the table's guards and actions need no type switch.
type input struct {
	on       On
	id       string
	max      int
	lease    uint64
	tty      int
	attempt  int
	timer    TimerKind
	gen      uint64
	cause    string
	ok       bool // DialEnded: connected
	heldBack bool
	final    bool
	next     int
	unproven bool
	away     bool
	until    int64
}

// On is the name of an event in the table.
type On string

// Promise is the decision to call back. The state must be New. It answers with Tell.
type Promise struct {
	ID  string // of the callback; must not be ""
	Max int    // budget of attempts, the dials in the plan; below 1 stands for 1
}

// HungUp: leg one is down and its line was proven on hook.
type HungUp struct{}

// HangUpUnproven: leg one was ended, but its line could not be proven on hook (it is quarantined). The callback goes on
// with another line, or waits for this one.
type HangUpUnproven struct{ Cause string }

// Leased: a line was lent, in answer to Acquire. Lease is any number but 0 that the loop has never used before in this
// process.
type Leased struct {
	Lease uint64
	TTY   int
}

// NoLine: the Acquire was answered and there is no line now. Final: there will never be one for this step of the plan:
// the callback goes on with the dial Next of a later step, or fails where there is none (0).
type NoLine struct {
	Cause string
	Final bool
	Next  int
}

// OffHookEnded: the off-hook script on this lease has ended, or there was none. Err is "" or what went wrong: that is
// written to the audit and changes nothing, since the dial script has checks of its own.
type OffHookEnded struct {
	Lease uint64
	Err   string
}

// LineLost: the leased line went out of service while the callback was waiting on it.
type LineLost struct {
	Lease uint64
	Cause string
}

// TimerFired: the timer that ArmTimer of this kind and generation started has run out.
type TimerFired struct {
	Kind TimerKind
	Gen  uint64
}

// DenialRechecked answers Recheck with its generation: Reason "" lets the dial go on, any other denies it for good. A
// denial may also come unasked (a lockdown) and counts then whatever its Gen, before the dial.
type DenialRechecked struct {
	Gen    uint64
	Reason string
}

// DialEnded: the dialler of the attempt on this lease has returned. Unless Connected, the line is on hook again, or
// Unproven.
type DialEnded struct {
	Attempt   int
	Lease     uint64
	Connected bool
	Outcome   string // why not: "busy", "no answer", …; the cause of the failure should it be the last
	Unproven  bool   // the line could not be proven on hook
	Final     bool   // the same dial can never end otherwise (the number cannot be dialled)
	Next      int    // Final: the first dial of the plan that can; 0 none
	Away      bool   // the dial whose turn it is now may not be made from the leased line
	HeldBack  bool   // the dial command provably never left: no octet of it was written to the port
}

// Admitted: leg two's session was admitted.
type Admitted struct{ Attempt int }

// NotAdmitted: leg two did not prove to be the right one, or may not have a session. No further attempt is made: it
// would ring a stranger's telephone again.
type NotAdmitted struct {
	Attempt int
	Cause   string
}

// CallEnded: leg two's call is over and its line is on hook, or Unproven. Before admission it is a failed attempt;
// after it, it gives the lease back.
type CallEnded struct {
	Attempt  int
	Cause    string
	Unproven bool
	Away     bool // the dial whose turn it is now may not be made from the leased line
}

// Cancel: an operator takes the promise back.
type Cancel struct{ By string }

// Delay puts the dial off: not before NotBefore (wall clock, nanoseconds since 1970). It only ever makes a callback
// later: what would not, and what comes when the dial has begun, is refused.
type Delay struct {
	NotBefore int64
	By        string
}

// Restarted: this process found the callback in the journal. Timers, leases and calls of the process before are gone.
type Restarted struct{}

func (e Promise) input() input { return input{on: "Promise", id: e.ID, max: e.Max} }
func (HungUp) input() input    { return input{on: "HungUp"} }
func (e HangUpUnproven) input() input {
	return input{on: "HangUpUnproven", cause: e.Cause, unproven: true}
}
func (e Leased) input() input { return input{on: "Leased", lease: e.Lease, tty: e.TTY} }
func (e NoLine) input() input {
	return input{on: "NoLine", cause: e.Cause, final: e.Final, next: e.Next}
}
func (e OffHookEnded) input() input {
	return input{on: "OffHookEnded", lease: e.Lease, cause: e.Err}
}
func (e LineLost) input() input {
	return input{on: "LineLost", lease: e.Lease, cause: e.Cause, unproven: true}
}
func (e TimerFired) input() input { return input{on: "TimerFired", timer: e.Kind, gen: e.Gen} }
func (e DenialRechecked) input() input {
	return input{on: "DenialRechecked", gen: e.Gen, cause: e.Reason}
}
func (e DialEnded) input() input {
	return input{on: "DialEnded", attempt: e.Attempt, lease: e.Lease, ok: e.Connected, cause: e.Outcome,
		unproven: e.Unproven, final: e.Final, next: e.Next, away: e.Away, heldBack: e.HeldBack}
}
func (e Admitted) input() input { return input{on: "Admitted", attempt: e.Attempt} }
func (e NotAdmitted) input() input {
	return input{on: "NotAdmitted", attempt: e.Attempt, cause: e.Cause, final: true}
}
func (e CallEnded) input() input {
	return input{on: "CallEnded", attempt: e.Attempt, cause: e.Cause, unproven: e.Unproven, away: e.Away}
}
func (e Cancel) input() input  { return input{on: "Cancel", cause: e.By} }
func (e Delay) input() input   { return input{on: "Delay", until: e.NotBefore, cause: e.By} }
func (Restarted) input() input { return input{on: "Restarted"} }
