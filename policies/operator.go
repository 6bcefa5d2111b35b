package policies

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/texts"
)

// OperatorDial is a number that an operator wants to dial, under the policy of a group.
type OperatorDial struct {
	Group   string
	Number  string // in any notation of the number plan that AAA may use
	User    string // the operator
	TTY     int    // the line that dials
	Line    Line
	Time    time.Time
	Latest  time.Time               // as in a Request
	Windows map[string]AccessWindow // likewise
}

// operatorRules are those of an OperatorDial: what a callback's rules say about when and what may be dialed.
var operatorRules = slices.Concat([]rule{
	{name: RuleAccess, do: ruleAccess, when: whenAccess},
	{name: RuleHours, do: ruleHours, when: whenHours},
}, numberRules, []rule{
	{name: "allow pattern", do: ruleAllowed},
	{name: "limits", do: ruleLimits, when: whenLimits},
})

// ruleAllowed requires a pattern that allows the number: no AAA server has vouched for it.
func ruleAllowed(e *evaluation) (string, string, bool) {
	p, n := e.policy.allow.Longest(e.d.Number)
	if n < 0 {
		return e.refuse(e.d.Number.String(), texts.RefusedNumberDenied,
			"add its pattern to numbers.allow in the group's policy file",
			"group %s: an operator's number must match a pattern of numbers.allow, and none does", e.policy.name())
	}
	return e.d.Number.String(), "allow " + e.quote(p), false
}

// EvaluateOperator decides whether an operator may dial a number. The Decision is CallBack with the number and the
// limits that apply, or Refuse. A group without a policy permits nothing.
func (s *Set) EvaluateOperator(o OperatorDial) Decision {
	var g group
	ok := false
	if s != nil {
		g, ok = s.groups[o.Group]
	}
	if !ok {
		return Decision{Outcome: Refuse, Reason: fmt.Sprintf("group %q has no policy", o.Group),
			Hint: "write its policy file", Group: o.Group}
	}
	r := Ask(aaa.Request{TTY: o.TTY}, aaa.Result{Identity: aaa.Identity{User: o.User}}, o.Line, o.Time, Used{})
	r.Latest, r.Windows = o.Latest, o.Windows
	e := &evaluation{Request: r, set: s, policy: g, candidate: candidate{raw: o.Number}}
	e.d = Decision{Group: g.name(), Digest: g.digest, Limits: g.Limits, Origin: numbers.OriginAAA}
	for _, r := range operatorRules {
		if !e.applies(r.when) {
			continue
		}
		if _, _, decided := r.do(e); decided {
			e.d.Number = numbers.Number{}
			if r.name == rulePlanName { // its hint is about AAA
				e.d.Hint = ""
			}
			return e.d
		}
	}
	e.d.Outcome, e.d.Reason = CallBack, "allowed by the policy of group "+g.name()
	return e.d
}
