package modem

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// triggers returns all triggers of the rules.
func triggers() []trigger {
	var all []trigger
	for _, r := range rules {
		if !slices.Contains(all, r.on) {
			all = append(all, r.on)
		}
	}
	return all
}

// TestEveryTriggerHasASender: each trigger of the rules is sent by some code, and each trigger that is sent has a
// rule.
func TestEveryTriggerHasASender(t *testing.T) {
	names, declared := map[string]bool{}, map[string]bool{}
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, s := range g.Specs {
					if v, ok := s.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "on") &&
						len(v.Names) == 1 && fmt.Sprint(v.Type) == "trigger" {
						declared[v.Names[0].Name] = true
					}
				}
				continue // and the rules themselves
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					names[id.Name] = true
				}
				return true
			})
		}
	}
	if len(declared) != len(triggers()) {
		t.Errorf("%d triggers are declared, the rules know %d", len(declared), len(triggers()))
	}
	for name := range declared {
		if !names[name] {
			t.Errorf("nothing sends %s", name)
		}
	}
}

// TestPhases: each phase can be reached and left, and the port may be lost in every phase except one.
func TestPhases(t *testing.T) {
	in, out := map[phase]bool{closed: true}, map[phase]bool{}
	for _, r := range rules {
		for _, from := range r.from {
			if r.to != same && r.to != from {
				in[r.to], out[from] = true, true
			}
		}
	}
	for _, p := range phases {
		if !in[p] || !out[p] {
			t.Errorf("%s: reached %v, left %v", p, in[p], out[p])
		}
	}
}

// TestPhasesInTheDocs checks the drawing in the documentation against the rules.
func TestPhasesInTheDocs(t *testing.T) {
	const doc, begin, end = "../../docs/explanation/modem-driver.md", "<!-- rules -->\n", "<!-- end of rules -->\n"
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	body, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no markers for the rules", doc)
	}
	if body == drawing() {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the rules: go test ./lines/modem -run PhasesInTheDocs -update", doc)
	}
	if err := os.WriteFile(doc, []byte(head+begin+drawing()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawing prints the rules as a Mermaid state diagram and as a table.
func drawing() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> closed\n")
	id := func(p phase) string { return strings.ReplaceAll(string(p), " ", "_") }
	var drawn []string
	for _, r := range rules {
		for _, from := range r.from {
			edge := fmt.Sprintf("    %s --> %s: %s\n", id(from), id(r.to), r.on)
			if r.to != same && r.on != onLost && !slices.Contains(drawn, edge) {
				drawn = append(drawn, edge)
				b.WriteString(edge)
			}
		}
	}
	b.WriteString("```\n\nIn each phase, the loss of the port leads to `closed`.\n\n| from | on | when | to | do | " +
		"why |\n|---|---|---|---|---|---|\n")
	for _, r := range rules {
		var from, when, do []string
		for _, p := range r.from {
			from = append(from, string(p))
		}
		if len(from) == len(phases)-1 {
			from = []string{"(any but closed)"}
		}
		for _, g := range r.when {
			when = append(when, g.name)
		}
		for _, a := range r.do {
			do = append(do, a.name)
		}
		to := string(r.to)
		if r.to == same {
			to = "(same)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", strings.Join(from, ", "), r.on, strings.Join(when, ", "),
			to, strings.Join(do, ", "), r.why)
	}
	return b.String()
}
