package callback

import (
	"fmt"
	"math/bits"
	"os"
	"runtime/debug"
	"slices"
	"testing"
)

// most is the budget of the explored lives: three dials are enough to pass over one in the middle.
const most = 3

// left is what another node has left: an attempt was held back there, and one dial is left.
var left = State{ID: "cb1", Phase: Leasing, Attempt: 1, Held: true, HeldBack: 4, Passed: 1, Max: most}

// events returns all events that can happen in a state: each event as it should be, and with each stale or foreign
// value that its fields allow.
func events(s State, w world) []Event {
	next := w.lastLease + 1
	out := []Event{
		Promise{ID: "cb1", Max: most}, Promise{ID: "cb2"}, Promise{},
		HungUp{}, HangUpUnproven{Cause: "DCD stays on"},
		Leased{Lease: next, TTY: int(next)}, Leased{},
		NoLine{Cause: "all in use"}, NoLine{Cause: "no such line", Final: true},
		NoLine{Cause: "no such line", Final: true, Next: s.Next()},
		NoLine{Cause: "no such line", Final: true, Next: s.Next() + 1},
		NoLine{Cause: "no such line", Final: true, Next: s.Max},
		DenialRechecked{Gen: s.TimerGen}, DenialRechecked{Gen: s.TimerGen + 1}, DenialRechecked{Reason: "lockdown"},
		DenialRechecked{Gen: s.TimerGen, Reason: "denied", Next: s.Next()},
		DenialRechecked{Gen: s.TimerGen, Reason: "denied", Next: s.Next() + 1},
		DenialRechecked{Gen: s.TimerGen + 1, Reason: "denied", Next: s.Next() + 1},
		DenialRechecked{Gen: s.TimerGen, Reason: "denied", Next: s.Max},
		NotNow{Gen: s.TimerGen, Cause: "away"}, NotNow{Gen: s.TimerGen + 1, Cause: "away"},
		Claimed{left}, Claimed{State{ID: "cb1", Phase: Leasing, Attempt: most, Max: most}},
		Claimed{State{ID: "cb1", Phase: Dialing, Max: most}}, Claimed{},
		Taken{By: "lyon-2"}, EndedElsewhere{Outcome: Completed, Cause: "lost"},
		EndedElsewhere{Outcome: Failed, Cause: "lost"}, EndedElsewhere{Outcome: Expired, Cause: "lost"},
		EndedElsewhere{Outcome: Cancelled, Cause: "lost"},
		Cancel{By: "op"}, Restarted{}, Restarted{Then{Stop: true}}, Restarted{Then{Wait: 1}},
		Delay{NotBefore: s.NotBefore}, Delay{},
	}
	if s.NotBefore < 2 { // keeps the number of states finite
		out = append(out, Delay{NotBefore: s.NotBefore + 1, By: "CoA"},
			Delay{NotBefore: s.NotBefore + 1, By: "CoA", Away: true})
	}
	for _, l := range []uint64{0, s.Lease, s.Lease + 1} {
		out = append(out, OffHookEnded{Lease: l}, LineLost{Lease: l, Cause: "port closed"})
	}
	out = append(out, OffHookEnded{Lease: s.Lease, Err: "no OK"})
	for _, k := range []TimerKind{NoTimer, Lifetime, HangUpDeadline, LineRetry, Wait, RetryWait, OffHookDeadline,
		DialDeadline, LoginDeadline, Grace} {
		out = append(out, TimerFired{k, s.TimerGen}, TimerFired{k, s.LifeGen}, TimerFired{k, s.TimerGen - 1})
	}
	out = append(out, DialEnded{Attempt: s.Attempt, Lease: s.Lease + 1, Outcome: "busy"},
		DialEnded{Attempt: s.Attempt, Lease: s.Lease + 1, Connected: true})
	if s.Phase == Dialing {
		n, l := s.Attempt, s.Lease
		out = append(out, DialEnded{Attempt: n, Lease: l, Outcome: "busy", Away: true},
			DialEnded{Attempt: n, Lease: l, Outcome: "busy", Then: Then{Stop: true}},
			DialEnded{Attempt: n, Lease: l, Outcome: "glare", HeldBack: true, Then: Then{Stop: true}},
			DialEnded{Attempt: n, Lease: l, Outcome: "busy", Then: Then{Wait: 1}},
			DialEnded{Attempt: n, Lease: l, Outcome: "no script", Final: true, Next: s.Next()},
			DialEnded{Attempt: n, Lease: l, Outcome: "no script", Final: true, Next: s.Next() - 1},
			DialEnded{Attempt: n, Lease: l, Outcome: "no script", Final: true, Next: s.Next() + 1, Away: true})
	}
	for _, n := range []int{s.Attempt - 1, s.Attempt, s.Attempt + 1} {
		l := s.Lease
		out = append(out, DialEnded{Attempt: n, Lease: l, Connected: true},
			DialEnded{Attempt: n, Lease: l, Outcome: "busy"},
			DialEnded{Attempt: n, Lease: l, Outcome: "no carrier", Unproven: true},
			DialEnded{Attempt: n, Lease: l, Outcome: "not a number", Final: true, HeldBack: true},
			DialEnded{Attempt: n, Lease: l, Outcome: "glare", HeldBack: true},
			DialEnded{Attempt: n, Lease: l, Outcome: "line lost", HeldBack: true, Unproven: true},
			Admitted{Attempt: n}, NotAdmitted{Attempt: n, Cause: "bad password"},
			CallEnded{Attempt: n, Cause: "no carrier"}, CallEnded{Attempt: n, Cause: "no carrier", Unproven: true})
	}
	out = append(out, CallEnded{Attempt: s.Attempt, Cause: "no carrier", Away: true},
		CallEnded{Attempt: s.Attempt, Cause: "no carrier", Then: Then{Stop: true}},
		CallEnded{Attempt: s.Attempt, Cause: "no carrier", Unproven: true, Then: Then{Wait: 1}})
	return out
}

// explore visits every pair of state and world that up to depth events can reach, and passes the accepted steps to
// visit. It stops at the first step that breaks a law, and says which.
func explore(depth int, visit func(transition)) (pairs int, broken string) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // garbage collection took a third of the time
	type pair struct {
		s State
		w world
	}
	seen := map[pair]bool{{}: true}
	level := []pair{{}}
	for range depth {
		var nextLevel []pair
		for _, p := range level {
			for _, e := range events(p.s, p.w) {
				s, effects, ok := Step(p.s, e)
				tr, w := transition{p.s, s, e, effects, ok}, p.w
				if law := w.observe(tr); law != "" {
					return len(seen), fmt.Sprintf("%s:\n%+v\n%T%+v\n%+v\n%v", law, p.s, e, e, s, effects)
				}
				if !ok {
					continue
				}
				if visit != nil {
					visit(tr)
				}
				w.rename(&s)
				if n := (pair{s, w}); !seen[n] {
					seen[n] = true
					nextLevel = append(nextLevel, n)
				}
			}
		}
		level = nextLevel
	}
	return len(seen), ""
}

// rename renumbers the leases after each step: only which ones are out matters, not how many there were before.
func (w *world) rename(s *State) {
	if bits.OnesCount64(w.out) == 0 {
		w.lastLease = 0
	}
}

// TestAllSequences explores all lives once for all that is checked of them.
func TestAllSequences(t *testing.T) {
	depth := 10 // the shortest that takes every rule
	if os.Getenv("RINGBACK_LONG") != "" {
		depth = 14
	}
	used, entered := map[*rule]bool{}, map[Phase]int{}
	n, broken := explore(depth, func(tr transition) {
		used[find(tr.before, tr.event.input())] = true
		if tr.after.Phase != tr.before.Phase && tr.after.Phase.Pending() {
			entered[tr.after.Phase]++
			endsByItself(t, tr)
		}
	})
	if broken != "" {
		t.Fatal(broken)
	}
	t.Logf("%d pairs of state and world", n)
	for i := range table { // a rule that is never taken would be a false part of the diagram
		if r := &table[i]; !used[r] {
			t.Errorf("rule %d is never taken: %s on %s when %s", i, fromNames(r.from), r.on, guardNames(r.when))
		}
	}
	for _, p := range waitingPhases {
		if entered[p] == 0 {
			t.Errorf("%s was never entered", p)
		}
	}
}

// endsByItself checks, from the effects and not from the rules, that something will end the wait that a step begins:
// the phase's timer, or an open request for a line with the lifetime running.
func endsByItself(t *testing.T, tr transition) {
	t.Helper()
	switch p := tr.after.Phase; p {
	case Leasing:
		if !slices.Contains(tr.effects, Effect(Acquire{})) && !arms(tr.effects, LineRetry) {
			t.Errorf("%v enters leasing and neither requests a line nor will: %v", tr.event, tr.effects)
		}
	case Promised, Waiting, Dialing, Answered:
		if !slices.ContainsFunc(timersOf[p], func(k TimerKind) bool { return arms(tr.effects, k) }) {
			t.Errorf("%v enters %s and arms none of %v: %v", tr.event, p, timersOf[p], tr.effects)
		}
	}
}

// timersOf has the timers that can end each wait.
var timersOf = map[Phase][]TimerKind{Promised: {HangUpDeadline}, Waiting: {Wait, RetryWait}, Dialing: {DialDeadline},
	Answered: {LoginDeadline}}

func arms(effects []Effect, k TimerKind) bool {
	return slices.ContainsFunc(effects, func(e Effect) bool { a, ok := e.(ArmTimer); return ok && a.Kind == k })
}
