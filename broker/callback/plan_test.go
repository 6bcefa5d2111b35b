package callback

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/numbers"
	"pgregory.net/rapid"
)

// number returns a Number as the number plan would have returned it for these digits.
func number(digits string) numbers.Number {
	n, err := numbers.Reread(digits)
	if err != nil {
		panic(err)
	}
	return n
}

func TestPlan(t *testing.T) {
	two := 2
	p := Plan{
		{Number: number("84001"), Wait: time.Minute, Times: 2},
		{Number: number("84001"), Lines: []int{67}, Times: 1},
		{Number: number("84002"), Rotary: &two, Script: "isdn", Times: 3},
	}
	if p.Dials() != 6 {
		t.Errorf("%d dials", p.Dials())
	}
	for dial, want := range []struct{ step, after int }{{0, 2}, {0, 2}, {1, 3}, {2, 0}, {2, 0}, {2, 0}, {2, 0}} {
		if step, after := p.Step(dial), p.After(dial); step != want.step || after != want.after {
			t.Errorf("dial %d: step %d, after it %d; want %+v", dial, step, after, want)
		}
	}
	other := 2
	q := append(Plan{}, p...)
	q = append(q, PlanStep{Number: number("84003"), Rotary: &other, Times: 1},
		PlanStep{Number: number("84003"), Lines: []int{67}, Times: 1})
	for _, tt := range []struct {
		a, b int
		same bool
	}{{0, 1, true}, {1, 2, false}, {2, 3, false}, {3, 5, true}, {5, 6, true}, {6, 7, false}, {2, 7, true},
		{0, 7, false}} {
		if q.SameLines(tt.a, tt.b) != tt.same || q.SameLines(tt.b, tt.a) != tt.same {
			t.Errorf("dials %d and %d from the same lines: %v", tt.a, tt.b, !tt.same)
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Plan
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("%s\n%+v, %v", text, back, err)
	}
	if err := json.Unmarshal([]byte(`[{"number":"84001;ATH","times":1}]`), &back); err == nil {
		t.Error("a number that the number plan cannot have made is read")
	}
}

// The dials of a plan, expanded one by one, agree with its steps.
func TestPlanIsItsDials(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Plan
		var steps []int
		for i, times := range rapid.SliceOfN(rapid.IntRange(1, 4), 1, 6).Draw(t, "times") {
			p = append(p, PlanStep{Times: times})
			for range times {
				steps = append(steps, i)
			}
		}
		if p.Dials() != len(steps) {
			t.Fatalf("%d dials, want %d", p.Dials(), len(steps))
		}
		for dial, step := range steps {
			after := 0
			for j := len(steps) - 1; j > dial && steps[j] != step; j-- {
				if steps[j] == step+1 {
					after = j
				}
			}
			if p.Step(dial) != step || p.After(dial) != after {
				t.Fatalf("dial %d of %v: step %d, after %d; want %d, %d", dial, steps, p.Step(dial), p.After(dial),
					step, after)
			}
		}
	})
}

// Again puts another dial of the same number before the next one, through its next trunk, and keeps the length.
func TestPlanAgain(t *testing.T) {
	steps := func(text string) (p Plan) { // number and trunk
		for _, s := range strings.Fields(text) {
			p = append(p, PlanStep{Number: number(s[:1]), Trunk: s[1:], Times: 1})
		}
		return p
	}
	for _, tt := range []struct {
		plan string
		dial int
		want string
	}{
		{"1 2 3 1 2", 0, "1 1 2 3 1"},
		{"1 2 3 1 2", 2, "1 2 3 3 1"},
		{"1 2 3 1 2", 3, "1 2 3 1 1"},
		{"1 2 3 1 2", 4, "1 2 3 1 2"},
		{"1 1 2 3 1", 1, "1 1 1 2 3"},
		{"1 1 2", 0, "1 1 2"},
		{"1", 0, "1"},
		{"1 1 1", 0, "1 1 1"},
		{"1a 2a 1b 2b", 0, "1a 1b 2a 1b"},
		{"1a 2a 1b 2b", 2, "1a 2a 1b 1a"},
		{"1a 2c 1a 2d", 1, "1a 2c 2d 1a"},
	} {
		p := steps(tt.plan)
		got, from := p.Again(tt.dial)
		if !reflect.DeepEqual(got, steps(tt.want)) {
			t.Errorf("%s after dial %d: %v, want %s", tt.plan, tt.dial, got, tt.want)
		}
		for i, j := range from {
			if !reflect.DeepEqual(got[i], p[j]) {
				t.Errorf("%s after dial %d: step %d is not step %d", tt.plan, tt.dial, i, j)
			}
		}
		if !reflect.DeepEqual(p, steps(tt.plan)) {
			t.Errorf("%s was changed: %v", tt.plan, p)
		}
	}
	thrice := Plan{{Number: number("1"), Times: 3}, {Number: number("2"), Times: 1}}
	if got, _ := thrice.Again(2); !reflect.DeepEqual(got, thrice) {
		t.Errorf("%v", got)
	}
}
