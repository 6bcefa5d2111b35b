package policies

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/trunks"
)

// What decides about a dial-out: AAA and the group must both permit it, and a number that AAA fixes permits no other.
func TestEvaluateDialOut(t *testing.T) {
	hours := Hours{Zone: time.UTC}
	hours.Weekdays[time.Monday] = []Window{{From: 8 * 60, To: 18 * 60}}
	plan := numbers.Plan{Emergency: numbers.PatternsOf("911"), Own: numbers.PatternsOf("5555*")}
	out := DialOuts{Allow: []string{"84*", "911", "5555*", "8601"}, Deny: []string{"8499*"}}
	set, err := New(Site{Plan: plan},
		Policy{Group: "out", Users: []string{"kim"}, DialOut: out, Numbers: Numbers{Deny: []string{"849*", "86*"}},
			Limits: Limits{User: Ceilings{Concurrent: 1}}},
		Policy{Group: "short", Users: []string{"ann"}, DialOut: DialOuts{Allow: []string{"84*"},
			SessionTime: 10 * time.Minute}, Limits: Limits{SessionTime: 20 * time.Minute}},
		Policy{Group: "day", Users: []string{"dan"}, DialOut: out, Hours: hours},
		Policy{Group: "off", Users: []string{"oli"}, DialOut: out, Callback: Off},
		Policy{Group: "secret", Users: []string{"sue"}, DialOut: out, Callback: Secure},
		Policy{Group: "default", Numbers: Numbers{From: []Source{FromAAA, FromCaller}, Allow: []string{"*"}}})
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	typed := func(s string) *string { return &s }
	granted := aaa.Authorization{DialOut: &aaa.DialOut{}}
	fixed := aaa.Authorization{DialOut: &aaa.DialOut{}, Dialstring: aaa.DialstringOf("84-001"),
		Further: []string{"84002"}}
	limited := aaa.Authorization{DialOut: &aaa.DialOut{}, SessionTimeout: 5 * time.Minute}
	for _, tt := range []struct {
		name    string
		user    string
		auth    aaa.Authorization
		typed   *string
		at      time.Time
		outcome Outcome
		want    string // the number, or a part of the reason
		longest time.Duration
	}{
		{"a number", "kim", granted, typed("84001"), monday, DialOut, "84001", time.Hour},
		{"the group's time", "ann", granted, typed("84001"), monday, DialOut, "84001", 10 * time.Minute},
		{"AAA's time", "ann", limited, typed("84001"), monday, DialOut, "84001", 5 * time.Minute},
		{"a group without callbacks", "oli", granted, typed("84001"), monday, DialOut, "84001", time.Hour},
		{"a group with secret decisions", "sue", granted, typed("84001"), monday, DialOut, "84001", time.Hour},
		{"not granted", "kim", aaa.Authorization{}, typed("84001"), monday, Refuse,
			"does not say that the user may dial out", 0},
		{"a refusal", "kim", aaa.Authorization{DialOut: &aaa.DialOut{}, Refuse: "no"}, typed("84001"), monday, Refuse,
			"cannot be honored", 0},
		{"not permitted", "tom", granted, typed("84001"), monday, Refuse, "group default permits no dial-out", 0},
		{"not listed", "kim", granted, typed("85001"), monday, InvalidNumber,
			"must match a pattern of dial_out.allow", 0},
		{"denied for callbacks", "kim", granted, typed("84901"), monday, InvalidNumber, `deny "849*"`, 0},
		{"denied for dial-outs", "kim", granted, typed("84991"), monday, InvalidNumber, `deny "8499*"`, 0},
		{"allowed by a longer pattern", "kim", granted, typed("8601"), monday, DialOut, "8601", time.Hour},
		{"an emergency number", "kim", granted, typed("911"), monday, InvalidNumber, "emergency number", 0},
		{"an own number", "kim", granted, typed("55551"), monday, InvalidNumber, "own number", 0},
		{"a command", "kim", granted, typed("84001;H0"), monday, InvalidNumber, "';'", 0},
		{"no number", "kim", granted, typed(""), monday, InvalidNumber, "empty", 0},
		{"not chosen yet", "kim", granted, nil, monday, AskNumber, "the user chooses the number", 0},
		{"AAA's number", "kim", fixed, nil, monday, DialOut, "84001", time.Hour},
		{"another of AAA's", "kim", fixed, typed("84002"), monday, DialOut, "84002", time.Hour},
		{"none of AAA's", "kim", fixed, typed("84003"), monday, InvalidNumber, "AAA fixes other numbers", 0},
		{"AAA's number, not listed", "kim", aaa.Authorization{DialOut: &aaa.DialOut{},
			Dialstring: aaa.DialstringOf("85001")}, nil, monday, Refuse, "must match a pattern of dial_out.allow", 0},
		{"within the hours", "dan", granted, typed("84001"), monday, DialOut, "84001", time.Hour},
		{"outside the hours", "dan", granted, typed("84001"), monday.Add(8 * time.Hour), Refuse, "outside the hours",
			0},
	} {
		r := Ask(aaa.Request{Service: aaa.Outbound, TTY: 65}, aaa.Result{Identity: aaa.Identity{Entry: "local",
			User: tt.user}, Auth: tt.auth}, Line{}, tt.at, Used{})
		r.FromCaller = tt.typed
		d, trace := set.Evaluate(r)
		if d.Outcome != tt.outcome || d.Secure || len(trace) == 0 {
			t.Errorf("%s: %+v, want %s\n%s", tt.name, d, tt.outcome, trace)
			continue
		}
		if d.Outcome == DialOut {
			if d.Number.String() != tt.want || d.Limits.SessionTime != tt.longest {
				t.Errorf("%s: %s for %v, want %s for %v", tt.name, d.Number, d.Limits.SessionTime, tt.want, tt.longest)
			}
			continue
		}
		if !d.Number.IsZero() || !strings.Contains(d.Reason, tt.want) {
			t.Errorf("%s: %+v, want %q", tt.name, d, tt.want)
		}
	}
	var none *Set
	any := Request{Service: aaa.Outbound, Auth: granted, FromCaller: typed("84001"), Time: monday}
	if d, _ := none.Evaluate(any); d.Outcome != Refuse {
		t.Errorf("without policies: %+v", d)
	}
}

// The permission of a dial-out is none for a callback, and trunks apply to it.
func TestDialOutIsNoCallback(t *testing.T) {
	site := Site{Callback: map[aaa.Service]bool{aaa.EXEC: true}, Trunks: trunks.List{{Name: "pots",
		Numbers: numbers.PatternsOf("84*")}}}
	set, err := New(site, Policy{Group: "default", DialOut: DialOuts{Allow: []string{"*"}}})
	if err != nil {
		t.Fatal(err)
	}
	number := "84001"
	for service, want := range map[aaa.Service]Outcome{aaa.EXEC: Refuse, aaa.Outbound: DialOut} {
		auth := aaa.Authorization{Callback: service == aaa.EXEC, DialOut: &aaa.DialOut{}}
		if service == aaa.EXEC {
			auth.Dialstring = aaa.DialstringOf("")
		}
		if d, trace := set.Evaluate(Request{Service: service, Auth: auth, FromCaller: &number}); d.Outcome != want {
			t.Errorf("%s: %+v\n%s", service, d, trace)
		}
	}
	other := "85001"
	if d, _ := set.Evaluate(Request{Service: aaa.Outbound, Auth: aaa.Authorization{DialOut: &aaa.DialOut{}},
		FromCaller: &other}); d.Outcome == DialOut || !strings.Contains(d.Reason, "trunk") {
		t.Errorf("no trunk: %+v", d)
	}
}
