package callback

// The table is the complete behavior. Rules are read from top to bottom; the first whose phase, event and conditions
// match is used. An event that matches none is refused. What leaving a phase (its timer, its request for a line) and
// reaching an end (the lifetime's timer, End) always cause is in Step and not repeated here.
var table = []rule{
	// A promise is made and leg one ends.
	{from: in(New), on: "Promise", when: all(named), to: Promised,
		do: do(promise, armLifetime, arm(HangUpDeadline), tell), why: "on disk first, then the caller is told"},
	{from: in(New), on: "Claimed", when: all(named, leftWaiting, leftDials), to: Leasing,
		do: do(takeOver, armLifetime, acquire), why: "another node promised it; the wait runs in full"},
	{from: in(New), on: "Claimed", when: all(named, leftWaiting), to: Failed, do: do(takeOver, noneLeft)},
	{from: in(Promised), on: "HungUp", to: Leasing, do: do(acquire)},
	{from: in(Promised), on: "HangUpUnproven", to: Leasing, do: do(markUnproven, acquire),
		why: "its line is in quarantine; another may serve"},
	{from: in(Promised), on: "TimerFired", when: all(fired(HangUpDeadline), not(forced)), to: Promised,
		do: do(hangUpCaller, arm(HangUpDeadline)), why: "the session should have hung up by itself"},
	{from: in(Promised), on: "TimerFired", when: all(fired(HangUpDeadline)), to: Leasing, do: do(markUnproven, acquire),
		why: "the callback continues without that line"},

	// A line is requested.
	{from: in(Leasing), on: "Leased", when: all(asked, newLease), to: Waiting, do: do(hold, offHook, armWait)},
	{from: in(Leasing), on: "NoLine", when: all(asked, final, another), to: Leasing, do: do(blame, pass, acquire),
		why: "another step of the plan has other lines"},
	{from: in(Leasing), on: "NoLine", when: all(asked, final), to: Failed, do: do(blame)},
	{from: in(Leasing), on: "NoLine", when: all(asked), to: Leasing, do: do(unask, blame, arm(LineRetry))},
	{from: in(Leasing), on: "TimerFired", when: all(fired(LineRetry)), to: Leasing, do: do(acquire)},

	// The wait on the leased line.
	{from: in(Waiting), on: "OffHookEnded", when: all(ourLease, not(ready), not(elapsed)), to: Waiting,
		do: do(markReady)},
	{from: in(Waiting), on: "OffHookEnded", when: all(ourLease, not(ready)), to: Waiting, do: do(markReady, recheck)},
	{from: in(Waiting), on: "TimerFired", when: all(firedWait, ready), to: Waiting, do: do(markElapsed, recheck)},
	{from: in(Waiting), on: "TimerFired", when: all(firedWait), to: Waiting, do: do(markElapsed, arm(OffHookDeadline)),
		why: "the script still uses the line"},
	{from: in(Waiting), on: "TimerFired", when: all(fired(OffHookDeadline)), to: Leasing,
		do: do(because("the off-hook script did not end"), releaseUnproven, arm(LineRetry))},
	{from: in(Waiting), on: "LineLost", when: all(ourLease), to: Leasing,
		do: do(blame, releaseUnproven, arm(LineRetry))},
	{from: in(Waiting), on: "DenialRechecked", when: all(not(denied), checking, thisCheck, attemptsLeft), to: Dialing,
		do: do(countAttempt, arm(DialDeadline), dial), why: "the attempt is on disk before the dial command is sent"},
	{from: in(Waiting), on: "DenialRechecked", when: all(denied, checking, thisCheck, another), to: Leasing,
		do: do(blame, passOver, pass, release, acquire), why: "another number of the plan is allowed"},
	{from: in(Promised, Leasing, Waiting), on: "DenialRechecked", when: all(denied), to: Failed, do: do(blame, release),
		why: "a denial before the dial always counts"},

	{from: in(Waiting), on: "NotNow", when: all(checking, thisCheck), to: Leasing,
		do: do(blame, release, arm(LineRetry)), why: "the attempt is on record in the fleet before anything else"},

	{from: in(Waiting), on: "Delay", when: all(later, away), to: Leasing, do: do(putOff, release, acquire),
		why: "a line is requested again shortly before the dial"},
	{from: in(Waiting), on: "Delay", when: all(later), to: Waiting, do: do(putOff, waitAgain, armWait),
		why: "even if the wait was over; a recheck in progress is repeated"},
	{from: in(Promised, Leasing), on: "Delay", when: all(later), to: same, do: do(putOff),
		why: "the wait on the next line will be longer"},

	// The attempt.
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, anyEnding, connected), to: marked,
		do: do(hangUp, release)},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, anyEnding), to: marked, do: do(release)},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, connected), to: Answered,
		do: do(arm(LoginDeadline), startSession)},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, heldBack, mayHoldBack, not(final), not(overdue)),
		to:  Leasing,
		do:  do(blame, reuse, release, arm(LineRetry)),
		why: "no octet of the dial command was sent: the attempt does not count, a line is requested again"},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, heldBack, mayHoldBack, not(final)), to: Expired,
		do:  do(blame, lifetimeEnded, release),
		why: "the lifetime ended meanwhile"},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, stop), to: Failed, do: do(blame, release),
		why: "the policy makes no further attempt after this cause"},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, dialsLeft, not(overdue), not(unproven), not(away)),
		to: Waiting,
		do: do(blame, pass, pause, offHook, armWait)},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, dialsLeft, not(overdue)), to: Leasing,
		do:  do(blame, pass, pause, release, acquire),
		why: "the next dial may not use this line or is far, or the line is not proven on hook"},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial, dialsLeft), to: Expired,
		do:  do(blame, lifetimeEnded, release),
		why: "the lifetime ended during the attempt"},
	{from: in(Dialing), on: "DialEnded", when: all(thisDial), to: Failed, do: do(blame, release)},
	{from: in(Dialing), on: "TimerFired", when: all(fired(DialDeadline)), to: Dialing, do: do(hangUp, arm(Grace))},
	{from: in(Dialing), on: "TimerFired", when: all(fired(Grace), anyEnding), to: marked, do: do(releaseUnproven)},
	{from: in(Dialing), on: "TimerFired", when: all(fired(Grace)), to: Failed,
		do: do(because("the dial did not end"), releaseUnproven), why: "it may still ring: no other attempt now"},

	// Leg two logs in.
	{from: in(Answered), on: "Admitted", when: all(thisAttempt, not(anyEnding)), to: Completed, do: do(praise),
		why: "the lease stays until the call ends"},
	{from: in(Answered), on: "NotAdmitted", when: all(thisAttempt, anyEnding), to: marked, do: do(hangUp, release)},
	{from: in(Answered), on: "NotAdmitted", when: all(thisAttempt), to: Failed, do: do(blame, hangUp, release),
		why: "a further attempt might call the wrong person again"},
	{from: in(Answered), on: "CallEnded", when: all(thisAttempt, anyEnding), to: marked, do: do(release)},
	{from: in(Answered), on: "CallEnded", when: all(thisAttempt, stop), to: Failed, do: do(blame, release)},
	{from: in(Answered), on: "CallEnded", when: all(thisAttempt, mayRetry, not(unproven), not(away)), to: Waiting,
		do: do(blame, pause, offHook, armWait)},
	{from: in(Answered), on: "CallEnded", when: all(thisAttempt, mayRetry), to: Leasing,
		do: do(blame, pause, release, acquire)},
	{from: in(Answered), on: "CallEnded", when: all(thisAttempt, attemptsLeft), to: Expired,
		do: do(blame, lifetimeEnded, release)},
	{from: in(Answered), on: "CallEnded", when: all(thisAttempt), to: Failed, do: do(blame, release)},
	{from: in(Answered), on: "TimerFired", when: all(fired(LoginDeadline)), to: Answered,
		do: do(because("no login in time"), markEnding(Failed), hangUp, arm(Grace))},
	{from: in(Answered), on: "TimerFired", when: all(fired(Grace), anyEnding), to: marked, do: do(releaseUnproven)},
	{from: in(Completed), on: "CallEnded", when: all(thisAttempt, hasLease), to: Completed, do: do(release)},

	// What can happen at any time.
	{from: in(Promised, Leasing, Waiting), on: "Cancel", to: Cancelled, do: do(blameOperator, release)},
	{from: in(Dialing, Answered), on: "Cancel", when: all(not(ending(Cancelled)), not(decided)), to: same,
		do:  do(blameOperator, markEnding(Cancelled), hangUp, arm(Grace)),
		why: "it ends when the line is down: no dial after the end"},

	// What other nodes of a fleet do.
	{from: in(Promised), on: "Taken", to: GivenUp, do: do(blameNode, hangUpCaller),
		why: "this node was silent, and leg one must not stay"},
	{from: in(Leasing, Waiting), on: "Taken", to: GivenUp, do: do(blameNode, release), why: "the other node ends it"},
	{from: in(Dialing, Answered), on: "Taken", when: all(not(decided)), to: same,
		do:  do(blameNode, markDecided(GivenUp), hangUp, arm(Grace)),
		why: "its attempt is over, and no other follows"},
	{from: in(Promised, Leasing, Waiting), on: "EndedElsewhere", when: all(endsAs(Failed)), to: Failed,
		do: do(blame, release)},
	{from: in(Promised, Leasing, Waiting), on: "EndedElsewhere", when: all(endsAs(Expired)), to: Expired,
		do: do(blame, release)},
	{from: in(Promised, Leasing, Waiting), on: "EndedElsewhere", when: all(endsAs(Cancelled)), to: Cancelled,
		do: do(blame, release)},
	{from: in(Promised, Leasing, Waiting), on: "EndedElsewhere", to: GivenUp, do: do(blame, release),
		why: "it was completed, and not here"},
	{from: in(Dialing, Answered), on: "EndedElsewhere", when: all(not(decided)), to: same,
		do:  do(blame, markOutcome, hangUp, arm(Grace)),
		why: "it ends when the line is down"},

	// The lifetime, and the next process.
	{from: in(Promised, Leasing, Waiting), on: "TimerFired", when: all(lifetimeFired), to: Expired,
		do: do(lifetimeEnded, release)},
	{from: in(Dialing, Answered), on: "TimerFired", when: all(lifetimeFired, not(overdue)), to: same,
		do:  do(markOverdue),
		why: "a running attempt may succeed"},
	{from: in(Promised, Leasing, Waiting), on: "Restarted", to: Leasing, do: do(forget, armLifetime, acquire),
		why: "the wait runs again in full"},
	{from: in(Dialing, Answered), on: "Restarted", when: all(anyEnding), to: marked, do: do(forget)},
	{from: in(Dialing, Answered), on: "Restarted", when: all(stop), to: Failed, do: do(forget, interrupted)},
	{from: in(Dialing, Answered), on: "Restarted", when: all(mayRetry), to: Leasing,
		do:  do(forget, interrupted, pause, armLifetime, acquire),
		why: "the attempt counts"},
	{from: in(Dialing, Answered), on: "Restarted", when: all(attemptsLeft), to: Expired,
		do: do(forget, interrupted, lifetimeEnded)},
	{from: in(Dialing, Answered), on: "Restarted", to: Failed, do: do(forget, interrupted)},
	{from: in(Completed, Failed, Expired, Cancelled), on: "Restarted", when: all(hasLease), to: same, do: do(forget)},
	{from: phases, on: "Leased", when: all(newLease), to: same, do: do(giveBack), why: "too late, or not requested"},
}

func in(p ...Phase) []Phase   { return p }
func all(g ...guard) []guard  { return g }
func do(a ...action) []action { return a }
func not(g guard) guard {
	return guard{"not " + g.name, func(s State, e input) bool { return !g.holds(s, e) }}
}
func ending(p Phase) guard {
	return guard{"ending " + string(p), func(s State, _ input) bool { return s.Ending == p }}
}
func fired(k TimerKind) guard {
	return guard{string(k), func(s State, e input) bool { return e.timer == k && running(s, e) }}
}
func endsAs(p Phase) guard {
	return guard{string(p), func(_ State, e input) bool { return e.outcome == p }}
}
func running(s State, e input) bool {
	return e.timer != NoTimer && e.timer == s.Timer && e.gen == s.TimerGen
}

var (
	named       = guard{"it has an ID", func(_ State, e input) bool { return e.id != "" || e.left.ID != "" }}
	leftWaiting = guard{"it was not dialing", func(_ State, e input) bool {
		return e.left.Phase == Promised || e.left.Phase == Leasing || e.left.Phase == Waiting
	}}
	leftDials = guard{"dials left", func(_ State, e input) bool { return carried(e.left).attemptsLeft() }}
	decided   = guard{"decided elsewhere", func(s State, _ input) bool { return s.Decided }}
	newLease  = guard{"a lease not held", func(s State, e input) bool { return e.lease != 0 && e.lease != s.Lease }}
	ourLease  = guard{"this lease", func(s State, e input) bool { return e.lease != 0 && e.lease == s.Lease }}
	hasLease  = guard{"a lease is held", func(s State, _ input) bool { return s.Lease != 0 }}
	asked     = guard{"asked", func(s State, _ input) bool { return s.Asked }}
	forced    = guard{"forced", func(s State, _ input) bool { return s.Forced }}
	ready     = guard{"off-hook script ended", func(s State, _ input) bool { return s.Ready }}
	elapsed   = guard{"wait over", func(s State, _ input) bool { return s.Elapsed }}
	checking  = guard{"checking", func(s State, _ input) bool { return s.Checking }}
	thisCheck = guard{"this check", func(s State, e input) bool { return e.gen == s.TimerGen }}
	denied    = guard{"denied", func(_ State, e input) bool { return e.cause != "" }}
	later     = guard{"later than the current delay", func(s State, e input) bool { return e.until > s.NotBefore }}
	overdue   = guard{"overdue", func(s State, _ input) bool { return s.Overdue }}
	anyEnding = guard{"ending", func(s State, _ input) bool { return s.Ending != "" }}

	thisAttempt = guard{"this attempt", func(s State, e input) bool { return s.Attempt > 0 && e.attempt == s.Attempt }}
	thisDial    = guard{"this dial", func(s State, e input) bool {
		return s.Attempt > 0 && e.attempt == s.Attempt &&
			e.lease == s.Lease
	}}
	heldBack    = guard{"held back", func(_ State, e input) bool { return e.heldBack && !e.ok }}
	mayHoldBack = guard{"not too often", func(s State, _ input) bool { return s.HeldBack < MaxHeldBack }}
	connected   = guard{"connected", func(_ State, e input) bool { return e.ok }}
	final       = guard{"final", func(_ State, e input) bool { return e.final }}
	stop        = guard{"no further attempt", func(_ State, e input) bool { return e.stop }}
	away        = guard{"without this line", func(_ State, e input) bool { return e.away }}
	another     = guard{"another step", func(s State, e input) bool { return e.next > s.Next() && e.next < s.Max }}
	dialsLeft   = guard{"dials left", func(s State, e input) bool {
		return !e.final && s.attemptsLeft() || e.final && e.next >= s.Next() && e.next < s.Max
	}}
	unproven     = guard{"unproven", func(_ State, e input) bool { return e.unproven }}
	attemptsLeft = guard{"attempts left", func(s State, _ input) bool { return s.attemptsLeft() }}
	mayRetry     = guard{"may retry", func(s State, _ input) bool { return s.CanRetry() }}

	firedWait = guard{"wait or retry wait", func(s State, e input) bool {
		return (e.timer == Wait || e.timer == RetryWait) && running(s, e)
	}}
	lifetimeFired = guard{"lifetime", func(s State, e input) bool { return e.timer == Lifetime && e.gen == s.LifeGen }}
)
