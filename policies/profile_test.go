package policies

import (
	"strings"
	"testing"
)

func TestProfiled(t *testing.T) {
	s := mustNew(t, Policy{Group: "acme", Match: Match{Called: []string{"5550100", "55502*"}}, Profile: Profile{2, 1}},
		Policy{Group: "open", Match: Match{Called: []string{"7*"}}})
	for number, want := range map[string]string{"5550100": "acme", "55502": "acme", "55502999": "acme", "5550101": "",
		"": "", "7": ""} {
		if p, ok := s.Profiled(number); ok != (want != "") || p.Group != want {
			t.Errorf("%q: %v %+v", number, ok, p)
		}
	}
	if p, ok := (*Set)(nil).Profiled("1"); ok || p.Profile.Max() != 0 {
		t.Errorf("%+v", p)
	}
	for called, want := range map[string]string{"+5550100": "5550100", "5550100": "5550100", "": ""} {
		if got, not := trusted.Digits(called), (Line{}).Digits(called); got != want || not != "" {
			t.Errorf("%q: %q, on a line without modem signals %q", called, got, not)
		}
	}
}

func TestProfileProblems(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{"match: {called: ['1*']}\nprofile: {base: 2}", "match: {called: ['2']}\nprofile: {base: 1, overflow: 0}", ""},
		{"profile: {base: 2}", "", `a.yaml:2:10: profile: limits no calls, because match.called is missing`},
		{"match: {called: ['1']}\nprofile: {overflow: 2}", "", "a.yaml:3:10: profile.base: is required"},
		{"match: {called: ['1']}\nprofile: {base: 0}", "", "0 is not between 1 and 10000"},
		{"match: {called: ['1*'], realm: [x]}\nprofile: {base: 2}", "match: {called: ['12'], realm: [y]}\nprofile: " +
			"{base: 2}", "b.yaml:3:10: profile: limits calls to a number that a.yaml:3 limits too"},
		{"match: {called: ['1']}\nprofile: {base: 2}", "extends: a\nmatch: {called: ['2']}", ""},
	} {
		s, problems := loadText(map[string]string{"a.yaml": "group: a\n" + tt.a + "\n",
			"b.yaml": "group: b\n" + tt.b + "\n"})
		if (tt.want == "") != (s != nil) || !strings.Contains(problems.String(), tt.want) {
			t.Errorf("%q, %q: %v", tt.a, tt.b, problems)
		}
		if p, _ := s.Group("b"); tt.want == "" && p.Match.Called[0] == "2" && p.Profile.Base == 2 {
			t.Errorf("the profile was extended: %+v", p)
		}
	}
}
