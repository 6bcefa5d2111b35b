package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestArchitecture compares two tables of ARCHITECTURE.md with the tree: the places of "To add something" exist, and
// "Packages" has each directory with Go files, once, and no other.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range tableRows(t, string(text), "## To add something") {
		for _, place := range quoted(row[1]) {
			if found, err := filepath.Glob(filepath.Join("..", place)); err != nil || len(found) == 0 {
				t.Errorf("to add %s: there is no %s", row[0], place)
			}
		}
	}
	rows := map[string]int{}
	for _, row := range tableRows(t, string(text), "## Packages") {
		for _, pkg := range quoted(row[0]) {
			rows[strings.TrimSuffix(pkg, "/")]++
		}
	}
	for _, file := range goFiles(t, "..") {
		pkg := filepath.ToSlash(filepath.Dir(file))
		if rows[pkg] == 0 {
			t.Errorf("ARCHITECTURE.md: Packages has no row for %s", pkg)
			rows[pkg] = 1
		}
	}
	for pkg, n := range rows {
		if files, _ := filepath.Glob(filepath.Join("..", pkg, "*.go")); len(files) == 0 || n > 1 {
			t.Errorf("ARCHITECTURE.md: Packages has %d rows for %s, which has %d Go files", n, pkg, len(files))
		}
	}
}

// tableRows returns the first two cells of each row of the table below a heading, without the table's own heading.
func tableRows(t *testing.T, text, heading string) (rows [][2]string) {
	t.Helper()
	_, section, ok := strings.Cut(text, heading+"\n")
	if !ok {
		t.Fatalf("ARCHITECTURE.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && !strings.HasPrefix(line, "|-") {
			rows = append(rows, [2]string{cells[1], cells[2]})
		}
	}
	if len(rows) < 2 {
		t.Fatalf("ARCHITECTURE.md has no table below %q", heading)
	}
	return rows[1:]
}

var backquoted = regexp.MustCompile("`([^`]+)`")

// quoted returns what stands between back quotes.
func quoted(cell string) (all []string) {
	for _, m := range backquoted.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}
