package callback

import "fmt"

// world is what the surroundings of a callback know of it, derived only from events and effects, to check the laws. It
// is comparable, so that the exploration can distinguish pairs of state and world.
type world struct {
	told, ends  int
	dials       int    // orders to dial that are not known to have been held back
	held        int    // held-back dial commands whose attempt was reused
	spare       bool   // the last attempt will be reused
	next        int    // the first dial of the plan that may be ordered now
	lastLease   uint64 // leases are numbered from 1 by this process
	out         uint64 // bit set of leases delivered and not returned
	life        bool   // the lifetime's timer runs
	lifeOver    bool   // the lifetime's timer has expired
	phaseTimer  TimerKind
	phaseGen    uint64
	asked       int // open requests for a line
	checking    bool
	waited      bool  // a wait on this lease has expired
	answered    int   // the last attempt whose dial connected
	allowed     bool  // the last recheck found no denial
	interrupted bool  // after a restart
	base        int   // attempts that another node has made
	elsewhere   Phase // how others have ended it, or GivenUp; "" if they have not
}

// transition is one call of Step with the worlds around it.
type transition struct {
	before, after State
	event         Event
	effects       []Effect
	ok            bool
}

// observe updates the world for one transition and returns the law that was broken, or "".
func (w *world) observe(tr transition) string {
	if !tr.ok {
		if tr.after != tr.before || len(tr.effects) != 0 {
			return "a refused event changed something"
		}
		return ""
	}
	if broken := w.event(tr); broken != "" {
		return broken
	}
	for _, e := range tr.effects {
		if broken := w.effect(tr, e); broken != "" {
			return fmt.Sprintf("%s (effect %v)", broken, e)
		}
	}
	return w.invariant(tr)
}

func (w *world) event(tr transition) string {
	switch e := tr.event.(type) {
	case Claimed:
		return w.claimed(tr, e.Left)
	case NotNow:
		if tr.after.Next() != tr.before.Next() || tr.after.Attempt != tr.before.Attempt {
			return "an attempt counts that is not on record in the fleet"
		}
		w.checking, w.allowed = false, false
	case Taken:
		return w.decided(tr, GivenUp)
	case EndedElsewhere:
		if e.Outcome == Completed || e.Outcome == "" {
			e.Outcome = GivenUp
		}
		return w.decided(tr, e.Outcome)
	case Leased:
		w.lastLease = max(w.lastLease, e.Lease)
		w.out |= 1 << e.Lease
		if tr.before.Asked && tr.before.Phase == Leasing {
			w.asked--
			w.waited = false
		}
	case NoLine:
		w.asked--
		if e.Final && tr.after.Phase.Pending() {
			if e.Next <= tr.before.Next() {
				return "a line that will never exist is requested again"
			}
			w.next = e.Next
		}
	case TimerFired:
		if e.Kind == Lifetime {
			if !w.life {
				return "a stale lifetime timer was accepted"
			}
			w.life, w.lifeOver = false, true
			break
		}
		if e.Kind != w.phaseTimer || e.Gen != w.phaseGen {
			return "a stale timer was accepted"
		}
		w.phaseTimer = NoTimer
		w.waited = w.waited || e.Kind == Wait || e.Kind == RetryWait
	case DenialRechecked:
		w.checking, w.allowed = false, e.Reason == ""
		if e.Reason != "" && tr.after.Phase.Pending() {
			if e.Next <= tr.before.Next() {
				return "a dial that was denied is made"
			}
			w.next = e.Next
		}
	case Delay:
		switch p := tr.before.Phase; {
		case e.NotBefore <= tr.before.NotBefore || tr.after.NotBefore != e.NotBefore:
			return "a delay that shortens the wait"
		case p != Promised && p != Leasing && p != Waiting:
			return "a delay after the dial has begun"
		case p == Waiting && e.Away:
			if tr.after.Phase != Leasing {
				return "a long delay does not request another line"
			}
		case tr.after.Phase != p:
			return "a delay that changes more than the wait"
		}
		w.waited = false
		w.checking = false
	case DialEnded:
		if broken := follows(tr, e.Then); broken != "" && !e.Connected && !e.HeldBack {
			return broken
		}
		if e.Attempt != tr.before.Attempt || e.Lease != tr.before.Lease {
			return "a stale attempt was accepted"
		}
		w.waited = false
		switch {
		case e.Away && tr.after.Phase == Waiting:
			return "a line is kept that the next dial may not use"
		case e.Final && !e.Connected && tr.after.Phase.Pending():
			if w.next > e.Next {
				return "the plan went backwards"
			}
			w.next = e.Next
		case e.Connected:
			w.answered = e.Attempt
		case e.HeldBack && arms(tr.effects, LineRetry): // not one that counts, and after which a line is requested
			w.dials--
			w.next--
			w.spare = true
			if w.held++; w.held > 5 {
				return "held back forever"
			}
		}
	case Admitted:
		if e.Attempt != tr.before.Attempt || w.answered != e.Attempt {
			return "an admission without an answer was accepted"
		}
	case NotAdmitted:
		if e.Attempt != tr.before.Attempt {
			return "a stale attempt was accepted"
		}
	case CallEnded:
		if broken := follows(tr, e.Then); broken != "" {
			return broken
		}
		if e.Attempt != tr.before.Attempt {
			return "a stale attempt was accepted"
		}
		if e.Away && tr.after.Phase == Waiting {
			return "a line is kept that the next dial may not use"
		}
		w.waited = false
	case Restarted:
		if broken := follows(tr, e.Then); broken != "" && (tr.before.Phase == Dialing || tr.before.Phase == Answered) {
			return broken
		}
		w.out, w.life, w.phaseTimer, w.asked, w.checking, w.waited, w.interrupted = 0, false, NoTimer, 0, false, false,
			true
	}
	return ""
}

// claimed begins with a callback that another node has left.
func (w *world) claimed(tr transition, left State) string {
	switch s := tr.after; {
	case tr.before != State{}:
		return "a claim of a callback that is here"
	case left.Phase != Promised && left.Phase != Leasing && left.Phase != Waiting:
		return "a claim of a callback that may ring, or has ended"
	case s.ID != left.ID || s.Attempt != left.Attempt || s.Passed != left.Passed || s.Max != left.Max ||
		s.HeldBack != left.HeldBack || s.NotBefore != left.NotBefore || s.Pause != left.Pause:
		return "a claim that forgets what was done"
	case s.Held || s.Lease != 0 || s.Ending != "" || s.Overdue || s.Timer != NoTimer:
		return "a claim of what the other node had"
	}
	w.base, w.next, w.held, w.interrupted = left.Attempt, left.Attempt+left.Passed, left.HeldBack, true
	return ""
}

// decided records how others have ended the callback.
func (w *world) decided(tr transition, p Phase) string {
	dialing := tr.before.Phase == Dialing || tr.before.Phase == Answered
	switch {
	case w.elsewhere != "":
		return "what others have decided is decided again"
	case dialing && (tr.after.Phase != tr.before.Phase || tr.after.Ending != p):
		return "an attempt does not end as others have decided"
	case !dialing && tr.after.Phase != p:
		return "a callback does not end as others have decided"
	}
	w.elsewhere = p
	return ""
}

// follows returns the law that is broken after an attempt that failed, or "".
func follows(tr transition, then Then) string {
	switch {
	case !tr.after.Phase.Pending():
		return ""
	case then.Stop:
		return "an attempt follows a cause after which there must be none"
	case tr.after.Pause != then.Wait:
		return "the wait for this cause is lost"
	}
	return ""
}

func (w *world) effect(tr transition, e Effect) string {
	switch e := e.(type) {
	case Tell:
		w.told++
		if tr.before.Phase != New || tr.after.Phase != Promised || !Durable(tr.before, tr.after) {
			return "Tell out of order, or before it is on disk"
		}
	case HangUpCaller:
		if tr.before.Phase != Promised {
			return "the caller's line is hung up twice"
		}
	case Acquire:
		if w.asked++; w.asked > 1 {
			return "two requests for a line"
		}
	case StopAcquire:
		if w.asked--; w.asked < 0 {
			return "a request cancelled that was not open"
		}
	case ArmTimer:
		if e.Gen <= 0 || e.Gen > tr.after.TimerGen {
			return "a timer of an unknown generation"
		}
		if e.Kind == Lifetime {
			w.life, w.lifeOver = true, false
			break
		}
		w.phaseTimer, w.phaseGen = e.Kind, e.Gen
		if (e.Kind == Wait || e.Kind == RetryWait) && e.Full != w.interrupted {
			return "after a restart the wait runs in full, and only then"
		}
	case StopTimer:
		if e.Kind == Lifetime {
			w.life = false
		} else if e.Kind == w.phaseTimer && e.Gen == w.phaseGen {
			w.phaseTimer = NoTimer
		} else {
			return "a timer stopped that did not run"
		}
	case OffHook:
		if w.out&(1<<e.Lease) == 0 {
			return "a script on a line that is not leased"
		}
	case Recheck:
		if !w.waited {
			return "the wait is not over"
		}
		w.checking = true
	case Dial:
		w.dials++
		switch {
		case tr.after.Phase != Dialing:
			return "a dial outside of an attempt"
		case !Durable(tr.before, tr.after):
			return "a dial before it is on disk"
		case e.Attempt != tr.after.Attempt || w.dials > tr.after.Attempt-w.base || e.Again != w.spare:
			return "a dial that is not counted"
		case w.spare && tr.after.Attempt != tr.before.Attempt || !w.spare && tr.after.Attempt != tr.before.Attempt+1:
			return "a dial that is counted wrongly"
		case w.out != 1<<e.Lease || e.Lease == 0:
			return "a dial on a line that is not leased, or while another is leased"
		case !w.waited:
			return "a dial before the wait was over"
		case !w.allowed:
			return "a dial without a recheck"
		case w.elsewhere != "":
			return "a dial after others have ended the callback, or have it"
		case e.Of < w.next:
			return "a dial of the plan that was already made, or cannot succeed"
		case e.Of >= tr.after.Max || e.Of != tr.after.Attempt+tr.after.Passed-1:
			return "a dial that is not in the plan"
		}
		w.spare, w.next = false, e.Of+1
	case StartSession:
		if w.answered != e.Attempt || w.elsewhere != "" {
			return "a session without an answer"
		}
	case ReleaseLease:
		if w.out&(1<<e.Lease) == 0 {
			return "a lease returned that was not out"
		}
		w.out &^= 1 << e.Lease
	case End:
		if w.ends++; w.ends > 1 || !Durable(tr.before, tr.after) ||
			e.Outcome != tr.after.Phase || !e.Outcome.Terminal() {
			return "an end out of order"
		}
		if w.elsewhere != "" && e.Outcome != w.elsewhere {
			return "an end that others have not made"
		}
		if e.Cause == "" && e.Outcome != Completed {
			return "an end without a cause"
		}
	}
	return ""
}

// invariant returns the law that the state after a step breaks, or "".
func (w *world) invariant(tr transition) string {
	s := tr.after
	held := uint64(0)
	if s.Lease != 0 {
		held = 1 << s.Lease
	}
	switch {
	case w.out != held:
		return "a lease is lost or out twice"
	case (s.Phase.Terminal() && s.Phase != GivenUp) != (w.ends == 1):
		return "ended without an End, or an End without the end"
	case s.Phase == GivenUp && w.elsewhere != GivenUp:
		return "given up, and no one has it"
	case s.Phase.Terminal() && w.elsewhere != "" && s.Phase != w.elsewhere:
		return "it did not end as others have decided"
	case s.Phase.Terminal() && s.HasLease() && s.Phase != Completed:
		return "an end that keeps the line"
	case s.Phase.Terminal() && (w.life || w.phaseTimer != NoTimer || w.asked != 0):
		return "something still runs after the end"
	case s.NotBefore < tr.before.NotBefore:
		return "a delay was shortened"
	case s.Pause != tr.before.Pause && tr.before.Phase != New && tr.before.Phase != Dialing &&
		tr.before.Phase != Answered:
		return "a wait changed without an attempt"
	case s.Held != w.spare:
		return "an attempt that counts is reused, or one that does not is not"
	case s.Attempt+s.Passed > s.Max || s.Attempt < tr.before.Attempt || s.Passed < tr.before.Passed:
		return "the budget is broken"
	case s.Phase.Pending() && !w.life && !w.lifeOver:
		return "pending without a lifetime"
	case w.lifeOver && s.Phase.Pending() && s.Phase != Dialing && s.Phase != Answered:
		return "pending beyond its lifetime"
	case s.Timer != w.phaseTimer:
		return "the state and the timers disagree"
	case s.Phase.Pending() && w.phaseTimer == NoTimer && w.asked == 0 && !w.checking:
		return "pending and nothing will happen"
	case tr.before.Phase.Terminal() && s.Phase != tr.before.Phase:
		return "a final state changed"
	case s.Phase == Completed && tr.before.Phase != Completed && tr.before.Phase != Answered:
		return "completed without an answer"
	}
	return ""
}
