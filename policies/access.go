package policies

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

// Access says when a group's users may come in: at any time (the zero value), or only while an access window is open,
// which operators open for a limited time.
type Access struct {
	Required  bool          // an access window is required (`window: required`)
	Approvals int           // operators who must agree to open one, 1 or 2; 0 means 1
	Max       time.Duration // longest window; 0 means DefaultAccessMax
	Continue  bool          // sessions go on after the window's end (`sessions: continue`)
}

// Limits of access windows.
const (
	DefaultAccessMax = 24 * time.Hour
	MinAccess        = time.Minute
	maxAccess        = 30 * 24 * time.Hour
)

// Values of the keys of access.
const (
	windowNone     = "none"
	windowRequired = "required"
	sessionsEnd    = "end"
	sessionsGoOn   = "continue"
)

// AccessWindow is an access window of a group that operators have opened and not closed.
type AccessWindow struct {
	Until     time.Time
	Operators int // who have agreed to it
}

// Longest returns the maximum length of a window.
func (a Access) Longest() time.Duration {
	if a.Max <= 0 {
		return DefaultAccessMax
	}
	return min(a.Max, maxAccess)
}

// Operators returns how many operators must agree to a window: 1 or 2.
func (a Access) Operators() int { return min(max(a.Approvals, 1), 2) }

// RuleAccess is the name of the rule about access windows.
const RuleAccess = "access window"

// ruleAccess: without an open window nobody comes in, on either leg, and nothing is dialed, whatever was promised. If
// the clock was set back, the time that it had before must be in the window too.
func ruleAccess(e *evaluation) (string, string, bool) {
	name, want := e.policy.name(), e.policy.Access.Operators()
	w, ok := e.Windows[name]
	if !ok {
		return e.refuse("none", texts.RefusedAccess, openHint(name), "no access window of group %s is open", name)
	}
	input := fmt.Sprintf("until %s, by %d of %d operators", w.Until.UTC().Format(time.RFC3339), w.Operators, want)
	now := e.Time
	if e.Latest.After(now) {
		now = e.Latest
	}
	switch {
	case !now.Before(w.Until):
		return e.refuse(input, texts.RefusedAccess, openHint(name), "the access window of group %s is over", name)
	case w.Operators < want:
		return e.refuse(input, texts.RefusedAccess, "close the window and open it again",
			"one operator has opened the access window of group %s, and two are required", name)
	}
	return input, "open", false
}

// Window returns the access window in which a request of the past was decided; false if none was required or open.
func (t Trace) Window() (w AccessWindow, open bool) {
	for _, s := range t {
		if s.Rule != RuleAccess {
			continue
		}
		until, operators, _ := strings.Cut(strings.TrimPrefix(s.Input, "until "), ", by ")
		operators, _, _ = strings.Cut(operators, " ")
		end, err := time.Parse(time.RFC3339, until)
		n, err2 := strconv.Atoi(operators)
		// The text has no fractions of a second, so the end may be a second later.
		return AccessWindow{Until: end.Add(time.Second), Operators: n}, err == nil && err2 == nil
	}
	return AccessWindow{}, false
}

func openHint(group string) string {
	return "ringback policy open " + group + " --for 4h --reason TEXT"
}

// checkAccess reports keys that have no effect: without a window the group's users may come in at any time.
func checkAccess(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	if v.IsSet() && !v.Get("window").IsSet() {
		problem(v, "has no window, so users may come in at any time", "write window: required or window: none")
	}
}

// accessKeys are the rows of the key access.
var accessKeys = []key{
	{Key: schema.Key{Name: "access", Type: schema.Object,
		Doc: "Whether the group's users may come in only while an operator has opened an access window."}},
	{
		in: "access",
		Key: schema.Key{Name: "window", Type: schema.String, Enum: []string{windowNone, windowRequired},
			Default: windowNone, Example: windowRequired,
			Doc: "`required`: nobody of the group is admitted or called back, on either leg, unless an access " +
				"window is open (`ringback policy open GROUP`). A callback that was promised in a window is not " +
				"dialed after its end. `none`: no window is needed."},
		read: func(p *Policy, v *schema.Value) { p.Access.Required = v.Text() == windowRequired },
		text: func(p Policy) string {
			return map[bool]string{false: windowNone, true: windowRequired}[p.Access.Required]
		},
		late: true,
	},
	{
		in: "access",
		Key: schema.Key{Name: "approvals", Type: schema.Int, Min: 1, Max: 2, Default: "1", Example: "2",
			Doc: "How many operators must agree to a window. `2`: it opens when a second operator, another user " +
				"of the admin socket, approves it (`ringback policy approve GROUP --for TIME " +
				"--reason TEXT`); see `api.group`."},
		read: func(p *Policy, v *schema.Value) { p.Access.Approvals = v.Int() },
		text: func(p Policy) string { return fmt.Sprint(p.Access.Operators()) },
		late: true,
	},
	{
		in: "access",
		Key: schema.Key{Name: "max", Type: schema.Duration, Min: int64(MinAccess), Max: int64(maxAccess),
			Default: DefaultAccessMax.String(), Example: "8h",
			Doc: "Longest window that may be opened."},
		read: func(p *Policy, v *schema.Value) { p.Access.Max = v.Duration() },
		text: func(p Policy) string { return p.Access.Longest().String() },
		late: true,
	},
	{
		in: "access",
		Key: schema.Key{Name: "sessions", Type: schema.String, Enum: []string{sessionsEnd, sessionsGoOn},
			Default: sessionsEnd, Example: sessionsGoOn,
			Doc: "What happens to the sessions of the group when the window ends or is closed: `end` hangs them " +
				"up, `continue` lets them go on."},
		read: func(p *Policy, v *schema.Value) { p.Access.Continue = v.Text() == sessionsGoOn },
		text: func(p Policy) string {
			return map[bool]string{false: sessionsEnd, true: sessionsGoOn}[p.Access.Continue]
		},
		late: true,
	},
}
