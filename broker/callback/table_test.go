package callback

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files; then read the difference")

var waitingPhases = []Phase{Promised, Leasing, Waiting, Dialing, Answered}

func TestEveryWaitingPhaseHasWaysOut(t *testing.T) {
	for _, p := range waitingPhases {
		for _, want := range []On{"TimerFired", "Restarted", "Cancel"} {
			if !slices.ContainsFunc(table, func(r rule) bool { return r.on == want && slices.Contains(r.from, p) }) {
				t.Errorf("no way out of %s on %s", p, want)
			}
		}
	}
}

func TestEveryPhaseIsReachable(t *testing.T) {
	reached := map[Phase]bool{New: true}
	for range phases {
		for _, e := range edges() {
			if reached[e.from] {
				reached[e.to] = true
			}
		}
	}
	for _, p := range phases {
		if !reached[p] {
			t.Errorf("%s cannot be reached", p)
		}
	}
}

func TestNothingLeavesAnEnd(t *testing.T) {
	for _, e := range edges() {
		if e.from.Terminal() {
			t.Errorf("%s → %s on %v", e.from, e.to, e.on)
		}
	}
}

func TestDialOnlyOnTheWayToDialing(t *testing.T) {
	for i, r := range table {
		for _, a := range r.do {
			if a.name == dial.name && (r.to != Dialing || r.do[0].name != countAttempt.name) {
				t.Errorf("rule %d dials without counting the attempt", i)
			}
		}
	}
}

// TestNoRuleHidesAnother checks that no rule is dead: a rule is, if all conditions of an earlier rule for the same
// phase and event are among its own.
func TestNoRuleHidesAnother(t *testing.T) {
	for i, a := range table {
		for j, b := range table[i+1:] {
			if a.on != b.on || !slices.ContainsFunc(b.from, func(p Phase) bool { return slices.Contains(a.from, p) }) {
				continue
			}
			hidden := true
			for _, g := range a.when {
				hidden = hidden && slices.ContainsFunc(b.when, func(h guard) bool { return h.name == g.name })
			}
			if hidden {
				t.Errorf("rule %d (%s) is never reached after rule %d", i+1+j, b.on, i)
			}
		}
	}
}

func TestDiagramIsInTheDocs(t *testing.T) {
	const doc = "../../docs/explanation/callback-machine.md"
	const begin, end = "<!-- the table: printed by a test of broker/callback, do not edit -->\n",
		"<!-- end of the table -->\n"
	b, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	body, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s does not have the marks %q and %q", doc, begin, end)
	}
	if body == Diagram() {
		return
	}
	if !*update {
		t.Fatalf("%s does not match the table: go test ./broker/callback -update", doc)
	}
	if err := os.WriteFile(doc, []byte(head+begin+Diagram()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEventsAndTable checks the event types of event.go against the table: each is the event of a rule under its own
// name, and no rule has an unknown event.
func TestEventsAndTable(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.Name == "input" {
			types[fn.Recv.List[0].Type.(*ast.Ident).Name] = true
		}
	}
	rules := map[string]bool{}
	for _, r := range table {
		rules[string(r.on)] = true
		if !types[string(r.on)] {
			t.Errorf("the table has rules for %s, and there is no such event", r.on)
		}
	}
	for name := range types {
		if !rules[name] {
			t.Errorf("no rule of the table is for %s", name)
		}
		e := fields{}.event(name)
		if e == nil {
			t.Errorf("stories cannot contain %s", name)
		} else if on := e.input().on; string(on) != name {
			t.Errorf("%s is %s in the table", name, on)
		}
	}
	if len(types) < 15 {
		t.Errorf("found %d events only", len(types))
	}
}
