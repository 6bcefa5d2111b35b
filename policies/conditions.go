package policies

import (
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/policies/condition"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

// Condition is an element of `when`: a callback is promised only if the expression is true.
type Condition struct {
	Row  Row
	Expr *condition.Expression // nil is never true
}

// conditions compiles the elements of `when`. A file that several others extend is compiled once.
type conditions struct {
	compiler condition.Compiler
	done     map[*schema.Value]*condition.Expression
}

// read compiles the conditions of a policy, v being its flat values.
func (c *conditions) read(p *Policy, v *schema.Value) (problems schema.Problems) {
	for _, item := range v.Get("when").Items() {
		e, ok := c.done[item]
		if !ok {
			var err error
			if e, err = c.compiler.Compile(item.Text()); err != nil {
				problems = append(problems, problemAt(item, err.Error(), ""))
			}
			if c.done == nil {
				c.done = map[*schema.Value]*condition.Expression{}
			}
			c.done[item] = e
		}
		p.When = append(p.When, Condition{rowOf(item), e})
		if e.UsesTime() && p.Hours.Zone == nil {
			problems = append(problems, problemAt(item,
				"time, date and weekday are those of hours.zone, which is not set",
				"write hours: {zone: Europe/Paris}"))
		}
	}
	return problems
}

// whenText is the canonical text of the conditions. Their order has no meaning.
func (p Policy) whenText() string {
	if len(p.When) == 0 {
		return ""
	}
	var texts []string
	for _, c := range p.When {
		texts = append(texts, c.Row.Text)
	}
	return sorted(texts)
}

func (c Condition) String() string {
	text := printable(c.Row.Text)
	if c.Row.At == "" {
		return text
	}
	return c.Row.At + ": " + text
}

// ruleWhen: every condition must be true; one that cannot be evaluated is not. Like the hours, they are those of the
// promise. After the clock was set back they must have been true at its former time, too.
func ruleWhen(e *evaluation) (string, string, bool) {
	var at []string
	for _, c := range e.policy.When {
		at = append(at, c.Row.At)
	}
	input := strings.Join(at, ", ")
	if e.Promised != nil && !e.Renewed {
		return input, "not checked again: the callback was promised", false
	}
	now := e.conditionFacts(e.Time)
	var before *condition.Facts
	if e.Latest.After(e.Time) {
		before = e.conditionFacts(e.Latest)
	}
	for _, c := range e.policy.When {
		why := c.fails(now)
		if why == "" && before != nil && c.Expr.UsesTime() {
			if why = c.fails(before); why != "" {
				why += " at " + before.Time.Format("15:04 MST") + ", from which the clock was set back"
			}
		}
		if why != "" {
			return e.refuse(input, texts.RefusedCallback, "change when in the group's policy file", "group %s: when %s",
				e.policy.name(), why)
		}
	}
	return input, "true", false
}

// fails returns why a condition is not true; "": it is.
func (c Condition) fails(f *condition.Facts) string {
	switch holds, err := c.Expr.Holds(f); {
	case err != nil:
		return fmt.Sprintf("cannot be evaluated (%s): %s", printable(err.Error()), c)
	case !holds:
		return "is false: " + c.String()
	}
	return ""
}

// conditionFacts are what conditions can know about the request, at a time.
func (e *evaluation) conditionFacts(at time.Time) *condition.Facts {
	if zone := e.policy.Hours.Zone; zone != nil {
		at = at.In(zone)
	}
	f := &condition.Facts{User: e.Identity.User, Realm: realmOf(e.Identity.User), Entry: e.Identity.Entry,
		Group: e.policy.name(), Groups: e.Auth.Groups, Service: string(e.Service), Number: e.d.Number.String(),
		Origin: string(e.d.Origin), Called: e.Line.Digits(e.Called), Calling: e.set.calling(e.Request),
		Line: e.TTY, Rotary: -1, Priv: e.Auth.PrivLevel, Time: at}
	if e.Line.Rotary != nil {
		f.Rotary = *e.Line.Rotary
	}
	return f
}
