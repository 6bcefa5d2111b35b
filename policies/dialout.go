package policies

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

// DialOuts says which numbers the users of a group may have dialed for them. The zero value permits none.
type DialOuts struct {
	Allow, Deny []string      // patterns
	SessionTime time.Duration // most of a call; 0: DefaultDialOut
}

// DefaultDialOut is how long a call that a person asked for may last if neither its group nor AAA says it.
const DefaultDialOut = time.Hour

const dialOut = "dial_out"

// dialOutKeys are the rows of `dial_out`.
var dialOutKeys = []key{
	{Key: schema.Key{Name: dialOut, Type: schema.Object, Doc: "Lets users of the group dial out: at the emulated AT " +
		"prompt of a line, and with `ringback call`. AAA must grant it too (RADIUS Service-Type Outbound). The " +
		"group's " +
		"`hours`, `access`, `when`, `limits`, `numbers.deny` and classes apply as to callbacks, whose ceilings these " +
		"calls share. Default: nobody may."}},
	{
		in: dialOut, late: true,
		Key: schema.Key{Name: "allow", Type: schema.List, Elem: pattern, Default: "[]", Example: `["84*"]`,
			Doc: "Patterns of numbers that may be dialed. Any other number is denied, also one that AAA or a site's " +
				"profile fixes."},
		read: func(p *Policy, v *schema.Value) { p.DialOut.Allow = v.Texts() },
		text: func(p Policy) string { return sorted(p.DialOut.Allow) },
	},
	{
		in: dialOut, late: true,
		Key: schema.Key{Name: "deny", Type: schema.List, Elem: pattern, Default: "[]", Example: `["849*"]`,
			Doc: "Patterns of numbers that are denied, in addition to `numbers.deny`. The longest pattern decides, " +
				"and " +
				"of two of the same length the one that denies."},
		read: func(p *Policy, v *schema.Value) { p.DialOut.Deny = v.Texts() },
		text: func(p Policy) string { return sorted(p.DialOut.Deny) },
	},
	{
		in: dialOut, late: true,
		Key: schema.Key{Name: "session_time", Type: schema.Duration, Min: int64(time.Minute),
			Max: int64(24 * time.Hour), Default: DefaultDialOut.String(),
			Example: "15m", Doc: "Longest time of a call, if neither AAA nor " +
				"`limits.session_time` sets less."},
		read: func(p *Policy, v *schema.Value) {
			if v.IsSet() {
				p.DialOut.SessionTime = v.Duration()
			}
		},
		text: func(p Policy) string { return p.DialOut.longest().String() },
	},
}

func (d DialOuts) longest() time.Duration {
	if d.SessionTime > 0 {
		return d.SessionTime
	}
	return DefaultDialOut
}

// ruleDialOut finds the number of a dial-out: the user's, or else the first one that AAA fixed.
func ruleDialOut(e *evaluation) (string, string, bool) {
	input := e.text(dialOut+".allow: ", strings.Join(e.policy.DialOut.Allow, ", "))
	fixed := e.Auth.Numbers()
	switch {
	case e.Auth.DialOut == nil:
		return e.refuse(input, texts.RefusedAccess,
			"grant Service-Type Outbound (RADIUS), service=outbound (TACACS+) or "+
				"dial_out: true (local user)", "AAA does not say that the user may dial out")
	case e.policy.RawAccess && len(e.policy.DialOut.Allow) == 0 && e.FromCaller == nil:
		return e.decide(AskNumber, input, "", "", "the user may have the modem itself")
	case len(e.policy.DialOut.Allow) == 0:
		return e.refuse(dialOut+" unset", texts.RefusedNumberDenied,
			`write dial_out: {allow: ["84*"]} in the group's policy file`,
			"group %s permits no dial-out", e.policy.name())
	case e.FromCaller != nil:
		e.raw, e.d.Origin = *e.FromCaller, numbers.OriginCaller
		return input, "the user gave the number", false
	case len(fixed) > 0:
		e.raw, e.d.Origin = fixed[0], numbers.OriginAAA
		return input, "AAA fixed the number", false
	}
	return e.decide(AskNumber, input, "", "", "the user chooses the number")
}

// ruleDialOutFixed: if AAA fixes numbers, the user may choose among these only.
func ruleDialOutFixed(e *evaluation) (string, string, bool) {
	fixed := e.Auth.Numbers()
	input := fmt.Sprintf("%s, AAA: %q", e.d.Number, fixed)
	if len(fixed) == 0 || slices.ContainsFunc(fixed, func(raw string) bool {
		n, err := e.set.site.Plan.Canonical(raw, numbers.OriginAAA)
		return err == nil && n == e.d.Number
	}) {
		return input, "continue", false
	}
	return e.denied(input, "add it to the numbers of the user at the AAA server", "AAA fixes other numbers")
}

// ruleDialed ends the rules of a dial-out: nothing has denied it.
func ruleDialed(e *evaluation) (string, string, bool) {
	longest := e.Auth.Limited(e.policy.Limits.SessionTime, 0).SessionTimeout
	e.d.Limits.SessionTime = e.policy.DialOut.longest()
	if longest > 0 {
		e.d.Limits.SessionTime = min(e.d.Limits.SessionTime, longest)
	}
	return e.decide(DialOut, e.d.Number.String(), "", "", "the number may be dialed, for "+
		e.d.Limits.SessionTime.String()+" at most")
}

// dialOutVerdict applies the lists to the number of a dial-out.
func (e *evaluation) dialOutVerdict() (allowed bool, why string) {
	a, al := e.policy.outAllow.Longest(e.d.Number)
	key := "numbers.deny"
	d, dl := e.policy.deny.Longest(e.d.Number)
	if other, n := e.policy.outDeny.Longest(e.d.Number); n > dl {
		key, d, dl = dialOut+".deny", other, n
	}
	switch {
	case dl >= 0 && dl >= al:
		e.at = e.policy.written.element(key, d)
		return false, e.text("deny ", e.quote(d), " is the longest match")
	case al >= 0:
		e.at = e.policy.written.element(dialOut+".allow", a)
		return true, e.text("allow ", e.quote(a), " is the longest match")
	}
	return false, "a number must match a pattern of dial_out.allow, and none does"
}

// dialsOut reports whether the request is about a dial-out.
func (e *evaluation) dialsOut() bool { return e.Service == aaa.Outbound }
