package policies

import (
	"fmt"
	"strings"
)

// Step is one rule that was evaluated.
type Step struct {
	Rule   string `json:"rule"`
	Input  string `json:"input"`  // what the rule saw; text from outside is quoted
	Result string `json:"result"` // its result
	// At is where the values of policy files that it looked at are written, "eng.yaml:5, base.yaml:2", or that which
	// decided; "": in none, or the result says it.
	At string `json:"at,omitempty"`
}

// Trace lists the rules in the order of evaluation, up to the one that decided: the explanation of a Decision. It holds
// no secret, but it has telephone numbers.
type Trace []Step

// Decided returns the name of the rule that decided.
func (t Trace) Decided() string {
	if len(t) == 0 {
		return ""
	}
	return t[len(t)-1].Rule
}

// String returns text for people, one line per rule.
func (t Trace) String() string {
	rule, input := 0, 0
	for _, s := range t {
		rule, input = max(rule, len([]rune(s.Rule))), max(input, min(len([]rune(s.Input)), 64))
	}
	var b strings.Builder
	for i, s := range t {
		fmt.Fprintf(&b, "%2d  %-*s  %-*s  %s", i+1, rule, s.Rule, input, s.Input, s.Result)
		if s.At != "" {
			fmt.Fprintf(&b, "  (%s)", s.At)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
