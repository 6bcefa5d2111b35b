package callback

import "time"

// Event is something that happened. This file has all types of events.
type Event interface {
	input() input
}

// input is a flattened event, so that the table's guards and actions need no type switch.
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
	stop     bool
	wait     time.Duration
	until    int64
	delay    time.Duration
	outcome  Phase
	left     State
}

// On is the name of an event in the table.
type On string

// Promise is the decision to call back. The state must be New. The machine answers with Tell.
type Promise struct {
	ID  string // ID of the callback; must not be ""
	Max int    // budget of attempts: the number of dials in the plan; less than 1 means 1
}

// Claimed means that this node has taken a callback that another node of the fleet has left. The state must be New: of
// what the other process had, only what Left says of the callback itself is continued, as after Restarted. Attempts are
// carried; one whose dial command was held back there counts, because only the claim under which it was recorded could
// use it again.
type Claimed struct {
	// Left is the state of the callback's row: ID, Max, Attempt, Passed, HeldBack, Pause, Cause, and NotBefore with
	// Delay, which must be by the clock of this process. A callback is not claimed in a phase in which it may ring.
	Left State
}

// HungUp means that leg one is down and its line was proven on hook.
type HungUp struct{}

// HangUpUnproven means that leg one was ended, but its line could not be proven on hook and is in quarantine. The
// callback continues with another line, or waits for this one.
type HangUpUnproven struct{ Cause string }

// Leased means that a line was leased, in answer to Acquire. Lease is any number except 0 that the loop has not used
// before in this process.
type Leased struct {
	Lease uint64
	TTY   int
}

// NoLine is the answer to Acquire if there is no line now. Final means that there will never be a line for this step of
// the plan: the callback continues with the dial Next of a later step, or fails if there is none (0). Resting means
// that no line was requested, because the dial is far.
type NoLine struct {
	Cause   string
	Final   bool
	Next    int
	Resting bool
}

// OffHookEnded means that the off-hook script on this lease has ended, or there was none. Err is "" or the error of the
// script: it is recorded in the audit and changes nothing, because the dial script has its own checks.
type OffHookEnded struct {
	Lease uint64
	Err   string
}

// LineLost means that the leased line went out of service while the callback was waiting on it.
type LineLost struct {
	Lease uint64
	Cause string
}

// TimerFired means that the timer started by ArmTimer with this kind and generation has expired.
type TimerFired struct {
	Kind TimerKind
	Gen  uint64
}

// DenialRechecked answers Recheck with its generation: an empty Reason allows the dial, any other denies it
// permanently. A denial may also come without a Recheck (a lockdown); before the dial it counts with any Gen.
type DenialRechecked struct {
	Gen    uint64
	Reason string
	Next   int // with a Reason that concerns one number: the first dial of the plan that is allowed; 0 if none
}

// NotNow answers Recheck with its generation: the dial is allowed, and the fleet could not record its attempt. Nothing
// was dialed and nothing counts; the line is returned meanwhile.
type NotNow struct {
	Gen   uint64
	Cause string
}

// DialEnded means that the dialer of the attempt on this lease has returned. Unless Connected, the line is on hook
// again, or Unproven.
type DialEnded struct {
	Attempt   int
	Lease     uint64
	Connected bool
	Outcome   string // why not connected: "busy", "no answer", …; the cause of the failure if this attempt is the last
	Unproven  bool   // the line could not be proven on hook
	Final     bool   // the same dial can never succeed (the number cannot be dialed)
	Next      int    // Final: the first dial of the plan that may succeed; 0 if none
	Away      bool   // the leased line is given back: the next dial may not be made from it, or is far
	HeldBack  bool   // the dial command provably never left: no octet of it was written to the port
	Then
}

// Then is what the policy says of an attempt that failed. The zero value is a further attempt, if dials are left, after
// the wait of the plan.
type Then struct {
	Stop bool          // no further attempt
	Wait time.Duration // before the next one, what chance adds included; 0: that of the plan
}

// Admitted means that leg two's session was admitted.
type Admitted struct{ Attempt int }

// NotAdmitted means that leg two did not authenticate as the user of the callback, or may not have a session. There is
// no further attempt, because it might call an uninvolved person again.
type NotAdmitted struct {
	Attempt int
	Cause   string
}

// CallEnded means that leg two's call is over and its line is on hook, or Unproven. Before admission it is a failed
// attempt; after it, it returns the lease.
type CallEnded struct {
	Attempt  int
	Cause    string
	Unproven bool
	Away     bool // the leased line is given back: the next dial may not be made from it, or is far
	Then
}

// Cancel means that an operator cancels the callback.
type Cancel struct{ By string }

// Taken means that another node of the fleet has the callback: its claim is in force and that of this node is not.
// This node never dials it again, and ends nothing but its own part.
type Taken struct{ By string } // the node; "": unknown

// EndedElsewhere means that the callback was ended in the fleet, by an operator or another node. It ends here in the
// same way. Completed is not such an end: the session is on the node that completed it.
type EndedElsewhere struct {
	Outcome Phase // Failed, Expired or Cancelled; any other: what this node does is given up
	Cause   string
}

// Delay delays the dial by For, until NotBefore (wall clock, nanoseconds since 1970). It only ever makes a callback
// later: otherwise, or if the dial has begun, it is refused.
type Delay struct {
	NotBefore int64
	For       time.Duration
	Away      bool // a leased line is given back meanwhile
	By        string
}

// Restarted means that this process found the callback in the journal. Timers, leases and calls of the previous process
// are gone. Then is for an attempt that this interrupted.
type Restarted struct{ Then }

func (e Promise) input() input { return input{on: "Promise", id: e.ID, max: e.Max} }
func (e Claimed) input() input { return input{on: "Claimed", left: e.Left} }
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
	return input{on: "DenialRechecked", gen: e.Gen, cause: e.Reason, final: e.Next > 0, next: e.Next}
}
func (e NotNow) input() input { return input{on: "NotNow", gen: e.Gen, cause: e.Cause} }
func (e DialEnded) input() input {
	return input{on: "DialEnded", attempt: e.Attempt, lease: e.Lease, ok: e.Connected, cause: e.Outcome,
		unproven: e.Unproven, final: e.Final, next: e.Next, away: e.Away, heldBack: e.HeldBack,
		stop: e.Stop, wait: e.Wait}
}
func (e Admitted) input() input { return input{on: "Admitted", attempt: e.Attempt} }
func (e NotAdmitted) input() input {
	return input{on: "NotAdmitted", attempt: e.Attempt, cause: e.Cause, final: true}
}
func (e CallEnded) input() input {
	return input{on: "CallEnded", attempt: e.Attempt, cause: e.Cause, unproven: e.Unproven, away: e.Away,
		stop: e.Stop, wait: e.Wait}
}
func (e Cancel) input() input { return input{on: "Cancel", cause: e.By} }
func (e Taken) input() input  { return input{on: "Taken", cause: e.By} }
func (e EndedElsewhere) input() input {
	return input{on: "EndedElsewhere", outcome: e.Outcome, cause: e.Cause}
}
func (e Delay) input() input {
	return input{on: "Delay", until: e.NotBefore, delay: e.For, cause: e.By, away: e.Away}
}
func (e Restarted) input() input { return input{on: "Restarted", stop: e.Stop, wait: e.Wait} }
