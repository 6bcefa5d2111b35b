package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ringback/ringback/config"
)

const lawsDoc = "../../docs/explanation/laws.md"

// TestLaws holds docs/explanation/laws.md to the tree: ARCHITECTURE.md's twelve laws by their names, each with two attackers or more, and all of them
// are test functions of the package that the page says.
func TestLaws(t *testing.T) {
	laws := regexp.MustCompile(`(?m)^(\d+)\. \*\*(.+?)\.?\*\*`).FindAllStringSubmatch(readFile(t, "../../ARCHITECTURE.md"), -1)
	if len(laws) != 12 {
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
			wantTest(t, a[1], a[2])
		}
	}
	if len(sections) != len(laws)+1 {
		t.Errorf("%s has %d sections for %d laws", lawsDoc, len(sections)-1, len(laws))
	}
	// The tests that the text before the sections names.
	for _, m := range regexp.MustCompile("`((?:[a-z]+/)*[a-z]+)` `((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(sections[0], -1) {
		wantTest(t, m[1], m[2])
	}
}

// wantTest checks that a package has a test function of that name.
func wantTest(t *testing.T, dir, name string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == name {
				return
			}
		}
	}
	t.Errorf("%s: package %s has no %s", lawsDoc, dir, name)
}

// TestHowToConfigurations loads what the how-tos give as configuration, so that a newcomer may paste it.
func TestHowToConfigurations(t *testing.T) {
	firstModem := fenced(t, "../../docs/how-to/first-modem.md", "yaml")
	const howTo = "../../testdata/peers/freeradius/howto/"
	line := "lines:\n  - {tty: 1, port: \"serial:///dev/ttyUSB0\"}\n"
	for name, files := range map[string]map[string]string{
		"first modem": {"ringback.yaml": firstModem[0]},
		"FreeRADIUS": {"ringback.yaml": readFile(t, howTo+"aaa.yaml") + line, "policies.d/default.yaml": readFile(t, howTo+"policy.yaml"),
			"radius.secret": "not-a-secret-but-24-octets\n"},
	} {
		dir := t.TempDir()
		t.Setenv("RINGBACK_STATE_DIR", filepath.Join(dir, "state"))
		for file, text := range files {
			path := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if cfg, problems := config.Load(filepath.Join(dir, "ringback.yaml"), nil); cfg == nil {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// fenced returns the fenced blocks of a kind in a document.
func fenced(t *testing.T, path, kind string) (blocks []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)^```$").FindAllStringSubmatch(readFile(t, path), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", path, kind)
	}
	return blocks
}
