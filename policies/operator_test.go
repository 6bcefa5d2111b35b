package policies

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/numbers"
)

// What decides about an operator's number, and that nothing but an allow pattern of the group permits one.
func TestEvaluateOperator(t *testing.T) {
	hours := Hours{Zone: time.UTC}
	hours.Weekdays[time.Monday] = []Window{{From: 8 * 60, To: 18 * 60}}
	plan := numbers.Plan{Emergency: numbers.PatternsOf("911"), Own: numbers.PatternsOf("5555*")}
	set, err := New(Site{Plan: plan},
		Policy{Group: "operators", Numbers: Numbers{Allow: []string{"84*", "911", "5555*"}, Deny: []string{"849*"}},
			Limits: Limits{Group: Ceilings{Concurrent: 2}}},
		Policy{Group: "day", Numbers: Numbers{Allow: []string{"84*"}}, Hours: hours},
		Policy{Group: "guarded", Numbers: Numbers{Allow: []string{"84*"}}, Access: Access{Required: true}},
		Policy{Group: "default"})
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	open := map[string]AccessWindow{"guarded": {Until: monday.Add(time.Hour), Operators: 2}}
	for _, tt := range []struct {
		group, number string
		at, latest    time.Time
		windows       map[string]AccessWindow
		want          string // the number, or a part of the reason
	}{
		{"operators", "84-001", monday, monday, nil, "84001"},
		{"operators", "84901", monday, monday, nil, `deny "849*" is the longest match`},
		{"operators", "85001", monday, monday, nil, "must match a pattern of numbers.allow"},
		{"operators", "911", monday, monday, nil, "emergency number"},
		{"operators", "55551", monday, monday, nil, "own number"},
		{"operators", "84001,,5", monday, monday, nil, "','"},
		{"operators", "", monday, monday, nil, "empty"},
		{"default", "84001", monday, monday, nil, "must match a pattern of numbers.allow"},
		{"nobody", "84001", monday, monday, nil, `group "nobody" has no policy`},
		{"day", "84001", monday, monday, nil, "84001"},
		{"day", "84001", monday.Add(7 * time.Hour), monday, nil, "outside the hours"},
		{"day", "84001", monday, monday.Add(7 * time.Hour), nil, "the clock was set back"},
		{"guarded", "84001", monday, monday, nil, "no access window of group guarded is open"},
		{"guarded", "84001", monday, monday, open, "84001"},
		{"guarded", "84001", monday.Add(2 * time.Hour), monday, open, "is over"},
	} {
		d := set.EvaluateOperator(OperatorDial{Group: tt.group, Number: tt.number, User: "uid 7", TTY: 65, Time: tt.at,
			Latest: tt.latest, Windows: tt.windows})
		if d.Outcome == CallBack && d.Number.String() == tt.want {
			continue
		}
		if d.Outcome != Refuse || !d.Number.IsZero() || !strings.Contains(d.Reason, tt.want) {
			t.Errorf("%s %q at %v: %+v, want %q", tt.group, tt.number, tt.at, d, tt.want)
		}
	}
	if d := set.EvaluateOperator(OperatorDial{Group: "operators", Number: "84001"}); d.Limits.Group.Concurrent != 2 {
		t.Errorf("the limits of the group: %+v", d.Limits)
	}
	var none *Set
	if d := none.EvaluateOperator(OperatorDial{Group: "operators", Number: "84001"}); d.Outcome != Refuse {
		t.Errorf("without policies: %+v", d)
	}
}
