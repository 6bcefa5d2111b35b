package callback

import (
	"slices"
	"time"

	"github.com/ringback/ringback/numbers"
)

// Plan is what the attempts of a callback dial: its steps in their order, each the given number of times. The dials of
// a plan are numbered from 0 over all its steps; State.Next is the next one.
type Plan []PlanStep

// PlanStep describes one or more identical dials.
type PlanStep struct {
	Number numbers.Number `json:"number"`
	Trunk  string         `json:"trunk,omitempty"`         // "": the site has no trunks
	Script string         `json:"script,omitempty"`        // pattern of chat script names; "": that of the line that dials
	Modem  string         `json:"modem_script,omitempty"`  // pattern that the script matches too; "": any
	System string         `json:"system_script,omitempty"` // pattern of the script that runs on the call; "": none
	Lines  []int          `json:"lines,omitempty"`         // the lines that may dial; none: those of Rotary
	Tiers  []int          `json:"tiers,omitempty"`         // of Lines: lines.Want.Tiers
	Rotary *int           `json:"rotary,omitempty"`        // nil: that of the called line
	Wait   time.Duration  `json:"wait,omitempty"`          // minimum, from the end of the previous dial
	Times  int            `json:"times"`                   // number of dials, at least 1
}

// Dials returns the number of dials in the plan: the budget of its callback.
func (p Plan) Dials() (n int) {
	for _, s := range p {
		n += s.Times
	}
	return n
}

// Step returns the index of the step that a dial belongs to; for a dial beyond the plan, the last step.
func (p Plan) Step(dial int) int {
	for i, s := range p {
		if dial < s.Times {
			return i
		}
		dial -= s.Times
	}
	return len(p) - 1
}

// Numbers returns the numbers of the plan, in the order of their first dials.
func (p Plan) Numbers() (all []numbers.Number) {
	for _, s := range p {
		if !slices.Contains(all, s.Number) {
			all = append(all, s.Number)
		}
	}
	return all
}

// Allowed returns the first dial from this one on whose number is allowed; 0 if there is none.
func (p Plan) Allowed(dial int, allowed func(numbers.Number) bool) int {
	for ; dial < p.Dials(); dial++ {
		if allowed(p[p.Step(dial)].Number) {
			return dial
		}
	}
	return 0
}

// Again returns the plan in which the dial after this one is of the same number, through its next trunk. The dials that
// would have followed come one later, and the last is left out. It also returns, for each of its steps, the index of
// the step in p that it is a copy of. p is unchanged. A plan of one number is returned as it is.
func (p Plan) Again(dial int) (Plan, []int) {
	at := p.Step(dial)
	from := make([]int, len(p))
	var same []int // the steps of the number, each trunk once
	for i, s := range p {
		from[i] = i
		if s.Times != 1 {
			return p, from
		}
		if s.Number == p[at].Number && !slices.ContainsFunc(same, func(j int) bool { return p[j].Trunk == s.Trunk }) {
			same = append(same, i)
		}
	}
	if dial+1 >= p.Dials() || p[at+1].Number == p[at].Number {
		return p, from
	}
	i := slices.IndexFunc(same, func(j int) bool { return p[j].Trunk == p[at].Trunk })
	from = slices.Insert(from, at+1, same[(i+1)%len(same)])[:len(p)]
	again := make(Plan, len(p))
	for i, j := range from {
		again[i] = p[j]
	}
	return again, from
}

// Shares reports whether two plans dial the same number.
func (p Plan) Shares(other Plan) bool {
	return slices.ContainsFunc(p, func(s PlanStep) bool {
		return slices.ContainsFunc(other, func(o PlanStep) bool { return o.Number == s.Number })
	})
}

// After returns the first dial of the step after that of dial; 0 if there is none.
func (p Plan) After(dial int) int {
	next := p[:p.Step(dial)+1].Dials()
	if next >= p.Dials() {
		return 0
	}
	return next
}

// SameLines reports whether two dials may be made from the same lines: each trunk may have its own.
func (p Plan) SameLines(a, b int) bool {
	x, y := p[p.Step(a)], p[p.Step(b)]
	same := x.Rotary == y.Rotary || x.Rotary != nil && y.Rotary != nil && *x.Rotary == *y.Rotary
	return same && x.Trunk == y.Trunk && slices.Equal(x.Lines, y.Lines)
}
