// Package policytest runs the tests that stand next to policy files: in GROUP.test.yaml, requests and what must be
// decided about them. It also describes requests for the commands that explain and compare decisions. It prints
// nothing.
package policytest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/policies"
)

// Report is the result of all tests.
type Report struct {
	Cases    int           `json:"cases"`
	Failures []Failure     `json:"failures"`
	Rules    []RuleReached `json:"rules"`    // in the order of evaluation
	Untested []string      `json:"untested"` // groups whose policy decided no test
}

// Failure is a case whose decision was another.
type Failure struct {
	File  string         `json:"file"`
	Line  int            `json:"line"`
	Name  string         `json:"name"`
	Diffs []Diff         `json:"diffs"`
	Trace policies.Trace `json:"trace"`
}

// Diff is what a decision has instead of what the test wants.
type Diff struct {
	Field string `json:"field"` // as in the file: outcome, number, …
	Got   string `json:"got"`
	Want  string `json:"want"`
}

// RuleReached is how many cases reached a rule.
type RuleReached struct {
	Rule      string `json:"rule"`
	Evaluated int    `json:"evaluated"`
	Decided   int    `json:"decided"`
}

// Run evaluates the cases with a set.
func Run(set *policies.Set, cases []Case) Report {
	r := Report{Cases: len(cases), Failures: []Failure{}, Untested: []string{}}
	reached := map[string]*RuleReached{}
	for _, rule := range policies.Rules() {
		r.Rules = append(r.Rules, RuleReached{Rule: rule})
	}
	for i := range r.Rules {
		reached[r.Rules[i].Rule] = &r.Rules[i]
	}
	tested := map[string]bool{}
	for _, c := range cases {
		d, trace := set.Evaluate(c.Asked.Request())
		tested[d.Group] = true
		for _, step := range trace {
			reached[step.Rule].Evaluated++
		}
		reached[trace.Decided()].Decided++
		if diffs := c.Want.diff(d, trace); len(diffs) > 0 {
			r.Failures = append(r.Failures, Failure{c.File, c.Line, c.Name, diffs, trace})
		}
	}
	for _, g := range set.Groups() {
		if !tested[g] {
			r.Untested = append(r.Untested, g)
		}
	}
	return r
}

func (w Want) diff(d policies.Decision, trace policies.Trace) (diffs []Diff) {
	add := func(field, got, want string, same bool) {
		if !same {
			diffs = append(diffs, Diff{field, got, want})
		}
	}
	rule := trace.Decided()
	add("outcome", string(d.Outcome), string(w.Outcome), d.Outcome == w.Outcome)
	add("group", d.Group, w.Group, d.Group == w.Group)
	add("number", d.Number.String(), w.Number, w.Number == "" || d.Number.String() == w.Number)
	var all []string
	for _, n := range d.Numbers() {
		all = append(all, n.String())
	}
	add("numbers", fmt.Sprint(all), fmt.Sprint(w.Numbers), len(w.Numbers) == 0 || slices.Equal(all, w.Numbers))
	add("reason", d.Reason, "… "+w.Reason+" …", strings.Contains(d.Reason, w.Reason))
	add("rule", rule, w.Rule, w.Rule == "" || rule == w.Rule)
	add("lines", fmt.Sprint(d.Lines), fmt.Sprint(w.Lines), len(w.Lines) == 0 || slices.Equal(d.Lines, w.Lines))
	add("script", d.Dial.Script, w.Script, w.Script == "" || d.Dial.Script == w.Script)
	add("modem_script", d.Dial.ModemScript, w.ModemScript, w.ModemScript == "" || d.Dial.ModemScript == w.ModemScript)
	add("system_script", d.Dial.SystemScript, w.SystemScript,
		w.SystemScript == "" || d.Dial.SystemScript == w.SystemScript)
	if w.Wait != nil {
		add("wait", d.Dial.Wait.String(), w.Wait.String(), d.Dial.Wait == *w.Wait)
	}
	if w.Record != nil {
		add("record", fmt.Sprint(d.Record), fmt.Sprint(*w.Record), d.Record == *w.Record)
	}
	if w.NoVerify != nil {
		add("no_verify", fmt.Sprint(d.NoVerify), fmt.Sprint(*w.NoVerify), d.NoVerify == *w.NoVerify)
	}
	return diffs
}
