package policies

import (
	"fmt"
	"slices"

	"github.com/ringback/ringback/numbers"
)

// ruleSeveral evaluates each of several numbers by itself, and drops those that may not be dialed. If none is left, the
// one that came furthest is evaluated again, and refused. For a pending callback, and on leg two, it only finds the
// number in question.
func ruleSeveral(e *evaluation) (string, string, bool) {
	input := fmt.Sprintf("%d numbers from %s", len(e.several), e.d.Origin)
	switch {
	case e.Promised != nil:
		return input, e.pick(e.Promised.Number), false
	case e.otherService():
		return input, e.pick(e.CalledBack), false
	}
	var allowed []numbers.Number
	furthest := -1
	for i, c := range e.several {
		e.at = ""
		n, passed, why := e.try(c)
		if why == "" && slices.Contains(allowed, n) {
			why = "it is the same as one before it"
		}
		if len(allowed) == 0 && passed > furthest {
			furthest, e.candidate = passed, c
		}
		if why == "" {
			allowed = append(allowed, n)
			continue
		}
		e.steps = append(e.steps, Step{Input: fmt.Sprintf("%d of %d: %s", i+1, len(e.several), e.shown(c)),
			Result: e.text("dropped: ", why), At: e.at})
	}
	e.at = ""
	if len(allowed) == 0 {
		return input, "none may be dialed", false
	}
	e.d.Further = allowed[1:]
	return input, fmt.Sprintf("%d may be dialed", len(allowed)), false
}

// try evaluates one number. It returns how many rules it passed, and what is against it; "": it may be dialed.
func (e *evaluation) try(c candidate) (n numbers.Number, passed int, why string) {
	before, current := e.d, e.candidate
	defer func() { e.d, e.candidate = before, current }()
	e.candidate = c
	for i, r := range numberRules {
		if !e.applies(r.when) {
			continue
		}
		if _, _, decided := r.do(e); decided {
			return e.d.Number, i, r.name + ": " + e.d.Reason
		}
	}
	return e.d.Number, len(numberRules), ""
}

// pick makes the candidate with this number the one that is evaluated, if there is one: otherwise a later rule finds
// that the number is another one.
func (e *evaluation) pick(n numbers.Number) string {
	for _, c := range e.several {
		number, err := c.known, error(nil)
		if number.IsZero() {
			number, err = e.set.site.Plan.Canonical(c.raw, e.notation())
		}
		if err == nil && number == n {
			e.candidate = c
			return e.shown(c)
		}
	}
	return "not " + n.String()
}

// shown is a number as a trace has it.
func (e *evaluation) shown(c candidate) string {
	if c.known.IsZero() {
		return e.clip(c.raw)
	}
	return c.known.String()
}
