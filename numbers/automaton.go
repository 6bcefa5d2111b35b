package numbers

import (
	"encoding/binary"
	"fmt"
	"regexp/syntax"
	"slices"
)

// automaton matches digits with a regular expression, one step per digit and without memory: a state is an index, and
// next has the state after each digit. The expressions of numbering plans are alternatives of hundreds of prefixes,
// for which package regexp tries one after the other.
type automaton struct {
	next    [][10]int32
	accepts []bool // by state: the digits so far match
}

// The first two states of every automaton.
const (
	failed = iota // no further digit helps
	begun
)

// newAutomaton compiles an expression of digits, groups, classes and repetitions, which is all that numbering plans
// have; it panics at any other.
func newAutomaton(expression string) automaton {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		panic(fmt.Sprintf("numbers: %q: %v", expression, err))
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		panic(fmt.Sprintf("numbers: %q: %v", expression, err))
	}
	var a automaton
	states := map[string]int32{}
	var sets [][]uint32 // of instructions of prog, by state
	var key []byte
	state := func(set []uint32) int32 {
		key = key[:0]
		for _, pc := range set {
			key = binary.LittleEndian.AppendUint32(key, pc)
		}
		i, ok := states[string(key)]
		if !ok {
			i = int32(len(sets))
			states[string(key)], sets = i, append(sets, set)
			a.next = append(a.next, [10]int32{})
			a.accepts = append(a.accepts, slices.ContainsFunc(set, func(pc uint32) bool {
				return prog.Inst[pc].Op == syntax.InstMatch
			}))
		}
		return i
	}
	state(nil)
	state(reach(prog, nil, uint32(prog.Start)))
	for i := begun; i < len(sets); i++ {
		for d := range 10 {
			var after []uint32
			for _, pc := range sets[i] {
				if inst := &prog.Inst[pc]; inst.Op != syntax.InstMatch && inst.MatchRune(rune('0'+d)) {
					after = reach(prog, after, inst.Out)
				}
			}
			slices.Sort(after)
			a.next[i][d] = state(after)
		}
	}
	return a
}

// reach adds to a set the instruction that a program is at, or those that it leads to without a further digit.
func reach(prog *syntax.Prog, set []uint32, pc uint32) []uint32 {
	switch inst := &prog.Inst[pc]; inst.Op {
	case syntax.InstFail:
		return set
	case syntax.InstNop, syntax.InstCapture:
		return reach(prog, set, inst.Out)
	case syntax.InstAlt, syntax.InstAltMatch:
		return reach(prog, reach(prog, set, inst.Out), inst.Arg)
	case syntax.InstEmptyWidth:
		panic("numbers: an expression of a numbering plan has an anchor")
	}
	if slices.Contains(set, pc) {
		return set
	}
	return append(set, pc)
}

// matches reports whether the expression matches all digits.
func (a automaton) matches(digits string) bool {
	state, _ := a.run(digits)
	return a.accepts[state]
}

// begins reports whether the expression matches the first of the digits.
func (a automaton) begins(digits string) bool {
	_, passed := a.run(digits)
	return passed
}

// run returns the state after the digits, and whether a state on the way accepts.
func (a automaton) run(digits string) (state int32, passed bool) {
	state = begun
	passed = a.accepts[state]
	for i := 0; i < len(digits) && state != failed; i++ {
		state = a.next[state][digits[i]-'0']
		passed = passed || a.accepts[state]
	}
	return state, passed
}
