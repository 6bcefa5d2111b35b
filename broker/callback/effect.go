package callback

import "fmt"

// Effect is an order to the loop. Effects are carried out after the commit and in the order given. This file has all
// types of effects.
type Effect interface {
	fmt.Stringer
	effect()
}

// Tell tells the caller on leg one that they will be called back, and then lets their session hang up.
type Tell struct{}

// HangUpCaller ends leg one, whose session has not hung up in time.
type HangUpCaller struct{}

// Acquire requests a line for the next dial of the plan (State.Next); the answer is one Leased or NoLine.
type Acquire struct{}

// StopAcquire cancels the open Acquire. A lease that is already on its way arrives as Leased and is given back.
type StopAcquire struct{}

// OffHook runs the off-hook script of the leased line, if it has one; the answer is OffHookEnded.
type OffHook struct{ Lease uint64 }

// ArmTimer starts a timer. A Wait or RetryWait does not end before State.NotBefore; the loop computes the duration and
// answers with TimerFired of the same Kind and Gen. An older timer of the same callback is stopped, unless one of the
// two is the Lifetime.
type ArmTimer struct {
	Kind TimerKind
	Gen  uint64
	Full bool // Wait and RetryWait: count from now, because of a restart, not from the hang-up or the last attempt
}

// StopTimer stops a timer. If the timer fires nevertheless, its event is refused.
type StopTimer struct {
	Kind TimerKind
	Gen  uint64
}

// Recheck looks for reasons to deny the dial now (lockdown, number, hours, ceiling), never for reasons to allow more;
// the answer is DenialRechecked with this Gen.
type Recheck struct{ Gen uint64 }

// Dial begins attempt number Attempt on the leased line. The attempt is already on disk.
type Dial struct {
	Attempt int
	Of      int // index of the dial in the plan, from 0
	Lease   uint64
	Again   bool // the dial command was held back before: the attempt's row is reused
}

// StartSession begins leg two's session on the connected call.
type StartSession struct {
	Attempt int
	Lease   uint64
}

// HangUp ends attempt Attempt: it stops the dialer if it still runs, and ends the call if there is one. A call that is
// already down is left alone.
type HangUp struct {
	Attempt int
	Lease   uint64
}

// ReleaseLease returns a line. The owner of the line proves it on hook before leasing it again. Unproven means that
// this is known to be impossible, and the line goes to quarantine.
type ReleaseLease struct {
	Lease    uint64
	Unproven bool
}

// Audit adds an audit record for something that no other record mentions.
type Audit struct{ Text string }

// End is the callback's end: one audit record, one log entry, watchers are notified. It comes exactly once, and never
// if the callback is given up to another node.
type End struct {
	Outcome Phase // Completed, Failed, Expired or Cancelled
	Cause   string
}

func (Tell) effect()         {}
func (HangUpCaller) effect() {}
func (Acquire) effect()      {}
func (StopAcquire) effect()  {}
func (OffHook) effect()      {}
func (ArmTimer) effect()     {}
func (StopTimer) effect()    {}
func (Recheck) effect()      {}
func (Dial) effect()         {}
func (StartSession) effect() {}
func (HangUp) effect()       {}
func (ReleaseLease) effect() {}
func (Audit) effect()        {}
func (End) effect()          {}

func (Tell) String() string         { return "Tell" }
func (HangUpCaller) String() string { return "HangUpCaller" }
func (Acquire) String() string      { return "Acquire" }
func (StopAcquire) String() string  { return "StopAcquire" }
func (e OffHook) String() string    { return fmt.Sprintf("OffHook lease=%d", e.Lease) }
func (e ArmTimer) String() string {
	s := fmt.Sprintf("ArmTimer %s gen=%d", e.Kind, e.Gen)
	if e.Full {
		s += " full"
	}
	return s
}
func (e StopTimer) String() string { return fmt.Sprintf("StopTimer %s gen=%d", e.Kind, e.Gen) }
func (e Recheck) String() string   { return fmt.Sprintf("Recheck gen=%d", e.Gen) }
func (e Dial) String() string {
	s := fmt.Sprintf("Dial attempt=%d lease=%d", e.Attempt, e.Lease)
	if e.Of != e.Attempt-1 {
		s += fmt.Sprintf(" of=%d", e.Of)
	}
	if e.Again {
		s += " again"
	}
	return s
}
func (e StartSession) String() string {
	return fmt.Sprintf("StartSession attempt=%d lease=%d", e.Attempt, e.Lease)
}
func (e HangUp) String() string { return fmt.Sprintf("HangUp attempt=%d lease=%d", e.Attempt, e.Lease) }
func (e ReleaseLease) String() string {
	s := fmt.Sprintf("ReleaseLease %d", e.Lease)
	if e.Unproven {
		s += " unproven"
	}
	return s
}
func (e Audit) String() string { return fmt.Sprintf("Audit %q", e.Text) }
func (e End) String() string   { return fmt.Sprintf("End %s: %q", e.Outcome, e.Cause) }
