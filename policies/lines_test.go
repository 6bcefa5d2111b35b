package policies

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/texts"
)

// withLines is a site with the rotaries 1 (tty 1 to 4) and 2 (tty 5 and 6), and tty 9 in none.
func withLines() Site {
	s := site
	for _, rotary := range []int{1, 1, 1, 1, 2, 2} {
		s.Lines = append(s.Lines, SiteLine{TTY: len(s.Lines) + 1, Rotary: &rotary})
	}
	s.Lines = append(s.Lines, SiteLine{TTY: 9})
	return s
}

func TestCallbackLines(t *testing.T) {
	rotary := func(n int) LineChoice { return LineChoice{Rotary: &n} }
	ttys := func(first, last int) LineChoice { return LineChoice{First: first, Last: last} }
	only := func(c ...LineChoice) Policy { return Policy{CallbackLines: c} }
	lines := func(l ...int) func(*aaa.Authorization) { return func(a *aaa.Authorization) { a.Lines = l } }
	rotaryOf := func(n int) func(*aaa.Authorization) { return func(a *aaa.Authorization) { a.Rotary = &n } }
	other := func(p Policy) Policy { p.OtherLine = true; return p }
	for name, tt := range map[string]struct {
		p      Policy
		called int // in rotary 1
		auth   func(*aaa.Authorization)
		want   []int // nil: refused
		tiers  []int
	}{
		"lines in their order":           {only(ttys(9, 9), ttys(5, 6)), 1, nil, []int{9, 5, 6}, nil},
		"a rotary":                       {only(rotary(2)), 1, nil, []int{5, 6}, []int{2}},
		"its called line is last":        {only(rotary(1), rotary(2)), 2, nil, []int{1, 3, 4, 2, 5, 6}, []int{3, 1, 2}},
		"each once":                      {only(ttys(3, 3), rotary(1)), 2, nil, []int{3, 1, 4, 2}, []int{1, 2, 1}},
		"not the called line":            {other(only(rotary(1))), 2, nil, []int{1, 3, 4}, []int{3}},
		"only the called line":           {other(only(ttys(2, 2))), 2, nil, nil, nil},
		"other lines of the rotary":      {other(Policy{}), 2, nil, []int{1, 3, 4}, []int{3}},
		"AAA's lines, in its order":      {only(rotary(1)), 1, lines(4, 9, 3), []int{4, 3}, nil},
		"AAA's lines are not among":      {only(rotary(1)), 1, lines(9), nil, nil},
		"AAA's rotary":                   {only(ttys(1, 9)), 1, rotaryOf(2), []int{5, 6}, []int{2}},
		"AAA's rotary is not among":      {only(rotary(1)), 1, rotaryOf(2), nil, nil},
		"AAA's rotary has no lines":      {only(rotary(1)), 1, rotaryOf(7), nil, nil},
		"AAA's line is the called one":   {other(Policy{}), 2, lines(2), nil, nil},
		"AAA's lines without the called": {other(Policy{}), 2, lines(2, 9), []int{9}, nil},
	} {
		r := Request{Auth: fixed, Service: aaa.EXEC, TTY: tt.called, Line: Line{Rotary: ptr(1)}}
		if tt.auth != nil {
			r.Auth = with(r.Auth, tt.auth)
		}
		s := mustServe(t, withLines(), tt.p)
		d, trace := s.Evaluate(r)
		refused := d.Outcome == Refuse && d.Text == texts.RefusedCallback && strings.Contains(d.Reason, "has no line")
		if !slices.Equal(d.Lines, tt.want) || !slices.Equal(d.Tiers, tt.tiers) ||
			(tt.want == nil) != refused || d.Rotary != nil {
			t.Errorf("%s: tty %v, tiers %v\n%s", name, d.Lines, d.Tiers, trace)
		}
		if tt.want == nil {
			continue
		}
		for _, renewed := range []bool{false, true} { // nothing has changed
			again := r
			again.Promised, again.Renewed = &d, renewed
			if now, trace := s.Evaluate(again); now.Outcome != CallBack ||
				!slices.Equal(now.Lines, tt.want) || !slices.Equal(now.Tiers, tt.tiers) {
				t.Errorf("%s, before the dial: tty %v\n%s", name, now.Lines, trace)
			}
		}
	}
}

// Where the lines of the site or the called line are not known, nothing is decided about them.
func TestCallbackLinesUnknown(t *testing.T) {
	for _, tt := range []struct {
		site Site
		p    Policy
	}{
		{site, Policy{CallbackLines: []LineChoice{{First: 1, Last: 1}}}},
		{withLines(), Policy{OtherLine: true}},
	} {
		if d, trace := mustServe(t, tt.site, tt.p).Evaluate(Request{Auth: fixed, Service: aaa.EXEC}); d.Lines != nil ||
			d.Outcome != CallBack || !strings.Contains(trace.String(), "not known here") {
			t.Errorf("%+v\n%s", d, trace)
		}
	}
}

func TestCallbackLinesProblems(t *testing.T) {
	for text, want := range map[string]string{
		"[{line: 1}, {rotary: 2}]": "",
		"[{line: 7-9}]":            "",
		"[{line: 7-8}]": "g.yaml:2:18: callback_lines[0]: no line that dials is in {line: 7-8} (see the key " +
			"lines",
		"[{rotary: 3}]":          "no line that dials is in {rotary: 3}",
		"[{}]":                   "must have one of line and rotary",
		"[{line: 1, rotary: 1}]": "must have one of line and rotary",
		"[{line: x}]":            `"x" is not a TTY number`,
	} {
		l := loader{files: map[string]*policyFile{}}
		l.parse("g.yaml", "g.yaml", []byte("group: g\ncallback_lines: "+text+"\n"))
		if s, problems := l.set(withLines()); (s != nil) != (want == "") || !strings.Contains(problems.String(), want) {
			t.Errorf("%s: %v", text, problems)
		}
	}
}
