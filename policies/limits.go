package policies

import (
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/tariff"
)

// Limits are the ceilings of a group's callbacks, and the time limits of its sessions. The zero value sets none. The
// broker checks the ceilings when it records a promise: they depend on all other callbacks.
type Limits struct {
	User   Ceilings `json:"user,omitzero"`
	Number Ceilings `json:"number,omitzero"`
	Group  Ceilings `json:"group,omitzero"`
	Line   Ceilings `json:"line,omitzero"` // the line that was called

	SessionTime time.Duration `json:"session_time,omitempty"` // most of a session, if AAA does not set less; 0: none
	IdleTime    time.Duration `json:"idle_time,omitempty"`    // likewise
}

// Ceilings are what the callbacks of one user, number, group or line may use. A field that is 0 sets no limit.
type Ceilings struct {
	Concurrent int     `json:"concurrent,omitempty"` // callbacks at once, pending or connected
	Hour       Ceiling `json:"hour,omitzero"`
	Day        Ceiling `json:"day,omitzero"`
	Month      Ceiling `json:"month,omitzero"`
}

// Ceiling is the most that callbacks may use in one period. A field that is 0 sets no limit.
type Ceiling struct {
	Calls    int          `json:"calls,omitempty"`
	Failures int          `json:"failures,omitempty"` // calls after which nobody was admitted
	Minutes  int          `json:"minutes,omitempty"`
	Money    tariff.Money `json:"money,omitzero"`
}

// Money reports whether a ceiling is in money.
func (l Limits) Money() bool {
	for _, c := range []Ceilings{l.User, l.Number, l.Group, l.Line} {
		if max(c.Hour.Money, c.Day.Money, c.Month.Money) > 0 {
			return true
		}
	}
	return false
}

// LimitsMoney reports whether a group has a ceiling in money.
func (s *Set) LimitsMoney() (group string, yes bool) {
	if s == nil {
		return "", false
	}
	for name, p := range s.groups {
		if p.Limits.Money() && (!yes || name < group) {
			group, yes = name, true
		}
	}
	return group, yes
}

// ruleLimits copies the limits into the decision: they travel with the promise.
func ruleLimits(e *evaluation) (string, string, bool) {
	return e.policy.Limits.String(), "checked when the callback is recorded", false
}

// String returns the limits as a policy file has them, on one line.
func (l Limits) String() string {
	var parts []string
	for _, k := range limitKeys {
		if k.text == nil {
			continue
		}
		if text := k.text(Policy{Limits: l}); text != "" {
			parts = append(parts, k.Name+": "+text)
		}
	}
	return strings.Join(parts, ", ")
}

// CallOverhead is the longest time that a call may take in addition to its session: the dial and the hang-up. A ceiling
// reserves it for each attempt.
const CallOverhead = 5*time.Minute + 45*time.Second

// LongestCall returns how long a call of leg two may last under a ceiling if AAA sets no shorter Session-Timeout.
func (l Limits) LongestCall() time.Duration {
	if l.SessionTime > 0 {
		return l.SessionTime
	}
	return time.Hour
}

// checkLimits reports ceilings under which no callback fits.
func (p Policy) checkLimits(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	calls := p.Attempts.orDefault().Max
	least := time.Duration(calls) * (p.Limits.LongestCall() + CallOverhead)
	for _, scope := range []string{"user", "number", "group", "line"} {
		for _, period := range []string{"hour", "day", "month"} {
			c := v.Get(scope, period)
			for _, name := range []string{"calls", "failures"} {
				if at := c.Get(name); at.IsSet() && at.Int() < calls {
					problem(at, fmt.Sprintf("no callback fits: attempts.max is %d", calls), "write at least that")
				}
			}
			at := c.Get("minutes")
			if at.IsSet() && time.Duration(at.Int())*time.Minute < least {
				problem(at, fmt.Sprintf("no callback fits: attempts.max is %d, and each attempt may take %v", calls,
					p.Limits.LongestCall()+CallOverhead), "write a shorter limits.session_time, or more minutes")
			}
		}
	}
}

// limitKeys are the rows of `limits`.
var limitKeys = []key{
	{Key: schema.Key{Name: "limits", Type: schema.Object, Doc: "Ceilings of callbacks, and time limits of sessions. " +
		"A callback is promised only if the most that it can use fits under all ceilings: its attempts, and the " +
		"longest session with 5 min 45 s for the dial and the hang-up for each of them."}},
	ceilingsKey("user", "one user, with any method-list entry and letter case,",
		func(l *Limits) *Ceilings { return &l.User }),
	ceilingsKey("number", "one number, whichever user is there (of several numbers of a user, one without room is "+
		"left out),", func(l *Limits) *Ceilings { return &l.Number }),
	ceilingsKey("group", "all users of the group together", func(l *Limits) *Ceilings { return &l.Group }),
	ceilingsKey("line", "the callers of one line together", func(l *Limits) *Ceilings { return &l.Line }),
	timeKey("session_time", "8h", "Longest session, on both legs, if AAA sets no shorter Session-Timeout. A callback "+
		"under a ceiling reserves this time, or an hour if there is none.",
		func(l *Limits) *time.Duration { return &l.SessionTime }),
	timeKey("idle_time", "15m", "Longest time without input, if AAA sets no shorter Idle-Timeout.",
		func(l *Limits) *time.Duration { return &l.IdleTime }),
}

// timeKey is the row of a time limit.
func timeKey(name, example, doc string, of func(*Limits) *time.Duration) key {
	return key{
		in: "limits", late: true,
		Key: schema.Key{Name: name, Type: schema.Duration, Min: int64(time.Second), Max: int64(7 * 24 * time.Hour),
			Example: example, Doc: doc + " Default: no limit."},
		read: func(p *Policy, v *schema.Value) { *of(&p.Limits) = v.Duration() },
		text: func(p Policy) string {
			if d := *of(&p.Limits); d > 0 {
				return d.String()
			}
			return ""
		},
	}
}

// ceilingsKey is the row of one scope; of returns its field.
func ceilingsKey(scope, whose string, of func(*Limits) *Ceilings) key {
	keys := []schema.Key{{Name: "concurrent", Type: schema.Int, Min: 1, Max: 1e6, Example: "1",
		Doc: "Most callbacks at once, pending or connected. Default: no limit."}}
	for _, period := range []string{"hour", "day", "month"} {
		keys = append(keys, schema.Key{Name: period, Type: schema.Object, Keys: ceilingKeys,
			Doc: "Ceilings of each " + period + ", by the clock and the time zone of the machine."})
	}
	return key{
		in: "limits", late: true,
		Key: schema.Key{Name: scope, Type: schema.Object, Keys: keys, Doc: "What the callbacks of " + whose +
			" may use."},
		read: func(p *Policy, v *schema.Value) {
			*of(&p.Limits) = Ceilings{Concurrent: v.Get("concurrent").Int(), Hour: ceilingOf(v.Get("hour")),
				Day: ceilingOf(v.Get("day")), Month: ceilingOf(v.Get("month"))}
		},
		text: func(p Policy) string { return of(&p.Limits).text() },
	}
}

var ceilingKeys = []schema.Key{
	{Name: "calls", Type: schema.Int, Min: 1, Max: 1e9, Example: "10", Doc: "Most dials. Default: no limit."},
	{Name: "failures", Type: schema.Int, Min: 1, Max: 1e9, Example: "5",
		Doc: "Most dials after which nobody was admitted. Default: no limit."},
	{Name: "minutes", Type: schema.Int, Min: 1, Max: 1e9, Example: "600",
		Doc: "Most minutes for which lines dial and calls are connected. Default: no limit."},
	{Name: "money", Type: schema.String, Loose: true, Check: tariff.CheckCeiling, Example: "25.00",
		Doc: "Most money, in the currency of the tariff, which is required. A number without a rate is not called " +
			"back then. Default: no limit."},
}

func ceilingOf(v *schema.Value) Ceiling {
	money, _ := tariff.ParseMoney(v.Get("money").Text()) // the table has checked it; not set: 0
	return Ceiling{Calls: v.Get("calls").Int(), Failures: v.Get("failures").Int(), Minutes: v.Get("minutes").Int(),
		Money: money}
}

func (c Ceilings) text() string {
	var parts []string
	if c.Concurrent > 0 {
		parts = append(parts, fmt.Sprintf("concurrent: %d", c.Concurrent))
	}
	for _, p := range []struct {
		name string
		Ceiling
	}{{"hour", c.Hour}, {"day", c.Day}, {"month", c.Month}} {
		if p.Ceiling != (Ceiling{}) {
			parts = append(parts, p.name+": "+p.text())
		}
	}
	return braced(parts)
}

func (c Ceiling) text() string {
	var parts []string
	for _, f := range []struct {
		name string
		n    int
	}{{"calls", c.Calls}, {"failures", c.Failures}, {"minutes", c.Minutes}} {
		if f.n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", f.name, f.n))
		}
	}
	if c.Money > 0 {
		parts = append(parts, "money: "+c.Money.String())
	}
	return braced(parts)
}

func braced(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
