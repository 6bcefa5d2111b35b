package policies

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
)

// several is a grant of these numbers.
func several(all ...string) aaa.Authorization {
	return aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf(all[0]), Further: all[1:]}
}

// Each of several numbers is evaluated by itself. What is denied is dropped, with a row of the trace, and the others
// keep their order.
func TestSeveralNumbers(t *testing.T) {
	p := Policy{Group: DefaultGroup, Callback: Optional, Numbers: Numbers{Deny: []string{"849*"}}}
	for _, tt := range []struct {
		numbers string
		want    string // all numbers, or a part of the reason of the refusal
		dropped []string
	}{
		{"84001 84002 84003", "84001 84002 84003", nil},
		{"84003 84001 84002", "84003 84001 84002", nil},
		{"84901 84001", "84001", []string{`1 of 2: "84901": dropped: number lists: group default: deny "849*" is`}},
		{"84001 112 84002", "84001 84002", []string{`2 of 3: "112": dropped: emergency numbers: emergency number`}},
		{"84001 84;ATH", "84001", []string{`2 of 2: "84;ATH": dropped: number plan: ';' at position 3`}},
		{"84001 84-001 84002", "84001 84002", []string{`2 of 3: "84-001": dropped: it is the same as one before it`}},
		{"84901 84-901", `deny "849*"`, []string{"1 of 2", "2 of 2"}},
		{"x 84901", `deny "849*"`, []string{"1 of 2", "2 of 2"}}, // the reason of the one that came furthest
		{"84901 x", `deny "849*"`, []string{"1 of 2", "2 of 2"}},
		{"x y", "not a digit", []string{"1 of 2", "2 of 2"}},
	} {
		d, trace := mustServe(t, site, p).Evaluate(Request{Identity: aaa.Identity{User: "kim"},
			Auth: several(strings.Fields(tt.numbers)...), Service: aaa.EXEC})
		got := strings.Trim(fmt.Sprint(d.Numbers()), "[]")
		if d.Outcome != CallBack && d.Outcome != Refuse || got != tt.want && !strings.Contains(d.Reason, tt.want) ||
			d.Outcome == Refuse && got != "" {
			t.Errorf("%s: %s %s: %s", tt.numbers, d.Outcome, got, d.Reason)
		}
		var rows []string
		for _, s := range trace {
			if s.Rule == "several numbers" && strings.HasPrefix(s.Result, "dropped") {
				rows = append(rows, s.Input+": "+s.Result)
			}
		}
		for i, row := range rows {
			if len(rows) != len(tt.dropped) || !strings.HasPrefix(row, tt.dropped[i]) {
				t.Errorf("%s: %q\nwant %q", tt.numbers, rows, tt.dropped)
				break
			}
		}
		if len(rows) != len(tt.dropped) {
			t.Errorf("%s: %d rows, want %d", tt.numbers, len(rows), len(tt.dropped))
		}
	}
}

// A condition about the number is evaluated for each.
func TestConditionsOfSeveralNumbers(t *testing.T) {
	p, problems := Parse("default.yaml", []byte("group: default\nwhen: ['number != \"84002\"']\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d, trace := mustServe(t, site, p).Evaluate(Request{Identity: aaa.Identity{User: "kim"},
		Auth: several("84002", "84001"), Service: aaa.EXEC})
	if d.Outcome != CallBack || len(d.Further) != 0 || d.Number.String() != "84001" {
		t.Errorf("%+v\n%s", d, trace)
	}
	d, trace = mustServe(t, site, p).Evaluate(Request{Identity: aaa.Identity{User: "kim"}, Auth: several("84002", "x"),
		Service: aaa.EXEC})
	if d.Outcome != Refuse || trace.Decided() != RuleWhen {
		t.Errorf("%+v\n%s", d, trace)
	}
}

// Before a dial, only its number counts: as promised, and as AAA grants it now.
func TestSeveralNumbersRecheck(t *testing.T) {
	p := Policy{Group: DefaultGroup, Callback: Optional}
	denies := p
	denies.Numbers.Deny = []string{"84001"}
	then, _ := mustServe(t, site, p).Evaluate(Request{Identity: aaa.Identity{User: "kim"},
		Auth: several("84001", "84002"), Service: aaa.EXEC})
	for name, tt := range map[string]struct {
		policy  Policy
		number  int // index of the number that is dialed next
		auth    aaa.Authorization
		renewed bool
		want    Outcome
	}{
		"first":                         {p, 0, several("84001", "84002"), false, CallBack},
		"second":                        {p, 1, several("84001", "84002"), false, CallBack},
		"first, denied now":             {denies, 0, several("84001", "84002"), false, Refuse},
		"second, the first denied":      {denies, 1, several("84001", "84002"), false, CallBack},
		"asked again, other order":      {p, 0, several("84002", "84001"), true, CallBack},
		"asked again, one of them":      {p, 1, several("84002"), true, CallBack},
		"asked again, without it":       {p, 0, several("84002", "84003"), true, Refuse},
		"asked again, more":             {p, 1, several("84003", "84002", "84001"), true, CallBack},
		"asked again, caller's":         {p, 1, null, true, Refuse},
		"asked again, denied":           {denies, 0, several("84002", "84001"), true, Refuse},
		"asked again, the other denied": {denies, 1, several("84001", "84002"), true, CallBack},
	} {
		promised := then
		promised.Number = then.Numbers()[tt.number]
		d, trace := mustServe(t, site, tt.policy).Evaluate(Request{Identity: aaa.Identity{User: "kim"}, Auth: tt.auth,
			Service: aaa.EXEC, Leg: 2, Promised: &promised, Renewed: tt.renewed})
		if d.Outcome != tt.want || d.Outcome == CallBack && (d.Number != promised.Number || len(d.Further) > 0) {
			t.Errorf("%s: %+v\n%s", name, d, trace)
		}
	}
}

// On leg two of a callback for another service, any of the numbers may be the one that was called.
func TestSeveralNumbersOfAnotherService(t *testing.T) {
	s := mustServe(t, site, Policy{Group: DefaultGroup, Callback: Optional, Numbers: Numbers{Deny: []string{"84003"}}})
	for number, want := range map[string]Outcome{"84001": Admit, "84002": Admit, "84003": Refuse, "84004": Refuse} {
		n, err := numbers.Reread(number)
		if err != nil {
			t.Fatal(err)
		}
		d, trace := s.Evaluate(Request{Identity: aaa.Identity{User: "kim"}, Auth: several("84001", "84002", "84003"),
			Service: aaa.PPP, Leg: 2, CalledBack: n})
		if d.Outcome != want {
			t.Errorf("%s: %+v\n%s", number, d, trace)
		}
	}
}
