package tacplus

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the printed table of docs/reference/tacacs.md anew")

const referenceDoc = "../../docs/reference/tacacs.md"

// sessions prints for which sessions an attribute is taken.
func sessions(in int) string {
	if in == inAny {
		return "all"
	}
	var all []string
	for i, name := range []string{"EXEC", "PPP lcp", "PPP ip", "PPP ipv6"} {
		if in&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}

func argumentTable() string {
	var b strings.Builder
	b.WriteString("| argument | in | fills | rule | source |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		check := r.check
		if r.many {
			check += "; may repeat"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.name, sessions(r.in), r.field, check, r.source)
	}
	return b.String()
}

// TestReferenceTable holds the table of what is understood to the code's: `go test ./aaa/tacplus -run ReferenceTable -update` prints it anew.
func TestReferenceTable(t *testing.T) {
	b, err := os.ReadFile(referenceDoc)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- table: arguments -->\n", "<!-- end of the table -->"
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ends := strings.Cut(rest, end)
	if !ok || !ends {
		t.Fatalf("%s has no place for the table", referenceDoc)
	}
	want := head + begin + argumentTable() + end + tail
	switch {
	case want == string(b):
	case *update:
		if err := os.WriteFile(referenceDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: go test ./aaa/tacplus -run ReferenceTable -update, then read the diff", referenceDoc)
	}
}

// Each row says all that the reference prints, and no name is there twice.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if r.name == "" || r.in == 0 || r.check == "" || r.source == "" || r.apply == nil || seen[r.name] {
			t.Errorf("row %+v", r)
		}
		seen[r.name] = true
	}
}
