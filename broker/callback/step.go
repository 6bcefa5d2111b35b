package callback

import "slices"

// Step returns the state after e happens in s, and the effects that follow. ok is false if no rule covers the two (a
// stale event, or one out of place): then the state is returned unchanged and there are no effects. The result depends
// only on s and e.
func Step(s State, e Event) (next State, effects []Effect, ok bool) {
	if e == nil {
		return s, nil, false
	}
	in := e.input()
	r := find(s, in)
	if r == nil {
		return s, nil, false
	}
	d := &draft{s: s, e: in}
	if in.on == "TimerFired" && in.timer == s.Timer {
		d.s.Timer = NoTimer
	}
	if r.to != same && r.to != s.Phase {
		d.leave()
		if d.s.Phase = r.to; r.to == marked {
			d.s.Phase = s.Ending
		}
	}
	for _, a := range r.do {
		a.do(d)
	}
	if d.s.Phase.Terminal() && !s.Phase.Terminal() {
		d.finish()
	}
	return d.s, d.out, true
}

// Ends returns the end that a fleet must record before this node takes the step: of a callback that has no attempt in
// progress, so that another node may have it. After an attempt the node's own journal comes first.
func Ends(s State, e Event) (End, bool) {
	_, elsewhere := e.(EndedElsewhere)
	_, effects, _ := Step(s, e)
	if elsewhere || s.Phase == Dialing || s.Phase == Answered || len(effects) == 0 {
		return End{}, false
	}
	end, ok := effects[len(effects)-1].(End)
	return end, ok
}

// find returns the first rule that covers the event in this state, or nil.
func find(s State, in input) *rule {
	for i := range table {
		r := &table[i]
		if r.on == in.on && slices.Contains(r.from, s.Phase) && r.applies(s, in) {
			return r
		}
	}
	return nil
}

// rule is one row of the table. The first rule that covers an event in a phase is used.
type rule struct {
	from []Phase
	on   On
	when []guard // all must be true
	to   Phase   // same: the phase does not change
	do   []action
	why  string
}

// same means "the phase does not change" in rules for several phases; marked is the end that was marked before
// (State.Ending).
const (
	same   Phase = "same"
	marked Phase = "marked"
)

// ends are the phases that may be marked.
var ends = []Phase{Failed, Expired, Cancelled, GivenUp}

func (r *rule) applies(s State, in input) bool {
	for _, g := range r.when {
		if !g.holds(s, in) {
			return false
		}
	}
	return true
}

// guard is a condition, with its name in the diagram.
type guard struct {
	name  string
	holds func(s State, e input) bool
}

// action changes the draft of the next state and adds effects to it. The diagram shows its name.
type action struct {
	name string
	do   func(d *draft)
}

// draft is the next state under construction.
type draft struct {
	s     State
	e     input
	again bool // the counted attempt is one whose dial command was held back
	out   []Effect
}

func (d *draft) add(e ...Effect) { d.out = append(d.out, e...) }

// leave stops what belongs to the phase that ends: its timer, its request for a line, its sub-steps.
func (d *draft) leave() {
	if d.s.Timer != NoTimer {
		d.add(StopTimer{d.s.Timer, d.s.TimerGen})
		d.s.Timer = NoTimer
	}
	if d.s.Asked && d.e.on != "Leased" && d.e.on != "NoLine" && d.e.on != "Restarted" {
		d.add(StopAcquire{})
	}
	d.s.Asked, d.s.Forced, d.s.Ready, d.s.Elapsed, d.s.Checking = false, false, false, false, false
}

// finish does what all ends have in common. It follows the actions of the rule, so the line is returned first.
func (d *draft) finish() {
	over := d.e.on == "TimerFired" && d.e.timer == Lifetime
	if !over && d.e.on != "Restarted" && d.e.on != "Claimed" && !d.s.Overdue {
		d.add(StopTimer{Lifetime, d.s.LifeGen})
	}
	d.s.Ending, d.s.Decided = "", false
	if d.s.Phase != GivenUp {
		d.add(End{d.s.Phase, d.s.Cause})
	}
}

// arm starts a timer of the phase.
func (d *draft) arm(k TimerKind, full bool) {
	d.s.TimerGen++
	d.s.Timer = k
	d.add(ArmTimer{Kind: k, Gen: d.s.TimerGen, Full: full})
}
