package broker

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/dialer"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
)

// number returns a Number as the number plan would have returned it for these digits.
func number(digits string) numbers.Number {
	n, err := numbers.Reread(digits)
	if err != nil {
		panic(err)
	}
	return n
}

// A row has the complete plan: the first step in columns, the rest in JSON.
func TestPlanInItsRow(t *testing.T) {
	two := 2
	for name, tt := range map[string]struct {
		plan callback.Plan
		more string
	}{
		"one number": {callback.Plan{{Number: number("84001"), Rotary: &two, Wait: time.Minute, Times: 3}}, ""},
		"a script":   {callback.Plan{{Number: number("84001"), Script: "isdn", Times: 1}}, `{"script":"isdn"}`},
		"three steps": {callback.Plan{{Number: number("84001"), Lines: []int{65}, Times: 2},
			{Number: number("84002"), Wait: time.Second, Times: 1},
			{Number: number("84001"), Lines: []int{66, 67}, Tiers: []int{2}, Times: 1}},
			`{"then":[{"number":"84002","wait":1000000000,"times":1},` +
				`{"number":"84001","lines":[66,67],"tiers":[2],"times":1}]}`},
		"a rotary of the policy": {callback.Plan{{Number: number("84001"), Lines: []int{65, 66, 67}, Tiers: []int{2},
			Times: 1}}, `{"tiers":[2]}`},
	} {
		w := newWork(journal.Callback{ID: "cb"}, trace{}, grant{})
		w.follow(tt.plan)
		if w.row.Plan != tt.more || w.row.Max != tt.plan.Dials() || w.row.Number != "84001" {
			t.Errorf("%s: %+v", name, w.row)
		}
		back := newWork(w.row, trace{}, grant{})
		if err := back.readPlan(); err != nil || !reflect.DeepEqual(back.plan, tt.plan) {
			t.Errorf("%s: %+v, %v", name, back.plan, err)
		}
	}
}

// Law 7: rows are checked when they are read: a plan with anything but canonical digits, or with more dials than the
// budget, is rejected.
func TestBadPlanIsNotTakenUp(t *testing.T) {
	for name, row := range map[string]journal.Callback{
		"a command":            {Number: "84001;ATH", Max: 1},
		"a pause":              {Number: "9,84001", Max: 1},
		"no number":            {Max: 1},
		"no budget":            {Number: "84001"},
		"a command later":      {Number: "84001", Max: 2, Plan: `{"then":[{"number":"84002;ATH","times":1}]}`},
		"no number later":      {Number: "84001", Max: 2, Plan: `{"then":[{"times":1}]}`},
		"more than the budget": {Number: "84001", Max: 2, Plan: `{"then":[{"number":"84002","times":2}]}`},
		"a negative step":      {Number: "84001", Max: 2, Plan: `{"then":[{"number":"84002","times":-1}]}`},
		"not JSON":             {Number: "84001", Max: 2, Plan: `then`},
	} {
		w := newWork(row, trace{}, grant{})
		if err := w.readPlan(); err == nil || w.plan != nil {
			t.Errorf("%s: %+v, %v", name, w.plan, err)
		}
	}
}

// Events get what comes next in the plan, regardless of their sender.
func TestAhead(t *testing.T) {
	b := New(Options{}, Config{})
	w := newWork(journal.Callback{ID: "cb"}, trace{}, grant{})
	w.follow(callback.Plan{{Number: number("84001"), Times: 2}, {Number: number("84002"), Times: 1},
		{Number: number("84003"), Lines: []int{67}, Times: 1}})
	for _, tt := range []struct {
		attempt, passed int
		what, want      callback.Event
	}{
		{0, 0, callback.NoLine{Cause: "x"}, callback.NoLine{Cause: "x"}},
		{0, 0, callback.NoLine{Final: true}, callback.NoLine{Final: true, Next: 2}},
		{2, 0, callback.NoLine{Final: true}, callback.NoLine{Final: true, Next: 3}},
		{3, 0, callback.NoLine{Final: true}, callback.NoLine{Final: true}},
		{1, 0, callback.DialEnded{Attempt: 1}, callback.DialEnded{Attempt: 1}},
		{1, 0, callback.DialEnded{Attempt: 1, Final: true}, callback.DialEnded{Attempt: 1, Final: true, Next: 2}},
		{2, 0, callback.DialEnded{Attempt: 2}, callback.DialEnded{Attempt: 2}},
		{3, 0, callback.DialEnded{Attempt: 3}, callback.DialEnded{Attempt: 3, Away: true}},
		{2, 1, callback.DialEnded{Attempt: 2, Final: true}, callback.DialEnded{Attempt: 2, Final: true, Next: 3,
			Away: true}},
		{2, 0, callback.CallEnded{Attempt: 2}, callback.CallEnded{Attempt: 2}},
		{3, 0, callback.CallEnded{Attempt: 3}, callback.CallEnded{Attempt: 3, Away: true}},
		{1, 0, callback.HungUp{}, callback.HungUp{}},
	} {
		w.state = callback.State{ID: "cb", Attempt: tt.attempt, Passed: tt.passed, Max: 4}
		if got := b.planned(w, event{what: tt.what}); got != tt.want {
			t.Errorf("after %d attempts, %d passed: %T%+v, want %+v", tt.attempt, tt.passed, got, got, tt.want)
		}
	}
}

// A decision with one number is a plan with one step, and the number that is checked before a dial is that of the dial.
func TestPlanOfADecision(t *testing.T) {
	rotary := 3
	d := policies.Decision{Outcome: policies.CallBack, Number: number("84001"), Rotary: &rotary,
		Attempts: policies.Attempts{Max: 3, RetryWait: time.Minute}, Digest: "d"}
	b := New(Options{}, Config{})
	if p := b.planOf(d, aaa.Identity{}, aaa.EXEC, 65); !reflect.DeepEqual(p,
		callback.Plan{{Number: number("84001"), Rotary: &rotary, Wait: time.Minute, Times: 3}}) {
		t.Errorf("%+v", p)
	}
	w := newWork(journal.Callback{ID: "cb", Decision: mustJSON(decided{Decision: d}), PolicyDigest: "d"}, trace{},
		grant{})
	w.follow(append(b.planOf(d, aaa.Identity{}, aaa.EXEC, 65),
		callback.PlanStep{Number: number("84002"), Lines: []int{66}, Tiers: []int{1}, Times: 1}))
	for attempt, want := range []string{"84001", "84001", "84001", "84002"} {
		w.state = callback.State{Attempt: attempt, Max: 4}
		got, err := w.decision()
		if err != nil || got.Number != number(want) || (want == "84002") != (len(got.Lines) == 1) ||
			len(got.Tiers) != len(got.Lines) || (want == "84001") != (got.Rotary != nil) || got.Attempts != d.Attempts {
			t.Errorf("before attempt %d: %+v, %v", attempt+1, got, err)
		}
	}
	if text, err := json.Marshal(w.state); err != nil || strings.Contains(string(text), "passed") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestOverhead: the policy files are checked with what the broker reserves.
func TestOverhead(t *testing.T) {
	if got := (Limits{}).withDefaults().overhead(); got != policies.CallOverhead {
		t.Errorf("%v", got)
	}
}

// Each outcome of package dialer that the policies distinguish has its cause, and each cause an outcome.
func TestCauses(t *testing.T) {
	for outcome, want := range map[dialer.Outcome]policies.Cause{
		dialer.Busy: policies.Busy, dialer.NoAnswer: policies.NoAnswer, dialer.NoCarrier: policies.NoCarrier,
		dialer.NoDialtone: policies.NoDialtone, dialer.Voice: policies.Voice, dialer.Fax: policies.Voice,
		dialer.Blacklisted: policies.Blacklisted, dialer.Delayed: policies.Delayed, dialer.TimedOut: policies.Timeout,
		dialer.Glare: policies.NoCause, dialer.ModemError: policies.NoCause, dialer.NoScript: policies.NoCause,
		dialer.LineLost: policies.NoCause, dialer.Cancelled: policies.NoCause,
		"interrupted by lockdown": policies.Interrupted,
	} {
		if got := causeOf(string(outcome)); got != want {
			t.Errorf("%s: cause %d, want %d", outcome, got, want)
		}
	}
}
