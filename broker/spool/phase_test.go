package spool

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the diagram into the document")

// TestEveryTriggerHasASender: each declared trigger has a rule and is sent by code outside the table.
func TestEveryTriggerHasASender(t *testing.T) {
	var source strings.Builder
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(path, "_test.go") {
			source.Write(text)
		}
	}
	declared := regexp.MustCompile(`\t(on\w+) +trigger = "`).FindAllStringSubmatch(source.String(), -1)
	if len(declared) != 11 {
		t.Errorf("%d triggers are declared", len(declared))
	}
	for _, d := range declared {
		if !strings.Contains(source.String(), "happening{on: "+d[1]) {
			t.Errorf("nothing sends %s", d[1])
		}
		if !strings.Contains(source.String(), ", on: "+d[1]+", to: ") {
			t.Errorf("no rule knows %s", d[1])
		}
	}
}

// TestPhases: each phase can be reached from the first, and left; no two rules cover the same trigger in the same
// phase.
func TestPhases(t *testing.T) {
	in, out, covered := map[phase]bool{open: true}, map[phase]bool{}, map[string]bool{}
	for range phases {
		for _, r := range rules {
			for _, from := range r.from {
				out[from] = true
				in[r.to] = in[r.to] || in[from]
			}
		}
	}
	for _, r := range rules {
		for _, from := range r.from {
			key := fmt.Sprint(from, r.on)
			if covered[key] || !slices.Contains(phases, r.to) {
				t.Errorf("%s on %s to %s", from, r.on, r.to)
			}
			covered[key] = true
		}
	}
	for _, p := range phases {
		if !in[p] || !out[p] {
			t.Errorf("%s: reached %v, left %v", p, in[p], out[p])
		}
	}
}

// TestPhasesInTheDocs compares the document with the rules.
func TestPhasesInTheDocs(t *testing.T) {
	const doc, begin, end = "../../docs/explanation/accounting-spool.md", "<!-- rules -->\n", "<!-- end of rules -->\n"
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	body, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the rules", doc)
	}
	if body == drawing() {
		return
	}
	if !*update {
		t.Fatalf("%s does not match the rules: go test ./broker/spool -run PhasesInTheDocs -update", doc)
	}
	if err := os.WriteFile(doc, []byte(head+begin+drawing()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawing prints the rules as a Mermaid state diagram and as a table.
func drawing() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> open\n")
	id := func(p phase) string { return strings.ReplaceAll(string(p), " ", "_") }
	for _, r := range rules {
		for _, from := range r.from {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", id(from), id(r.to), r.on)
		}
	}
	b.WriteString("```\n\n| from | on | to | do | why |\n|---|---|---|---|---|\n")
	for _, r := range rules {
		var from, do []string
		for _, p := range r.from {
			from = append(from, string(p))
		}
		for _, a := range r.do {
			do = append(do, a.name)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", strings.Join(from, ", "), r.on, r.to, strings.Join(do, ", "),
			r.why)
	}
	return b.String()
}
