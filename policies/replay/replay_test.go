package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/policytest"
	"github.com/ringback/ringback/tariff"
)

var site = policies.Site{Callback: map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true}}

func setOf(t testing.TB, files ...string) *policies.Set {
	t.Helper()
	var ps []policies.Policy
	for _, f := range files {
		p, problems := policies.Parse("f.yaml", []byte(f))
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		ps = append(ps, p)
	}
	s, err := policies.New(site, ps...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	was  = "group: default\nnumbers: {from: [aaa, caller], allow: ['84*', '85*']}\n"
	will = "group: default\nnumbers: {from: [aaa, caller], allow: ['84*']}\nattempts: {max: 2}\n"
)

func TestRun(t *testing.T) {
	table, problems := tariff.Parse("t.csv", []byte("prefix,zone,per_minute,per_call,granularity,currency\n"+
		"85,x,0.60,0.10,60/60,EUR\n"), "")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	const file = `{"user": "kim", "number": "", "typed": "85001", "connected": "61s", "time": "2026-11-01T08:00:00+01:00"}

{"user": "kim", "number": "", "typed": "86001"}
{"user": "lee", "number": "84001", "connected": "10s"}
{"user": "lee", "number": "", "typed": "85002", "connected": "1m"}
{"user": "max"}
`
	c := Comparison{Was: setOf(t, was), Will: setOf(t, will), Tariff: table, Examples: 1}
	got, err := c.Run(t.Context(), Lines("past.jsonl", strings.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"requests":5,"changed":3,"changes":[` +
		`{"was":"call_back","will":"invalid_number","requests":2,"calls":2,"seconds":121,"cost":"2.00"},` +
		`{"was":"call_back","will":"call_back","requests":1,"calls":1,"seconds":10,"cost":"0.00"}],` +
		`"users":[{"user":"lee","requests":2,"admitted":0,"rejected":1,"calls":2,"seconds":70,"cost":"0.70"},` +
		`{"user":"kim","requests":1,"admitted":0,"rejected":1,"calls":1,"seconds":61,"cost":"1.30"}],` +
		`"differences":[{"at":"past.jsonl:1","user":"kim","time":"2026-11-01T08:00:00+01:00",` +
		`"was":{"outcome":"call_back","group":"default","number":"85001",` +
		`"attempts":{"max":1,"retry_wait":"30s"},"reason":"at 85001, allowed by group default"},` +
		`"will":{"outcome":"invalid_number","group":"default",` +
		`"reason":"group default: a caller's number must match an allow pattern, and none does"}}],"unpriced":1,"then":0,"unknown":[]}`
	if text, _ := json.Marshal(got); string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// A callback or a session with other terms is a difference, and says which; one that is written otherwise is none.
func TestTerms(t *testing.T) {
	const file = "group: default\nnumbers: {from: [aaa]}\n"
	number := "84001"
	for more, want := range map[string][2]string{ // of a user who is called back, and of one who is admitted
		"": {}, "exec: {privilege: 15}\n": {}, "limits: {session_time: 1h}\n": {},
		"wait: 20s\n":                {"wait: 20s"},
		"script: x\n":                {"script: x"},
		"reauthorize: before_dial\n": {"reauthorize: before_dial"},
		"callback: secure\n":         {"secure", "secure"},
		"ppp: {pool: vendors}\n": {"ppp: {pool: vendors, filter: those of AAA alone}",
			"ppp: {pool: vendors, filter: those of AAA alone}"},
		"exec: {commands: []}\n": {"exec: {privilege: 15, commands: [], hosts: those of `exec.hosts` in ringback.yaml}",
			"exec: {privilege: 15, commands: [], hosts: those of `exec.hosts` in ringback.yaml}"},
	} {
		for i, a := range []policytest.Asked{{User: "kim", Number: &number}, {User: "lee"}} {
			c := Comparison{Was: setOf(t, file), Will: setOf(t, file+more), Examples: 1}
			r, err := c.Run(t.Context(), func(yield func(Read) bool) {
				yield(func(one func(*Event)) error { one(&Event{Request: a.Request()}); return nil })
			})
			got := ""
			if r.Changed > 0 {
				got = r.Examples[0].Will.Terms
			}
			if err != nil || got != want[i] || r.Changed > 0 && r.Examples[0].Was.Terms != "" {
				t.Errorf("%q, %s: %+v %v", more, a.User, r, err)
			}
		}
	}
}

// The first error ends the run; what was read before it is no result.
func TestRunFails(t *testing.T) {
	good := `{"user": "kim"}` + "\n"
	for text, want := range map[string]string{
		good + "{\"usr\": 1}\n":                              `f:2:1: usr: unknown key (did you mean "user"?)`,
		strings.Repeat(good, 5000) + `{"user": 7}`:           `f:5001:1: user: expected text`,
		good + `{"user": "x", "service": "slip"}`:            `"slip" is not "exec", "ppp" or "outbound"`,
		good + `{"user": "` + strings.Repeat("x", 2<<20):     ": the line is longer than 1 MiB",
		good + `{"user": "` + strings.Repeat("x", 70_000):    "f:2:70011: not JSON: the line ends before the object does",
		strings.Repeat("\n", 70_000) + "{":                   "f:70001:2: not JSON",
		good + `{"user": "kim", "connected": "1h", "leg":3}`: "leg: 3 is not between 1 and 2",
	} {
		_, err := Comparison{}.Run(t.Context(), Lines("f", strings.NewReader(text)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	endless := func(yield func(Read) bool) {
		for yield(func(func(*Event)) error { return nil }) {
		}
	}
	progress := func(int) { cancel() }
	if _, err := (Comparison{Progress: progress}).Run(ctx, endless); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The result does not depend on how the events are divided.
func TestRunInParts(t *testing.T) {
	c := Comparison{Was: setOf(t, was), Will: setOf(t, will), Examples: 7}
	var events []Event
	for i := range 1000 {
		number := fmt.Sprint(84000 + i*2)
		events = append(events, Event{At: fmt.Sprint(i), Calls: []time.Duration{time.Duration(i) * time.Second},
			Unknown: map[bool]string{true: "because"}[i%100 == 99],
			Request: policies.Request{Identity: aaa.Identity{User: fmt.Sprint("u", i%7)}, Service: aaa.EXEC,
				FromCaller: &number, Auth: aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("")}}})
	}
	run := func(size int) string {
		r, err := c.Run(t.Context(), func(yield func(Read) bool) {
			for part := range slices.Chunk(events, size) {
				if !yield(func(one func(*Event)) error {
					for i := range part {
						one(&part[i])
					}
					return nil
				}) {
					return
				}
			}
		})
		if err != nil || r.Requests != 990 || r.Changed == 0 || len(r.Examples) != 7 {
			t.Fatalf("%+v %v", r, err)
		}
		text, _ := json.Marshal(r)
		return string(text)
	}
	if one, many := run(1000), run(3); one != many {
		t.Errorf("%s\n%s", one, many)
	}
}

// A request whose policy is the same is decided the same; others are not taken for it.
func TestSamePolicy(t *testing.T) {
	const staff, match = "group: staff\nusers: [kim]\ncallback: off\n", "group: new\nmatch: {prefix: [le]}\n"
	set := setOf(t, was, staff)
	typed := "84001"
	for i, tt := range []struct {
		will *policies.Set
		same [3]bool // kim, of staff; lee, of default; max, whose hint is staff
	}{
		{set, [3]bool{true, true, true}},
		{setOf(t, will, staff), [3]bool{true, false, true}},
		{setOf(t, was, staff, match), [3]bool{true, false, true}},
		{setOf(t, was, "group: staff\nusers: [max]\ncallback: off\n"), [3]bool{false, true, false}},
		{setOf(t, was, "group: other\nusers: [kim]\ncallback: off\n"), [3]bool{false, true, false}},
		{nil, [3]bool{}},
	} {
		for j, a := range []policytest.Asked{{User: "kim", Typed: &typed, Number: new(string)},
			{User: "lee", Typed: &typed, Number: new(string)}, {User: "max", Groups: []string{"staff"}}} {
			d, _ := set.Evaluate(a.Request())
			e, _ := tt.will.Evaluate(a.Request())
			same := tt.will.SamePolicy(a.Request(), d)
			if same && !reflect.DeepEqual(d, e) || same != tt.same[j] {
				t.Errorf("set %d, %s: %v, %+v and %+v", i, a.User, same, d, e)
			}
		}
	}
}

// past returns n lines of a file.
func past(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"user":"u%d","number":"","typed":"8%d","caller":"5550100","time":"2026-11-01T08:00:00Z"}`+"\n",
			i%500, 40000+i%20000)
	}
	return b.String()
}

func BenchmarkRun(b *testing.B) {
	const n = 100_000
	text := past(n)
	c := Comparison{Was: setOf(b, was), Will: setOf(b, will), Examples: 20}
	var source iter.Seq[Read]
	for b.Loop() {
		source = Lines("past", strings.NewReader(text))
		if r, err := c.Run(b.Context(), source); err != nil || r.Requests != n {
			b.Fatal(r.Requests, err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
