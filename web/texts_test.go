package web

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"html"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/a-h/templ/parser/v2"
	"github.com/a-h/templ/parser/v2/visitor"

	"github.com/ringback/ringback/texts"
)

// terms are words that a template may have itself: they are the same in all languages.
var terms = []string{"ringback", "tty", "·"}

// read are the attributes whose values people read or hear.
var read = []string{"aria-label", "aria-description", "data-label", "title", "placeholder", "alt", "label", "summary"}

var letters = regexp.MustCompile(`\pL`)

// TestTemplatesHaveNoText: what people read on a page comes from the dictionary.
func TestTemplatesHaveNoText(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.templ")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		tree, err := parser.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		check := func(text string) error {
			for _, word := range strings.Fields(text) {
				if letters.MatchString(word) && !slices.Contains(terms, word) {
					t.Errorf("%s has the text %q: add it to texts/en/page.yaml", file, text)
				}
			}
			return nil
		}
		v := visitor.New()
		v.Text = func(n *parser.Text) error { return check(n.Value) }
		v.ConstantAttribute = func(n *parser.ConstantAttribute) error {
			if slices.Contains(read, n.Key.String()) {
				return check(n.Value)
			}
			return nil
		}
		if err := tree.Visit(v); err != nil {
			t.Fatal(err)
		}
	}
}

// literals are texts of the code that look like sentences and are no texts of a page: values of the API, classes and
// elements of a page, messages of the stream, units and names that are the same in all languages.
var literals = []string{"hanging up", "in call", "out call", "live, gaps", "cut off", "at once", "given up",
	"failed dials", "  read operate admin", "light dark", "node present", "node been", `<span lang="en">`, "Mon",
	"event: stale\ndata: \n\n", "event: tiles\n", "KiB", "MiB", "GiB", "EXEC", "PPP", "PAP", "CHAP", "EAP"}

var (
	sentence = regexp.MustCompile(`\pL{2,}[,:;]? \pL{2,}|^[A-Z]\pL+$|^[A-Z]\pL+ |^[^/]*\pL[.?!]$`)
	route    = regexp.MustCompile(`^(GET|POST) (/|$)`)
	silent   = []string{"Errorf", "New", "Warn", "Error", "Debug", "Info", "panic", "WriteString", "Set", "Del", "Get",
		"Values", "Add"}
)

// TestCodeHasNoText: no text that a page shows is written in the code. What errors and the log say is in English, and
// headers are not shown.
func TestCodeHasNoText(t *testing.T) {
	t.Parallel()
	for path, file := range parsed(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr:
					name = f.Sel.Name
				case *ast.Ident:
					name = f.Name
				}
				return !slices.Contains(silent, name)
			case *ast.ImportSpec:
				return false
			case *ast.ValueSpec: // the policies of the site's content
				return n.Names[0].Name != "policy" && n.Names[0].Name != "playerPolicy"
			case *ast.Field: // tags
				return n.Tag == nil
			case *ast.CompositeLit: // templ.Error has the file and the line of an expression
				s, ok := n.Type.(*ast.SelectorExpr)
				return !ok || s.Sel.Name != "Error"
			case *ast.BasicLit:
				text, err := strconv.Unquote(n.Value)
				if n.Kind == token.STRING && err == nil && sentence.MatchString(text) &&
					!slices.Contains(literals, text) && !route.MatchString(text) {
					t.Errorf("%s has the text %q: add it to texts/en/page.yaml", path, text)
				}
			}
			return true
		})
	}
}

// parsed returns the files of a directory that are not tests.
func parsed(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v %v", paths, err)
	}
	all := map[string]*ast.File{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		all[path], err = goparser.ParseFile(token.NewFileSet(), path, nil, goparser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestTextsAreUsed: the page uses each of its texts.
func TestTextsAreUsed(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, dir := range []string{".", "../node"} {
		for _, file := range parsed(t, dir) {
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					used[s.Sel.Name] = true
				}
				return true
			})
		}
	}
	n := 0
	for path, file := range parsed(t, "../texts") {
		if !strings.HasPrefix(filepath.Base(path), "page") {
			continue
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if s, ok := node.(*ast.ValueSpec); ok {
				if n++; !used[s.Names[0].Name] {
					t.Errorf("texts.%s is used by no page", s.Names[0].Name)
				}
			}
			return true
		})
	}
	if n == 0 {
		t.Error("the page has no texts")
	}
}

// TestPagesInChinese: a page in Chinese has no English text of the dictionary.
func TestPagesInChinese(t *testing.T) {
	t.Parallel()
	english, chinese := texts.Printer{}, texts.Printer{Language: texts.TraditionalChinese}
	var foreign []string
	for _, k := range texts.Keys() {
		text := english.Text(k)
		if strings.HasPrefix(string(k), "page.") && len(text) > 9 && !strings.ContainsAny(text, "{`*|") &&
			chinese.Text(k) != text {
			foreign = append(foreign, html.EscapeString(text))
		}
	}
	s := newSite(t, Admin)
	s.post("/language", map[string][]string{"language": {"zh-Hant"}}, nil)
	for _, path := range append(pages, "/login", "/explain/login", "/explain/changes", "/history?line=x") {
		body := s.get(path).Body.String()
		if path == "/recordings/none/cast" { // the error is the API's
			body = strings.ReplaceAll(body, "Not Found", "")
		}
		if !strings.Contains(body, `<html lang="zh-Hant"`) {
			t.Errorf("%s: not marked as Chinese", path)
		}
		for _, text := range foreign {
			if strings.Contains(body, ">"+text) || strings.Contains(body, `"`+text) {
				t.Errorf("%s has %q", path, text)
			}
		}
	}
}
