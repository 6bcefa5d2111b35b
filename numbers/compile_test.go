package numbers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ringback/ringback/"

// sources type-checks the declarations of this module's packages from their source files. It ignores function bodies,
// and errors about names of other packages.
type sources struct {
	files *token.FileSet
	done  map[string]*types.Package
}

func newSources() *sources {
	return &sources{files: token.NewFileSet(), done: map[string]*types.Package{}}
}

func (s *sources) Import(name string) (*types.Package, error) {
	if p := s.done[name]; p != nil {
		return p, nil
	}
	room, ours := strings.CutPrefix(name, module)
	if !ours {
		p := types.NewPackage(name, path.Base(name))
		p.MarkComplete()
		s.done[name] = p
		return p, nil
	}
	names, err := filepath.Glob(filepath.Join("..", room, "*.go"))
	if err != nil {
		return nil, err
	}
	var parsed []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(s.files, name, nil, 0)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, f)
	}
	c := types.Config{Importer: s, IgnoreFuncBodies: true, Error: func(error) {}}
	p, _ := c.Check(name, s.files, parsed, nil)
	s.done[name] = p
	return p, nil
}

// compile type-checks a declaration of another package.
func (s *sources) compile(t *testing.T, declaration string) error {
	t.Helper()
	src := "package x\nimport (\"" + module + "chat\"; \"" + module +
		"numbers\")\nvar _ chat.Options\nvar _ numbers.Number\n" + declaration
	f, err := parser.ParseFile(s.files, "x.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&types.Config{Importer: s}).Check("x", s.files, []*ast.File{f}, nil)
	return err
}

// The compiler enforces law 7: a chat script dials a Dialstring, which only the plan makes, of a Number and a Template
// that was checked. Outside this package a text becomes a Number only through the plan or Reread.
func TestNoStringIsDialed(t *testing.T) {
	s := newSources()
	for _, good := range []string{
		`var n, _ = numbers.Plan{}.Canonical("84001", numbers.OriginAAA)
		var d, _ = numbers.Plan{}.Dialstring(n, numbers.Template{}); var _ = chat.Options{Dialstring: d}`,
		`var n, _ = numbers.Reread("84001"); var t, _ = numbers.ParseTemplate("9,{number}")
		var d, _ = numbers.Plan{}.Dialstring(n, t); var _ = chat.Options{Dialstring: d}`,
		`var _ = chat.Options{Dialstring: numbers.Dialstring{}}`,
	} {
		if err := s.compile(t, good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		`var _ = chat.Options{Dialstring: "5551234;ATH"}`:                                "cannot use",
		`type mine string; var _ = chat.Options{Dialstring: mine("5551234;ATH")}`:        "cannot use",
		`var _ = numbers.Number("5551234;ATH")`:                                          "cannot convert",
		`var _ = numbers.Number([]byte("5551234;ATH"))`:                                  "cannot convert",
		`type mine struct{ digits string }; var _ = numbers.Number(mine{"5551234;ATH"})`: "cannot convert",
		`var _ = numbers.Number(struct{ digits string }{"5551234;ATH"})`:                 "cannot convert",
		`var _ = numbers.Number{"5551234;ATH"}`:                                          "unexported field",
		`var _ = numbers.Number{digits: "5551234;ATH"}`:                                  "unexported field",
		`func f(n *numbers.Number) { n.digits = "5551234;ATH" }`:                         "undefined",
		`func f(n numbers.Number) { var _ = chat.Options{Dialstring: n} }`:               "cannot use",
		`func f(n numbers.Number) { var _ = n + "5" }`:                                   "mismatched types",
		`func f(n numbers.Number) { n.String()[0] = ';' }`:                               "cannot assign",
		`var _ = numbers.Dialstring("5551234;ATH")`:                                      "cannot convert",
		`var _ = numbers.Dialstring{digits: "5551234;ATH"}`:                              "unexported field",
		`var _ = numbers.Template{after: ";ATH"}`:                                        "unexported field",
	} {
		if err := s.compile(t, bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", bad, err, want)
		}
	}
}

// Only the functions known to validate return a Number from this package.
func TestMakersOfNumbers(t *testing.T) {
	p, err := newSources().Import(module + "numbers")
	if err != nil {
		t.Fatal(err)
	}
	number := p.Scope().Lookup("Number").Type()
	makers := map[string]bool{}
	note := func(f *types.Func) {
		sig := f.Type().(*types.Signature)
		if r := sig.Recv(); r != nil && types.Identical(r.Type(), types.NewPointer(number)) {
			makers[f.Name()] = true
		}
		for v := range sig.Results().Variables() {
			if types.Identical(v.Type(), number) {
				makers[f.Name()] = true
			}
		}
	}
	for _, name := range p.Scope().Names() {
		switch o := p.Scope().Lookup(name).(type) {
		case *types.Func:
			note(o)
		case *types.Var:
			if o.Exported() && types.Identical(o.Type(), number) {
				t.Errorf("the variable %s can be overwritten", name)
			}
		case *types.TypeName:
			if named, ok := o.Type().(*types.Named); ok {
				for m := range named.Methods() {
					note(m)
				}
			}
		}
	}
	if got, want := slices.Sorted(maps.Keys(makers)),
		[]string{"Canonical", "Dialed", "Number", "Reread", "UnmarshalText"}; !slices.Equal(got, want) {
		t.Errorf("Numbers are made by %q, want %q", got, want)
	}
}

// Only code that reads back our own records calls Reread, which bypasses the plan.
func TestWhatIsReread(t *testing.T) {
	// rows of the journal: a plan, past calls, the order of dialed numbers, dials by order, the calls of a record; the
	// numbers of benchmarks; a policy's list, made canonical at load
	allowed := map[string]bool{"broker/plan.go": true, "broker/ended.go": true, "costs/costs.go": true,
		"broker/last.go": true, "broker/ordered.go": true, "cdr/cdr.go": true,
		"bench/dial.go": true, "bench/policy.go": true, "policies/ring.go": true}
	err := filepath.WalkDir("..", func(file string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(file, ".."+string(filepath.Separator)))
		if d.IsDir() && (d.Name() == "testdata" || d.Name() != ".." && strings.HasPrefix(d.Name(), ".") ||
			name == "numbers") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(text), "numbers.Reread(") && !allowed[name] {
			t.Errorf("%s rereads numbers", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
