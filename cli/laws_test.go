package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ringback/ringback/api"
)

const lawsDoc = "../docs/explanation/laws.md"

// TestLaws compares docs/explanation/laws.md with the tree: it has ARCHITECTURE.md's thirteen laws by name, each
// with two or more attackers, which are test functions in the package that the page names.
func TestLaws(t *testing.T) {
	laws := regexp.MustCompile(`(?m)^(\d+)\. \*\*(.+?)\.?\*\*`).FindAllStringSubmatch(readFile(t, "../ARCHITECTURE.md"),
		-1)
	if len(laws) != 13 {
		t.Fatalf("ARCHITECTURE.md has %d laws", len(laws))
	}
	sections := strings.Split(readFile(t, lawsDoc), "\n## ")
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\| .+ \\|$")
	for i, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		if i > 0 && (i > len(laws) || !strings.HasPrefix(title, strconv.Itoa(i)+". "+laws[i-1][2])) {
			t.Errorf("%s: section %q is not law %d of ARCHITECTURE.md", lawsDoc, title, i)
		}
		attackers := row.FindAllStringSubmatch(section, -1)
		if tests := strings.Count(section, "\n| `"); i > 0 && (len(attackers) < 2 || tests != len(attackers)) {
			t.Errorf("%s: %q has %d attackers in %d rows", lawsDoc, title, len(attackers), tests)
		}
		for _, a := range attackers {
			wantTest(t, lawsDoc, a[1], a[2])
		}
	}
	if len(sections) != len(laws)+1 {
		t.Errorf("%s has %d sections for %d laws", lawsDoc, len(sections)-1, len(laws))
	}
	// The tests named in the text before the sections.
	for _, m := range regexp.MustCompile("`((?:[a-z]+/)*[a-z]+)` "+
		"`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(sections[0], -1) {
		wantTest(t, lawsDoc, m[1], m[2])
	}
}

// TestFieldCases compares docs/explanation/ppp-field-cases.md with the tree: each case has a test.
func TestFieldCases(t *testing.T) {
	const doc = "../docs/explanation/ppp-field-cases.md"
	cases := regexp.MustCompile("(?m)^\\| (\\d+) \\|.*\\| `([^`]+)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(
		readFile(t, doc), -1)
	if len(cases) != 12 {
		t.Errorf("%s has %d cases", doc, len(cases))
	}
	for _, c := range cases {
		wantTest(t, doc, c[2], c[3])
	}
}

// TestThreatModel compares docs/explanation/threat-model.md with the tree: each row of an attack has a test, or says
// what is not built, and each test exists. The tests of a package follow its name.
func TestThreatModel(t *testing.T) {
	const doc = "../docs/explanation/threat-model.md"
	attacks := regexp.MustCompile(`(?m)^\| \*\*.*\|$`).FindAllString(readFile(t, doc), -1)
	if len(attacks) < 30 {
		t.Errorf("%s has %d attacks", doc, len(attacks))
	}
	for _, row := range attacks {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		if len(cells) != 4 {
			t.Errorf("%s: %d cells in %s", doc, len(cells), row)
			continue
		}
		if wantTests(t, doc, cells[3]) == 0 && !strings.Contains(row, "not built") {
			t.Errorf("%s: no test in %s", doc, row)
		}
	}
}

// TestFleetGuarantees compares docs/explanation/fleet.md with the tree: each of the nine guarantees has tests that
// attack it.
func TestFleetGuarantees(t *testing.T) {
	const doc = "../docs/explanation/fleet.md"
	text := readFile(t, doc)
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| (.+) \| (.+) \|$`).FindAllStringSubmatch(text, -1)
	guarantees := regexp.MustCompile(`(?m)^(\d+)\. \*\*`).FindAllStringSubmatch(text, -1)
	if len(guarantees) != 9 || len(rows) != len(guarantees) {
		t.Fatalf("%s has %d guarantees, and %d rows of tests", doc, len(guarantees), len(rows))
	}
	for i, row := range rows {
		if row[1] != guarantees[i][1] || wantTests(t, doc, row[3]) < 2 {
			t.Errorf("%s: guarantee %s needs two tests or more: %s", doc, guarantees[i][1], row[0])
		}
	}
}

// wantTests checks the tests that a text names, behind the name of their package, and returns how many there are.
func wantTests(t *testing.T, doc, text string) (tests int) {
	t.Helper()
	dir := ""
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "Test") && !strings.HasPrefix(m[1], "Fuzz") {
			dir = m[1]
			continue
		}
		tests++
		wantTest(t, doc, dir, m[1])
	}
	return tests
}

// wantTest checks that a package has the test function that a document names.
func wantTest(t *testing.T, doc, dir, name string) {
	t.Helper()
	if !testsOf(t, dir)[name] {
		t.Errorf("%s: package %s has no %s", doc, dir, name)
	}
}

var testsByDir = map[string]map[string]bool{} // parsed once, since TestLaws has a hundred lookups

// testsOf returns the functions without a receiver in the tests of a package.
func testsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	if names := testsByDir[dir]; names != nil {
		return names
	}
	paths, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				names[fn.Name.Name] = true
			}
		}
	}
	testsByDir[dir] = names
	return names
}

// TestAPIReference compares the routes in docs/reference/api.md and their roles with those in the OpenAPI description.
func TestAPIReference(t *testing.T) {
	text, err := api.OpenAPI()
	var description struct {
		Paths map[string]map[string]map[string]any
	}
	if err := errors.Join(err, json.Unmarshal(text, &description)); err != nil {
		t.Fatal(err)
	}
	var served, written []string
	for path, methods := range description.Paths {
		for method, op := range methods {
			served = append(served, fmt.Sprint(strings.ToUpper(method), " ", path, " ", op["x-role"]))
		}
	}
	row := regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\| ([a-z]+) \\|")
	for _, m := range row.FindAllStringSubmatch(readFile(t, "../docs/reference/api.md"), -1) {
		written = append(written, m[1]+" "+m[2])
	}
	slices.Sort(served)
	slices.Sort(written)
	if !slices.Equal(served, written) {
		t.Errorf("docs/reference/api.md has %q, the API has %q", written, served)
	}
}

// TestDocsLinks follows the relative links in docs, including those to headings.
func TestDocsLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	err := filepath.WalkDir("../docs", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(readFile(t, path), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := filepath.Join(filepath.Dir(path), target)
			if target == "" {
				file = path
			}
			if text := readFile(t, file); anchor != "" && !slices.Contains(anchors(text), anchor) {
				t.Errorf("%s links to %s: no such heading", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// anchors returns the link anchors of a document's headings.
func anchors(text string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		all = append(all, regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(name, ""))
	}
	return all
}
