package policytest

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
)

// site has the number plan of policies/examples/site/ringback.yaml.
var site = policies.Site{
	Callback: map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true},
	Plan: numbers.Plan{Own: numbers.PatternsOf("5555*"), Country: numbers.Country{Code: "1", Digits: []int{10},
		International: []string{"011"}, National: []string{"1", ""},
		Private: numbers.PatternsOf("84*", "85*", "5555*")}},
}

const field = "group: field\nusers: [kim]\nnumbers: {from_caller: allow, allow: ['84*']}\n"

func TestRun(t *testing.T) {
	p, problems := policies.Parse("field.yaml", []byte(field))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	set, err := policies.New(site, p, policies.Policy{Group: "idle"})
	if err != nil {
		t.Fatal(err)
	}
	cases, problems := Parse("d/field.test.yaml", []byte(`tests:
  - name: good
    request: {user: kim, number: "", typed: "84007"}
    decision: {outcome: call_back, number: "84007", rule: attempts, no_verify: false, reason: allowed by}
  - name: everything differs
    request: {user: lee, number: "84008"}
    decision: {outcome: refuse, number: "84009", rule: leg, no_verify: true, reason: because}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := Run(set, cases)
	if r.Cases != 2 || len(r.Failures) != 1 || !reflect.DeepEqual(r.Untested, []string{"field", "idle"}[1:]) {
		t.Fatalf("%+v", r)
	}
	const reason = "at 84008, allowed by group default"
	want := []Diff{{"outcome", "call_back", "refuse"}, {"group", "default", "field"}, {"number", "84008", "84009"},
		{"reason", reason, "… because …"}, {"rule", "attempts", "leg"}, {"no_verify", "false", "true"}}
	if f := r.Failures[0]; f.Line != 5 || f.Name != "everything differs" || !reflect.DeepEqual(f.Diffs, want) {
		t.Errorf("%+v", f)
	}
	reached := map[string]RuleReached{
		"leg": {"leg", 2, 0}, "attempts": {"attempts", 2, 2},
		"called number": {"called number", 0, 0}, // only on leg two of another service
	}
	for _, rule := range r.Rules {
		if want, ok := reached[rule.Rule]; ok && rule != want {
			t.Errorf("%+v", rule)
		}
		delete(reached, rule.Rule)
	}
	if len(reached) > 0 {
		t.Errorf("not reported: %v", reached)
	}
}

func TestParseProblems(t *testing.T) {
	const begin = "tests:\n  - name: x\n    request: {user: kim}\n"
	for text, want := range map[string]string{
		"":          "tests: is required",
		"tests: {}": "expected a list",
		begin:       "x.test.yaml:2:5: tests[0].decision: is required (write decision: {outcome: refuse})",
		begin + "    decision: {outcome: rejected}\n":            `4:25: tests[0].decision.outcome: "rejected" is not`,
		begin + "    decision: {outcome: refuse, rule: lines}\n": "4:39: tests[0].decision.rule: ",
		begin + "    decision: {outcome: refuse, raeson: x}\n":   `did you mean "reason"?`,
		strings.Replace(begin, "kim", "kim, number: 84001", 1):   `quote it: "84001"`,
		strings.Replace(begin, "kim", "kim, time: noon", 1):      `"noon" is not a time (write 2026-01-05T12:00:00Z`,
		strings.Replace(begin, "kim", "kim, leg: 3", 1):          "3 is not between 1 and 2",
		begin + "    decision: {outcome: admit}\n" + begin[7:] + "    decision: {outcome: admit}\n": "5:11: " +
			`tests[1].name: "x" is already the name of the test on line 2`,
	} {
		cases, problems := Parse("x.test.yaml", []byte(text))
		if !strings.Contains(problems.String(), want) {
			t.Errorf("%q: %v %v", text, cases, problems)
		}
	}
}

// A described request is the one that the daemon makes of such an answer of AAA: the decision is that of Evaluate.
func TestRequest(t *testing.T) {
	set, problems := policies.LoadDir("../examples", site)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rapid.Check(t, func(t *rapid.T) {
		user := rapid.SampledFrom([]string{"austin-01", "reno-07", "acme-support", "guest"}).Draw(t, "user")
		service := rapid.SampledFrom([]aaa.Service{aaa.EXEC, aaa.PPP}).Draw(t, "service")
		number := rapid.SampledFrom([]string{"unset", "", "84001", "84555100", "112", "x"}).Draw(t, "number")
		typed := rapid.SampledFrom([]string{"unset", "", "84007", "84901", "ATH"}).Draw(t, "typed")
		hint := rapid.SampledFrom([]string{"admins", "isp", "nobody"}).Draw(t, "hint")
		auth := rapid.SampledFrom([]string{"", "pap", "chap"}).Draw(t, "auth")
		asked := Asked{User: user, Groups: []string{hint}, Service: service, Auth: auth, Time: noon}
		if auth == "" {
			auth = policies.AnyPPPAuth
		}
		r := policies.Request{Identity: aaa.Identity{User: user}, Service: service, PPPAuth: auth,
			Line: policies.Line{Trusted: true},
			Time: noon, Auth: aaa.Authorization{Groups: []string{hint}}}
		if number != "unset" {
			asked.Number = &number
			r.Auth.Callback, r.Auth.Dialstring = true, aaa.DialstringOf(number)
		}
		if typed != "unset" {
			asked.Typed, r.FromCaller = &typed, &typed
		}
		d, trace := set.Evaluate(asked.Request())
		if want, why := set.Evaluate(r); !reflect.DeepEqual(d, want) || !reflect.DeepEqual(trace, why) {
			t.Fatalf("%+v, not %+v\n%s%s", d, want, trace, why)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("tests:\n  - name: x\n    request: {user: kim, number: \"1\"}\n    decision: {outcome: refuse}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cases, problems := Parse("x.test.yaml", data)
		if !problems.HasErrors() {
			Run(nil, cases)
		}
	})
}

// TestPrivilegeLevel: without priv_lvl, a request has the level that a user has if AAA sets none
// (aaa.Authorization.PrivLevel), in tests and in requests of the past.
func TestPrivilegeLevel(t *testing.T) {
	for request, want := range map[string]int{`{"user": "kim"}`: 1, `{"user": "kim", "priv_lvl": 0}`: 0,
		`{"user": "kim", "priv_lvl": 15}`: 15} {
		cases, problems := Parse("field.test.yaml", []byte("tests:\n  - name: x\n    request: "+request+
			"\n    decision: {outcome: refuse}\n"))
		if len(problems) > 0 || cases[0].Asked.Request().Auth.PrivLevel != want {
			t.Errorf("%s: %+v %v", request, cases, problems)
		}
		past, _, problems := ParsePast("past", 1, []byte(request))
		if len(problems) > 0 || past.Request().Auth.PrivLevel != want {
			t.Errorf("%s: %+v %v", request, past, problems)
		}
	}
}

// A test gives the address that AAA grants, for the terms of PPP.
func TestAddress(t *testing.T) {
	known := site
	known.PPPUnfit = func(granted aaa.Authorization, terms policies.PPP, _ func(string) bool) string {
		if granted.Framed != nil && granted.Framed.Address == "10.8.9.77" && terms.Pool == "vendors" {
			return "outside"
		}
		return ""
	}
	set, err := policies.New(known, policies.Policy{Group: "vendor", Users: []string{"kim"},
		PPP: policies.PPP{Pool: "vendors"}})
	if err != nil {
		t.Fatal(err)
	}
	cases, problems := Parse("vendor.test.yaml", []byte(`tests:
  - name: outside
    request: {user: kim, service: ppp, address: 10.8.9.77}
    decision: {outcome: refuse, rule: PPP terms, reason: outside}
  - name: inside
    request: {user: kim, service: ppp, address: 10.8.1.1}
    decision: {outcome: admit}
  - name: of the pool
    request: {user: kim, service: ppp}
    decision: {outcome: admit}
`))
	if r := Run(set, cases); len(problems) > 0 || len(r.Failures) > 0 || r.Cases != 3 {
		t.Errorf("%v %+v", problems, r)
	}
	if _, problems := Parse("x.test.yaml", []byte("tests:\n  - name: x\n    request: {user: kim, address: '::1'}\n"+
		"    decision: {outcome: admit}\n")); !strings.Contains(problems.String(), "is not an IPv4 address") {
		t.Error(problems)
	}
}
