package callback

import (
	"fmt"
	"time"
)

// arm starts the phase's timer of this kind.
func arm(k TimerKind) action {
	return action{"arm " + string(k), func(d *draft) { d.arm(k, false) }}
}

// because sets the cause of the following actions.
func because(text string) action {
	return action{fmt.Sprintf("cause %q", text), func(d *draft) { d.s.Cause = text }}
}

// markEnding sets the end that an attempt will have once its line is down.
func markEnding(p Phase) action {
	return action{"will end " + string(p), func(d *draft) { d.s.Ending = p }}
}

// markDecided is markEnding for an end that this node does not make.
func markDecided(p Phase) action {
	return action{"will be " + string(p), func(d *draft) { d.s.Ending, d.s.Decided = p, true }}
}

var (
	promise = action{"take ID and budget", func(d *draft) {
		d.s.ID, d.s.Max = d.e.id, max(1, d.e.max)
	}}
	takeOver = action{"take over what was left", func(d *draft) {
		p := d.s.Phase
		d.s = carried(d.e.left)
		d.s.Phase, d.s.Again = p, true
	}}
	noneLeft = action{`cause "no dial is left"`, func(d *draft) {
		if d.s.Cause == "" {
			d.s.Cause = "no dial is left"
		} else {
			d.s.Cause = "no dial is left; last: " + d.s.Cause
		}
	}}
	armLifetime = action{"arm lifetime", func(d *draft) {
		d.s.TimerGen++
		d.s.LifeGen = d.s.TimerGen
		d.add(ArmTimer{Kind: Lifetime, Gen: d.s.LifeGen})
	}}
	armWait = action{"arm the wait", func(d *draft) {
		if d.s.Timer != NoTimer { // delayed while a wait runs
			d.add(StopTimer{d.s.Timer, d.s.TimerGen})
		}
		k := Wait
		if d.s.Tried() {
			k = RetryWait
		}
		d.arm(k, d.s.Again)
	}}
	tell = action{"Tell", func(d *draft) { d.add(Tell{}) }}

	hangUpCaller = action{"HangUpCaller", func(d *draft) {
		d.s.Forced = true
		d.add(HangUpCaller{})
	}}
	markUnproven = action{"leg one's line unproven", func(d *draft) {
		d.s.Unproven = true
		cause := d.e.cause
		if cause == "" {
			cause = "it did not hang up in time"
		}
		d.add(Audit{"the called line could not be proven on hook: " + cause})
	}}

	acquire = action{"Acquire", func(d *draft) {
		d.s.Asked = true
		d.add(Acquire{})
	}}
	unask = action{"no open request", func(d *draft) { d.s.Asked = false }}
	hold  = action{"hold the lease", func(d *draft) { d.s.Lease, d.s.TTY = d.e.lease, d.e.tty }}
	// Leasing's rule requires a lease, so offHook always has one.
	offHook = action{"OffHook", func(d *draft) { d.add(OffHook{d.s.Lease}) }}

	giveBack = action{"ReleaseLease (the event's)", func(d *draft) { d.add(ReleaseLease{Lease: d.e.lease}) }}
	release  = action{"ReleaseLease", func(d *draft) { d.release(d.e.unproven) }}

	releaseUnproven = action{"ReleaseLease unproven", func(d *draft) { d.release(true) }}

	markReady = action{"off-hook script ended", func(d *draft) {
		d.s.Ready = true
		if d.e.cause != "" {
			d.add(Audit{fmt.Sprintf("off-hook script on tty %d: %s", d.s.TTY, d.e.cause)})
		}
	}}
	markElapsed = action{"wait over", func(d *draft) { d.s.Elapsed = true }}
	recheck     = action{"Recheck", func(d *draft) {
		if d.s.Timer != NoTimer {
			d.add(StopTimer{d.s.Timer, d.s.TimerGen})
			d.s.Timer = NoTimer
		}
		d.s.Checking = true
		d.add(Recheck{d.s.TimerGen})
	}}

	countAttempt = action{"count the attempt", func(d *draft) {
		if d.again = d.s.Held; d.again {
			d.s.Held = false
			return
		}
		d.s.Attempt++
	}}
	dial = action{"Dial", func(d *draft) {
		d.add(Dial{Attempt: d.s.Attempt, Of: d.s.Attempt + d.s.Passed - 1, Lease: d.s.Lease, Again: d.again})
	}}
	reuse = action{"do not count the attempt", func(d *draft) {
		d.s.Held = true
		d.s.HeldBack++
	}}
	pass = action{"pass over final dials", func(d *draft) {
		if d.e.final {
			d.s.Passed += d.e.next - d.s.Next()
		}
	}}
	pause = action{"wait of the event", func(d *draft) { d.s.Pause = d.e.wait }}

	startSession = action{"StartSession", func(d *draft) { d.add(StartSession{d.s.Attempt, d.s.Lease}) }}
	hangUp       = action{"HangUp", func(d *draft) { d.add(HangUp{d.s.Attempt, d.s.Lease}) }}
	markOverdue  = action{"no further attempt", func(d *draft) { d.s.Overdue = true }}

	putOff = action{"not before", func(d *draft) {
		d.s.NotBefore, d.s.Delay = d.e.until, d.e.delay
		d.add(Audit{fmt.Sprintf("delayed until %s by %s", time.Unix(0, d.e.until).Format(time.RFC3339),
			orUnknown(d.e.cause))})
	}}
	waitAgain = action{"wait again", func(d *draft) { d.s.Elapsed, d.s.Checking = false, false }}

	blame = action{"cause of the event", func(d *draft) {
		if d.s.Cause = d.e.cause; d.s.Cause == "" {
			d.s.Cause = "no cause given"
		}
	}}
	praise        = action{"no cause", func(d *draft) { d.s.Cause = "" }}
	passOver      = action{"Audit: pass over", func(d *draft) { d.add(Audit{"a number is passed over: " + d.e.cause}) }}
	blameOperator = action{"cause: the operator", func(d *draft) { d.s.Cause = "by " + orUnknown(d.e.cause) }}
	blameNode     = action{"cause: the other node", func(d *draft) {
		d.s.Cause = "another node has it"
		if d.e.cause != "" {
			d.s.Cause = "node " + d.e.cause + " has it"
		}
	}}
	markOutcome = action{"will end as the event says", func(d *draft) {
		d.s.Ending, d.s.Decided = GivenUp, true
		if o := d.e.outcome; o == Failed || o == Expired || o == Cancelled {
			d.s.Ending = o
		}
	}}
	lifetimeEnded = action{`cause "lifetime ended"`, func(d *draft) {
		if d.s.Cause == "" {
			d.s.Cause = "lifetime ended"
		} else {
			d.s.Cause = "lifetime ended; last: " + d.s.Cause
		}
	}}

	// forget drops what ended with the previous process.
	forget = action{"forget lease, call and timers", func(d *draft) {
		d.s.Lease, d.s.TTY, d.s.Asked, d.s.Timer = 0, 0, false, NoTimer
		d.s.Again = true
		d.s.Forced, d.s.Ready, d.s.Elapsed, d.s.Checking = false, false, false, false
		d.out = nil // leave's StopTimer would stop a timer of that process
	}}
	interrupted = action{`cause "interrupted by restart"`, func(d *draft) {
		d.s.Cause = "interrupted by restart"
		d.add(Audit{fmt.Sprintf("attempt %d was interrupted by a restart and counts as made", d.s.Attempt)})
	}}
)

// carried is what a callback takes along from one node to another.
func carried(left State) State {
	return State{ID: left.ID, Phase: left.Phase, Attempt: left.Attempt, Max: max(1, left.Max), Cause: left.Cause,
		Pause: left.Pause, Passed: left.Passed, HeldBack: left.HeldBack, NotBefore: left.NotBefore, Delay: left.Delay}
}

func (d *draft) release(unproven bool) {
	if d.s.Lease == 0 {
		return
	}
	d.add(ReleaseLease{Lease: d.s.Lease, Unproven: unproven})
	d.s.Lease, d.s.TTY = 0, 0
}

func orUnknown(by string) string {
	if by == "" {
		return "an unnamed operator"
	}
	return by
}
