package callback

import "fmt"

// Effect is an order to the loop, carried out after the commit and in the order given. The types of this file are all
// there are.
type Effect interface {
	fmt.Stringer
	effect()
}

// Tell the caller on leg one that they will be called back, then let their session hang up.
type Tell struct{}

// HangUpCaller ends leg one, whose session has not done so in time.
type HangUpCaller struct{}

// Acquire asks for a line for the dial of the plan whose turn it is (State.Next); the answer is one Leased or NoLine.
type Acquire struct{}

// StopAcquire takes the open Acquire back. A lease that was already on its way comes as Leased and is given back.
type StopAcquire struct{}

// OffHook runs the off-hook script of the leased line, if it has one; the answer is OffHookEnded.
type OffHook struct{ Lease uint64 }

// ArmTimer starts a timer; a Wait and a RetryWait do not end before State.NotBefore; the loop computes how long it runs
// and answers with TimerFired of the same Kind and Gen. An older timer of the same callback is stopped, unless one of
// the two is the Lifetime.
type ArmTimer struct {
	Kind TimerKind
	Gen  uint64
	Full bool // Wait and RetryWait: count from now (a restart lies behind), not from the hang-up or the last attempt
}

// StopTimer stops a timer; that it fires all the same does no harm.
type StopTimer struct {
	Kind TimerKind
	Gen  uint64
}

// Recheck looks for reasons that forbid the dial now (lockdown, number, hours, ceiling), never for such that would
// widen it; the answer is DenialRechecked with this Gen.
type Recheck struct{ Gen uint64 }

// Dial begins attempt number Attempt on the leased line. The attempt is on disk when this is carried out.
type Dial struct {
	Attempt int
	Of      int // which dial of the plan, from 0
	Lease   uint64
	Again   bool // its dial command was held back before: the attempt's row is used again
}

// StartSession begins leg two's session on the connected call.
type StartSession struct {
	Attempt int
	Lease   uint64
}

// HangUp ends attempt Attempt: it stops its dialler where that still runs and ends its call where there is one. A call
// that is already down is left alone.
type HangUp struct {
	Attempt int
	Lease   uint64
}

// ReleaseLease gives a line back. The owner of the line proves it on hook before anybody else gets it. Unproven: it is
// already known that it cannot be, and the line goes to quarantine.
type ReleaseLease struct {
	Lease    uint64
	Unproven bool
}

// Audit adds a record to the audit about something that no other record tells.
type Audit struct{ Text string }

// End is the callback's end: one audit record, one line in the log, watchers are notified. It comes exactly once.
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
