package cli

import (
	"bufio"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ringback/ringback/"

// TestImports compares the tree with the block `imports` of ARCHITECTURE.md: each package, including its tests,
// imports only the packages of this module that the block lists.
func TestImports(t *testing.T) {
	root := ".."
	allowed := readImports(t, filepath.Join(root, "ARCHITECTURE.md"))
	seen := map[string]bool{}
	for _, file := range goFiles(t, root) {
		pkg := filepath.ToSlash(filepath.Dir(file))
		seen[pkg] = true
		checkFile(t, filepath.Join(root, file), pkg, allowed)
	}
	for pkg := range allowed {
		if p := strings.TrimSuffix(pkg, "_test"); !seen[p] {
			t.Errorf("ARCHITECTURE.md lists %s, which has no Go file", p)
		}
	}
}

// goFiles returns the paths of all Go files below root, relative to it, without testdata and hidden directories.
func goFiles(t *testing.T, root string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || (strings.HasPrefix(name, ".") && name != "." && name != "..") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := filepath.Rel(root, path)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func checkFile(t *testing.T, path, pkg string, allowed map[string][]string) {
	t.Helper()
	if pkg == "bench" || strings.HasPrefix(pkg, "bench/") || strings.HasPrefix(pkg, "scripts/") {
		return // they only measure and print; nothing imports them
	}
	may, ok := allowed[pkg]
	if !ok {
		t.Errorf("%s: package %s has no line in the block imports of ARCHITECTURE.md", path, pkg)
		return
	}
	if strings.HasSuffix(path, "_test.go") {
		may = append(append([]string{pkg}, may...), allowed[pkg+"_test"]...)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	for _, im := range f.Imports {
		name, ours := strings.CutPrefix(strings.Trim(im.Path.Value, `"`), module)
		if ours && !slices.Contains(may, name) && !slices.Contains(may, "*") {
			t.Errorf("%s: %s imports %s, which ARCHITECTURE.md does not allow", path, pkg, name)
		}
	}
}

func readImports(t *testing.T, path string) map[string][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	allowed := map[string][]string{}
	inside := false
	for in := bufio.NewScanner(f); in.Scan(); {
		switch line := in.Text(); {
		case line == "```imports":
			inside = true
		case line == "```":
			inside = false
		case inside:
			pkg, deps, ok := strings.Cut(line, " ->")
			if !ok {
				t.Fatalf("ARCHITECTURE.md: line %q of the block imports has no ` ->`", line)
			}
			allowed[pkg] = strings.Fields(deps)
		}
	}
	if len(allowed) == 0 {
		t.Fatal("ARCHITECTURE.md has no block imports")
	}
	return allowed
}
