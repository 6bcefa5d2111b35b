package policies

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies/condition"
	"github.com/ringback/ringback/texts"
)

const conditional = `group: default
callback_on_request: allow
numbers: {from_caller: allow, allow: ["84*"]}
hours: {zone: Europe/Paris}
when:
  - number != "84099" && !(calling in ["84066"])
  - time >= "07:00" && time < "19:00"
  - >-
    service == "exec" ||
    groups.exists(g, g == "dialup")
`

// Each condition decides, with its file and line in the trace.
func TestRuleWhen(t *testing.T) {
	s := mustLoad(t, map[string]string{"default.yaml": conditional})
	day := utc(t, "2026-01-05T09:00:00Z")
	promised, _ := s.Evaluate(Request{Auth: fixed, Service: aaa.EXEC, Time: day})
	typed, bad := "84007", "84099"
	dialup := with(fixed, func(a *aaa.Authorization) { a.Groups = []string{"dialup"} })
	for _, tt := range []struct {
		name string
		r    Request
		want Outcome
		rule string
		why  string
	}{
		{"true", Request{Auth: fixed, Time: day}, CallBack, "attempts", ""},
		{"typed", Request{Auth: null, Time: day, FromCaller: &typed}, CallBack, "attempts", ""},
		{"asked first", Request{Auth: null, Time: day}, AskNumber, "number from", ""},
		{"the number", Request{Auth: null, Time: day, FromCaller: &bad}, Refuse, "when",
			`group default: when is false: default.yaml:6: number != "84099" && !(calling in ["84066"])`},
		{"the calling number", Request{Auth: fixed, Time: day, Caller: "84066", Line: Line{Trusted: true}}, Refuse,
			"when", "default.yaml:6: "},
		{"a calling number that the caller could write", Request{Auth: fixed, Time: day, Caller: "84066"}, CallBack,
			"attempts", ""},
		{"the time", Request{Auth: fixed, Time: day.Add(9 * time.Hour)}, Refuse, "when",
			`when is false: default.yaml:7: time >= "07:00" && time < "19:00"`},
		{"the service", Request{Auth: fixed, Service: aaa.PPP, Time: day}, Refuse, "when",
			`when is false: default.yaml:8: service == "exec" || groups.exists(g, g == "dialup")`},
		{"the service, with the group", Request{Auth: dialup, Service: aaa.PPP, Time: day}, CallBack, "attempts", ""},
		{"no callback required", Request{Auth: plain, Time: day.Add(9 * time.Hour)}, Admit, "callback demanded", ""},
		{"too many groups", Request{Auth: with(fixed, func(a *aaa.Authorization) {
			a.Groups = strings.Split(strings.Repeat("x ", 100), " ")
		}), Time: day}, Refuse, "when", "when cannot be evaluated (groups has 101 elements; the maximum is 64): " +
			"default.yaml:6: number"},
		{"pending", Request{Auth: fixed, Time: day.Add(9 * time.Hour), Promised: &promised}, CallBack, "attempts", ""},
		{"pending, AAA asked again", Request{Auth: fixed, Time: day.Add(9 * time.Hour), Promised: &promised,
			Renewed: true}, Refuse, "when", "default.yaml:7"},
		{"leg two", Request{Auth: fixed, Time: day.Add(9 * time.Hour), Leg: 2}, Admit, "leg", ""},
		{"leg two of a service without callbacks", Request{Auth: fixed, Service: aaa.PPP, Time: day, Leg: 2,
			CalledBack: number("84001")}, Refuse, "when", "default.yaml:8"},
		{"the clock was set back", Request{Auth: fixed, Time: day, Latest: day.Add(9 * time.Hour)}, Refuse, "when",
			"at 19:00 CET, from which the clock was set back"},
	} {
		if tt.r.Service == "" {
			tt.r.Service = aaa.EXEC
		}
		d, trace := s.Evaluate(tt.r)
		if d.Outcome != tt.want || trace.Decided() != tt.rule || !strings.Contains(d.Reason, tt.why) {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
		if d.Outcome == Refuse && d.Text != texts.RefusedCallback && tt.r.Leg != 2 {
			t.Errorf("%s: the caller reads %q", tt.name, d.Text)
		}
	}
	if d, trace := mustNew(t, Policy{When: []Condition{{Row: Row{Text: "true"}}}}).Evaluate(Request{Auth: fixed,
		Service: aaa.EXEC}); d.Outcome != Refuse {
		t.Errorf("a condition that was not compiled\n%s", trace)
	}
}

func TestWhenProblems(t *testing.T) {
	for text, want := range map[string]string{
		"when: true\n": `default.yaml:2:7: when: expected a list, got true (write [true])`,
		"when: ['']\n": "default.yaml:2:8: when[0]: is empty",
		"when: [usr == user]\n": `default.yaml:2:8: when[0]: at column 1 of the expression: there is no variable or ` +
			`function "usr" (did you mean "user"?)`,
		"when: ['time < \"12:00\"']\n": "default.yaml:2:8: when[0]: time, date and weekday are those of hours.zone, " +
			"which is not set (write hours: {zone: Europe/Paris})",
		"when+: ['true']\n": "the file extends no other, so there is no list to add to",
	} {
		s, problems, dir := loadFiles(t, map[string]string{"default.yaml": "group: default\n" + text,
			"other.yaml": "group: other\nextends: default\n"})
		got := strings.ReplaceAll(problems.String(), dir+"/", "")
		if s != nil || !strings.Contains(got, want) || strings.Count(got, "\n") > 0 {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// A file that extends another one has its conditions, others instead, or more.
func TestWhenExtends(t *testing.T) {
	s := mustLoad(t, map[string]string{"default.yaml": "group: default\nwhen: ['user == \"a\"']\n",
		"same.yaml":  "group: same\nextends: default\n",
		"other.yaml": "group: other\nextends: default\nwhen: ['user == \"b\"']\n",
		"more.yaml":  "group: more\nextends: default\nwhen+: ['service == \"exec\"']\n"})
	for group, want := range map[string]string{"same": `["user == \"a\""]`, "other": `["user == \"b\""]`,
		"more": `["service == \"exec\"" "user == \"a\""]`} {
		p, _ := s.Group(group)
		if !strings.Contains(p.Canonical(), "when: "+want+"\n") {
			t.Errorf("%s: %s", group, p.Canonical())
		}
	}
	if text := (Policy{}).Canonical(); strings.Contains(text, "when") {
		t.Error("the digests of files without conditions change:", text)
	}
}

// Conditions only ever take away: what is decided with one more is what was decided, or a refusal.
func TestConditionsOnlyNarrow(t *testing.T) {
	expressions := []string{`true`, `false`, `number.startsWith("84")`, `service == "ppp"`, `time < "12:00"`,
		`size(groups) == 1`, `weekday in ["sat", "sun"]`, `priv_lvl > 1`, `line == 65`, `calling == "84066"`}
	rapid.Check(t, func(t *rapid.T) {
		chosen := rapid.SliceOfN(rapid.SampledFrom(expressions), 1, 3).Draw(t, "when")
		text := strings.SplitAfter(conditional, "zone: Europe/Paris}\n")[0]
		wide, _ := loadText(map[string]string{"default.yaml": text + "when: ['true']\n"})
		narrow, problems := loadText(map[string]string{"default.yaml": text + "when: ['" +
			strings.Join(chosen, "', '") + "']\n"})
		if narrow == nil {
			t.Fatal(problems)
		}
		typed := rapid.SampledFrom([]string{"84007", "99"}).Draw(t, "typed")
		r := Request{
			Auth:    rapid.SampledFrom([]aaa.Authorization{fixed, null, plain}).Draw(t, "AAA"),
			Service: rapid.SampledFrom([]aaa.Service{aaa.EXEC, aaa.PPP}).Draw(t, "service"),
			Caller:  rapid.SampledFrom([]string{"", "84066"}).Draw(t, "caller"), TTY: 65, Line: Line{Trusted: true},
			Time: time.Unix(rapid.Int64Range(1767225600, 1830297600).Draw(t, "time"), 0),
		}
		if rapid.Bool().Draw(t, "given") {
			r.FromCaller = &typed
		}
		d, trace := narrow.Evaluate(r)
		if free, _ := wide.Evaluate(r); d.Outcome != free.Outcome && d.Outcome != Refuse {
			t.Fatalf("%+v, without %+v\n%s", d, free, trace)
		}
	})
}

// The texts with which conditions compare are those of the packages that they come from.
func TestConditionWords(t *testing.T) {
	words := map[string][]string{"weekday": weekdayNames[:], "service": {string(aaa.EXEC), string(aaa.PPP)}}
	for _, o := range []numbers.Origin{numbers.OriginAAA, numbers.OriginPlace, numbers.OriginCaller,
		numbers.OriginCallerID} {
		words["origin"] = append(words["origin"], string(o))
	}
	var c condition.Compiler
	for variable, list := range words {
		for _, word := range list {
			if _, err := c.Compile(fmt.Sprintf("%s == %q", variable, word)); err != nil {
				t.Error(err)
			}
		}
	}
}

// A decision with a condition.
func BenchmarkEvaluateWhen(b *testing.B) {
	s := mustLoad(b, map[string]string{"default.yaml": strings.Replace(conditional, "  - >-", "  - 'true'\n  - >-", 1)})
	r := Request{Auth: fixed, Service: aaa.EXEC, Time: utc(b, "2026-01-05T09:00:00Z")}
	b.ReportAllocs()
	for b.Loop() {
		if d, t := s.Evaluate(r); d.Outcome != CallBack {
			b.Fatalf("%+v\n%s", d, t)
		}
	}
}
