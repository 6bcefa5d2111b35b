package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/ringback/ringback/texts"
)

// textConstants returns the constants of package texts that are Keys: their values by their names.
func textConstants(t *testing.T) map[string]texts.Key {
	t.Helper()
	all := map[string]texts.Key{}
	files, err := filepath.Glob("../texts/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && isIdent(spec.Type, "Key") && len(spec.Values) == 1 {
				all[spec.Names[0].Name] = texts.Key(literal(spec.Values[0]))
			}
			return true
		})
	}
	if len(all) < 50 {
		t.Fatalf("%d constants", len(all))
	}
	return all
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// literal returns the value of a string literal; "" for another expression.
func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		s, _ := strconv.Unquote(lit.Value)
		return s
	}
	return ""
}

// keyName returns the name of a constant of package texts; "" for another expression.
func keyName(e ast.Expr) string {
	if sel, ok := e.(*ast.SelectorExpr); ok && isIdent(sel.X, "texts") {
		return sel.Sel.Name
	}
	return ""
}

// TestTexts: each key of the dictionary is used, gets a value for each of its placeholders, and no key is made outside
// of it.
func TestTexts(t *testing.T) {
	constants, used := textConstants(t), map[string]bool{}
	for _, file := range goFiles(t, "..") {
		keys := strings.HasPrefix(file, "texts/caller") || strings.HasPrefix(file, "texts/page")
		if strings.HasSuffix(file, "_test.go") || keys {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join("..", file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if f.Name.Name == "texts" {
					used[n.Name] = true
				}
			case *ast.SelectorExpr:
				if _, known := constants[keyName(n)]; known {
					used[keyName(n)] = true
				}
			case *ast.CallExpr:
				if keyName(n.Fun) == "Key" && literal(n.Args[0]) != "" {
					t.Errorf("%s: a key is made outside of package texts", fset.Position(n.Pos()))
				}
				for i, arg := range n.Args {
					if !printsKeys[calledName(n)] {
						break
					}
					k, known := constants[keyName(arg)]
					if want := len(texts.Placeholders(k)); known && want > 0 && len(n.Args)-i-1 != want &&
						n.Ellipsis == token.NoPos {
						t.Errorf("%s: %s has %d values; its placeholders are %q", fset.Position(n.Pos()), keyName(arg),
							len(n.Args)-i-1, texts.Placeholders(k))
					}
				}
			case *ast.CompositeLit:
				checkMessage(t, fset, n, constants)
			}
			return true
		})
	}
	for name := range constants {
		if !used[name] {
			t.Errorf("texts.%s is not used", name)
		}
	}
}

// printsKeys are the functions that take a key and then its values.
var printsKeys = map[string]bool{"Text": true, "text": true, "say": true, "tell": true, "complaint": true}

// checkMessage compares the values of a texts.Message or texts.Error with the placeholders of its key.
func checkMessage(t *testing.T, fset *token.FileSet, n *ast.CompositeLit, constants map[string]texts.Key) {
	t.Helper()
	if typ := keyName(n.Type); typ != "Message" && typ != "Error" {
		return
	}
	key, values := "", 0
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		switch {
		case !ok:
			t.Errorf("%s: write the names of its fields", fset.Position(n.Pos()))
		case isIdent(kv.Key, "Key"):
			key = keyName(kv.Value)
		case isIdent(kv.Key, "Args"):
			if list, ok := kv.Value.(*ast.CompositeLit); ok {
				values = len(list.Elts)
			}
		}
	}
	if k, known := constants[key]; known && len(texts.Placeholders(k)) != values {
		t.Errorf("%s: %s has %d values; its placeholders are %q", fset.Position(n.Pos()), key, values,
			texts.Placeholders(k))
	}
}

// callersSinks are the functions by which the packages of callers' terminals write text, and the fields whose text
// callers read.
var (
	callersSinks = map[string]bool{"say": true, "talk": true, "ask": true, "WriteString": true, "Fprint": true,
		"Fprintf": true, "Fprintln": true, "Write": true, "Later": true, "ReadFirst": true, "ReadLine": true,
		"ReadPassword": true, "Notify": true}
	// The first argument of these is a Key, or of promptFor the second.
	keySinks = map[string]bool{"tell": true, "fail": true, "complaint": true, "text": true, "Text": true,
		"badSecrets": true}
	callersFields = map[string]bool{"Help": true, "Text": true, "Notice": true}
)

// TestCallersTexts: what callers read is in the dictionary. The packages of their terminals write no literal text to
// them, and no other package gives one to a session.
func TestCallersTexts(t *testing.T) {
	checked := 0
	for _, file := range goFiles(t, "..") {
		pkg := filepath.ToSlash(filepath.Dir(file))
		terminals := pkg == "session" || pkg == "session/exec" || pkg == "console"
		if strings.HasSuffix(file, "_test.go") || !terminals {
			continue
		}
		checked++
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join("..", file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		report := func(e ast.Expr) {
			ast.Inspect(e, func(n ast.Node) bool {
				if _, call := n.(*ast.CallExpr); call && n != e {
					return false // what it returns is checked there
				}
				if lit, ok := n.(*ast.BasicLit); ok && speaks(literal(lit)) {
					t.Errorf("%s: callers read %s: put it into the dictionary", fset.Position(n.Pos()), lit.Value)
				}
				return true
			})
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch name := calledName(n); {
				case callersSinks[name]:
					for _, arg := range n.Args {
						report(arg)
					}
				case keySinks[name] && len(n.Args) > 0:
					report(n.Args[0])
				}
			case *ast.KeyValueExpr:
				if id, ok := n.Key.(*ast.Ident); ok && callersFields[id.Name] {
					report(n.Value)
				}
			case *ast.BasicLit: // an error line of IOS, wherever it is written
				if s := literal(n); strings.HasPrefix(strings.TrimSpace(s), "% ") && speaks(s) {
					t.Errorf("%s: %s looks like a text for callers", fset.Position(n.Pos()), n.Value)
				}
			}
			return true
		})
	}
	if checked < 20 {
		t.Errorf("only %d files were found", checked)
	}
}

// calledName returns the name of the function or method of a call.
func calledName(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// speaks reports whether a literal has words: letters besides verbs of fmt.
func speaks(s string) bool {
	for _, verb := range []string{"%s", "%d", "%q", "%v", "%-*s", "%*s", "<cr>"} {
		s = strings.ReplaceAll(s, verb, "")
	}
	return strings.ContainsFunc(s, unicode.IsLetter)
}
