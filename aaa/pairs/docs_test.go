package pairs

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "update the printed table of docs/reference/av-pairs.md")

const referenceDoc = "../../docs/reference/av-pairs.md"

// written returns how a pair is written in the places of a row.
func written(r Row) string {
	var all []string
	for _, p := range []struct {
		at   Place
		name string
	}{
		{EXEC, "EXEC `shell:`"}, {LCP, "PPP `lcp:`"}, {IP, "PPP `ip:`"}, {IPv6, "PPP `ipv6:`"},
		{Outbound, "dial-out `outbound:`"}, {Ours, "any `ringback:`"},
		{Bare, "without a prefix, RADIUS only"},
	} {
		if r.In&p.at != 0 {
			all = append(all, p.name)
		}
	}
	return strings.Join(all, ", ")
}

func table() string {
	var b strings.Builder
	b.WriteString("| pair | for | fills | rule | source |\n|---|---|---|---|---|\n")
	for _, r := range Table {
		name := "`" + r.Name + "`"
		if r.Many {
			name += ", `" + r.Name + "#n`; may repeat"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, written(r), r.Fills, r.Rule, r.Source)
	}
	return b.String()
}

// TestReferenceTable compares the reference with the table: `go test ./aaa/pairs -run Reference -update` prints it
// again.
func TestReferenceTable(t *testing.T) {
	b, err := os.ReadFile(referenceDoc)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- table: pairs -->\n", "<!-- end of the table -->"
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ends := strings.Cut(rest, end)
	if !ok || !ends {
		t.Fatalf("%s has no place for the table", referenceDoc)
	}
	want := head + begin + table() + end + tail
	switch {
	case want == string(b):
	case *update:
		if err := os.WriteFile(referenceDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: go test ./aaa/pairs -run Reference -update, then read the diff", referenceDoc)
	}
}

// Each row has everything that the reference prints, and no name occurs twice.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Table {
		switch {
		case r.Name == "" || r.Name != strings.ToLower(r.Name) || strings.ContainsAny(r.Name, "=*:#") || seen[r.Name]:
			t.Errorf("invalid name of %+v", r)
		case r.In == 0 || r.Source == "" || r.apply == nil || r.Fills == "" && r.Rule == "":
			t.Errorf("%s: the place, the source, or what it fills or checks is missing", r.Name)
		}
		seen[r.Name] = true
	}
}
